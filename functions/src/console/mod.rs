//! The web console: its files, compiled into the bundle, and what the pages must know of this installation.

pub mod files;
pub mod policy;
pub mod settings;
