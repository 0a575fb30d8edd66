//! Consent: the way to the platform and the way back.

pub mod callback;
pub mod client_metadata;
pub mod connect;

/// The cookie that ties a consent to the browser it was started in. `__Host-` cookies are set by this host alone.
pub const COOKIE: &str = "__Host-herald-oauth";
