//! Facts about the descriptor: what a platform says of itself must hold together.

use std::collections::BTreeSet;

use domain::handle;
use jiff::SignedDuration;
use jiff::civil::{Date, date};
use platforms::{PublicRead, Renewal};
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use url::Url;

use crate::stands::Stand;
use crate::support::World;

pub async fn the_facts_are_dated_and_documented(stand: &Stand, _: &World) {
    let facts = stand.facts();
    assert_eq!(Url::parse(facts.docs).unwrap().scheme(), "https");
    let checked: Date = facts.checked.parse().unwrap();
    assert!(checked >= date(2026, 1, 1), "{checked}");
    assert!(!facts.name.is_empty() && !facts.quota.is_empty());
}

pub async fn the_facts_do_not_contradict_each_other(stand: &Stand, world: &World) {
    let (facts, oauth) = (stand.facts(), &stand.facts().oauth);
    assert!(facts.resync > SignedDuration::ZERO && facts.resync <= SignedDuration::from_hours(6));
    assert!(facts.page_size > 0 && facts.recent_posts >= facts.page_size);
    assert_eq!(facts.recent_posts % facts.page_size, 0, "a page that is half needed costs as much as a whole one");
    assert_eq!(oauth.access_life.is_some(), oauth.renewal != Renewal::None);
    match oauth.access_life {
        Some(life) => assert!(oauth.renew_ahead > SignedDuration::ZERO && oauth.renew_ahead < life),
        None => assert_eq!(oauth.renew_ahead, SignedDuration::ZERO),
    }
    assert_eq!(world.app.api_key.is_some(), facts.public_read == PublicRead::ApiKey);
    assert_eq!(world.adapter().facts.platform, stand.platform);
}

pub async fn every_scope_has_a_purpose(stand: &Stand, _: &World) {
    let scopes = stand.facts().oauth.scopes;
    assert!(scopes.iter().any(|scope| scope.needed_to_sync));
    assert!(scopes.iter().all(|scope| !scope.purpose.is_empty() && !scope.name.contains([' ', ','])));
    let distinct: BTreeSet<&str> = scopes.iter().map(|scope| scope.name).collect();
    assert_eq!(distinct.len(), scopes.len());
    // What the platform guards a read with is what the facts call needed.
    for guard in stand.guarding_scopes {
        assert!(scopes.iter().any(|scope| scope.name == *guard && scope.needed_to_sync), "{guard}");
    }
}

pub async fn handles_have_one_spelling(stand: &Stand, _: &World) {
    let rule = &stand.facts().handle;
    let read = |text: &str| handle::read(stand.platform, rule, Some(text), None, &[]);
    for (text, wanted) in stand.handles {
        assert_eq!(read(text).as_deref(), Ok(*wanted), "{text}");
        assert_eq!((rule.normalise)(wanted), *wanted);
    }
    for text in stand.not_handles {
        let refused = read(text).unwrap_err().to_string();
        assert!(refused.starts_with("Invalid handle"), "{text}: {refused}");
    }
    for text in [stand.handle, stand.many, stand.missing] {
        assert_eq!(read(text).as_deref(), Ok(text));
    }
}

pub async fn no_text_breaks_the_rule_of_handles(stand: &Stand, _: &World) {
    let (facts, rule) = (stand.facts(), &stand.facts().handle);
    // Anything, and what looks like a name on one of the platforms.
    let text = prop_oneof![
        "(?s).{0,60}",
        "\\PC{0,60}",
        "@?[A-Za-z0-9._-]{0,32}",
        "@?[a-zA-Z0-9_]{1,20}@[a-z]{3,8}\\.[a-z]{2,4}",
        "[a-z]{3,8}\\.[a-z]{2,6}\\.[a-z]{4}",
    ];
    let checked = TestRunner::default().run(&text, |text| {
        let once = (rule.normalise)(&text);
        prop_assert_eq!(&(rule.normalise)(&once), &once);
        if (rule.is_valid)(&once) {
            prop_assert!(!once.contains(['#', '/', '?', '%']) && !once.contains(char::is_whitespace));
            let address = (facts.profile_url)(&once);
            prop_assert_eq!(handle::read(stand.platform, rule, None, Some(&address), &[]), Ok(once));
        }
        Ok(())
    });
    checked.unwrap();
}

pub async fn a_profile_address_leads_back_to_its_handle(stand: &Stand, _: &World) {
    let facts = stand.facts();
    for (_, handle) in stand.handles {
        let address = (facts.profile_url)(handle);
        assert_eq!(Url::parse(&address).unwrap().scheme(), "https");
        assert_eq!(handle::read(stand.platform, &facts.handle, None, Some(&address), &[]).as_deref(), Ok(*handle));
    }
}
