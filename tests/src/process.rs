//! Processes under test: started in a group of their own, every line kept, nothing left behind.
//!
//! [`Tool`] says where the things lie that the tests start. An environment variable wins; without
//! it each is looked for at the place where `scripts/install-test-tools.sh` and the release build
//! put it, so that a plain `cargo test` finds them too:
//!
//! | variable | default, from the repository's root |
//! |---|---|
//! | `HERALD_BOOTSTRAP` | `$CARGO_TARGET_DIR/release/bootstrap`, else `target/release/bootstrap` |
//! | `HERALD_RIE` | `.tools/venv/lib/python3*/site-packages/samcli/local/rapid/aws-lambda-rie-{x86_64,arm64}` |
//! | `HERALD_SAM` | `.tools/venv/bin/sam` |
//! | `HERALD_MINISTACK` | `.tools/ministack/bin/ministack` |
//! | `HERALD_REAL` | `tests/real` (with `node_modules`) |
//! | `HERALD_SNAC` | `.tools/snac/usr/bin/snac` |
//! | `HERALD_SPECS` | `../shared/platforms/specs` |

use std::error::Error;
use std::io::{self, BufRead, BufReader, Read};
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;
use tokio::sync::watch;

/// What a helper of the tests can fail with: a sentence for the one who reads the failed test.
pub type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

/// How long a process may take to end after SIGTERM before the test calls it stuck.
const END_WITHIN: Duration = Duration::from_secs(20);

/// A running process with all it has printed; dropping it kills its whole group.
#[derive(Debug)]
pub struct Child {
    child: std::process::Child,
    pid: u32,
    ended: Option<ExitStatus>,
    lines: Arc<Mutex<Vec<String>>>,
    count: watch::Receiver<usize>,
}

impl Child {
    /// Starts the command in its own process group, with standard input held open (a script given
    /// `--stdin` ends when the test runner is gone) and both outputs collected line by line.
    pub fn spawn(mut command: Command) -> Result<Self> {
        let mut child = command
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| format!("cannot start {:?}: {error}", command.get_program()))?;
        let lines = Arc::new(Mutex::new(Vec::new()));
        let (told, count) = watch::channel(0);
        let told = Arc::new(told);
        if let Some(out) = child.stdout.take() {
            collect(out, &lines, &told);
        }
        if let Some(err) = child.stderr.take() {
            collect(err, &lines, &told);
        }
        Ok(Self { pid: child.id(), child, ended: None, lines, count })
    }

    /// The process id, which is also the id of its group.
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// Everything printed so far, standard output and standard error in the order of arrival.
    pub fn lines(&self) -> Vec<String> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The first line, old or new, that fits. Fails when the time is over or all output has ended.
    pub async fn wait_for_line(&self, what: &str, within: Duration, fits: impl Fn(&str) -> bool) -> Result<String> {
        let mut count = self.count.clone();
        let mut seen = 0;
        let found = tokio::time::timeout(within, async {
            loop {
                let closed = count.has_changed().is_err();
                count.borrow_and_update();
                let lines = self.lines();
                if let Some(line) = lines.iter().skip(seen).find(|line| fits(line)) {
                    return Some(line.clone());
                }
                seen = lines.len();
                if closed || (count.changed().await.is_err() && self.lines().len() == seen) {
                    return None;
                }
            }
        })
        .await;
        match found {
            Ok(Some(line)) => Ok(line),
            Ok(None) => Err(format!("the process ended before {what}; it said:\n{}", self.tail()).into()),
            Err(_) => Err(format!("no {what} within {within:?}; it said:\n{}", self.tail()).into()),
        }
    }

    /// The exit status, once the process has ended by itself or by a signal.
    pub fn try_wait(&mut self) -> Result<Option<ExitStatus>> {
        if self.ended.is_none() {
            self.ended = self.child.try_wait()?;
        }
        Ok(self.ended)
    }

    /// Waits until the process has ended.
    pub async fn wait(&mut self, within: Duration) -> Result<ExitStatus> {
        let start = Instant::now();
        loop {
            if let Some(status) = self.try_wait()? {
                return Ok(status);
            }
            if start.elapsed() > within {
                return Err(format!("still running after {within:?}; it said:\n{}", self.tail()).into());
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// SIGTERM to the process alone, as a service manager would; then waits for its end.
    pub async fn terminate(&mut self) -> Result<ExitStatus> {
        if let Some(status) = self.try_wait()? {
            return Ok(status);
        }
        signal("TERM", &self.pid.to_string())?;
        let status = self.wait(END_WITHIN).await?;
        self.sweep();
        Ok(status)
    }

    /// SIGKILL to the whole group, as a crash or a power cut would look; then waits.
    pub async fn kill(&mut self) -> Result<ExitStatus> {
        self.sweep();
        self.wait(END_WITHIN).await
    }

    /// Kills whatever is left of the group; an empty group is fine.
    fn sweep(&self) {
        let _ = signal("KILL", &format!("-{}", self.pid));
    }

    fn tail(&self) -> String {
        let lines = self.lines();
        lines.get(lines.len().saturating_sub(20)..).unwrap_or_default().join("\n")
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        self.sweep();
        if self.ended.is_none() {
            let _ = self.child.wait();
        }
    }
}

/// One thread per pipe: a blocked test never blocks the process that it watches.
fn collect(pipe: impl Read + Send + 'static, lines: &Arc<Mutex<Vec<String>>>, told: &Arc<watch::Sender<usize>>) {
    let (lines, told) = (Arc::clone(lines), Arc::clone(told));
    thread::spawn(move || {
        for line in BufReader::new(pipe).split(b'\n') {
            let Ok(line) = line else { break };
            let mut lines = lines.lock().unwrap_or_else(PoisonError::into_inner);
            lines.push(String::from_utf8_lossy(&line).trim_end_matches('\r').to_owned());
            told.send_replace(lines.len());
        }
    });
}

/// The shell's own `kill`: it is on every machine, and the workspace forbids unsafe code.
fn signal(name: &str, target: &str) -> io::Result<()> {
    let status = Command::new("sh")
        .args(["-c", "kill -s \"$0\" -- \"$1\"", name, target])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()?;
    if status.success() { Ok(()) } else { Err(io::Error::other(format!("kill -s {name} {target} failed"))) }
}

/// A port of 127.0.0.1 that was free a moment ago.
pub fn free_port() -> io::Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}

/// Something that is started by tests and may be absent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tool {
    /// The release build of the Lambda binary.
    Bootstrap,
    /// The Lambda Runtime Interface Emulator.
    Rie,
    /// The SAM command, with boto3 beside it.
    Sam,
    /// The emulator of an AWS account.
    Ministack,
    /// The folder of the real servers' start scripts, with their packages installed.
    Real,
    /// The snac binary.
    Snac,
    /// The platforms' published OpenAPI documents.
    Specs,
}

