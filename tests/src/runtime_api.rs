//! The Lambda Runtime API, as small as it can be, to measure what the emulator does not report.
//!
//! [`Runtime::start`] spawns a bootstrap as Lambda would and takes the time until it asks for its
//! first event; [`Runtime::invoke`] hands out one event and takes the time until the answer. CPU
//! time is the scheduler's own count in nanoseconds, memory the kernel's high-water mark. The
//! server has a thread of its own, so a busy test does not lengthen what it measures.

use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path as PathArgument, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde_json::Value;
use tokio::sync::{Mutex as AsyncMutex, mpsc, oneshot};

use crate::process::{Child, Result};

const START_WITHIN: Duration = Duration::from_secs(20);
const ANSWER_WITHIN: Duration = Duration::from_secs(60);
/// Lambda's own limit for an answer is 6 MB; a little more, so that the stub is not the judge.
const BODY_LIMIT: usize = 8 * 1024 * 1024;

/// What a process had used at one moment of its life.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    /// CPU time of all living threads since the start. A thread that has ended is not counted.
    pub cpu: Duration,
    /// The highest resident memory so far (`VmHWM`), in KiB.
    pub peak_rss_kib: u64,
}

/// The time from the spawn to the first request for an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Startup {
    /// Wall time, with fork and exec.
    pub wall: Duration,
    /// Used when the first request for an event arrived.
    pub usage: Usage,
}

/// One event and its answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Invocation {
    /// The id that the function was given.
    pub request_id: String,
    /// The answer; null after an error, and text where the answer is not JSON.
    pub response: Value,
    /// What the function reported to `/error`, if it did.
    pub error: Option<Value>,
    /// From handing out the event to the arrival of the answer.
    pub duration: Duration,
    /// Used when the answer arrived; the difference of two tells the cost of one call.
    pub usage: Usage,
}

/// A bootstrap under the stub. Dropping it kills the process.
#[derive(Debug)]
pub struct Runtime {
    child: Child,
    shared: Arc<Shared>,
    events: mpsc::UnboundedSender<Event>,
    startup: Startup,
    sent: u64,
    stop: Option<oneshot::Sender<()>>,
    server: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Event {
    id: String,
    body: Vec<u8>,
    within: Duration,
}

#[derive(Debug)]
struct Answered {
    at: Instant,
    usage: Usage,
    outcome: std::result::Result<Value, Value>,
}

/// The first request for an event, or the initialisation error.
type Started = std::result::Result<(Instant, Usage), Value>;

#[derive(Debug)]
struct Pending {
    handed_out: Option<Instant>,
    answer: oneshot::Sender<(Instant, Answered)>,
}

#[derive(Debug)]
struct Shared {
    pid: AtomicU32,
    events: AsyncMutex<mpsc::UnboundedReceiver<Event>>,
    started: Mutex<Option<oneshot::Sender<Started>>>,
    pending: Mutex<HashMap<String, Pending>>,
}

impl Runtime {
    /// Starts `bootstrap` with `_HANDLER` and nothing of this process's environment but `PATH`;
    /// `environment` is added last. Fails when it reports an initialisation error or ends.
    pub async fn start(bootstrap: &Path, handler: &str, environment: &[(&str, &str)]) -> Result<Self> {
        let (events, receiver) = mpsc::unbounded_channel();
        let (started, ready) = oneshot::channel();
        let shared = Arc::new(Shared {
            pid: AtomicU32::new(0),
            events: AsyncMutex::new(receiver),
            started: Mutex::new(Some(started)),
            pending: Mutex::default(),
        });
        let (stop, stopped) = oneshot::channel();
        let (address, server) = serve(Arc::clone(&shared), stopped)?;

        let mut command = Command::new(bootstrap);
        command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.envs(lambda_environment(address, handler)).envs(environment.iter().copied());
        let spawned = Instant::now();
        let mut child = Child::spawn(command)?;
        shared.pid.store(child.pid(), Ordering::SeqCst);

        let (at, usage) = tokio::select! {
            said = ready => said?.map_err(|error| format!("the function reported an initialisation error: {error}"))?,
            ended = child.wait(START_WITHIN) => {
                let how = ended?;
                return Err(format!("the bootstrap ended with {how} before it asked for an event; it said:\n{}", child.lines().join("\n")).into());
            }
        };
        let startup = Startup { wall: at.duration_since(spawned), usage };
        Ok(Self { child, shared, events, startup, sent: 0, stop: Some(stop), server: Some(server) })
    }

