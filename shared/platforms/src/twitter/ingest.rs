//! Reads an X account with its own consent.

use async_trait::async_trait;
use domain::{Failure, Kind, Platform, Profile, TokenSet};
use outbound::{Answer, Call};

use super::facts::{POSTS, USERS};
use super::{FACTS, api, error};
use crate::kit::{Access, Account, Context, Ingest, Page};
use crate::wire;

/// Reads X.
pub(super) struct Twitter;

#[async_trait]
impl Ingest for Twitter {
    async fn profile(&self, cx: &Context<'_>, _: &Account<'_>, access: Access<'_>) -> Result<Profile, Failure> {
        let tokens = own(access)?;
        let answer = get(cx, tokens, "users/me", &[("user.fields", api::USER_FIELDS)], USERS).await?;
        api::profile(&answer, cx.clock.now(), USERS)
    }

    async fn publications(
        &self,
        cx: &Context<'_>,
        profile: &Profile,
        access: Access<'_>,
        page: Option<&str>,
    ) -> Result<Page, Failure> {
        let size = FACTS.page_size.to_string();
        let mut query = vec![
            ("max_results", size.as_str()),
            // Reposts are somebody else's.
            ("exclude", "retweets"),
            ("tweet.fields", api::POST_FIELDS),
            ("expansions", "attachments.media_keys"),
            ("media.fields", api::MEDIA_FIELDS),
        ];
        query.extend(page.map(|token| ("pagination_token", token)));
        let path = format!("users/{}/tweets", profile.external_id);
        let answer = get(cx, own(access)?, &path, &query, POSTS).await?;
        Ok(api::timeline(&answer, cx.clock.now(), POSTS)?.page(&profile.handle))
    }
}

pub(super) fn own(access: Access<'_>) -> Result<&TokenSet, Failure> {
    match access {
        Access::Token(tokens) => Ok(tokens),
        Access::Public => Err(Failure::new(Kind::OauthRequired, "nothing is read without consent")),
    }
}

/// A read with the account's rights, of which it needs `scope`.
pub(super) async fn get(
    cx: &Context<'_>,
    tokens: &TokenSet,
    path: &str,
    query: &[(&str, &str)],
    scope: &str,
) -> Result<Answer, Failure> {
    let url = wire::url_with(&format!("https://api.x.com/2/{path}"), query)?;
    let answer = cx.out.send(Call::get(Platform::Twitter, url).bearer(&tokens.access)).await?;
    // Every read here needs both rights, and X does not say which is missing.
    let known = |right: &&str| !tokens.scopes.is_empty() && !tokens.scopes.iter().any(|granted| granted == right);
    let scope = [USERS, POSTS].into_iter().find(known).unwrap_or(scope);
    if answer.is_success() { Ok(answer) } else { Err(error::of(&answer, cx.clock.now(), scope)) }
}
