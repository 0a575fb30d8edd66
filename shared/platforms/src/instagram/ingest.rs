//! Reads an Instagram account.

use async_trait::async_trait;
use domain::{Failure, Kind, Platform, Profile, Secret};
use outbound::{Answer, Call};

use super::facts::VERSION;
use super::{FACTS, api, error};
use crate::kit::{Access, Account, Context, Ingest, Page};
use crate::wire;

/// Reads Instagram.
pub(super) struct Instagram;

#[async_trait]
impl Ingest for Instagram {
    async fn profile(&self, cx: &Context<'_>, _: &Account<'_>, access: Access<'_>) -> Result<Profile, Failure> {
        // The token is the account: there is no way to name another one.
        let answer = get(cx, token(access)?, "me", &[("fields", api::PROFILE_FIELDS)]).await?;
        api::profile(&answer)
    }

    async fn publications(
        &self,
        cx: &Context<'_>,
        profile: &Profile,
        access: Access<'_>,
        page: Option<&str>,
    ) -> Result<Page, Failure> {
        let token = token(access)?;
        let limit = FACTS.page_size.to_string();
        let mut query = vec![("fields", api::MEDIA_FIELDS), ("limit", limit.as_str())];
        query.extend(page.map(|after| ("after", after)));
        let answer = get(cx, token, &format!("{}/media", profile.external_id), &query).await?;
        api::media(&answer)
    }
}

pub(super) fn token(access: Access<'_>) -> Result<&Secret, Failure> {
    match access {
        Access::Token(tokens) => Ok(&tokens.access),
        Access::Public => Err(Failure::new(Kind::OauthRequired, "no public read")),
    }
}

pub(super) async fn get(
    cx: &Context<'_>,
    token: &Secret,
    path: &str,
    query: &[(&str, &str)],
) -> Result<Answer, Failure> {
    let url = wire::url_with(&format!("https://graph.instagram.com/{VERSION}/{path}"), query)?;
    let answer = cx.out.send(Call::get(Platform::Instagram, url).bearer(token)).await?;
    if answer.is_success() { Ok(answer) } else { Err(error::of(&answer)) }
}
