//! Consent with PKCE, code exchange, rotation of refresh tokens, revocation, the app's own token.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use crate::App;
use crate::accounts::Account;
use crate::call::{Answer, Call, Reply, error_page};
use crate::consent::{Ask, Decision};
use crate::control::HandOver;
use crate::oauth::{Code, Kind, pkce_ok, redirect_allowed, scopes, sha256_url};
use crate::state::{Platform, World, secret};
use crate::strict::{Rule, Shape, check_filled, check_names};

const SCOPES: [&str; 24] = [
    "tweet.read",
    "tweet.write",
    "tweet.moderate.write",
    "users.read",
    "users.email",
    "follows.read",
    "follows.write",
    "offline.access",
    "space.read",
    "mute.read",
    "mute.write",
    "like.read",
    "like.write",
    "list.read",
    "list.write",
    "block.read",
    "block.write",
    "bookmark.read",
    "bookmark.write",
    "dm.read",
    "dm.write",
    "media.write",
    "timeline.read",
    "broadcast.read",
];
const AUTHORIZE: [&str; 7] =
    ["response_type!", "client_id!", "redirect_uri!", "scope!", "state!", "code_challenge!", "code_challenge_method!"];
const CODE_S: i64 = 30;
const ACCESS_S: i64 = 7_200;
const REFRESH_S: i64 = 183 * 86_400;

fn oauth_error(status: u16, error: &str, description: &str) -> Reply {
    Reply::json(status, &json!({"error": error, "error_description": description}))
}

pub(super) fn authorize(world: &World, call: &Call) -> Answer {
    let q = &call.query;
    let refuse = |why: &str| {
        world.unexpected(
            call,
            why,
            error_page(400, "Something went wrong", "You weren't able to give access to the App."),
        )
    };
    check_names(&AUTHORIZE, q.keys()).and_then(|()| check_filled(&AUTHORIZE, q)).map_err(|b| refuse(&b.text()))?;
    if q.text("client_id") != world.config.twitter.id || q.text("response_type") != "code" {
        return Err(refuse("client_id or response_type"));
    }
    let redirect = q.text("redirect_uri");
    if !redirect_allowed(redirect) {
        return Err(refuse("redirect_uri"));
    }
    let method = q.text("code_challenge_method");
    if !matches!(method, "S256" | "plain") || q.text("state").len() > 500 {
        return Err(refuse("code_challenge_method or state"));
    }
    let asked = scopes(q.text("scope"), &[' ']);
    if !asked.iter().all(|s| SCOPES.contains(&s.as_str())) {
        return Err(refuse("scope"));
    }
    let ask = Ask { platform: Platform::Twitter, client: "The app", scopes: &asked, hint: "", fixed: "users.read" };
    let state = q.text("state");
    match ask.decide(world, call)? {
        Decision::Denied => Ok(Reply::redirect(redirect, &[("error", "access_denied"), ("state", state)], "")),
        Decision::Approved { account, scopes } => {
            let now = world.now();
            let grant = world.oauth.open_grant(&account.who, q.text("client_id"), scopes, now, None);
            let code = secret(90);
            world.oauth.add_code(
                &code,
                Code {
                    grant,
                    redirect_uri: redirect.to_owned(),
                    challenge: Some((method.to_owned(), q.text("code_challenge").to_owned())),
                    offline: false,
                    expires_ms: now + CODE_S * 1000,
                    used: false,
                },
            );
            Ok(Reply::redirect(redirect, &[("state", state), ("code", &code)], ""))
        }
    }
}

/// The app that authenticates itself with Basic.
fn basic(call: &Call, app: &App) -> Result<(), Reply> {
    let given = call.credential("basic").and_then(|b| String::from_utf8(STANDARD.decode(b).ok()?).ok());
    if given.as_deref() == Some(&format!("{}:{}", app.id, app.secret)) {
        return Ok(());
    }
    Err(oauth_error(401, "unauthorized_client", "Missing valid authorization header"))
}

pub(super) fn token(world: &World, call: &Call) -> Answer {
    const FIELDS: &[&str] = &["grant_type!", "code", "redirect_uri", "code_verifier", "refresh_token"];
    const RULE: Rule = Rule { method: "POST", query: &[], body: Shape::Form(FIELDS), headers: &["authorization!"] };
    let input = RULE
        .read(call)
        .map_err(|b| world.unexpected(call, &b.text(), oauth_error(400, "invalid_request", &b.text())))?;
    basic(call, &world.config.twitter)?;
    let f = &input.form;
    match f.text("grant_type") {
        "authorization_code" => exchange(world, call, f.text("code"), f.text("redirect_uri"), f.text("code_verifier")),
        "refresh_token" => refresh(world, call, f.text("refresh_token")),
        other => {
            let reply = oauth_error(400, "unsupported_grant_type", &format!("{other} is not supported"));
            Err(world.unexpected(call, "grant_type", reply))
        }
    }
}

