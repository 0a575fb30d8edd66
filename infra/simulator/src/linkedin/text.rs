//! "Little text": what a commentary says once its escapes, mentions and hashtags are read.

/// Characters that have to be escaped unless they begin something.
const RESERVED: &str = "|{}@[]()<>#\\*_~";

/// The words of a commentary, or the reserved character that stands bare.
pub(super) fn plain(commentary: &str) -> Result<String, char> {
    let mut out = String::new();
    let mut rest = commentary;
    while let Some(c) = rest.chars().next() {
        let after = &rest[c.len_utf8()..];
        if c == '\\' {
            // A backslash stands before what it escapes, and only before that.
            match after.chars().next().filter(|n| RESERVED.contains(*n)) {
                Some(next) => {
                    out.push(next);
                    rest = &after[next.len_utf8()..];
                }
                None => return Err('\\'),
            }
        } else if let Some((name, length)) = mention(rest) {
            out.push_str(&name);
            rest = &rest[length..];
        } else if let Some((tag, length)) = template(rest) {
            out.push('#');
            out.push_str(&tag);
            rest = &rest[length..];
        } else if c == '#' && after.starts_with(|n: char| n.is_alphanumeric()) {
            out.push('#');
            rest = after;
        } else if RESERVED.contains(c) {
            return Err(c);
        } else {
            out.push(c);
            rest = after;
        }
    }
    Ok(out)
}

/// `@[Name](urn:li:person:1)`: the name, and how long all of it is.
fn mention(text: &str) -> Option<(String, usize)> {
    let inside = text.strip_prefix("@[")?;
    let (name, target) = inside.split_once("](")?;
    let (urn, _) = target.split_once(')')?;
    let known = urn.starts_with("urn:li:person:") || urn.starts_with("urn:li:organization:");
    (known && !name.is_empty()).then(|| (name.replace('\\', ""), name.len() + urn.len() + 5))
}

/// `{hashtag|\#|tag}`
fn template(text: &str) -> Option<(String, usize)> {
    let inside = text.strip_prefix("{hashtag|\\#|")?;
    let (tag, _) = inside.split_once('}')?;
    (!tag.is_empty()).then(|| (tag.replace('\\', ""), tag.len() + 13))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_mentions_and_hashtags_are_read() {
        assert_eq!(plain("Hello \\#world \\(really\\)").unwrap(), "Hello #world (really)");
        assert_eq!(plain("by @[Acme Inc](urn:li:organization:12) now").unwrap(), "by Acme Inc now");
        assert_eq!(plain("{hashtag|\\#|coffee} ok").unwrap(), "#coffee ok");
        assert_eq!(plain("#coffee ☕ 50%").unwrap(), "#coffee ☕ 50%");
        assert_eq!(plain("a_b").unwrap_err(), '_');
        assert_eq!(plain("(x)").unwrap_err(), '(');
        assert_eq!(plain("x@y").unwrap_err(), '@');
        assert_eq!(plain("c:\\dir").unwrap_err(), '\\');
        assert_eq!(plain("\\\\ ok").unwrap(), "\\ ok");
    }
}
