//! Whether the work was done that was measured: an answer alone may tell of something that was refused or left out.

use herald_tests::author;
use herald_tests::client::Client;
use herald_tests::process::Result;
use herald_tests::rows::Rows;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::aws::Aws;
use crate::event::ring_of;
use crate::posts::{LINES, LISTED};

/// What a route of posts answers when it has done its usual work: its status, and what stands at which places of the body.
fn expected(route: &str, event: &Value) -> Option<(u64, Vec<(String, Value)>)> {
    let asked: Value = event["body"].as_str().and_then(|body| serde_json::from_str(body).ok()).unwrap_or_default();
    let delivery = "/deliveries/0/status";
    let (status, members): (u64, Vec<(&str, Value)>) = match route {
        "posts.create" => (201, vec![("/status", json!("scheduled")), (delivery, json!("scheduled"))]),
        "posts.schedule" => (200, vec![("/success", json!(true)), ("/scheduledPosts/0/status", json!("scheduled"))]),
        "posts.publish" => (202, vec![(delivery, json!("scheduled"))]),
        "posts.validate" => (200, vec![("/valid", json!(true))]),
        "posts.get" => (200, vec![("/status", json!("published")), (delivery, json!("published"))]),
        "posts.update" => (200, vec![("/content", asked["content"].clone()), ("/status", json!("scheduled"))]),
        "posts.cancel" => (200, vec![("/status", json!("draft"))]),
        "posts.remove" => (204, Vec::new()),
        "posts.archive" => (200, vec![("/status", json!("archived"))]),
        "posts.retry" => (202, vec![(delivery, json!("scheduled"))]),
        "posts.resolve" => (200, vec![(delivery, json!("failed"))]),
        "posts.bulk" => (202, Vec::new()),
        "posts.bulk_report" => (200, vec![("/state", json!("done")), ("/created", json!(LINES))]),
        // The newest were all scheduled by the route before.
        "posts.list" => {
            return Some((200, vec![(format!("/posts/{}/status", LISTED - 1), json!("scheduled"))]));
        }
        _ => return None,
    };
    Some((status, members.into_iter().map(|(place, value)| (place.to_owned(), value)).collect()))
}

/// Whether an answer of a route says that the work was done.
///
/// # Errors
/// The answer, and what is missing in it.
pub fn route(route: &str, event: &Value, answer: &Value) -> Result<()> {
    let Some((status, members)) = expected(route, event) else { return Ok(()) };
    let said: Value = answer["body"].as_str().and_then(|body| serde_json::from_str(body).ok()).unwrap_or_default();
    let missing = members.iter().find(|(place, value)| said.pointer(place) != Some(value));
    match missing {
        _ if answer["statusCode"] != status => Err(format!("{route}: not {status}: {answer}").into()),
        Some((place, value)) => Err(format!("{route}: {place} is not {value}: {answer}").into()),
        None => Ok(()),
    }
}

/// What is to be done about a row.
#[derive(Debug, PartialEq, Eq)]
pub enum Standing {
    /// Its time has come.
    Due,
    /// Somebody has it, or had it and left no outcome.
    Claimed,
    /// Nothing, or nothing yet.
    Over,
}

/// Where the row stands that a ring names.
///
/// # Errors
/// When the table does not answer.
pub async fn standing(rows: &Rows, ring: &Value, now: Timestamp) -> Result<Standing> {
    let (pk, sk) = (ring["pk"].as_str().unwrap_or_default(), ring["sk"].as_str().unwrap_or_default());
    let found = rows.of_partition(pk, sk).await?;
    let number = |row: &Value, name: &str| row[name]["N"].as_str().and_then(|text| text.parse::<i64>().ok());
    let Some(row) = found.iter().find(|row| row["sk"]["S"] == sk) else { return Ok(Standing::Over) };
    Ok(match number(row, "due_at") {
        None => Standing::Over,
        Some(_) if number(row, "claims").is_some_and(|claims| claims > 0) => Standing::Claimed,
        Some(at) if at <= now.as_millisecond() => Standing::Due,
        Some(_) => Standing::Over,
    })
}

/// Whether a worker has left what it is there for: nothing to do about the row, and the post is out, the bus has the event,
/// the lines are posts.
///
/// # Errors
/// What stands there in its place.
pub async fn worker(worker: &str, event: &Value, admin: &Client, aws: &Aws, rows: &Rows, now: Timestamp) -> Result<()> {
    let ring = ring_of(event);
    let standing = standing(rows, &ring, now).await?;
    if standing != Standing::Over {
        return Err(format!("{worker}: the row of {ring} is {standing:?} still").into());
    }
    let id = ring["pk"].as_str().and_then(|pk| pk.rsplit('#').next()).unwrap_or_default();
    match worker {
        "workers.publish" => {
            let post = author::post(admin, id).await?.body;
            if post["status"] == "published" { Ok(()) } else { Err(format!("{worker}: not out: {post:#}").into()) }
        }
        "workers.notify" => {
            let told = aws.take_told();
            let is_told = told.iter().any(|detail| detail["postId"] == id);
            if is_told { Ok(()) } else { Err(format!("{worker}: nothing was told of {id}: {told:?}").into()) }
        }
        // A job's own ring only spreads its chunks.
        "workers.bulk" if ring["sk"] != "job" => {
            let report = admin.get(&format!("/api/social/posts/bulk/{id}")).await?.expect(200);
            let is_done = report.body["state"] == "done" && report.body["created"] == LINES;
            if is_done { Ok(()) } else { Err(format!("{worker}: not done: {}", report.text).into()) }
        }
        _ => Ok(()),
    }
}
