//! Apps, consent, tokens without end, revocation.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::{App, breach, error};
use crate::accounts::Account;
use crate::call::{Answer, Call, Reply, error_page, escape};
use crate::consent::{Ask, Decision};
use crate::control::HandOver;
use crate::law;
use crate::oauth::{Code, Kind, pkce_ok, scopes};
use crate::state::{Platform, World, secret};
use crate::strict::{Input, Rule, Shape, check_filled, check_names};

const OOB: &str = "urn:ietf:wg:oauth:2.0:oob";
const CODE_S: i64 = 600;
const AUTHORIZE: [&str; 9] = [
    "response_type!",
    "client_id!",
    "redirect_uri!",
    "scope",
    "state",
    "code_challenge",
    "code_challenge_method",
    "force_login",
    "lang",
];

fn known(scope: &str) -> bool {
    let (head, tail) = scope.split_once(':').unwrap_or((scope, ""));
    match head {
        "profile" | "follow" | "push" => tail.is_empty(),
        "read" | "write" => tail.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'),
        "admin" => !tail.is_empty(),
        _ => false,
    }
}

/// Whether `held` covers `scope`: `read` covers `read:accounts`.
pub(super) fn covers(held: &[String], scope: &str) -> bool {
    held.iter().any(|h| h == scope || scope.strip_prefix(h.as_str()).is_some_and(|rest| rest.starts_with(':')))
}

fn oauth_error(status: u16, code: &str, description: &str) -> Reply {
    Reply::json(status, &json!({"error": code, "error_description": description}))
}

pub(super) fn register(world: &World, call: &Call) -> Answer {
    const FIELDS: &[&str] = &["client_name!", "redirect_uris*", "redirect_uris[]*", "scopes", "website"];
    const RULE: Rule = Rule { method: "POST", query: &[], body: Shape::FormOrJson(FIELDS), headers: &[] };
    let input = RULE.read(call).map_err(|b| breach(world, call, &b))?;
    let f = &input.form;
    let redirect_uris: Vec<String> =
        f.all("redirect_uris").chain(f.all("redirect_uris[]")).flat_map(str::lines).map(str::to_owned).collect();
    let good = |uri: &String| uri == OOB || url::Url::parse(uri).is_ok_and(|u| u.fragment().is_none());
    if redirect_uris.is_empty() || !redirect_uris.iter().all(good) {
        let reply = error(422, "Validation failed: Redirect URI must be an absolute URI.");
        return Err(world.unexpected(call, "redirect_uris", reply));
    }
    let scopes = scopes(f.get("scopes").unwrap_or("read"), &[' ']);
    if !scopes.iter().all(|s| known(s)) {
        let reply = error(422, "Validation failed: Scopes doesn't match configured on the server.");
        return Err(world.unexpected(call, "scopes", reply));
    }
    let (client_id, client_secret) = (secret(43), secret(43));
    let body = json!({
        "id": (law::hash(Platform::Mastodon, &client_id, "app", 0) % 1_000_000).to_string(),
        "name": f.text("client_name"), "website": f.get("website"), "scopes": scopes, "redirect_uris": redirect_uris,
        "redirect_uri": redirect_uris.join("\n"), "client_id": client_id, "client_secret": client_secret, "client_secret_expires_at": 0,
    });
    let app = App {
        host: call.host.clone(),
        name: f.text("client_name").to_owned(),
        secret: client_secret,
        scopes,
        redirect_uris,
    };
    world.mastodon.add(&client_id, app);
    Ok(Reply::json(200, &body))
}