impl Tool {
    /// The environment variable that names it.
    pub fn variable(self) -> &'static str {
        match self {
            Self::Bootstrap => "HERALD_BOOTSTRAP",
            Self::Rie => "HERALD_RIE",
            Self::Sam => "HERALD_SAM",
            Self::Ministack => "HERALD_MINISTACK",
            Self::Real => "HERALD_REAL",
            Self::Snac => "HERALD_SNAC",
            Self::Specs => "HERALD_SPECS",
        }
    }

    /// Where it is, if it is there.
    pub fn path(self) -> Option<PathBuf> {
        let place = match std::env::var_os(self.variable()) {
            Some(named) if !named.is_empty() => PathBuf::from(named),
            _ => self.usual_place()?,
        };
        let proof = if self == Self::Real { place.join("node_modules/@atproto/pds") } else { place.clone() };
        proof.exists().then_some(place)
    }

    /// Where it is, or a line that the test runner collects: the test then returns early, and
    /// `scripts/test.sh` fails on it with `CI=true`.
    pub fn or_skip(self, test: &str) -> Option<PathBuf> {
        let found = self.path();
        if found.is_none() {
            println!("SKIPPED: {test}: {} is not there (scripts/install-test-tools.sh, or make test)", self.variable());
        }
        found
    }

    fn usual_place(self) -> Option<PathBuf> {
        let root = repository();
        Some(match self {
            Self::Bootstrap => {
                let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
                target.join("release/bootstrap")
            }
            Self::Rie => {
                let architecture = if cfg!(target_arch = "aarch64") { "arm64" } else { "x86_64" };
                let version = std::fs::read_dir(root.join(".tools/venv/lib")).ok()?.flatten().next()?.path();
                version.join("site-packages/samcli/local/rapid").join(format!("aws-lambda-rie-{architecture}"))
            }
            Self::Sam => root.join(".tools/venv/bin/sam"),
            Self::Ministack => root.join(".tools/ministack/bin/ministack"),
            Self::Real => root.join("tests/real"),
            Self::Snac => root.join(".tools/snac/usr/bin/snac"),
            Self::Specs => root.join("../shared/platforms/specs"),
        })
    }
}

