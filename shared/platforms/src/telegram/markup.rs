//! What is left of a text when Telegram has read its markup: that is what its limits are for.

/// How a text is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    Plain,
    Html,
    MarkdownV2,
    /// The older form, kept for old bots.
    Markdown,
}

impl Mode {
    /// The mode that the option `parseMode` names.
    pub(super) fn of(option: Option<&str>) -> Self {
        match option {
            Some("HTML") => Self::Html,
            Some("MarkdownV2") => Self::MarkdownV2,
            Some("Markdown") => Self::Markdown,
            _ => Self::Plain,
        }
    }
}

/// The text as a person sees it.
///
/// # Errors
/// Why Telegram could not read the markup, as a sentence.
pub(super) fn visible(text: &str, mode: Mode) -> Result<String, String> {
    match mode {
        Mode::Plain => Ok(text.to_owned()),
        Mode::Html => html(text),
        Mode::MarkdownV2 => markdown_v2(text),
        Mode::Markdown => markdown(text),
    }
}

const TAGS: [&str; 17] = [
    "b",
    "strong",
    "i",
    "em",
    "u",
    "ins",
    "s",
    "strike",
    "del",
    "span",
    "tg-spoiler",
    "a",
    "tg-emoji",
    "code",
    "pre",
    "blockquote",
    "tg-time",
];

fn html(text: &str) -> Result<String, String> {
    let mut shown = String::with_capacity(text.len());
    let mut open: Vec<String> = Vec::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        if let Some(tag) = rest.strip_prefix('<') {
            let (tag, behind) =
                tag.split_once('>').ok_or("A < begins a tag that has no end; write &lt; for the sign.")?;
            match tag.strip_prefix('/') {
                Some(name) => {
                    let name = name.trim().to_ascii_lowercase();
                    if open.pop().as_ref() != Some(&name) {
                        return Err(format!("The tag </{name}> closes what was not opened."));
                    }
                }
                None => {
                    let name = tag.split_whitespace().next().unwrap_or_default().to_ascii_lowercase();
                    if !TAGS.contains(&name.as_str()) {
                        return Err(format!("Telegram knows no tag <{name}>."));
                    }
                    open.push(name);
                }
            }
            rest = behind;
        } else if let Some((c, behind)) = entity(rest) {
            shown.push(c);
            rest = behind;
        } else {
            shown.push(c);
            rest = &rest[c.len_utf8()..];
        }
    }
    match open.pop() {
        Some(name) => Err(format!("The tag <{name}> is not closed.")),
        None => Ok(shown),
    }
}

/// The character that an entity at the beginning of `text` stands for. What is none is an ampersand.
fn entity(text: &str) -> Option<(char, &str)> {
    let (name, behind) = text.strip_prefix('&')?.split_once(';')?;
    let code = |digits: &str, radix| u32::from_str_radix(digits, radix).ok().and_then(char::from_u32);
    let c = match name {
        "lt" => '<',
        "gt" => '>',
        "amp" => '&',
        "quot" => '"',
        _ => match name.strip_prefix('#')? {
            hex if hex.starts_with(['x', 'X']) => code(&hex[1..], 16)?,
            decimal => code(decimal, 10)?,
        },
    };
    Some((c, behind))
}

/// Signs that begin and end something, the longer before its beginning.
const MARKS: [&str; 5] = ["||", "__", "*", "_", "~"];
/// Signs that mean something somewhere and so stand for themselves nowhere.
const RESERVED: &str = "()#+-=|{}.!>[]";

fn markdown_v2(text: &str) -> Result<String, String> {
    let mut shown = String::with_capacity(text.len());
    let mut open: Vec<&str> = Vec::new();
    let mut rest = text;
    let mut line_start = true;
    while let Some(c) = rest.chars().next() {
        let began_line = std::mem::replace(&mut line_start, c == '\n');
        if let Some(behind) = rest.strip_prefix('\\') {
            let next = behind.chars().next().filter(char::is_ascii).ok_or("A backslash stands before nothing.")?;
            shown.push(next);
            rest = &behind[1..];
        } else if let Some((code, behind)) = code(rest)? {
            shown.push_str(&code);
            rest = behind;
        } else if began_line && (rest.starts_with('>') || rest.starts_with("**>")) {
            rest = rest.trim_start_matches("**").strip_prefix('>').unwrap_or(rest);
        } else if let Some(mark) = MARKS.into_iter().find(|mark| rest.starts_with(mark)) {
            match open.iter().rposition(|other| *other == mark) {
                Some(last) if last + 1 == open.len() => {
                    open.pop();
                }
                Some(_) => return Err(format!("The sign {mark} ends before what was begun inside it.")),
                // At the end of a line it ends an expandable quotation.
                None if mark == "||" && rest[2..].chars().next().is_none_or(|c| c == '\n') => {}
                None => open.push(mark),
            }
            rest = &rest[mark.len()..];
        } else if rest.starts_with("![") || rest.starts_with('[') {
            let inner = rest.trim_start_matches('!');
            let (words, behind) = link(inner)?;
            shown.push_str(&markdown_v2(words)?);
            rest = behind;
        } else if RESERVED.contains(c) {
            return Err(format!("The sign {c} is reserved; write \\{c}."));
        } else {
            shown.push(c);
            rest = &rest[c.len_utf8()..];
        }
    }
    match open.pop() {
        Some(mark) => Err(format!("The sign {mark} begins something that has no end.")),
        None => Ok(shown),
    }
}

