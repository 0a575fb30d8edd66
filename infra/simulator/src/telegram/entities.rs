//! What is left of a text when its markup has become entities. Offsets are in UTF-16 units.

use serde_json::{Value, json};

/// A text without its markup.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Parsed {
    pub(super) text: String,
    pub(super) entities: Vec<Value>,
}

impl Parsed {
    pub(super) fn units(&self) -> usize {
        self.text.encode_utf16().count()
    }

    fn entity(&mut self, kind: &str, from: usize, extra: Option<(&str, &str)>) {
        let length = self.units() - from;
        if length == 0 {
            return;
        }
        let mut entity = json!({"offset": from, "length": length, "type": kind});
        if let Some((name, value)) = extra {
            entity[name] = json!(value);
        }
        self.entities.push(entity);
    }
}

/// Reads a text in a parse mode; the error is the rest of the platform's sentence.
pub(super) fn parse(text: &str, mode: &str) -> Result<Parsed, String> {
    match mode.to_ascii_lowercase().as_str() {
        "" => Ok(Parsed { text: text.to_owned(), entities: Vec::new() }),
        "html" => html(text),
        "markdownv2" => Markdown::new(text, true).read(),
        "markdown" => Markdown::new(text, false).read(),
        _ => Err("unsupported parse_mode".to_owned()),
    }
    .map(with_urls)
}

/// Addresses in plain sight become entities too.
fn with_urls(mut parsed: Parsed) -> Parsed {
    let mut at = 0;
    let text = parsed.text.clone();
    for word in text.split_inclusive(char::is_whitespace) {
        let bare = word.trim_end();
        if bare.starts_with("https://") || bare.starts_with("http://") {
            let length = bare.encode_utf16().count();
            parsed.entities.push(json!({"offset": at, "length": length, "type": "url"}));
        }
        at += word.encode_utf16().count();
    }
    parsed
}

fn html_kind(tag: &str) -> Option<&'static str> {
    Some(match tag {
        "b" | "strong" => "bold",
        "i" | "em" => "italic",
        "u" | "ins" => "underline",
        "s" | "strike" | "del" => "strikethrough",
        "tg-spoiler" | "span" => "spoiler",
        "a" => "text_link",
        "tg-emoji" => "custom_emoji",
        "code" => "code",
        "pre" => "pre",
        "blockquote" => "blockquote",
        _ => return None,
    })
}

fn html(source: &str) -> Result<Parsed, String> {
    let mut out = Parsed::default();
    let mut open: Vec<(String, usize, String)> = Vec::new();
    let mut rest = source;
    while let Some(c) = rest.chars().next() {
        let offset = source.len() - rest.len();
        match c {
            '<' => {
                let end = rest.find('>').ok_or_else(|| format!("Unclosed start tag at byte offset {offset}"))?;
                let tag = &rest[1..end];
                rest = &rest[end + 1..];
                match tag.strip_prefix('/') {
                    Some(name) => {
                        let Some((known, from, link)) = open.pop() else {
                            return Err(format!("Unexpected end tag at byte offset {offset}"));
                        };
                        if !name.trim().eq_ignore_ascii_case(&known) {
                            return Err(format!(
                                "Unmatched end tag at byte offset {offset}, expected \"</{known}>\", found \"</{name}>\""
                            ));
                        }
                        let extra = (known == "a").then_some(("url", link.as_str()));
                        out.entity(html_kind(&known).unwrap_or("bold"), from, extra);
                    }
                    None => {
                        let name = tag.split_whitespace().next().unwrap_or("").to_ascii_lowercase();
                        if html_kind(&name).is_none() || (name == "span" && !tag.contains("tg-spoiler")) {
                            return Err(format!("Unsupported start tag \"{name}\" at byte offset {offset}"));
                        }
                        let link = tag.split_once("href=").map_or("", |(_, v)| v.trim_matches(['"', '\'']));
                        open.push((name, out.units(), link.to_owned()));
                    }
                }
            }
            '&' => {
                let (c, length) = entity_char(rest);
                out.text.push(c);
                rest = &rest[length..];
            }
            c => {
                out.text.push(c);
                rest = &rest[c.len_utf8()..];
            }
        }
    }
    match open.pop() {
        Some((name, _, _)) => Err(format!("Can't find end tag corresponding to start tag \"{name}\"")),
        None => Ok(out),
    }
}

/// The character behind `&…;` and how long its spelling is; an ampersand that is none stands for itself.
fn entity_char(rest: &str) -> (char, usize) {
    let Some(end) = rest.find(';').filter(|e| *e <= 10) else { return ('&', 1) };
    let c = match &rest[1..end] {
        "lt" => Some('<'),
        "gt" => Some('>'),
        "amp" => Some('&'),
        "quot" => Some('"'),
        number => match number.strip_prefix("#x").map(|hex| u32::from_str_radix(hex, 16)) {
            Some(Ok(n)) => char::from_u32(n),
            _ => number.strip_prefix('#').and_then(|n| n.parse().ok()).and_then(char::from_u32),
        },
    };
    c.map_or(('&', 1), |c| (c, end + 1))
}

struct Markdown<'a> {
    source: &'a str,
    at: usize,
    /// The second version escapes more and knows more.
    second: bool,
    out: Parsed,
    /// Marker, where it began in the text, where in the source.
    open: Vec<(&'static str, usize, usize)>,
}

impl<'a> Markdown<'a> {
    fn new(source: &'a str, second: bool) -> Self {
        Self { source, at: 0, second, out: Parsed::default(), open: Vec::new() }
    }

