//! The text of the HTML that servers answer.

/// Plain text: a line break for each `<br>`, an empty line between paragraphs, entities decoded, tags gone.
pub(super) fn to_text(html: &str) -> String {
    let mut text = String::with_capacity(html.len());
    let mut rest = html;
    while let Some(at) = rest.find(['<', '&']) {
        text.push_str(&rest[..at]);
        rest = &rest[at..];
        rest = if rest.starts_with('<') { tag(rest, &mut text) } else { entity(rest, &mut text) };
    }
    text.push_str(rest);
    text.trim().to_owned()
}

/// Skips a tag; what it means for the text is written. A `<` that opens no tag is itself.
fn tag<'a>(rest: &'a str, text: &mut String) -> &'a str {
    let Some(end) = rest.find('>') else {
        text.push('<');
        return &rest[1..];
    };
    let name = rest[1..end].trim_end_matches('/').split_ascii_whitespace().next().unwrap_or_default();
    match name.to_ascii_lowercase().as_str() {
        "br" | "li" => text.push('\n'),
        "/p" | "/blockquote" | "/ul" | "/ol" | "/pre" | "/h1" | "/h2" | "/h3" => text.push_str("\n\n"),
        _ => {}
    }
    &rest[end + 1..]
}

/// Decodes an entity; one that is none is itself.
fn entity<'a>(rest: &'a str, text: &mut String) -> &'a str {
    // The longest name below has 6 characters, the longest number 8.
    let end = rest.bytes().take(12).position(|b| b == b';');
    match end.and_then(|end| Some((decode(&rest[1..end])?, end))) {
        Some((c, end)) => {
            text.push(c);
            &rest[end + 1..]
        }
        None => {
            text.push('&');
            &rest[1..]
        }
    }
}

fn decode(name: &str) -> Option<char> {
    Some(match name {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "apos" => '\'',
        "nbsp" => ' ',
        "hellip" => '…',
        "ndash" => '–',
        "mdash" => '—',
        _ => {
            let digits = name.strip_prefix('#')?;
            let code = match digits.strip_prefix(['x', 'X']) {
                Some(hex) => u32::from_str_radix(hex, 16),
                None => digits.parse(),
            };
            char::from_u32(code.ok()?)?
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn breaks_and_paragraphs_become_lines() {
        assert_eq!(to_text("<p>one<br />two<br>three</p><p>four</p>"), "one\ntwo\nthree\n\nfour");
        assert_eq!(to_text("<ul><li>a</li><li>b</li></ul>"), "a\nb");
        assert_eq!(to_text(""), "");
    }

    #[test]
    fn entities_are_decoded_once() {
        assert_eq!(
            to_text("<p>I &lt;3 R&amp;B &#39;n&#x27; &quot;x&quot; 100% &amp;lt; &amp</p>"),
            "I <3 R&B 'n' \"x\" 100% &lt; &amp"
        );
        assert_eq!(to_text("a & b &unknown; &#xffffffff;"), "a & b &unknown; &#xffffffff;");
    }

    #[test]
    fn a_shortened_link_is_whole_again() {
        let html = r#"<a href="https://example.com/a/long"><span class="invisible">https://</span><span class="ellipsis">example.com/a</span><span class="invisible">/long</span></a>"#;
        assert_eq!(to_text(html), "https://example.com/a/long");
    }

    #[test]
    fn what_is_no_tag_stays() {
        assert_eq!(to_text("1 < 2"), "1 < 2");
        assert_eq!(to_text("東京 🍜 <b>fett</b>"), "東京 🍜 fett");
    }

    proptest! {
        #[test]
        fn no_text_breaks_it(html in "\\PC{0,80}|[<>&;#xbrp/ ]{0,40}") {
            to_text(&html);
        }
    }
}
