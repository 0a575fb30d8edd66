//! The contract of a platform: the same named facts for all of them, against the simulated outside world.
//!
//! A fact that needs a capability which a platform lacks is skipped there, and the run says so. Quirks of one platform
//! stand in the file of its name.

#![allow(clippy::unwrap_used, reason = "helpers of tests may panic as the tests do")]

#[allow(dead_code, reason = "every test file uses its part")]
mod support;

#[path = "support/contract/consent.rs"]
mod consent;
#[path = "support/contract/descriptor.rs"]
mod descriptor;
#[path = "support/contract/outages.rs"]
mod outages;
#[path = "support/contract/reading.rs"]
mod reading;
#[path = "support/stands.rs"]
mod stands;
#[path = "support/contract/tokens.rs"]
mod tokens;

use std::io::Write;

use platforms::Platforms;
use stands::{Need, Stand};

/// Every platform that signs the contract.
static STANDS: [&Stand; 8] = [
    &stands::INSTAGRAM,
    &stands::TIKTOK,
    &stands::YOUTUBE,
    &stands::TWITTER,
    &stands::LINKEDIN,
    &stands::TELEGRAM,
    &stands::MASTODON,
    &stands::BLUESKY,
];

/// One test per fact, and the list of all of them. Each fact has a world of its own, in which no request may have been
/// sent that no well-made client sends.
macro_rules! facts {
    ($stand:expr => $($group:ident: { $($fact:ident $(needs $need:ident)?,)+ })+) => {
        const FACTS: &[(&str, Need)] = &[$($((stringify!($fact), facts!(@need $($need)?)),)+)+];

        $($(
            #[tokio::test]
            async fn $fact() {
                if facts!(@need $($need)?).missing($stand).is_some() {
                    return;
                }
                let world = $stand.world().await;
                crate::$group::$fact($stand, &world).await;
                world.nothing_odd().await;
            }
        )+)+
    };
    (@need) => { Need::Nothing };
    (@need $need:ident) => { Need::$need };
}

macro_rules! platform_contract {
    ($name:ident, $stand:expr) => {
        mod $name {
            use super::{Need, stands};

            facts! { $stand =>
                consent: {
                    a_consent_is_for_what_was_asked,
                    the_consent_page_is_asked_as_the_facts_say needs OpenConsentAddress,
                    what_a_person_left_out_is_known needs ConsentPage,
                    a_code_is_good_once needs ConsentPage,
                    a_code_of_an_unreachable_platform_is_not_refused needs ConsentPage,
                }
                reading: {
                    a_profile_has_the_figures_of_the_platform,
                    publications_are_read_to_the_end_newest_first_and_once needs History,
                    figures_are_those_of_the_platform_and_absence_is_not_zero needs History,
                    anyone_reads_what_is_public needs PublicRead,
                    without_a_public_read_nobody_is_called needs NoPublicRead,
                    without_a_history_there_are_no_publications needs NoHistory,
                    a_handle_that_nobody_has_is_not_found needs PublicRead,
                    a_deleted_account_is_told,
                    a_suspended_account_is_told,
                    a_renamed_account_keeps_its_identity needs ChangeableNames,
                    a_missing_scope_is_named,
                }
                tokens: {
                    an_expired_token_is_refused needs ExpiringTokens,
                    a_renewal_heals_an_expired_token needs RefreshToken,
                    a_renewal_in_time_outlives_the_old_token needs Renewal,
                    a_renewal_can_follow_a_renewal needs Renewal,
                    a_replaced_refresh_token_is_dead needs RotatingRefreshToken,
                    a_withdrawn_consent_asks_for_reconnect,
                    an_outage_during_a_renewal_is_no_revocation needs Renewal,
                    a_lost_answer_to_a_renewal_is_no_revocation needs Renewal,
                    revoking_ends_the_consent_at_the_platform needs Revocation,
                    an_outage_during_a_revocation_is_told needs Revocation,
                    without_a_call_for_it_revoking_calls_nobody needs NoRevocation,
                }
                outages: {
                    a_platform_that_is_away_may_come_back,
                    a_rate_limit_says_how_long_to_wait,
                }
                descriptor: {
                    the_facts_are_dated_and_documented,
                    the_facts_do_not_contradict_each_other,
                    every_scope_has_a_purpose,
                    handles_have_one_spelling,
                    no_text_breaks_the_rule_of_handles,
                    a_profile_address_leads_back_to_its_handle,
                }
            }

            #[test]
            fn the_contract_is_signed() {
                super::tally($stand, FACTS);
            }
        }
    };
}

platform_contract!(instagram, &stands::INSTAGRAM);
platform_contract!(tiktok, &stands::TIKTOK);
platform_contract!(youtube, &stands::YOUTUBE);
platform_contract!(twitter, &stands::TWITTER);
platform_contract!(linkedin, &stands::LINKEDIN);
platform_contract!(telegram, &stands::TELEGRAM);
platform_contract!(mastodon, &stands::MASTODON);
platform_contract!(bluesky, &stands::BLUESKY);

#[test]
fn every_platform_that_stands_has_signed() {
    let signed: Vec<_> = STANDS.iter().map(|stand| stand.platform).collect();
    for facts in Platforms::facts() {
        assert!(signed.contains(&facts.platform), "{} has no place in the contract", facts.platform);
    }
    assert_eq!(signed.len(), Platforms::facts().count());
}

/// The deadline of calls is long, so all platforms wait for theirs together.
#[tokio::test]
async fn an_answer_that_never_comes_is_not_waited_for_for_ever() {
    let mut waiting = tokio::task::JoinSet::new();
    for stand in STANDS {
        waiting.spawn(outages::an_answer_never_comes(stand));
    }
    waiting.join_all().await;
}

/// Says what is run and what is not. Written past the test runner's capture, so that it is seen without a switch.
fn tally(stand: &Stand, facts: &[(&str, Need)]) {
    let mut skipped = Vec::new();
    for (fact, need) in facts {
        skipped.extend(need.missing(stand).map(|why| format!("{fact} ({why})")));
    }
    let run = facts.len() - skipped.len();
    let list = if skipped.is_empty() { "nothing".to_owned() } else { skipped.join(", ") };
    let line = format!("contract of {}: {run} facts run; skipped: {list}\n", stand.platform);
    std::io::stderr().write_all(line.as_bytes()).unwrap();
    assert!(run > 0, "{} runs no fact at all", stand.platform);
}
