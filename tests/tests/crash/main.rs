//! The process is killed at each call that leaves it, before the call is sent and after its effect, and started again
//! on the same data while the world goes on. Whatever was asked for must then settle, once.
//!
//! `HERALD_FULL=1` takes every crossing; else the first and last of each scenario and a sample by `HERALD_SEED`.

mod scenarios;

use std::collections::BTreeSet;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::time::{Duration, Instant};

use herald_tests::process::Result;
use herald_tests::rows::Rows;
use herald_tests::stack::Stack;
use scenarios::{Scenario, WORKSPACE};
use serde_json::{Value, json};

/// How many crossings are taken besides the first and last of each scenario.
const SAMPLE: usize = 12;

/// On which side of a call the process dies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// It is not sent.
    Before,
    /// Its effect is there, and nobody knows.
    After,
}

/// What a scenario was seen to call, in order: handler and call.
pub type Calls = Vec<(String, String)>;

/// A place to die at.
#[derive(Debug, Clone)]
pub struct Point {
    scenario: Scenario,
    calls: Calls,
    at: usize,
    phase: Phase,
}

impl Point {
    /// Whether the last call to `name` in the work of `handler` had its effect when the process died.
    pub fn had(&self, handler: &str, name: &str) -> bool {
        let found = self.calls.iter().rposition(|(h, call)| h == handler && call == name);
        let found = found.unwrap_or_else(|| panic!("{handler} never calls {name}: {:?}", self.calls));
        found < self.at || (found == self.at && self.phase == Phase::After)
    }

    fn handler(&self) -> &str {
        &self.calls[self.at].0
    }

    fn call(&self) -> &str {
        &self.calls[self.at].1
    }

    /// The how manyth call of its kind in its handler it is, from 1.
    fn nth(&self) -> usize {
        self.calls[..=self.at].iter().filter(|call| **call == self.calls[self.at]).count()
    }
}

/// What became of one case.
struct Told {
    point: Point,
    outcome: std::result::Result<String, String>,
    took: Duration,
}

/// Runs a scenario undisturbed and records what it calls.
async fn record(stack: &Stack, scenario: Scenario) -> Result<Calls> {
    let mut case = scenario.prepare(stack, &format!("control_{}", scenario.name())).await?;
    let _ = stack.client.delete("/local/crossings").await?.expect(200);
    let answer = case.ask(stack).await?.ok_or("no answer although nothing was disturbed")?;
    case.answered(&answer, None)?;
    case.settle(stack, None).await?;
    let recorded = stack.client.get("/local/crossings").await?.expect(200);
    let mut calls: Vec<(usize, String, String)> = Vec::new();
    for seen in recorded.body["crossings"].as_array().ok_or("nothing recorded")? {
        let text = |name: &str| seen[name].as_str().unwrap_or_default().to_owned();
        let place = scenario.handlers().iter().position(|handler| *handler == text("handler"));
        calls.extend(place.map(|place| (place, text("handler"), format!("{}.{}", text("service"), text("operation")))));
    }
    // What one handler does is in order; two may overlap.
    calls.sort_by_key(|(place, ..)| *place);
    case.clean(stack).await?;
    Ok(calls.into_iter().map(|(_, handler, call)| (handler, call)).collect())
}

/// Dies at `point`, starts again, and says how it went.
async fn run(stack: &mut Stack, point: &Point, talent: &str) -> Result<String> {
    let mut case = point.scenario.prepare(stack, talent).await?;
    let phase = if point.phase == Phase::Before { "before" } else { "after" };
    let (service, operation) = point.call().split_once('.').ok_or("a call is service and operation")?;
    let crash = json!({"phase": phase, "nth": point.nth(), "service": service, "operation": operation, "scope": point.handler()});
    let _ = stack.control("/crash", &crash).await?.expect(200);
    let answer = case.ask(stack).await?;
    stack.ended(Duration::from_secs(10)).await.map_err(|error| format!("the crossing was not reached: {error}"))?;
    stack.restart().await?;
    let mut told = match &answer {
        Some(answer) => format!("{} ", answer.status),
        None => "lost ".to_owned(),
    };
    if answer.is_none() {
        let again = case.ask(stack).await?.ok_or("no answer the second time either")?;
        told.push_str(&format!("then {} ", again.status));
        case.answered(&again, Some(point))?;
    }
    told.push_str(case.settle(stack, Some(point)).await?);
    case.clean(stack).await?;
    Ok(told)
}