/// The root of the repository.
pub fn repository() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_owned()
}

/// One of the servers of `tests/real`, running; `facts` is the line that it printed when ready.
#[derive(Debug)]
pub struct RealServer {
    /// The process.
    pub child: Child,
    /// What it said of itself: addresses, accounts, passwords (see tests/real/README.md).
    pub facts: Value,
}

impl RealServer {
    /// Starts `node {HERALD_REAL}/{script} {arguments} --stdin` and waits for its line of facts.
    pub async fn start(script: &str, arguments: &[&str]) -> Result<Self> {
        let folder = Tool::Real.path().ok_or("the real servers are not installed")?;
        let mut command = Command::new("node");
        command.arg(folder.join(script)).args(arguments).arg("--stdin");
        let child = Child::spawn(command)?;
        let line = child.wait_for_line("line of facts", Duration::from_secs(60), |line| line.starts_with('{')).await?;
        Ok(Self { facts: serde_json::from_str(&line)?, child })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Child {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        Child::spawn(command).unwrap()
    }

    fn alive(pid: &str) -> bool {
        // A killed orphan may stay a zombie for a moment.
        std::fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| !stat.contains(") Z "))
    }

    async fn dies(pid: &str) -> bool {
        for _ in 0..200 {
            if !alive(pid) {
                return true;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        false
    }

    #[tokio::test]
    async fn lines_of_both_outputs_are_found_early_and_late() {
        let child = shell("echo one; echo two >&2; sleep 0.2; echo three; sleep 30");
        assert_eq!(child.wait_for_line("three", Duration::from_secs(5), |l| l == "three").await.unwrap(), "three");
        assert_eq!(child.wait_for_line("two", Duration::from_secs(5), |l| l == "two").await.unwrap(), "two");
        assert_eq!(child.lines().len(), 3);
    }

    #[tokio::test]
    async fn a_line_that_never_comes_is_told_apart_from_an_end() {
        let child = shell("echo said; sleep 30");
        let late =
            child.wait_for_line("a sign", Duration::from_millis(300), |l| l == "x").await.unwrap_err().to_string();
        assert!(late.contains("no a sign within") && late.contains("said"), "{late}");
        let child = shell("echo last words");
        let over = child.wait_for_line("a sign", Duration::from_secs(5), |l| l == "x").await.unwrap_err().to_string();
        assert!(over.contains("ended before a sign") && over.contains("last words"), "{over}");
    }

    #[tokio::test]
    async fn terminate_lets_the_process_end_itself() {
        let mut child = shell("trap 'echo bye; exit 3' TERM; echo up; while :; do sleep 0.05; done");
        child.wait_for_line("up", Duration::from_secs(5), |l| l == "up").await.unwrap();
        assert_eq!(child.terminate().await.unwrap().code(), Some(3));
        child.wait_for_line("bye", Duration::from_secs(5), |l| l == "bye").await.unwrap();
        assert_eq!(child.terminate().await.unwrap().code(), Some(3), "a second time is harmless");
    }

    #[tokio::test]
    async fn kill_and_drop_take_the_grandchildren_along() {
        for by_drop in [false, true] {
            let mut child = shell("sleep 60 & echo $!; wait");
            let pid = child.wait_for_line("pid", Duration::from_secs(5), |l| !l.is_empty()).await.unwrap();
            assert!(alive(&pid));
            if by_drop {
                drop(child);
            } else {
                assert_eq!(child.kill().await.unwrap().code(), None);
            }
            assert!(dies(&pid).await, "by_drop {by_drop}");
        }
    }

    #[tokio::test]
    async fn a_real_server_tells_its_facts_and_ends_cleanly() {
        if Tool::Real.or_skip("a_real_server_tells_its_facts_and_ends_cleanly").is_none() {
            return;
        }
        let callback = "http://127.0.0.1:9/cb";
        let mut server =
            RealServer::start("oidc.mjs", &["--client-id", "c", "--redirect-uri", callback]).await.unwrap();
        assert_eq!(server.facts["redirectUris"][0], callback);
        assert_eq!(server.child.terminate().await.unwrap().code(), Some(0));
    }

    #[test]
    fn ports_are_free_and_a_missing_program_is_named() {
        assert_ne!(free_port().unwrap(), 0);
        let error = Child::spawn(Command::new("/no/such/program")).unwrap_err().to_string();
        assert!(error.contains("/no/such/program"), "{error}");
    }
}
