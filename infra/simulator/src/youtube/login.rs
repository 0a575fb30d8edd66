//! Google's consent, token, revocation and identity endpoints.

use serde_json::json;

use super::api_error;
use crate::accounts::Account;
use crate::call::{Answer, Call, Reply, error_page};
use crate::consent::{Ask, Decision};
use crate::control::HandOver;
use crate::law;
use crate::oauth::{Bearer, Code, Kind, jwt_like, pkce_ok, redirect_allowed, scopes};
use crate::state::{Platform, World, secret};
use crate::strict::{Rule, Shape, check_filled, check_names};

const PREFIX: &str = "https://www.googleapis.com/auth/";
const SCOPES: [&str; 9] = [
    "youtube.readonly",
    "youtube.upload",
    "youtube",
    "youtube.force-ssl",
    "yt-analytics.readonly",
    "yt-analytics-monetary.readonly",
    "youtube.channel-memberships.creator",
    "youtubepartner",
    "youtubepartner-channel-audit",
];
const AUTHORIZE: [&str; 11] = [
    "client_id!",
    "redirect_uri!",
    "response_type!",
    "scope!",
    "state",
    "access_type",
    "prompt",
    "include_granted_scopes",
    "login_hint",
    "code_challenge",
    "code_challenge_method",
];
const ACCESS_S: i64 = 3599;
const REFRESH_IDLE_S: i64 = 183 * 86_400;
const CODE_S: i64 = 600;

fn known(scope: &str) -> bool {
    matches!(scope, "openid" | "email" | "profile") || scope.strip_prefix(PREFIX).is_some_and(|s| SCOPES.contains(&s))
}

fn oauth_error(status: u16, error: &str, description: &str) -> Reply {
    Reply::json(status, &json!({"error": error, "error_description": description}))
}

pub(super) fn authorize(world: &World, call: &Call) -> Answer {
    let q = &call.query;
    let refuse = |code: &str, why: &str| {
        world.unexpected(call, why, error_page(400, &format!("Error 400: {code}"), &format!("Access blocked: {why}")))
    };
    check_names(&AUTHORIZE, q.keys())
        .and_then(|()| check_filled(&AUTHORIZE, q))
        .map_err(|b| refuse("invalid_request", &b.text()))?;
    if q.text("client_id") != world.config.youtube.id {
        return Err(refuse("invalid_client", "The OAuth client was not found."));
    }
    if q.text("response_type") != "code" {
        return Err(refuse("unsupported_response_type", "response_type"));
    }
    let redirect = q.text("redirect_uri");
    if !redirect_allowed(redirect) {
        return Err(refuse("redirect_uri_mismatch", "redirect_uri"));
    }
    let asked = scopes(q.text("scope"), &[' ']);
    if let Some(odd) = asked.iter().find(|s| !known(s)) {
        return Err(refuse("invalid_scope", &format!("Some requested scopes were invalid: {odd}")));
    }
    let method = q.get("code_challenge_method").unwrap_or("plain");
    let challenge = q.get("code_challenge").map(|c| (method.to_owned(), c.to_owned()));
    if !matches!(method, "S256" | "plain") || (challenge.is_none() && q.get("code_challenge_method").is_some()) {
        return Err(refuse("invalid_request", "code_challenge_method"));
    }
    if !matches!(q.get("access_type"), None | Some("online" | "offline")) {
        return Err(refuse("invalid_request", "access_type"));
    }
    let prompts = scopes(q.text("prompt"), &[' ']);
    if prompts.iter().any(|p| !matches!(p.as_str(), "consent" | "select_account" | "none")) {
        return Err(refuse("invalid_request", "prompt"));
    }
    let hint = q.text("login_hint").split('@').next().unwrap_or("");
    let ask = Ask { platform: Platform::YouTube, client: "The app", scopes: &asked, hint, fixed: "openid" };
    let state = q.get("state").map(|s| ("state", s));
    let mut params: Vec<(&str, &str)> = state.into_iter().collect();
    match ask.decide(world, call)? {
        Decision::Denied => {
            params.insert(0, ("error", "access_denied"));
            Ok(Reply::redirect(redirect, &params, ""))
        }
        Decision::Approved { account, scopes } => {
            let now = world.now();
            let first = world.oauth.first_consent(q.text("client_id"), &account.who);
            let again = prompts.iter().any(|p| p == "consent");
            let offline = q.get("access_type") == Some("offline") && (first || again);
            let listed = scopes.join(" ");
            let grant = world.oauth.open_grant(&account.who, q.text("client_id"), scopes, now, None);
            let code = format!("4/0A{}", secret(68));
            world.oauth.add_code(
                &code,
                Code {
                    grant,
                    redirect_uri: redirect.to_owned(),
                    challenge,
                    offline,
                    expires_ms: now + CODE_S * 1000,
                    used: false,
                },
            );
            params.extend([("code", code.as_str()), ("scope", listed.as_str())]);
            Ok(Reply::redirect(redirect, &params, ""))
        }
    }
}

