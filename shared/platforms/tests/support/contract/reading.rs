//! Facts about reading an account.

use std::collections::BTreeSet;

use domain::{Kind, Metric, Profile, Publication};
use jiff::Timestamp;
use platforms::{Access, Account};
use serde_json::{Value, json};

use crate::stands::Stand;
use crate::support::{World, true_ids};

pub async fn a_profile_has_the_figures_of_the_platform(stand: &Stand, world: &World) {
    let tokens = stand.tokens(world).await;
    // Not a figure of the law, so that it cannot be met by chance.
    world.patch(stand.handle, json!({"followerCount": 123_000})).await;
    let profile = stand.look(world, &tokens).await.unwrap();
    let truth = world.truth(stand.handle).await;
    is_true(stand, &profile, &truth);
    let told = stand.told(&truth, "followerCount").is_u64();
    assert_eq!(profile.follower_count, if told { Metric::Count(123_000) } else { Metric::NotOffered });
}

pub async fn publications_are_read_to_the_end_newest_first_and_once(stand: &Stand, world: &World) {
    let truth = world.truth(stand.many).await;
    let (publications, pages) = all(stand, world).await;
    assert_eq!(ids(stand, &publications), true_ids(&truth), "all of them, in order, and nobody else's");
    assert!(publications.windows(2).all(|pair| pair[0].posted_at > pair[1].posted_at));
    let distinct: BTreeSet<&str> = publications.iter().map(|post| post.external_id.as_str()).collect();
    assert_eq!(distinct.len(), publications.len());
    let page_size = stand.facts().page_size as usize;
    assert!(pages.len() > 3, "the account is large enough to page");
    assert!(pages.iter().all(|count| (1..=page_size).contains(count)), "{pages:?}");
}

pub async fn figures_are_those_of_the_platform_and_absence_is_not_zero(stand: &Stand, world: &World) {
    let truth = world.truth(stand.many).await;
    let (publications, _) = all(stand, world).await;
    for (post, truth) in publications.iter().zip(truth["posts"].as_array().unwrap()) {
        let id = &post.external_id;
        assert_eq!(post.caption.as_deref(), truth["text"].as_str(), "{id}");
        assert_eq!(post.url.as_deref(), truth["url"].as_str(), "{id}");
        assert_eq!(post.posted_at, truth["publishedAt"].as_str().unwrap().parse::<Timestamp>().unwrap(), "{id}");
        // All re-posts: where a platform tells reposts from quotes, both.
        let shares = truth["shares"].as_u64().map(|shares| shares + truth["quotes"].as_u64().unwrap_or(0));
        let metrics = &post.metrics;
        for (name, metric, count) in [
            ("likes", metrics.likes, truth["likes"].as_u64()),
            ("comments", metrics.comments, truth["comments"].as_u64()),
            ("shares", metrics.shares, shares),
            ("saves", metrics.saves, truth["saves"].as_u64()),
            ("views", metrics.views, truth["views"].as_u64()),
            ("reach", metrics.reach, truth["reach"].as_u64()),
        ] {
            let wanted = match count {
                _ if stand.pending.contains(&name) => Metric::Pending,
                Some(count) => Metric::Count(count),
                None => Metric::NotOffered,
            };
            assert_eq!(metric, wanted, "{name} of {id}");
        }
    }
}

pub async fn anyone_reads_what_is_public(stand: &Stand, world: &World) {
    let truth = world.truth(stand.handle).await;
    let profile = world.profile(stand.handle, Access::Public).await.unwrap();
    is_true(stand, &profile, &truth);
    let publications = world.publications(&profile, Access::Public, usize::MAX).await.unwrap();
    assert_eq!(ids(stand, &publications), listed(stand, &truth));
    let tokens = stand.tokens(world).await;
    let own = stand.look(world, &tokens).await.unwrap();
    assert_eq!(own.external_id, profile.external_id, "one account, with consent and without");
    let owns = world.publications(&own, Access::Token(&tokens), usize::MAX).await.unwrap();
    assert_eq!(ids(stand, &owns), ids(stand, &publications));
}

/// Absence of a list is no failure, and costs no call.
pub async fn without_a_history_there_are_no_publications(stand: &Stand, world: &World) {
    let tokens = stand.tokens(world).await;
    let profile = stand.look(world, &tokens).await.unwrap();
    assert_eq!(profile.post_count, Metric::NotOffered);
    let asked = world.requests().await;
    assert_eq!(world.publications(&profile, Access::Token(&tokens), usize::MAX).await.unwrap(), []);
    assert_eq!(world.requests().await, asked);
}

pub async fn without_a_public_read_nobody_is_called(stand: &Stand, world: &World) {
    let tokens = stand.tokens(world).await;
    let profile = stand.look(world, &tokens).await.unwrap();
    let asked = world.requests().await;
    assert_eq!(world.profile(stand.handle, Access::Public).await.unwrap_err().kind, Kind::OauthRequired);
    let refused = world.publications(&profile, Access::Public, 1).await.unwrap_err();
    assert_eq!(refused.kind, Kind::OauthRequired);
    assert_eq!(world.requests().await, asked);
}

