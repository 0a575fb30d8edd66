//! What a file may measure: its duration and its sides.

use domain::content::{Media, MediaKind};
use serde::{Deserialize, Serialize};

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Quantity {
    /// How long a video lasts, in milliseconds.
    DurationMs,
    /// Its width in pixels.
    Width,
    /// Its height in pixels.
    Height,
    /// The longer of its sides, in pixels.
    LongSide,
    /// The shorter of its sides, in pixels.
    ShortSide,
    /// Width and height together, in pixels.
    Sides,
    /// Width times height, in pixels.
    Pixels,
    /// Width by height, in thousandths: 1910 is 1.91:1.
    RatioThousandths,
}

impl Quantity {
    /// What `file` measures; `None` where nobody knows.
    #[must_use]
    pub fn of(self, file: &Media) -> Option<u64> {
        let sides = || Some((u64::from(file.width?), u64::from(file.height?)));
        match self {
            Self::DurationMs => file.duration_ms,
            Self::Width => sides().map(|(width, _)| width),
            Self::Height => sides().map(|(_, height)| height),
            Self::LongSide => sides().map(|(width, height)| width.max(height)),
            Self::ShortSide => sides().map(|(width, height)| width.min(height)),
            Self::Sides => sides().map(|(width, height)| width + height),
            Self::Pixels => sides().map(|(width, height)| width * height),
            Self::RatioThousandths => {
                sides().and_then(|(width, height)| (width * 1_000 + height / 2).checked_div(height))
            }
        }
    }
}

/// A limit of what one kind of file measures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Measure {
    /// The kind.
    pub kind: MediaKind,
    /// What is measured.
    pub of: Quantity,
    /// The least.
    pub min: Option<u64>,
    /// The most.
    pub max: Option<u64>,
    /// Whether a file that misses it may still be taken: a warning instead of an error.
    pub advised: bool,
}

impl Measure {
    /// At most `max`.
    #[must_use]
    pub const fn most(kind: MediaKind, of: Quantity, max: u64) -> Self {
        Self { kind, of, min: None, max: Some(max), advised: false }
    }

    /// At least `min`.
    #[must_use]
    pub const fn least(kind: MediaKind, of: Quantity, min: u64) -> Self {
        Self { kind, of, min: Some(min), max: None, advised: false }
    }

    /// From `min` to `max`.
    #[must_use]
    pub const fn within(kind: MediaKind, of: Quantity, min: u64, max: u64) -> Self {
        Self { kind, of, min: Some(min), max: Some(max), advised: false }
    }

    /// The same as advice.
    #[must_use]
    pub const fn as_advice(self) -> Self {
        Self { advised: true, ..self }
    }
}
