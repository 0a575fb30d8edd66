//! The table of handlers: the name in `template.yaml`, and the function behind it.

use cloud::doorbell::Ring;
use cloud::http::{Access, ApiError, MAX_BODY, Request, Response};
use cloud::table::StoreError;
use domain::due::WorkKind;
use futures_util::future::BoxFuture;

use crate::App;
use crate::{
    analytics, api_keys, audit, competitors, connections, console, oauth, ops, posts, schedules, talents, workers,
    workspace,
};

/// Answers a request.
pub type HttpFn = for<'a> fn(&'a App, Request) -> BoxFuture<'a, Result<Response, ApiError>>;
/// Does the work of one row. An error puts the message back, and means only that the table cannot answer.
pub type QueueFn = for<'a> fn(&'a App, Ring) -> BoxFuture<'a, Result<(), StoreError>>;
/// Does periodic work.
pub type ScheduleFn = for<'a> fn(&'a App) -> BoxFuture<'a, Result<(), ApiError>>;

/// How a handler is called.
#[derive(Clone, Copy)]
pub enum Run {
    /// By API Gateway.
    Http(Access, HttpFn),
    /// By a queue.
    Queue(WorkKind, QueueFn),
    /// By a schedule.
    Schedule(ScheduleFn),
}

/// A function of the bundle.
#[derive(Clone, Copy)]
pub struct Handler {
    /// `area.route`: `Handler:` in the template, the module path, the event file.
    pub name: &'static str,
    /// How it is called.
    pub run: Run,
    /// The largest body of a request, in bytes.
    pub most_body: usize,
}

macro_rules! http {
    ($access:ident $area:ident . $route:ident) => {
        http!($access $area.$route, MAX_BODY)
    };
    ($access:ident $area:ident . $route:ident, $most_body:expr) => {
        Handler {
            name: concat!(stringify!($area), ".", stringify!($route)),
            run: Run::Http(Access::$access, |app, request| Box::pin($area::$route::handle(app, request))),
            most_body: $most_body,
        }
    };
}

macro_rules! queue {
    ($kind:ident workers . $route:ident) => {
        Handler {
            name: concat!("workers.", stringify!($route)),
            run: Run::Queue(WorkKind::$kind, |app, ring| Box::pin(workers::$route::handle(app, ring))),
            most_body: 0,
        }
    };
}

macro_rules! schedule {
    (schedules . $route:ident) => {
        Handler {
            name: concat!("schedules.", stringify!($route)),
            run: Run::Schedule(|app| Box::pin(schedules::$route::handle(app))),
            most_body: 0,
        }
    };
}

/// Every handler. A test compares it with the template in both directions.
pub const HANDLERS: &[Handler] = &[
    http!(Caller talents.save),
    http!(Caller talents.list),
    http!(Caller talents.social_intelligence),
    http!(Caller connections.connect_manual),
    http!(Caller connections.hand_over),
    http!(Caller connections.list),
    http!(Caller connections.sync),
    http!(Caller connections.remove),
    http!(Caller connections.pause),
    http!(Caller connections.resume),
    http!(Caller connections.disconnect),
    http!(Caller oauth.connect),
    http!(Public oauth.callback),
    http!(Public oauth.client_metadata),
    http!(Caller posts.create),
    http!(Caller posts.schedule),
    http!(Caller posts.publish),
    http!(Caller posts.validate),
    http!(Caller posts.bulk, posts::bulk::MOST_BODY),
    http!(Caller posts.bulk_report),
    http!(Caller posts.list),
    http!(Caller posts.get),
    http!(Caller posts.update),
    http!(Caller posts.cancel),
    http!(Caller posts.remove),
    http!(Caller posts.retry),
    http!(Caller posts.archive),
    http!(Caller posts.resolve),
    http!(Caller analytics.get),
    http!(Caller analytics.summary),
    http!(Caller analytics.posts),
    http!(Caller analytics.audience),
    http!(Caller analytics.trends),
    http!(Caller analytics.best_times),
    http!(Caller analytics.forecast),
    http!(Caller analytics.benchmarks),
    http!(Caller analytics.recommendations),
    http!(Caller analytics.export),
    http!(Caller competitors.list),
    http!(Caller competitors.add),
    http!(Caller competitors.remove),
    http!(Caller workspace.update),
    http!(Caller api_keys.create),
    http!(Caller api_keys.list),
    http!(Caller api_keys.revoke),
    http!(Caller audit.list),
    http!(Caller ops.queue_stats),
    http!(Caller ops.redrive),
    http!(Caller ops.capabilities),
    http!(Public ops.health),
    http!(Public console.files),
    queue!(Ingest workers.ingest),
    queue!(Refresh workers.refresh),
    queue!(Erase workers.erase),
    queue!(Publish workers.publish),
    queue!(Notify workers.notify),
    queue!(Bulk workers.bulk),
    queue!(Sweep workers.sweep),
    schedule!(schedules.ring_due),
    schedule!(schedules.fetch_jwks),
    schedule!(schedules.count_states),
    schedule!(schedules.analytics_sweep),
];

/// The handler that the template names.
#[must_use]
pub fn find(name: &str) -> Option<&'static Handler> {
    HANDLERS.iter().find(|handler| handler.name == name)
}
