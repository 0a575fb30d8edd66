//! The use cases that several routes and workers share: linking an account, an app's credentials, live tokens.

pub mod credentials;
pub mod link;
pub mod reconnect;
pub mod tokens;