    /// What the start took.
    pub fn startup(&self) -> Startup {
        self.startup
    }

    /// The process id of the bootstrap.
    pub fn pid(&self) -> u32 {
        self.child.pid()
    }

    /// Everything that the function has logged.
    pub fn lines(&self) -> Vec<String> {
        self.child.lines()
    }

    /// What the process has used by now.
    pub fn usage(&self) -> Usage {
        usage_of(self.child.pid())
    }

    /// Hands out one event and waits for the answer. Fails when the process ends first.
    pub async fn invoke(&mut self, event: &Value) -> Result<Invocation> {
        self.invoke_within(event, ANSWER_WITHIN).await
    }

    /// The same for a function whose timeout is another than most functions'.
    pub async fn invoke_within(&mut self, event: &Value, within: Duration) -> Result<Invocation> {
        self.sent += 1;
        let request_id = format!("00000000-0000-4000-8000-{:012}", self.sent);
        let (answer, answered) = oneshot::channel();
        lock(&self.shared.pending).insert(request_id.clone(), Pending { handed_out: None, answer });
        self.events
            .send(Event { id: request_id.clone(), body: serde_json::to_vec(event)?, within })
            .map_err(|_| "the stub's server is gone")?;
        let (handed_out, answered) = tokio::select! {
            said = answered => said?,
            ended = self.child.wait(within) => {
                let how = ended?;
                return Err(format!("the function ended with {how} instead of an answer; it said:\n{}", self.lines().join("\n")).into());
            }
        };
        let (response, error) = match answered.outcome {
            Ok(response) => (response, None),
            Err(error) => (Value::Null, Some(error)),
        };
        let duration = answered.at.duration_since(handed_out);
        Ok(Invocation { request_id, response, error, duration, usage: answered.usage })
    }

    /// Ends the process and the server. Lambda kills an environment without a word, and so does this.
    pub async fn stop(mut self) -> Result<()> {
        self.child.kill().await?;
        Ok(())
    }
}

impl Drop for Runtime {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
        if let Some(server) = self.server.take() {
            let _ = server.join();
        }
    }
}

/// The variables that Lambda sets; account, region and keys are stand-ins.
fn lambda_environment(address: SocketAddr, handler: &str) -> Vec<(&'static str, String)> {
    let function = handler.replace('.', "-");
    vec![
        ("AWS_LAMBDA_RUNTIME_API", address.to_string()),
        ("_HANDLER", handler.to_owned()),
        ("AWS_LAMBDA_LOG_GROUP_NAME", format!("/aws/lambda/{function}")),
        ("AWS_LAMBDA_LOG_STREAM_NAME", "2026/01/01/[$LATEST]0".to_owned()),
        ("AWS_LAMBDA_FUNCTION_NAME", function),
        ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST".to_owned()),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256".to_owned()),
        ("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand".to_owned()),
        ("AWS_REGION", "us-east-1".to_owned()),
        ("AWS_DEFAULT_REGION", "us-east-1".to_owned()),
        ("AWS_ACCESS_KEY_ID", "AKIDTEST".to_owned()),
        ("AWS_SECRET_ACCESS_KEY", "test".to_owned()),
        ("AWS_SESSION_TOKEN", "test".to_owned()),
        ("LAMBDA_TASK_ROOT", "/var/task".to_owned()),
        ("TZ", ":UTC".to_owned()),
    ]
}

fn serve(shared: Arc<Shared>, stopped: oneshot::Receiver<()>) -> Result<(SocketAddr, JoinHandle<()>)> {
    let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    listener.set_nonblocking(true)?;
    let address = listener.local_addr()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let router = Router::new()
        .route("/2018-06-01/runtime/invocation/next", get(next))
        .route("/2018-06-01/runtime/invocation/{id}/response", post(response))
        .route("/2018-06-01/runtime/invocation/{id}/error", post(error))
        .route("/2018-06-01/runtime/init/error", post(init_error))
        .layer(DefaultBodyLimit::max(BODY_LIMIT))
        .with_state(shared);
    let server = std::thread::spawn(move || {
        runtime.block_on(async move {
            let Ok(listener) = tokio::net::TcpListener::from_std(listener) else { return };
            // The waiting request for an event never ends by itself, so nothing is awaited here.
            tokio::select! {
                _ = axum::serve(listener, router) => {}
                _ = stopped => {}
            }
        });
    });
    Ok((address, server))
}

