//! Sessions with an app password, and who a request to the PDS comes from.

use serde_json::{Value, json};

use super::dpop::{self, Server};
use super::identity::document;
use super::{PDS, actor, breach, xrpc_error};
use crate::accounts::Account;
use crate::call::{Answer, Call, Reply};
use crate::control::HandOver;
use crate::law;
use crate::oauth::{Kind, TokenFault, jwt_like};
use crate::state::{Platform, World, secret};
use crate::strict::{Rule, Shape};

const ACCESS_S: i64 = 7_200;
const REFRESH_S: i64 = 7_776_000;
/// How long a rotated refresh token still answers, with the same new pair.
const GRACE_MS: i64 = 7_200_000;
const CLIENT: &str = "an app password";

fn jwt(account: &Account, scope: &str, now: i64, ttl_s: i64) -> String {
    let claims = json!({"scope": scope, "sub": account.id(), "iat": now / 1000, "exp": now / 1000 + ttl_s,
        "aud": format!("did:web:{PDS}"), "jti": secret(20)});
    jwt_like(&json!({"typ": "at+jwt", "alg": "ES256K"}), &claims)
}

/// A new access and refresh JWT.
fn pair(world: &World, grant: u64, account: &Account, now: i64) -> (String, String) {
    let access = jwt(account, "com.atproto.appPass", now, ACCESS_S);
    let refresh = jwt(account, "com.atproto.refresh", now, REFRESH_S);
    world.oauth.issue(grant, Kind::Access, &access, now, Some(ACCESS_S));
    world.oauth.issue(grant, Kind::Refresh, &refresh, now, Some(REFRESH_S));
    (access, refresh)
}

fn answer(account: &Account, access: &str, refresh: &str) -> Value {
    json!({"accessJwt": access, "refreshJwt": refresh, "handle": account.handle, "did": account.id(), "didDoc": document(account),
        "email": format!("{}@mail.example", account.local()), "emailConfirmed": true, "emailAuthFactor": false, "active": true})
}

fn takedown() -> Reply {
    xrpc_error(401, "AccountTakedown", "Account has been taken down")
}

pub(super) fn create(world: &World, call: &Call) -> Answer {
    const RULE: Rule = Rule {
        method: "POST",
        query: &[],
        body: Shape::Json(&["identifier!", "password!", "authFactorToken"]),
        headers: &[],
    };
    let input = RULE.read(call).map_err(|b| breach(world, call, &b))?;
    let wrong = || xrpc_error(401, "AuthenticationRequired", "Invalid identifier or password");
    let name = input.form.text("identifier");
    let local = name.split('@').next().filter(|_| name.ends_with("@mail.example"));
    let account = match local {
        Some(local) => actor(world, &format!("{local}.bsky.social")),
        None => actor(world, name),
    };
    let account = account.ok_or_else(wrong)?;
    call.about(&account.handle);
    if input.form.text("password") != law::app_password(account.seed()) {
        return Err(wrong());
    }
    if account.suspended {
        return Err(takedown());
    }
    let now = world.now();
    world.oauth.note_secret(Some(&account.who), "appPassword", input.form.text("password"));
    let grant = world.oauth.open_grant(&account.who, CLIENT, vec!["com.atproto.appPass".to_owned()], now, None);
    let (access, refresh) = pair(world, grant, &account, now);
    Ok(Reply::json(200, &answer(&account, &access, &refresh)))
}

const BARE_POST: Rule = Rule { method: "POST", query: &[], body: Shape::Empty, headers: &["authorization!"] };

pub(super) fn refresh(world: &World, call: &Call) -> Answer {
    BARE_POST.read(call).map_err(|b| breach(world, call, &b))?;
    let expired = || xrpc_error(400, "ExpiredToken", "Token has expired");
    let now = world.now();
    let token = call.credential("bearer").unwrap_or("");
    let bearer = match world.oauth.check(token, &[Kind::Refresh], Platform::Bluesky, now) {
        Ok(bearer) if bearer.grant.jkt.is_none() => bearer,
        Err(TokenFault::Rotated { grant, at_ms, successors }) if now - at_ms < GRACE_MS => {
            return again(world, call, grant, &successors);
        }
        Err(TokenFault::Expired | TokenFault::Rotated { .. } | TokenFault::Revoked) => return Err(expired()),
        Ok(_) | Err(TokenFault::Unknown) => {
            return Err(xrpc_error(400, "InvalidToken", "Token could not be verified"));
        }
    };
    let account = world.accounts.get(&bearer.grant.who);
    call.about(&account.handle);
    if account.suspended || account.deleted {
        return Err(takedown());
    }
    let (access, refresh) = pair(world, bearer.grant_id, &account, now);
    if !world.oauth.rotate(token, now, &[access.clone(), refresh.clone()]) {
        // Two at once: the other one's pair is the pair.
        world.oauth.kill_token(&access);
        world.oauth.kill_token(&refresh);
        if let Err(TokenFault::Rotated { grant, successors, .. }) =
            world.oauth.check(token, &[Kind::Refresh], Platform::Bluesky, now)
        {
            return again(world, call, grant, &successors);
        }
        return Err(expired());
    }
    Ok(Reply::json(200, &answer(&account, &access, &refresh)))
}

