//! Files that go with a post: what they are, and reading them from where the person put them.
//!
//! [`probe`] looks at the first bytes, before a post is stored and again before it goes out. [`Sources`] reads a file
//! in pieces or as a stream while it is sent on; no file is ever held whole. Both go through the guarded client: https
//! and public addresses only, every redirect checked.

mod probe;
mod reader;
mod sniff;
mod sources;
#[doc(hidden)]
pub mod testing;
mod version;

pub use probe::{MOST_BYTES, probe, probe_all};
pub use sniff::{Sniffed, sniff};
pub use sources::{LARGEST_READ, READ_DEADLINE, Sources};
