//! The figures as a document, each bar with its verdict.

use std::fmt::Write;

use crate::bundle::Bundle;
use crate::calls::{self, Row};
use crate::cold::{self, Cold};
use crate::load::{self, Load, Phase};
use crate::parts::{self, Part};
use crate::publish::Wave;
use crate::stats::ms;
use crate::stream::Stream;
use crate::year::{self, Year};

/// Everything that was measured.
pub struct Figures {
    /// When and on what.
    pub machine: String,
    /// The time of a fixed piece of work, between the others.
    pub paces: Vec<f64>,
    /// Each function.
    pub cold: Vec<Cold>,
    /// What is uploaded.
    pub bundle: Bundle,
    /// Each piece of work.
    pub calls: Vec<Row>,
    /// Many at once.
    pub load: Load,
    /// One at a time.
    pub parts: Vec<Part>,
    /// Posts that were due in the same second.
    pub waves: Vec<Wave>,
    /// A large video.
    pub stream: Stream,
    /// A talent with a year of figures.
    pub year: Year,
}

/// What must be reached, and what was.
pub struct Bar {
    what: String,
    bar: String,
    measured: String,
    met: bool,
}

const INTRODUCTION: &str = "\
Written by `make bench`. CPU times and ratios carry over to other machines; wall times depend on what else the machine \
does. The bars are the design's. Two sets of figures are quoted, not measured by this run: a Node.js function with the \
same call (100 ms CPU, 57 MiB), and a conventional back end (Fastify, BullMQ, Redis, PostgreSQL: 23 processes, \
189 MiB at rest) that was measured on 2 cores, all its server processes together.";

const COLD: &str = "\
Each function of the template as the release `bootstrap` under a stub of the Lambda Runtime API, doing its usual work \
on its event of `events/`; what it leaves behind is looked at each time. DynamoDB, SQS, KMS and EventBridge are called over TLS with a new connection and a verified chain \
(RSA 2048, root and intermediate), as in AWS; the platforms over plain HTTP. Each has the variables that the template gives it. *Ready*: spawn to the first request for an \
event. *First*: event to answer. *CPU*: spawn to the first answer. The keys of the token's issuer are read from the \
table by the first request of each start, which is one of the DynamoDB calls. *Warm*: a later call of the same \
process.";

const LOAD: &str = "\
A release build of the local stack (one process: gateway, queues, workers, embedded database) with the platforms \
simulated in the process that calls it, on the same cores. *Ours*: gateway, handlers, queue, workers and SDK; the \
database's threads apart.";

const WAVES: &str = "\
Posts of a hundred Mastodon accounts, all due in the same second; the platform is simulated on the same cores. *Delay*: \
the platform's own time of the post minus the scheduled time. *Accept*: one `POST /api/social/posts`. *Publish*: all \
that a delivery takes after that, until its outcome and its event are written and told. *Ours* and *database* as above.";

