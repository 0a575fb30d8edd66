//! Every key of the table, in one place.
//!
//! A partition is workspace + owner, so a request cannot name another tenant's row; the few `global#` kinds state the
//! workspace inside the row. `#` cannot occur in a workspace, talent or connection id.

use domain::{BulkId, ConnectionId, DeliveryId, Platform, PostId, TalentId, WorkspaceId};
use jiff::Timestamp;

/// The version written into every row; a reader refuses what it does not know.
pub const SCHEMA_VERSION: u32 = 1;

/// The partition of a talent: the talent, its connections, its guards.
#[must_use]
pub fn talent_pk(workspace: &WorkspaceId, talent: &TalentId) -> String {
    format!("w#{workspace}#t#{talent}")
}

/// The talent itself. It sorts before its connections, so one query reads both.
pub const TALENT_SK: &str = "talent";

/// What the sort keys of a talent's connections begin with.
pub const CONNECTION_PREFIX: &str = "talent#conn#";

/// A connection.
#[must_use]
pub fn connection_sk(id: &ConnectionId) -> String {
    format!("{CONNECTION_PREFIX}{id}")
}

/// The guard that lets a talent link an account once, by handle.
#[must_use]
pub fn handle_guard_sk(platform: Platform, handle: &str) -> String {
    format!("account#{platform}#handle#{handle}")
}

/// The guard that lets a talent link an account once, by the platform's own id.
#[must_use]
pub fn account_guard_sk(platform: Platform, account_id: &str) -> String {
    format!("account#{platform}#id#{account_id}")
}

/// The partition of a connection: its tokens, its publications, what is left to erase.
#[must_use]
pub fn connection_pk(workspace: &WorkspaceId, id: &ConnectionId) -> String {
    format!("w#{workspace}#c#{id}")
}

/// The sealed tokens of a connection.
pub const TOKENS_SK: &str = "tokens";

/// What the sort keys of a connection's publications begin with.
pub const PUBLICATION_PREFIX: &str = "pub#";

/// A publication. The time comes first, so that a query reads them by time.
#[must_use]
pub fn publication_sk(posted_at: Timestamp, external_id: &str) -> String {
    format!("{PUBLICATION_PREFIX}{posted_at:.0}#{external_id}")
}

/// What the sort keys begin with that say whose a post on the platform is.
pub const LIVE_PREFIX: &str = "live#";

/// Whose the post with this id on the platform is.
#[must_use]
pub fn live_sk(platform_post_id: &str) -> String {
    // A server of the Mastodon API chooses its ids itself, and a sort key has at most 1,024 bytes.
    if platform_post_id.len() <= 400 {
        return format!("{LIVE_PREFIX}{platform_post_id}");
    }
    let digest = ring::digest::digest(&ring::digest::SHA256, platform_post_id.as_bytes());
    format!("{LIVE_PREFIX}sha256#{}", super::idempotency::hex(digest.as_ref()))
}

/// What a disconnect or a removal has left to do. `nonce` tells one apart from the next.
#[must_use]
pub fn erase_sk(nonce: &str) -> String {
    format!("erase#{nonce}")
}

/// The workspace's own partition: what is about the workspace and nobody in it.
#[must_use]
pub fn workspace_pk(workspace: &WorkspaceId) -> String {
    format!("w#{workspace}")
}

/// The workspace.
pub const WORKSPACE_SK: &str = "workspace";
/// Its counts per state.
pub const STATS_SK: &str = "stats";
/// What the index shows of a connection that is disconnected.
pub const DISCONNECTED: &str = "disconnected";

/// The partition of one idempotency key; `digest` covers subject, route and key.
#[must_use]
pub fn idempotency_pk(workspace: &WorkspaceId, digest: &str) -> String {
    format!("w#{workspace}#i#{digest}")
}

/// An audit entry, in the partition of whom it is about.
#[must_use]
pub fn audit_sk(at: Timestamp, nonce: &str) -> String {
    format!("audit#{}#{nonce}", at.as_millisecond())
}

/// The index partition of everything that a workspace made in a month.
#[must_use]
pub fn month_key(workspace: &WorkspaceId, at: Timestamp) -> String {
    format!("w#{workspace}#{}", at.strftime("%Y-%m"))
}

/// The index partition that enumerates workspaces for schedules.
pub const WORKSPACES_KEY: &str = "workspaces";
/// What stands before a workspace's name in that partition.
pub const WORKSPACE_SORT_PREFIX: &str = "workspace#";

/// The single sort key of rows that are alone in their partition.
pub const ONLY_SK: &str = "-";

/// An OAuth state, by the hash of the state.
#[must_use]
pub fn oauth_state_pk(hash: &str) -> String {
    format!("global#oauth-state#{hash}")
}

/// An API key, by the hash of the key.
#[must_use]
pub fn api_key_pk(hash: &str) -> String {
    format!("global#api-key#{hash}")
}

/// What the sort keys of a workspace's API keys begin with.
pub const API_KEY_PREFIX: &str = "apikey#";

/// An API key of a workspace, by its id.
#[must_use]
pub fn api_key_sk(id: &str) -> String {
    format!("{API_KEY_PREFIX}{id}")
}

/// The issuer's signing keys.
#[must_use]
pub fn jwks_pk(issuer: &str) -> String {
    format!("global#jwks#{issuer}")
}

/// Herald's registration at one server of a federated platform.
#[must_use]
pub fn platform_app_pk(platform: Platform, server: &str) -> String {
    format!("global#platform-app#{platform}#{server}")
}

/// The partition of a post: the post, its deliveries, the events that it causes.
#[must_use]
pub fn post_pk(workspace: &WorkspaceId, id: &PostId) -> String {
    format!("w#{workspace}#p#{id}")
}

