//! The HTTP glue: every route passes it, on Lambda and on a laptop alike.

mod access;
mod body;
mod error;
mod gate;
mod message;

pub use access::Access;
pub use body::{json, optional_json};
pub use error::ApiError;
pub use gate::{Gate, MAX_BODY};
pub use message::{Request, Response};