/// The document.
pub fn document(figures: &Figures) -> String {
    let paces: Vec<String> = figures.paces.iter().map(|pace| format!("{pace:.0}")).collect();
    let mut text = format!(
        "# Benchmarks\n\n{INTRODUCTION}\n\nTaken {}. A fixed piece of work took {} ms of CPU before, between and after the \
         parts: on a quiet machine it takes {QUIET_MS:.0} ms. Where it took more, the figures are too high; the bars' table says what each CPU time would be at the quiet machine's pace, in proportion.\n\n## Bars\n\n",
        figures.machine,
        paces.join(", "),
    );
    text.push_str(&bars_table(&bars(figures)));
    let _ = write!(
        text,
        "\n## Start and cost of each function\n\n{COLD} Medians of {} starts and {} warm calls.\n\n",
        cold::STARTS,
        cold::WARM
    );
    text.push_str("| function | ready ms | first ms | CPU ms | peak MiB | calls until then | warm ms | warm CPU ms |\n|---|--:|--:|--:|--:|---|--:|--:|\n");
    for f in &figures.cold {
        let calls: Vec<String> = f.calls.iter().map(|(service, count)| format!("{service} {count}")).collect();
        let _ = writeln!(
            text,
            "| `{}` | {:.1} | {:.1} | {:.1} | {:.1} | {} | {:.1} | {:.2} |",
            f.handler,
            ms(f.ready),
            ms(f.first),
            ms(f.cpu),
            mib(f.peak_rss_kib),
            if calls.is_empty() { "none".to_owned() } else { calls.join(", ") },
            ms(f.warm),
            ms(f.warm_cpu),
        );
    }
    text.push_str("\n## Calls per piece of work\n\nCounted at the SDK client, the queue, the vault and the outbound client of a warm local stack; a host is a call of a platform.\n\n| work | handler | calls |\n|---|---|---|\n");
    for row in &figures.calls {
        let calls: Vec<String> = row.operations.iter().map(|(name, count)| format!("{name} {count}")).collect();
        let calls = if calls.is_empty() { "none".to_owned() } else { calls.join(", ") };
        let _ = writeln!(text, "| {} | `{}` | {calls} |", row.what, row.handler);
    }
    let _ = write!(text, "\n## {} accounts linked, {} lists read\n\n{LOAD}\n\n", load::CONNECTS, load::LISTS);
    text.push_str(&load_table(&figures.load));
    let _ = write!(text, "\n## Piece by piece\n\nThe same stack, one caller, {} times each.\n\n", parts::TIMES);
    text.push_str("| | CPU ms, ours | CPU ms, embedded database |\n|---|--:|--:|\n");
    for part in &figures.parts {
        let _ = writeln!(text, "| {} | {:.3} | {:.3} |", part.what, part.cpu.herald, part.cpu.database);
    }
    text.push_str(&floor(&figures.parts));
    let _ = write!(text, "\n## Posts that are due in the same second\n\n{WAVES}\n\n");
    text.push_str(&waves_table(&figures.waves));
    let Stream { bytes, peak_rss_kib, wall, cpu, events } = &figures.stream;
    let _ = write!(
        text,
        "\n## A video of {:.1} GB\n\nThe release `bootstrap` as `workers.publish`, from a web server to YouTube's upload session, both \
         simulated: the upload took {:.1} s and {:.1} s of CPU. With the looks at its processing it took {events} events, and at most \
         {:.1} MiB of memory.\n",
        *bytes as f64 / 1e9,
        wall.as_secs_f64(),
        cpu.as_secs_f64(),
        mib(*peak_rss_kib),
    );
    let Year { chart, chart_cpu, chart_calls, first_report, report, report_cpu, report_peak_kib, report_bytes } =
        &figures.year;
    let calls: Vec<String> = chart_calls.iter().map(|(service, count)| format!("{service} {count}")).collect();
    let _ = write!(
        text,
        "\n## A year of figures\n\nThree accounts with a year of figures, by the release `bootstrap`. Followers of one by the day over the \
         year, {} times: p50 {:.1} ms, p99 {:.1} ms, {:.2} ms of CPU; {}. The PDF report of 30 days of all three, {} times: {} bytes, \
         {:.0} ms and {:.0} ms of CPU each, the first {:.0} ms; at most {:.1} MiB of memory.\n",
        year::CHARTS,
        ms(chart.0),
        ms(chart.1),
        ms(*chart_cpu),
        calls.join(", "),
        year::REPORTS,
        report_bytes,
        ms(*report),
        ms(*report_cpu),
        ms(*first_report),
        mib(*report_peak_kib),
    );
    text
}

/// What a list and a sync cannot be cheaper than, by the differences of the pieces.
fn floor(parts: &[Part]) -> String {
    let of = |what: &str| parts.iter().find(|part| part.what == what).map_or(0.0, |part| part.cpu.herald);
    let query = of(parts::ONE_QUERY) - of(parts::PROVEN);
    let row = (of(parts::LIST) - of(parts::ONE_QUERY)) / load::ROWS as f64;
    format!(
        "\nBy the differences: one call of the table through the SDK, with an answer of next to nothing, {query:.3} ms; each row of \
         a list {:.1} µs, from the bytes of DynamoDB's answer to the bytes of ours. A link and its first sync are four calls of the \
         table and two of a platform, so {:.2} ms of them are the SDK's, before a byte of the 40 posts is read or written.\n",
        row * 1e3,
        query * 4.0,
    )
}

/// What a terminal shows.
pub fn summary(figures: &Figures) -> String {
    let mut text = String::new();
    for bar in bars(figures) {
        let _ = writeln!(text, "{:6} {}: {} (bar: {})", verdict(bar.met), bar.what, bar.measured, bar.bar);
    }
    text
}

/// What the fixed piece of work takes on the quiet machine, in milliseconds of CPU.
const QUIET_MS: f64 = 27.0;