fn exchange(world: &World, call: &Call, text: &str, redirect: &str, verifier: &str) -> Answer {
    let invalid = || oauth_error(400, "invalid_request", "Value passed for the authorization code was invalid.");
    let (code, grant) = world.oauth.peek_code(text, world.now()).map_err(|_| invalid())?;
    let account = world.accounts.get(&grant.who);
    call.about(&account.handle);
    if code.redirect_uri != redirect {
        let text = "Value passed for the redirect uri did not match the uri of the authorization code.";
        return Err(oauth_error(400, "invalid_request", text));
    }
    if code.challenge.as_ref().is_none_or(|(method, challenge)| !pkce_ok(method, challenge, verifier)) {
        let reply =
            oauth_error(400, "invalid_request", "Value passed for the code verifier did not match the code challenge.");
        return Err(world.unexpected(call, "code_verifier", reply));
    }
    if !world.oauth.spend_code(text) {
        return Err(invalid());
    }
    Ok(issue(world, code.grant, &account, &grant.scopes))
}

fn refresh(world: &World, call: &Call, old: &str) -> Answer {
    let invalid = || oauth_error(400, "invalid_request", "Value passed for the token was invalid.");
    let now = world.now();
    let bearer = world.oauth.check(old, &[Kind::Refresh], Platform::Twitter, now).map_err(|_| invalid())?;
    let account = world.accounts.get(&bearer.grant.who);
    call.about(&account.handle);
    // Good once, whatever becomes of the answer.
    if account.deleted || account.suspended || !world.oauth.rotate(old, now, &[]) {
        return Err(invalid());
    }
    Ok(issue(world, bearer.grant_id, &account, &bearer.grant.scopes))
}

fn pair(world: &World, grant: u64, scopes: &[String]) -> (String, Option<String>) {
    let now = world.now();
    let access = secret(91);
    world.oauth.issue(grant, Kind::Access, &access, now, Some(ACCESS_S));
    let refresh = scopes.iter().any(|s| s == "offline.access").then(|| secret(91));
    if let Some(refresh) = &refresh {
        world.oauth.issue(grant, Kind::Refresh, refresh, now, Some(REFRESH_S));
    }
    (access, refresh)
}

fn issue(world: &World, grant: u64, account: &Account, scopes: &[String]) -> Reply {
    let granted = account.effective(scopes);
    let (access, refresh) = pair(world, grant, &granted);
    let mut body =
        json!({"token_type": "bearer", "expires_in": ACCESS_S, "access_token": access, "scope": granted.join(" ")});
    if let Some(refresh) = refresh {
        body["refresh_token"] = json!(refresh);
    }
    Reply::json(200, &body)
}

pub(super) fn revoke(world: &World, call: &Call) -> Answer {
    const RULE: Rule = Rule::form(&["token!", "token_type_hint"], &["authorization!"]);
    let input = RULE
        .read(call)
        .map_err(|b| world.unexpected(call, &b.text(), oauth_error(400, "invalid_request", &b.text())))?;
    basic(call, &world.config.twitter)?;
    let token = input.form.text("token");
    if let Ok(bearer) = world.oauth.check(token, &[Kind::Access, Kind::Refresh], Platform::Twitter, world.now()) {
        call.about(&world.accounts.get(&bearer.grant.who).handle);
        world.oauth.kill_grant(bearer.grant_id);
    }
    Ok(Reply::json(200, &json!({"revoked": true})))
}

/// The token of the app itself.
pub(super) fn app_bearer(world: &World) -> String {
    let app = &world.config.twitter_api;
    format!("AAAAAAAAAAAAAAAAAAAAA{}", sha256_url(format!("{}:{}", app.id, app.secret).as_bytes()))
}

pub(super) fn app_token(world: &World, call: &Call) -> Answer {
    const RULE: Rule = Rule::form(&["grant_type!"], &["authorization!"]);
    let unfit = |text: &str| {
        Reply::json(403, &json!({"errors": [{"code": 99, "message": text, "label": "authenticity_token_error"}]}))
    };
    let input = RULE.read(call).map_err(|b| world.unexpected(call, &b.text(), unfit(&b.text())))?;
    basic(call, &world.config.twitter_api).map_err(|_| unfit("Unable to verify your credentials"))?;
    if input.form.text("grant_type") != "client_credentials" {
        return Err(world.unexpected(call, "grant_type", unfit("Unable to verify your credentials")));
    }
    let token = app_bearer(world);
    world.oauth.note_secret(None, "appToken", &token);
    Ok(Reply::json(200, &json!({"token_type": "bearer", "access_token": token})))
}

pub(crate) fn hand_over(world: &World, account: &Account, wanted: Option<Vec<String>>) -> HandOver {
    let all = ["tweet.read", "tweet.write", "users.read", "media.write", "offline.access"];
    let scopes = wanted.unwrap_or_else(|| all.map(str::to_owned).to_vec());
    let grant = world.oauth.open_grant(&account.who, &world.config.twitter.id, scopes.clone(), world.now(), None);
    let (access, refresh) = pair(world, grant, &scopes);
    HandOver { access, refresh, expires_in_s: Some(ACCESS_S), scopes }
}