async fn next(State(shared): State<Arc<Shared>>) -> Response {
    let at = Instant::now();
    if let Some(started) = lock(&shared.started).take() {
        let _ = started.send(Ok((at, shared.usage())));
    }
    let Some(event) = shared.events.lock().await.recv().await else { return StatusCode::GONE.into_response() };
    let mut headers = HeaderMap::new();
    let deadline = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default() + event.within;
    let arn = "arn:aws:lambda:us-east-1:000000000000:function:herald";
    let trace = "Root=1-00000000-000000000000000000000000;Parent=0000000000000000;Sampled=0";
    for (name, value) in [
        ("lambda-runtime-aws-request-id", event.id.as_str()),
        ("lambda-runtime-deadline-ms", deadline.as_millis().to_string().as_str()),
        ("lambda-runtime-invoked-function-arn", arn),
        ("lambda-runtime-trace-id", trace),
        ("content-type", "application/json"),
    ] {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(name, value);
        }
    }
    if let Some(pending) = lock(&shared.pending).get_mut(&event.id) {
        pending.handed_out = Some(Instant::now());
    }
    (headers, event.body).into_response()
}

async fn response(
    State(shared): State<Arc<Shared>>,
    PathArgument(id): PathArgument<String>,
    body: Bytes,
) -> StatusCode {
    shared.answer(&id, Ok(value_of(&body)))
}

async fn error(State(shared): State<Arc<Shared>>, PathArgument(id): PathArgument<String>, body: Bytes) -> StatusCode {
    shared.answer(&id, Err(value_of(&body)))
}

async fn init_error(State(shared): State<Arc<Shared>>, body: Bytes) -> StatusCode {
    if let Some(started) = lock(&shared.started).take() {
        let _ = started.send(Err(value_of(&body)));
    }
    StatusCode::ACCEPTED
}

impl Shared {
    fn usage(&self) -> Usage {
        // The process may ask for its first event before the spawn has returned here.
        let start = Instant::now();
        while self.pid.load(Ordering::SeqCst) == 0 && start.elapsed() < Duration::from_millis(100) {
            std::thread::yield_now();
        }
        usage_of(self.pid.load(Ordering::SeqCst))
    }

