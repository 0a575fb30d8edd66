//! A simulated year of 30 accounts (1,000 with `HERALD_FULL`): what the looks cost, what is stored, and that no quota is
//! overdrawn; and the forecast that a year's course allows.

mod analytics_support;

use std::collections::BTreeMap;

use analytics_support::{Law, count, staff, sweep};
use herald_tests::process::Result;
use herald_tests::rows::Rows;
use herald_tests::stack::Stack;
use jiff::Timestamp;
use serde_json::{Value, json};

const DAY: i64 = 86_400;

/// How many days go by in steps of four hours.
const FINE_DAYS: i64 = 1;

/// What docs/scale.md says of an account and day, for the posts of this test: one each day.
const MOST_CALLS: f64 = 12.0;
/// Writes of the sweep for an account and day.
const MOST_WRITES: f64 = 40.0;
/// Bytes that a day of an account adds, once the ladders are full.
const MOST_BYTES: f64 = 3_000.0;

fn size(row: &Value) -> usize {
    let value = |value: &Value| match value {
        Value::Object(typed) => typed.values().map(|v| v.as_str().map_or(1, str::len)).sum::<usize>(),
        _ => 0,
    };
    row.as_object().into_iter().flatten().map(|(name, v)| name.len() + value(v)).sum()
}

