//! What the template says, in types.

use std::collections::{BTreeMap, BTreeSet};

use crate::permissions::Right;

/// A function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Function {
    /// The logical id.
    pub id: String,
    /// `Handler:`, the name in the table of handlers.
    pub handler: String,
    /// Seconds after which Lambda ends it.
    pub timeout_s: u64,
    /// Its variables, the global ones included. A value that only AWS knows is the logical id it refers to.
    pub environment: BTreeMap<String, String>,
    /// What calls it.
    pub events: Vec<Event>,
    /// What its policy lets it do with the table.
    pub rights: BTreeSet<Right>,
}

/// What calls a function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A route of the API.
    Http {
        /// The method, or `ANY`.
        method: String,
        /// The path with its `{parameters}`.
        path: String,
    },
    /// A queue.
    Queue {
        /// The queue's logical id.
        queue: String,
        /// The most messages of one call.
        batch_size: usize,
        /// The most calls at a time.
        concurrency: usize,
        /// Whether the answer names the messages that failed.
        reports_failures: bool,
    },
    /// A schedule.
    Schedule {
        /// The name as it is written, before the stack's name is put in.
        name: Option<String>,
        /// `rate(…)` or `cron(…)`.
        expression: String,
        /// What it hands over, as JSON text.
        input: Option<String>,
    },
}

/// A queue and its dead-letter queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Queue {
    /// The logical id.
    pub id: String,
    /// Seconds for which a received message is hidden.
    pub visibility_s: i64,
    /// The dead-letter queue's logical id.
    pub dead_letters: String,
    /// How often a message is received before it goes there.
    pub max_receives: u32,
}

/// A table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableModel {
    /// The logical id, which is the table's name on this machine.
    pub id: String,
    /// The types of the key attributes: `S` or `N`.
    pub attributes: Vec<(String, String)>,
    /// Its own keys.
    pub keys: KeyPair,
    /// Its indexes.
    pub indexes: Vec<Index>,
    /// The attribute with the second after which a row is gone.
    pub ttl: Option<String>,
}

/// Partition and sort key.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct KeyPair {
    /// The partition key.
    pub hash: String,
    /// The sort key.
    pub range: Option<String>,
}

/// An index of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Index {
    /// The name.
    pub name: String,
    /// Its keys.
    pub keys: KeyPair,
    /// `KEYS_ONLY`, `INCLUDE` or `ALL`.
    pub projection: String,
    /// With `INCLUDE`, which other attributes it carries.
    pub included: Vec<String>,
}

/// The API's `CorsConfiguration`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Cors {
    /// Origins, or `*`.
    pub allow_origins: Vec<String>,
    /// Methods.
    pub allow_methods: Vec<String>,
    /// Headers of requests.
    pub allow_headers: Vec<String>,
    /// Headers of answers that a script may read.
    pub expose_headers: Vec<String>,
    /// Seconds for which a browser may remember it.
    pub max_age_s: Option<i64>,
}