/// A CPU time, and what it would be at the pace of the quiet machine: by the fixed piece of work before and after the part.
fn at_pace(measured_ms: f64, figures: &Figures, part: usize) -> String {
    let around: Vec<f64> = figures.paces.iter().copied().skip(part).take(2).collect();
    let pace = around.iter().sum::<f64>() / (around.len().max(1) as f64);
    let scaled = measured_ms * QUIET_MS / pace.max(f64::MIN_POSITIVE);
    format!("{measured_ms:.2} ms, {scaled:.2} ms at the quiet machine's pace")
}

fn bars(figures: &Figures) -> Vec<Bar> {
    let mut bars = Vec::new();
    let mut bar = |what: &str, bar: &str, measured: String, met: bool| {
        bars.push(Bar { what: what.to_owned(), bar: bar.to_owned(), measured, met });
    };
    for (calls, words) in [(1, "one table call"), (2, "two table calls")] {
        let routes = || figures.cold.iter().filter(|cold| cold.is_route_with(calls));
        if let Some(cold) = routes().max_by_key(|cold| cold.cpu) {
            let (what, cpu) = (format!("first answer with {words}, CPU"), ms(cold.cpu));
            bar(
                &what,
                "≤ 3 ms (one call); Node.js 100 ms",
                format!("{} (`{}`)", at_pace(cpu, figures, 0), cold.handler),
                cpu <= 3.0,
            );
        }
        if let Some(cold) = routes().max_by_key(|cold| cold.peak_rss_kib) {
            let (what, peak) = (format!("first answer with {words}, peak memory"), mib(cold.peak_rss_kib));
            let measured = format!("{peak:.1} MiB (`{}`)", cold.handler);
            bar(&what, "≤ 12 MiB (one call); Node.js 57 MiB", measured, peak <= 12.0);
        }
    }
    let zipped = figures.bundle.zipped as f64 / 1e6;
    let (plain, console) = (figures.bundle.plain as f64 / 1e6, figures.bundle.console as f64 / 1e6);
    let measured = format!("{zipped:.2} MB ({plain:.1} MB unzipped; the console beside it {console:.2} MB)");
    bar("zipped bundle, without the console's files", "≤ 5 MB", measured, zipped <= 5.0);
    let row = |what: &str| figures.calls.iter().find(|row| row.what == what);
    if let Some(connect) = row(calls::CONNECT) {
        let met = (connect.count("dynamodb.TransactWriteItems"), connect.count("dynamodb."), connect.count("queue."))
            == (1, 1, 1);
        bar("link by handle", "1 transaction + 1 ring", operations(connect), met);
    }
    if let Some(list) = row(calls::LIST) {
        let met = (list.count("dynamodb.Query"), list.count("")) == (1, 1);
        bar("list", "1 query", operations(list), met);
    }
    if let Some(sync) = row(calls::NOTHING_NEW) {
        bar("a sync that finds nothing new", "no write but claim and finish", operations(sync), sync.writes() == 2);
    }
    let scans: u64 = figures.calls.iter().map(|row| row.count("dynamodb.Scan")).sum();
    bar("scans anywhere", "none", scans.to_string(), scans == 0);
    let connect = figures.load.connects.cpu.per(load::CONNECTS);
    let measured = format!(
        "{} (with the database {:.2} ms)",
        at_pace(connect.herald, figures, 1),
        connect.herald + connect.database
    );
    let conventional = "≤ 1.5 ms; conventional, with its database, 3.0 ms";
    bar("link and sync 40 posts, CPU of our code", conventional, measured, connect.herald <= 1.5);
    let list = figures.load.lists.cpu.per(load::LISTS);
    let measured =
        format!("{} (with the database {:.3} ms)", at_pace(list.herald, figures, 1), list.herald + list.database);
    let conventional = "≤ 0.25 ms; conventional, with its database, 0.21 ms";
    bar("list of 20 rows, CPU of our code", conventional, measured, list.herald <= 0.25);
    let peak = mib(figures.stream.peak_rss_kib);
    let what = format!("a video of {:.1} GB streamed to a platform, peak memory", figures.stream.bytes as f64 / 1e9);
    bar(&what, "≤ 128 MiB", format!("{peak:.1} MiB"), peak <= 128.0);
    let peak = mib(figures.year.report_peak_kib);
    bar("the PDF report, peak memory", "≤ 256 MiB", format!("{peak:.1} MiB"), peak <= 256.0);
    for wave in &figures.waves {
        let conventional = "p50 ≤ 200 ms, p99 ≤ 500 ms, none early; conventional p50 270 ms, p99 460 ms";
        let (p50, p99, least) = (wave.delay_ms(50), wave.delay_ms(99), wave.least_ms());
        let measured = format!("p50 {p50} ms, p99 {p99} ms, the first {least} ms");
        if wave.posts == 1_000 {
            let met = p50 <= 200 && p99 <= 500 && least >= 0;
            bar("publish delay, 1,000 posts due in the same second", conventional, measured, met);
            let (accept, deliver) = (wave.accept.per(wave.posts), wave.deliver.per(wave.posts));
            let measured = format!(
                "{} (with the database {:.2} ms)",
                at_pace(accept.herald, figures, 3),
                accept.herald + accept.database
            );
            let conventional = "≤ 0.35 ms; conventional, with its database, 0.69 ms";
            bar("accept a scheduled post, CPU of our code", conventional, measured, accept.herald <= 0.35);
            let measured = format!(
                "{} (with the database {:.2} ms)",
                at_pace(deliver.herald, figures, 3),
                deliver.herald + deliver.database
            );
            let conventional = "≤ 0.7 ms; conventional, with its database, 0.73 ms";
            bar("publish it, CPU of our code", conventional, measured, deliver.herald <= 0.7);
        }
    }
    bars
}

