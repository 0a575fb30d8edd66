//! DynamoDB on this machine: embedded, in a file, on a thread of its own.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::watch;

/// How often rows whose time is over are removed. AWS takes up to days, so no reader relies on it.
const SWEEP: Duration = Duration::from_secs(5);

/// A database that could not be started.
#[derive(Debug, thiserror::Error)]
#[error("the database cannot be started: {0}")]
pub struct DatabaseError(String);

/// The running database.
pub struct Database {
    /// Where it listens.
    pub address: SocketAddr,
    stop: watch::Sender<bool>,
    thread: Option<JoinHandle<()>>,
}

impl Database {
    /// Opens the file and listens on a loopback port.
    ///
    /// The storage engine works under one lock on the thread that asks. It has two threads of its own, named
    /// `database`, so that a write to the disk never holds up a handler and benchmarks can tell its CPU time apart.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub fn start(file: &Path) -> Result<Self, DatabaseError> {
        let failed = |error: &dyn std::fmt::Display| DatabaseError(error.to_string());
        let path = file.to_str().ok_or_else(|| DatabaseError("its path is not UTF-8".to_owned()))?;
        let database = dynoxide::Database::new(path).map_err(|error| failed(&error))?;
        // The only way to ask for `synchronous = NORMAL`: a killed process loses nothing, a power cut the last moments.
        database
            .enable_bulk_loading()
            .and_then(|()| database.disable_bulk_loading())
            .map_err(|error| failed(&error))?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .thread_name("database")
            .enable_all()
            .build()
            .map_err(|error| failed(&error))?;
        // Bound without the runtime: a caller that is itself asynchronous could not wait for another one.
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(|error| failed(&error))?;
        listener.set_nonblocking(true).map_err(|error| failed(&error))?;
        let address = listener.local_addr().map_err(|error| failed(&error))?;
        let stop = watch::Sender::new(false);
        let stopped = |mut stop: watch::Receiver<bool>| async move { drop(stop.wait_for(|stop| *stop).await) };
        let (serving, sweeping, sweeper) = (stopped(stop.subscribe()), stopped(stop.subscribe()), database.clone());
        let thread = std::thread::Builder::new().name("database".to_owned()).spawn(move || {
            runtime.spawn(async move {
                tokio::pin!(sweeping);
                while tokio::time::timeout(SWEEP, &mut sweeping).await.is_err() {
                    let sweeper = sweeper.clone();
                    if let Ok(Err(error)) = tokio::task::spawn_blocking(move || sweeper.sweep_ttl()).await {
                        tracing::warn!(%error, "the sweep of expired rows failed")
                    }
                }
            });
            let served = runtime.block_on(async {
                let listener = TcpListener::from_std(listener).map_err(|error| error.to_string())?;
                dynoxide::server::serve_with_shutdown(listener, database, serving).await
            });
            if let Err(error) = served {
                tracing::error!(%error, "the database stopped");
            }
            runtime.shutdown_timeout(Duration::from_secs(1));
        });
        let thread = thread.map_err(|error| failed(&error))?;
        Ok(Self { address, stop, thread: Some(thread) })
    }

    /// Stops it: requests that run are finished first.
    pub fn stop(mut self) {
        self.stop.send_replace(true);
        if let Some(thread) = self.thread.take() {
            // A thread that panicked has said so already.
            let _ = thread.join();
        }
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        self.stop.send_replace(true);
    }
}
