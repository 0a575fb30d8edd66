//! `GET /api/capabilities`: what works on each platform, from the table that the code itself reads.

use cloud::http::{ApiError, Request, Response};
use domain::content::MediaKind;
use domain::handle::HandleRule;
use platforms::publish::{CountedIn, FileRule, Measure, Proof, PublishFacts, Quantity, Takes, TextLimit};
use platforms::{Facts, Pkce, Platforms, PublicRead, Registration, Renewal};
use serde::Serialize;
use utoipa::ToSchema;

use super::options::{self, OptionView};
use crate::App;

/// Every platform that can be connected.
#[derive(Debug, Serialize, ToSchema)]
pub struct Capabilities {
    /// The platforms.
    platforms: Vec<Capability>,
}

/// What works on a platform.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Capability {
    /// The platform, upper case.
    platform: &'static str,
    /// Its name as people write it.
    name: &'static str,
    /// The official documentation.
    docs: &'static str,
    /// The day on which these facts were last checked.
    checked: &'static str,
    /// How accounts are linked.
    connect: ConnectWays,
    /// The form of a handle, in words.
    handle: &'static str,
    /// The same for a program.
    handle_rule: HandleRuleView,
    /// What a sync reads, and how often.
    sync: SyncFacts,
    /// What is asked for.
    scopes: Vec<ScopeView>,
    /// How long a token lives and how it is renewed.
    token: TokenFacts,
    /// What can be published, from the table that validation reads; `null` where nothing can.
    publish: Option<PublishView>,
}

/// How long a text may be.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TextLimitView {
    /// `characters`, `graphemes`, `utf16`, `bytes`, `weighted` (X) or `mastodon`.
    #[schema(value_type = String)]
    counted_in: CountedIn,
    /// The most.
    max: u32,
    /// The most in UTF-8 bytes as well, where the platform sets both.
    max_bytes: Option<u32>,
}

impl From<TextLimit> for TextLimitView {
    fn from(limit: TextLimit) -> Self {
        Self { counted_in: limit.counted_in, max: limit.max, max_bytes: limit.max_bytes }
    }
}

/// What one kind of file may be.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct FileView {
    /// `image`, `gif`, `video` or `document`.
    #[schema(value_type = String)]
    kind: MediaKind,
    /// The accepted types, by content.
    types: &'static [&'static str],
    /// The largest file, in bytes.
    max_bytes: u64,
    /// How many in one post.
    max_count: u32,
    /// How long, large and wide it may be.
    measures: Vec<MeasureView>,
}

/// A limit of what a file measures.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct MeasureView {
    /// `duration_ms`, `width`, `height`, `long_side`, `short_side`, `sides` (width and height together), `pixels` (width
    /// times height) or `ratio_thousandths` (1910 is 1.91:1).
    #[schema(value_type = String)]
    of: Quantity,
    /// The least.
    min: Option<u64>,
    /// The most.
    max: Option<u64>,
    /// Whether a file that misses it is only warned of.
    advised: bool,
}

impl From<&Measure> for MeasureView {
    fn from(measure: &Measure) -> Self {
        Self { of: measure.of, min: measure.min, max: measure.max, advised: measure.advised }
    }
}

/// What can be published. A server of a federated platform may set other limits; `validate` asks it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PublishView {
    /// The text of a post.
    text: TextLimitView,
    /// The text of a post with files, where that is another limit.
    caption: Option<TextLimitView>,
    /// The text of a post of photos, where that is another limit again.
    photo_text: Option<TextLimitView>,
    /// The text of a first comment or of each part of a thread; `null`: nothing can follow.
    follow_up: Option<TextLimitView>,
    /// Whether there must be a text.
    text_required: bool,
    /// Whether there must be a file.
    media_required: bool,
    /// The files that there may be.
    files: Vec<FileView>,
    /// How many files in all.
    max_files: u32,
    /// Whether images and videos may stand in one post.
    mixed: bool,
    /// `bytes`: Herald sends the files; `url`: the platform fetches their addresses, which must stay public.
    #[schema(value_type = String)]
    takes: Takes,
    /// What `options.<PLATFORM>` may hold.
    options: Vec<OptionView>,
    /// How many follow-ups: 1 is `firstComment`, more are `thread`.
    follow_ups: u32,
    /// Scopes without which it cannot be published.
    scopes: &'static [&'static str],
    /// Scopes without which it cannot be published with files, beside those.
    media_scopes: &'static [&'static str],
    /// How an uncertain submission is settled: `client_key`, `handle`, `read_back`, or `none`: a person decides.
    #[schema(value_type = String)]
    proof: Proof,
    /// Whether a post can be deleted.
    deletes: bool,
}

