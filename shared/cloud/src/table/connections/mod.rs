//! Connections: the row, its guards, and every transaction that changes them for a person.

mod change;
mod find;
mod guards;
mod remove;
mod row;
#[cfg(test)]
mod tests;

pub use change::{Change, changed, changed_in_between, insert, update, update_with};
pub use find::{get, holder, list};
pub use guards::{Guards, Lesson, holder_of};
pub use remove::{EraseRow, leave_to_erase, remove};
pub use row::{Row, card, read};
