//! `GET /`, `GET /console`, `GET /console/{path+}`: the web console, from files that are compiled into the bundle.
//!
//! Names with a hash never change and are kept for a year; everything else is asked for again each time. A path without a
//! file is a page of the console, which finds its way by itself. The console has a path of its own, so that no route of the
//! API can be mistaken for a page, nor a page for a route.

use bytes::Bytes;
use cloud::http::{ApiError, Request, Response};
use http::StatusCode;
use serde_json::json;

use super::policy;
use crate::App;

/// A file of the console.
struct File {
    /// Its path below `/console/`.
    path: &'static str,
    /// Its type.
    content_type: &'static str,
    /// A hash of it.
    etag: &'static str,
    /// Whether its name holds a hash.
    immutable: bool,
    /// As it is; empty where only the compressed forms are kept.
    plain: &'static [u8],
    /// Compressed with Brotli; empty where that saves nothing.
    brotli: &'static [u8],
    /// Compressed with gzip; empty where that saves nothing.
    gzip: &'static [u8],
}

include!(concat!(env!("OUT_DIR"), "/console_files.rs"));

/// Whether the console was there when this bundle was built.
#[must_use]
pub const fn is_built() -> bool {
    !FILES.is_empty()
}

const NOT_BUILT: &str = "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Herald</title><body>\
<h1>The console is not in this build</h1><p>The API answers all the same. <code>make run</code> builds the console and \
starts the local stack; for a deployment run <code>make console</code> before <code>sam build</code>.</p>";

/// Answers with a file of the console, with what its pages must know, or with the page that finds its way by itself.
///
/// # Errors
/// 404 for a file that is not there, 406 for a browser that takes no compressed files.
pub async fn handle(app: &App, request: Request) -> Result<Response, ApiError> {
    let settings = &app.settings.console;
    let response = match request.path_parameters.get("path").map(String::as_str) {
        // What a platform's redirect brought is carried on.
        None if !request.route.starts_with("/console") => {
            let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(&request.query).finish();
            let query = if query.is_empty() { query } else { format!("?{query}") };
            Response::redirect(format!("/console{query}")).header("cache-control", "no-store")
        }
        Some("config.json") => Response::ok(&json!({
            "version": env!("CARGO_PKG_VERSION"),
            "publicUrl": app.settings.public_url.as_str().trim_end_matches('/'),
            "issuer": settings.issuer,
            "audience": settings.audience,
            "clientId": settings.client_id,
            "scope": settings.scope,
            "token": settings.token.as_str(),
            "claims": { "workspace": settings.claims[0], "role": settings.claims[1], "talent": settings.claims[2] },
        }))?
        .header("cache-control", "no-cache"),
        path => file(path.unwrap_or("index.html"), request.header("accept-encoding"))?,
    };
    Ok(policy::headers(settings).into_iter().fold(response, |response, (name, value)| response.header(name, value)))
}

fn file(path: &str, accepted: Option<&str>) -> Result<Response, ApiError> {
    let find = |path: &str| FILES.iter().find(|file| file.path == path);
    // The last part of a page's path has no dot; a file that is not there must not be answered with a page.
    let is_page = !path.rsplit('/').next().unwrap_or_default().contains('.');
    match find(path).or_else(|| find("index.html").filter(|_| is_page)) {
        Some(file) => encoded(file, accepted),
        None if is_page || path == "index.html" => {
            let page = Response::file("text/html; charset=utf-8", Bytes::from_static(NOT_BUILT.as_bytes()));
            Ok(Response { status: StatusCode::SERVICE_UNAVAILABLE, ..page }.header("cache-control", "no-store"))
        }
        None => Err(ApiError::not_found("file")),
    }
}

