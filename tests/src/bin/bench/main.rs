//! `make bench`: what the bundle costs, measured on the release build, against the bars of the design.
//!
//! Writes `docs/benchmarks.md` and prints the bars. `bench rehearse` runs on any build, and writes nothing.

mod aws;
mod bundle;
mod calls;
mod cold;
mod event;
mod load;
mod machine;
mod parts;
mod posts;
mod proofs;
mod publish;
mod report;
mod scenes;
mod stats;
mod stream;
mod tls;
mod year;

use std::process::ExitCode;
use std::time::Instant;

use herald_tests::process::{Result, Tool, repository};
use herald_tests::stack::{Stack, World};

use crate::report::Figures;
use crate::scenes::Scenes;

#[tokio::main(worker_threads = 2)]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<()> {
    let begun = Instant::now();
    let rehearsal = std::env::args().nth(1).is_some_and(|word| word == "rehearse");
    if cfg!(debug_assertions) && !rehearsal {
        return Err("a debug build measures nothing; use make bench".into());
    }
    let machine = machine::description();
    let mut paces = vec![machine::pace()];
    let bootstrap = Tool::Bootstrap.path().ok_or("the release bootstrap is not built")?;
    let bundle = bundle::measure(&bootstrap)?;

    say("each function, cold and warm");
    let folder = tempfile::tempdir()?;
    let chain = tls::chain(folder.path())?;
    let stack = Stack::start().await?;
    let database = stack.client.get("/local/database").await?;
    let aws = aws::Aws::start(chain.acceptor, database.text_of("url")).await?;
    let mut scenes = Scenes::prepare(&stack, aws, cold::STARTS + cold::WARM).await?;
    let cold = cold::measure(&bootstrap, &chain.root, &mut scenes).await?;
    say("a year of figures: its chart and its report");
    let year = year::measure(&bootstrap, &chain.root, &mut scenes).await?;
    say("a video of a gigabyte");
    let stream = stream::measure(&bootstrap, &chain.root, &mut scenes, rehearsal).await?;
    drop(stack);
    paces.push(machine::pace());

    say("two thousand links, two thousand lists");
    let stack = Stack::with(World::start().await?, &[]).await?;
    let load = load::measure(&stack).await.map_err(|error| format!("{error}\n{}", complaints(&stack)))?;
    paces.push(machine::pace());
    say("CPU and calls per piece of work");
    let parts = parts::measure(&stack).await?;
    let calls = calls::measure(&stack).await?;

    paces.push(machine::pace());
    drop(stack);

    say("posts that are due in the same second");
    let stack = Stack::with(World::start().await?, &[]).await?;
    let waves =
        publish::measure(&stack, rehearsal).await.map_err(|error| format!("{error}\n{}", complaints(&stack)))?;
    paces.push(machine::pace());

    let figures = Figures { machine, paces, cold, bundle, calls, load, parts, waves, stream, year };
    let document = report::document(&figures);
    match rehearsal {
        true => println!("{document}"),
        false => std::fs::write(repository().join("docs/benchmarks.md"), document)?,
    }
    println!("{}", report::summary(&figures));
    println!("the run took {:.0} s", begun.elapsed().as_secs_f64());
    Ok(())
}

/// What the stack's log says beyond the ordinary.
fn complaints(stack: &Stack) -> String {
    let log = std::fs::read_to_string(stack.data().join("herald.log")).unwrap_or_default();
    let complaints = log.lines().filter(|line| line.contains("\"WARN\"") || line.contains("\"ERROR\""));
    complaints.take(20).collect::<Vec<_>>().join("\n")
}

fn say(what: &str) {
    println!("bench: {what}");
}
