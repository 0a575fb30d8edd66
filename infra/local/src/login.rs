//! Log-in at the issuer of this machine: authorization code with a proof key, as at any OIDC issuer, but that whoever asks
//! chooses who to be. The pages and programs that log in here take the same path as in a deployment.

use std::collections::HashMap;
use std::sync::Mutex;

use axum::extract::{Form, Query, State};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::get;
use axum::{Json, Router};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::Clock;
use http::{HeaderValue, StatusCode, header};
use jiff::{SignedDuration, Timestamp};
use ring::digest;
use serde::{Deserialize, Serialize};
use serde_json::json;
use url::Url;

use crate::control::Control;
use crate::ids;
use crate::token::Wanted;

/// How long a code may be exchanged.
const CODE_LIFE: SignedDuration = SignedDuration::from_secs(60);
/// How long a session is good before it is renewed, in seconds.
const SESSION_S: i64 = 3_600;

/// What was granted and not yet fetched, in memory: a restart logs everyone out.
#[derive(Default)]
pub struct Grants {
    codes: Mutex<HashMap<String, Granted>>,
    renewals: Mutex<HashMap<String, (String, Wanted)>>,
}

struct Granted {
    asked: Asked,
    wanted: Wanted,
    until: Timestamp,
}

/// What an application asks for; the form carries it on.
#[derive(Debug, Clone, Deserialize, Serialize)]
struct Asked {
    client_id: String,
    redirect_uri: String,
    #[serde(default)]
    response_type: String,
    #[serde(default)]
    state: String,
    #[serde(default)]
    nonce: String,
    #[serde(default)]
    code_challenge: String,
    #[serde(default)]
    code_challenge_method: String,
}

/// Who the person chose to be.
#[derive(Debug, Deserialize)]
struct Chosen {
    #[serde(flatten)]
    asked: Asked,
    role: String,
    #[serde(default)]
    talent: String,
    #[serde(default)]
    workspace: String,
}

#[derive(Debug, Deserialize)]
struct Exchange {
    grant_type: String,
    #[serde(default)]
    client_id: String,
    #[serde(default)]
    redirect_uri: String,
    #[serde(default)]
    code: String,
    #[serde(default)]
    code_verifier: String,
    #[serde(default)]
    refresh_token: String,
}

#[derive(Debug, Deserialize)]
struct Leave {
    post_logout_redirect_uri: Option<String>,
    #[serde(default)]
    state: String,
}

type Shared = State<std::sync::Arc<Control>>;

/// The routes. `/local/token` is completed by the one that hands out tokens to programs.
pub fn router() -> Router<std::sync::Arc<Control>> {
    Router::new().route("/local/authorize", get(page).post(choose)).route("/local/logout", get(leave))
}

/// Only this machine's own pages may be returned to.
fn is_ours(control: &Control, address: &str) -> Option<Url> {
    let url = Url::parse(address).ok()?;
    let loopback = matches!(url.host_str(), Some("127.0.0.1" | "localhost" | "[::1]")) && url.scheme() == "http";
    let public = control.public_origin == url.origin().ascii_serialization();
    (loopback || public).then_some(url)
}

fn refuse(text: &str) -> Response {
    (StatusCode::BAD_REQUEST, Html(format!("<!doctype html><title>Log-in</title><p>{}", escape(text)))).into_response()
}

fn check(control: &Control, asked: &Asked) -> Result<Url, String> {
    let url = is_ours(control, &asked.redirect_uri).ok_or("redirect_uri is no address of this machine.")?;
    if asked.response_type != "code" || asked.code_challenge_method != "S256" || asked.code_challenge.len() != 43 {
        return Err("This issuer takes response_type=code with a code_challenge, method S256.".to_owned());
    }
    Ok(url)
}

async fn page(State(control): Shared, Query(asked): Query<Asked>) -> Response {
    if let Err(reason) = check(&control, &asked) {
        return refuse(&reason);
    }
    let fields = match serde_json::to_value(&asked) {
        Ok(serde_json::Value::Object(fields)) => fields,
        _ => return refuse("The request cannot be read."),
    };
    let hidden: String = fields
        .iter()
        .map(|(name, value)| {
            let value = escape(value.as_str().unwrap_or_default());
            format!("<input type=\"hidden\" name=\"{name}\" value=\"{value}\">")
        })
        .collect();
    let page = include_str!("login.html").replace("{hidden}", &hidden);
    let policy = "default-src 'none'; style-src 'unsafe-inline'; form-action 'self' http: https:; base-uri 'none'; frame-ancestors 'none'";
    ([(header::CONTENT_SECURITY_POLICY, policy)], Html(page)).into_response()
}

