//! LinkedIn: members and the pages they administer, behind versioned Rest.li endpoints.

mod login;
mod media;
mod publish;
mod read;
mod text;

use serde_json::{Value, json};

use crate::accounts::Account;
use crate::call::{Answer, Call, Reply, error_page};
use crate::law;
use crate::oauth::{Kind, TokenFault};
use crate::state::{Platform, World};
use crate::strict::Breach;

pub(crate) use login::hand_over;

/// The newest version there is; twelve are alive.
const NEWEST: u32 = 202_607;
/// Headers of every versioned call.
const REST: &[&str] = &["authorization!", "linkedin-version", "x-restli-protocol-version", "x-restli-method"];

pub(crate) fn answer(world: &World, call: &Call) -> Reply {
    let segments = call.segments();
    let reply = if call.host == "www.linkedin.com" {
        match (call.method.as_str(), segments.as_slice()) {
            (_, ["oauth", "v2", "authorization"]) => login::authorize(world, call),
            (_, ["oauth", "v2", "accessToken"]) => login::token(world, call),
            (_, ["oauth", "v2", "introspectToken"]) => login::introspect(world, call),
            (_, ["oauth", "v2", "revoke"]) => login::revoke(world, call),
            (_, ["dms-uploads", id, "part", n]) => media::put(world, call, id, n),
            _ => Err(world.unexpected(call, "unknown path", error_page(404, "Page not found", "Sorry."))),
        }
    } else {
        api(world, call, &segments)
    };
    let uuid = crate::state::secret(22);
    reply.unwrap_or_else(|e| e).with("x-li-uuid", uuid)
}

fn api(world: &World, call: &Call, segments: &[&str]) -> Answer {
    if let ["v2", "userinfo"] = segments {
        return read::userinfo(world, call);
    }
    if segments.first() != Some(&"rest") {
        return Err(world.unexpected(
            call,
            "unknown path",
            error(404, 0, "RESOURCE_NOT_FOUND", "No virtual resource found"),
        ));
    }
    versioned(world, call)?;
    match (call.method.as_str(), &segments[1..]) {
        ("GET", ["organizationAcls"]) => read::acls(world, call),
        ("GET", ["organizations", id]) => read::organization(world, call, id),
        ("GET", ["networkSizes", urn]) => read::network_size(world, call, urn),
        ("GET", ["organizationalEntityShareStatistics"]) => read::share_statistics(world, call),
        ("POST", ["posts"]) => publish::create(world, call),
        ("GET", ["posts"]) => read::posts(world, call),
        ("GET", ["posts", urn]) => read::post_by_urn(world, call, urn),
        ("DELETE", ["posts", urn]) => publish::delete(world, call, urn),
        ("POST", [kind @ ("images" | "videos" | "documents")]) => media::action(world, call, kind),
        ("GET", [kind @ ("images" | "videos" | "documents"), urn]) => media::status(world, call, kind, urn),
        ("POST", ["socialActions", urn, "comments"]) => publish::comment(world, call, urn),
        ("GET", ["socialActions", urn, "comments"]) => read::comments(world, call, urn),
        ("GET", ["socialMetadata", urn]) => read::social_metadata(world, call, urn),
        _ => Err(world.unexpected(
            call,
            "unknown path",
            error(404, 0, "RESOURCE_NOT_FOUND", "No virtual resource found"),
        )),
    }
}

/// A version that is alive, and the protocol.
fn versioned(world: &World, call: &Call) -> Result<(), Reply> {
    let Some(version) = call.header("linkedin-version") else {
        let text = "A version must be present. Please specify a version by adding the LinkedIn-Version header.";
        return Err(world.unexpected(call, "no Linkedin-Version", error(400, 0, "VERSION_MISSING", text)));
    };
    let alive = version.parse::<u32>().is_ok_and(|v| v <= NEWEST && v > NEWEST - 100 && (1..=12).contains(&(v % 100)));
    if !alive {
        let text = format!("Requested version {version} is not active");
        return Err(world.unexpected(call, &text, error(426, 0, "NONEXISTENT_VERSION", &text)));
    }
    if call.header("x-restli-protocol-version") != Some("2.0.0") {
        let reply = error(400, 100, "INVALID_PARAM", "X-RestLi-Protocol-Version must be 2.0.0");
        return Err(world.unexpected(call, "no X-Restli-Protocol-Version", reply));
    }
    Ok(())
}

fn error(status: u16, service: i64, code: &str, message: &str) -> Reply {
    Reply::json(status, &json!({"status": status, "serviceErrorCode": service, "code": code, "message": message}))
}

fn denied(what: &str) -> Reply {
    error(403, 100, "ACCESS_DENIED", &format!("Not enough permissions to access: {what}"))
}

