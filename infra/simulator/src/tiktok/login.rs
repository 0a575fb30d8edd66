//! Consent, code exchange, rotation of refresh tokens, revocation.

use serde_json::json;

use super::oauth_error;
use crate::accounts::Account;
use crate::call::{Answer, Call, Reply, error_page};
use crate::consent::{Ask, Decision};
use crate::control::HandOver;
use crate::oauth::{Code, Kind, redirect_allowed, scopes};
use crate::state::{Platform, World, secret};
use crate::strict::{Rule, Shape, check_filled, check_names};

const SCOPES: [&str; 6] =
    ["user.info.basic", "user.info.profile", "user.info.stats", "video.list", "video.upload", "video.publish"];
const AUTHORIZE: [&str; 6] =
    ["client_key!", "response_type!", "scope!", "redirect_uri!", "state!", "disable_auto_auth"];
const ACCESS_S: i64 = 86_400;
const REFRESH_S: i64 = 31_536_000;
/// The platform says "minutes".
const CODE_S: i64 = 600;

pub(super) fn authorize(world: &World, call: &Call) -> Answer {
    let q = &call.query;
    let refuse = |why: &str| world.unexpected(call, why, error_page(400, "Something went wrong", why));
    check_names(&AUTHORIZE, q.keys()).and_then(|()| check_filled(&AUTHORIZE, q)).map_err(|b| refuse(&b.text()))?;
    if q.text("client_key") != world.config.tiktok.id {
        return Err(refuse("client_key"));
    }
    if q.text("response_type") != "code" {
        return Err(refuse("response_type"));
    }
    let redirect = q.text("redirect_uri");
    if !redirect_allowed(redirect) || redirect.contains('?') || redirect.len() >= 512 {
        return Err(refuse("redirect_uri"));
    }
    let asked = scopes(q.text("scope"), &[',']);
    if asked.is_empty() || !asked.iter().all(|s| SCOPES.contains(&s.as_str())) {
        return Err(refuse("scope"));
    }
    let ask = Ask { platform: Platform::TikTok, client: "The app", scopes: &asked, hint: "", fixed: "user.info.basic" };
    let state = q.text("state");
    match ask.decide(world, call)? {
        Decision::Denied => {
            let params = [
                ("error", "access_denied"),
                ("error_description", "The user denied access to the app."),
                ("state", state),
            ];
            Ok(Reply::redirect(redirect, &params, ""))
        }
        Decision::Approved { account, scopes } => {
            let now = world.now();
            let listed = scopes.join(",");
            let grant = world.oauth.open_grant(&account.who, q.text("client_key"), scopes, now, None);
            // The star and the bang are real: the code has to be decoded before it is exchanged.
            let code = format!("{}*2!6315", secret(80));
            world.oauth.add_code(
                &code,
                Code {
                    grant,
                    redirect_uri: redirect.to_owned(),
                    challenge: None,
                    offline: true,
                    expires_ms: now + CODE_S * 1000,
                    used: false,
                },
            );
            Ok(Reply::redirect(redirect, &[("code", &code), ("scopes", &listed), ("state", state)], ""))
        }
    }
}

pub(super) fn token(world: &World, call: &Call) -> Answer {
    const FIELDS: &[&str] = &["client_key!", "client_secret!", "grant_type!", "code", "redirect_uri", "refresh_token"];
    const RULE: Rule = Rule { method: "POST", query: &[], body: Shape::Form(FIELDS), headers: &[] };
    let input =
        RULE.read(call).map_err(|b| world.unexpected(call, &b.text(), oauth_error("invalid_request", &b.text())))?;
    let f = &input.form;
    check_app(world, f.text("client_key"), f.text("client_secret"))?;
    match f.text("grant_type") {
        "authorization_code" => exchange(world, call, f.text("code"), f.text("redirect_uri")),
        "refresh_token" => refresh(world, call, f.text("refresh_token")),
        _ => Err(world.unexpected(
            call,
            "grant_type",
            oauth_error("unsupported_grant_type", "Grant type is not supported."),
        )),
    }
}

