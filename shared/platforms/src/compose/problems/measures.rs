//! Files: how long they last, how large and of which shape they are. What is not known is no problem.

use domain::content::{Media, MediaKind, Problem, Severity};

use super::Check;
use super::files::word;
use crate::publish::{Measure, Quantity};

/// A video that is longer by less than this is taken: its last frame and its sound end a little apart.
const LEEWAY_MS: u64 = 999;

impl Check<'_> {
    /// What a file misses.
    pub(super) fn measured(&self, n: usize, file: &Media) -> Vec<Problem> {
        let here = self.facts.measures.iter().filter(|measure| measure.kind == file.kind);
        here.filter_map(|measure| self.missed(n, file, &self.stated(*measure))).collect()
    }

    /// The measure with what the account's own server says in place of the facts.
    fn stated(&self, measure: Measure) -> Measure {
        let own = match (measure.of, measure.kind) {
            (Quantity::Pixels, MediaKind::Image | MediaKind::Gif) => self.limits.max_image_pixels,
            (Quantity::Pixels, MediaKind::Video) => self.limits.max_video_pixels,
            _ => None,
        };
        Measure { max: own.or(measure.max), ..measure }
    }

    fn missed(&self, n: usize, file: &Media, measure: &Measure) -> Option<Problem> {
        let found = measure.of.of(file)?;
        let (least, most) = match measure.of {
            Quantity::DurationMs => (measure.min, measure.max.map(|max| max.saturating_add(LEEWAY_MS))),
            // A percent on either side is left to the platform: it rounds, and 1200 × 628 is 1.911.
            Quantity::RatioThousandths => {
                (measure.min.map(|min| min * 99 / 100), measure.max.map(|max| max * 101 / 100))
            }
            _ => (measure.min, measure.max),
        };
        let (short, long) = (least.is_some_and(|least| found < least), most.is_some_and(|most| found > most));
        if !short && !long {
            return None;
        }
        let code = match (measure.of, long) {
            (Quantity::DurationMs, true) => "video_too_long",
            (Quantity::DurationMs, false) => "video_too_short",
            (Quantity::RatioThousandths, _) => "aspect_ratio",
            _ => "dimensions_refused",
        };
        let severity = if measure.advised { Severity::Warning } else { Severity::Error };
        let message = format!("{} {}", has(n, file, measure.of, found), self.takes(measure));
        Some(Problem { severity, ..Problem::error(code, format!("mediaUrls[{n}]"), message) })
    }

    fn takes(&self, measure: &Measure) -> String {
        let (name, what) = (self.name(), word(measure.kind, 2));
        let takes = if measure.advised { "advises" } else { "takes" };
        let shown = |value| amount(measure.of, value);
        let (before, range) = (subject(measure.of), (measure.min, measure.max));
        match range {
            (Some(min), Some(max)) => format!("{name} {takes} {what} {before} {} to {}.", shown(min), shown(max)),
            (Some(min), None) => format!("{name} {takes} {what} {before} at least {}.", shown(min)),
            (None, Some(max)) => format!("{name} {takes} {what} {before} at most {}.", shown(max)),
            (None, None) => format!("{name} {takes} {what}."),
        }
    }
}

fn has(n: usize, file: &Media, of: Quantity, found: u64) -> String {
    let n = n + 1;
    match (of, file.width, file.height) {
        (Quantity::DurationMs, ..) => format!("File {n} lasts {}.", amount(of, found)),
        (_, Some(width), Some(height)) => format!("File {n} is {width} × {height} pixels."),
        _ => format!("File {n} has {}.", amount(of, found)),
    }
}

const fn subject(of: Quantity) -> &'static str {
    match of {
        Quantity::DurationMs => "of",
        Quantity::Width => "with a width of",
        Quantity::Height => "with a height of",
        Quantity::LongSide => "whose longer side has",
        Quantity::ShortSide => "whose shorter side has",
        Quantity::Sides => "whose width and height are together",
        Quantity::Pixels => "of",
        Quantity::RatioThousandths => "whose width by height is",
    }
}

/// A value with its unit.
fn amount(of: Quantity, value: u64) -> String {
    let thousandths = |value: u64| match value % 1_000 {
        0 => format!("{}", value / 1_000),
        rest => format!("{}.{}", value / 1_000, format!("{rest:03}").trim_end_matches('0')),
    };
    match of {
        Quantity::DurationMs if value >= 3_600_000 && value.is_multiple_of(3_600_000) => {
            format!("{} hours", value / 3_600_000)
        }
        Quantity::DurationMs if value >= 600_000 && value.is_multiple_of(60_000) => {
            format!("{} minutes", value / 60_000)
        }
        Quantity::DurationMs => format!("{} s", thousandths(value)),
        Quantity::RatioThousandths => format!("{}:1", thousandths(value)),
        _ => format!("{value} pixels"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_read_as_people_write_them() {
        for (of, value, text) in [
            (Quantity::DurationMs, 140_000, "140 s"),
            (Quantity::DurationMs, 500, "0.5 s"),
            (Quantity::DurationMs, 900_000, "15 minutes"),
            (Quantity::DurationMs, 43_200_000, "12 hours"),
            (Quantity::DurationMs, 901_250, "901.25 s"),
            (Quantity::RatioThousandths, 1_910, "1.91:1"),
            (Quantity::RatioThousandths, 10, "0.01:1"),
            (Quantity::Pixels, 33_177_600, "33177600 pixels"),
        ] {
            assert_eq!(amount(of, value), text);
        }
    }
}
