//! `cargo run`: the whole bundle on this machine. `cargo run -- openapi` prints the HTTP contract instead.

use std::io::Write;
use std::process::ExitCode;
use std::time::Duration;

use local::stack::StartError;
use local::token::Wanted;
use local::{Options, Stack, welcome};
use tokio::signal::unix::{SignalKind, signal};

/// How long the tokens on the terminal are good for.
const TOKEN_TTL_S: i64 = 12 * 3_600;

fn main() -> ExitCode {
    match std::env::args().nth(1).as_deref() {
        None => {}
        Some("openapi") => {
            print(&format!("{:#}", functions::openapi::document()));
            return ExitCode::SUCCESS;
        }
        Some(other) => {
            eprintln!("unknown argument {other}; usage: local [openapi]");
            return ExitCode::FAILURE;
        }
    }
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).thread_name("herald").enable_all().build();
    let result = match runtime {
        Ok(runtime) => {
            let result = runtime.block_on(run());
            // What still runs is cut off; it comes due again.
            runtime.shutdown_timeout(Duration::from_secs(1));
            result.map_err(|error| error.to_string())
        }
        Err(error) => Err(error.to_string()),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("Herald cannot start: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<(), Box<dyn std::error::Error>> {
    let options = Options::from_env(std::env::vars())?;
    let to_stdout = options.env.get("HERALD_LOG_STDOUT").is_some_and(|value| value == "1");
    let file = if to_stdout { None } else { Some(options.log_file()?) };
    cloud::telemetry::start_into(options.env.get("HERALD_LOG").map(String::as_str), file);
    // Before the start, so that a stop during it is not lost.
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let orphaned = end_of_input(options.env.get("HERALD_EXIT_WITH_STDIN").is_some_and(|value| value == "1"));
    tokio::pin!(orphaned);
    let stack = tokio::select! {
        started = Stack::start(options) => started?,
        _ = terminate.recv() => return Ok(()),
        _ = interrupt.recv() => return Ok(()),
        () = &mut orphaned => return Ok(()),
    };
    stack.welcome_the_demo_talent().await?;
    print(&greeting(&stack)?);
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
        () = &mut orphaned => {}
    }
    stack.stop().await;
    Ok(())
}

/// Returns when standard input has ended, if that was asked for: the pipe from a process that was killed ends with it.
async fn end_of_input(asked: bool) {
    if !asked {
        return std::future::pending().await;
    }
    let (tell, ended) = tokio::sync::oneshot::channel();
    // A thread that nobody waits for: a read cannot be called off, and must not hold up a stop.
    std::thread::spawn(move || {
        let _ = std::io::copy(&mut std::io::stdin().lock(), &mut std::io::sink());
        let _ = tell.send(());
    });
    let _ = ended.await;
}

fn greeting(stack: &Stack) -> Result<String, StartError> {
    let admin = stack.token(&Wanted { ttl: TOKEN_TTL_S, ..Wanted::default() })?;
    let talent = stack.token(&Wanted { role: "talent".to_owned(), ttl: TOKEN_TTL_S, ..Wanted::default() })?;
    Ok(welcome::text(&stack.origin, &admin, &talent, stack.control.simulator.as_deref()))
}

/// A terminal that was closed is no reason to stop.
fn print(text: &str) {
    let _ = writeln!(std::io::stdout(), "{text}");
}
