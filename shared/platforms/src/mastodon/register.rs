//! Herald registers itself at every server.

use async_trait::async_trait;
use domain::{Failure, Kind, Platform};
use outbound::Call;
use url::Url;

use super::api::App;
use super::{error, server};
use crate::kit::{AppCredentials, Context, RegisterApp};
use crate::wire::url;

/// What people see on their server's page of authorized apps.
pub(super) const NAME: &str = "Herald";
/// A token that no server has handed out.
const NOBODYS: &str = "a-token-that-nobody-has";

/// Registers Herald.
pub(super) struct Mastodon;

#[async_trait]
impl RegisterApp for Mastodon {
    fn server(&self, handle: &str) -> Option<String> {
        server::parts(handle).map(|(_, host)| host)
    }

    async fn register(&self, cx: &Context<'_>, server: &str, redirect_uri: &Url) -> Result<AppCredentials, Failure> {
        let first = match register_at(cx, server, redirect_uri).await {
            Err(failure) if failure.kind == Kind::NotFound => failure,
            other => return other,
        };
        // A domain that only stands in handles points to the host that its server runs on.
        match server::web_host(cx, None, server).await? {
            Some(host) if host != server => register_at(cx, &host, redirect_uri).await,
            _ => Err(first),
        }
    }

    /// A registration goes with its last token on some servers (snac, observed), after a day without any token on Mastodon
    /// 4.2 (its `ApplicationsVacuum`), and with a server's database on all.
    async fn is_known(&self, cx: &Context<'_>, consent: &Url) -> bool {
        match server::send(cx, Call::get(Platform::Mastodon, consent.clone())).await {
            Ok(answer) => match answer.status {
                400 | 401 | 403 => false,
                // Mastodon sends a stranger to its sign-in first, and looks at the app only then.
                300..400 => is_vouched_for(cx, consent).await,
                _ => true,
            },
            // Away for now is not unknown.
            Err(_) => true,
        }
    }
}

/// Whether the server recognises Herald where an app must prove itself: at the revocation of a token that nobody has,
/// which changes nothing on a server of Mastodon's kind. A snac server would drop the registration with it; it shows its
/// page without a sign-in, so it is not asked.
async fn is_vouched_for(cx: &Context<'_>, consent: &Url) -> bool {
    let (Some(host), Some(secret)) = (server::authority(consent), &cx.app.client_secret) else { return true };
    let form = [("client_id", cx.app.client_id.as_str()), ("client_secret", secret.expose()), ("token", NOBODYS)];
    let Ok(address) = url(&format!("{}/oauth/revoke", server::base(cx, &host))) else { return true };
    match server::send(cx, Call::post_form(Platform::Mastodon, address, &form)).await {
        Ok(answer) => !error::disowns(&answer),
        Err(_) => true,
    }
}

async fn register_at(cx: &Context<'_>, host: &str, redirect_uri: &Url) -> Result<AppCredentials, Failure> {
    let scopes = server::consent(cx, host).await?.scopes;
    let website = redirect_uri.origin().ascii_serialization();
    let form =
        [("client_name", NAME), ("redirect_uris", redirect_uri.as_str()), ("scopes", &scopes), ("website", &website)];
    let call = Call::post_form(Platform::Mastodon, url(&format!("{}/api/v1/apps", server::base(cx, host)))?, &form);
    let answer = server::send(cx, call).await?;
    if !answer.is_success() {
        return Err(error::registration(&answer, cx.clock.now()));
    }
    let app: App = answer.json()?;
    Ok(AppCredentials { client_id: app.client_id, client_secret: Some(app.client_secret), api_key: None })
}
