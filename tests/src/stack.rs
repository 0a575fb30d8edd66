//! A running stack and the world around it.
//!
//! The simulator lives in the test's own process, so that a stack can be killed and started again on the same data
//! while the world goes on.

use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use serde_json::{Value, json};

use crate::client::{Client, Reply};
use crate::process::{Child, Result, free_port};

/// The outside world: the simulator, and its control.
#[derive(Debug, Clone)]
pub struct World {
    /// Its origin.
    pub origin: String,
    client: Client,
}

impl World {
    /// Starts a simulator in this process.
    ///
    /// # Errors
    /// When no port can be had.
    pub async fn start() -> Result<Self> {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        let origin = format!("http://{}", listener.local_addr()?);
        tokio::spawn(simulator::Simulator::default().serve(listener));
        Ok(Self { client: Client::new(&origin)?, origin })
    }

    /// The truth about an account.
    ///
    /// # Errors
    /// When there is no answer.
    pub async fn account(&self, platform: &str, handle: &str) -> Result<Value> {
        Ok(self.client.get(&format!("/_control/accounts/{platform}/{handle}")).await?.expect(200).body)
    }

    /// Changes an account.
    ///
    /// # Errors
    /// When there is no answer.
    pub async fn change(&self, platform: &str, handle: &str, change: &Value) -> Result<Reply> {
        self.client.json(reqwest::Method::PATCH, &format!("/_control/accounts/{platform}/{handle}"), change).await
    }

    /// Turns knobs of a platform, or of one of its servers (`MASTODON/host`).
    ///
    /// # Errors
    /// When there is no answer.
    pub async fn settings(&self, of: &str, change: &Value) -> Result<Reply> {
        self.client.json(reqwest::Method::PATCH, &format!("/_control/settings/{of}"), change).await
    }

    /// Any call of the control API.
    ///
    /// # Errors
    /// When there is no answer.
    pub async fn control(&self, path: &str, body: &Value) -> Result<Reply> {
        self.client.post(&format!("/_control{path}"), body).await
    }

    /// Reads from the control API.
    ///
    /// # Errors
    /// When there is no answer.
    pub async fn look(&self, path: &str) -> Result<Value> {
        Ok(self.client.get(&format!("/_control{path}")).await?.expect(200).body)
    }

    /// Programs a fault.
    ///
    /// # Errors
    /// When there is no answer.
    pub async fn fault(&self, fault: Value) -> Result<()> {
        let reply = self.control("/faults", &fault).await?;
        assert!(reply.status / 100 == 2, "{}", reply.text);
        Ok(())
    }

    /// Takes every fault away.
    ///
    /// # Errors
    /// When there is no answer.
    pub async fn heal(&self) -> Result<()> {
        let reply = self.client.delete("/_control/faults").await?;
        assert!(reply.status / 100 == 2, "{}", reply.text);
        Ok(())
    }
}

/// A local stack in a process of its own.
#[derive(Debug)]
pub struct Stack {
    /// The caller without a credential.
    pub client: Client,
    /// The world it sees.
    pub world: World,
    child: Child,
    port: u16,
    data: tempfile::TempDir,
    environment: Vec<(String, String)>,
    /// By how much the clocks are ahead, in seconds: a process that is started again would not know.
    passed_s: AtomicI64,
}

impl Stack {
    /// Starts a stack on fresh data, with a world of its own.
    ///
    /// # Errors
    /// When it does not come up; the sentence holds what it printed.
    pub async fn start() -> Result<Self> {
        Self::with(World::start().await?, &[]).await
    }

    /// Starts a stack on fresh data that sees `world`, with more environment.
    ///
    /// # Errors
    /// As [`Stack::start`].
    pub async fn with(world: World, environment: &[(&str, &str)]) -> Result<Self> {
        let data = tempfile::tempdir()?;
        let port = free_port()?;
        let environment: Vec<(String, String)> =
            environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let child = launch(&world, port, data.path(), &environment, 0).await?;
        let client = Client::new(&format!("http://127.0.0.1:{port}"))?;
        Ok(Self { client, world, child, port, data, environment, passed_s: AtomicI64::new(0) })
    }

    /// Starts the stack again on the same data and port, after [`Stack::kill`] or a crash.
    ///
    /// # Errors
    /// As [`Stack::start`].
    pub async fn restart(&mut self) -> Result<()> {
        let passed_s = self.passed_s.load(Ordering::Relaxed);
        self.child = launch(&self.world, self.port, self.data.path(), &self.environment, passed_s).await?;
        Ok(())
    }