    /// Takes the measures before the process is told that its answer arrived.
    fn answer(&self, id: &str, outcome: std::result::Result<Value, Value>) -> StatusCode {
        let at = Instant::now();
        let usage = self.usage();
        let Some(pending) = lock(&self.pending).remove(id) else { return StatusCode::BAD_REQUEST };
        let Some(handed_out) = pending.handed_out else { return StatusCode::BAD_REQUEST };
        let _ = pending.answer.send((handed_out, Answered { at, usage, outcome }));
        StatusCode::ACCEPTED
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// JSON as it is, anything else as text: an answer is data here, never a reason to fail.
fn value_of(body: &[u8]) -> Value {
    serde_json::from_slice(body).unwrap_or_else(|_| Value::String(String::from_utf8_lossy(body).into_owned()))
}

/// CPU time of the living threads (`/proc/{pid}/task/*/schedstat`) and `VmHWM`; zero once it is gone.
pub fn usage_of(pid: u32) -> Usage {
    let tasks = std::fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    let nanoseconds = tasks
        .filter_map(|task| std::fs::read_to_string(task.path().join("schedstat")).ok())
        .filter_map(|stat| stat.split_whitespace().next()?.parse::<u64>().ok())
        .sum();
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.split_whitespace().next()?.parse().ok());
    Usage { cpu: Duration::from_nanos(nanoseconds), peak_rss_kib: peak.unwrap_or_default() }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;
    use std::path::PathBuf;

    use serde_json::json;

    use super::*;

    /// A bootstrap in Python: echoes the event and the handler, fails or ends on request.
    const FAKE: &str = r#"#!/usr/bin/env python3
import json, os, sys, urllib.request
base = "http://" + os.environ["AWS_LAMBDA_RUNTIME_API"] + "/2018-06-01/runtime/"
def post(path, value):
    request = urllib.request.Request(base + path, json.dumps(value).encode(), method="POST")
    assert urllib.request.urlopen(request).status == 202
if os.environ["_HANDLER"] == "broken.start":
    post("init/error", {"errorMessage": "no table", "errorType": "Init"})
    sys.exit(1)
if os.environ["_HANDLER"] == "broken.end":
    sys.exit("no words")
while True:
    with urllib.request.urlopen(base + "invocation/next") as answer:
        event, head = json.loads(answer.read()), answer.headers
    id = head["Lambda-Runtime-Aws-Request-Id"]
    assert int(head["Lambda-Runtime-Deadline-Ms"]) > 1_600_000_000_000
    assert head["Lambda-Runtime-Invoked-Function-Arn"].startswith("arn:aws:lambda:")
    assert head["Lambda-Runtime-Trace-Id"].startswith("Root=")
    print("got", id, flush=True)
    if event.get("do") == "fail":
        post(f"invocation/{id}/error", {"errorMessage": "asked to", "errorType": "Wanted"})
    elif event.get("do") == "end":
        sys.exit(7)
    else:
        for _ in range(event.get("spin", 0)): pass
        post(f"invocation/{id}/response", {"echo": event, "handler": os.environ["_HANDLER"], "extra": os.environ.get("EXTRA")})
"#;

    /// The fake in a folder of its own, because a file that is open for writing cannot be executed.
    fn fake(name: &str) -> Fake {
        let folder = std::env::temp_dir().join(format!("herald-fake-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let file = folder.join("bootstrap");
        std::fs::write(&file, FAKE).unwrap();
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755)).unwrap();
        Fake { folder, file }
    }

    struct Fake {
        folder: PathBuf,
        file: PathBuf,
    }

    impl Drop for Fake {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.folder);
        }
    }

    #[tokio::test]
    async fn events_go_out_and_answers_and_errors_come_back() {
        let mut runtime = Runtime::start(&fake("echo").file, "a.b", &[("EXTRA", "1")]).await.unwrap();
        let startup = runtime.startup();
        assert!(startup.wall > Duration::from_millis(5) && startup.usage.cpu > Duration::from_millis(5), "{startup:?}");
        assert!(startup.usage.peak_rss_kib > 1_000, "{startup:?}");

        let first = runtime.invoke(&json!({"n": 1})).await.unwrap();
        assert_eq!(first.response, json!({"echo": {"n": 1}, "handler": "a.b", "extra": "1"}));
        assert_eq!(first.error, None);
        assert!(first.duration > Duration::ZERO && first.usage.cpu > startup.usage.cpu);

        let failed = runtime.invoke(&json!({"do": "fail"})).await.unwrap();
        assert_eq!(failed.error, Some(json!({"errorMessage": "asked to", "errorType": "Wanted"})));
        assert_eq!(failed.response, Value::Null);

        let busy = runtime.invoke(&json!({"spin": 2_000_000})).await.unwrap();
        assert!(busy.usage.cpu - failed.usage.cpu > Duration::from_millis(5), "{busy:?}");
        assert!(busy.duration > first.duration);
        assert_ne!(busy.request_id, first.request_id);
        assert_eq!(runtime.lines().len(), 3);

        let pid = runtime.pid();
        runtime.stop().await.unwrap();
        assert_eq!(usage_of(pid), Usage::default());
    }

    #[tokio::test]
    async fn a_function_that_ends_is_an_error_and_not_a_wait() {
        let mut runtime = Runtime::start(&fake("end").file, "a.b", &[]).await.unwrap();
        let error = runtime.invoke(&json!({"do": "end"})).await.unwrap_err().to_string();
        assert!(error.contains("exit status: 7") && error.contains("got 00000000"), "{error}");
    }

    #[tokio::test]
    async fn a_start_that_fails_says_why() {
        let told = Runtime::start(&fake("start").file, "broken.start", &[]).await.unwrap_err().to_string();
        assert!(told.contains("no table"), "{told}");
        let silent = Runtime::start(&fake("silent").file, "broken.end", &[]).await.unwrap_err().to_string();
        assert!(silent.contains("exit status: 1") && silent.contains("no words"), "{silent}");
    }
}
