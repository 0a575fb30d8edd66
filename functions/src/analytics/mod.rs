//! Figures: one file per route, and what several of them need.

pub mod access;
pub mod zone;
