//! Sessions of app passwords: the older way in, still the simplest for a person with an account on an own server.

use async_trait::async_trait;
use domain::{Failure, Kind, Platform, Secret, TokenSet};
use jiff::Timestamp;
use outbound::Call;
use serde_json::json;

use super::api::SessionAnswer;
use super::client::{Bluesky, DID, KIND, KIND_APP_PASSWORD, PDS, claims, extra};
use super::facts::{FACTS, SESSION_LIFE};
use super::{error, identity};
use crate::kit::{AppPassword, Context, Grant};
use crate::wire;

#[async_trait]
impl AppPassword for Bluesky {
    /// `xxxx-xxxx-xxxx-xxxx`
    fn looks_like_one(&self, text: &Secret) -> bool {
        let group = |part: &str| part.len() == 4 && part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
        let groups: Vec<&str> = text.expose().trim().split('-').collect();
        groups.len() == 4 && groups.into_iter().all(group)
    }

    async fn log_in(&self, cx: &Context<'_>, handle: &str, password: &Secret) -> Result<Grant, Failure> {
        let home = identity::resolve(cx, &(FACTS.handle.normalise)(handle)).await?;
        let body = json!({ "identifier": home.did, "password": password.expose().trim() });
        let answer =
            cx.out.send(Call::post_json(Platform::Bluesky, method(&home.pds, "createSession")?, &body)).await?;
        if !answer.is_success() {
            return Err(error::session(&answer, cx.clock.now()));
        }
        let session: SessionAnswer = answer.json()?;
        if session.did != home.did {
            return Err(Failure::new(Kind::InvalidRequest, "the session is for another account"));
        }
        let did = session.did.clone();
        Ok(Grant { tokens: token_set(session, &home.pds, cx.clock.now())?, platform_account_id: Some(did) })
    }
}

impl Bluesky {
    /// A new pair for the refresh token. Asked again within the grace period (about two hours, observed), the server
    /// answers the same pair, so a lost answer costs nothing.
    pub(super) async fn renew_session(&self, cx: &Context<'_>, tokens: &TokenSet) -> Result<TokenSet, Failure> {
        let Some(refresh) = tokens.refresh.as_ref().filter(|token| !token.is_empty()) else {
            return Err(Failure::new(Kind::ReconnectNeeded, "there is no refresh token"));
        };
        let home = self.home(cx, None, tokens).await?;
        let call =
            Call::new(Platform::Bluesky, http::Method::POST, method(&home.pds, "refreshSession")?).bearer(refresh);
        let answer = cx.out.send(call).await?;
        if !answer.is_success() {
            return Err(error::session(&answer, cx.clock.now()));
        }
        let session: SessionAnswer = answer.json()?;
        if session.did != home.did {
            return Err(Failure::new(Kind::ReconnectNeeded, "the session was renewed for another account"));
        }
        token_set(session, &home.pds, cx.clock.now())
    }

    /// Ends the session. Access tokens of it that are out already live on until their time is over (observed).
    pub(super) async fn end_session(&self, cx: &Context<'_>, tokens: &TokenSet) -> Result<(), Failure> {
        let Some(refresh) = tokens.refresh.as_ref().filter(|token| !token.is_empty()) else { return Ok(()) };
        let home = self.home(cx, None, tokens).await?;
        let call =
            Call::new(Platform::Bluesky, http::Method::POST, method(&home.pds, "deleteSession")?).bearer(refresh);
        let answer = cx.out.send(call).await?;
        if answer.is_success() {
            return Ok(());
        }
        match error::session(&answer, cx.clock.now()) {
            // Dead already.
            failure if failure.kind == Kind::ReconnectNeeded => Ok(()),
            failure => Err(failure),
        }
    }
}

fn method(pds: &str, name: &str) -> Result<url::Url, Failure> {
    wire::url(&format!("{pds}/xrpc/com.atproto.server.{name}"))
}

fn token_set(session: SessionAnswer, pds: &str, now: Timestamp) -> Result<TokenSet, Failure> {
    if session.active == Some(false) {
        let kind = match session.status.as_deref() {
            Some("deactivated") => Kind::NotFound,
            _ => Kind::Suspended,
        };
        return Err(Failure::new(kind, "the account is not active"));
    }
    let stated = claims(&session.access_jwt).and_then(|claims| Timestamp::from_second(claims.exp?).ok());
    Ok(TokenSet {
        expires_at: stated.or_else(|| now.checked_add(SESSION_LIFE).ok()),
        issued_at: now,
        // An app password may do what these scopes allow; the server names none.
        scopes: FACTS.oauth.scopes.iter().map(|scope| scope.name.to_owned()).collect(),
        extra: extra([(KIND, KIND_APP_PASSWORD), (PDS, pds), (DID, &session.did)]),
        access: session.access_jwt,
        refresh: Some(session.refresh_jwt),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn session() -> SessionAnswer {
        serde_json::from_str(include_str!("fixtures/session.json")).unwrap()
    }

    #[test]
    fn an_app_password_is_told_from_a_token() {
        let looks = |text: &str| Bluesky::default().looks_like_one(&Secret::new(text));
        assert!(looks("abcd-2345-wxyz-mnop"));
        assert!(looks(" abcd-2345-wxyz-mnop\n"));
        for text in [
            "",
            "abcd-2345-wxyz",
            "abcd-2345-wxyz-mnop-qrst",
            "ABCD-2345-WXYZ-MNOP",
            "eyJhbGciOiJFUzI1NiJ9.e30.sig",
            "correct horse",
        ] {
            assert!(!looks(text), "{text}");
        }
    }

    #[test]
    fn a_session_says_when_it_ends() {
        let tokens = token_set(session(), "https://pds.example.com", Timestamp::UNIX_EPOCH).unwrap();
        assert_eq!(tokens.expires_at, Some(Timestamp::from_second(1_795_000_000).unwrap()));
        assert_eq!(tokens.scopes, ["atproto", "transition:generic"]);
        assert!(FACTS.missing_scopes(&tokens.scopes).is_empty());
        let opaque = SessionAnswer { access_jwt: Secret::new("opaque"), ..session() };
        let tokens = token_set(opaque, "https://pds.example.com", Timestamp::UNIX_EPOCH).unwrap();
        assert_eq!(tokens.expires_at, Some(Timestamp::from_second(7_200).unwrap()));
    }

    #[test]
    fn an_account_that_is_not_active_has_no_tokens() {
        for (status, kind) in [
            (Some("takendown"), Kind::Suspended),
            (Some("suspended"), Kind::Suspended),
            (Some("deactivated"), Kind::NotFound),
        ] {
            let answer = SessionAnswer { active: Some(false), status: status.map(str::to_owned), ..session() };
            assert_eq!(token_set(answer, "https://pds.example.com", Timestamp::UNIX_EPOCH).unwrap_err().kind, kind);
        }
    }
}
