//! The atproto profile of OAuth: metadata, PAR, consent, DPoP-bound tokens with rotation.

use serde_json::{Value, json};
use url::Url;

use super::dpop::{self, Server, fresh, jwt_parts};
use super::{PDS, actor};
use crate::accounts::Account;
use crate::call::{Answer, Call, Pairs, Reply, error_page};
use crate::consent::{Ask, Decision};
use crate::oauth::{Code, CodeFault, Kind, TokenFault, jwt_like, pkce_ok, scopes};
use crate::state::{Platform, World, lock, secret};
use crate::strict::{Rule, Shape, check_filled, check_names};

const ISSUER: &str = crate::BLUESKY_PDS;
const ASSERTION: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
const ACCESS_S: i64 = 3_599;
const CODE_S: i64 = 60;
const PAR_S: i64 = 299;
const PUBLIC_SESSION_S: i64 = 14 * 86_400;
const CONFIDENTIAL_REFRESH_S: i64 = 90 * 86_400;

/// A pushed authorization request.
#[derive(Debug, Clone)]
pub(super) struct Pushed {
    form: Pairs,
    jkt: String,
    confidential: bool,
    expires_ms: i64,
}

pub(super) fn route(world: &World, call: &Call) -> Answer {
    match call.path.as_str() {
        "/.well-known/oauth-protected-resource" => metadata(
            world,
            call,
            &json!({
                "resource": ISSUER, "authorization_servers": [ISSUER], "scopes_supported": [], "bearer_methods_supported": ["header"],
                "resource_documentation": "https://atproto.com",
            }),
        ),
        "/.well-known/oauth-authorization-server" => metadata(world, call, &server_metadata()),
        "/oauth/par" => push(world, call),
        "/oauth/authorize" => authorize(world, call),
        "/oauth/token" => token(world, call),
        "/oauth/revoke" => revoke(world, call),
        _ => Err(world.unexpected(call, "unknown path", Reply::plain(404, "Not Found"))),
    }
}

fn metadata(world: &World, call: &Call, body: &Value) -> Answer {
    const RULE: Rule = Rule::get(&[], &[]);
    RULE.read(call).map_err(|b| world.unexpected(call, &b.text(), oauth_error(400, "invalid_request", &b.text())))?;
    Ok(Reply::json(200, body))
}

fn server_metadata() -> Value {
    let at = |path: &str| format!("{ISSUER}{path}");
    json!({
        "issuer": ISSUER, "authorization_endpoint": at("/oauth/authorize"), "token_endpoint": at("/oauth/token"),
        "pushed_authorization_request_endpoint": at("/oauth/par"), "revocation_endpoint": at("/oauth/revoke"),
        "scopes_supported": ["atproto", "transition:email", "transition:generic", "transition:chat.bsky"],
        "subject_types_supported": ["public"], "response_types_supported": ["code"], "response_modes_supported": ["query", "fragment"],
        "grant_types_supported": ["authorization_code", "refresh_token"], "code_challenge_methods_supported": ["S256"],
        "token_endpoint_auth_methods_supported": ["none", "private_key_jwt"], "token_endpoint_auth_signing_alg_values_supported": ["ES256"],
        "dpop_signing_alg_values_supported": ["ES256"], "require_pushed_authorization_requests": true,
        "authorization_response_iss_parameter_supported": true, "client_id_metadata_document_supported": true,
    })
}

fn oauth_error(status: u16, error: &str, description: &str) -> Reply {
    Reply::json(status, &json!({"error": error, "error_description": description}))
}

/// Reads a form by the fields of the endpoint.
fn form(world: &World, call: &Call, fields: &'static [&'static str]) -> Result<Pairs, Reply> {
    let rule = Rule { method: "POST", query: &[], body: Shape::Form(fields), headers: &["dpop"] };
    match rule.read(call) {
        Ok(input) => Ok(input.form),
        Err(b) => Err(world.unexpected(call, &b.text(), oauth_error(400, "invalid_request", &b.text()))),
    }
}