    fn rest(&self) -> &'a str {
        &self.source[self.at..]
    }

    fn marker(&self) -> Option<&'static str> {
        let all: &[&'static str] = if self.second { &["__", "||", "*", "_", "~"] } else { &["*", "_"] };
        all.iter().copied().find(|m| self.rest().starts_with(m))
    }

    fn read(mut self) -> Result<Parsed, String> {
        while let Some(c) = self.rest().chars().next() {
            if c == '\\' && self.rest().chars().nth(1).is_some_and(|n| (1..=126).contains(&u32::from(n))) {
                let next = self.rest().chars().nth(1).unwrap_or('\\');
                self.out.text.push(next);
                self.at += 1 + next.len_utf8();
            } else if self.rest().starts_with('`') {
                self.code()?;
            } else if let Some(marker) = self.marker() {
                self.toggle(marker);
            } else if c == '[' {
                self.link()?;
            } else if self.second && c == '>' && (self.at == 0 || self.source[..self.at].ends_with('\n')) {
                self.at += 1;
            } else if self.second && "]()#+-=|{}.!>".contains(c) {
                return Err(format!("Character '{c}' is reserved and must be escaped with the preceding '\\'"));
            } else {
                self.out.text.push(c);
                self.at += c.len_utf8();
            }
        }
        match self.open.pop() {
            Some((marker, _, at)) => {
                let name = kind(marker);
                Err(format!("Can't find end of {name} entity at byte offset {at}"))
            }
            None => Ok(self.out),
        }
    }

    fn toggle(&mut self, marker: &'static str) {
        match self.open.iter().rposition(|(m, _, _)| *m == marker) {
            Some(at) if at + 1 == self.open.len() => {
                let (_, from, _) = self.open.remove(at);
                self.out.entity(kind(marker).to_ascii_lowercase().as_str(), from, None);
            }
            _ => self.open.push((marker, self.out.units(), self.at)),
        }
        self.at += marker.len();
    }

    fn code(&mut self) -> Result<(), String> {
        let fence = if self.rest().starts_with("```") { "```" } else { "`" };
        let (from, start) = (self.out.units(), self.at);
        let inside = &self.rest()[fence.len()..];
        let end = inside.find(fence);
        let name = if fence == "`" { "Code" } else { "Pre" };
        let end = end.ok_or_else(|| format!("Can't find end of {name} entity at byte offset {start}"))?;
        self.out.text.push_str(&inside[..end].replace("\\`", "`").replace("\\\\", "\\"));
        self.out.entity(&name.to_ascii_lowercase(), from, None);
        self.at += end + 2 * fence.len();
        Ok(())
    }

    fn link(&mut self) -> Result<(), String> {
        let (from, start) = (self.out.units(), self.at);
        let unfinished = || format!("Can't find end of a URL at byte offset {start}");
        let close = self.rest().find("](").ok_or_else(unfinished)?;
        let target = &self.rest()[close + 2..];
        let end = target.find(')').ok_or_else(unfinished)?;
        let label = &self.rest()[1..close];
        let mut letters = label.chars();
        while let Some(c) = letters.next() {
            match c {
                '\\' => self.out.text.extend(letters.next()),
                '*' | '_' | '~' if self.second => {}
                c if self.second && "[]()#+-=|{}.!>".contains(c) => {
                    return Err(format!("Character '{c}' is reserved and must be escaped with the preceding '\\'"));
                }
                c => self.out.text.push(c),
            }
        }
        self.out.entity("text_link", from, Some(("url", &target[..end])));
        self.at += close + 2 + end + 1;
        Ok(())
    }
}

fn kind(marker: &str) -> &'static str {
    match marker {
        "*" => "Bold",
        "_" => "Italic",
        "__" => "Underline",
        "~" => "Strikethrough",
        _ => "Spoiler",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(source: &str, mode: &str) -> Result<String, String> {
        parse(source, mode).map(|p| p.text)
    }

    #[test]
    fn html_leaves_its_words() {
        let parsed = parse("<b>a &lt;b&gt;</b> <a href=\"https://x.example\">l</a>", "HTML").unwrap();
        assert_eq!(parsed.text, "a <b> l");
        assert_eq!(parsed.entities[0], json!({"offset": 0, "length": 5, "type": "bold"}));
        assert_eq!(
            parsed.entities[1],
            json!({"offset": 6, "length": 1, "type": "text_link", "url": "https://x.example"})
        );
        assert!(text("<h1>x</h1>", "HTML").unwrap_err().starts_with("Unsupported start tag \"h1\""));
        assert!(text("<b>x", "HTML").unwrap_err().contains("Can't find end tag"));
        assert!(text("a < b", "HTML").is_err());
        assert!(text("</b>", "HTML").is_err());
    }

    #[test]
    fn markdown_leaves_its_words() {
        assert_eq!(text("*bold* _it_ `a_b`", "MarkdownV2").unwrap(), "bold it a_b");
        assert_eq!(text("1\\. done\\!", "MarkdownV2").unwrap(), "1. done!");
        assert!(text("1. done", "MarkdownV2").unwrap_err().starts_with("Character '.' is reserved"));
        assert!(text("*open", "MarkdownV2").unwrap_err().contains("Bold entity"));
        assert_eq!(text("[name](https://x.example)", "MarkdownV2").unwrap(), "name");
        assert_eq!(text("1. done", "Markdown").unwrap(), "1. done");
        assert!(text("snake_case", "Markdown").is_err());
    }

    #[test]
    fn lengths_are_utf_16_units_after_the_markup() {
        assert_eq!(parse("<b>👍</b>", "HTML").unwrap().units(), 2);
        let url = parse("hi 👍 https://x.example", "").unwrap();
        assert_eq!(url.entities, [json!({"offset": 6, "length": 17, "type": "url"})]);
    }
}
