//! API keys, and the audit log as staff read it.

use herald_tests::client::Client;
use herald_tests::process::Result;
use herald_tests::rows::Rows;
use herald_tests::stack::Stack;
use reqwest::Method;
use serde_json::{Value, json};

const KEYS: &str = "/api/admin/api-keys";

async fn make(staff: &Client, body: &Value) -> Result<(String, String)> {
    let made = staff.post(KEYS, body).await?.expect(201);
    Ok((made.text_of("id").to_owned(), made.text_of("key").to_owned()))
}

async fn keys(staff: &Client) -> Result<Vec<Value>> {
    Ok(staff.get(KEYS).await?.expect(200).body["apiKeys"].as_array().cloned().unwrap_or_default())
}

#[tokio::test]
async fn a_key_opens_its_workspace_until_it_is_revoked() -> Result<()> {
    let stack = Stack::start().await?;
    let staff = stack.admin("agency").await?;
    staff.talent("ann").await?;
    let (id, key) = make(&staff, &json!({"name": " Reports ", "role": "admin"})).await?;
    assert!(key.starts_with("hk_") && id.starts_with("key_"), "{id}");
    let program = stack.client.with_token(&key);
    let seen = program.get("/api/admin/talents").await?.expect(200);
    assert_eq!(seen.body["talents"][0]["id"], "ann");
    let shown = keys(&staff).await?;
    assert_eq!((shown.len(), &shown[0]["id"], &shown[0]["name"]), (1, &json!(id), &json!("Reports")));
    assert_eq!((&shown[0]["createdBy"], &shown[0]["expiresAt"]), (&json!("local|admin"), &Value::Null));
    assert!(shown[0]["lastUsedAt"].is_string(), "{}", shown[0]);
    assert!(!shown[0].to_string().contains(&key), "the key is shown once");
    // What another workspace has, nobody else sees or revokes.
    let others = stack.admin("others").await?;
    assert!(keys(&others).await?.is_empty());
    let _ = others.delete(&format!("{KEYS}/{id}")).await?.expect(404);
    let _ = program.get("/api/admin/talents").await?.expect(200);
    let _ = staff.delete(&format!("{KEYS}/{id}")).await?.expect(200);
    let _ = program.get("/api/admin/talents").await?.expect(401);
    assert!(keys(&staff).await?.is_empty());
    let _ = staff.delete(&format!("{KEYS}/{id}")).await?.expect(404);
    Ok(())
}

#[tokio::test]
async fn a_talents_key_is_that_talent_and_dies_when_it_says() -> Result<()> {
    let stack = Stack::start().await?;
    let staff = stack.client.with_token(stack.token("workspace=agency&role=admin&ttl=86400").await?);
    staff.talent("ann").await?;
    let now = stack.client.get("/local/clock").await?.expect(200).text_of("now").parse::<jiff::Timestamp>()?;
    let ends = now + jiff::SignedDuration::from_secs(600);
    let body = json!({"name": "ann's own", "role": "talent", "talentId": "ann", "expiresAt": ends});
    let (_, key) = make(&staff, &body).await?;
    let ann = stack.client.with_token(&key);
    let _ = ann.get("/api/exclusive/socials").await?.expect(200);
    let _ = ann.get("/api/admin/talents").await?.expect(403);
    let _ = ann.post(KEYS, &json!({"name": "more", "role": "admin"})).await?.expect(403);
    stack.pass(601).await?;
    let _ = ann.get("/api/exclusive/socials").await?.expect(401);
    assert!(keys(&staff).await?.is_empty(), "an expired one is no longer shown");
    Ok(())
}

#[tokio::test]
async fn what_cannot_be_a_key_is_refused_and_nothing_is_made() -> Result<()> {
    let stack = Stack::start().await?;
    let staff = stack.admin("agency").await?;
    staff.talent("ann").await?;
    for (body, status) in [
        (json!({"name": "", "role": "admin"}), 400),
        (json!({"name": "x".repeat(101), "role": "admin"}), 400),
        (json!({"name": "a\nb", "role": "admin"}), 400),
        (json!({"name": "a", "role": "owner"}), 400),
        (json!({"name": "a", "role": "talent"}), 400),
        (json!({"name": "a", "role": "admin", "talentId": "ann"}), 400),
        (json!({"name": "a", "role": "talent", "talentId": "nobody"}), 404),
        (json!({"name": "a", "role": "admin", "expiresAt": "2020-01-01T00:00:00Z"}), 400),
        (json!({"name": "a", "role": "admin", "key": "hk_mine"}), 400),
    ] {
        let reply = staff.post(KEYS, &body).await?;
        assert_eq!(reply.status, status, "{body}: {}", reply.text);
    }
    assert!(keys(&staff).await?.is_empty());
    Ok(())
}

