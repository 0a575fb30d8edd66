//! Reading: through the account's own server with its consent, from the public AppView without.

use async_trait::async_trait;
use domain::{Failure, Kind, Profile, TokenSet};
use outbound::Answer;

use super::api::{AuthorFeed, ProfileView};
use super::client::{Bluesky, query};
use super::facts::{APPVIEW, FACTS};
use super::{error, raw};
use crate::kit::{Access, Account, Context, Ingest, Page};

/// Who served a page, at the front of its cursor: cursors of one mean nothing to another.
const OF_SERVER: &str = "pds";
const OF_APPVIEW: &str = "appview";
const OF_REPOSITORY: &str = "repo";

#[async_trait]
impl Ingest for Bluesky {
    async fn profile(&self, cx: &Context<'_>, account: &Account<'_>, access: Access<'_>) -> Result<Profile, Failure> {
        let Access::Token(tokens) = access else {
            return public_profile(cx, account.platform_account_id.unwrap_or(account.handle)).await;
        };
        let home = self.home(cx, Some(account), tokens).await?;
        let answer =
            self.send_as(cx, tokens, query(&home.pds, "app.bsky.actor.getProfile", &[("actor", &home.did)])?).await?;
        if !error::no_appview(&answer) {
            return Ok(read::<ProfileView>(cx, &answer)?.into_profile());
        }
        match public_profile(cx, &home.did).await {
            Err(failure) if failure.kind == Kind::NotFound => raw::profile(cx, &home).await,
            other => other,
        }
    }

    async fn publications(
        &self,
        cx: &Context<'_>,
        profile: &Profile,
        access: Access<'_>,
        page: Option<&str>,
    ) -> Result<Page, Failure> {
        let (source, cursor) =
            page.and_then(|page| page.split_once(':')).map_or((None, None), |(s, c)| (Some(s), Some(c)));
        match (access, source) {
            (Access::Public, _) | (_, Some(OF_APPVIEW)) => public_feed(cx, profile, cursor).await,
            (Access::Token(tokens), Some(OF_REPOSITORY)) => self.repository(cx, profile, tokens, cursor).await,
            (Access::Token(tokens), _) => {
                let home = self.home(cx, Some(&account(profile)), tokens).await?;
                let answer = self.send_as(cx, tokens, feed(&home.pds, profile, cursor)?).await?;
                if !error::no_appview(&answer) {
                    return Ok(feed_page(OF_SERVER, read(cx, &answer)?, profile));
                }
                if source.is_some() {
                    // In the middle of a feed its cursor helps nobody else.
                    return Err(error::xrpc(&answer, cx.clock.now()));
                }
                match public_feed(cx, profile, None).await {
                    Err(failure) if failure.kind == Kind::NotFound => self.repository(cx, profile, tokens, None).await,
                    other => other,
                }
            }
        }
    }
}

impl Bluesky {
    async fn repository(
        &self,
        cx: &Context<'_>,
        profile: &Profile,
        tokens: &TokenSet,
        cursor: Option<&str>,
    ) -> Result<Page, Failure> {
        let home = self.home(cx, Some(&account(profile)), tokens).await?;
        let (publications, next) = raw::posts(cx, &home, profile, cursor).await?;
        Ok(Page { publications, next: next.map(|cursor| format!("{OF_REPOSITORY}:{cursor}")) })
    }
}

fn account(profile: &Profile) -> Account<'_> {
    Account { handle: &profile.handle, platform_account_id: Some(&profile.external_id) }
}

async fn public_profile(cx: &Context<'_>, actor: &str) -> Result<Profile, Failure> {
    let answer = cx.out.send(query(APPVIEW, "app.bsky.actor.getProfile", &[("actor", actor)])?).await?;
    Ok(read::<ProfileView>(cx, &answer)?.into_profile())
}

async fn public_feed(cx: &Context<'_>, profile: &Profile, cursor: Option<&str>) -> Result<Page, Failure> {
    let answer = cx.out.send(feed(APPVIEW, profile, cursor)?).await?;
    Ok(feed_page(OF_APPVIEW, read(cx, &answer)?, profile))
}

fn feed(server: &str, profile: &Profile, cursor: Option<&str>) -> Result<outbound::Call, Failure> {
    let limit = FACTS.page_size.to_string();
    let mut parameters =
        vec![("actor", profile.external_id.as_str()), ("limit", limit.as_str()), ("filter", "posts_with_replies")];
    parameters.extend(cursor.map(|cursor| ("cursor", cursor)));
    query(server, "app.bsky.feed.getAuthorFeed", &parameters)
}

fn feed_page(source: &str, feed: AuthorFeed, profile: &Profile) -> Page {
    let next = feed.cursor.filter(|_| !feed.feed.is_empty()).map(|cursor| format!("{source}:{cursor}"));
    Page { publications: feed.feed.into_iter().filter_map(|item| item.into_publication(profile)).collect(), next }
}

fn read<T: serde::de::DeserializeOwned>(cx: &Context<'_>, answer: &Answer) -> Result<T, Failure> {
    if answer.is_success() { answer.json() } else { Err(error::xrpc(answer, cx.clock.now())) }
}
