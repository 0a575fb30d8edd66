//! Consent, code exchange, the refresh token that never lives longer, revocation.

use serde_json::json;

use crate::accounts::Account;
use crate::call::{Answer, Call, Reply, error_page};
use crate::consent::{Ask, Decision};
use crate::control::HandOver;
use crate::oauth::{Code, Kind, TokenFault, redirect_allowed, scopes};
use crate::state::{Platform, World, secret};
use crate::strict::{Rule, check_filled, check_names};

/// What an app may ask for; reading a member's own posts is closed.
const SCOPES: [&str; 15] = [
    "openid",
    "profile",
    "email",
    "w_member_social",
    "w_organization_social",
    "r_organization_social",
    "rw_organization_admin",
    "r_organization_admin",
    "r_organization_followers",
    "r_basicprofile",
    "r_1st_connections_size",
    "r_member_postAnalytics",
    "r_member_profileAnalytics",
    "w_member_social_feed",
    "w_organization_social_feed",
];
const AUTHORIZE: [&str; 5] = ["response_type!", "client_id!", "redirect_uri!", "state!", "scope!"];
const CODE_S: i64 = 1_800;
const ACCESS_S: i64 = 5_184_000;
const REFRESH_S: i64 = 31_536_000;

fn oauth_error(status: u16, error: &str, description: &str) -> Reply {
    Reply::json(status, &json!({"error": error, "error_description": description}))
}

pub(super) fn authorize(world: &World, call: &Call) -> Answer {
    let q = &call.query;
    let refuse = |why: &str| world.unexpected(call, why, error_page(400, "Bummer, something went wrong.", why));
    check_names(&AUTHORIZE, q.keys()).and_then(|()| check_filled(&AUTHORIZE, q)).map_err(|b| refuse(&b.text()))?;
    if q.text("client_id") != world.config.linkedin.id || q.text("response_type") != "code" {
        return Err(refuse("client_id or response_type"));
    }
    let redirect = q.text("redirect_uri");
    if !redirect_allowed(redirect) {
        return Err(refuse("The redirect_uri does not match the registered value"));
    }
    let asked = scopes(q.text("scope"), &[' ']);
    let state = q.text("state");
    if let Some(odd) = asked.iter().find(|s| !SCOPES.contains(&s.as_str())) {
        let text = format!("Scope \"{odd}\" is not authorized for your application");
        let params = [("error", "unauthorized_scope_error"), ("error_description", text.as_str()), ("state", state)];
        return Err(world.unexpected(call, &text, Reply::redirect(redirect, &params, "")));
    }
    let ask = Ask { platform: Platform::LinkedIn, client: "The app", scopes: &asked, hint: "", fixed: "openid" };
    match ask.decide(world, call)? {
        Decision::Denied => {
            let params = [
                ("error", "user_cancelled_authorize"),
                ("error_description", "The user cancelled the authorization"),
                ("state", state),
            ];
            Ok(Reply::redirect(redirect, &params, ""))
        }
        Decision::Approved { account, scopes } => {
            if account.is_page() {
                return Err(error_page(403, "Not a person", "A page cannot sign in; its administrator does."));
            }
            let now = world.now();
            let grant = world.oauth.open_grant(&account.who, q.text("client_id"), scopes, now, None);
            let code = format!("AQ{}", secret(120));
            world.oauth.add_code(
                &code,
                Code {
                    grant,
                    redirect_uri: redirect.to_owned(),
                    challenge: None,
                    offline: false,
                    expires_ms: now + CODE_S * 1000,
                    used: false,
                },
            );
            Ok(Reply::redirect(redirect, &[("code", &code), ("state", state)], ""))
        }
    }
}

fn check_app(world: &World, id: &str, given: &str) -> Result<(), Reply> {
    let app = &world.config.linkedin;
    if id == app.id && given == app.secret {
        return Ok(());
    }
    Err(oauth_error(401, "invalid_client", "Client authentication failed"))
}

pub(super) fn token(world: &World, call: &Call) -> Answer {
    const RULE: Rule =
        Rule::form(&["grant_type!", "client_id!", "client_secret!", "code", "redirect_uri", "refresh_token"], &[]);
    let input = RULE
        .read(call)
        .map_err(|b| world.unexpected(call, &b.text(), oauth_error(400, "invalid_request", &b.text())))?;
    let f = &input.form;
    check_app(world, f.text("client_id"), f.text("client_secret"))?;
    match f.text("grant_type") {
        "authorization_code" => exchange(world, call, f.text("code"), f.text("redirect_uri")),
        "refresh_token" => refresh(world, call, f.text("refresh_token")),
        other => {
            let reply = oauth_error(400, "invalid_request", &format!("grant_type {other}"));
            Err(world.unexpected(call, "grant_type", reply))
        }
    }
}

fn exchange(world: &World, call: &Call, text: &str, redirect: &str) -> Answer {
    let invalid = || {
        let text = "Unable to retrieve access token: appid/redirect uri/code verifier does not match authorization code. Or authorization code expired.";
        oauth_error(400, "invalid_request", text)
    };
    let now = world.now();
    let (code, grant) = world.oauth.peek_code(text, now).map_err(|_| invalid())?;
    let account = world.accounts.get(&grant.who);
    call.about(&account.handle);
    // The query of a redirect is not part of what is compared.
    let bare = |uri: &str| uri.split('?').next().unwrap_or("").to_owned();
    if bare(&code.redirect_uri) != bare(redirect) || !world.oauth.spend_code(text) {
        return Err(invalid());
    }
    let access = new_access();
    world.oauth.issue(code.grant, Kind::Access, &access, now, Some(ACCESS_S));
    let refresh = world.settings.is(Platform::LinkedIn, "refreshTokens").then(new_refresh);
    if let Some(refresh) = &refresh {
        world.oauth.issue(code.grant, Kind::Refresh, refresh, now, Some(REFRESH_S));
    }
    Ok(answer(&account, &grant.scopes, &access, refresh.as_deref(), REFRESH_S))
}