pub(super) fn discovery(world: &World, call: &Call) -> Answer {
    const RULE: Rule = Rule::get(&[], &[]);
    RULE.read(call).map_err(|b| breach(world, call, &b))?;
    // Servers before 4.3 have no such document.
    if call.host.starts_with("old.") {
        return Err(super::not_found());
    }
    let at = |path: &str| format!("https://{}{path}", call.host);
    Ok(Reply::json(
        200,
        &json!({
            "issuer": at("/"), "authorization_endpoint": at("/oauth/authorize"), "token_endpoint": at("/oauth/token"),
            "revocation_endpoint": at("/oauth/revoke"), "app_registration_endpoint": at("/api/v1/apps"),
            "scopes_supported": ["read", "write", "follow", "push", "profile", "read:accounts", "read:statuses", "read:notifications", "write:statuses", "write:media"],
            "response_types_supported": ["code"], "response_modes_supported": ["query", "fragment", "form_post"],
            "grant_types_supported": ["authorization_code", "client_credentials"],
            "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
            "code_challenge_methods_supported": ["S256"], "service_documentation": "https://docs.joinmastodon.org/",
        }),
    ))
}

pub(super) fn authorize(world: &World, call: &Call) -> Answer {
    let q = &call.query;
    let refuse = |why: &str| world.unexpected(call, why, error_page(400, "An error has occurred", why));
    check_names(&AUTHORIZE, q.keys()).and_then(|()| check_filled(&AUTHORIZE, q)).map_err(|b| refuse(&b.text()))?;
    let app = world
        .mastodon
        .get(&call.host, q.text("client_id"))
        .ok_or_else(|| refuse("Client authentication failed due to unknown client."))?;
    let redirect = q.text("redirect_uri");
    if !app.redirect_uris.iter().any(|uri| uri == redirect) {
        return Err(refuse("The requested redirect uri is malformed or doesn't match client redirect URI."));
    }
    let state = q.get("state").map(|s| ("state", s));
    let bounce = |code: &str, why: &str| {
        let mut params = vec![("error", code), ("error_description", why)];
        params.extend(state);
        Reply::redirect(redirect, &params, "")
    };
    if q.text("response_type") != "code" {
        return Err(world.unexpected(
            call,
            "response_type",
            bounce("unsupported_response_type", "The authorization server does not support this response type."),
        ));
    }
    let asked = scopes(q.get("scope").unwrap_or("read"), &[' ']);
    if !asked.iter().all(|s| covers(&app.scopes, s)) {
        return Err(world.unexpected(
            call,
            "scope",
            bounce("invalid_scope", "The requested scope is invalid, unknown, or malformed."),
        ));
    }
    let challenge = q.get("code_challenge").map(|c| ("S256".to_owned(), c.to_owned()));
    // Before 4.3 a server knew no PKCE and ignored it.
    let challenge = challenge.filter(|_| !call.host.starts_with("old."));
    if q.get("code_challenge").is_some() != (q.get("code_challenge_method") == Some("S256")) {
        return Err(world.unexpected(
            call,
            "code_challenge_method",
            bounce("invalid_request", "The code challenge method must be S256."),
        ));
    }
    let ask = Ask { platform: Platform::Mastodon, client: &app.name, scopes: &asked, hint: &call.host, fixed: "" };
    match ask.decide(world, call)? {
        Decision::Denied => {
            Ok(bounce("access_denied", "The resource owner or authorization server denied the request."))
        }
        Decision::Approved { account, scopes } => {
            let now = world.now();
            let grant = world.oauth.open_grant(&account.who, q.text("client_id"), scopes, now, None);
            let code = secret(43);
            world.oauth.add_code(
                &code,
                Code {
                    grant,
                    redirect_uri: redirect.to_owned(),
                    challenge,
                    offline: false,
                    expires_ms: now + CODE_S * 1000,
                    used: false,
                },
            );
            if redirect == OOB {
                return Ok(Reply::html(
                    200,
                    format!("<!doctype html><title>Authorization code</title><code>{}</code>", escape(&code)),
                ));
            }
            let mut params = vec![("code", code.as_str())];
            params.extend(state);
            Ok(Reply::redirect(redirect, &params, ""))
        }
    }
}