/// What a client id allows: the development form says so itself, a document is taken on trust.
fn client_allows(client_id: &str, redirect: &str, asked: &[String]) -> Result<(), &'static str> {
    let id = Url::parse(client_id).map_err(|_| "client_id is not a URL")?;
    let target = Url::parse(redirect).map_err(|_| "redirect_uri")?;
    if id.scheme() == "https" {
        let document = id.port().is_none() && id.query().is_none() && id.path().to_ascii_lowercase().ends_with(".json");
        let loopback = target.scheme() == "http" && matches!(target.host_str(), Some("127.0.0.1" | "[::1]"));
        return match (document, target.scheme() == "https" || loopback) {
            (false, _) => Err("client_id is not the URL of a metadata document"),
            (true, false) => Err("redirect_uri"),
            (true, true) => Ok(()),
        };
    }
    if id.scheme() != "http" || id.host_str() != Some("localhost") || id.port().is_some() || id.path() != "/" {
        return Err("client_id is neither https nor http://localhost");
    }
    let own = Pairs::parse(id.query().unwrap_or("").as_bytes());
    if !matches!(target.host_str(), Some("127.0.0.1" | "[::1]")) {
        return Err("redirect_uri must be 127.0.0.1 or [::1]");
    }
    // The port of a loopback redirect is free.
    let same = |uri: &str| {
        Url::parse(uri)
            .is_ok_and(|u| u.host() == target.host() && u.path() == target.path() && u.query() == target.query())
    };
    let listed: Vec<&str> = own.all("redirect_uri").collect();
    if !listed.is_empty() && !listed.iter().any(|uri| same(uri)) {
        return Err("redirect_uri is not one of the client's");
    }
    let allowed = scopes(own.get("scope").unwrap_or("atproto"), &[' ']);
    if !asked.iter().all(|s| allowed.contains(s)) {
        return Err("scope is not one of the client's");
    }
    Ok(())
}

/// Whether the client proves itself by a signed assertion; what it states is checked, its key cannot be.
fn confidential(world: &World, call: &Call, f: &Pairs) -> Result<bool, Reply> {
    let fail = |why: &str| Err(world.unexpected(call, why, oauth_error(400, "invalid_client", why)));
    let Some(assertion) = f.get("client_assertion") else {
        return if f.get("client_assertion_type").is_some() {
            fail("client_assertion_type without client_assertion")
        } else {
            Ok(false)
        };
    };
    let client_id = f.text("client_id");
    if f.text("client_assertion_type") != ASSERTION || !client_id.starts_with("https://") {
        return fail("client_assertion_type");
    }
    let Some((header, claims, _, signature)) = jwt_parts(assertion) else { return fail("malformed client_assertion") };
    let aud = |v: &Value| v == ISSUER || v.as_array().is_some_and(|list| list.iter().any(|a| a == ISSUER));
    let good = header["alg"] == "ES256"
        && signature.len() == 64
        && claims["iss"] == client_id
        && claims["sub"] == client_id
        && aud(&claims["aud"])
        && claims["iat"].as_i64().is_some_and(|iat| fresh(world, iat))
        && claims["jti"].as_str().is_some_and(|jti| world.bluesky.first_use(format!("{client_id} {jti}")));
    if good { Ok(true) } else { fail("client_assertion states something else") }
}

fn known(scope: &str) -> bool {
    matches!(scope, "atproto" | "transition:generic" | "transition:email" | "transition:chat.bsky")
        || ["repo:", "blob:", "rpc:", "account:", "identity:", "include:"].iter().any(|p| scope.starts_with(p))
}

fn push(world: &World, call: &Call) -> Answer {
    const FIELDS: &[&str] = &[
        "client_id!",
        "redirect_uri!",
        "response_type!",
        "scope!",
        "state!",
        "code_challenge!",
        "code_challenge_method!",
        "login_hint",
        "response_mode",
        "client_assertion_type",
        "client_assertion",
    ];
    let f = form(world, call, FIELDS)?;
    let jkt = dpop::prove(world, call, Server::Authorization, None).map_err(|e| e.at_authorization(world, call))?;
    let fail = |code: &str, why: &str| Err(world.unexpected(call, why, oauth_error(400, code, why)));
    let confidential = confidential(world, call, &f)?;
    if f.text("response_type") != "code"
        || f.text("code_challenge_method") != "S256"
        || f.text("code_challenge").len() != 43
    {
        return fail("invalid_request", "response_type, code_challenge or its method");
    }
    let asked = scopes(f.text("scope"), &[' ']);
    if !asked.iter().any(|s| s == "atproto") || !asked.iter().all(|s| known(s)) {
        return fail("invalid_scope", "scope must contain atproto and only known scopes");
    }
    if let Err(why) = client_allows(f.text("client_id"), f.text("redirect_uri"), &asked) {
        return fail("invalid_request", why);
    }
    let uri = format!("urn:ietf:params:oauth:request_uri:req-{}", secret(32));
    let pushed = Pushed { form: f, jkt, confidential, expires_ms: world.now() + PAR_S * 1000 };
    lock(&world.bluesky.pushed).insert(uri.clone(), pushed);
    Ok(Reply::json(201, &json!({"request_uri": uri, "expires_in": PAR_S})))
}