impl From<&'static PublishFacts> for PublishView {
    fn from(facts: &'static PublishFacts) -> Self {
        let file = |rule: &FileRule| FileView {
            kind: rule.kind,
            types: rule.mimes,
            max_bytes: rule.max_bytes,
            max_count: rule.max_count,
            measures: facts.measures.iter().filter(|m| m.kind == rule.kind).map(MeasureView::from).collect(),
        };
        Self {
            text: facts.text.into(),
            caption: facts.caption.map(TextLimitView::from),
            photo_text: facts.photo_text.map(TextLimitView::from),
            follow_up: facts.follow_up.map(TextLimitView::from),
            text_required: facts.text_required,
            media_required: facts.media_required,
            files: facts.files.iter().map(file).collect(),
            max_files: facts.max_files,
            mixed: facts.mixed,
            takes: facts.takes,
            options: options::of(facts),
            follow_ups: facts.follow_ups,
            scopes: facts.scopes,
            media_scopes: facts.media_scopes,
            proof: facts.proof,
            deletes: facts.deletes,
        }
    }
}

/// What a form can check while someone types. A link may still be refused.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct HandleRuleView {
    /// What every handle matches as a whole, without its `@`: a regular expression, flags `iu`.
    pattern: &'static str,
    /// Hosts of profile addresses, without `www.`; empty: any.
    hosts: &'static [&'static str],
    /// What stands before the handle in the path of a profile address: `@`, `channel/` or nothing.
    path_prefixes: &'static [&'static str],
    /// Whether the handle names its server too (`user@host`).
    federated: bool,
}

impl From<&HandleRule> for HandleRuleView {
    fn from(rule: &HandleRule) -> Self {
        let HandleRule { pattern, hosts, path_prefixes, federated, .. } = *rule;
        Self { pattern, hosts, path_prefixes, federated }
    }
}

/// How accounts are linked.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ConnectWays {
    /// Whether linking by handle is open.
    manual: bool,
    /// Whether such a link can read anything; without, it ends in ERROR `oauth_required`.
    manual_reads: bool,
    /// Whether linking by consent is open and configured.
    oauth: bool,
    /// Whether an app password can be handed over.
    app_password: bool,
    /// Whether the account's server must be named first.
    needs_server: bool,
    /// Whether the code flow carries a proof key.
    pkce: bool,
}

/// What a sync reads.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SyncFacts {
    /// Seconds between two syncs.
    every_seconds: i64,
    /// How many recent posts are read.
    recent_posts: u32,
    /// The platform's limit, and what a sync costs of it.
    quota: &'static str,
}

/// A scope and why it is asked for.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ScopeView {
    /// The platform's word.
    name: &'static str,
    /// What it is for.
    purpose: &'static str,
    /// Whether a sync cannot work without it.
    needed_to_sync: bool,
}

/// A token's life.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TokenFacts {
    /// Seconds that an access token lives; `null`: until it is revoked.
    life_seconds: Option<i64>,
    /// `none`, `refresh_token`, `rotating_refresh_token` or `exchange`.
    renewal: &'static str,
    /// Whether Herald can revoke it at the platform.
    revocable: bool,
}

/// Shows what works on each platform.
///
/// # Errors
/// None of its own.
#[utoipa::path(
    get, path = "/api/capabilities", operation_id = "ops.capabilities", tag = "Operations",
    responses((status = 200, body = Capabilities), crate::openapi::Refusals)
)]
pub async fn handle(app: &App, _request: Request) -> Result<Response, ApiError> {
    Response::ok(&Capabilities { platforms: Platforms::facts().map(|facts| capability(app, facts)).collect() })
}

fn capability(app: &App, facts: &'static Facts) -> Capability {
    let modes = app.settings.modes(facts.platform);
    let own = app.settings.app(facts.platform);
    let adapter = app.platforms.get(facts.platform);
    let configured = match facts.oauth.registration {
        Registration::Configured => !own.client_id.is_empty(),
        Registration::PerServer | Registration::ClientMetadata => true,
        Registration::None => false,
    };
    Capability {
        platform: facts.platform.as_str(),
        name: facts.name,
        docs: facts.docs,
        checked: facts.checked,
        connect: ConnectWays {
            manual: modes.manual,
            manual_reads: match facts.public_read {
                PublicRead::None => false,
                PublicRead::ApiKey => own.api_key.is_some(),
                PublicRead::Open => true,
            },
            oauth: modes.oauth && configured,
            app_password: adapter.is_some_and(|adapter| adapter.app_password.is_some()),
            needs_server: adapter.is_some_and(|adapter| adapter.register.is_some()),
            pkce: facts.oauth.pkce == Pkce::S256,
        },
        handle: facts.handle.form,
        handle_rule: (&facts.handle).into(),
        sync: SyncFacts { every_seconds: facts.resync.as_secs(), recent_posts: facts.recent_posts, quota: facts.quota },
        scopes: facts
            .oauth
            .scopes
            .iter()
            .map(|scope| ScopeView { name: scope.name, purpose: scope.purpose, needed_to_sync: scope.needed_to_sync })
            .collect(),
        token: TokenFacts {
            life_seconds: facts.oauth.access_life.map(|life| life.as_secs()),
            renewal: match facts.oauth.renewal {
                Renewal::None => "none",
                Renewal::RefreshToken => "refresh_token",
                Renewal::RotatingRefreshToken => "rotating_refresh_token",
                Renewal::Exchange => "exchange",
            },
            revocable: facts.oauth.revocable,
        },
        publish: adapter.and_then(|adapter| adapter.publish.as_deref()).map(|publish| publish.facts().into()),
    }
}
