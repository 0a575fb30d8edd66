//! Reads a LinkedIn account: a member, or a page that the member administers.

use async_trait::async_trait;
use domain::{Failure, Kind, Metric, Platform, Profile, TokenSet};
use outbound::Call;

use super::api::{Figures, ORGANIZATION, Organization, PERSON};
use super::facts::{ADMIN, OPENID, READ_PAGE};
use super::rest::{self, encoded, list};
use super::{FACTS, api};
use crate::kit::{Access, Account, Context, Ingest, Page};
use crate::wire;

/// Reads LinkedIn.
pub(super) struct Linkedin;

#[async_trait]
impl Ingest for Linkedin {
    async fn profile(&self, cx: &Context<'_>, account: &Account<'_>, access: Access<'_>) -> Result<Profile, Failure> {
        let tokens = own(access)?;
        let page = match account.platform_account_id {
            Some(id) if id.starts_with(PERSON) => None,
            Some(id) if id.starts_with(ORGANIZATION) => Some(organization(cx, tokens, id).await?),
            _ => administered(cx, tokens, account.handle).await?,
        };
        let Some(page) = page else {
            let url = wire::url("https://api.linkedin.com/v2/userinfo")?;
            let call = Call::get(Platform::Linkedin, url).bearer(&tokens.access);
            return api::member(&rest::checked(cx, call, OPENID).await?, account.handle);
        };
        let path = format!("networkSizes/{}?edgeType=COMPANY_FOLLOWED_BY_MEMBER", encoded(&page.urn()));
        let followers = match rest::get(cx, tokens, &path, ADMIN).await {
            Ok(answer) => api::followers(&answer)?,
            Err(failure) if failure.kind == Kind::PermissionMissing => Metric::NotOffered,
            Err(failure) => return Err(failure),
        };
        Ok(page.profile(followers))
    }

    async fn publications(
        &self,
        cx: &Context<'_>,
        profile: &Profile,
        access: Access<'_>,
        page: Option<&str>,
    ) -> Result<Page, Failure> {
        let tokens = own(access)?;
        let urn = &profile.external_id;
        if !urn.starts_with(ORGANIZATION) {
            // A right that LinkedIn gives to nobody new would be needed to list them.
            return Ok(Page { publications: Vec::new(), next: None });
        }
        let start: u32 = page.and_then(|page| page.parse().ok()).unwrap_or(0);
        let size = FACTS.page_size;
        let path = format!("posts?author={}&q=author&count={size}&start={start}&sortBy=CREATED", encoded(urn));
        let posts = api::posts(&rest::find(cx, tokens, &path, READ_PAGE).await?)?;
        let next = (!posts.is_last(size as usize)).then(|| (start + size).to_string());
        let posts = posts.elements;
        if posts.is_empty() {
            return Ok(Page { publications: Vec::new(), next });
        }
        let ids: Vec<&str> = posts.iter().map(|post| post.id.as_str()).collect();
        let figures = figures(cx, tokens, urn, &ids).await?;
        Ok(Page { publications: posts.into_iter().filter_map(|post| post.publication(&figures)).collect(), next })
    }
}

pub(super) fn own(access: Access<'_>) -> Result<&TokenSet, Failure> {
    match access {
        Access::Token(tokens) => Ok(tokens),
        Access::Public => Err(Failure::new(Kind::OauthRequired, "nothing is read without consent")),
    }
}

async fn organization(cx: &Context<'_>, tokens: &TokenSet, urn: &str) -> Result<Organization, Failure> {
    let id = urn.trim_start_matches(ORGANIZATION);
    rest::get(cx, tokens, &format!("organizations/{}", encoded(id)), ADMIN).await?.json()
}

/// The page called `handle` among those that the token's member administers; `None`: the account is the member.
async fn administered(cx: &Context<'_>, tokens: &TokenSet, handle: &str) -> Result<Option<Organization>, Failure> {
    // A consent to Herald's own request is for the member; a token that was handed over does not say what it is for.
    if handle.is_empty() || !(tokens.scopes.is_empty() || tokens.scopes.iter().any(|scope| scope == ADMIN)) {
        return Ok(None);
    }
    let path = "organizationAcls?q=roleAssignee&role=ADMINISTRATOR&state=APPROVED&start=0&count=100";
    let answer = match rest::get(cx, tokens, path, ADMIN).await {
        Err(failure) if failure.kind == Kind::PermissionMissing => return Ok(None),
        answered => answered?,
    };
    let urns = api::administered(&answer)?;
    let ids: Vec<&str> = urns.iter().map(|urn| urn.trim_start_matches(ORGANIZATION)).collect();
    if ids.is_empty() {
        return Ok(None);
    }
    let pages = match urns.as_slice() {
        [one] => vec![organization(cx, tokens, one).await?],
        _ => api::organizations(&rest::get(cx, tokens, &format!("organizations?ids={}", list(ids)), ADMIN).await?)?,
    };
    Ok(pages.into_iter().find(|page| page.is_called(handle)))
}

/// The figures of a page's posts.
pub(super) async fn figures(cx: &Context<'_>, tokens: &TokenSet, urn: &str, ids: &[&str]) -> Result<Figures, Failure> {
    let of = |kind: &'static str| {
        let urns: Vec<&str> = ids.iter().copied().filter(|id| id.starts_with(kind)).collect();
        (!urns.is_empty()).then(|| list(urns))
    };
    let mut path =
        format!("organizationalEntityShareStatistics?q=organizationalEntity&organizationalEntity={}", encoded(urn));
    for (name, urns) in [("shares", of("urn:li:share:")), ("ugcPosts", of("urn:li:ugcPost:"))] {
        if let Some(urns) = urns {
            path.push_str(&format!("&{name}={urns}"));
        }
    }
    match rest::get(cx, tokens, &path, ADMIN).await {
        Err(failure) if failure.kind == Kind::PermissionMissing => Ok(Figures::Hidden),
        answered => api::figures(&answered?),
    }
}
