//! What the figures of posts and accounts mean: sums and rates, when to look again, and what can be learned from them.
//!
//! A figure that is not there is never zero, and what rests on too little is not said.

pub mod audience;
pub mod best_times;
pub mod figure;
pub mod forecast;
pub mod history;
pub mod ladder;
pub mod recommend;
pub mod span;
pub mod totals;

pub use audience::{Audience, Shares};
pub use figure::Figure;
pub use history::{History, Look};
pub use totals::Totals;
