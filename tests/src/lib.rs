//! What the black-box suites share: a running stack, a client that speaks the contract, the outside world.

pub mod author;
pub mod browser;
pub mod client;
pub mod consent;
pub mod deployment;
pub mod eventually;
pub mod place;
pub mod process;
pub mod routes;
pub mod rows;
pub mod runtime_api;
pub mod stack;
