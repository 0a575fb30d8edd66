//! The whole bundle in one process, put together from the template.

use std::collections::BTreeMap;
use std::fs::{self, File, TryLockError};
use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::fs::DirBuilderExt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::serve::ListenerExt;
use cloud::audit::Audit;
use cloud::sdk::AwsConfig;
use cloud::table::talents::{self, Talent};
use cloud::vault::LocalKeys;
use domain::due::WorkKind;
use domain::{Caller, Clock, Role, SubjectId, TalentId, WorkspaceId};
use functions::App;
use functions::app::Parts;
use functions::handlers::{self, Handler};
use jiff::SignedDuration;
use outbound::{NoProbe, Probe};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::bus::LocalBus;
use crate::clock::LocalClock;
use crate::control::{self, Control};
use crate::crossings::{Crossings, ObservedKeys};
use crate::database::Database;
use crate::doorbell::LocalDoorbell;
use crate::faults::Faults;
use crate::gateway::{self, Gateway};
use crate::login::Grants;
use crate::permissions::Permissions;
use crate::poller::Poller;
use crate::queue::LocalQueue;
use crate::routes::Routes;
use crate::schedule::{Expression, Schedule};
use crate::template::{Event, Function, TEMPLATE, Template};
use crate::token::{Issuer, Wanted};
use crate::world::{self, Variables};
use crate::{simulated, tables};

/// How long work that is under way may go on after a stop was asked for.
const GRACE: Duration = Duration::from_secs(5);

/// What the operator decides.
#[derive(Debug, Clone)]
pub struct Options {
    /// `HERALD_PORT`: the gateway's port on 127.0.0.1; 0 for any that is free.
    pub port: u16,
    /// `HERALD_DATA`: the data folder.
    pub data: PathBuf,
    /// `HERALD_CLOCK_ADVANCE`: seconds by which the clock is ahead from the start; for tests.
    pub clock_advance_s: i64,
    /// The template's text.
    pub template: String,
    /// Every `HERALD_*` variable that was set.
    pub env: Variables,
}

/// Why the stack cannot start; the text says what to do where something can be done.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct StartError(String);

impl StartError {
    fn because(error: impl std::fmt::Display) -> Self {
        Self(error.to_string())
    }
}

impl Options {
    /// Reads the variables.
    ///
    /// # Errors
    /// [`StartError`] names the variable that is malformed.
    pub fn from_env(vars: impl Iterator<Item = (String, String)>) -> Result<Self, StartError> {
        let env: Variables = vars.filter(|(name, _)| name.starts_with("HERALD_")).collect();
        let set = |name: &str| env.get(name).filter(|value| !value.is_empty());
        let wrong = |name: &str, rule: &str| StartError(format!("{name} must be {rule}"));
        Ok(Self {
            port: set("HERALD_PORT")
                .map_or(Ok(4000), |text| text.parse().map_err(|_| wrong("HERALD_PORT", "a port")))?,
            data: set("HERALD_DATA").map_or(".herald", String::as_str).into(),
            clock_advance_s: set("HERALD_CLOCK_ADVANCE")
                .map_or(Ok(0), |text| text.parse().map_err(|_| wrong("HERALD_CLOCK_ADVANCE", "whole seconds")))?,
            template: TEMPLATE.to_owned(),
            env,
        })
    }

    /// Makes the data folder, and opens the log in it that is added to.
    ///
    /// # Errors
    /// [`StartError`].
    pub fn log_file(&self) -> Result<File, StartError> {
        let failed = |error| StartError(format!("{}: {error}", self.data.display()));
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&self.data).map_err(failed)?;
        File::options().create(true).append(true).open(self.data.join("herald.log")).map_err(failed)
    }
}

/// The running bundle.
pub struct Stack {
    /// `http://127.0.0.1:{port}`
    pub origin: String,
    /// The control plane: tokens, clock, faults.
    pub control: Arc<Control>,
    /// What handlers work with.
    pub app: Arc<App>,
    stop: watch::Sender<bool>,
    tasks: JoinSet<()>,
    database: Database,
    _lock: File,
}