#[tokio::test]
async fn a_request_for_a_key_sent_twice_makes_one_and_shows_it_once() -> Result<()> {
    let stack = Stack::start().await?;
    let staff = stack.admin("agency").await?;
    let body = json!({"name": "once", "role": "admin"}).to_string().into_bytes();
    let headers = [("content-type", "application/json"), ("idempotency-key", "k-1")];
    let first = staff.send(Method::POST, KEYS, &headers, Some(body.clone())).await?.expect(201);
    let again = staff.send(Method::POST, KEYS, &headers, Some(body)).await?.expect(201);
    assert_eq!((again.text_of("id"), &again.body["key"]), (first.text_of("id"), &Value::Null));
    assert_eq!(keys(&staff).await?.len(), 1);
    let key = first.text_of("key").to_owned();
    assert!(key.starts_with("hk_"));
    let rows = Rows::of(&stack).await?.all().await?;
    assert!(rows.iter().all(|row| !row.to_string().contains(&key)), "the key is nowhere in the table");
    Ok(())
}

#[tokio::test]
async fn the_audit_log_is_read_page_by_page_and_by_actor_action_and_time() -> Result<()> {
    let stack = Stack::start().await?;
    let staff = stack.client.with_token(stack.token("workspace=agency&role=admin&ttl=86400").await?);
    let (_, key) = make(&staff, &json!({"name": "program", "role": "admin"})).await?;
    let program = stack.client.with_token(&key);
    for n in 0..5 {
        staff.talent(&format!("t{n}")).await?;
        stack.pass(60).await?;
    }
    program.talent("theirs").await?;
    let read = async |query: &str| -> Result<Value> {
        Ok(staff.get(&format!("/api/admin/audit-log?{query}")).await?.expect(200).body)
    };
    let subjects = |page: &Value| -> Vec<String> {
        let entries = page["entries"].as_array().cloned().unwrap_or_default();
        entries.iter().map(|entry| entry["subject"].as_str().unwrap_or_default().to_owned()).collect()
    };
    let all = read("action=talent.save").await?;
    assert_eq!(subjects(&all), ["theirs", "t4", "t3", "t2", "t1", "t0"]);
    let actor = all["entries"][0]["actor"].as_str().unwrap_or_default();
    assert!(actor.starts_with("key_"), "a program acts under its key's id: {actor}");
    assert_eq!(subjects(&read(&format!("actor={actor}")).await?), ["theirs"]);
    // Three at a time, until the end.
    let (mut pages, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = read(&format!("action=talent.save&limit=3{cursor}")).await?;
        pages.extend(subjects(&page));
        match page["nextCursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(pages, subjects(&all));
    let second = all["entries"][4]["at"].as_str().unwrap_or_default();
    assert_eq!(subjects(&read(&format!("action=talent.save&to={second}")).await?), ["t1", "t0"]);
    assert_eq!(subjects(&read(&format!("action=talent.save&from={second}")).await?).len(), 5);
    for bad in ["from=yesterday", "from=2027-01-02T00:00:00Z&to=2027-01-01T00:00:00Z", "limit=0", "cursor=bm9uZQ"] {
        let _ = staff.get(&format!("/api/admin/audit-log?{bad}")).await?.expect(400);
    }
    // Before everything there is nothing.
    let early = staff.get("/api/admin/audit-log?to=2020-01-02T22:59:59.999Z").await?.expect(200);
    assert_eq!(early.body, json!({"entries": [], "nextCursor": null}));
    // Another workspace has its own, also before it has any talent.
    let others = stack.admin("others").await?;
    let empty = others.get("/api/admin/audit-log").await?.expect(200);
    assert_eq!(empty.body, json!({"entries": [], "nextCursor": null}));
    let (first, _) = make(&others, &json!({"name": "first of all", "role": "admin"})).await?;
    let read = async || {
        Ok::<_, Box<dyn std::error::Error + Send + Sync>>(others.get("/api/admin/audit-log").await?.expect(200).body)
    };
    assert_eq!(subjects(&read().await?), std::slice::from_ref(&first));
    stack.pass(60).await?;
    others.talent("later").await?;
    assert_eq!(subjects(&read().await?), ["later".to_owned(), first]);
    Ok(())
}
