//! LinkedIn's quirks against the simulated platform.

#![allow(clippy::unwrap_used, reason = "helpers of tests may panic as the tests do")]

#[allow(dead_code, reason = "every test file uses its part")]
mod support;

use domain::profile::AccountType;
use domain::{Kind, MediaType, Metric, Platform, Secret, TokenSet};
use jiff::SignedDuration;
use platforms::{Access, Account, AppCredentials};
use serde_json::{Value, json};
use support::World;

async fn world() -> World {
    let app = AppCredentials {
        client_id: simulator::LINKEDIN_CLIENT_ID.to_owned(),
        client_secret: Some(Secret::new(simulator::LINKEDIN_CLIENT_SECRET)),
        api_key: None,
    };
    World::new(Platform::Linkedin, app).await
}

/// Tokens of a partner's app, as they are handed over: they do not say what they are for.
async fn handed_over(world: &World, handle: &str, scopes: Option<&[&str]>) -> TokenSet {
    let body = scopes.map_or(json!({}), |scopes| json!({ "scopes": scopes }));
    let issued = world.post(&format!("{}/issue-token", world.account_path(handle)), body).await;
    TokenSet {
        access: Secret::new(issued["accessToken"].as_str().unwrap()),
        refresh: issued["refreshToken"].as_str().map(Secret::new),
        expires_at: None,
        issued_at: world.now(),
        scopes: Vec::new(),
        extra: Default::default(),
    }
}

#[tokio::test]
async fn an_app_that_is_no_partners_gets_no_renewal() {
    let world = world().await;
    world.patch("../../settings/LINKEDIN", json!({"refreshTokens": false})).await;
    let tokens = world.consent("ann-lee", &[]).await.unwrap().tokens;
    assert_eq!((&tokens.refresh, tokens.expires_at), (&None, Some(world.now() + SignedDuration::from_hours(60 * 24))));
    assert_eq!(world.refresh(&tokens).await.unwrap_err().kind, Kind::ReconnectNeeded);
    world.nothing_odd().await;
}

#[tokio::test]
async fn a_member_is_known_by_urn_and_keeps_the_name_it_came_with() {
    let world = world().await;
    let tokens = world.consent("ann-lee", &[]).await.unwrap().tokens;
    let before = world.requests().await.len();
    let profile = world.profile("ann-lee", Access::Token(&tokens)).await.unwrap();
    assert_eq!(world.requests().await.len() - before, 1, "a consent for the member is not asked about pages");
    assert!(profile.external_id.starts_with("urn:li:person:"));
    assert_eq!((profile.handle.as_str(), profile.account_type), ("ann-lee", Some(AccountType::Personal)));
    let unnamed = world.profile("", Access::Token(&tokens)).await.unwrap();
    assert_eq!(unnamed.external_id, profile.external_id);
    assert!(profile.external_id.to_lowercase().ends_with(&unnamed.handle));
    world.nothing_odd().await;
}

#[tokio::test]
async fn a_page_is_found_among_those_that_the_member_administers() {
    let world = world().await;
    let tokens = handed_over(&world, "ann-lee", None).await;
    let access = Access::Token(&tokens);
    let truth = world.truth("ann-lee-inc").await;
    let page = world.profile("ann-lee-inc", access).await.unwrap();
    assert_eq!(page.external_id, truth["id"].as_str().unwrap());
    assert_eq!(page.profile_url, "https://www.linkedin.com/company/ann-lee-inc/");
    assert_eq!(page.follower_count, Metric::Count(truth["followerCount"].as_u64().unwrap()));
    assert_eq!((page.bio.as_deref(), page.account_type), (truth["bio"].as_str(), Some(AccountType::Business)));
    // By its number it is the same, and by its identity nobody has to look for it.
    let number = page.external_id.rsplit(':').next().unwrap();
    assert_eq!(world.profile(number, access).await.unwrap(), page);
    let known = Account { handle: "renamed-since", platform_account_id: Some(&page.external_id) };
    assert_eq!(world.adapter().ingest.profile(&world.cx(), &known, access).await.unwrap(), page);
    // Any other name is the member's own.
    let member = world.profile("ann-lee", access).await.unwrap();
    assert!(member.external_id.starts_with("urn:li:person:"));
    world.nothing_odd().await;
}