fn authorize(world: &World, call: &Call) -> Answer {
    const QUERY: [&str; 2] = ["client_id!", "request_uri!"];
    let q = &call.query;
    let refuse = |why: &str| error_page(400, "Invalid request", why);
    check_names(&QUERY, q.keys())
        .and_then(|()| check_filled(&QUERY, q))
        .map_err(|b| world.unexpected(call, &b.text(), refuse(&b.text())))?;
    let pushed = lock(&world.bluesky.pushed).get(q.text("request_uri")).cloned();
    let pushed =
        pushed.filter(|p| p.expires_ms > world.now()).ok_or_else(|| refuse("Unknown or expired request_uri"))?;
    let f = &pushed.form;
    if f.text("client_id") != q.text("client_id") {
        return Err(world.unexpected(call, "client_id of another client", refuse("client_id")));
    }
    let hint =
        f.get("login_hint").map(|h| actor(world, h).map_or_else(|| h.to_owned(), |a| a.handle)).unwrap_or_default();
    let asked = scopes(f.text("scope"), &[' ']);
    let ask =
        Ask { platform: Platform::Bluesky, client: f.text("client_id"), scopes: &asked, hint: &hint, fixed: "atproto" };
    let (redirect, state) = (f.text("redirect_uri"), f.text("state"));
    let decision = ask.decide(world, call)?;
    lock(&world.bluesky.pushed).remove(q.text("request_uri"));
    match decision {
        Decision::Denied => {
            let params =
                [("iss", ISSUER), ("state", state), ("error", "access_denied"), ("error_description", "Access denied")];
            Ok(Reply::redirect(redirect, &params, ""))
        }
        Decision::Approved { account, scopes } => {
            let now = world.now();
            let grant = world.oauth.open_grant(&account.who, f.text("client_id"), scopes, now, Some(pushed.jkt));
            if pushed.confidential {
                world.bluesky.is_confidential(grant);
            }
            let code = format!("cod-{}", secret(64));
            let challenge = Some(("S256".to_owned(), f.text("code_challenge").to_owned()));
            world.oauth.add_code(
                &code,
                Code {
                    grant,
                    redirect_uri: redirect.to_owned(),
                    challenge,
                    offline: true,
                    expires_ms: now + CODE_S * 1000,
                    used: false,
                },
            );
            Ok(Reply::redirect(redirect, &[("iss", ISSUER), ("state", state), ("code", &code)], ""))
        }
    }
}

fn token(world: &World, call: &Call) -> Answer {
    const FIELDS: &[&str] = &[
        "grant_type!",
        "client_id!",
        "redirect_uri",
        "code",
        "code_verifier",
        "refresh_token",
        "client_assertion_type",
        "client_assertion",
    ];
    let f = form(world, call, FIELDS)?;
    let jkt = dpop::prove(world, call, Server::Authorization, None).map_err(|e| e.at_authorization(world, call))?;
    let confidential = confidential(world, call, &f)?;
    match f.text("grant_type") {
        "authorization_code" => exchange(world, call, &f, &jkt, confidential),
        "refresh_token" => refresh(world, call, &f, &jkt, confidential),
        _ => Err(world.unexpected(
            call,
            "grant_type",
            oauth_error(400, "unsupported_grant_type", "Unsupported grant_type"),
        )),
    }
}

/// Client, way of proving itself and DPoP key stay what they were at the start.
fn same_client(
    world: &World,
    call: &Call,
    grant: u64,
    now: (&str, &str, bool),
    then: (&str, Option<&str>),
) -> Result<(), Reply> {
    let (client, jkt, confidential) = now;
    let was_confidential = lock(&world.bluesky.confidential).contains(&grant);
    if client != then.0 || confidential != was_confidential {
        let reply = oauth_error(400, "invalid_grant", "Client or its authentication method has changed");
        return Err(world.unexpected(call, "another client or client authentication", reply));
    }
    if then.1 != Some(jkt) {
        let reply = oauth_error(400, "invalid_dpop_proof", "DPoP proof does not match expected JKT");
        return Err(world.unexpected(call, "another DPoP key", reply));
    }
    Ok(())
}

