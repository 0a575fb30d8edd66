//! What a page of the console may do in the browser: nothing, but for what is named here.

use super::settings::ConsoleSettings;

/// The content policy. Scripts, styles and fonts are the console's own files; pictures and videos are shown from wherever
/// posts and profiles name them; calls go to this origin and to the issuer.
#[must_use]
pub fn content(settings: &ConsoleSettings) -> String {
    let called: Vec<String> = std::iter::once("'self'".to_owned()).chain(settings.called()).collect();
    let rules = [
        ("default-src", "'none'"),
        ("script-src", "'self'"),
        ("style-src", "'self'"),
        ("font-src", "'self'"),
        ("img-src", "'self' data: https:"),
        ("media-src", "https:"),
        ("connect-src", &called.join(" ")),
        ("manifest-src", "'self'"),
        ("base-uri", "'none'"),
        ("form-action", "'none'"),
        ("frame-ancestors", "'none'"),
    ];
    rules.map(|(rule, sources)| format!("{rule} {sources}")).join("; ")
}

/// The policies that stand on every answer.
#[must_use]
pub fn headers(settings: &ConsoleSettings) -> [(&'static str, String); 4] {
    [
        ("content-security-policy", content(settings)),
        ("cross-origin-opener-policy", "same-origin".to_owned()),
        ("permissions-policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()".to_owned()),
        ("referrer-policy", "no-referrer".to_owned()),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_allowed_but_what_is_named() {
        let settings =
            ConsoleSettings::from_env(&|name| (name == "HERALD_ISSUER").then(|| "https://id.example/a".to_owned()));
        let policy = content(&settings.unwrap());
        assert!(policy.starts_with("default-src 'none'; script-src 'self'; "), "{policy}");
        assert!(policy.contains("; connect-src 'self' https://id.example; "), "{policy}");
        assert!(!policy.contains("unsafe"), "{policy}");
    }
}