/// The post itself. It sorts before its deliveries, so one query reads all.
pub const POST_SK: &str = "post";

/// A delivery, by its number.
#[must_use]
pub fn delivery_sk(number: u8) -> String {
    format!("post#delivery#{number:02}")
}

/// Something that the outside is to be told of.
#[must_use]
pub fn event_sk(id: &str) -> String {
    format!("event#{id}")
}

/// What stands before a post's time in the indexes.
pub const POST_SORT_PREFIX: &str = "post#";

/// The place of a post in the month that it was written in.
#[must_use]
pub fn post_sort(id: &PostId) -> String {
    format!("{POST_SORT_PREFIX}{}#{id}", id.written_at().as_millisecond())
}

/// The index partition of a talent's posts of a month.
#[must_use]
pub fn talent_month_key(workspace: &WorkspaceId, talent: &TalentId, at: Timestamp) -> String {
    format!("w#{workspace}#t#{talent}#{}", at.strftime("%Y-%m"))
}

/// The index partition of what goes to an account in a month.
#[must_use]
pub fn account_month_key(workspace: &WorkspaceId, connection: &ConnectionId, at: Timestamp) -> String {
    format!("w#{workspace}#c#{connection}#{}", at.strftime("%Y-%m"))
}

/// Where a delivery stands in that partition: by its time.
#[must_use]
pub fn slot_sort(at: Timestamp, id: &DeliveryId) -> String {
    format!("{}#{id}", slot_sort_from(at))
}

/// What stands before every delivery of one millisecond there.
#[must_use]
pub fn slot_sort_from(at: Timestamp) -> String {
    format!("slot#{:014}", at.as_millisecond().max(0))
}

/// The partition of a bulk job: the job, its chunks, its report.
#[must_use]
pub fn bulk_pk(workspace: &WorkspaceId, job: &BulkId) -> String {
    format!("w#{workspace}#b#{job}")
}

/// A bulk job itself.
pub const BULK_JOB_SK: &str = "job";

/// A chunk of a bulk job: the row that is claimed, small, since every post that is made checks it.
#[must_use]
pub fn bulk_chunk_sk(chunk: u32) -> String {
    format!("chunk#{chunk:04}")
}

/// What the file holds for a chunk.
#[must_use]
pub fn bulk_text_sk(chunk: u32) -> String {
    format!("text#{chunk:04}")
}

/// What became of the rows of a chunk.
#[must_use]
pub fn bulk_report_sk(chunk: u32) -> String {
    format!("{BULK_REPORT_PREFIX}{chunk:04}")
}

/// What the sort keys of a report begin with.
pub const BULK_REPORT_PREFIX: &str = "report#";

/// The sweep of an account: the row that comes due for its looks.
pub const SWEEP_SK: &str = "sweep";

/// What the sort keys of an account's looks begin with.
pub const LOOKS_PREFIX: &str = "look#";

/// The looks at one post. The time comes first, so that a query reads them by time.
#[must_use]
pub fn looks_sk(posted_at: Timestamp, external_id: &str) -> String {
    format!("{LOOKS_PREFIX}{posted_at:.0}#{external_id}")
}

/// What stands before every post of that second or later.
#[must_use]
pub fn looks_from(posted_at: Timestamp) -> String {
    format!("{LOOKS_PREFIX}{posted_at:.0}")
}

/// What the sort keys of an account's points of quarter hours, days and months begin with.
pub const POINTS_PREFIXES: [&str; 3] = ["hours#", "days#", "months#"];

/// An account's points of a day (by quarter hours), a month (by days) or a year (by months): `level` is the prefix.
#[must_use]
pub fn points_sk(level: usize, period: &str) -> String {
    format!("{}{period}", POINTS_PREFIXES.get(level).unwrap_or(&""))
}

/// What the sort keys of an account's audiences begin with.
pub const AUDIENCE_PREFIX: &str = "audience#";

/// Who follows an account, as of a day.
#[must_use]
pub fn audience_sk(day: &str) -> String {
    format!("{AUDIENCE_PREFIX}{day}")
}

/// What the sort keys of an account's budgets begin with.
pub const BUDGET_PREFIX: &str = "budget#";

/// An account's budget of a window of time.
#[must_use]
pub fn budget_sk(window: &str) -> String {
    format!("{BUDGET_PREFIX}{window}")
}

/// The budgets that all accounts of a platform's app share. It is the installation's own, as a platform app is.
#[must_use]
pub fn app_budget_pk(platform: Platform) -> String {
    format!("global#budget#{platform}")
}

/// What the sort keys of everything begin with that goes when a connection is removed: its publications, and what was made
/// of looking at them. The sweep comes first, so that none is under way any more.
pub const ERASED_PREFIXES: [&str; 9] = [
    SWEEP_SK,
    PUBLICATION_PREFIX,
    LOOKS_PREFIX,
    POINTS_PREFIXES[0],
    POINTS_PREFIXES[1],
    POINTS_PREFIXES[2],
    AUDIENCE_PREFIX,
    BUDGET_PREFIX,
    LIVE_PREFIX,
];

/// An access to analytics, in the partition of whom it is about: one for each subject, route and hour.
#[must_use]
pub fn access_sk(hour: Timestamp, digest: &str) -> String {
    format!("audit#{}#{digest}", hour.as_millisecond())
}

/// What the sort keys of the accounts that a talent compares with begin with.
pub const COMPETITOR_PREFIX: &str = "competitor#";

/// An account that a talent compares with, by the platform's name of it.
#[must_use]
pub fn competitor_sk(platform: Platform, handle: &str) -> String {
    format!("{COMPETITOR_PREFIX}{platform}#{handle}")
}
