//! What a workspace has set: one file per route.

pub mod update;
