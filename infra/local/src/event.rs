//! A request as API Gateway hands it to a function (payload format 2.0), and a function's answer as a response.

use std::collections::BTreeMap;

use aws_lambda_events::apigw::ApiGatewayV2httpResponse;
use aws_lambda_events::encodings::Body as Payload;
use axum::body::Body;
use axum::response::Response;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::request::Parts;
use http::{HeaderValue, StatusCode, header};
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::ids;
use crate::routes::{Matched, decode};

/// The account and API of this machine.
const ACCOUNT: &str = "000000000000";
const API: &str = "local";

/// The event for a request that arrived at `now`.
#[must_use]
pub fn request(parts: &Parts, body: &Bytes, matched: &Matched<'_>, now: Timestamp) -> Value {
    let uri = &parts.uri;
    let mut headers = Map::new();
    for name in parts.headers.keys().filter(|name| **name != header::COOKIE) {
        let values: Vec<_> =
            parts.headers.get_all(name).iter().map(|value| String::from_utf8_lossy(value.as_bytes())).collect();
        headers.insert(name.as_str().to_owned(), json!(values.join(",")));
    }
    let host = headers.get("host").and_then(Value::as_str).unwrap_or("127.0.0.1").to_owned();
    for (name, value) in [("x-forwarded-for", "127.0.0.1"), ("x-forwarded-proto", "http")] {
        headers.insert(name.to_owned(), json!(value));
    }
    headers.insert("x-forwarded-port".to_owned(), json!(host.rsplit_once(':').map_or("80", |(_, port)| port)));
    // An answer's shape must not depend on what a browser accepts here; a body of unknown length has its length now.
    headers.insert("content-length".to_owned(), json!(body.len().to_string()));
    let user_agent = headers.get("user-agent").cloned().unwrap_or_else(|| json!(""));
    let path = decode(uri.path());
    let raw_query = uri.query().unwrap_or_default();
    let mut event = json!({
        "version": "2.0",
        "routeKey": matched.route.key,
        "rawPath": path,
        "rawQueryString": raw_query,
        "headers": headers,
        "requestContext": {
            "accountId": ACCOUNT,
            "apiId": API,
            "domainName": host,
            "domainPrefix": API,
            "http": {
                "method": parts.method.as_str(),
                "path": path,
                "protocol": format!("{:?}", parts.version),
                "sourceIp": "127.0.0.1",
                "userAgent": user_agent,
            },
            "requestId": ids::uuid(),
            "routeKey": matched.route.key,
            "stage": "$default",
            "time": now.strftime("%d/%b/%Y:%H:%M:%S +0000").to_string(),
            "timeEpoch": now.as_millisecond(),
        },
        "isBase64Encoded": false,
    });
    let mut set =
        |name: &str, value: Value| event.as_object_mut().and_then(|event| event.insert(name.to_owned(), value));
    let cookies: Vec<String> = parts
        .headers
        .get_all(header::COOKIE)
        .iter()
        .flat_map(|value| {
            String::from_utf8_lossy(value.as_bytes()).split(';').map(|c| c.trim().to_owned()).collect::<Vec<_>>()
        })
        .filter(|cookie| !cookie.is_empty())
        .collect();
    if !cookies.is_empty() {
        set("cookies", json!(cookies));
    }
    if !raw_query.is_empty() {
        let mut query: BTreeMap<String, String> = BTreeMap::new();
        for (name, value) in url::form_urlencoded::parse(raw_query.as_bytes()) {
            query
                .entry(name.into_owned())
                .and_modify(|all| *all = format!("{all},{value}"))
                .or_insert_with(|| value.into_owned());
        }
        set("queryStringParameters", json!(query));
    }
    if !matched.parameters.is_empty() {
        set("pathParameters", json!(matched.parameters));
    }
    if !body.is_empty() {
        match std::str::from_utf8(body).ok().filter(|_| is_text(parts)) {
            Some(text) => set("body", json!(text)),
            None => {
                set("isBase64Encoded", json!(true));
                set("body", json!(STANDARD.encode(body)))
            }
        };
    }
    event
}

/// Whether API Gateway passes a body of this type on as text.
fn is_text(parts: &Parts) -> bool {
    let kind = parts.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    kind.starts_with("text/")
        || matches!(kind.as_str(), "application/json" | "application/javascript" | "application/xml")
        || kind.ends_with("+json")
        || kind.ends_with("+xml")
}

