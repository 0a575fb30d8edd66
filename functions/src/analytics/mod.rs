//! Figures: one file per route, and what several of them need.

pub mod access;
pub mod audience;
pub mod benchmarks;
pub mod best_times;
pub mod course;
pub mod export;
pub mod forecast;
pub mod get;
pub mod posts;
pub mod range;
pub mod recommendations;
pub mod shown;
pub mod subject;
pub mod summary;
pub mod trends;
pub mod zone;
