//! One file per schedule.

pub mod count_states;
pub mod fetch_jwks;
pub mod ring_due;
