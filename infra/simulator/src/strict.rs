//! What an endpoint accepts. Anything else is refused in the platform's own shape and put on record.

use serde_json::Value;

use crate::call::{Call, Pairs};

/// Headers that any HTTP client may send anywhere.
const EVERYDAY: &[&str] = &[
    "accept",
    "accept-charset",
    "accept-encoding",
    "accept-language",
    "cache-control",
    "connection",
    "content-length",
    "content-type",
    "host",
    "pragma",
    "te",
    "transfer-encoding",
    "user-agent",
];

/// One endpoint's rule. In the lists `name` is optional, `name!` required, `name*` may repeat.
#[derive(Debug)]
pub(crate) struct Rule {
    pub(crate) method: &'static str,
    pub(crate) query: &'static [&'static str],
    pub(crate) body: Shape,
    /// Headers beyond the everyday ones; `name!` is required.
    pub(crate) headers: &'static [&'static str],
}

/// The body that an endpoint reads.
#[derive(Debug)]
pub(crate) enum Shape {
    Empty,
    Form(&'static [&'static str]),
    Json(&'static [&'static str]),
    FormOrJson(&'static [&'static str]),
    /// multipart/form-data with these parts.
    Multipart(&'static [&'static str]),
    /// Bytes of any type.
    Bytes,
}

/// The body as read.
#[derive(Debug, Default)]
pub(crate) struct Input {
    pub(crate) form: Pairs,
    pub(crate) json: Value,
}

/// How a request broke its endpoint's rule.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Breach {
    Method,
    Unknown(String),
    Missing(String),
    Repeated(String),
    Header(String),
    MissingHeader(String),
    ContentType,
    Body,
}

impl Breach {
    pub(crate) fn text(&self) -> String {
        match self {
            Self::Method => "method not allowed here".to_owned(),
            Self::Unknown(n) => format!("unexpected parameter {n}"),
            Self::Missing(n) => format!("missing parameter {n}"),
            Self::Repeated(n) => format!("repeated parameter {n}"),
            Self::Header(n) => format!("unexpected header {n}"),
            Self::MissingHeader(n) => format!("missing header {n}"),
            Self::ContentType => "wrong content type".to_owned(),
            Self::Body => "unexpected or unreadable body".to_owned(),
        }
    }

    /// The parameter that is at fault, if one is.
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Unknown(n) | Self::Missing(n) | Self::Repeated(n) | Self::Header(n) | Self::MissingHeader(n) => n,
            Self::Method | Self::ContentType | Self::Body => "",
        }
    }
}

impl Rule {
    pub(crate) const fn get(query: &'static [&'static str], headers: &'static [&'static str]) -> Self {
        Self { method: "GET", query, body: Shape::Empty, headers }
    }

    pub(crate) const fn form(form: &'static [&'static str], headers: &'static [&'static str]) -> Self {
        Self { method: "POST", query: &[], body: Shape::Form(form), headers }
    }

    /// Checks a request and reads its body.
    pub(crate) fn read(&self, call: &Call) -> Result<Input, Breach> {
        if call.method.as_str() != self.method {
            return Err(Breach::Method);
        }
        self.check_headers(call)?;
        check_names(self.query, call.query.keys())?;
        check_filled(self.query, &call.query)?;
        match &self.body {
            Shape::Empty if call.body.is_empty() => Ok(Input::default()),
            Shape::Empty => Err(Breach::Body),
            Shape::Form(names) => form(names, call),
            Shape::Json(names) => json(names, call),
            Shape::FormOrJson(names) if is_type(call, "application/json") => json(names, call),
            Shape::FormOrJson(names) => form(names, call),
            Shape::Multipart(names) => multipart(names, call),
            Shape::Bytes => Ok(Input::default()),
        }
    }

    fn check_headers(&self, call: &Call) -> Result<(), Breach> {
        for name in call.headers.keys().map(http::HeaderName::as_str) {
            if !EVERYDAY.contains(&name) && !self.headers.iter().any(|h| h.trim_end_matches('!') == name) {
                return Err(Breach::Header(name.to_owned()));
            }
        }
        for name in self.headers.iter().filter_map(|h| h.strip_suffix('!')) {
            if !call.headers.contains_key(name) {
                return Err(Breach::MissingHeader(name.to_owned()));
            }
        }
        Ok(())
    }
}

fn bare(name: &str) -> &str {
    name.trim_end_matches(['!', '*'])
}