pub(super) fn token(world: &World, call: &Call) -> Answer {
    const FIELDS: &[&str] =
        &["client_id!", "client_secret!", "grant_type!", "code", "code_verifier", "redirect_uri", "refresh_token"];
    const RULE: Rule = Rule { method: "POST", query: &[], body: Shape::Form(FIELDS), headers: &[] };
    let input = RULE
        .read(call)
        .map_err(|b| world.unexpected(call, &b.text(), oauth_error(400, "invalid_request", &b.text())))?;
    let f = &input.form;
    let app = &world.config.youtube;
    if f.text("client_id") != app.id || f.text("client_secret") != app.secret {
        return Err(oauth_error(401, "invalid_client", "Unauthorized"));
    }
    match f.text("grant_type") {
        "authorization_code" => exchange(world, call, f.text("code"), f.text("redirect_uri"), f.text("code_verifier")),
        "refresh_token" => refresh(world, call, f.text("refresh_token")),
        other => Err(world.unexpected(
            call,
            "grant_type",
            oauth_error(400, "unsupported_grant_type", &format!("Invalid grant_type: {other}")),
        )),
    }
}

fn exchange(world: &World, call: &Call, text: &str, redirect: &str, verifier: &str) -> Answer {
    let now = world.now();
    let malformed = || oauth_error(400, "invalid_grant", "Malformed auth code.");
    let (code, grant) = world.oauth.peek_code(text, now).map_err(|_| malformed())?;
    let account = world.accounts.get(&grant.who);
    call.about(&account.handle);
    if code.redirect_uri != redirect {
        return Err(oauth_error(400, "redirect_uri_mismatch", "Bad Request"));
    }
    let proven = match &code.challenge {
        Some((method, challenge)) => pkce_ok(method, challenge, verifier),
        None => verifier.is_empty(),
    };
    if !proven {
        let text = if verifier.is_empty() { "Missing code verifier." } else { "Invalid code verifier." };
        return Err(world.unexpected(call, "code_verifier", oauth_error(400, "invalid_grant", text)));
    }
    if !world.oauth.spend_code(text) {
        return Err(malformed());
    }
    let granted = account.effective(&grant.scopes);
    let access = format!("ya29.{}", secret(160));
    world.oauth.issue(code.grant, Kind::Access, &access, now, Some(ACCESS_S));
    let mut body =
        json!({"access_token": access, "expires_in": ACCESS_S, "scope": granted.join(" "), "token_type": "Bearer"});
    if code.offline {
        let refresh = format!("1//0g{}", secret(95));
        world.oauth.issue(code.grant, Kind::Refresh, &refresh, now, Some(REFRESH_IDLE_S));
        body["refresh_token"] = json!(refresh);
    }
    if granted.iter().any(|s| s == "openid") {
        let claims = json!({"iss": "https://accounts.google.com", "aud": world.config.youtube.id, "azp": world.config.youtube.id,
            "sub": subject(&account), "iat": now / 1000, "exp": now / 1000 + ACCESS_S});
        body["id_token"] = json!(jwt_like(&json!({"alg": "RS256", "kid": "sim", "typ": "JWT"}), &claims));
    }
    Ok(Reply::json(200, &body))
}

fn refresh(world: &World, call: &Call, token: &str) -> Answer {
    let now = world.now();
    let dead = || oauth_error(400, "invalid_grant", "Token has been expired or revoked.");
    let bearer = world.oauth.check(token, &[Kind::Refresh], Platform::YouTube, now).map_err(|_| dead())?;
    let account = world.accounts.get(&bearer.grant.who);
    call.about(&account.handle);
    if account.deleted {
        return Err(dead());
    }
    let access = format!("ya29.{}", secret(160));
    world.oauth.issue(bearer.grant_id, Kind::Access, &access, now, Some(ACCESS_S));
    let scope = account.effective(&bearer.grant.scopes).join(" ");
    Ok(Reply::json(
        200,
        &json!({"access_token": access, "expires_in": ACCESS_S, "scope": scope, "token_type": "Bearer"}),
    ))
}