fn check_app(world: &World, key: &str, secret: &str) -> Result<(), Reply> {
    if key == world.config.tiktok.id && secret == world.config.tiktok.secret {
        return Ok(());
    }
    Err(oauth_error("invalid_client", "Client key or secret is incorrect."))
}

fn exchange(world: &World, call: &Call, text: &str, redirect: &str) -> Answer {
    let invalid = || oauth_error("invalid_grant", "Authorization code is expired.");
    let (code, grant) = world.oauth.peek_code(text, world.now()).map_err(|_| invalid())?;
    let account = world.accounts.get(&grant.who);
    call.about(&account.handle);
    if code.redirect_uri != redirect {
        return Err(oauth_error("invalid_grant", "Redirect_uri is not matched with the uri when requesting code."));
    }
    if !world.oauth.spend_code(text) || account.suspended || account.deleted {
        return Err(invalid());
    }
    Ok(issue(world, code.grant, &account, &grant.scopes))
}

fn refresh(world: &World, call: &Call, old: &str) -> Answer {
    let invalid = || oauth_error("invalid_grant", "Refresh token is invalid or expired.");
    let now = world.now();
    let bearer = world.oauth.check(old, &[Kind::Refresh], Platform::TikTok, now).map_err(|_| invalid())?;
    let account = world.accounts.get(&bearer.grant.who);
    call.about(&account.handle);
    if account.suspended || account.deleted || !world.oauth.rotate(old, now, &[]) {
        return Err(invalid());
    }
    Ok(issue(world, bearer.grant_id, &account, &bearer.grant.scopes))
}

fn new_pair(world: &World, grant: u64) -> (String, String) {
    let now = world.now();
    let (access, refresh) = (format!("act.{}!6315.va", secret(60)), format!("rft.{}!6315.va", secret(60)));
    world.oauth.issue(grant, Kind::Access, &access, now, Some(ACCESS_S));
    world.oauth.issue(grant, Kind::Refresh, &refresh, now, Some(REFRESH_S));
    (access, refresh)
}

fn issue(world: &World, grant: u64, account: &Account, scopes: &[String]) -> Reply {
    let (access, refresh) = new_pair(world, grant);
    Reply::json(
        200,
        &json!({
            "access_token": access, "expires_in": ACCESS_S, "refresh_token": refresh, "refresh_expires_in": REFRESH_S,
            "open_id": account.id(), "scope": account.effective(scopes).join(","), "token_type": "Bearer",
        }),
    )
}

pub(super) fn revoke(world: &World, call: &Call) -> Answer {
    const RULE: Rule = Rule::form(&["client_key!", "client_secret!", "token!"], &[]);
    let input =
        RULE.read(call).map_err(|b| world.unexpected(call, &b.text(), oauth_error("invalid_request", &b.text())))?;
    let f = &input.form;
    check_app(world, f.text("client_key"), f.text("client_secret"))?;
    match world.oauth.check(f.text("token"), &[Kind::Access], Platform::TikTok, world.now()) {
        Ok(bearer) => {
            call.about(&world.accounts.get(&bearer.grant.who).handle);
            world.oauth.kill_grant(bearer.grant_id);
            Ok(Reply::json(200, &json!({})))
        }
        Err(_) => Err(oauth_error("invalid_request", "The access token is invalid or not found.")),
    }
}

pub(crate) fn hand_over(world: &World, account: &Account, scopes: Option<Vec<String>>) -> HandOver {
    let scopes = scopes.unwrap_or_else(|| SCOPES.map(str::to_owned).to_vec());
    let grant = world.oauth.open_grant(&account.who, &world.config.tiktok.id, scopes.clone(), world.now(), None);
    let (access, refresh) = new_pair(world, grant);
    HandOver { access, refresh: Some(refresh), expires_in_s: Some(ACCESS_S), scopes }
}