/// The app that authenticates itself in the form or with Basic.
fn client(world: &World, call: &Call, input: &Input) -> Result<String, Reply> {
    let failed = || {
        oauth_error(
            401,
            "invalid_client",
            "Client authentication failed due to unknown client, no client authentication included, or unsupported authentication method.",
        )
    };
    let basic = call.credential("basic").and_then(|b| String::from_utf8(STANDARD.decode(b).ok()?).ok());
    let (id, given) = match basic.as_deref().and_then(|b| b.split_once(':')) {
        Some((id, given)) => (id.to_owned(), given.to_owned()),
        None => (input.form.text("client_id").to_owned(), input.form.text("client_secret").to_owned()),
    };
    match world.mastodon.get(&call.host, &id) {
        Some(app) if app.secret == given => Ok(id),
        _ => Err(failed()),
    }
}

pub(super) fn token(world: &World, call: &Call) -> Answer {
    const FIELDS: &[&str] =
        &["grant_type!", "code", "client_id", "client_secret", "redirect_uri", "code_verifier", "scope"];
    const RULE: Rule =
        Rule { method: "POST", query: &[], body: Shape::FormOrJson(FIELDS), headers: &["authorization"] };
    let input = RULE
        .read(call)
        .map_err(|b| world.unexpected(call, &b.text(), oauth_error(400, "invalid_request", &b.text())))?;
    let client = client(world, call, &input)?;
    let f = &input.form;
    if f.text("grant_type") != "authorization_code" {
        let reply = oauth_error(
            400,
            "unsupported_grant_type",
            "The authorization grant type is not supported by the authorization server.",
        );
        return Err(world.unexpected(call, "grant_type", reply));
    }
    let invalid = || {
        oauth_error(
            400,
            "invalid_grant",
            "The provided authorization grant is invalid, expired, revoked, does not match the redirection URI used in the authorization request, or was issued to another client.",
        )
    };
    let now = world.now();
    let (code, grant) = world.oauth.peek_code(f.text("code"), now).map_err(|_| invalid())?;
    let account = world.accounts.get(&grant.who);
    call.about(&account.handle);
    if grant.client != client || code.redirect_uri != f.text("redirect_uri") || account.instance() != call.host {
        return Err(invalid());
    }
    if code.challenge.as_ref().is_some_and(|(method, challenge)| !pkce_ok(method, challenge, f.text("code_verifier"))) {
        return Err(world.unexpected(call, "code_verifier", invalid()));
    }
    if !world.oauth.spend_code(f.text("code")) {
        return Err(invalid());
    }
    let access = secret(43);
    world.oauth.issue(code.grant, Kind::Access, &access, now, None);
    let scope = account.effective(&grant.scopes).join(" ");
    Ok(Reply::json(
        200,
        &json!({"access_token": access, "token_type": "Bearer", "scope": scope, "created_at": now / 1000}),
    ))
}

pub(super) fn revoke(world: &World, call: &Call) -> Answer {
    const FIELDS: &[&str] = &["client_id", "client_secret", "token!"];
    const RULE: Rule =
        Rule { method: "POST", query: &[], body: Shape::FormOrJson(FIELDS), headers: &["authorization"] };
    let input = RULE
        .read(call)
        .map_err(|b| world.unexpected(call, &b.text(), oauth_error(400, "invalid_request", &b.text())))?;
    let foreign = || oauth_error(403, "unauthorized_client", "You are not authorized to revoke this token");
    let client = client(world, call, &input).map_err(|_| foreign())?;
    if let Ok(bearer) = world.oauth.check(input.form.text("token"), &[Kind::Access], Platform::Mastodon, world.now()) {
        call.about(&world.accounts.get(&bearer.grant.who).handle);
        if bearer.grant.client != client {
            return Err(foreign());
        }
        world.oauth.kill_token(input.form.text("token"));
    }
    Ok(Reply::json(200, &Value::Object(serde_json::Map::new())))
}

pub(crate) fn hand_over(world: &World, account: &Account, wanted: Option<Vec<String>>) -> HandOver {
    let scopes = wanted.unwrap_or_else(|| vec!["read".to_owned(), "write".to_owned()]);
    let now = world.now();
    let grant = world.oauth.open_grant(&account.who, "an app elsewhere", scopes.clone(), now, None);
    let access = secret(43);
    world.oauth.issue(grant, Kind::Access, &access, now, None);
    HandOver { access, refresh: None, expires_in_s: None, scopes }
}
