//! Reading, from the account's own server.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use domain::{Failure, Kind, Platform, Profile, TokenSet};
use http::HeaderMap;
use outbound::{Answer, Call};
use url::Url;

use super::api;
use super::facts::{ACCOUNTS, FACTS, STATUSES};
use super::oauth::{DOMAIN, SERVER};
use super::{error, server};
use crate::kit::{Access, Account, Context, Ingest, Page};
use crate::wire::url_with;

/// More accounts than one process reads; past it, their ids are asked for again.
const MOST_IDS: usize = 1_000;

/// Reads accounts.
#[derive(Debug, Default)]
pub(super) struct Mastodon {
    /// The server's own id of each account, by the identity: a profile does not hold it, and its posts hang on it.
    ids: Arc<Mutex<HashMap<String, String>>>,
}

#[async_trait]
impl Ingest for Mastodon {
    async fn profile(&self, cx: &Context<'_>, account: &Account<'_>, access: Access<'_>) -> Result<Profile, Failure> {
        let (answer, host, domain) = match access {
            Access::Token(tokens) => own_account(cx, account, tokens).await?,
            Access::Public => public_account(cx, account).await?,
        };
        let id = answer.id.clone();
        let profile = answer.into_profile(&host, &domain)?;
        let mut ids = self.ids.lock().unwrap_or_else(PoisonError::into_inner);
        if ids.len() >= MOST_IDS {
            ids.clear();
        }
        ids.insert(profile.external_id.clone(), id);
        Ok(profile)
    }

    async fn publications(
        &self,
        cx: &Context<'_>,
        profile: &Profile,
        access: Access<'_>,
        page: Option<&str>,
    ) -> Result<Page, Failure> {
        let account = Account { handle: &profile.handle, platform_account_id: Some(&profile.external_id) };
        let tokens = match access {
            Access::Token(tokens) => Some(tokens),
            Access::Public => None,
        };
        let issuer = tokens.and_then(|tokens| tokens.extra(SERVER)).map(|host| host.expose().to_owned());
        let host = issuer
            .or_else(|| home(&profile.external_id))
            .ok_or_else(|| Failure::new(Kind::InvalidRequest, "the account's identity names no server"))?;
        let (id, before) = match page.and_then(|page| page.split_once(' ')) {
            Some((id, before)) => (id.to_owned(), Some(before)),
            None => (self.id(cx, &account, access).await?, None),
        };
        let limit = FACTS.page_size.to_string();
        let mut query = vec![("limit", limit.as_str()), ("exclude_reblogs", "true")];
        query.extend(before.map(|before| ("max_id", before)));
        let path = format!("accounts/{}/statuses", segment(&id));
        let answer = get(cx, &host, &path, &query, tokens, STATUSES).await?;
        let statuses: Vec<api::Status> = answer.json()?;
        if before.is_some_and(|before| statuses.iter().any(|status| status.id == before)) {
            // A server that does not page (snac) answers the same list again, and would for ever.
            return Ok(Page { publications: Vec::new(), next: None });
        }
        let next = next(&answer.headers, statuses.len(), statuses.last().map(|last| last.id.as_str()));
        Ok(Page {
            publications: statuses.into_iter().filter_map(api::Status::into_publication).collect(),
            next: next.map(|before| format!("{id} {before}")),
        })
    }
}

impl Mastodon {
    /// The server's own id of an account whose profile was read, perhaps by another process.
    async fn id(&self, cx: &Context<'_>, account: &Account<'_>, access: Access<'_>) -> Result<String, Failure> {
        let identity = account.platform_account_id.unwrap_or_default();
        if let Some(id) = self.ids.lock().unwrap_or_else(PoisonError::into_inner).get(identity) {
            return Ok(id.clone());
        }
        let (answer, ..) = match access {
            Access::Token(tokens) => own_account(cx, account, tokens).await?,
            Access::Public => public_account(cx, account).await?,
        };
        Ok(answer.id)
    }
}

/// The account that a token is for, its host and its domain. The token goes to the server that issued it; one that was
/// handed over goes to the server of the handle that it was handed over with.
pub(super) async fn own_account(
    cx: &Context<'_>,
    account: &Account<'_>,
    tokens: &TokenSet,
) -> Result<(api::Account, String, String), Failure> {
    let host = host(cx, account, Some(tokens)).await?;
    let named = server::parts(account.handle);
    let stated = tokens.extra(DOMAIN).map(|domain| domain.expose().to_owned());
    let domain = stated.or(named.map(|(_, domain)| domain)).unwrap_or_else(|| host.clone());
    let answer = get(cx, &host, "accounts/verify_credentials", &[], Some(tokens), ACCOUNTS).await?;
    let mut own: api::Account = answer.json()?;
    if !own.is_complete() {
        // Otherwise the account would be another one with consent than without.
        match get(cx, &host, &format!("accounts/{}", segment(&own.id)), &[], Some(tokens), ACCOUNTS).await {
            Ok(public) => own.completed_by(public.json()?),
            // Not there either: its id with its host has to do.
            Err(failure) if failure.kind == Kind::NotFound => {}
            Err(failure) => return Err(failure),
        }
    }
    Ok((own, host, domain))
}