async fn choose(State(control): Shared, Form(chosen): Form<Chosen>) -> Response {
    let Chosen { asked, role, talent, workspace } = chosen;
    let mut url = match check(&control, &asked) {
        Ok(url) => url,
        Err(reason) => return refuse(&reason),
    };
    let talent = Some(talent.trim().to_owned()).filter(|talent| !talent.is_empty() && role == "talent");
    let workspace = Some(workspace.trim().to_owned()).filter(|workspace| !workspace.is_empty());
    let base = Wanted::default();
    let wanted = Wanted { role, talent, workspace: workspace.unwrap_or(base.workspace), ttl: SESSION_S, subject: None };
    let code = secret();
    let state = asked.state.clone();
    let now = control.clock.now();
    if let Ok(mut codes) = control.grants.codes.lock() {
        codes.retain(|_, granted| granted.until > now);
        codes.insert(code.clone(), Granted { asked, wanted, until: now.saturating_add(CODE_LIFE).unwrap_or(now) });
    }
    url.query_pairs_mut()
        .append_pair("code", &code)
        .append_pair("state", &state)
        .append_pair("iss", control.issuer.url());
    // 303: the form was posted, the application is fetched.
    Redirect::to(url.as_str()).into_response()
}

async fn leave(State(control): Shared, Query(leave): Query<Leave>) -> Response {
    let Some(mut url) = leave.post_logout_redirect_uri.as_deref().and_then(|to| is_ours(&control, to)) else {
        return refuse("You are logged out.");
    };
    if !leave.state.is_empty() {
        url.query_pairs_mut().append_pair("state", &leave.state);
    }
    Redirect::to(url.as_str()).into_response()
}

/// The token endpoint.
pub async fn exchange(State(control): Shared, body: bytes::Bytes) -> Response {
    let mut response = match serde_urlencoded(&body).and_then(|asked| granted(&control, asked)) {
        Ok((client, wanted, nonce)) => tokens(&control, client, wanted, &nonce),
        Err(error) => (StatusCode::BAD_REQUEST, Json(json!({"error": error}))).into_response(),
    };
    // A public client: whoever has the code and the proof may read the answer, from any page.
    response.headers_mut().insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

fn serde_urlencoded(body: &[u8]) -> Result<Exchange, &'static str> {
    let fields: serde_json::Map<String, serde_json::Value> =
        url::form_urlencoded::parse(body).map(|(name, value)| (name.into_owned(), json!(value))).collect();
    serde_json::from_value(fields.into()).map_err(|_| "invalid_request")
}

fn granted(control: &Control, asked: Exchange) -> Result<(String, Wanted, String), &'static str> {
    match asked.grant_type.as_str() {
        "authorization_code" => {
            // Taken out first: a code is good for one try.
            let code = control.grants.codes.lock().ok().and_then(|mut codes| codes.remove(&asked.code));
            let granted = code.filter(|granted| granted.until > control.clock.now()).ok_or("invalid_grant")?;
            let proof = URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, asked.code_verifier.as_bytes()));
            let fits = proof == granted.asked.code_challenge
                && asked.redirect_uri == granted.asked.redirect_uri
                && asked.client_id == granted.asked.client_id;
            if fits { Ok((asked.client_id, granted.wanted, granted.asked.nonce)) } else { Err("invalid_grant") }
        }
        "refresh_token" => {
            let known = control.grants.renewals.lock().ok().and_then(|mut known| known.remove(&asked.refresh_token));
            let (client, wanted) = known.filter(|(client, _)| *client == asked.client_id).ok_or("invalid_grant")?;
            Ok((client, wanted, String::new()))
        }
        _ => Err("unsupported_grant_type"),
    }
}

fn tokens(control: &Control, client: String, wanted: Wanted, nonce: &str) -> Response {
    let now = control.clock.now();
    let signed = control
        .issuer
        .token(&wanted, now)
        .and_then(|access| Ok((access, control.issuer.id_token(&wanted, &client, nonce, now)?)));
    match signed {
        Ok((access, id)) => {
            let renewal = secret();
            if let Ok(mut known) = control.grants.renewals.lock() {
                known.insert(renewal.clone(), (client, wanted));
            }
            Json(json!({
                "access_token": access, "id_token": id, "refresh_token": renewal,
                "token_type": "Bearer", "expires_in": SESSION_S, "scope": "openid",
            }))
            .into_response()
        }
        Err(error) => {
            tracing::error!(%error, "a token cannot be signed");
            (StatusCode::INTERNAL_SERVER_ERROR, Json(json!({"error": "server_error"}))).into_response()
        }
    }
}

fn secret() -> String {
    format!("{}{}", ids::uuid(), ids::uuid()).replace('-', "")
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
