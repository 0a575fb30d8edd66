//! Consent, code exchange, the long-lived token and its refresh.

use serde_json::{Value, json};

use super::{LONG_S, breach, graph_error, new_token, oauth_error};
use crate::call::{Answer, Call, Reply, error_page};
use crate::consent::{Ask, Decision};
use crate::oauth::{Code, CodeFault, Kind, TokenFault, redirect_allowed, scopes};
use crate::state::{Platform, World, secret};
use crate::strict::{Rule, check_filled, check_names};

const BASIC: &str = "instagram_business_basic";
const SCOPES: [&str; 5] = [
    BASIC,
    "instagram_business_content_publish",
    "instagram_business_manage_comments",
    "instagram_business_manage_messages",
    "instagram_business_manage_insights",
];
const AUTHORIZE: [&str; 8] = [
    "client_id!",
    "redirect_uri!",
    "response_type!",
    "scope!",
    "state",
    "enable_fb_login",
    "force_reauth",
    "force_authentication",
];
const CODE_S: i64 = 3600;
const SHORT_S: i64 = 3600;
const DAY_MS: i64 = 86_400_000;

pub(super) fn authorize(world: &World, call: &Call) -> Answer {
    let q = &call.query;
    let refuse = |why: &str| world.unexpected(call, why, error_page(400, "Sorry, this page isn't available", why));
    check_names(&AUTHORIZE, q.keys()).and_then(|()| check_filled(&AUTHORIZE, q)).map_err(|b| refuse(&b.text()))?;
    if q.text("client_id") != world.config.instagram.id {
        return Err(refuse("Invalid platform app"));
    }
    if q.text("response_type") != "code" {
        return Err(refuse("Invalid response type"));
    }
    let redirect = q.text("redirect_uri");
    if !redirect_allowed(redirect) {
        return Err(refuse("Invalid redirect_uri"));
    }
    let asked = scopes(q.text("scope"), &[',', ' ']);
    if !asked.iter().any(|s| s == BASIC) || !asked.iter().all(|s| SCOPES.contains(&s.as_str())) {
        return Err(refuse("Invalid scope"));
    }
    let ask = Ask { platform: Platform::Instagram, client: "The app", scopes: &asked, hint: "", fixed: BASIC };
    let state = q.get("state").map(|s| ("state", s));
    match ask.decide(world, call)? {
        Decision::Denied => {
            let mut params = vec![
                ("error", "access_denied"),
                ("error_reason", "user_denied"),
                ("error_description", "The user denied your request."),
            ];
            params.extend(state);
            Ok(Reply::redirect(redirect, &params, ""))
        }
        Decision::Approved { account, scopes } => {
            let now = world.now();
            let grant = world.oauth.open_grant(&account.who, q.text("client_id"), scopes, now, None);
            let code = format!("AQB{}", secret(120));
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
            let mut params = vec![("code", code.as_str())];
            params.extend(state);
            Ok(Reply::redirect(redirect, &params, "#_"))
        }
    }
}

pub(super) fn token(world: &World, call: &Call) -> Answer {
    const RULE: Rule = Rule::form(&["client_id!", "client_secret!", "grant_type!", "redirect_uri!", "code!"], &[]);
    let input = RULE.read(call).map_err(|b| world.unexpected(call, &b.text(), oauth_error(400, &b.text())))?;
    let f = &input.form;
    let app = &world.config.instagram;
    if f.text("client_id") != app.id || f.text("client_secret") != app.secret {
        return Err(oauth_error(400, "Invalid platform app"));
    }
    if f.text("grant_type") != "authorization_code" {
        return Err(world.unexpected(call, "grant_type", oauth_error(400, "Invalid grant_type")));
    }
    let now = world.now();
    let (code, grant) = world.oauth.peek_code(f.text("code"), now).map_err(|fault| {
        oauth_error(
            400,
            match fault {
                CodeFault::Used(_) => "This authorization code has been used",
                CodeFault::Expired => "This authorization code has expired",
                CodeFault::Unknown => "Invalid authorization code",
            },
        )
    })?;
    if code.redirect_uri != f.text("redirect_uri") {
        return Err(oauth_error(
            400,
            "Error validating verification code. Please make sure your redirect_uri is identical to the one you used in the OAuth dialog request",
        ));
    }
    if !world.oauth.spend_code(f.text("code")) {
        return Err(oauth_error(400, "This authorization code has been used"));
    }
    let account = world.accounts.get(&grant.who);
    call.about(&account.handle);
    let token = new_token();
    world.oauth.issue(code.grant, Kind::Short, &token, now, Some(SHORT_S));
    let granted = account.effective(&grant.scopes);
    let id: Value = account.app_scoped_id().parse::<u64>().map_or(Value::Null, Value::from);
    // Both shapes are in the wild: the documentation's wrapper and the flat one.
    let body = if account.seed().starts_with("wrapped") {
        json!({"data": [{"access_token": token, "user_id": account.app_scoped_id(), "permissions": granted.join(",")}]})
    } else {
        json!({"access_token": token, "user_id": id, "permissions": granted})
    };
    Ok(Reply::json(200, &body))
}