/// The response that a function's answer (format 2.0) is; one that cannot be read is a 500, as in API Gateway.
#[must_use]
pub fn response(answer: ApiGatewayV2httpResponse, request_id: &str) -> Response {
    read(answer, request_id).unwrap_or_else(|| message(StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error"))
}

fn read(answer: ApiGatewayV2httpResponse, request_id: &str) -> Option<Response> {
    let body = match answer.body {
        None | Some(Payload::Empty) => Vec::new(),
        Some(Payload::Text(text)) if answer.is_base64_encoded => STANDARD.decode(text).ok()?,
        Some(Payload::Text(text)) => text.into_bytes(),
        Some(Payload::Binary(bytes)) => bytes,
        Some(_) => return None,
    };
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = StatusCode::from_u16(u16::try_from(answer.status_code).ok()?).ok()?;
    *response.headers_mut() = answer.headers;
    let headers = response.headers_mut();
    for cookie in answer.cookies {
        headers.append(header::SET_COOKIE, HeaderValue::try_from(cookie).ok()?);
    }
    headers.insert("apigw-requestid", HeaderValue::try_from(request_id).ok()?);
    Some(response)
}

/// An answer of API Gateway's own.
#[must_use]
pub fn message(status: StatusCode, text: &str) -> Response {
    let mut response = Response::new(Body::from(json!({"message": text}).to_string()));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;
    use crate::routes::Routes;
    use crate::template::{TEMPLATE, Template};

    fn event(request: Request<&'static str>) -> Value {
        let given =
            ["AllowedOrigins", "PublicUrl", "Issuer"].map(|name| (name.to_owned(), "https://h.example".to_owned()));
        let routes = Routes::new(&Template::parse(TEMPLATE, &given.into()).unwrap()).unwrap();
        let (parts, body) = request.into_parts();
        let matched = routes.find(parts.method.as_str(), parts.uri.path()).unwrap();
        super::request(&parts, &Bytes::from(body), &matched, Timestamp::from_second(1_793_534_400).unwrap())
    }

    #[test]
    fn an_event_has_the_form_of_payload_version_2() {
        let event = event(
            Request::put("http://127.0.0.1:4000/api/admin/talents/talent%5F1?a=1&a=2&b=%20")
                .header("Host", "127.0.0.1:4000")
                .header("Content-Type", "application/json; charset=utf-8")
                .header("Cookie", "one=1; two=2")
                .header("X-Twice", "a")
                .header("X-Twice", "b")
                .body("{\"name\":\"Ä\"}")
                .unwrap(),
        );
        assert_eq!(event["version"], "2.0");
        assert_eq!(event["routeKey"], "PUT /api/admin/talents/{talentId}");
        assert_eq!(event["rawPath"], "/api/admin/talents/talent_1");
        assert_eq!(event["rawQueryString"], "a=1&a=2&b=%20");
        assert_eq!(event["queryStringParameters"], json!({"a": "1,2", "b": " "}));
        assert_eq!(event["pathParameters"], json!({"talentId": "talent_1"}));
        assert_eq!(event["cookies"], json!(["one=1", "two=2"]));
        assert_eq!((&event["headers"]["x-twice"], &event["headers"]["cookie"]), (&json!("a,b"), &Value::Null));
        assert_eq!(event["headers"]["content-length"], "13");
        assert_eq!((&event["body"], &event["isBase64Encoded"]), (&json!("{\"name\":\"Ä\"}"), &json!(false)));
        assert_eq!(event["requestContext"]["http"]["method"], "PUT");
        assert_eq!(event["requestContext"]["time"], "01/Nov/2026:12:00:00 +0000");
        assert_eq!(event["requestContext"]["timeEpoch"], 1_793_534_400_000_i64);
    }

    #[test]
    fn a_body_that_is_no_text_is_base64() {
        let form = Request::post("/api/social/oauth/connect")
            .header("content-type", "application/x-www-form-urlencoded")
            .body("a=b")
            .unwrap();
        let event = event(form);
        assert_eq!((&event["body"], &event["isBase64Encoded"]), (&json!("YT1i"), &json!(true)));
    }

    #[test]
    fn a_request_without_query_cookies_or_body_has_none_in_its_event() {
        let event = event(Request::get("/health").body("").unwrap());
        for absent in ["queryStringParameters", "cookies", "body", "pathParameters"] {
            assert_eq!(event.get(absent), None, "{absent}");
        }
    }

    #[test]
    fn an_answer_becomes_a_response_with_each_cookie_in_its_own_header() {
        let answer = r#"{"statusCode":302,"headers":{"location":"/x"},"multiValueHeaders":{},"body":"","isBase64Encoded":false,"cookies":["a=1","b=2"]}"#;
        let mut answer: ApiGatewayV2httpResponse = serde_json::from_str(answer).unwrap();
        let response = response(answer.clone(), "id");
        assert_eq!(
            (response.status(), response.headers()["location"].as_bytes()),
            (StatusCode::FOUND, b"/x".as_slice())
        );
        assert_eq!(response.headers().get_all("set-cookie").iter().count(), 2);
        answer.status_code = 7;
        assert_eq!(super::response(answer, "id").status(), StatusCode::INTERNAL_SERVER_ERROR);
    }
}
