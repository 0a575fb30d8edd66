//! The promise of publishing: on the platform exactly once, or honestly not at all.
//!
//! For each platform one post is published and every call that leaves the process is counted. Then the process is killed
//! just before and just after each of them, started again and left to settle; and each fault that the platform can show
//! takes the place of the kill. The judge is the platform's own count. `HERALD_FULL=1` takes every case; else a sample
//! by `HERALD_SEED`. docs/reliability.md explains the table that is printed.

mod cases;
mod settle;

use std::collections::BTreeMap;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::time::Instant;

use cases::{Case, Trouble};
use herald_tests::author::{self, STAGES};
use herald_tests::process::Result;
use herald_tests::stack::Stack;
use settle::Settled;

/// How many cases of each platform a sampled run takes.
const SAMPLE: usize = 5;

struct Told {
    case: Case,
    outcome: std::result::Result<Settled, String>,
    took: std::time::Duration,
}

fn chosen(cases: Vec<Case>) -> Vec<Case> {
    if std::env::var("HERALD_FULL").is_ok_and(|value| value == "1") {
        return cases;
    }
    let given = std::env::var("HERALD_SEED").ok().and_then(|text| text.parse().ok());
    let seed: u64 = given.unwrap_or_else(|| RandomState::new().build_hasher().finish() % 1_000_000);
    println!("HERALD_SEED={seed}");
    let mut state = seed;
    let mut next = move |below: usize| {
        // Knuth's linear congruential generator; its high bits are good enough to choose by.
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(state >> 33).unwrap_or(0) % below
    };
    let mut by_platform: BTreeMap<&str, Vec<Case>> = BTreeMap::new();
    for case in cases {
        by_platform.entry(case.stage.platform).or_default().push(case);
    }
    let mut taken = Vec::new();
    for mut all in by_platform.into_values() {
        // The places where a duplicate would come from are always taken: around the submission itself.
        let (sure, mut rest): (Vec<Case>, Vec<Case>) = all.drain(..).partition(|case| case.is_essential());
        taken.extend(sure);
        for _ in 0..SAMPLE.min(rest.len()) {
            taken.push(rest.swap_remove(next(rest.len())));
        }
    }
    taken
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_crash_and_no_fault_makes_a_second_post_or_loses_one() -> Result<()> {
    let mut cases = Vec::new();
    let only = std::env::var("HERALD_ONLY").unwrap_or_default();
    let stages = STAGES.into_iter().filter(|stage| only.is_empty() || stage.platform == only);
    for stage in stages {
        let mut stack = Stack::start().await?;
        let staff = cases::staff(&stack).await?;
        author::connect(&stack, &staff, cases::TALENT, stage).await?;
        let calls = cases::record(&mut stack, &staff, stage).await?;
        assert!(calls.iter().any(|(handler, call)| handler == "workers.publish" && call.starts_with("platform.")));
        cases.extend(cases::all(stage, &calls));
    }
    let all = cases.len();
    let cases = chosen(cases);
    println!("{} of {all} cases (HERALD_FULL=1 takes all)", cases.len());
    let mut told = Vec::new();
    let mut stack: Option<(&str, Stack)> = None;
    for (n, case) in cases.into_iter().enumerate() {
        let started = Instant::now();
        let fresh = stack.as_ref().is_none_or(|(platform, _)| *platform != case.stage.platform);
        if fresh {
            stack = Some((case.stage.platform, cases::ready(case.stage).await?));
        }
        let Some((_, at)) = stack.as_mut() else { continue };
        let outcome = cases::run(at, &case, n).await.map_err(|error| error.to_string());
        if outcome.is_err() || case.spends_the_account() {
            // What one case left behind must not fail the others.
            stack = None;
        }
        told.push(Told { case, outcome, took: started.elapsed() });
    }
    report(&told);
    let failed = told.iter().filter(|told| told.outcome.is_err()).count();
    assert_eq!(failed, 0, "of {} cases", told.len());
    Ok(())
}

fn report(told: &[Told]) {
    println!("{:<10} {:<58} {:<12} {:>7} {:>6} {:>6}", "platform", "trouble", "end", "created", "sim s", "real s");
    for Told { case, outcome, took } in told {
        let (platform, trouble, real) = (case.stage.platform, case.trouble.to_string(), took.as_secs_f64());
        match outcome {
            Ok(settled) => println!(
                "{platform:<10} {trouble:<58} {:<12} {:>7} {:>6} {real:>6.1}{}",
                settled.status,
                settled.created,
                settled.recovered_in_s,
                if settled.met { "" } else { "  (never met: no such call here)" }
            ),
            Err(error) => println!("{platform:<10} {trouble:<58} FAILED: {error}"),
        }
    }
    println!();
    println!("Without the cases that were never met:");
    println!(
        "| platform | cases | kills | faults | others | published | unconfirmed | failed | created twice | slowest recovery, simulated s |"
    );
    println!("|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|");
    let mut sums: BTreeMap<&str, [i64; 9]> = BTreeMap::new();
    for Told { case, outcome, .. } in told {
        let Ok(settled) = outcome else { continue };
        if !settled.met {
            continue;
        }
        let row = sums.entry(case.stage.platform).or_default();
        row[0] += 1;
        let is_kill = matches!(case.trouble, Trouble::Killed { .. });
        row[match case.trouble {
            Trouble::Killed { .. } => 1,
            Trouble::Fault { .. } => 2,
            _ => 3,
        }] += 1;
        row[match settled.status.as_str() {
            "published" => 4,
            "unconfirmed" => 5,
            _ => 6,
        }] += 1;
        row[7] += i64::from(settled.created > 1);
        if is_kill {
            row[8] = row[8].max(settled.recovered_in_s);
        }
    }
    for (platform, figures) in sums {
        println!("| {platform} | {} |", figures.map(|figure| figure.to_string()).join(" | "));
    }
}
