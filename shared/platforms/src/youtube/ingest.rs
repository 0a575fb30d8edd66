//! Reads a YouTube channel: with the owner's consent, or as anyone with the installation's key.

use async_trait::async_trait;
use domain::{Failure, Kind, Platform, Profile};
use outbound::{Answer, Call};

use super::facts::is_channel_id;
use super::{FACTS, api, error};
use crate::kit::{Access, Account, Context, Ingest, Page};
use crate::wire;

/// Reads YouTube.
pub(super) struct Youtube;

#[async_trait]
impl Ingest for Youtube {
    async fn profile(&self, cx: &Context<'_>, account: &Account<'_>, access: Access<'_>) -> Result<Profile, Failure> {
        let at_handle = format!("@{}", account.handle);
        let which = match (access, account.platform_account_id) {
            // The token is bound to one channel.
            (Access::Token(_), _) => ("mine", "true"),
            (Access::Public, Some(id)) => ("id", id),
            (Access::Public, None) if is_channel_id(account.handle) => ("id", account.handle),
            (Access::Public, None) => ("forHandle", at_handle.as_str()),
        };
        api::profile(&get(cx, access, "channels", &[("part", "id,snippet,statistics"), which]).await?)
    }

    async fn publications(
        &self,
        cx: &Context<'_>,
        profile: &Profile,
        access: Access<'_>,
        page: Option<&str>,
    ) -> Result<Page, Failure> {
        // Every channel UC… has its uploads in the playlist UU…, which saves asking for the name.
        let uploads = profile.external_id.replacen("UC", "UU", 1);
        let size = FACTS.page_size.to_string();
        let mut query =
            vec![("part", "contentDetails"), ("playlistId", uploads.as_str()), ("maxResults", size.as_str())];
        query.extend(page.map(|token| ("pageToken", token)));
        let (ids, next) = match get(cx, access, "playlistItems", &query).await {
            // A channel that never uploaded has no such playlist; that the channel stands, `profile` has just seen.
            Err(failure) if failure.kind == Kind::NotFound => return Ok(Page { publications: Vec::new(), next: None }),
            answered => api::uploads(&answered?)?,
        };
        if ids.is_empty() {
            return Ok(Page { publications: Vec::new(), next });
        }
        // What is deleted in between is missing in the answer, and so from the page.
        let ids = ids.join(",");
        let videos = get(cx, access, "videos", &[("part", "id,snippet,status,statistics"), ("id", &ids)]).await?;
        Ok(Page { publications: api::videos(&videos)?, next })
    }
}

pub(super) async fn get(
    cx: &Context<'_>,
    access: Access<'_>,
    path: &str,
    query: &[(&str, &str)],
) -> Result<Answer, Failure> {
    let mut url = wire::url_with(&format!("https://youtube.googleapis.com/youtube/v3/{path}"), query)?;
    let call = match (access, &cx.app.api_key) {
        (Access::Token(tokens), _) => Call::get(Platform::Youtube, url).bearer(&tokens.access),
        (Access::Public, Some(key)) => {
            url.query_pairs_mut().append_pair("key", key.expose());
            Call::get(Platform::Youtube, url)
        }
        (Access::Public, None) => return Err(Failure::new(Kind::OauthRequired, "no API key is configured")),
    };
    let answer = cx.out.send(call).await?;
    if answer.is_success() {
        return Ok(answer);
    }
    let failure = error::of(&answer, cx.clock.now());
    Err(match access {
        Access::Token(_) => failure,
        Access::Public => error::of_key(failure),
    })
}