pub(super) fn revoke(world: &World, call: &Call) -> Answer {
    const IN_FORM: Rule = Rule { method: "POST", query: &["token"], body: Shape::Form(&["token!"]), headers: &[] };
    const IN_QUERY: Rule = Rule { method: "POST", query: &["token!"], body: Shape::Empty, headers: &[] };
    let rule = if call.body.is_empty() { &IN_QUERY } else { &IN_FORM };
    let input = rule
        .read(call)
        .map_err(|b| world.unexpected(call, &b.text(), oauth_error(400, "invalid_request", &b.text())))?;
    let token = input.form.get("token").unwrap_or(call.query.text("token"));
    match world.oauth.check(token, &[Kind::Access, Kind::Refresh], Platform::YouTube, world.now()) {
        Ok(bearer) => {
            call.about(&world.accounts.get(&bearer.grant.who).handle);
            world.oauth.kill_grant(bearer.grant_id);
            world.oauth.forget_consent(&bearer.grant.client, &bearer.grant.who);
            Ok(Reply::json(200, &json!({})))
        }
        Err(_) => Err(oauth_error(400, "invalid_token", "Token expired or revoked")),
    }
}

fn subject(account: &Account) -> String {
    format!("1{:020}", law::digits(Platform::YouTube, account.seed(), "sub", 19))
}

fn access(world: &World, call: &Call, token: &str) -> Option<(Bearer, Account)> {
    let bearer = world.oauth.check(token, &[Kind::Access], Platform::YouTube, world.now()).ok()?;
    let account = world.accounts.get(&bearer.grant.who);
    call.about(&account.handle);
    Some((bearer, account))
}

pub(super) fn tokeninfo(world: &World, call: &Call) -> Answer {
    const RULE: Rule = Rule::get(&["access_token!"], &[]);
    RULE.read(call).map_err(|b| world.unexpected(call, &b.text(), oauth_error(400, "invalid_request", &b.text())))?;
    let (bearer, account) = access(world, call, call.query.text("access_token"))
        .ok_or_else(|| oauth_error(400, "invalid_token", "Invalid Value"))?;
    let exp = bearer.expires_ms.unwrap_or(0) / 1000;
    let client = &bearer.grant.client;
    Ok(Reply::json(
        200,
        &json!({"azp": client, "aud": client, "sub": subject(&account), "scope": account.effective(&bearer.grant.scopes).join(" "),
            "exp": exp.to_string(), "expires_in": (exp - world.now() / 1000).to_string(), "access_type": "offline"}),
    ))
}

pub(super) fn userinfo(world: &World, call: &Call) -> Answer {
    const RULE: Rule = Rule::get(&[], &["authorization!"]);
    RULE.read(call).map_err(|b| super::breach(world, call, &b))?;
    let (bearer, account) = call
        .credential("bearer")
        .and_then(|token| access(world, call, token))
        .ok_or_else(|| api_error(401, "authError", "global", "Invalid Credentials", "Authorization"))?;
    let scopes = account.effective(&bearer.grant.scopes);
    let mut body = json!({"sub": subject(&account)});
    if scopes.iter().any(|s| s == "profile") {
        body["name"] = json!(account.name());
        body["picture"] = json!(account.avatar());
    }
    if scopes.iter().any(|s| s == "email") {
        body["email"] = json!(format!("{}@mail.example", account.seed()));
        body["email_verified"] = json!(true);
    }
    Ok(Reply::json(200, &body))
}

pub(super) fn discovery(world: &World, call: &Call) -> Answer {
    const RULE: Rule = Rule::get(&[], &[]);
    RULE.read(call).map_err(|b| super::breach(world, call, &b))?;
    Ok(Reply::json(
        200,
        &json!({
            "issuer": "https://accounts.google.com",
            "authorization_endpoint": "https://accounts.google.com/o/oauth2/v2/auth",
            "token_endpoint": "https://oauth2.googleapis.com/token",
            "userinfo_endpoint": "https://openidconnect.googleapis.com/v1/userinfo",
            "revocation_endpoint": "https://oauth2.googleapis.com/revoke",
            "response_types_supported": ["code"],
            "code_challenge_methods_supported": ["plain", "S256"],
            "scopes_supported": ["openid", "email", "profile"],
        }),
    ))
}

pub(crate) fn hand_over(world: &World, account: &Account, wanted: Option<Vec<String>>) -> HandOver {
    let scopes = wanted.unwrap_or_else(|| {
        ["youtube.readonly", "youtube.upload", "yt-analytics.readonly"].map(|s| format!("{PREFIX}{s}")).to_vec()
    });
    let now = world.now();
    world.oauth.first_consent(&world.config.youtube.id, &account.who);
    let grant = world.oauth.open_grant(&account.who, &world.config.youtube.id, scopes.clone(), now, None);
    let (access, refresh) = (format!("ya29.{}", secret(160)), format!("1//0g{}", secret(95)));
    world.oauth.issue(grant, Kind::Access, &access, now, Some(ACCESS_S));
    world.oauth.issue(grant, Kind::Refresh, &refresh, now, Some(REFRESH_IDLE_S));
    HandOver { access, refresh: Some(refresh), expires_in_s: Some(ACCESS_S), scopes }
}
