//! The one door to the outside world.
//!
//! Every URL that a user or a platform can influence goes through [`Outbound`]: https only, public addresses only,
//! the checked address is the one connected to, redirects only where asked for and each hop checked again, limits on
//! time and size. Large bodies go both ways in pieces ([`Streamed`], [`Incoming`]). `HERALD_UPSTREAM` turns the whole
//! world into one stand-in server (`docs/ARCHITECTURE.md`).

mod address;
mod call;
mod client;
mod config;
mod fuse;
mod incoming;
pub mod probe;
mod resolver;
mod streamed;

pub use address::{is_public, refuse_url};
pub use call::{Answer, Call, OutboundError, Payload};
pub use client::Outbound;
pub use config::{InvalidConfig, UpstreamConfig};
pub use fuse::{Fuse, Moment};
pub use incoming::Incoming;
pub use probe::{Crossing, NoProbe, Phase, Probe};
#[doc(hidden)]
pub use resolver::{Looking, Lookup};
pub use streamed::{Pieces, Streamed};
