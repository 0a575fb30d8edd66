//! Herald's types and rules: no I/O, no async, no AWS or HTTP.
//!
//! What the words mean is decided here; `platforms` and `cloud` only carry them in and out.

pub mod analytics;
pub mod caller;
pub mod clock;
pub mod connection;
pub mod content;
pub mod cursor;
pub mod delivery;
pub mod due;
pub mod failure;
pub mod handle;
pub mod ids;
pub mod metric;
pub mod platform;
pub mod post;
pub mod profile;
pub mod publication;
pub mod return_to;
pub mod schedule;
pub mod secret;
pub mod sync;
pub mod tokens;

pub use caller::{Caller, Role};
pub use clock::Clock;
pub use connection::{Connection, ConnectionType};
pub use delivery::DeliveryStatus;
pub use failure::{Effect, Failure, Kind};
pub use ids::{BulkId, ConnectionId, DeliveryId, InvalidId, PostId, SubjectId, TalentId, WorkspaceId};
pub use metric::Metric;
pub use platform::Platform;
pub use post::{Post, PostStatus};
pub use profile::{AccountType, Profile};
pub use publication::{MediaType, Publication};
pub use secret::Secret;
pub use sync::{SyncErrorCode, SyncEvent, SyncStatus};
pub use tokens::TokenSet;