/// The host that an account lives on.
pub(super) async fn host(
    cx: &Context<'_>,
    account: &Account<'_>,
    tokens: Option<&TokenSet>,
) -> Result<String, Failure> {
    let issuer = tokens.and_then(|tokens| tokens.extra(SERVER));
    match (issuer, account.platform_account_id.and_then(home), server::parts(account.handle)) {
        (Some(host), _, _) => Ok(host.expose().to_owned()),
        (None, Some(host), _) => Ok(host),
        (None, None, Some((user, domain))) => {
            Ok(server::web_host(cx, user.as_deref(), &domain).await?.unwrap_or(domain))
        }
        (None, None, None) => Err(Failure::new(Kind::InvalidHandle, "the handle names no server")),
    }
}

/// The account of a handle as anyone may see it, its host and its domain.
async fn public_account(cx: &Context<'_>, account: &Account<'_>) -> Result<(api::Account, String, String), Failure> {
    let Some((Some(user), domain)) = server::parts(account.handle) else {
        return Err(Failure::new(Kind::InvalidHandle, "a handle is user@host"));
    };
    let (host, found) = match account.platform_account_id.and_then(home) {
        Some(host) => (host, false),
        None => match server::web_host(cx, Some(&user), &domain).await? {
            Some(host) => (host, true),
            None => (domain.clone(), false),
        },
    };
    let address = url_with(&format!("{}/api/v1/accounts/lookup", server::base(cx, &host)), &[("acct", &user)])?;
    let answer = server::send(cx, Call::get(Platform::Mastodon, address)).await?;
    if answer.is_success() {
        return Ok((answer.json()?, host, domain));
    }
    // The account is there, but its server shows it to nobody without consent in this way.
    if answer.status == 404 && found && !error::is_about_the_record(&answer) {
        return Err(Failure::new(Kind::OauthRequired, "the server has no public lookup"));
    }
    Err(error::read(&answer, cx.clock.now(), None))
}

pub(super) async fn get(
    cx: &Context<'_>,
    host: &str,
    path: &str,
    query: &[(&str, &str)],
    tokens: Option<&TokenSet>,
    scope: &str,
) -> Result<Answer, Failure> {
    let mut call =
        Call::get(Platform::Mastodon, url_with(&format!("{}/api/v1/{path}", server::base(cx, host)), query)?);
    if let Some(tokens) = tokens {
        call = call.bearer(&tokens.access);
    }
    let answer = server::send(cx, call).await?;
    if answer.is_success() { Ok(answer) } else { Err(error::read(&answer, cx.clock.now(), tokens.map(|_| scope))) }
}

/// The host that an identity lives on: an ActivityPub address, or `id@host`.
fn home(identity: &str) -> Option<String> {
    match Url::parse(identity) {
        Ok(url) if url.has_host() => server::authority(&url),
        _ => identity.rsplit_once('@').map(|(_, host)| host.to_owned()).filter(|host| super::facts::is_host(host)),
    }
}

/// An id as one segment of a path, whatever a server put into it.
pub(super) fn segment(id: &str) -> String {
    url::form_urlencoded::byte_serialize(id.as_bytes()).collect::<String>().replace('+', "%20").replace("..", "%2E%2E")
}

/// Before which post the next page ends. Only the id is taken from the `Link` header: the address stays ours. A server
/// without the header may have more when the page is full; one that answers more than was asked for has told all.
pub(super) fn next(headers: &HeaderMap, count: usize, last: Option<&str>) -> Option<String> {
    let last = last?.to_owned();
    let Some(link) = headers.get("link").and_then(|link| link.to_str().ok()) else {
        return (count == FACTS.page_size as usize).then_some(last);
    };
    let next = link.split(',').find(|part| part.contains("rel=\"next\"") || part.contains("rel=next"))?;
    let address = next
        .split_once('<')
        .and_then(|(_, rest)| rest.split_once('>'))
        .and_then(|(address, _)| Url::parse(address).ok());
    let stated = address
        .and_then(|url| url.query_pairs().find(|(name, _)| name == "max_id").map(|(_, value)| value.into_owned()));
    Some(stated.unwrap_or(last))
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn linked(link: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(http::header::LINK, HeaderValue::from_static(link))])
    }

    #[test]
    fn the_next_page_is_before_the_stated_post() {
        let both = linked(
            "<https://a.example/api/v1/accounts/1/statuses?limit=40&max_id=7>; rel=\"next\", <https://a.example/x?min_id=9>; rel=\"prev\"",
        );
        assert_eq!(next(&both, 40, Some("8")).as_deref(), Some("7"));
        assert_eq!(next(&linked("<https://a.example/x?min_id=9>; rel=\"prev\""), 40, Some("8")), None);
        assert_eq!(next(&linked("<nonsense>; rel=\"next\""), 3, Some("8")).as_deref(), Some("8"));
        assert_eq!(next(&HeaderMap::new(), 40, Some("8")).as_deref(), Some("8"));
        for count in [39, 66] {
            assert_eq!(next(&HeaderMap::new(), count, Some("8")), None);
        }
        assert_eq!(next(&both, 0, None), None);
    }

    #[test]
    fn an_identity_names_its_server() {
        assert_eq!(home("https://social.example/users/ann").as_deref(), Some("social.example"));
        assert_eq!(home("http://localhost:8101/ann").as_deref(), Some("localhost:8101"));
        assert_eq!(home("14715@social.example").as_deref(), Some("social.example"));
        for identity in ["", "ann", "mailto:ann@social.example/x", "javascript:alert(1)"] {
            assert_eq!(home(identity), None, "{identity}");
        }
    }

    #[test]
    fn an_id_stays_one_segment() {
        assert_eq!(segment("14715"), "14715");
        assert_eq!(segment("../../oauth?x y"), "%2E%2E%2F%2E%2E%2Foauth%3Fx%20y");
    }
}
