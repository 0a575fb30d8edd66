//! A file of posts: every row told of, each post made once, whatever dies on the way.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use herald_tests::author::{self, Stage};
use herald_tests::client::{Client, Reply};
use herald_tests::eventually::until;
use herald_tests::process::Result;
use herald_tests::rows::Rows;
use herald_tests::stack::Stack;
use jiff::{SignedDuration, Timestamp};
use reqwest::Method;
use serde_json::{Value, json};

const BULK: &str = "/api/social/posts/bulk";
/// The lease of a row, and a little more.
const LEASE_S: i64 = 63;

/// Staff of an agency, whose talent ann has a Bluesky account that is ready to publish.
async fn agency(stack: &Stack) -> Result<Client> {
    let staff = stack.client.with_token(stack.token("workspace=agency&role=admin&ttl=86400").await?);
    staff.talent("ann").await?;
    staff.talent("bob").await?;
    author::connect(&stack.world, &staff, "ann", Stage::of("BLUESKY")).await?;
    Ok(staff)
}

async fn now(stack: &Stack) -> Result<Timestamp> {
    Ok(stack.client.get("/local/clock").await?.expect(200).text_of("now").parse()?)
}

async fn send(client: &Client, query: &str, key: Option<&str>, file: impl Into<Vec<u8>>) -> Result<Reply> {
    let mut headers = vec![("content-type", "text/csv")];
    headers.extend(key.map(|key| ("idempotency-key", key)));
    client.send(Method::POST, &format!("{BULK}{query}"), &headers, Some(file.into())).await
}

async fn job(client: &Client, query: &str, file: impl Into<Vec<u8>>) -> Result<String> {
    Ok(send(client, query, None, file).await?.expect(202).text_of("jobId").to_owned())
}