#[tokio::test]
async fn a_year_of_looks_costs_what_is_documented_and_overdraws_nothing() -> Result<()> {
    let full = std::env::var_os("HERALD_FULL").is_some();
    let (accounts, days): (usize, i64) = (if full { 1_000 } else { 30 }, 365);
    let stack = Stack::start().await?;
    let admin = staff(&stack).await?;
    let mut ids = Vec::new();
    for n in 0..accounts {
        let (platform, handle) = match n % 3 {
            0 => ("MASTODON", format!("growing{n}_p1@mastodon.example")),
            1 => ("BLUESKY", format!("growing{n}-p1.bsky.social")),
            _ => ("YOUTUBE", format!("growing{n}_p1")),
        };
        ids.push((platform, handle.clone(), admin.connect("ann", platform, &handle).await?));
    }
    for (.., id) in &ids {
        let done = admin.done("ann", id).await?;
        assert_eq!(done["syncStatus"], "READY", "{done}");
    }
    sweep(&stack).await?;
    let _ = stack.client.delete("/local/crossings").await?;
    let asked = |stats: &Value| -> u64 {
        ["MASTODON", "BLUESKY", "YOUTUBE"].iter().map(|platform| count(&stats[*platform]["requests"])).sum()
    };
    // The first day in steps of four hours; then in steps of two weeks.
    let (mut passed, stride) = (0, 14);
    while passed < days {
        // A new post of each account, which the next sync finds.
        for (platform, handle, _) in &ids {
            let path = format!("/accounts/{platform}/{handle}/posts");
            let made = stack.world.control(&path, &json!({"text": format!("Day {passed}"), "ageSeconds": 60})).await?;
            assert!(made.status / 100 == 2, "{}", made.text);
        }
        // The last step is short: a look that came before the sync of a long one notes the account's own figures then.
        let short = 80 * 60;
        let steps = if passed < FINE_DAYS { vec![DAY / 6; 6] } else { vec![stride * DAY - short, short] };
        for seconds in steps {
            stack.pass(seconds).await?;
            sweep(&stack).await?;
        }
        passed += if passed < FINE_DAYS { 1 } else { stride };
    }
    let stats = stack.world.look("/stats").await?;
    let all_requests = asked(&stats);
    let per_day = |n: f64| n / (accounts as f64) / (days as f64);
    // Calls of the sweep alone: the world's reads of many posts by id, or of one.
    let log = std::fs::read_dir(stack.data())?
        .filter_map(|file| Some(file.ok()?.path()))
        .find(|path| path.extension().is_some_and(|e| e == "log"));
    let text = std::fs::read_to_string(log.ok_or("no log")?)?;
    let (mut calls, mut looks, mut runs) = (0_u64, 0_u64, 0_u64);
    for line in text.lines().filter(|line| line.contains("\"social_analytics\"")) {
        let line: Value = serde_json::from_str(line)?;
        calls += count(&line["calls"]);
        looks += count(&line["posts_count"]);
        runs += 1;
    }
    let table = stack.client.get("/local/calls").await?.expect(200).body["workers.sweep"].clone();
    let operations = |calls: &Value| -> BTreeMap<String, u64> {
        calls.as_object().into_iter().flatten().map(|(name, n)| (name.clone(), count(n))).collect()
    };
    let rows = Rows::of(&stack).await?;
    let (mut bytes, mut stored) = (0, 0);
    for (.., id) in &ids {
        for row in rows.of_partition(&format!("w#agency#c#{id}"), "").await? {
            let sk = row["sk"]["S"].as_str().unwrap_or_default();
            if ["look#", "hours#", "days#", "months#", "audience#", "budget#", "sweep"]
                .iter()
                .any(|p| sk.starts_with(p))
            {
                bytes += size(&row);
                stored += 1;
            }
        }
    }
    println!(
        "{accounts} accounts, {days} days: {:.2} runs, {:.2} looks, {:.2} platform calls and {:.0} bytes for an account and day; \
         {stored} rows; all requests of syncs and looks {all_requests}; table calls {:?}",
        per_day(runs as f64),
        per_day(looks as f64),
        per_day(calls as f64),
        per_day(bytes as f64),
        operations(&table),
    );
    assert!(per_day(calls as f64) > 0.05 && per_day(calls as f64) <= MOST_CALLS, "calls");
    assert!(per_day(bytes as f64) <= MOST_BYTES, "bytes");
    let writes = ["dynamodb.UpdateItem", "dynamodb.TransactWriteItems"]
        .iter()
        .map(|name| operations(&table).get(*name).copied().unwrap_or(0))
        .sum::<u64>();
    assert!(writes > 0 && per_day(writes as f64) <= MOST_WRITES, "writes: {writes}");

    // No window of any quota was overdrawn.
    for row in rows.all().await? {
        let sk = row["sk"]["S"].as_str().unwrap_or_default();
        if sk.starts_with("budget#") {
            let number = |name: &str| row[name]["N"].as_str().and_then(|n| n.parse::<u64>().ok()).unwrap_or(0);
            let app = row["pk"]["S"].as_str().is_some_and(|pk| pk.starts_with("global#budget#YOUTUBE"));
            let (most, all) = if app { (5_000, 10_000) } else { (300, 1_800) };
            assert!(number("sweep") <= most && number("used") <= all, "{row}");
        }
    }

    // A year's chart is one query for the account, and says what the world has.
    let (platform, handle, id) = &ids[0];
    let _ = stack.client.delete("/local/crossings").await?;
    let now: Timestamp = stack.client.get("/local/clock").await?.expect(200).text_of("now").parse()?;
    let from = (now - jiff::SignedDuration::from_hours(24 * 364)).to_string();
    let path =
        format!("/api/admin/talent/ann/analytics/trends?metric=followers&connectionId={id}&from={}", &from[..10]);
    let year = admin.get(&path).await?.expect(200).body;
    let points = year["points"].as_array().cloned().unwrap_or_default();
    let numbers: Vec<f64> = points.iter().filter_map(|point| point["value"].as_f64()).collect();
    // A step in which the look came before the sync has left the level to the next.
    let steps = usize::try_from(days / stride)?;
    assert!(points.len() >= 364 && numbers.len() > steps / 2, "{} of {}", numbers.len(), points.len());
    assert!(numbers.windows(2).all(|pair| pair[0] <= pair[1]), "a growing account never shrinks");
    let law = Law::of(&stack, platform, handle).await?;
    let last = numbers.last().copied().unwrap_or_default();
    assert!((last - law.followers(now) as f64).abs() <= 31.0 * count(&law.0["followersADay"]) as f64, "{last}");

    // A year is enough for both forecasts; each says whether it beat "nothing changes", and lies in its interval.
    let path = format!("/api/admin/talent/ann/analytics/forecast?connectionId={id}");
    let forecast = admin.get(&path).await?.expect(200).body;
    let followers = forecast["accounts"][0]["followers"]["forecasts"].as_array().cloned().unwrap_or_default();
    assert_eq!(followers.iter().map(|told| count(&told["days"])).collect::<Vec<_>>(), [30, 90], "{forecast}");
    for told in followers {
        let number = |name: &str| told[name].as_f64().unwrap_or(f64::NAN);
        assert!(number("low") <= number("value") && number("value") <= number("high"), "{told}");
        assert_eq!(told["method"] == "ets", told["beatsNaive"] == true, "{told}");
        assert!(told["beatsNaive"] == false || number("modelError") < number("naiveError"), "{told}");
    }
    Ok(())
}
