//! What all platforms share in checking and counting a text.

mod count;
mod problems;
mod scan;

pub use count::{characters, count, graphemes, nfc, utf16};
pub use problems::{common_problems, follow_up_field, text_limit};
pub use scan::{hashtags, links, mentions};