    /// SIGKILL.
    ///
    /// # Errors
    /// When the process cannot be signalled.
    pub async fn kill(&mut self) -> Result<()> {
        self.child.kill().await?;
        Ok(())
    }

    /// SIGTERM, and waits for the end.
    ///
    /// # Errors
    /// When it does not end.
    pub async fn terminate(&mut self) -> Result<std::process::ExitStatus> {
        self.child.terminate().await
    }

    /// Whether the process is still there.
    ///
    /// # Errors
    /// When it cannot be asked.
    pub fn is_running(&mut self) -> Result<bool> {
        Ok(self.child.try_wait()?.is_none())
    }

    /// Waits until the process has ended by itself (an armed crash).
    ///
    /// # Errors
    /// When it has not ended in time.
    pub async fn ended(&mut self, within: Duration) -> Result<()> {
        let deadline = std::time::Instant::now() + within;
        while self.is_running()? {
            if std::time::Instant::now() > deadline {
                return Err(format!("still running after {within:?}").into());
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        Ok(())
    }

    /// Everything it has printed.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        self.child.lines()
    }

    /// The process.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.pid()
    }

    /// Its data folder: database, key ring, log.
    #[must_use]
    pub fn data(&self) -> &std::path::Path {
        self.data.path()
    }

    /// A token of the local issuer, by its query: `workspace=w&role=admin`.
    ///
    /// # Errors
    /// When there is no answer.
    pub async fn token(&self, query: &str) -> Result<String> {
        Ok(self.client.get(&format!("/local/token?{query}")).await?.expect(200).text_of("token").to_owned())
    }

    /// A caller who is staff of a workspace.
    ///
    /// # Errors
    /// When there is no answer.
    pub async fn admin(&self, workspace: &str) -> Result<Client> {
        Ok(self.client.with_token(self.token(&format!("workspace={workspace}&role=admin")).await?))
    }

    /// A caller who is a talent of a workspace.
    ///
    /// # Errors
    /// When there is no answer.
    pub async fn as_talent(&self, workspace: &str, talent: &str) -> Result<Client> {
        Ok(self.client.with_token(self.token(&format!("workspace={workspace}&role=talent&talent={talent}")).await?))
    }

    /// Moves the stack's clock and the world's together.
    ///
    /// # Errors
    /// When there is no answer.
    pub async fn pass(&self, seconds: i64) -> Result<()> {
        let step = json!({"advanceSeconds": seconds});
        let theirs = self.world.control("/clock", &step).await?;
        // Counted before it is asked for: a clock that moves wakes schedules, and one of them may end the process
        // before the answer is out.
        self.passed_s.fetch_add(seconds, Ordering::Relaxed);
        let ours = self.client.post("/local/clock", &step).await?;
        assert!(ours.status / 100 == 2 && theirs.status / 100 == 2, "{} {}", ours.text, theirs.text);
        Ok(())
    }

    /// Any call of the local stack's own control.
    ///
    /// # Errors
    /// When there is no answer.
    pub async fn control(&self, path: &str, body: &Value) -> Result<Reply> {
        self.client.post(&format!("/local{path}"), body).await
    }
}

async fn launch(
    world: &World,
    port: u16,
    data: &std::path::Path,
    environment: &[(String, String)],
    passed_s: i64,
) -> Result<Child> {
    let mut command = Command::new(binary()?);
    command
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("HERALD_PORT", port.to_string())
        .env("HERALD_DATA", data)
        .env("HERALD_UPSTREAM", &world.origin)
        .env("HERALD_CLOCK_ADVANCE", passed_s.to_string())
        // The test holds its input open, so it ends with the test, however that ends.
        .env("HERALD_EXIT_WITH_STDIN", "1")
        .current_dir(crate::process::repository());
    for (name, value) in environment {
        command.env(name, value);
    }
    let child = Child::spawn(command)?;
    child.wait_for_line("the ready line", Duration::from_secs(30), |line| line.contains("Herald is ready")).await?;
    Ok(child)
}

/// The local stack's binary: in the folder of the running one (a binary), or in the one above it (a test in `deps`).
fn binary() -> Result<PathBuf> {
    let own = std::env::current_exe()?;
    let mut places = own.ancestors().skip(1).take(2).map(|folder| folder.join("local"));
    places.find(|path| path.is_file()).ok_or_else(|| "the local stack is not built: cargo build --workspace".into())
}