/// Nothing that was left behind waits for anybody.
async fn nothing_is_left(stack: &Stack) -> Result<()> {
    let rows = Rows::of(stack).await?.all().await?;
    let text = |row: &Value, name: &str| row[name]["S"].as_str().unwrap_or_default().to_owned();
    let due: Vec<_> = rows.iter().filter(|row| row.get("due").is_some()).collect();
    assert!(due.is_empty(), "work is left: {due:?}");
    let kinds: BTreeSet<String> = rows
        .iter()
        .filter(|row| !text(row, "sk").starts_with("audit#"))
        .map(|row| {
            text(row, "pk")
                .split('#')
                .take(if text(row, "pk").starts_with("global") { 2 } else { 3 })
                .collect::<Vec<_>>()
                .join("#")
        })
        .filter(|kind| !kind.ends_with("#i") && !kind.starts_with(&format!("w#{WORKSPACE}#t")))
        .collect();
    assert!(!kinds.iter().any(|kind| kind.contains("#c") || kind.contains("oauth-state")), "rows are left: {kinds:?}");
    Ok(())
}

fn chosen(points: Vec<Point>) -> Vec<Point> {
    if std::env::var("HERALD_FULL").is_ok_and(|value| value == "1") {
        return points;
    }
    let given = std::env::var("HERALD_SEED").ok().and_then(|text| text.parse().ok());
    let seed: u64 = given.unwrap_or_else(|| RandomState::new().build_hasher().finish() % 1_000_000);
    println!("HERALD_SEED={seed}");
    let ends = |at: &usize| {
        let other =
            |to: Option<usize>| to.and_then(|to| points.get(to)).is_none_or(|p| p.scenario != points[*at].scenario);
        other(at.checked_sub(1)) || other(at.checked_add(1))
    };
    let mut taken: BTreeSet<usize> = (0..points.len()).filter(ends).collect();
    let wanted = (taken.len() + SAMPLE).min(points.len());
    let mut state = seed;
    while taken.len() < wanted {
        // Knuth's linear congruential generator; its high bits are good enough to choose by.
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        taken.insert(usize::try_from(state >> 33).unwrap_or(0) % points.len());
    }
    points.into_iter().enumerate().filter(|(at, _)| taken.contains(at)).map(|(_, point)| point).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_killed_at_any_call_leaves_nothing_stuck_lost_or_done_twice() -> Result<()> {
    let mut stack = Stack::start().await?;
    let mut points = Vec::new();
    for scenario in Scenario::ALL {
        let calls = record(&stack, scenario).await?;
        for handler in scenario.handlers() {
            assert!(calls.iter().any(|(h, _)| h == handler), "{}: {handler} did nothing", scenario.name());
        }
        let both = |at| [Phase::Before, Phase::After].map(|phase| Point { scenario, calls: calls.clone(), at, phase });
        points.extend((0..calls.len()).flat_map(both));
    }
    let all = points.len();
    let points = chosen(points);
    println!("{} of {all} crossings (HERALD_FULL=1 takes all)", points.len());

    let mut told = Vec::new();
    for (n, point) in points.into_iter().enumerate() {
        let started = Instant::now();
        let outcome = run(&mut stack, &point, &format!("case_{n}")).await.map_err(|error| error.to_string());
        if outcome.is_err() {
            // What one case left behind must not fail the others.
            stack = Stack::start().await?;
        }
        told.push(Told { point, outcome, took: started.elapsed() });
    }
    println!("{:<9} {:<27} {:>3}  {:<34} {:<6} {:>5}  result", "scenario", "handler", "n", "call", "phase", "s");
    for Told { point, outcome, took } in &told {
        let (name, call) = (point.scenario.name(), point.call());
        let (result, phase) = (outcome.as_ref().unwrap_or_else(|error| error), format!("{:?}", point.phase));
        let seconds = took.as_secs_f64();
        println!(
            "{name:<9} {:<27} {:>3}  {call:<34} {phase:<6} {seconds:>5.1}  {result}",
            point.handler(),
            point.nth()
        );
    }
    let failed = told.iter().filter(|told| told.outcome.is_err()).count();
    assert_eq!(failed, 0, "of {} cases", told.len());
    nothing_is_left(&stack).await?;
    assert_eq!(stack.world.look("/unexpected").await?, json!([]), "no call that a good client does not make");
    Ok(())
}
