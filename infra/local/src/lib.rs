//! The whole bundle on one machine: gateway, queues, schedules, embedded DynamoDB, issuer and simulator, all put
//! together from `template.yaml`.

pub mod bus;
pub mod clock;
pub mod control;
pub mod cpu;
pub mod crossings;
pub mod database;
pub mod doorbell;
pub mod event;
pub mod faults;
pub mod gateway;
pub mod ids;
mod intrinsic;
pub mod login;
mod model;
pub mod permissions;
pub mod poller;
pub mod queue;
pub mod routes;
pub mod schedule;
pub mod scope;
mod simulated;
pub mod stack;
pub mod tables;
pub mod template;
pub mod token;
pub mod welcome;
pub mod world;

pub use stack::{Options, Stack};
