//! Reads a TikTok account.

use async_trait::async_trait;
use domain::{Failure, Kind, Platform, Profile, TokenSet};
use outbound::Call;

use super::facts::{BASIC, PROFILE, STATS, VIDEOS};
use super::{FACTS, api, error};
use crate::kit::{Access, Account, Context, Ingest, Page};
use crate::wire;

/// Reads TikTok.
pub(super) struct Tiktok;

#[async_trait]
impl Ingest for Tiktok {
    async fn profile(&self, cx: &Context<'_>, account: &Account<'_>, access: Access<'_>) -> Result<Profile, Failure> {
        let tokens = tokens(access)?;
        match ask_profile(cx, account, tokens, |scope| granted(tokens, scope)).await {
            // Scopes were not known (a token handed over) or have shrunk since the consent: less is still something.
            Err(failure)
                if failure.kind == Kind::PermissionMissing && (granted(tokens, PROFILE) || granted(tokens, STATS)) =>
            {
                ask_profile(cx, account, tokens, |_| false).await
            }
            answered => answered,
        }
    }

    async fn publications(
        &self,
        cx: &Context<'_>,
        _: &Profile,
        access: Access<'_>,
        page: Option<&str>,
    ) -> Result<Page, Failure> {
        let tokens = tokens(access)?;
        if !granted(tokens, VIDEOS) {
            return Err(Failure::new(Kind::PermissionMissing, "the scope was not granted").scope(VIDEOS));
        }
        let cursor = page.map(str::parse::<i64>).transpose();
        let cursor = cursor.map_err(|_| Failure::new(Kind::InvalidRequest, "a cursor that is no number"))?;
        let url = wire::url_with("https://open.tiktokapis.com/v2/video/list/", &[("fields", api::VIDEO_FIELDS)])?;
        let body = api::ListVideos { cursor, max_count: FACTS.page_size };
        let answer = cx.out.send(Call::post_json(Platform::Tiktok, url, &body).bearer(&tokens.access)).await?;
        api::videos(&error::check(answer, VIDEOS)?)
    }
}

async fn ask_profile(
    cx: &Context<'_>,
    account: &Account<'_>,
    tokens: &TokenSet,
    granted: impl Fn(&str) -> bool,
) -> Result<Profile, Failure> {
    let fields = api::profile_fields(&granted);
    let url = wire::url_with("https://open.tiktokapis.com/v2/user/info/", &[("fields", &fields)])?;
    let answer = cx.out.send(Call::get(Platform::Tiktok, url).bearer(&tokens.access)).await?;
    api::profile(&error::check(answer, BASIC)?, account.handle, granted(STATS))
}

pub(super) fn tokens(access: Access<'_>) -> Result<&TokenSet, Failure> {
    match access {
        Access::Token(tokens) => Ok(tokens),
        Access::Public => Err(Failure::new(Kind::OauthRequired, "no public read")),
    }
}

/// Whether a scope was granted; a token that was handed over without its scopes gets the benefit of the doubt.
fn granted(tokens: &TokenSet, scope: &str) -> bool {
    tokens.scopes.is_empty() || tokens.scopes.iter().any(|granted| granted == scope)
}