/// Waits for the end of a job and reads its whole report: its head, and its lines.
async fn report(client: &Client, job: &str, within: Duration) -> Result<(Value, Vec<Value>)> {
    let deadline = Instant::now() + within;
    loop {
        let head = client.get(&format!("{BULK}/{job}?limit=1")).await?.expect(200).body;
        if head["state"] == "done" {
            break;
        }
        if Instant::now() > deadline {
            return Err(format!("not done within {within:?}: {head}").into());
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let (mut lines, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = client.get(&format!("{BULK}/{job}?limit=200{cursor}")).await?.expect(200).body;
        lines.extend(page["rows"].as_array().cloned().unwrap_or_default());
        match page["nextCursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return Ok((page, lines)),
        }
    }
}

async fn posts(client: &Client) -> Result<Vec<Value>> {
    let (mut posts, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = client.get(&format!("/api/social/posts?limit=200{cursor}")).await?.expect(200).body;
        posts.extend(page["posts"].as_array().cloned().unwrap_or_default());
        match page["nextCursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return Ok(posts),
        }
    }
}

#[tokio::test]
async fn ten_thousand_rows_are_checked_with_a_line_for_each_and_nothing_is_made() -> Result<()> {
    let stack = Stack::start().await?;
    let staff = agency(&stack).await?;
    let at = now(&stack).await?.checked_add(SignedDuration::from_hours(24))?;
    let mut file = "talentId,content,platforms,scheduledAt\r\n".to_owned();
    for n in 1..=10_000 {
        // Each tenth is too long for Bluesky.
        let text = if n % 10 == 0 { "long ".repeat(80) } else { format!("Post {n}, \"\"again\"\" 🎉") };
        file.push_str(&format!("ann,\"{text}\",bluesky,{at:.0}\r\n"));
    }
    let started = Instant::now();
    let job = job(&staff, "?dryRun=true", file).await?;
    println!("taken on after {:?}", started.elapsed());
    let (head, lines) = report(&staff, &job, Duration::from_secs(240)).await?;
    println!("10,000 rows checked in {:?}", started.elapsed());
    let counts = ["total", "created", "valid", "failed"].map(|name| head[name].clone());
    assert_eq!(counts, [json!(10_000), json!(0), json!(9_000), json!(1_000)]);
    assert_eq!((&head["dryRun"], &head["jobId"]), (&json!(true), &json!(job)));
    assert_eq!(lines.len(), 10_000);
    for (n, line) in (1..).zip(&lines) {
        assert_eq!(line["row"], n);
        if n % 10 == 0 {
            assert_eq!(
                (&line["status"], &line["problems"][0]["code"]),
                (&json!("failed"), &json!("too_long")),
                "{line}"
            );
        } else {
            assert_eq!(*line, json!({"row": n, "status": "valid", "problems": []}));
        }
    }
    assert_eq!(posts(&staff).await?, Vec::<Value>::new());
    // What the file held is gone with its chunks; the report and the job are left.
    let rows = Rows::of(&stack).await?.of_partition(&format!("w#agency#b#{job}"), "").await?;
    assert_eq!(rows.len(), 101);
    assert!(rows.iter().all(|row| row.get("due").is_none() && row.get("ttl").is_some()));
    Ok(())
}

#[tokio::test]
async fn good_rows_become_posts_and_bad_ones_say_everything_that_is_wrong() -> Result<()> {
    let stack = Stack::start().await?;
    let staff = agency(&stack).await?;
    let later = now(&stack).await?.checked_add(SignedDuration::from_hours(30))?;
    let header = "content,talentId,platforms,scheduledAt,timezone,hashtags,lateAfterMinutes,campaign,mediaUrls,overrides.BLUESKY.content,options.BLUESKY.langs";
    let long = "x".repeat(301);
    let file = [
        "\u{feff}".to_owned() + header,
        format!("\"First line\nsecond 👩‍👩‍👧‍👦, \"\"said\"\" ann\",ann,bluesky,{later:.0},,#tea|cake,30,spring,,,de|en"),
        // A draft may be unfinished.
        "just an idea,ann,,,,,,,,,".to_owned(),
        format!("{long},ann,bluesky,2020-01-01T00:00:00Z,Mars/Olympus,,0,,,,"),
        format!("{long},ann,bluesky,{later:.0},,,,,,,"),
        format!("{long},ann,bluesky,2020-01-01T00:00:00Z,,,,,,,"),
        format!("hi,a b,myspace,{later:.0},,,soon,,,,"),
        format!("hi,nobody,bluesky,{later:.0},,,,,,,"),
        format!("hi,,bluesky,{later:.0},,,,,,,"),
        format!("hi,ann,mastodon,{later:.0},,,,,,,"),
        format!("hi,ann,,{later:.0},,,,,,,"),
        format!("hi,ann,bluesky,{later:.0},,,,,http://media.example/a.jpg https://127.0.0.1/b.jpg,,"),
        format!("ignored {long},ann,bluesky,{later:.0},,,,,,own text,"),
        ",,,,,,,,,,".to_owned(),
        format!("with a picture,ann,bluesky,{later:.0},,,,,https://media.example/photo.jpg?w=1080&h=1080,,"),
    ]
    .join("\r\n");
    let job = job(&staff, "", file).await?;
    let (head, lines) = report(&staff, &job, Duration::from_secs(30)).await?;
    assert_eq!([&head["total"], &head["created"], &head["failed"]], [13, 4, 9], "{head:#}");
    let numbers: Vec<_> = lines.iter().map(|line| line["row"].as_u64().unwrap_or_default()).collect();
    assert_eq!(numbers, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 14], "an empty row is left out");
    let told = |row: u64| {
        let line = lines.iter().find(|line| line["row"] == row).cloned().unwrap_or_default();
        let problems = line["problems"].as_array().cloned().unwrap_or_default();
        let word = |problem: &Value| {
            format!(
                "{} {}",
                problem["field"].as_str().unwrap_or_default(),
                problem["code"].as_str().unwrap_or_default()
            )
        };
        (line["status"].as_str().unwrap_or_default().to_owned(), problems.iter().map(word).collect::<Vec<_>>())
    };
    for (row, problems) in [
        (
            3,
            [
                "lateAfterMinutes invalid_request",
                "timezone invalid_time",
                "scheduledAt invalid_time",
                "content too_long",
            ]
            .as_slice(),
        ),
        (4, &["content too_long"]),
        (5, &["scheduledAt invalid_time", "content too_long"]),
        (6, &["talentId invalid_field", "platforms invalid_field", "lateAfterMinutes invalid_field"]),
        (7, &["talentId talent_not_found"]),
        (8, &["talentId invalid_request"]),
        (9, &["platforms platform_not_connected"]),
        (10, &["platforms invalid_request"]),
        (11, &["mediaUrls[0] media_address_refused", "mediaUrls[1] media_address_refused"]),
    ] {
        assert_eq!(told(row), ("failed".to_owned(), problems.iter().map(|p| (*p).to_owned()).collect()), "row {row}");
    }
    let made: Vec<&Value> = lines.iter().filter(|line| line["status"] == "created").collect();
    assert_eq!(made.iter().map(|line| &line["row"]).collect::<Vec<_>>(), [1, 2, 12, 14]);
    assert_eq!(posts(&staff).await?.len(), 4);
    let post = async |n: usize| author::post(&staff, made[n]["postId"].as_str().unwrap_or_default()).await;
    let first = post(0).await?.body;
    assert_eq!(first["content"], "First line\nsecond 👩‍👩‍👧‍👦, \"said\" ann");
    assert_eq!((&first["status"], &first["hashtags"]), (&json!("scheduled"), &json!(["tea", "cake"])));
    assert_eq!((&first["lateAfterMinutes"], &first["campaign"]), (&json!(30), &json!("spring")));
    assert_eq!(first["options"]["BLUESKY"]["langs"], json!(["de", "en"]));
    assert_eq!(post(1).await?.body["status"], "draft");
    assert_eq!(post(2).await?.body["overrides"]["BLUESKY"]["content"], "own text");
    assert_eq!(post(3).await?.body["mediaUrls"].as_array().map(Vec::len), Some(1));
    Ok(())
}

#[tokio::test]
async fn a_second_click_is_the_same_job_and_a_check_is_another() -> Result<()> {
    let stack = Stack::start().await?;
    let staff = agency(&stack).await?;
    let file = "talentId,content\nann,one\nann,two\n";
    let clicks: Vec<_> = (0..4)
        .map(|_| {
            let staff = staff.clone();
            tokio::spawn(async move { send(&staff, "", Some("k"), file).await })
        })
        .collect();
    let mut jobs = BTreeSet::new();
    for click in clicks {
        jobs.insert(click.await??.expect(202).text_of("jobId").to_owned());
    }
    let again = send(&staff, "", Some("k"), file).await?.expect(202);
    assert_eq!(again.header("idempotency-replayed"), Some("true"));
    jobs.insert(again.text_of("jobId").to_owned());
    assert_eq!(jobs.len(), 1, "{jobs:?}");
    let job = jobs.first().cloned().unwrap_or_default();
    let (head, _) = report(&staff, &job, Duration::from_secs(30)).await?;
    assert_eq!(head["created"], 2);
    let other = send(&staff, "", Some("k"), "talentId,content\nann,three\n").await?.expect(409);
    assert_eq!(other.text_of("code"), "idempotency_key_reused");
    let check = send(&staff, "?dryRun=true", Some("k"), file).await?.expect(202);
    assert!(!jobs.contains(check.text_of("jobId")));
    report(&staff, check.text_of("jobId"), Duration::from_secs(30)).await?;
    assert_eq!(posts(&staff).await?.len(), 2);
    // Chunks that lost the race belong to no job, and nobody works on them.
    let rows = Rows::of(&stack).await?.all().await?;
    let is_bulk = |row: &&Value| row["pk"]["S"].as_str().is_some_and(|pk| pk.contains("#b#"));
    assert!(rows.iter().filter(is_bulk).all(|row| row.get("due").is_none()), "nothing is due");
    Ok(())
}

/// Where the process dies: handler, operation, which call of it, and on which side.
const DEATHS: [(&str, &str, u64, &str); 8] = [
    ("posts.bulk", "BatchWriteItem", 1, "after"),
    ("posts.bulk", "TransactWriteItems", 1, "before"),
    ("posts.bulk", "TransactWriteItems", 1, "after"),
    ("workers.bulk", "UpdateItem", 2, "after"),
    ("workers.bulk", "BatchGetItem", 1, "before"),
    ("workers.bulk", "TransactWriteItems", 9, "before"),
    ("workers.bulk", "TransactWriteItems", 17, "after"),
    // The report of the chunk.
    ("workers.bulk", "TransactWriteItems", 42, "after"),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_that_dies_and_rings_that_come_thrice_make_each_post_once() -> Result<()> {
    const ROWS: usize = 40;
    let mut stack = Stack::start().await?;
    let staff = agency(&stack).await?;
    let triple = json!({"kind": "doorbell_triple"});
    for (case, (scope, operation, nth, phase)) in DEATHS.into_iter().enumerate() {
        let _ = stack.control("/faults", &triple).await?.expect(200);
        let at = now(&stack).await?;
        let text = |row: usize| format!("case {case} row {row}.");
        let rows: String = (1..=ROWS).map(|row| format!("ann,{},bluesky,{at:.0}\n", text(row))).collect();
        let file = format!("talentId,content,platforms,scheduledAt\n{rows}");
        let key = format!("case-{case}");
        let crash = json!({"phase": phase, "nth": nth, "service": "dynamodb", "operation": operation, "scope": scope});
        let _ = stack.control("/crash", &crash).await?.expect(200);
        let answer = send(&staff, "", Some(&key), file.clone()).await.ok();
        stack.ended(Duration::from_secs(20)).await.map_err(|error| format!("{scope} {operation} {nth}: {error}"))?;
        stack.restart().await?;
        let _ = stack.control("/faults", &triple).await?.expect(200);
        let again = match answer {
            Some(answer) => answer,
            None => send(&staff, "", Some(&key), file).await?,
        };
        let job = again.expect(202).text_of("jobId").to_owned();
        stack.pass(LEASE_S).await?;
        let _ = stack.control("/schedules/schedules.ring_due", &json!({})).await?.expect(200);
        let (head, lines) = report(&staff, &job, Duration::from_secs(60)).await?;
        assert_eq!(
            (&head["created"], lines.len()),
            (&json!(ROWS), ROWS),
            "{scope} {operation} {nth} {phase}: {lines:#?}"
        );
        let ids: BTreeSet<_> = lines.iter().filter_map(|line| line["postId"].as_str()).collect();
        assert_eq!(ids.len(), ROWS);
        let mine = format!("case {case} row");
        let made: Vec<Value> = posts(&staff)
            .await?
            .into_iter()
            .filter(|post| post["content"].as_str().is_some_and(|text| text.starts_with(&mine)))
            .collect();
        assert_eq!(made.len(), ROWS, "each row is one post");
        let stage = Stage::of("BLUESKY");
        // The death took deliveries with it, too: their leases end, and those with an intent are looked for, in the
        // stack's own time.
        until("the publication of every row", async || {
            stack.pass(10).await?;
            let _ = stack.control("/schedules/schedules.ring_due", &json!({})).await?.expect(200);
            Ok(author::published(&stack.world, stage, &mine).await?.len() >= ROWS)
        })
        .await?;
        for row in 1..=ROWS {
            let there = author::published(&stack.world, stage, &text(row)).await?;
            assert_eq!(there.len(), 1, "row {row}: {there:#?}");
        }
    }
    let rows = Rows::of(&stack).await?.all().await?;
    let held =
        |row: &&Value| row["sk"]["S"].as_str().is_some_and(|sk| sk.starts_with("chunk#") && row.get("due").is_some());
    assert_eq!(rows.iter().filter(held).count(), 0, "no chunk is left");
    Ok(())
}

#[tokio::test]
async fn a_talents_file_holds_own_posts_and_its_report_is_its_own() -> Result<()> {
    let stack = Stack::start().await?;
    let staff = agency(&stack).await?;
    let ann = stack.as_talent("agency", "ann").await?;
    let bob = stack.as_talent("agency", "bob").await?;
    let another_ann =
        stack.client.with_token(stack.token("workspace=agency&role=talent&talent=ann&subject=other").await?);
    let rival = stack.admin("rival").await?;
    let job = job(&ann, "", "talentId,content\n,mine\nann,mine too\nbob,not mine\n").await?;
    let (head, lines) = report(&ann, &job, Duration::from_secs(30)).await?;
    assert_eq!([&head["created"], &head["failed"]], [2, 1], "{lines:#?}");
    assert_eq!(lines[2]["problems"][0]["code"], "talent_not_found");
    assert!(posts(&staff).await?.iter().all(|post| post["talentId"] == "ann"));
    let _ = staff.get(&format!("{BULK}/{job}")).await?.expect(200);
    for stranger in [&bob, &another_ann, &rival] {
        let reply = stranger.get(&format!("{BULK}/{job}")).await?.expect(404);
        assert_eq!(reply.text_of("code"), "job_not_found");
    }
    for id in ["bulk_", "bulk_x", "post_019cb00a9d00123456789abcdef", "bulk_019cb00a9d00123456789abcdef"] {
        let _ = ann.get(&format!("{BULK}/{id}")).await?.expect(404);
    }
    let _ = stack.client.get(&format!("{BULK}/{job}")).await?.expect(401);
    let page = staff.get(&format!("{BULK}/{job}?limit=1")).await?.expect(200).body;
    let cursor = page["nextCursor"].as_str().unwrap_or_default();
    let second = staff.get(&format!("{BULK}/{job}?limit=1&cursor={cursor}")).await?.expect(200).body;
    assert_eq!(second["rows"][0]["row"], 2);
    for query in ["limit=0", "limit=201", "cursor=zz", "cursor=7b7d"] {
        let _ = staff.get(&format!("{BULK}/{job}?{query}")).await?.expect(400);
    }
    Ok(())
}

#[tokio::test]
async fn a_file_that_cannot_be_read_is_refused_whole_and_nothing_is_stored() -> Result<()> {
    let stack = Stack::start().await?;
    let staff = agency(&stack).await?;
    let bulk_rows = async || {
        let rows = Rows::of(&stack).await?.all().await?;
        let is_bulk = |row: &&Value| row["pk"]["S"].as_str().is_some_and(|pk| pk.contains("#b#"));
        Ok::<_, Box<dyn std::error::Error + Send + Sync>>(rows.iter().filter(is_bulk).count())
    };
    let many = format!("content\n{}", "x\n".repeat(10_001));
    for (file, says) in [
        (b"".to_vec(), "The file is empty."),
        (b"content,talentId\r\n".to_vec(), "The file has a header and no rows."),
        (b"content,price\nhi,7\n".to_vec(), "There is no column \"price\"."),
        (b"content,content\nhi,ho\n".to_vec(), "The column \"content\" stands twice."),
        (b"talentId;content\nann;hi\n".to_vec(), "There is no column \"talentId;content\"."),
        (b"content,talentId\n\"open,ann\nmore,ann\n".to_vec(), "Line 2: a quote is opened and never closed."),
        (b"content\n\"closed\" early\n".to_vec(), "Line 2: after a closing quote"),
        (b"content,talentId\nhi,ann\nho\n".to_vec(), "Row 2 has 1 fields, and the header has 2."),
        (b"content\ncaf\xe9\n".to_vec(), "The file is not UTF-8."),
        (many.into_bytes(), "A file has at most 10000 rows."),
        (format!("content\n{}\n", "x".repeat(300_000)).into_bytes(), "Row 1 is larger than 200 KB."),
    ] {
        let reply = send(&staff, "", None, file).await?.expect(400);
        assert_eq!(reply.text_of("code"), "invalid_csv", "{}", reply.text);
        assert!(reply.text_of("error").starts_with(says), "{says}: {}", reply.text);
    }
    let small = b"content\nhi\n".to_vec();
    for content_type in ["application/json", "text/plain", "", "text/csv; charset=iso-8859-1"] {
        let headers = [("content-type", content_type)];
        let reply = staff.send(Method::POST, BULK, &headers, Some(small.clone())).await?.expect(415);
        assert_eq!(reply.text_of("code"), "unsupported_media_type");
    }
    let reply = send(&staff, "", None, format!("content\n{}", "x,\n".repeat(1_700_000))).await?.expect(413);
    assert_eq!(reply.text_of("error"), "The body is larger than 5 MB.");
    let _ = send(&staff, "?dryRun=perhaps", None, small.clone()).await?.expect(400);
    let _ = send(&stack.client, "", None, small).await?.expect(401);
    assert_eq!(bulk_rows().await?, 0);
    // As large as it may be, with a charset and long rows: chunks by their bytes.
    let row = format!("ann,\"{}\"\n", "Zeile mit \"\"Anführung\"\" 🎉\n".repeat(700));
    let file = format!("talentId,content\n{}", row.repeat(4_900_000 / row.len()));
    let headers = [("content-type", "text/csv; charset=utf-8")];
    let reply =
        staff.send(Method::POST, &format!("{BULK}?dryRun=true"), &headers, Some(file.into_bytes())).await?.expect(202);
    let (head, lines) = report(&staff, reply.text_of("jobId"), Duration::from_secs(60)).await?;
    assert_eq!(head["valid"], json!(lines.len()), "{:#?}", lines.first());
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_row_that_ends_its_worker_each_time_is_told_of_and_the_others_go_on() -> Result<()> {
    let mut stack = Stack::start().await?;
    let staff = agency(&stack).await?;
    let crash = |nth: u64| json!({"phase": "before", "nth": nth, "service": "dynamodb", "operation": "TransactWriteItems", "scope": "workers.bulk"});
    let _ = stack.control("/crash", &crash(3)).await?.expect(200);
    let job = job(&staff, "", "talentId,content\nann,one\nann,two\nann,deadly\nann,four\n").await?;
    for death in 1..=6 {
        stack.ended(Duration::from_secs(20)).await.map_err(|error| format!("death {death}: {error}"))?;
        stack.restart().await?;
        if death < 6 {
            // The first time after a crash, the two rows that are there are kept one by one, which is an outcome. From
            // then on the deadly row comes first, five times.
            let _ = stack.control("/crash", &crash(if death == 1 { 3 } else { 1 })).await?.expect(200);
        }
        stack.pass(LEASE_S).await?;
        let _ = stack.control("/schedules/schedules.ring_due", &json!({})).await.ok();
    }
    let (head, lines) = report(&staff, &job, Duration::from_secs(30)).await?;
    let told: Vec<_> = lines.iter().map(|line| line["status"].as_str().unwrap_or_default()).collect();
    assert_eq!(told, ["created", "created", "failed", "created"], "{lines:#?}");
    assert_eq!((&head["created"], &head["failed"]), (&json!(3), &json!(1)));
    assert_eq!(lines[2]["problems"][0]["code"], "interrupted");
    assert_eq!(posts(&staff).await?.len(), 3);
    Ok(())
}

#[tokio::test]
async fn rows_with_slow_files_are_worked_on_in_several_calls() -> Result<()> {
    let stack = Stack::start().await?;
    let staff = agency(&stack).await?;
    let row = |n: u32| format!("ann,slow {n},https://media.example/slow-{n}.jpg?w=1080&h=1080&delay=4500\n");
    let file = format!("talentId,content,mediaUrls\n{}", (1..=10).map(row).collect::<String>());
    let started = Instant::now();
    let job = job(&staff, "", file).await?;
    let (head, lines) = report(&staff, &job, Duration::from_secs(100)).await?;
    assert!(started.elapsed() > Duration::from_secs(40), "longer than one call works");
    assert_eq!((&head["created"], lines.len()), (&json!(10), 10), "{lines:#?}");
    assert_eq!(posts(&staff).await?.len(), 10);
    let calls = stack.client.get("/local/calls").await?.expect(200).body["workers.bulk"].clone();
    assert_eq!(calls["platform.media.example"], 10, "no file is looked at twice: {calls}");
    Ok(())
}