/// Inside the grace period a rotated token gets the pair that replaced it.
fn again(world: &World, call: &Call, _grant: u64, successors: &[String]) -> Answer {
    let expired = || xrpc_error(400, "ExpiredToken", "Token has expired");
    let [access, refresh] = successors else { return Err(expired()) };
    let bearer = world.oauth.check(access, &[Kind::Access], Platform::Bluesky, world.now()).map_err(|_| expired())?;
    let account = world.accounts.get(&bearer.grant.who);
    call.about(&account.handle);
    Ok(Reply::json(200, &answer(&account, access, refresh)))
}

/// Access tokens that are out keep working until they expire.
pub(super) fn delete(world: &World, call: &Call) -> Answer {
    BARE_POST.read(call).map_err(|b| breach(world, call, &b))?;
    let token = call.credential("bearer").unwrap_or("");
    match world.oauth.check(token, &[Kind::Refresh], Platform::Bluesky, world.now()) {
        Ok(bearer) => {
            call.about(&world.accounts.get(&bearer.grant.who).handle);
            world.oauth.kill_token(token);
            Ok(Reply::empty(200))
        }
        Err(TokenFault::Expired) => Err(xrpc_error(400, "ExpiredToken", "Token has expired")),
        Err(_) => Err(xrpc_error(400, "InvalidToken", "Token could not be verified")),
    }
}

pub(super) fn get(world: &World, call: &Call) -> Answer {
    const RULE: Rule = Rule::get(&[], &["authorization!", "dpop"]);
    RULE.read(call).map_err(|b| breach(world, call, &b))?;
    let (account, _) = caller(world, call)?;
    Ok(Reply::json(
        200,
        &json!({"did": account.id(), "handle": account.handle, "email": format!("{}@mail.example", account.local()),
            "emailConfirmed": true, "active": true, "didDoc": document(&account)}),
    ))
}

/// The account a PDS call is made for, and its scopes.
pub(super) fn caller(world: &World, call: &Call) -> Result<(Account, Vec<String>), Reply> {
    let now = world.now();
    let (token, by_key) = match (call.credential("bearer"), call.credential("dpop")) {
        (Some(token), _) => (token, false),
        (None, Some(token)) => (token, true),
        (None, None) => return Err(xrpc_error(401, "AuthMissing", "Authentication Required")),
    };
    let jkt = match by_key {
        true => Some(dpop::prove(world, call, Server::Resource, Some(token)).map_err(|f| f.at_resource(world, call))?),
        false => None,
    };
    let bearer = match world.oauth.check(token, &[Kind::Access], Platform::Bluesky, now) {
        Ok(bearer) if bearer.grant.jkt == jkt => bearer,
        Ok(_) => {
            let reply = xrpc_error(400, "InvalidToken", "Token could not be verified");
            return Err(world.unexpected(call, "token used with another scheme or key", reply));
        }
        Err(_) if by_key => {
            let text = "DPoP algs=\"ES256\", error=\"invalid_token\", error_description=\"The access token is invalid or expired\"";
            let reply = xrpc_error(401, "invalid_token", "The access token is invalid or expired");
            return Err(reply.with("www-authenticate", text));
        }
        Err(TokenFault::Expired) => return Err(xrpc_error(400, "ExpiredToken", "Token has expired")),
        Err(_) => return Err(xrpc_error(400, "InvalidToken", "Token could not be verified")),
    };
    let account = world.accounts.get(&bearer.grant.who);
    call.about(&account.handle);
    if account.suspended {
        return Err(takedown());
    }
    if account.deleted {
        return Err(xrpc_error(400, "InvalidToken", "Could not find account"));
    }
    let scopes = if by_key { account.effective(&bearer.grant.scopes) } else { bearer.grant.scopes };
    Ok((account, scopes))
}

/// The session that an app password would have opened.
pub(crate) fn hand_over(world: &World, account: &Account, _scopes: Option<Vec<String>>) -> HandOver {
    let now = world.now();
    let scopes = vec!["com.atproto.appPass".to_owned()];
    let grant = world.oauth.open_grant(&account.who, CLIENT, scopes.clone(), now, None);
    let (access, refresh) = pair(world, grant, account, now);
    HandOver { access, refresh: Some(refresh), expires_in_s: Some(ACCESS_S), scopes }
}