impl Stack {
    /// Starts everything; the gateway answers when this returns.
    ///
    /// # Errors
    /// [`StartError`].
    pub async fn start(options: Options) -> Result<Self, StartError> {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&options.data).map_err(StartError::because)?;
        let lock = lock(&options)?;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, options.port)).await.map_err(|error| {
            StartError(format!("port {} cannot be used ({error}); set HERALD_PORT to another", options.port))
        })?;
        let address: SocketAddr = listener.local_addr().map_err(StartError::because)?;
        let origin = format!("http://{address}");
        let parameters = world::parameters(&options.env, &origin);
        let template = Template::parse(&options.template, &parameters).map_err(StartError::because)?;
        let simulator = match world::wants_simulator(&options.env) {
            true => Some(simulated::start(&options.data.join("simulator.json")).map_err(StartError::because)?),
            false => None,
        };
        let variables = world::variables(&options.env, template.environment(), &origin, simulator.as_deref());

        let database = Database::start(&options.data.join("database.sqlite")).map_err(StartError::because)?;
        let aws = AwsConfig::local(format!("http://{}", database.address));
        let client = aws_sdk_dynamodb::Client::new(&aws.sdk_config(Arc::new(NoProbe)));
        for table in &template.tables {
            tables::ensure(&client, table).await.map_err(StartError::because)?;
        }

        let clock = Arc::new(LocalClock::ahead_by(SignedDuration::from_secs(options.clock_advance_s)));
        let (crossings, faults) = (Arc::new(Crossings::default()), Arc::new(Faults::with(Permissions::of(&template))));
        let probe: Arc<dyn Probe> = Arc::clone(&crossings) as Arc<dyn Probe>;
        let queues = queues(&template, &variables, &clock)?;
        let keys = LocalKeys::open_or_create(&options.data.join("keys.json")).map_err(StartError::because)?;
        let bus = Arc::new(
            LocalBus::open(&options.data.join("events.jsonl"), Arc::clone(&probe)).map_err(StartError::because)?,
        );
        let parts = Parts {
            aws: aws.with_interference(Arc::clone(&faults) as Arc<dyn cloud::sdk::Interference>),
            doorbell: Some(Arc::new(LocalDoorbell::new(queues.clone(), Arc::clone(&faults), Arc::clone(&probe)))),
            bus: Some(Arc::clone(&bus) as Arc<dyn cloud::Bus>),
            keys: Some(Arc::new(ObservedKeys::new(keys, Arc::clone(&probe)))),
            clock: Arc::clone(&clock) as Arc<dyn Clock>,
            probe,
        };
        let app = Arc::new(App::new(&|name| variables.get(name).cloned(), parts).map_err(StartError::because)?);

        let schedules = schedules(&template, &app, &clock)?;
        let control = Arc::new(Control {
            issuer: issuer(&options, &variables, &origin)?,
            grants: Grants::default(),
            public_origin: app.settings.public_url.origin().ascii_serialization(),
            clock: Arc::clone(&clock),
            crossings,
            faults: Arc::clone(&faults),
            bus,
            schedules: schedules.iter().map(|schedule| (schedule.handler.name, Arc::clone(schedule))).collect(),
            queues: queues.iter().map(|(kind, queue)| (kind.as_str(), Arc::clone(queue))).collect(),
            simulator,
            database: format!("http://{}", database.address),
        });
        let mut tasks = JoinSet::new();
        let stop = watch::Sender::new(false);
        let gateway = Gateway {
            app: Arc::clone(&app),
            routes: Routes::new(&template).map_err(|name| StartError(format!("no handler is named {name:?}")))?,
            cors: template.cors.clone(),
            clock,
        };
        tasks.spawn(serve(listener, control::router(Arc::clone(&control)), gateway, stop.subscribe()));
        for poller in pollers(&template, &app, &queues, &faults)? {
            tasks.spawn(poller.run(stop.subscribe()));
        }
        // The issuer's keys are fetched over HTTP like any other issuer's, so the gateway has to answer first.
        run_once(&schedules).await;
        for schedule in schedules {
            let stop = stop.subscribe();
            tasks.spawn(async move { schedule.run(stop).await });
        }
        Ok(Self { origin, control, app, stop, tasks, database, _lock: lock })
    }

    /// A token of this machine's issuer.
    ///
    /// # Errors
    /// [`StartError`] when the key cannot sign.
    pub fn token(&self, wanted: &Wanted) -> Result<String, StartError> {
        self.control.issuer.token(wanted, self.control.clock.now()).map_err(StartError::because)
    }

    /// Makes the talent that the log-in page and the examples name, unless it is there.
    ///
    /// # Errors
    /// [`StartError`].
    pub async fn welcome_the_demo_talent(&self) -> Result<(), StartError> {
        let workspace = WorkspaceId::parse("demo").map_err(StartError::because)?;
        let subject = SubjectId::parse("local|admin").map_err(StartError::because)?;
        let id = TalentId::parse("talent_demo").map_err(StartError::because)?;
        if talents::get(&self.app.table, &workspace, &id).await.map_err(StartError::because)?.is_some() {
            return Ok(());
        }
        let caller = Caller { workspace, subject, role: Role::Admin, talent: None };
        let now = self.control.clock.now_ms();
        let audit = Audit::new(&caller, Some(&id), "talent.save", id.as_str(), now, "start");
        let talent = Talent { id, name: "Demo Talent".to_owned(), created_at: now };
        talents::save(&self.app.table, &caller.workspace, &talent, &audit, None).await.map_err(StartError::because)?;
        Ok(())
    }

    /// Takes no more requests and messages, lets what is under way end, and closes the database.
    pub async fn stop(mut self) {
        self.stop.send_replace(true);
        let ended = tokio::time::timeout(GRACE, async { while self.tasks.join_next().await.is_some() {} }).await;
        if ended.is_err() {
            tracing::warn!("work under way did not end in time; it comes due again");
            self.tasks.abort_all();
        }
        let database = self.database;
        let closed = tokio::task::spawn_blocking(move || database.stop());
        let _ = tokio::time::timeout(GRACE, closed).await;
    }
}