fn bars_table(bars: &[Bar]) -> String {
    let mut text = "| | bar | measured | |\n|---|---|---|---|\n".to_owned();
    for bar in bars {
        let verdict = if bar.met { "met" } else { "**missed**" };
        let _ = writeln!(text, "| {} | {} | {} | {verdict} |", bar.what, bar.bar, bar.measured);
    }
    text
}

fn load_table(load: &Load) -> String {
    let head =
        format!("| | {} links | {} lists of {} rows |\n|---|--:|--:|\n", load::CONNECTS, load::LISTS, load::ROWS);
    let (connects, lists) = (&load.connects, &load.lists);
    let (connect, list) = (connects.cpu.per(load::CONNECTS), lists.cpu.per(load::LISTS));
    let row = |what: &str, a: String, b: String| format!("| {what} | {a} | {b} |\n");
    let latency = |phase: &Phase, percent| format!("{:.1} ms", ms(phase.latency(percent)));
    [
        head,
        row("callers at a time", load::CALLERS.to_string(), load::CALLERS.to_string()),
        row("latency, p50", latency(connects, 50), latency(lists, 50)),
        row("latency, p99", latency(connects, 99), latency(lists, 99)),
        row(
            "until the last is answered",
            format!("{:.1} s", load.posted.as_secs_f64()),
            format!("{:.1} s", lists.took.as_secs_f64()),
        ),
        row("until all are READY", format!("{:.1} s", connects.took.as_secs_f64()), "–".to_owned()),
        row("CPU each, ours", format!("{:.2} ms", connect.herald), format!("{:.3} ms", list.herald)),
        row("CPU each, embedded database", format!("{:.2} ms", connect.database), format!("{:.3} ms", list.database)),
        row(
            "CPU each, whole process by the kernel's ticks",
            format!("{:.2} ms", connect.process),
            format!("{:.3} ms", list.process),
        ),
        row("conventional design, all processes (quoted)", "3.0 ms".to_owned(), "0.21 ms".to_owned()),
    ]
    .concat()
}

fn waves_table(waves: &[Wave]) -> String {
    let head = "| posts | delay p50 ms | p99 ms | first ms | last ms | accept CPU ms, ours | database | publish CPU ms, ours | database |\n|--:|--:|--:|--:|--:|--:|--:|--:|--:|\n";
    let row = |wave: &Wave| {
        let (accept, deliver) = (wave.accept.per(wave.posts), wave.deliver.per(wave.posts));
        format!(
            "| {} | {} | {} | {} | {} | {:.2} | {:.2} | {:.2} | {:.2} |\n",
            wave.posts,
            wave.delay_ms(50),
            wave.delay_ms(99),
            wave.least_ms(),
            wave.delay_ms(100),
            accept.herald,
            accept.database,
            deliver.herald,
            deliver.database
        )
    };
    [head.to_owned(), waves.iter().map(row).collect()].concat()
}

fn operations(row: &Row) -> String {
    let calls: Vec<String> = row.operations.iter().map(|(name, count)| format!("{name} {count}")).collect();
    calls.join(", ")
}

fn verdict(met: bool) -> &'static str {
    if met { "met" } else { "MISSED" }
}

fn mib(kib: u64) -> f64 {
    kib as f64 / 1024.0
}
