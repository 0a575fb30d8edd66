//! Files: how many, which, how large.

use domain::content::{Media, MediaKind, Problem};

use super::Check;
use crate::publish::FileRule;

const KINDS: [MediaKind; 4] = [MediaKind::Image, MediaKind::Gif, MediaKind::Video, MediaKind::Document];

impl Check<'_> {
    pub(super) fn files(&self) -> Vec<Problem> {
        let (name, media) = (self.name(), &self.draft.media);
        let mut problems = Vec::new();
        let mut all = |code: &str, message: String| problems.push(Problem::error(code, "mediaUrls", message));
        if media.is_empty() && self.facts.media_required {
            let kinds =
                list(KINDS.iter().filter(|kind| self.rules(**kind).next().is_some()).map(|kind| word(*kind, 1)));
            all("media_required", format!("{name} needs at least 1 file ({kinds}); there is none."));
        }
        let most = self.limits.max_files;
        if media.len() > most as usize {
            all("too_many_files", format!("There are {} files. {name} takes at most {most} in one post.", media.len()));
        }
        let count = |kind| media.iter().filter(|file| file.kind == kind).count();
        for kind in KINDS {
            let Some(most) = self.rules(kind).map(|rule| rule.max_count).max() else { continue };
            let (most, given) = (most as usize, count(kind));
            // With more files than any post takes, that was said above.
            if given > most && most < self.limits.max_files as usize {
                let (has, takes) = (word(kind, given), word(kind, most));
                all(
                    "too_many_files",
                    format!("There are {given} {has}. {name} takes at most {most} {takes} in one post."),
                );
            }
        }
        let kinds: Vec<MediaKind> = KINDS.into_iter().filter(|kind| count(*kind) > 0).collect();
        if kinds.len() > 1 && !self.facts.mixed {
            let kinds = list(kinds.iter().map(|kind| format!("{} {}", count(*kind), word(*kind, count(*kind)))));
            all("mixed_media", format!("{name} takes files of 1 kind in one post; these are {kinds}."));
        }
        for (n, file) in media.iter().enumerate() {
            match self.refused(n, file) {
                Some(problem) => problems.push(problem),
                None => problems.extend(self.too_large(n, file).into_iter().chain(self.measured(n, file))),
            }
        }
        problems
    }

    /// Why a file is not taken at all.
    fn refused(&self, n: usize, file: &Media) -> Option<Problem> {
        let name = self.name();
        let wrong = |code: &str, message: String| Some(Problem::error(code, format!("mediaUrls[{n}]"), message));
        if self.rules(file.kind).next().is_none() {
            let taken =
                list(KINDS.iter().filter(|kind| self.rules(**kind).next().is_some()).map(|kind| word(*kind, 2)));
            let taken = if taken.is_empty() { "no files" } else { taken.as_str() };
            let (what, n) = (word(file.kind, 1), n + 1);
            return wrong("file_kind_refused", format!("File {n} is a {what} ({}). {name} takes {taken}.", file.mime));
        }
        if self.rule(file).is_none() {
            let taken = list(self.rules(file.kind).flat_map(|rule| rule.mimes.iter().copied()));
            let (what, n) = (word(file.kind, 2), n + 1);
            return wrong(
                "file_type_refused",
                format!("File {n} is {}. {name} takes {what} of type {taken}.", file.mime),
            );
        }
        None
    }

    fn rule(&self, file: &Media) -> Option<&FileRule> {
        self.rules(file.kind).find(|rule| rule.mimes.contains(&file.mime.as_str()))
    }

    fn too_large(&self, n: usize, file: &Media) -> Option<Problem> {
        let rule = self.rule(file)?;
        let most = self.most_bytes(rule);
        let bytes = file.bytes.filter(|bytes| *bytes > most)?;
        let (figure, limit) = sizes(bytes, most);
        let (name, what) = (self.name(), word(file.kind, 2));
        let message = format!("File {} has {figure}. {name} takes {what} of at most {limit}.", n + 1);
        Some(Problem::error("file_too_large", format!("mediaUrls[{n}]"), message))
    }

    fn rules(&self, kind: MediaKind) -> impl Iterator<Item = &FileRule> {
        self.facts.files.iter().filter(move |rule| rule.kind == kind)
    }

    /// The account's own server may allow more or less than the facts.
    fn most_bytes(&self, rule: &FileRule) -> u64 {
        let own = match rule.kind {
            MediaKind::Image | MediaKind::Gif => self.limits.max_image_bytes,
            MediaKind::Video => self.limits.max_video_bytes,
            MediaKind::Document => None,
        };
        own.unwrap_or(rule.max_bytes)
    }
}

pub(super) fn word(kind: MediaKind, count: usize) -> &'static str {
    match (kind, count) {
        (MediaKind::Image, 1) => "image",
        (MediaKind::Image, _) => "images",
        (MediaKind::Gif, 1) => "GIF animation",
        (MediaKind::Gif, _) => "GIF animations",
        (MediaKind::Video, 1) => "video",
        (MediaKind::Video, _) => "videos",
        (MediaKind::Document, 1) => "document",
        (MediaKind::Document, _) => "documents",
    }
}

/// `a`, `a and b`, `a, b and c`.
pub(super) fn list<T: AsRef<str>>(words: impl Iterator<Item = T>) -> String {
    let mut words: Vec<T> = words.collect();
    let Some(last) = words.pop() else { return String::new() };
    let last = last.as_ref();
    if words.is_empty() {
        return last.to_owned();
    }
    let first: Vec<&str> = words.iter().map(AsRef::as_ref).collect();
    format!("{} and {last}", first.join(", "))
}

/// A size and the limit that it exceeds, in the unit of the limit; the size is rounded up, so that it never reads as
/// the limit itself.
fn sizes(bytes: u64, most: u64) -> (String, String) {
    const UNITS: [(u64, &str); 6] =
        [(1 << 30, "GiB"), (1_000_000_000, "GB"), (1 << 20, "MiB"), (1_000_000, "MB"), (1 << 10, "KiB"), (1_000, "kB")];
    match UNITS.iter().find(|(one, _)| most >= *one && most.is_multiple_of(*one)) {
        Some((one, unit)) => {
            let tenths = bytes.saturating_mul(10).div_ceil(*one);
            (format!("{}.{} {unit}", tenths / 10, tenths % 10), format!("{} {unit}", most / one))
        }
        None => (format!("{bytes} bytes"), format!("{most} bytes")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_just_over_the_limit_never_reads_as_the_limit() {
        let shown = |bytes, most| {
            let (figure, limit) = sizes(bytes, most);
            format!("{figure} > {limit}")
        };
        assert_eq!(shown((8 << 20) + 1, 8 << 20), "8.1 MiB > 8 MiB");
        assert_eq!(shown(12_300_000, 10_000_000), "12.3 MB > 10 MB");
        assert_eq!(shown(976_564, 976_563), "976564 bytes > 976563 bytes");
        assert_eq!(shown(1_000_001, 1_000_000), "1.1 MB > 1 MB");
        assert_eq!(shown(5 << 30, 4 << 30), "5.0 GiB > 4 GiB");
    }

    #[test]
    fn lists_read_like_a_sentence() {
        assert_eq!(list(["a"].into_iter()), "a");
        assert_eq!(list(["a", "b", "c"].into_iter()), "a, b and c");
        assert_eq!(list(std::iter::empty::<&str>()), "");
    }
}
