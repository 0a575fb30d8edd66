//! API keys: for programs that have no issuer.

pub mod create;
pub mod list;
pub mod revoke;
