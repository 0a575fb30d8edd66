//! Where a person may be sent after OAuth: a path, or a URL of an allowed origin. Nothing else.

use url::Url;

/// A `returnTo` that would send people somewhere that this installation does not know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("Invalid returnTo. Use a path, or a URL whose origin is allowed.")]
pub struct InvalidReturnTo;

/// Checks `text` against the allow-list of origins (`https://app.example`).
///
/// # Errors
/// [`InvalidReturnTo`] for `//`, `\`, control characters, foreign origins and anything that is not http(s).
pub fn check(text: &str, allowed_origins: &[String]) -> Result<String, InvalidReturnTo> {
    let suspicious =
        text.len() > 2_000 || text.contains('\\') || text.chars().any(|c| c.is_control() || c.is_whitespace());
    if suspicious {
        return Err(InvalidReturnTo);
    }
    if text.starts_with('/') {
        return if text.starts_with("//") { Err(InvalidReturnTo) } else { Ok(text.to_owned()) };
    }
    let url = Url::parse(text).map_err(|_| InvalidReturnTo)?;
    let plain = matches!(url.scheme(), "https" | "http") && url.username().is_empty() && url.password().is_none();
    let origin = url.origin().ascii_serialization();
    if plain && allowed_origins.contains(&origin) { Ok(url.into()) } else { Err(InvalidReturnTo) }
}

/// `return_to` with one more query parameter, whether it is a path or a URL.
#[must_use]
pub fn with_query(return_to: &str, name: &str, value: &str) -> String {
    let (before, fragment) = return_to.split_once('#').map_or((return_to, None), |(b, f)| (b, Some(f)));
    let separator = if before.contains('?') { '&' } else { '?' };
    let pair = url::form_urlencoded::Serializer::new(String::new()).append_pair(name, value).finish();
    let fragment = fragment.map(|f| format!("#{f}")).unwrap_or_default();
    format!("{before}{separator}{pair}{fragment}")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn allowed() -> Vec<String> {
        vec!["https://app.example".to_owned(), "http://localhost:5173".to_owned()]
    }

    #[test]
    fn paths_and_allowed_origins_pass() {
        for text in ["/", "/accounts?tab=2#x", "https://app.example/back", "http://localhost:5173/"] {
            assert!(check(text, &allowed()).is_ok(), "{text}");
        }
    }

    #[test]
    fn open_redirects_are_refused() {
        for text in [
            "//evil.example",
            "/\\evil.example",
            "\\\\evil.example",
            "https://evil.example/",
            "https://app.example.evil.example/",
            "https://app.example@evil.example/",
            "javascript:alert(1)",
            "https://app.example:444/",
            "http://app.example/",
            "/ok\r\nLocation: x",
            "/a b",
            "",
            "app.example",
            "data:text/html,x",
            "https://user:pw@app.example/",
        ] {
            assert_eq!(check(text, &allowed()), Err(InvalidReturnTo), "{text:?}");
        }
    }

    #[test]
    fn a_parameter_is_added_before_the_fragment() {
        assert_eq!(with_query("/a?b=1#c", "error", "access denied"), "/a?b=1&error=access+denied#c");
        assert_eq!(with_query("/a", "connectionId", "x"), "/a?connectionId=x");
    }

    proptest! {
        #[test]
        fn what_passes_stays_on_an_allowed_origin(text in "[/\\\\a-z:@.#?]{0,40}") {
            if let Ok(kept) = check(&text, &allowed()) {
                let base = Url::parse("https://app.example/x").unwrap();
                let origin = base.join(&kept).unwrap().origin().ascii_serialization();
                prop_assert!(allowed().contains(&origin), "{kept} leads to {origin}");
            }
        }
    }
}