/// Two stacks on one folder would each believe that the queues are its own.
fn lock(options: &Options) -> Result<File, StartError> {
    let path = options.data.join("lock");
    let file = File::options().create(true).truncate(false).write(true).open(&path).map_err(StartError::because)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => {
            let folder = options.data.display();
            Err(StartError(format!("another stack works in {folder}; stop it, or set HERALD_DATA to another folder")))
        }
        Err(TryLockError::Error(error)) => Err(StartError(format!("{}: {error}", path.display()))),
    }
}

fn issuer(options: &Options, variables: &Variables, origin: &str) -> Result<Issuer, StartError> {
    let claims = ["WORKSPACE", "ROLE", "TALENT"].map(|claim| {
        let claim_name = variables.get(&format!("HERALD_CLAIM_{claim}")).cloned();
        claim_name.unwrap_or_else(|| format!("herald_{}", claim.to_lowercase()))
    });
    let audience = variables.get("HERALD_AUDIENCE").cloned().unwrap_or_default();
    Issuer::open_or_create(&options.data.join("issuer.key"), format!("{origin}/local"), audience, claims)
        .map_err(StartError::because)
}

type Queues = BTreeMap<WorkKind, Arc<LocalQueue>>;

/// The queue that each kind's variable names.
fn queues(template: &Template, variables: &Variables, clock: &Arc<LocalClock>) -> Result<Queues, StartError> {
    WorkKind::ALL
        .into_iter()
        .map(|kind| {
            let variable = format!("HERALD_QUEUE_{}", kind.as_str().to_uppercase());
            let id = variables.get(&variable).ok_or_else(|| StartError(format!("no function has {variable}")))?;
            let model = template.queues.iter().find(|queue| queue.id == *id);
            let model = model.ok_or_else(|| StartError(format!("{variable} names {id}, which is no queue")))?;
            Ok((kind, Arc::new(LocalQueue::new(model, Arc::clone(clock)))))
        })
        .collect()
}

fn handler(function: &Function) -> Result<&'static Handler, StartError> {
    handlers::find(&function.handler).ok_or_else(|| StartError(format!("no handler is named {:?}", function.handler)))
}

fn pollers(
    template: &Template,
    app: &Arc<App>,
    queues: &Queues,
    faults: &Arc<Faults>,
) -> Result<Vec<Poller>, StartError> {
    let mut pollers = Vec::new();
    for function in &template.functions {
        for event in &function.events {
            let Event::Queue { queue, batch_size, concurrency, .. } = event else { continue };
            let queue = queues.values().find(|known| known.name == *queue);
            pollers.push(Poller {
                app: Arc::clone(app),
                handler: handler(function)?,
                queue: queue
                    .map(Arc::clone)
                    .ok_or_else(|| StartError(format!("{} polls no known queue", function.id)))?,
                batch_size: *batch_size,
                concurrency: *concurrency,
                timeout: Duration::from_secs(function.timeout_s),
                faults: Arc::clone(faults),
            });
        }
    }
    Ok(pollers)
}

fn schedules(template: &Template, app: &Arc<App>, clock: &Arc<LocalClock>) -> Result<Vec<Arc<Schedule>>, StartError> {
    let mut schedules = Vec::new();
    for function in &template.functions {
        for event in &function.events {
            let Event::Schedule { expression, input, .. } = event else { continue };
            let unreadable = || StartError(format!("{}: {expression} cannot be followed", function.id));
            schedules.push(Arc::new(Schedule {
                app: Arc::clone(app),
                handler: handler(function)?,
                expression: Expression::parse(expression).ok_or_else(unreadable)?,
                input: input.clone().unwrap_or_else(|| "{}".to_owned()),
                timeout: Duration::from_secs(function.timeout_s),
                clock: Arc::clone(clock),
            }));
        }
    }
    Ok(schedules)
}

/// Every schedule once, side by side, so that what was missed while nothing ran is made up for.
async fn run_once(schedules: &[Arc<Schedule>]) {
    let mut runs = JoinSet::new();
    for schedule in schedules.iter().map(Arc::clone) {
        runs.spawn(async move {
            if let Err(error) = schedule.run_once().await {
                tracing::error!(handler = schedule.handler.name, %error, "the schedule failed at the start");
            }
        });
    }
    if tokio::time::timeout(GRACE, async { while runs.join_next().await.is_some() {} }).await.is_err() {
        runs.detach_all();
    }
}

async fn serve(listener: TcpListener, control: Router, gateway: Gateway, mut stop: watch::Receiver<bool>) {
    let router = control.fallback_service(Router::new().fallback(gateway::handle).with_state(Arc::new(gateway)));
    // Without it, the second half of a small answer waits for the first one's acknowledgement.
    let listener = listener.tap_io(|stream| drop(stream.set_nodelay(true)));
    let stopped = async move { drop(stop.wait_for(|stop| *stop).await) };
    if let Err(error) = axum::serve(listener, router).with_graceful_shutdown(stopped).await {
        tracing::error!(%error, "the gateway stopped");
    }
}
