//! The capabilities that a platform may have, and the words they speak in.

use std::collections::BTreeMap;

use async_trait::async_trait;
use domain::{Clock, Failure, Profile, Publication, Secret, TokenSet};
use outbound::Outbound;
use url::Url;

/// What every call of a platform needs.
pub struct Context<'a> {
    /// The door to the outside.
    pub out: &'a Outbound,
    /// The time.
    pub clock: &'a dyn Clock,
    /// The app's credentials at this platform (at this server, where each has its own).
    pub app: &'a AppCredentials,
}

/// An app's credentials at a platform. A platform without any (public reads of an open network) has empty ones.
#[derive(Debug, Clone, Default)]
pub struct AppCredentials {
    /// The client id (TikTok: client key; Bluesky: the URL of the metadata document).
    pub client_id: String,
    /// The client secret (Bluesky: the private key of a confidential client, PKCS#8 in base64).
    pub client_secret: Option<Secret>,
    /// A key for public reads.
    pub api_key: Option<Secret>,
}

/// Which account is read.
#[derive(Debug, Clone, Copy)]
pub struct Account<'a> {
    /// The normalised handle as it is known now.
    pub handle: &'a str,
    /// The platform's own id, once it is known; it wins over the handle.
    pub platform_account_id: Option<&'a str>,
}

/// With whose rights it is read.
#[derive(Debug, Clone, Copy)]
pub enum Access<'a> {
    /// Nobody's: what anyone may see.
    Public,
    /// The account's own consent.
    Token(&'a TokenSet),
}

/// One page of publications, newest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// The publications.
    pub publications: Vec<Publication>,
    /// What to ask for next; `None` at the end.
    pub next: Option<String>,
}

/// Reads an account.
#[async_trait]
pub trait Ingest: Send + Sync {
    /// One look at the profile.
    ///
    /// # Errors
    /// A [`Failure`]; reading has no effect, so its `effect` never matters.
    async fn profile(&self, cx: &Context<'_>, account: &Account<'_>, access: Access<'_>) -> Result<Profile, Failure>;

    /// One page of the account's own publications, newest first; `page` is `next` of the page before.
    /// `profile` is what [`Ingest::profile`] answered in the same sync.
    ///
    /// # Errors
    /// As for [`Ingest::profile`].
    async fn publications(
        &self,
        cx: &Context<'_>,
        profile: &Profile,
        access: Access<'_>,
        page: Option<&str>,
    ) -> Result<Page, Failure>;
}

/// What is fixed when a person is sent to consent.
#[derive(Debug, Clone, Copy)]
pub struct Start<'a> {
    /// Where the platform sends the person back.
    pub redirect_uri: &'a Url,
    /// Echoed by the platform; opaque.
    pub state: &'a Secret,
    /// The account to connect, where the person named it (`user@host`, a handle, a DID).
    pub handle: Option<&'a str>,
}

/// Where to send the person, and what to keep until they are back.
#[derive(Debug)]
pub struct Started {
    /// The consent page, in its real form.
    pub url: Url,
    /// Verifiers, keys, servers: sealed with the state and handed to [`OAuth::finish`].
    pub keep: BTreeMap<String, Secret>,
}

/// What the person brought back.
#[derive(Debug, Clone, Copy)]
pub struct Finish<'a> {
    /// The same as at the start.
    pub redirect_uri: &'a Url,
    /// The code, decoded.
    pub code: &'a Secret,
    /// `iss` of the callback, where it was sent.
    pub issuer: Option<&'a str>,
    /// What [`Started::keep`] held.
    pub keep: &'a BTreeMap<String, Secret>,
}

/// A consent that was turned into tokens. Which account it is, the platform says through [`Ingest::profile`].
#[derive(Debug)]
pub struct Grant {
    /// The tokens.
    pub tokens: TokenSet,
    /// The account id that the token answer itself states, where it does.
    pub platform_account_id: Option<String>,
}

/// The code flow of a platform.
#[async_trait]
pub trait OAuth: Send + Sync {
    /// Prepares a consent.
    ///
    /// # Errors
    /// A [`Failure`] when the platform's server must be asked first and cannot be.
    async fn start(&self, cx: &Context<'_>, start: &Start<'_>) -> Result<Started, Failure>;

    /// Exchanges the code. The code is spent whatever the answer is.
    ///
    /// # Errors
    /// [`domain::Kind::ReconnectNeeded`] when the code is refused.
    async fn finish(&self, cx: &Context<'_>, finish: &Finish<'_>) -> Result<Grant, Failure>;

    /// Renews the tokens. The answer must be stored before it is used.
    ///
    /// # Errors
    /// [`domain::Kind::ReconnectNeeded`] for a real revocation only; anything else may pass.
    async fn refresh(&self, cx: &Context<'_>, tokens: &TokenSet) -> Result<TokenSet, Failure>;

    /// Revokes the tokens at the platform. A token that is dead already is a success.
    ///
    /// # Errors
    /// A [`Failure`] when the platform could not be asked.
    async fn revoke(&self, cx: &Context<'_>, tokens: &TokenSet) -> Result<(), Failure>;
}

/// A platform where every server registers apps for itself.
#[async_trait]
pub trait RegisterApp: Send + Sync {
    /// The server of an account, from its handle (`user@host` → `host`).
    fn server(&self, handle: &str) -> Option<String>;

    /// Registers Herald at `server`. Each call makes a new registration, so the answer must be kept.
    ///
    /// # Errors
    /// A [`Failure`] when the server refuses or is none.
    async fn register(&self, cx: &Context<'_>, server: &str, redirect_uri: &Url) -> Result<AppCredentials, Failure>;

    /// Whether the server still knows the registration that a consent's address names. A person who is sent there with
    /// one that it has dropped meets a dead page, and no callback ever tells of it.
    async fn is_known(&self, cx: &Context<'_>, consent: &Url) -> bool;
}

/// A platform where a person may hand over a password made for apps.
#[async_trait]
pub trait AppPassword: Send + Sync {
    /// Whether `text` has the form of such a password, so that it is not mistaken for an access token.
    fn looks_like_one(&self, text: &Secret) -> bool;

    /// Turns it into tokens.
    ///
    /// # Errors
    /// [`domain::Kind::ReconnectNeeded`] when it is wrong.
    async fn log_in(&self, cx: &Context<'_>, handle: &str, password: &Secret) -> Result<Grant, Failure>;
}
