//! User-perceived characters, counted by a table of our own.

/// How many extended grapheme clusters a text has, for the scripts and emoji that posts are written in.
pub(crate) fn count(text: &str) -> usize {
    clusters(text).len()
}

/// The extended grapheme clusters of a text.
pub(crate) fn clusters(text: &str) -> Vec<&str> {
    let mut starts = Vec::new();
    let mut before: Option<char> = None;
    // Whether the cluster so far is a pictograph, so that a joiner may tie the next one to it.
    let mut pictograph = false;
    let mut flags = 0_usize;
    for (at, c) in text.char_indices() {
        let tied = before.is_some_and(|b| joins(b, c, pictograph, flags));
        if !tied {
            starts.push(at);
            pictograph = is_pictograph(c);
        }
        flags = if is_flag(c) { flags + 1 } else { 0 };
        before = Some(c);
    }
    let ends = starts.iter().skip(1).copied().chain([text.len()]);
    starts.iter().zip(ends).map(|(start, end)| &text[*start..end]).collect()
}

/// Whether a cluster is drawn as a picture.
pub(crate) fn is_emoji(cluster: &str) -> bool {
    let Some(first) = cluster.chars().next() else { return false };
    let coloured = cluster.contains('\u{fe0f}') || cluster.contains('\u{20e3}');
    is_flag(first) || coloured || (is_pictograph(first) && u32::from(first) >= 0x231a)
}

fn joins(before: char, c: char, pictograph: bool, flags: usize) -> bool {
    const JOINER: char = '\u{200d}';
    match (before, c) {
        ('\r', '\n') => true,
        (b, _) if b.is_control() => false,
        (_, c) if c.is_control() => false,
        (_, c) if c == JOINER || is_extending(c) => true,
        (JOINER, c) if pictograph && is_pictograph(c) => true,
        (b, c) if is_flag(b) && is_flag(c) => flags % 2 == 1,
        (b, c) => hangul(b, c),
    }
}

fn is_flag(c: char) -> bool {
    ('\u{1f1e6}'..='\u{1f1ff}').contains(&c)
}

fn is_extending(c: char) -> bool {
    matches!(u32::from(c),
        0x0300..=0x036f | 0x0483..=0x0489 | 0x0591..=0x05bd | 0x05bf | 0x05c1..=0x05c2 | 0x05c4..=0x05c5 | 0x05c7
        | 0x0610..=0x061a | 0x064b..=0x065f | 0x0670 | 0x06d6..=0x06dc | 0x06df..=0x06e4 | 0x06e7..=0x06e8 | 0x06ea..=0x06ed
        | 0x0900..=0x0903 | 0x093a..=0x093c | 0x093e..=0x094f | 0x0951..=0x0957 | 0x0962..=0x0963 | 0x0981..=0x0983
        | 0x09bc | 0x09be..=0x09cd | 0x0a01..=0x0a03 | 0x0a3c..=0x0a51 | 0x0abc | 0x0abe..=0x0acd | 0x0b3c..=0x0b57
        | 0x0bbe..=0x0bcd | 0x0c3e..=0x0c56 | 0x0cbc..=0x0cd6 | 0x0d3b..=0x0d4d | 0x0e31 | 0x0e33..=0x0e3a | 0x0e47..=0x0e4e
        | 0x0eb1 | 0x0eb3..=0x0ebc | 0x0ec8..=0x0ece | 0x0f71..=0x0f84 | 0x102b..=0x103e | 0x17b4..=0x17d3
        | 0x1ab0..=0x1ace | 0x1dc0..=0x1dff | 0x200c | 0x20d0..=0x20f0 | 0x302a..=0x302f | 0x3099..=0x309a
        | 0xfe00..=0xfe0f | 0xfe20..=0xfe2f | 0x1f3fb..=0x1f3ff | 0xe0020..=0xe007f | 0xe0100..=0xe01ef)
}

fn is_pictograph(c: char) -> bool {
    matches!(u32::from(c),
        0xa9 | 0xae | 0x203c | 0x2049 | 0x2122 | 0x2139 | 0x2194..=0x21aa | 0x231a..=0x231b | 0x2328 | 0x2388 | 0x23cf
        | 0x23e9..=0x23f3 | 0x23f8..=0x23fa | 0x24c2 | 0x25aa..=0x25ab | 0x25b6 | 0x25c0 | 0x25fb..=0x25fe | 0x2600..=0x27bf
        | 0x2934..=0x2935 | 0x2b05..=0x2b07 | 0x2b1b..=0x2b1c | 0x2b50 | 0x2b55 | 0x3030 | 0x303d | 0x3297 | 0x3299
        | 0x1f000..=0x1f1e5 | 0x1f201..=0x1f3fa | 0x1f400..=0x1faff | 0x1fc00..=0x1fffd)
}

/// Hangul syllables that are written in pieces.
fn hangul(before: char, c: char) -> bool {
    let lead = |c: u32| (0x1100..=0x115f).contains(&c) || (0xa960..=0xa97c).contains(&c);
    let vowel = |c: u32| (0x1160..=0x11a7).contains(&c) || (0xd7b0..=0xd7c6).contains(&c);
    let tail = |c: u32| (0x11a8..=0x11ff).contains(&c) || (0xd7cb..=0xd7fb).contains(&c);
    let syllable = |c: u32| (0xac00..=0xd7a3).contains(&c);
    let (b, c) = (u32::from(before), u32::from(c));
    let open = syllable(b) && (b - 0xac00).is_multiple_of(28);
    (lead(b) && (lead(c) || vowel(c) || syllable(c)))
        || ((open || vowel(b)) && (vowel(c) || tail(c)))
        || ((syllable(b) || tail(b)) && tail(c))
}

#[cfg(test)]
mod tests {
    use super::count;

    #[test]
    fn clusters_are_what_a_reader_sees() {
        assert_eq!(count(""), 0);
        assert_eq!(count("naïve"), 5);
        assert_eq!(count("nai\u{308}ve"), 5);
        assert_eq!(count("👨‍👩‍👧‍👦"), 1);
        assert_eq!(count("👩‍🍳👍🏽"), 2);
        assert_eq!(count("🇩🇪🇫🇷"), 2);
        assert_eq!(count("1️⃣☕️"), 2);
        assert_eq!(count("a\r\nb"), 3);
        assert_eq!(count("한국어"), 3);
        assert_eq!(count("\u{1112}\u{1161}\u{11ab}"), 1);
        assert_eq!(count("a\u{200d}b"), 2);
    }
}
