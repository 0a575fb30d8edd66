//! JSON bodies.

use serde::de::DeserializeOwned;

use super::error::ApiError;
use super::message::Request;

/// The body as `T`.
///
/// # Errors
/// 415 for another type, 400 for anything that is not `T`. The answer names the field, never its value: a token in the
/// wrong place must not come back.
pub fn json<T: DeserializeOwned>(request: &Request) -> Result<T, ApiError> {
    let content_type = request.header("content-type").unwrap_or_default();
    let media = content_type.split(';').next().unwrap_or_default().trim();
    if !media.eq_ignore_ascii_case("application/json") {
        return Err(ApiError::new(
            http::StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "unsupported_media_type",
            "Send the body as application/json.",
        ));
    }
    let mut reader = serde_json::Deserializer::from_slice(&request.body);
    serde_path_to_error::deserialize(&mut reader)
        .map_err(|error| refuse(&error))
        .and_then(|value| reader.end().map(|()| value).map_err(|_| ApiError::invalid("The body is not valid JSON.")))
}

/// The body as `T`, or its default when there is none.
///
/// # Errors
/// As [`json`].
pub fn optional_json<T: DeserializeOwned + Default>(request: &Request) -> Result<T, ApiError> {
    if request.body.is_empty() { Ok(T::default()) } else { json(request) }
}

fn refuse(error: &serde_path_to_error::Error<serde_json::Error>) -> ApiError {
    let inner = error.inner();
    if inner.is_syntax() || inner.is_eof() {
        return ApiError::invalid("The body is not valid JSON.");
    }
    let text = inner.to_string();
    if let Some(field) = quoted(&text, "missing field `") {
        return ApiError::invalid(format!("The field {field} is missing."));
    }
    if let Some(field) = quoted(&text, "unknown field `") {
        return ApiError::invalid(format!("There is no field {field}."));
    }
    if let Some(field) = quoted(&text, "duplicate field `") {
        return ApiError::invalid(format!("The field {field} stands twice."));
    }
    // Our own types say what they demand, without repeating what they got.
    let own = ["must be ", "Unknown platform"].iter().any(|words| text.contains(words));
    let path = error.path().to_string();
    match (own, is_name(&path)) {
        (true, _) => ApiError::invalid(text.split(" at line ").next().unwrap_or(&text).to_owned()),
        (false, true) => ApiError::invalid(format!("The field {path} has the wrong type or form.")),
        (false, false) => ApiError::invalid("The body does not have the expected form."),
    }
}

/// The name behind `words`, if it looks like one.
fn quoted<'a>(text: &'a str, words: &str) -> Option<&'a str> {
    let name = text.strip_prefix(words)?.split('`').next()?;
    is_name(name).then_some(name)
}

fn is_name(text: &str) -> bool {
    (1..=40).contains(&text.len())
        && text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'[' | b']'))
}

#[cfg(test)]
mod tests {
    use domain::{Platform, TalentId};
    use http::Method;
    use jiff::Timestamp;
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(rename_all = "camelCase", deny_unknown_fields)]
    #[expect(dead_code, reason = "only its form matters")]
    struct Body {
        talent_id: TalentId,
        platform: Platform,
        count: u32,
    }

    fn read(body: &str) -> String {
        let mut request = Request::new(Method::POST, "/x".to_owned(), "r".to_owned(), Timestamp::UNIX_EPOCH);
        request.headers.insert("content-type", "application/json; charset=utf-8".parse().unwrap());
        request.body = body.to_owned().into();
        json::<Body>(&request).map(|body| format!("{body:?}")).unwrap_or_else(|error| error.message)
    }

    #[test]
    fn each_mistake_is_named() {
        assert_eq!(read("{"), "The body is not valid JSON.");
        assert_eq!(read(""), "The body is not valid JSON.");
        assert_eq!(read("{}"), "The field talentId is missing.");
        assert_eq!(read(r#"{"talentId":"t","platform":"X","count":1,"more":1}"#), "There is no field more.");
        assert_eq!(
            read(r#"{"talentId":"t","platform":"myspace","count":1}"#).split('.').next().unwrap(),
            "Unknown platform"
        );
        assert_eq!(read(r#"{"talentId":"a b"}"#), "talentId must be 1 to 64 letters, digits, '_' or '-'");
        for other in ["[]", "[[]]", "null", "7"] {
            assert_eq!(read(other), "The body does not have the expected form.", "{other}");
        }
        assert!(read(r#"{"talentId":"t","platform":"X","count":1} trailing"#).contains("not valid JSON"));
    }

    #[test]
    fn a_value_in_the_wrong_place_is_not_echoed() {
        for body in [
            r#"{"talentId":"t","platform":"X","count":"ya29.secret-token"}"#,
            r#"{"ya29.secret-token-that-is-quite-long-and-surely-not-a-name":1}"#,
            r#""ya29.secret-token""#,
        ] {
            assert!(!read(body).contains("ya29"), "{}", read(body));
        }
    }
}
