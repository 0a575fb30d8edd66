//! The simulator inside this process, on a thread of its own whose CPU time benchmarks can tell apart.

use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;

use simulator::Simulator;

/// Starts it on a free loopback port; answers its origin. It lives as long as the process, and what it must still know
/// after a restart is in `file`.
///
/// # Errors
/// No port, no thread, or a file that cannot be used.
pub fn start(file: &Path) -> io::Result<String> {
    let simulator = Simulator::default().remembering(file)?;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    listener.set_nonblocking(true)?;
    let origin = format!("http://{}", listener.local_addr()?);
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).thread_name("simulator").enable_all().build()?;
    std::thread::Builder::new().name("simulator".to_owned()).spawn(move || {
        let served = runtime.block_on(async { simulator.serve(tokio::net::TcpListener::from_std(listener)?).await });
        if let Err(error) = served {
            tracing::error!(%error, "the simulator stopped");
        }
    })?;
    Ok(origin)
}
