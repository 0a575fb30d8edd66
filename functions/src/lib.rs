//! Every handler of Herald: one file per route, queue and schedule, and the table that names them.
//!
//! A handler's name in `template.yaml`, its module path and its event file are the same words.

pub mod accounts;
pub mod analytics;
pub mod api_keys;
pub mod app;
pub mod audit;
pub mod competitors;
pub mod connections;
pub mod console;
pub mod handlers;
pub mod oauth;
pub mod openapi;
pub mod ops;
pub mod posts;
pub mod runtime;
pub mod schedules;
pub mod settings;
pub mod talents;
pub mod view;
pub mod workers;
pub mod workspace;

pub use app::App;
pub use settings::Settings;
