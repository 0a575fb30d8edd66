//! The table, the doorbell, the vault, telemetry and the HTTP glue.

pub mod audit;
pub mod auth;
pub mod bus;
pub mod config;
pub mod doorbell;
pub mod http;
pub mod sdk;
pub mod table;
pub mod telemetry;
#[cfg(test)]
pub mod testing;
pub mod vault;
pub mod work;

pub use bus::{Bus, EventBridge};
pub use doorbell::{Doorbell, Queues, Ring};
pub use table::{StoreError, Table};
pub use vault::Vault;
