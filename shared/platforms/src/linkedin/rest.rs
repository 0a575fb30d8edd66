//! Calls of the REST API, with the headers that each needs.

use domain::{Failure, Platform, TokenSet};
use http::{HeaderName, Method};
use outbound::{Answer, Call};

use super::error;
use super::facts::VERSION;
use crate::kit::Context;
use crate::wire;

const API_VERSION: HeaderName = HeaderName::from_static("linkedin-version");
const PROTOCOL: HeaderName = HeaderName::from_static("x-restli-protocol-version");
const RESTLI_METHOD: HeaderName = HeaderName::from_static("x-restli-method");

/// A call of `/rest/{path}`. The path is written encoded: lists and records of Rest.li keep their parentheses.
pub(super) fn call(tokens: &TokenSet, method: Method, path: &str) -> Result<Call, Failure> {
    let url = wire::url(&format!("https://api.linkedin.com/rest/{path}"))?;
    Ok(Call::new(Platform::Linkedin, method, url)
        .bearer(&tokens.access)
        .header(API_VERSION, VERSION)
        .header(PROTOCOL, "2.0.0"))
}

/// The same with the method that Rest.li cannot tell from HTTP's.
pub(super) fn named(call: Call, method: &str) -> Call {
    call.header(RESTLI_METHOD, method)
}

/// A read that needs `scope`.
pub(super) async fn get(cx: &Context<'_>, tokens: &TokenSet, path: &str, scope: &str) -> Result<Answer, Failure> {
    checked(cx, call(tokens, Method::GET, path)?, scope).await
}

/// A read of a list by a finder.
pub(super) async fn find(cx: &Context<'_>, tokens: &TokenSet, path: &str, scope: &str) -> Result<Answer, Failure> {
    checked(cx, named(call(tokens, Method::GET, path)?, "FINDER"), scope).await
}

/// Sends a call that needs `scope`.
pub(super) async fn checked(cx: &Context<'_>, call: Call, scope: &str) -> Result<Answer, Failure> {
    let answer = cx.out.send(call).await?;
    if answer.is_success() { Ok(answer) } else { Err(error::of(&answer, cx.clock.now(), scope)) }
}

/// A value as it stands in a path or a query: of a URN, the colons are encoded.
pub(super) fn encoded(value: &str) -> String {
    url::form_urlencoded::byte_serialize(value.as_bytes()).collect::<String>().replace('+', "%20")
}

/// URNs as a list of Rest.li.
pub(super) fn list<'a>(urns: impl IntoIterator<Item = &'a str>) -> String {
    format!("List({})", urns.into_iter().map(encoded).collect::<Vec<_>>().join(","))
}