#[tokio::test]
async fn of_several_pages_the_one_with_the_name_is_meant() {
    let world = world().await;
    let tokens = handed_over(&world, "ann-lee", None).await;
    let role = |n: u32| json!({"role": "ADMINISTRATOR", "organization": format!("urn:li:organization:{n}")});
    let acls = json!({"elements": [role(1), role(2)], "paging": {}});
    world.fault("organizationAcls", json!({"kind": "reject", "status": 200, "body": acls})).await;
    let page = |n: u32, name: &str| json!({"id": n, "vanityName": name, "localizedName": name});
    let batch =
        json!({"results": {"1": page(1, "Tea-Tree"), "2": page(2, "coffee-tree")}, "statuses": {}, "errors": {}});
    world.fault("organizations", json!({"kind": "reject", "status": 200, "body": batch})).await;
    world.fault("networkSizes", json!({"kind": "reject", "status": 403})).await;
    let found = world.profile("tea-tree", Access::Token(&tokens)).await.unwrap();
    assert_eq!((found.external_id.as_str(), found.handle.as_str()), ("urn:li:organization:1", "tea-tree"));
    assert_eq!(found.follower_count, Metric::NotOffered);
}

#[tokio::test]
async fn a_pages_posts_are_read_with_their_figures() {
    let world = world().await;
    let tokens = handed_over(&world, "ann-lee", None).await;
    let page = world.profile("ann-lee-inc", Access::Token(&tokens)).await.unwrap();
    let post = |id: &str, content: Value| {
        json!({"id": id, "commentary": r"Hello \#world {hashtag|\#|tea} @[Ann](urn:li:person:1)", "lifecycleState": "PUBLISHED",
            "content": content, "publishedAt": 1_785_571_200_000_i64})
    };
    let posts = json!({"elements": [
        post("urn:li:share:1", json!({"media": {"id": "urn:li:video:1"}})),
        post("urn:li:ugcPost:2", json!({"multiImage": {"images": [{"id": "urn:li:image:1"}, {"id": "urn:li:image:2"}]}})),
        {"id": "urn:li:share:3", "lifecycleState": "DRAFT", "createdAt": 1},
    ]});
    world.fault("/rest/posts", json!({"kind": "reject", "status": 200, "body": posts})).await;
    let figures = json!({"elements": [{"share": "urn:li:share:1", "totalShareStatistics": {
        "impressionCount": 15194, "uniqueImpressionsCount": 9327, "likeCount": -1, "commentCount": 1, "shareCount": 0}}]});
    world.fault("ShareStatistics", json!({"kind": "reject", "status": 200, "body": figures})).await;
    let read = world.publications(&page, Access::Token(&tokens), usize::MAX).await.unwrap();
    let [first, second] = read.as_slice() else { panic!("a draft is not out: {read:?}") };
    assert_eq!(first.caption.as_deref(), Some("Hello #world #tea Ann"));
    assert_eq!((first.media_type, second.media_type), (MediaType::Video, MediaType::Carousel));
    assert_eq!(first.metrics.views, Metric::Count(15194));
    assert_eq!(first.metrics.likes, Metric::Pending, "a figure below zero is none");
    assert_eq!((second.metrics.views, second.metrics.likes), (Metric::Count(0), Metric::Count(0)), "nobody saw it");
    assert_eq!(second.metrics.saves, Metric::NotOffered);
    // Without the right to the figures the posts are still there.
    world.fault("/rest/posts", json!({"kind": "reject", "status": 200, "body": posts})).await;
    world.fault("ShareStatistics", json!({"kind": "reject", "status": 403})).await;
    let read = world.publications(&page, Access::Token(&tokens), usize::MAX).await.unwrap();
    assert_eq!(read[0].metrics.views, Metric::NotOffered);
}

#[tokio::test]
async fn a_token_without_the_rights_of_a_page_is_the_members() {
    let world = world().await;
    let tokens = handed_over(&world, "ann-lee", Some(&["openid", "profile", "w_member_social"])).await;
    let profile = world.profile("ann-lee-inc", Access::Token(&tokens)).await.unwrap();
    assert!(profile.external_id.starts_with("urn:li:person:"));
}
