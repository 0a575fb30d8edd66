//! A talent with a year of figures: what its chart and its report cost.

use std::path::Path;
use std::time::Duration;

use herald_tests::process::Result;
use herald_tests::rows::Rows;
use herald_tests::runtime_api::{Invocation, Runtime};
use herald_tests::stack::Stack;
use serde_json::{Value, json};

use crate::cold;
use crate::event::{path, query};
use crate::load::idle;
use crate::scenes::{Scenes, all_ready};
use crate::stats::{median, percentile};

/// The talent.
pub const TALENT: &str = "year";
/// Its accounts, all of them public.
const ACCOUNTS: [(&str, &str); 3] =
    [("MASTODON", "growing@mastodon.example"), ("BLUESKY", "growing.bsky.social"), ("YOUTUBE", "growing")];
const DAY: i64 = 86_400;
/// How often the accounts are looked at.
const STRIDE: i64 = 7 * DAY;
const STRIDES: i64 = 52;
/// Charts that are asked for.
pub const CHARTS: usize = 300;
/// Reports that are made.
pub const REPORTS: usize = 20;

/// What was measured.
pub struct Year {
    /// From the event to the answer: half of the charts, and all but one of a hundred.
    pub chart: (Duration, Duration),
    /// CPU time of a chart.
    pub chart_cpu: Duration,
    /// Calls of AWS of a chart.
    pub chart_calls: Vec<(String, u64)>,
    /// From the first event of a process to its report.
    pub first_report: Duration,
    /// A later report.
    pub report: Duration,
    /// Its CPU time.
    pub report_cpu: Duration,
    /// The most memory of a process that made some.
    pub report_peak_kib: u64,
    /// The size of a report.
    pub report_bytes: usize,
}

/// Lets a year go by that ends now. The stack must be new: nothing else may have happened in it.
///
/// # Errors
/// When the stack does not answer as it should.
pub async fn prepare(stack: &Stack, workspace: &str) -> Result<()> {
    stack.pass(-STRIDE * STRIDES).await?;
    let token = stack.token(&format!("workspace={workspace}&role=admin&ttl={}", 2 * STRIDE * STRIDES)).await?;
    let admin = stack.client.with_token(token);
    admin.talent(TALENT).await?;
    for (platform, handle) in ACCOUNTS {
        admin.connect(TALENT, platform, handle).await?;
    }
    all_ready(&admin, TALENT, Duration::from_secs(60)).await?;
    for _ in 0..STRIDES {
        stack.pass(STRIDE).await?;
        for schedule in ["schedules.ring_due", "schedules.analytics_sweep"] {
            let _ = stack.control(&format!("/schedules/{schedule}"), &json!({})).await?.expect(200);
        }
        idle(stack, "ingest").await?;
        idle(stack, "sweep").await?;
    }
    Ok(())
}

/// Brings an event of a route of figures to the talent, as staff ask for it.
pub fn event(event: &mut Value, handler: &str) {
    let name = event["rawPath"].as_str().and_then(|path| path.rsplit('/').next()).unwrap_or_default().to_owned();
    if handler == "analytics.get" {
        return query(event, &format!("talentId={TALENT}&platform=mastodon"));
    }
    let template = format!("/api/admin/talent/{{talentId}}/analytics/{name}");
    event["routeKey"] = json!(format!("GET {template}"));
    event["requestContext"]["routeKey"] = event["routeKey"].clone();
    path(event, &template.replace("{talentId}", TALENT), "talentId", TALENT);
    query(
        event,
        match handler {
            "analytics.trends" => "metric=followers",
            "analytics.export" => "format=pdf",
            _ => "",
        },
    );
}

