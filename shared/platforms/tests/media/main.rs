//! Files on real servers: looked at, read in pieces, streamed on.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop where it stands")]

mod looking;
mod reading;
mod server;
mod streaming;
