//! Operations: what the installation can do and how it is.

pub mod capabilities;
pub mod health;
pub mod options;
pub mod queue_stats;
pub mod redrive;