/// Makes an account's sweep due, and with it half of its posts; the ring for it.
///
/// # Errors
/// When the table does not answer.
pub async fn make_due(rows: &Rows, workspace: &str, id: &str) -> Result<Value> {
    let pk = format!("w#{workspace}#c#{id}");
    let set = async |sk: &str, name: &str| {
        rows.call(
            "UpdateItem",
            json!({
                "Key": {"pk": {"S": pk}, "sk": {"S": sk}},
                "UpdateExpression": format!("SET {name} = :past"),
                "ExpressionAttributeValues": {":past": {"N": "1"}},
            }),
        )
        .await
    };
    let looks = rows.of_partition(&pk, "look#").await?;
    for row in looks.iter().filter(|row| row["next_at"].is_object()).take(20) {
        set(row["sk"]["S"].as_str().unwrap_or_default(), "next_at").await?;
    }
    set("sweep", "due_at").await?;
    Ok(json!({"kind": "sweep", "pk": pk, "sk": "sweep"}))
}

/// Asks for the charts and the reports.
///
/// # Errors
/// When one of them is not what it should be.
pub async fn measure(bootstrap: &Path, root: &Path, scenes: &mut Scenes<'_>) -> Result<Year> {
    let root = root.to_str().ok_or("the folder's name is not UTF-8")?;
    let from = scenes.now().await?.checked_sub(jiff::SignedDuration::from_hours(24 * 364))?.to_string();
    let mut asked = scenes.event("analytics.trends").await?;
    query(&mut asked, &format!("metric=followers&interval=day&connectionId={}&from={}", scenes.grown()?, &from[..10]));
    let given = cold::environment(scenes, root, "analytics.trends")?;
    let mut runtime = Runtime::start(bootstrap, "analytics.trends", &cold::borrowed(&given)).await?;
    let known = |answer: &Value| -> usize {
        let body: Value = answer["body"].as_str().and_then(|body| serde_json::from_str(body).ok()).unwrap_or_default();
        body["points"].as_array().into_iter().flatten().filter(|point| point["value"].is_number()).count()
    };
    let first = working(runtime.invoke(&asked).await?)?;
    if known(&first.response) < 40 {
        return Err(format!("a year's chart has {} figures: {}", known(&first.response), first.response).into());
    }
    let (mut charts, mut chart_cpu) = (Vec::new(), Vec::new());
    let mut chart_calls = Vec::new();
    for _ in 0..CHARTS {
        scenes.forget_calls();
        let before = runtime.usage().cpu;
        let answer = working(runtime.invoke(&asked).await?)?;
        chart_calls = scenes.calls();
        charts.push(answer.duration);
        chart_cpu.push(answer.usage.cpu.saturating_sub(before));
    }
    runtime.stop().await?;

    let asked = scenes.event("analytics.export").await?;
    let given = cold::environment(scenes, root, "analytics.export")?;
    let mut runtime = Runtime::start(bootstrap, "analytics.export", &cold::borrowed(&given)).await?;
    let first = working(runtime.invoke(&asked).await?)?;
    let (mut reports, mut report_cpu) = (Vec::new(), Vec::new());
    let mut report_peak_kib = first.usage.peak_rss_kib;
    for _ in 0..REPORTS {
        let before = runtime.usage().cpu;
        let answer = working(runtime.invoke(&asked).await?)?;
        reports.push(answer.duration);
        report_cpu.push(answer.usage.cpu.saturating_sub(before));
        report_peak_kib = report_peak_kib.max(answer.usage.peak_rss_kib);
    }
    runtime.stop().await?;
    let text = first.response["body"].as_str().unwrap_or_default();
    // "%PDF-1" in base64.
    if first.response["isBase64Encoded"] != true || !text.starts_with("JVBERi0x") {
        return Err(format!("no report: {}", first.response).into());
    }
    Ok(Year {
        chart: (percentile(charts.clone(), 50), percentile(charts, 99)),
        chart_cpu: median(chart_cpu),
        chart_calls,
        first_report: first.duration,
        report: median(reports),
        report_cpu: median(report_cpu),
        report_peak_kib,
        report_bytes: text.len() / 4 * 3,
    })
}

fn working(answer: Invocation) -> Result<Invocation> {
    match &answer.error {
        Some(error) => Err(error.to_string().into()),
        None if answer.response["statusCode"] != 200 => Err(answer.response.to_string().into()),
        None => Ok(answer),
    }
}
