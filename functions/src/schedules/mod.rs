//! One file per schedule.

pub mod analytics_sweep;
pub mod count_states;
pub mod fetch_jwks;
pub mod ring_due;
