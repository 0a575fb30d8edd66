//! The promise of publishing: on the platform exactly once, or honestly not at all.
//!
//! In each scene one post is published and every call that leaves the process is counted. Then the process is killed
//! just before and just after each of them, started again and left to settle; and each fault that the platform can show
//! takes the place of the kill. The judge is the platform's own count. `HERALD_FULL=1` takes every case; else a sample
//! by `HERALD_SEED`; `HERALD_ONLY` takes the scenes whose names begin so. docs/reliability.md explains the table that is
//! printed.

mod cases;
mod scenes;
mod settle;
mod table;

use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::Arc;
use std::time::Instant;

use cases::Case;
use herald_tests::process::Result;
use scenes::{SCENES, Scene};
use table::Told;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

/// How many cases of each scene a sampled run takes beside the essential ones.
const SAMPLE: usize = 4;
/// How many scenes run side by side: a case mostly waits for a process to start.
const ABREAST: usize = 3;

fn is_full() -> bool {
    std::env::var("HERALD_FULL").is_ok_and(|value| value == "1")
}

fn chosen(cases: Vec<Case>, seed: u64) -> Vec<Case> {
    if is_full() {
        return cases;
    }
    let mut state = seed;
    let mut next = move |below: usize| {
        // Knuth's linear congruential generator; its high bits are good enough to choose by.
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(state >> 33).unwrap_or(0) % below
    };
    // The places where a duplicate would come from are always taken: around the submission itself.
    let (mut taken, mut rest): (Vec<Case>, Vec<Case>) = cases.into_iter().partition(Case::is_essential);
    for _ in 0..SAMPLE.min(rest.len()) {
        taken.push(rest.swap_remove(next(rest.len())));
    }
    taken
}

/// Every chosen case of a scene, and how many there are in all.
async fn play(scene: Scene, seed: u64) -> Result<(usize, Vec<Told>)> {
    let seen = {
        let stack = scenes::ready(&scene).await?;
        cases::record(&stack, &scenes::staff(&stack).await?, &scene).await?
    };
    assert!(seen.calls.iter().any(|(handler, call)| handler == "workers.publish" && call.starts_with("platform.")));
    let cases = cases::all(scene, &seen);
    let all = cases.len();
    let mut told = Vec::new();
    let mut stack = None;
    for (n, case) in chosen(cases, seed).into_iter().enumerate() {
        let started = Instant::now();
        let mut at = match stack.take() {
            Some(at) => at,
            None => scenes::ready(&scene).await?,
        };
        let outcome = cases::run(&mut at, &case, n).await.map_err(|error| error.to_string());
        // What one case left behind must not fail the others.
        stack = (outcome.is_ok() && !case.spends_the_account()).then_some(at);
        if let Err(why) = &outcome {
            println!("{}, {}: {why}", scene.name, case.trouble);
        }
        told.push(Told { case, outcome, took: started.elapsed() });
    }
    println!("{}: {} of {all} cases done", scene.name, told.len());
    Ok((all, told))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_crash_and_no_fault_makes_a_second_post_or_loses_one() -> Result<()> {
    let only = std::env::var("HERALD_ONLY").unwrap_or_default();
    let given = std::env::var("HERALD_SEED").ok().and_then(|text| text.parse().ok());
    let seed: u64 = given.unwrap_or_else(|| RandomState::new().build_hasher().finish() % 1_000_000);
    println!("HERALD_SEED={seed}");
    let turns = Arc::new(Semaphore::new(ABREAST));
    let mut playing = JoinSet::new();
    for (place, scene) in SCENES.into_iter().enumerate().filter(|(_, scene)| scene.name.starts_with(&only)) {
        let turns = Arc::clone(&turns);
        playing.spawn(async move {
            let _turn = turns.acquire().await.map_err(|error| error.to_string())?;
            let played = play(scene, seed.wrapping_add(place as u64)).await;
            played.map(|played| (place, played)).map_err(|error| format!("{}: {error}", scene.name))
        });
    }
    let (mut played, mut unplayed) = (Vec::new(), Vec::new());
    while let Some(done) = playing.join_next().await {
        match done? {
            Ok(one) => played.push(one),
            Err(why) => unplayed.push(why),
        }
    }
    played.sort_by_key(|(place, _)| *place);
    let all: usize = played.iter().map(|(_, (all, _))| all).sum();
    let told: Vec<Told> = played.into_iter().flat_map(|(_, (_, told))| told).collect();
    println!("{} of {all} cases (HERALD_FULL=1 takes all)", told.len());
    table::print(&told);
    let failed = told.iter().filter(|told| told.outcome.is_err()).count();
    assert!(unplayed.is_empty(), "{unplayed:#?}");
    assert!(!told.is_empty(), "no scene begins with {only:?}");
    assert_eq!(failed, 0, "of {} cases", told.len());
    Ok(())
}