pub(super) fn exchange(world: &World, call: &Call) -> Answer {
    const RULE: Rule = Rule::get(&["grant_type!", "client_secret!", "access_token!"], &[]);
    RULE.read(call).map_err(|b| breach(world, call, &b))?;
    let q = &call.query;
    if q.text("grant_type") != "ig_exchange_token" {
        return Err(world.unexpected(call, "grant_type", graph_error(400, 100, None, "Invalid grant_type")));
    }
    if q.text("client_secret") != world.config.instagram.secret {
        return Err(graph_error(400, 1, None, "Error validating client secret."));
    }
    let now = world.now();
    let short = world
        .oauth
        .check(q.text("access_token"), &[Kind::Short], Platform::Instagram, now)
        .map_err(|f| token_error(&f, now))?;
    call.about(&world.accounts.get(&short.grant.who).handle);
    let token = new_token();
    world.oauth.issue(short.grant_id, Kind::Access, &token, now, Some(LONG_S));
    Ok(Reply::json(200, &json!({"access_token": token, "token_type": "bearer", "expires_in": LONG_S})))
}

pub(super) fn refresh(world: &World, call: &Call) -> Answer {
    const RULE: Rule = Rule::get(&["grant_type!", "access_token!"], &[]);
    RULE.read(call).map_err(|b| breach(world, call, &b))?;
    let q = &call.query;
    if q.text("grant_type") != "ig_refresh_token" {
        return Err(world.unexpected(call, "grant_type", graph_error(400, 100, None, "Invalid grant_type")));
    }
    let now = world.now();
    let old = q.text("access_token");
    let bearer = world
        .oauth
        .check(old, &[Kind::Access, Kind::Short], Platform::Instagram, now)
        .map_err(|f| token_error(&f, now))?;
    let account = world.accounts.get(&bearer.grant.who);
    call.about(&account.handle);
    if account.suspended || account.deleted {
        return Err(account_error(account.deleted));
    }
    if bearer.kind == Kind::Short {
        let reply = graph_error(400, 100, None, "Only long-lived tokens can be refreshed.");
        return Err(world.unexpected(call, "refresh of a short-lived token", reply));
    }
    if now - bearer.issued_ms < DAY_MS {
        let reply = graph_error(400, 100, None, "The access token must be at least 24 hours old to be refreshed.");
        return Err(world.unexpected(call, "refresh of a token younger than 24 h", reply));
    }
    // The string may come back unchanged: it does for handles that begin with `same`.
    let token = if account.seed().starts_with("same") { old.to_owned() } else { new_token() };
    world.oauth.issue(bearer.grant_id, Kind::Access, &token, now, Some(LONG_S));
    let permissions = account.effective(&bearer.grant.scopes).join(",");
    Ok(Reply::json(
        200,
        &json!({"access_token": token, "token_type": "bearer", "expires_in": LONG_S, "permissions": permissions}),
    ))
}

pub(super) fn token_error(fault: &TokenFault, now: i64) -> Reply {
    match fault {
        TokenFault::Unknown => graph_error(400, 190, None, "Invalid OAuth access token - Cannot parse access token"),
        TokenFault::Expired => {
            let at = crate::clock::iso_s(now);
            graph_error(
                400,
                190,
                Some(463),
                &format!("Error validating access token: Session has expired. The current time is {at}."),
            )
        }
        TokenFault::Revoked | TokenFault::Rotated { .. } => {
            graph_error(400, 190, Some(458), "Error validating access token: The user has not authorized application.")
        }
    }
}

/// A token that stands, of an account that no longer may use it.
pub(super) fn account_error(deleted: bool) -> Reply {
    if deleted {
        return graph_error(
            400,
            190,
            Some(467),
            "Error validating access token: The session is invalid because the account is gone.",
        );
    }
    graph_error(
        400,
        190,
        Some(459),
        "Error validating access token: You cannot access the app till you log in to www.instagram.com and follow the instructions given.",
    )
}

/// The scopes of a token from elsewhere; everything when none are named.
pub(crate) fn hand_over_scopes(wanted: Option<Vec<String>>) -> Vec<String> {
    wanted.unwrap_or_else(|| SCOPES.map(str::to_owned).to_vec())
}
