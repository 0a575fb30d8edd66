//! The one table: its keys, its rows and the few ways of reading and writing them.
//!
//! A row is written by the module that names it ([`connections`], [`tokens`], …); keys are made in [`keys`] alone.

pub mod api_keys;
pub mod audiences;
pub mod audit_log;
pub mod budgets;
pub mod bulk;
mod client;
pub mod competitors;
pub mod connections;
pub mod deliveries;
pub mod events;
pub mod idempotency;
pub mod keys;
pub mod looks;
pub mod months;
pub mod oauth_states;
pub mod platform_apps;
pub mod points;
pub mod posts;
pub mod publications;
pub mod slots;
pub mod stats;
pub mod sweeps;
pub mod talents;
pub mod tokens;
mod transact;

pub use client::{Item, StoreError, Table, demand, field, held, json, millis, n, number, s};
pub use transact::{Outcome, Refusal, Transaction};