pub async fn a_handle_that_nobody_has_is_not_found(stand: &Stand, world: &World) {
    assert_eq!(world.profile(stand.missing, Access::Public).await.unwrap_err().kind, Kind::NotFound);
}

pub async fn a_deleted_account_is_told(stand: &Stand, world: &World) {
    let tokens = stand.tokens(world).await;
    world.patch(stand.handle, json!({"deleted": true})).await;
    let own = stand.look_renewing(world, &tokens).await.unwrap_err();
    let public = world.profile(stand.handle, Access::Public).await.unwrap_err();
    assert_eq!((public.kind, own.kind), (stand.deleted.public, stand.deleted.own), "{public}; {own}");
}

pub async fn a_suspended_account_is_told(stand: &Stand, world: &World) {
    let tokens = stand.tokens(world).await;
    world.patch(stand.handle, json!({"suspended": true})).await;
    let own = stand.look_renewing(world, &tokens).await.unwrap_err();
    let public = world.profile(stand.handle, Access::Public).await.unwrap_err();
    assert_eq!((public.kind, own.kind), (stand.suspended.public, stand.suspended.own), "{public}; {own}");
}

pub async fn a_renamed_account_keeps_its_identity(stand: &Stand, world: &World) {
    let renamed = stand.renamed.unwrap();
    let tokens = stand.tokens(world).await;
    let before = stand.look(world, &tokens).await.unwrap();
    world.patch(stand.handle, json!({"rename": renamed})).await;
    let known = Account { handle: stand.handle, platform_account_id: Some(&before.external_id) };
    let mut looks = vec![Access::Token(&tokens)];
    if stand.facts().public_read != platforms::PublicRead::None {
        looks.push(Access::Public);
    }
    for access in looks {
        let after = world.adapter().ingest.profile(&world.cx(), &known, access).await.unwrap();
        assert_eq!((after.external_id.as_str(), after.handle.as_str()), (before.external_id.as_str(), renamed));
        assert_eq!(after.profile_url, (stand.facts().profile_url)(renamed));
        let publications = world.publications(&after, access, usize::MAX).await.unwrap();
        assert_eq!(ids(stand, &publications), listed(stand, &world.truth(renamed).await), "its posts came along");
    }
}

pub async fn a_missing_scope_is_named(stand: &Stand, world: &World) {
    let tokens = stand.tokens(world).await;
    let profile = stand.look(world, &tokens).await.unwrap();
    let scopes: Vec<&str> = stand.facts().oauth.scopes.iter().map(|scope| scope.name).collect();
    for missing in stand.guarding_scopes {
        // Withdrawn after the consent, so that only the platform can know.
        let left: Vec<&&str> = scopes.iter().filter(|scope| scope != &missing).collect();
        world.patch(stand.handle, json!({ "grantedScopes": left })).await;
        let access = Access::Token(&tokens);
        let failure = match stand.look(world, &tokens).await {
            Ok(_) => world.publications(&profile, access, 1).await.unwrap_err(),
            Err(failure) => failure,
        };
        assert_eq!((failure.kind, failure.scope.as_deref()), (Kind::PermissionMissing, Some(*missing)), "{failure}");
    }
}

/// All publications of the large account, and how many each page held.
async fn all(stand: &Stand, world: &World) -> (Vec<Publication>, Vec<usize>) {
    let tokens = world.consent(stand.many, &[]).await.unwrap().tokens;
    let access = Access::Token(&tokens);
    let profile = world.profile(stand.many, access).await.unwrap();
    let (mut all, mut pages, mut next) = (Vec::new(), Vec::new(), None::<String>);
    loop {
        let page = world.adapter().ingest.publications(&world.cx(), &profile, access, next.as_deref()).await.unwrap();
        pages.push(page.publications.len());
        all.extend(page.publications);
        next = page.next;
        if next.is_none() {
            // The end may be known only from a page with nothing on it.
            pages.pop_if(|last| *last == 0);
            return (all, pages);
        }
    }
}

/// The ids of the posts that the platform lists.
fn listed<'a>(stand: &Stand, truth: &'a Value) -> Vec<&'a str> {
    if stand.has_history() { true_ids(truth) } else { Vec::new() }
}

fn ids<'a>(stand: &Stand, publications: &'a [Publication]) -> Vec<&'a str> {
    publications.iter().map(|post| (stand.post_id)(&post.external_id)).collect()
}

fn is_true(stand: &Stand, profile: &Profile, truth: &Value) {
    let count = |name: &str| stand.told(truth, name).as_u64().map_or(Metric::NotOffered, Metric::Count);
    assert_eq!(profile.external_id, (stand.identity)(truth));
    assert_eq!(profile.handle, truth["handle"].as_str().unwrap());
    assert_eq!(profile.profile_url, truth["profileUrl"].as_str().unwrap());
    assert_eq!(profile.display_name.as_deref(), truth["displayName"].as_str());
    assert_eq!(profile.bio.as_deref(), stand.told(truth, "bio").as_str());
    assert_eq!(profile.profile_image_url, stand.portrait(truth));
    assert_eq!(profile.follower_count, count("followerCount"));
    assert_eq!(profile.following_count, count("followingCount"));
    assert_eq!(profile.post_count, count("postCount"));
    assert_eq!(profile.is_verified, truth["isVerified"].as_bool());
}