/// A file in the smallest form that the browser takes.
fn encoded(file: &'static File, accepted: Option<&str>) -> Result<Response, ApiError> {
    let takes = |coding| accepts(accepted, coding);
    let (coding, bytes) = match (file.brotli, file.gzip, file.plain) {
        (brotli, ..) if !brotli.is_empty() && accepted.is_some() && takes("br") => (Some("br"), brotli),
        (_, gzip, plain) if !gzip.is_empty() && takes("gzip") && (accepted.is_some() || plain.is_empty()) => {
            (Some("gzip"), gzip)
        }
        (_, _, plain) if !plain.is_empty() => (None, plain),
        _ => {
            let text = "This file is kept compressed only; ask for it with Accept-Encoding: gzip.";
            return Err(ApiError::new(StatusCode::NOT_ACCEPTABLE, "not_acceptable", text));
        }
    };
    let cache = if file.immutable { "public, max-age=31536000, immutable" } else { "no-cache" };
    let response = Response::file(file.content_type, Bytes::from_static(bytes))
        .header("cache-control", cache)
        .header("etag", format!("\"{}\"", file.etag))
        .header("vary", "accept-encoding");
    Ok(match coding {
        Some(coding) => response.header("content-encoding", coding),
        None => response,
    })
}

/// Whether `Accept-Encoding` takes a coding. Without the header a client takes any.
fn accepts(header: Option<&str>, coding: &str) -> bool {
    let Some(header) = header else { return true };
    let refused = |weight: Option<&str>| {
        weight.and_then(|weight| weight.trim().strip_prefix("q=")?.parse::<f32>().ok()).is_some_and(|q| q <= 0.0)
    };
    let named = |wanted: &str| {
        header.split(',').find_map(|part| {
            let (name, weight) = part.split_once(';').map_or((part, None), |(name, weight)| (name, Some(weight)));
            name.trim().eq_ignore_ascii_case(wanted).then(|| !refused(weight))
        })
    };
    named(coding).or_else(|| named("*")).unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    static SCRIPT: File = File {
        path: "assets/a-1.js",
        content_type: "text/javascript; charset=utf-8",
        etag: "1",
        immutable: true,
        plain: b"",
        brotli: b"B",
        gzip: b"G",
    };
    static PAGE: File = File {
        path: "index.html",
        content_type: "text/html; charset=utf-8",
        etag: "2",
        immutable: false,
        plain: b"P",
        ..SCRIPT
    };

    fn answer(file: &'static File, accepted: Option<&str>) -> (Option<String>, Bytes) {
        let response = encoded(file, accepted).unwrap();
        let coding = response.headers.iter().find(|(name, _)| *name == "content-encoding").map(|(_, v)| v.clone());
        (coding, response.binary.unwrap())
    }

    #[test]
    fn a_file_comes_in_the_smallest_form_that_is_taken() {
        for (file, accepted, coding, body) in [
            (&SCRIPT, Some("gzip, deflate, br"), Some("br"), "B"),
            (&SCRIPT, Some("gzip, br;q=0"), Some("gzip"), "G"),
            (&SCRIPT, Some("*"), Some("br"), "B"),
            (&SCRIPT, None, Some("gzip"), "G"),
            (&PAGE, Some("identity"), None, "P"),
            (&PAGE, None, None, "P"),
        ] {
            assert_eq!(answer(file, accepted), (coding.map(str::to_owned), Bytes::from(body)), "{accepted:?}");
        }
        assert_eq!(encoded(&SCRIPT, Some("identity")).unwrap_err().status, StatusCode::NOT_ACCEPTABLE);
    }

    #[test]
    fn only_a_name_with_a_hash_is_kept_for_good() {
        let cache = |file: &'static File| {
            let headers = encoded(file, Some("br")).unwrap().headers;
            headers.into_iter().find(|(name, _)| *name == "cache-control").unwrap().1
        };
        assert_eq!(
            (cache(&SCRIPT).as_str(), cache(&PAGE).as_str()),
            ("public, max-age=31536000, immutable", "no-cache")
        );
    }

    #[test]
    fn a_file_that_is_not_there_is_no_page() {
        assert_eq!(file("assets/gone-2.js", Some("br")).unwrap_err().status, StatusCode::NOT_FOUND);
    }
}