/// Knows no unknown name, no name twice that may stand once.
pub(crate) fn check_names<'a>(rule: &[&str], keys: impl Iterator<Item = &'a str>) -> Result<(), Breach> {
    let mut seen: Vec<&str> = Vec::new();
    for key in keys {
        let Some(known) = rule.iter().find(|r| bare(r) == key) else {
            return Err(Breach::Unknown(key.to_owned()));
        };
        if seen.contains(&key) && !known.contains('*') {
            return Err(Breach::Repeated(key.to_owned()));
        }
        seen.push(key);
    }
    Ok(())
}

pub(crate) fn check_filled(rule: &[&str], pairs: &Pairs) -> Result<(), Breach> {
    match rule.iter().filter(|r| r.contains('!')).find(|r| pairs.text(bare(r)).is_empty()) {
        Some(missing) => Err(Breach::Missing(bare(missing).to_owned())),
        None => Ok(()),
    }
}

pub(crate) fn is_type(call: &Call, wanted: &str) -> bool {
    call.header("content-type").and_then(|t| t.split(';').next()).is_some_and(|t| t.trim().eq_ignore_ascii_case(wanted))
}

fn form(names: &[&str], call: &Call) -> Result<Input, Breach> {
    if !is_type(call, "application/x-www-form-urlencoded") {
        return Err(Breach::ContentType);
    }
    let form = Pairs::parse(&call.body);
    check_names(names, form.keys())?;
    check_filled(names, &form)?;
    Ok(Input { form, json: Value::Null })
}

/// Parts of a multipart body; those without a file name are also readable as pairs.
fn multipart(names: &[&str], call: &Call) -> Result<Input, Breach> {
    if !is_type(call, "multipart/form-data") {
        return Err(Breach::ContentType);
    }
    let parts = &call.payload.parts;
    if parts.is_empty() {
        return Err(Breach::Body);
    }
    check_names(names, parts.iter().map(|p| p.name.as_str()))?;
    for name in names.iter().filter(|n| n.contains('!')).map(|n| bare(n)) {
        if !parts.iter().any(|p| p.name == name && p.digest.bytes > 0) {
            return Err(Breach::Missing(name.to_owned()));
        }
    }
    let form = Pairs(parts.iter().filter(|p| p.file_name.is_none()).map(|p| (p.name.clone(), p.text())).collect());
    Ok(Input { form, json: Value::Null })
}

/// Knows the members of an object inside a body; `at` names it.
pub(crate) fn check_members(value: &Value, at: &str, known: &[&str]) -> Result<(), Breach> {
    let Some(members) = value.as_object() else {
        return if value.is_null() { Ok(()) } else { Err(Breach::Unknown(format!("{at}: not an object"))) };
    };
    check_names(known, members.keys().map(String::as_str)).map_err(|b| match b {
        Breach::Unknown(name) => Breach::Unknown(format!("{at}.{name}")),
        other => other,
    })?;
    match known.iter().filter(|n| n.contains('!')).find(|n| members.get(bare(n)).is_none_or(Value::is_null)) {
        Some(missing) => Err(Breach::Missing(format!("{at}.{}", bare(missing)))),
        None => Ok(()),
    }
}

/// Top-level members of a JSON object; plain members are also readable as pairs.
fn json(names: &[&str], call: &Call) -> Result<Input, Breach> {
    if !is_type(call, "application/json") {
        return Err(Breach::ContentType);
    }
    let json: Value = serde_json::from_slice(&call.body).map_err(|_| Breach::Body)?;
    let members = json.as_object().ok_or(Breach::Body)?;
    check_names(names, members.keys().map(String::as_str))?;
    let mut form = Pairs::default();
    for (name, value) in members {
        match value {
            Value::Null => {}
            Value::String(text) => form.0.push((name.clone(), text.clone())),
            Value::Array(items) => {
                form.0.extend(items.iter().filter_map(Value::as_str).map(|v| (name.clone(), v.to_owned())));
            }
            other => form.0.push((name.clone(), other.to_string())),
        }
    }
    check_filled(names, &form)?;
    Ok(Input { form, json })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_known_once_and_filled() {
        let rule = ["a!", "b", "c*"];
        assert_eq!(check_names(&rule, ["a", "c", "c"].into_iter()), Ok(()));
        assert_eq!(check_names(&rule, ["a", "a"].into_iter()), Err(Breach::Repeated("a".into())));
        assert_eq!(check_names(&rule, ["z"].into_iter()), Err(Breach::Unknown("z".into())));
        assert_eq!(check_filled(&rule, &Pairs::parse(b"a=&b=1")), Err(Breach::Missing("a".into())));
        assert_eq!(check_filled(&rule, &Pairs::parse(b"a=1")), Ok(()));
    }
}
