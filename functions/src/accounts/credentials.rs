//! With which credentials Herald comes to a platform.

use cloud::http::ApiError;
use cloud::table::StoreError;
use cloud::table::platform_apps::{self, PlatformApp};
use cloud::vault::{EncryptionContext, VaultError};
use domain::{Failure, Kind, Platform, Secret};
use http::StatusCode;
use platforms::{Adapter, AppCredentials, Context, Registration, bluesky};
use std::collections::BTreeMap;

use crate::App;

/// A failure to have credentials.
#[derive(Debug)]
pub enum NoCredentials {
    /// The operator has not configured any.
    NotConfigured(Platform),
    /// The server could not be asked, or refused to register Herald.
    Platform(Failure),
    /// Our own side could not answer.
    Ours(ApiError),
}

impl From<NoCredentials> for ApiError {
    fn from(error: NoCredentials) -> Self {
        match error {
            NoCredentials::NotConfigured(platform) => Self::new(
                StatusCode::BAD_REQUEST,
                "platform_not_configured",
                format!("This installation has no app credentials for {platform}. Ask your administrator."),
            ),
            NoCredentials::Platform(failure) => crate::accounts::link::refused(&failure),
            NoCredentials::Ours(error) => error,
        }
    }
}

impl From<StoreError> for NoCredentials {
    fn from(error: StoreError) -> Self {
        Self::Ours(error.into())
    }
}

impl From<VaultError> for NoCredentials {
    fn from(error: VaultError) -> Self {
        Self::Ours(error.into())
    }
}

/// The credentials for consent, renewal and reads with a token of the account `handle`.
///
/// # Errors
/// [`NoCredentials`].
pub async fn for_oauth(app: &App, adapter: &Adapter, handle: &str) -> Result<AppCredentials, NoCredentials> {
    let platform = adapter.facts.platform;
    let mut own = app.settings.app(platform);
    match adapter.facts.oauth.registration {
        Registration::Configured if own.client_id.is_empty() => Err(NoCredentials::NotConfigured(platform)),
        Registration::Configured | Registration::None => Ok(own),
        Registration::ClientMetadata => {
            if own.client_id.is_empty() {
                own.client_id = bluesky_client_id(app);
            }
            Ok(own)
        }
        Registration::PerServer => per_server(app, adapter, handle).await,
    }
}

/// The credentials that are there already, without making any; `None` where a server's registration is gone.
///
/// # Errors
/// [`NoCredentials`].
pub async fn kept(app: &App, adapter: &Adapter, handle: &str) -> Result<Option<AppCredentials>, NoCredentials> {
    let Some(register) = &adapter.register else { return for_oauth(app, adapter, handle).await.map(Some) };
    let Some(server) = register.server(handle) else { return Ok(None) };
    let platform = adapter.facts.platform;
    match platform_apps::get(&app.table, platform, &server).await? {
        None => Ok(None),
        Some(row) => open(app, &context(platform, &server), row).await.map(Some),
    }
}

fn context(platform: Platform, server: &str) -> EncryptionContext {
    EncryptionContext::for_subject("-", &format!("{platform}#{server}"))
}

/// The credentials for public reads: what the installation has, which may be nothing.
#[must_use]
pub fn for_public(app: &App, platform: Platform) -> AppCredentials {
    app.settings.app(platform)
}

/// The path at which Herald describes itself to Bluesky.
pub const CLIENT_METADATA_PATH: &str = "/api/social/oauth/bluesky/client-metadata.json";

fn bluesky_client_id(app: &App) -> String {
    let public = &app.settings.public_url;
    // The atproto profile exempts development on this machine from a public metadata document.
    if public.scheme() == "http" {
        bluesky::loopback_client_id(&app.settings.redirect_uri())
    } else {
        app.settings.at(CLIENT_METADATA_PATH).to_string()
    }
}

async fn per_server(app: &App, adapter: &Adapter, handle: &str) -> Result<AppCredentials, NoCredentials> {
    let platform = adapter.facts.platform;
    let register = adapter.register.as_ref().ok_or(NoCredentials::NotConfigured(platform))?;
    let server = register
        .server(handle)
        .ok_or_else(|| NoCredentials::Platform(Failure::new(Kind::InvalidHandle, "the handle names no server")))?;
    let redirect_uri = app.settings.redirect_uri();
    let kept = platform_apps::get(&app.table, platform, &server).await?;
    let context = context(platform, &server);
    let stale = kept.as_ref().map(|kept| kept.client_id.clone());
    if let Some(kept) = kept.filter(|kept| kept.redirect_uri == redirect_uri.as_str()) {
        return open(app, &context, kept).await;
    }
    let nobody = AppCredentials::default();
    let cx = Context { out: &app.outbound, clock: app.clock.as_ref(), app: &nobody };
    let made = register.register(&cx, &server, &redirect_uri).await.map_err(NoCredentials::Platform)?;
    let secret = BTreeMap::from_iter(made.client_secret.map(|secret| ("client_secret".to_owned(), secret)));
    let row = PlatformApp {
        client_id: made.client_id,
        sealed: app.vault.seal_map(&context, &secret).await?,
        redirect_uri: redirect_uri.to_string(),
    };
    let kept = platform_apps::keep(&app.table, platform, &server, row, stale.as_deref()).await?;
    open(app, &context, kept).await
}

async fn open(app: &App, context: &EncryptionContext, kept: PlatformApp) -> Result<AppCredentials, NoCredentials> {
    let mut secrets: BTreeMap<String, Secret> = app.vault.open_map(context, &kept.sealed).await?;
    Ok(AppCredentials { client_id: kept.client_id, client_secret: secrets.remove("client_secret"), api_key: None })
}

/// Forgets the registration `client_id` that its server no longer knows, so that the next consent makes a new one.
pub async fn forget(app: &App, adapter: &Adapter, handle: &str, client_id: &str) {
    let Some(server) = adapter.register.as_ref().and_then(|register| register.server(handle)) else { return };
    if let Err(error) = platform_apps::forget(&app.table, adapter.facts.platform, &server, client_id).await {
        tracing::warn!(%error, server, "a refused registration could not be forgotten");
    }
}
