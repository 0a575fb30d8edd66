//! Talents: whose accounts are connected.

pub mod list;
pub mod save;
pub mod social_intelligence;
