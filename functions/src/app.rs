//! What handlers work with, wired in one visible place.

use std::sync::Arc;

use cloud::auth::{AuthConfig, Authenticator};
use cloud::http::Gate;
use cloud::sdk::AwsConfig;
use cloud::vault::{KeyService, KmsKeys, NoKeys, Vault};
use cloud::{Bus, Doorbell, EventBridge, Queues, Table};
use domain::Clock;
use jiff::{SignedDuration, Timestamp};
use outbound::{NoProbe, Outbound, Probe, UpstreamConfig};
use platforms::Platforms;

use crate::analytics::access::Noted;
use crate::analytics::zone::Zones;
use crate::posts::limits::Limits;
use crate::schedules::ring_due::Rung;
use crate::settings::Settings;
use crate::workers::publish::rush::Rush;

/// What handlers work with.
pub struct App {
    /// The table: the truth.
    pub table: Table,
    /// The queues: a doorbell.
    pub doorbell: Arc<dyn Doorbell>,
    /// Tells the outside of what happened.
    pub bus: Arc<dyn Bus>,
    /// Seals and opens tokens.
    pub vault: Vault,
    /// The door to the platforms.
    pub outbound: Arc<Outbound>,
    /// The platforms.
    pub platforms: Platforms,
    /// What servers of federated platforms said of their limits.
    pub limits: Limits,
    /// The zones of workspaces.
    pub zones: Zones,
    /// Accesses to figures that were noted this hour.
    pub noted: Noted,
    /// The submissions that are under way.
    pub rush: Rush,
    /// Up to when `ring_due` has rung.
    pub rung: Rung,
    /// What every request passes.
    pub gate: Gate,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// The configuration.
    pub settings: Settings,
}

/// What differs between Lambda and a laptop.
pub struct Parts {
    /// The AWS clients' configuration.
    pub aws: AwsConfig,
    /// Rings workers; `None`: SQS.
    pub doorbell: Option<Arc<dyn Doorbell>>,
    /// Tells the outside; `None`: EventBridge.
    pub bus: Option<Arc<dyn Bus>>,
    /// Wraps data keys; `None`: KMS.
    pub keys: Option<Arc<dyn KeyService>>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Is told of every call that leaves the process.
    pub probe: Arc<dyn Probe>,
}

/// A configuration that cannot be used; the text names the variable.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct InvalidConfiguration(pub String);

impl App {
    /// Wires everything from the environment that `get` reads.
    ///
    /// # Errors
    /// [`InvalidConfiguration`] names the variable that is missing or malformed.
    pub fn new(get: &dyn Fn(&str) -> Option<String>, parts: Parts) -> Result<Self, InvalidConfiguration> {
        let invalid = |error: &dyn std::fmt::Display| InvalidConfiguration(error.to_string());
        cloud::auth::install();
        let settings = Settings::from_env(get)?;
        let sdk = parts.aws.sdk_config(Arc::clone(&parts.probe));
        let name = cloud::config::required(get, "HERALD_TABLE").map_err(|error| invalid(&error))?;
        let table = Table::new(aws_sdk_dynamodb::Client::new(&sdk), name, settings.due_shards);
        let upstream = UpstreamConfig::from_env(get).map_err(|error| invalid(&error))?;
        let outbound = Arc::new(Outbound::with_probe(upstream, parts.probe));
        let doorbell = match parts.doorbell {
            Some(doorbell) => doorbell,
            None => Arc::new(Queues::from_env(sdk.clone(), get)),
        };
        let bus = match parts.bus {
            Some(bus) => bus,
            None => Arc::new(EventBridge::from_env(sdk.clone(), get)),
        };
        let keys: Arc<dyn KeyService> = match parts.keys {
            Some(keys) => keys,
            None => match get("HERALD_KMS_KEY").filter(|key| !key.is_empty()) {
                Some(key) => Arc::new(KmsKeys::new(aws_sdk_kms::Client::new(&sdk), key)),
                // A function that never opens a token has no key, and needs no client.
                None => Arc::new(NoKeys),
            },
        };
        let auth = AuthConfig::from_env(get).map_err(|error| invalid(&error))?;
        let clock = parts.clock;
        let authenticator = Authenticator::new(auth, table.clone(), Arc::clone(&outbound), Arc::clone(&clock));
        Ok(Self {
            vault: Vault::new(keys, Arc::clone(&clock)),
            gate: Gate::new(authenticator, table.clone(), Arc::clone(&clock)),
            platforms: Platforms::default(),
            table,
            doorbell,
            bus,
            limits: Limits::default(),
            zones: Zones::default(),
            noted: Noted::default(),
            rush: Rush::default(),
            rung: Rung::default(),
            outbound,
            clock,
            settings,
        })
    }

    /// Wires everything as Lambda sees it.
    ///
    /// # Errors
    /// As [`App::new`].
    pub fn from_lambda_env(get: &dyn Fn(&str) -> Option<String>) -> Result<Self, InvalidConfiguration> {
        let aws = AwsConfig::from_env(get).map_err(|error| InvalidConfiguration(error.to_string()))?;
        let parts = Parts {
            aws,
            doorbell: None,
            bus: None,
            keys: None,
            clock: Arc::new(SystemClock),
            probe: Arc::new(NoProbe),
        };
        Self::new(get, parts)
    }

    /// Now, in whole milliseconds.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.clock.now_ms()
    }

    /// When the first attempt of a sync starts that is asked for at `at`.
    #[must_use]
    pub fn first_attempt(&self, at: Timestamp) -> Timestamp {
        let wait = SignedDuration::try_from(self.settings.retry.first_wait()).unwrap_or(SignedDuration::ZERO);
        at.saturating_add(wait).unwrap_or(at)
    }
}

/// The machine's clock.
#[derive(Debug, Clone, Copy)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the one clock that reads the machine's")]
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
}