fn new_access() -> String {
    format!("AQX{}", secret(500))
}

fn new_refresh() -> String {
    format!("AQW{}", secret(500))
}

fn answer(account: &Account, scopes: &[String], access: &str, refresh: Option<&str>, life_s: i64) -> Reply {
    let scope = account.effective(scopes).join(",");
    let mut body = json!({"access_token": access, "expires_in": ACCESS_S, "scope": scope, "token_type": "Bearer"});
    if let Some(refresh) = refresh {
        body["refresh_token"] = json!(refresh);
        body["refresh_token_expires_in"] = json!(life_s);
    }
    if scope.split(',').any(|s| s == "openid") {
        let claims = json!({"iss": "https://www.linkedin.com/oauth", "sub": account.bare_id()});
        body["id_token"] = json!(crate::oauth::jwt_like(&json!({"alg": "RS256", "kid": "sim"}), &claims));
    }
    Reply::json(200, &body)
}

/// A new access token; the refresh token stays, with what is left of its year.
fn refresh(world: &World, call: &Call, token: &str) -> Answer {
    let now = world.now();
    let bearer = world.oauth.check(token, &[Kind::Refresh], Platform::LinkedIn, now).map_err(|fault| match fault {
        TokenFault::Expired => oauth_error(400, "invalid_grant", "The provided refresh token is expired"),
        _ => oauth_error(
            400,
            "invalid_grant",
            "The provided authorization grant or refresh token is invalid, expired or revoked",
        ),
    })?;
    let account = world.accounts.get(&bearer.grant.who);
    call.about(&account.handle);
    if account.deleted || account.suspended {
        return Err(oauth_error(400, "invalid_grant", "The provided authorization grant is revoked"));
    }
    let access = new_access();
    world.oauth.issue(bearer.grant_id, Kind::Access, &access, now, Some(ACCESS_S));
    let left = bearer.expires_ms.map_or(0, |e| (e - now) / 1000);
    Ok(answer(&account, &bearer.grant.scopes, &access, Some(token), left))
}

pub(super) fn introspect(world: &World, call: &Call) -> Answer {
    const RULE: Rule = Rule::form(&["client_id!", "client_secret!", "token!"], &[]);
    let input = RULE
        .read(call)
        .map_err(|b| world.unexpected(call, &b.text(), oauth_error(400, "invalid_request", &b.text())))?;
    let f = &input.form;
    check_app(world, f.text("client_id"), f.text("client_secret"))?;
    let body = match world.oauth.check(f.text("token"), &[Kind::Access, Kind::Refresh], Platform::LinkedIn, world.now())
    {
        Ok(b) => {
            let account = world.accounts.get(&b.grant.who);
            call.about(&account.handle);
            json!({"active": true, "client_id": b.grant.client, "authorized_at": b.grant.started_ms / 1000, "created_at": b.issued_ms / 1000,
                "status": "active", "expires_at": b.expires_ms.map(|e| e / 1000), "scope": account.effective(&b.grant.scopes).join(","), "auth_type": "3L"})
        }
        Err(TokenFault::Expired) => json!({"active": false, "status": "expired"}),
        Err(_) => json!({"active": false, "status": "revoked"}),
    };
    Ok(Reply::json(200, &body))
}

pub(super) fn revoke(world: &World, call: &Call) -> Answer {
    const RULE: Rule = Rule::form(&["client_id!", "client_secret!", "token!"], &[]);
    let input = RULE
        .read(call)
        .map_err(|b| world.unexpected(call, &b.text(), oauth_error(400, "invalid_request", &b.text())))?;
    let f = &input.form;
    check_app(world, f.text("client_id"), f.text("client_secret"))?;
    if let Ok(bearer) =
        world.oauth.check(f.text("token"), &[Kind::Access, Kind::Refresh], Platform::LinkedIn, world.now())
    {
        call.about(&world.accounts.get(&bearer.grant.who).handle);
        world.oauth.kill_grant(bearer.grant_id);
    }
    Ok(Reply::empty(200))
}

/// Tokens of a member. For a page, those of somebody who may act for the page and for nobody else.
pub(crate) fn hand_over(world: &World, account: &Account, wanted: Option<Vec<String>>) -> HandOver {
    let all = [
        "openid",
        "profile",
        "email",
        "w_member_social",
        "w_organization_social",
        "r_organization_social",
        "rw_organization_admin",
    ];
    let scopes = wanted.unwrap_or_else(|| all.map(str::to_owned).to_vec());
    let now = world.now();
    let grant = world.oauth.open_grant(&account.who, &world.config.linkedin.id, scopes.clone(), now, None);
    let (access, refresh) = (new_access(), new_refresh());
    world.oauth.issue(grant, Kind::Access, &access, now, Some(ACCESS_S));
    world.oauth.issue(grant, Kind::Refresh, &refresh, now, Some(REFRESH_S));
    HandOver { access, refresh: Some(refresh), expires_in_s: Some(ACCESS_S), scopes }
}