fn not_found(what: &str) -> Reply {
    error(404, 0, "NOT_FOUND", &format!("Entity not found: {what}"))
}

fn invalid(message: &str) -> Reply {
    error(400, 100, "INVALID_PARAM", message)
}

fn breach(world: &World, call: &Call, breach: &Breach) -> Reply {
    let code = if matches!(breach, Breach::Missing(_)) { "MISSING_FIELD" } else { "ILLEGAL_ARGUMENT" };
    world.unexpected(call, &breach.text(), error(400, 100, code, &breach.text()))
}

/// The day's calls are used up; no header says so.
pub(crate) fn rate_limited() -> Reply {
    error(
        429,
        101,
        "TOO_MANY_REQUESTS",
        "Resource level throttle MEMBER DAY limit for calls to this resource is reached.",
    )
}

pub(crate) fn failure(status: u16) -> Reply {
    match status {
        500.. => error(status, 0, "INTERNAL_SERVER_ERROR", "Internal Server Error"),
        422 => error(422, 0, "UNPROCESSABLE_ENTITY", "Unprocessable entity"),
        409 => error(409, 0, "CONFLICT", "Conflict"),
        _ => error(status, 100, "ILLEGAL_ARGUMENT", "Illegal argument"),
    }
}

/// Whose token this is, and what it may do.
#[derive(Debug)]
struct Caller {
    member: Account,
    scopes: Vec<String>,
}

impl Caller {
    fn may(&self, scope: &str) -> bool {
        self.scopes.iter().any(|s| s == scope)
    }

    /// The page that the member administers. Members whose name begins with `noorg` have none.
    fn page(&self, world: &World) -> Option<Account> {
        let none = self.member.seed().starts_with("noorg") || self.member.is_page();
        let found = (!none).then(|| world.accounts.find(Platform::LinkedIn, &format!("{}-inc", self.member.seed())));
        found.flatten().filter(|p| !p.suspended)
    }

    /// The account behind an author's URN, if the token may act for it.
    fn author(&self, world: &World, urn: &str, person: &str, page: &str) -> Result<Account, Reply> {
        if urn == self.member.id() && !self.member.is_page() {
            return if self.may(person) { Ok(self.member.clone()) } else { Err(denied(person)) };
        }
        if self.member.is_page() && urn == self.member.id() {
            return if self.may(page) { Ok(self.member.clone()) } else { Err(denied(page)) };
        }
        match self.page(world).filter(|p| p.id() == urn) {
            Some(found) if self.may(page) => Ok(found),
            Some(_) => Err(denied(page)),
            None => Err(error(403, 100, "ACCESS_DENIED", "Resource is forbidden")),
        }
    }
}

fn caller(world: &World, call: &Call) -> Result<Caller, Reply> {
    let auth = |code: &str, service: i64, text: &str| error(401, service, code, text);
    let Some(token) = call.credential("bearer").filter(|t| !t.is_empty()) else {
        return Err(world.unexpected(
            call,
            "no bearer token",
            auth("EMPTY_ACCESS_TOKEN", 65_604, "Empty oauth2 access token"),
        ));
    };
    let found = world.oauth.check(token, &[Kind::Access], Platform::LinkedIn, world.now());
    let bearer = found.map_err(|fault| match fault {
        TokenFault::Expired => auth("EXPIRED_ACCESS_TOKEN", 65_602, "The token used in the request has expired"),
        TokenFault::Revoked | TokenFault::Rotated { .. } => {
            auth("REVOKED_ACCESS_TOKEN", 65_601, "The token used in the request has been revoked by the user")
        }
        TokenFault::Unknown => auth("INVALID_ACCESS_TOKEN", 65_600, "Invalid access token"),
    })?;
    let member = world.accounts.get(&bearer.grant.who);
    call.about(&member.handle);
    if member.suspended || member.deleted {
        return Err(auth("REVOKED_ACCESS_TOKEN", 65_601, "The token used in the request has been revoked by the user"));
    }
    let scopes = member.effective(&bearer.grant.scopes);
    Ok(Caller { member, scopes })
}

/// Where a new post stands: id, address, no key.
pub(crate) fn new_place(world: &World, _account: &Account, at_ms: i64) -> (String, String, Option<String>) {
    let id = format!("urn:li:share:{}", law::snowflake_unix(at_ms, world.judge.next()));
    let url = format!("https://www.linkedin.com/feed/update/{id}");
    (id, url, None)
}

/// A list with its paging.
fn page_of(elements: &[Value], start: usize, count: usize, total: Option<usize>) -> Value {
    let mut paging = json!({"start": start, "count": count, "links": []});
    if let Some(total) = total {
        paging["total"] = json!(total);
    }
    json!({"paging": paging, "elements": elements})
}