/// The text of a piece of code at the beginning of `text`, and what follows it.
fn code(text: &str) -> Result<Option<(String, &str)>, String> {
    let fence = if text.starts_with("```") { "```" } else { "`" };
    let Some(inside) = text.strip_prefix(fence) else { return Ok(None) };
    let (code, behind) = until(inside, fence).ok_or("A ` begins code that has no end.")?;
    // The first line of a block may name its language.
    let named = code.split_once('\n').filter(|(name, _)| fence.len() == 3 && !name.contains(' '));
    let code = named.map_or(code, |(_, code)| code);
    Ok(Some((unescaped(code), behind)))
}

/// The words of a link at the beginning of `text`, and what follows it.
fn link(text: &str) -> Result<(&str, &str), String> {
    let broken = || "A [ begins a link that has no (address).".to_owned();
    let (words, behind) = until(text.strip_prefix('[').ok_or_else(broken)?, "]").ok_or_else(broken)?;
    let (_, behind) = behind.strip_prefix('(').and_then(|text| until(text, ")")).ok_or_else(broken)?;
    Ok((words, behind))
}

/// `text` up to the first `end` that is not escaped, and what follows it.
fn until<'a>(text: &'a str, end: &str) -> Option<(&'a str, &'a str)> {
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            _ if text[at..].starts_with(end) => return Some((&text[..at], &text[at + end.len()..])),
            _ => {}
        }
    }
    None
}

fn unescaped(text: &str) -> String {
    let mut chars = text.chars();
    let mut plain = String::with_capacity(text.len());
    while let Some(c) = chars.next() {
        plain.push(if c == '\\' { chars.next().unwrap_or(c) } else { c });
    }
    plain
}

fn markdown(text: &str) -> Result<String, String> {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        if let Some(next) =
            rest.strip_prefix('\\').and_then(|behind| behind.chars().next()).filter(|c| "_*`[".contains(*c))
        {
            shown.push(next);
            rest = &rest[2..];
        } else if let Some((code, behind)) = code(rest)? {
            shown.push_str(&code);
            rest = behind;
        } else if c == '*' || c == '_' {
            let (inside, behind) =
                rest[1..].split_once(c).ok_or_else(|| format!("The sign {c} begins something that has no end."))?;
            shown.push_str(inside);
            rest = behind;
        } else if let Ok((words, behind)) = link(rest) {
            shown.push_str(words);
            rest = behind;
        } else {
            shown.push(c);
            rest = &rest[c.len_utf8()..];
        }
    }
    Ok(shown)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn shown(text: &str, mode: Mode) -> String {
        visible(text, mode).unwrap()
    }

    #[test]
    fn html_is_counted_without_its_tags() {
        for (text, wanted) in [
            ("<b>bold</b> &amp; <a href=\"https://a.example/?x=1&amp;y=2\">link</a>", "bold & link"),
            ("1 &lt; 2 &#33; &#x41; &copy; a & b", "1 < 2 ! A &copy; a & b"),
            ("<blockquote expandable>x</blockquote><pre><code class=\"language-rust\">y</code></pre>", "xy"),
            ("<span class=\"tg-spoiler\">s</span><tg-emoji emoji-id=\"1\">👍</tg-emoji>", "s👍"),
        ] {
            assert_eq!(shown(text, Mode::Html), wanted);
        }
        for wrong in ["<b>open", "a </b>", "<b><i>x</b></i>", "<div>x</div>", "1 < 2"] {
            assert!(visible(wrong, Mode::Html).is_err(), "{wrong}");
        }
    }

    #[test]
    fn markdown_is_counted_without_its_signs() {
        for (text, wanted) in [
            (r"*bold* _it_ __under__ ~gone~ ||hidden||", "bold it under gone hidden"),
            (r"5 \> 4\. *a\_b* `x\`y` [words](https://a.example/\)x)", "5 > 4. a_b x`y words"),
            ("```rust\nlet x = 1;\n```", "let x = 1;\n"),
            (">quoted\n>more\n**>folded||", "quoted\nmore\nfolded"),
            ("*bold _both_*", "bold both"),
            ("![👍](tg://emoji?id=1)", "👍"),
        ] {
            assert_eq!(shown(text, Mode::MarkdownV2), wanted);
        }
        for wrong in ["open *bold", "1. one", "a-b", "[x]", "`open", "*a _b* c_", "end\\"] {
            assert!(visible(wrong, Mode::MarkdownV2).is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_older_form_knows_less() {
        assert_eq!(shown(r"*b* _i_ `c` [w](https://a.example) 1. a-b \*", Mode::Markdown), "b i c w 1. a-b *");
        assert!(visible("open *bold", Mode::Markdown).is_err());
        assert_eq!(shown("*as _it_ stands.", Mode::Plain), "*as _it_ stands.");
    }

    proptest! {
        #[test]
        fn no_text_breaks_the_reading(text in "[a-z<>/&;#x0-9*_~`|\\[\\]()\\\\!.\n é👍]{0,60}") {
            for mode in [Mode::Html, Mode::MarkdownV2, Mode::Markdown] {
                if let Ok(shown) = visible(&text, mode) {
                    prop_assert!(shown.len() <= text.len());
                }
            }
        }
    }
}