fn exchange(world: &World, call: &Call, f: &Pairs, jkt: &str, confidential: bool) -> Answer {
    let invalid = |why: &str| oauth_error(400, "invalid_grant", why);
    let text = f.text("code");
    let (code, grant) = match world.oauth.peek_code(text, world.now()) {
        Ok(found) => found,
        Err(CodeFault::Used(grant)) => {
            world.oauth.kill_grant(grant);
            return Err(invalid("Code replayed"));
        }
        Err(CodeFault::Expired | CodeFault::Unknown) => return Err(invalid("Invalid code")),
    };
    let account = world.accounts.get(&grant.who);
    call.about(&account.handle);
    same_client(
        world,
        call,
        code.grant,
        (f.text("client_id"), jkt, confidential),
        (&grant.client, grant.jkt.as_deref()),
    )?;
    if code.redirect_uri != f.text("redirect_uri") {
        return Err(invalid("The redirect_uri parameter must match the one used in the authorization request"));
    }
    let proven = code.challenge.as_ref().is_some_and(|(m, c)| pkce_ok(m, c, f.text("code_verifier")));
    if !proven {
        return Err(world.unexpected(call, "code_verifier", invalid("Invalid code_verifier")));
    }
    if !world.oauth.spend_code(text) {
        world.oauth.kill_grant(code.grant);
        return Err(invalid("Code replayed"));
    }
    Ok(issue(world, code.grant, &account, &grant.scopes, grant.started_ms, confidential, jkt))
}

fn refresh(world: &World, call: &Call, f: &Pairs, jkt: &str, confidential: bool) -> Answer {
    let invalid = |why: &str| oauth_error(400, "invalid_grant", why);
    let now = world.now();
    let old = f.text("refresh_token");
    let bearer = match world.oauth.check(old, &[Kind::Refresh], Platform::Bluesky, now) {
        Ok(bearer) => bearer,
        Err(TokenFault::Rotated { grant, .. }) => {
            world.oauth.kill_grant(grant);
            return Err(invalid("Refresh token replayed"));
        }
        Err(TokenFault::Expired) => return Err(invalid("Refresh token expired")),
        Err(TokenFault::Revoked | TokenFault::Unknown) => return Err(invalid("Invalid refresh token")),
    };
    let account = world.accounts.get(&bearer.grant.who);
    call.about(&account.handle);
    let grant = &bearer.grant;
    same_client(
        world,
        call,
        bearer.grant_id,
        (f.text("client_id"), jkt, confidential),
        (&grant.client, grant.jkt.as_deref()),
    )?;
    if account.suspended || account.deleted {
        return Err(invalid("Account is unavailable"));
    }
    if !confidential && now - grant.started_ms >= PUBLIC_SESSION_S * 1000 {
        return Err(invalid("Session expired"));
    }
    // Rotated before the new pair is made: of two at once, the second is a replay.
    if !world.oauth.rotate(old, now, &[]) {
        world.oauth.kill_grant(bearer.grant_id);
        return Err(invalid("Refresh token replayed"));
    }
    Ok(issue(world, bearer.grant_id, &account, &grant.scopes, grant.started_ms, confidential, jkt))
}

fn issue(
    world: &World,
    grant: u64,
    account: &Account,
    held: &[String],
    started_ms: i64,
    confidential: bool,
    jkt: &str,
) -> Reply {
    let now = world.now();
    let scope = account.effective(held).join(" ");
    let claims = json!({"iss": ISSUER, "sub": account.id(), "aud": format!("did:web:{PDS}"), "scope": scope, "jti": secret(22),
        "cnf": {"jkt": jkt}, "iat": now / 1000, "exp": now / 1000 + ACCESS_S});
    let access = jwt_like(&json!({"typ": "at+jwt", "alg": "ES256", "kid": "sim"}), &claims);
    let refresh = format!("ref-{}", secret(64));
    let life = if confidential { CONFIDENTIAL_REFRESH_S } else { PUBLIC_SESSION_S - (now - started_ms) / 1000 };
    world.oauth.issue(grant, Kind::Access, &access, now, Some(ACCESS_S));
    world.oauth.issue(grant, Kind::Refresh, &refresh, now, Some(life));
    let body = json!({"access_token": access, "token_type": "DPoP", "refresh_token": refresh, "scope": scope, "expires_in": ACCESS_S,
        "sub": account.id()});
    Reply::json(200, &body)
}

fn revoke(world: &World, call: &Call) -> Answer {
    let f =
        form(world, call, &["token!", "client_id!", "token_type_hint", "client_assertion_type", "client_assertion"])?;
    confidential(world, call, &f)?;
    let now = world.now();
    if let Ok(bearer) = world.oauth.check(f.text("token"), &[Kind::Access, Kind::Refresh], Platform::Bluesky, now)
        && bearer.grant.client == f.text("client_id")
    {
        call.about(&world.accounts.get(&bearer.grant.who).handle);
        world.oauth.kill_grant(bearer.grant_id);
    }
    Ok(Reply::json(200, &json!({})))
}
