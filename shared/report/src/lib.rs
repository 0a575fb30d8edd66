//! The report of a talent's accounts as a PDF that can be sent to a client: one page per platform, with its key figures, the
//! course of its followers, its best posts and its audience.
//!
//! Figures in, a document out: nothing is read here but the fonts. Text of people is drawn in whatever script they wrote it,
//! as far as [`Fonts`] go; a character that no font has is shown as an empty box and never left out.

mod chart;
mod document;
mod fonts;
mod page;
mod text;

#[cfg(test)]
mod tests;

use jiff::civil::Date;

pub use document::render;
pub use fonts::{FAMILIES, Fonts};
pub use page::POSTS;

/// Why there is no document.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A font file is missing: the layer is not attached, or was not built.
    #[error("the fonts of the report are not in {0}")]
    NoFonts(String),
    /// The document could not be written.
    #[error("the document could not be written: {0}")]
    Document(String),
}

/// A report.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    /// Whose accounts these are.
    pub talent: String,
    /// The days it is about, the last one included.
    pub days: (Date, Date),
    /// Where its days begin: the name of a time zone.
    pub zone: String,
    /// When it was made.
    pub made_at: jiff::Zoned,
    /// The platforms, in the order of their pages.
    pub platforms: Vec<Platform>,
}

/// A platform, and so a page.
#[derive(Debug, Clone, PartialEq)]
pub struct Platform {
    /// Its name as people write it.
    pub name: String,
    /// The handles of the accounts there.
    pub handles: Vec<String>,
    /// When the newest of the figures was seen.
    pub as_of: Option<jiff::Zoned>,
    /// The key figures, in their order.
    pub figures: Vec<KeyFigure>,
    /// Followers at the end of each day. A day without a figure is a gap.
    pub followers: Vec<(Date, Option<f64>)>,
    /// The best posts, the best first.
    pub posts: Vec<Post>,
    /// How many posts there were in these days.
    pub post_count: usize,
    /// Who follows: each part for itself.
    pub audience: Vec<Part>,
}

/// A figure, or why there is none.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Figure {
    /// A number.
    Number(f64),
    /// A share in percent.
    Percent(f64),
    /// There is no number, for this reason.
    Missing(Reason),
}

/// Why a figure is missing. None of them is a zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// The platform has not reported it yet.
    Pending,
    /// The platform has no such figure.
    NotOffered,
    /// Nobody looked in these days.
    NotMeasured,
    /// There were no posts that could have it.
    NoPosts,
}

impl Reason {
    /// In words.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Pending => "not reported yet",
            Self::NotOffered => "not offered",
            Self::NotMeasured => "not measured",
            Self::NoPosts => "no posts",
        }
    }
}

/// A key figure, and what it was in the equally long time before.
#[derive(Debug, Clone, PartialEq)]
pub struct KeyFigure {
    /// Its name.
    pub name: String,
    /// Now.
    pub now: Figure,
    /// Before.
    pub before: Figure,
}

/// A post.
#[derive(Debug, Clone, PartialEq)]
pub struct Post {
    /// What its author wrote.
    pub caption: String,
    /// The day it was published.
    pub day: Date,
    /// Photo, video and so on, in a word.
    pub kind: String,
    /// Views.
    pub views: Figure,
    /// Engagement.
    pub engagement: Figure,
    /// The rate of its engagement.
    pub rate: Figure,
    /// Where it stands, if that is known.
    pub url: Option<String>,
}

/// A part of an audience.
#[derive(Debug, Clone, PartialEq)]
pub struct Part {
    /// Countries, ages and so on.
    pub name: String,
    /// Shares in percent, in their order; or why there are none.
    pub shares: Result<Vec<(String, f64)>, Reason>,
}
