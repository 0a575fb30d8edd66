//! An account that no AppView knows, read from its repository: what it wrote is there, what others did with it is not.

use domain::publication::Metrics;
use domain::{Failure, Metric, Profile, Publication};
use serde_json::Value;

use super::api::{Media, RawRecord, Record, RecordPage, shown_handle, web_url};
use super::client::{Home, query};
use super::facts::FACTS;
use super::{error, identity};
use crate::kit::Context;
use crate::wire::{address, filled};

const POSTS: &str = "app.bsky.feed.post";

/// The profile as the account wrote it. Followers are counted by AppViews only.
pub(super) async fn profile(cx: &Context<'_>, home: &Home) -> Result<Profile, Failure> {
    // The handle as the identity claims it; no AppView has checked it.
    let handle = identity::document(cx, &home.did).await?.handle().unwrap_or_default();
    let parameters = [("repo", home.did.as_str()), ("collection", "app.bsky.actor.profile"), ("rkey", "self")];
    let record = match read::<RawRecord>(cx, home, "com.atproto.repo.getRecord", &parameters).await {
        Ok(record) => record.value,
        // A new account has not written one.
        Err(failure) if failure.kind == domain::Kind::NotFound => Value::Null,
        Err(failure) => return Err(failure),
    };
    let text = |name: &str| filled(record[name].as_str().map(str::to_owned));
    let handle = shown_handle(&handle, &home.did);
    Ok(Profile {
        profile_url: (FACTS.profile_url)(&handle),
        handle,
        display_name: text("displayName"),
        bio: text("description"),
        profile_image_url: address(blob(home, &record["avatar"])),
        external_id: home.did.clone(),
        follower_count: Metric::NotOffered,
        following_count: Metric::NotOffered,
        post_count: Metric::NotOffered,
        is_verified: None,
        account_type: None,
    })
}

/// One page of posts, newest first, and the cursor of the next.
pub(super) async fn posts(
    cx: &Context<'_>,
    home: &Home,
    profile: &Profile,
    cursor: Option<&str>,
) -> Result<(Vec<Publication>, Option<String>), Failure> {
    let limit = FACTS.page_size.to_string();
    let mut parameters = vec![("repo", home.did.as_str()), ("collection", POSTS), ("limit", limit.as_str())];
    parameters.extend(cursor.map(|cursor| ("cursor", cursor)));
    let page: RecordPage = read(cx, home, "com.atproto.repo.listRecords", &parameters).await?;
    let next = page.cursor.filter(|_| !page.records.is_empty());
    Ok((page.records.into_iter().filter_map(|record| publication(home, profile, record)).collect(), next))
}

/// Repositories are public: no token goes along.
async fn read<T: serde::de::DeserializeOwned>(
    cx: &Context<'_>,
    home: &Home,
    nsid: &str,
    parameters: &[(&str, &str)],
) -> Result<T, Failure> {
    let answer = cx.out.send(query(&home.pds, nsid, parameters)?).await?;
    if answer.is_success() { answer.json() } else { Err(error::xrpc(&answer, cx.clock.now())) }
}

fn publication(home: &Home, profile: &Profile, raw: RawRecord) -> Option<Publication> {
    let record = Record::read(&raw.value);
    let media = media(home, &raw.value["embed"]);
    Some(Publication {
        url: web_url(profile, &raw.uri),
        external_id: raw.uri,
        post_type: Some(record.post_type().to_owned()),
        posted_at: record.created_at?,
        caption: record.text,
        media_type: media.kind,
        media_url: address(media.url),
        thumbnail_url: address(media.still),
        metrics: Metrics::default(),
    })
}

/// Of an embed as the account wrote it.
fn media(home: &Home, embed: &Value) -> Media {
    match embed["$type"].as_str().unwrap_or_default() {
        "app.bsky.embed.images" => pictures(home, &embed["images"]),
        "app.bsky.embed.gallery" => pictures(home, &embed["items"]),
        "app.bsky.embed.video" => {
            Media { kind: domain::MediaType::Video, url: blob(home, &embed["video"]), still: None }
        }
        "app.bsky.embed.recordWithMedia" => media(home, &embed["media"]),
        _ => Media::NONE,
    }
}

fn pictures(home: &Home, items: &Value) -> Media {
    Media::pictures(items.as_array().map_or(0, Vec::len), blob(home, &items[0]["image"]), None)
}

/// Where the account's server hands a blob out.
fn blob(home: &Home, blob: &Value) -> Option<String> {
    let cid = blob["ref"]["$link"].as_str()?;
    let call = query(&home.pds, "com.atproto.sync.getBlob", &[("did", &home.did), ("cid", cid)]).ok()?;
    Some(call.url.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::MediaType;

    fn home() -> Home {
        Home { did: "did:plc:cavgp3laz4lboqk3ta2pohli".to_owned(), pds: "http://localhost:2583".to_owned() }
    }

    #[test]
    fn a_record_is_a_publication_without_figures() {
        let profile: super::super::api::ProfileView =
            serde_json::from_str(include_str!("fixtures/profile.json")).unwrap();
        let profile = profile.into_profile();
        let page: RecordPage = serde_json::from_str(include_str!("fixtures/list_records.json")).unwrap();
        let posts: Vec<Publication> =
            page.records.into_iter().filter_map(|raw| publication(&home(), &profile, raw)).collect();
        assert_eq!(posts.len(), 2);
        assert_eq!(posts[0].media_type, MediaType::Image);
        assert_eq!(
            posts[0].media_url.as_deref(),
            Some(
                "http://localhost:2583/xrpc/com.atproto.sync.getBlob?did=did%3Aplc%3Acavgp3laz4lboqk3ta2pohli&cid=bafkreidy"
            )
        );
        assert_eq!(posts[0].metrics.likes, Metric::NotOffered);
        assert_eq!((posts[1].media_type, posts[1].caption.as_deref()), (MediaType::Text, Some("plain")));
    }
}
