//! Codes, grants and tokens of every platform; each platform decides which of them it uses.

use std::collections::{HashMap, HashSet};
use std::sync::Mutex;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::digest::{SHA256, digest};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::memory::Memory;
use crate::state::{Platform, Who, lock};

/// What an account has allowed an app.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Grant {
    pub(crate) who: Who,
    pub(crate) client: String,
    pub(crate) scopes: Vec<String>,
    pub(crate) started_ms: i64,
    /// Thumbprint of the DPoP key that the grant is bound to.
    pub(crate) jkt: Option<String>,
    pub(crate) dead: bool,
}

/// An authorization code and what has to come back with it.
#[derive(Debug, Clone)]
pub(crate) struct Code {
    pub(crate) grant: u64,
    pub(crate) redirect_uri: String,
    pub(crate) challenge: Option<(String, String)>,
    pub(crate) offline: bool,
    pub(crate) expires_ms: i64,
    pub(crate) used: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Kind {
    Access,
    /// Instagram's first token, good for an hour.
    Short,
    Refresh,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
enum State {
    Live,
    Dead,
    /// Replaced at the time, by these tokens.
    Rotated(i64, Vec<String>),
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Token {
    grant: u64,
    kind: Kind,
    issued_ms: i64,
    expires_ms: Option<i64>,
    state: State,
}

/// A token that stands.
#[derive(Debug, Clone)]
pub(crate) struct Bearer {
    pub(crate) grant_id: u64,
    pub(crate) grant: Grant,
    pub(crate) kind: Kind,
    pub(crate) issued_ms: i64,
    pub(crate) expires_ms: Option<i64>,
}

/// Why a token does not stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum TokenFault {
    Unknown,
    Expired,
    Revoked,
    Rotated { grant: u64, at_ms: i64, successors: Vec<String> },
}

/// Why a code does not stand.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum CodeFault {
    Unknown,
    Expired,
    Used(u64),
}

#[derive(Debug, Default)]
struct Inner {
    next: u64,
    grants: HashMap<u64, Grant>,
    codes: HashMap<String, Code>,
    tokens: HashMap<String, Token>,
    by_who: HashMap<Who, Vec<(u64, Vec<String>)>>,
    consented: HashSet<(String, Who)>,
    /// Everything secret that was ever handed out.
    issued: Vec<(Option<Who>, &'static str, String)>,
    /// Where grants and tokens are written down, for the next start.
    memory: Memory,
}

/// All codes and tokens.
#[derive(Debug, Default)]
pub(crate) struct OAuth(Mutex<Inner>);

impl Inner {
    fn note_grant(&self, id: u64) {
        if let Some(grant) = self.grants.get(&id) {
            self.memory.note("grant", &id.to_string(), grant);
        }
    }

    fn note_token(&self, text: &str) {
        if let Some(token) = self.tokens.get(text) {
            self.memory.note("token", text, token);
        }
    }

    fn note_consent(&self, consent: &(String, Who), stands: bool) {
        let (client, who) = consent;
        let key = format!("{client} {} {}", who.platform.name(), who.seed);
        self.memory.note("consent", &key, &stands.then_some(consent));
    }

    /// Puts a token where it belongs; false when it was there.
    fn keep(&mut self, text: &str, token: Token) -> bool {
        let (grant, kind) = (token.grant, token.kind);
        let Some(who) = self.grants.get(&grant).map(|g| g.who.clone()) else { return false };
        if self.tokens.insert(text.to_owned(), token).is_some() {
            return false;
        }
        let label = if kind == Kind::Refresh { "refreshToken" } else { "accessToken" };
        self.issued.push((Some(who.clone()), label, text.to_owned()));
        if let Some((_, list)) = self.by_who.entry(who).or_default().iter_mut().find(|(id, _)| *id == grant) {
            list.push(text.to_owned());
        }
        true
    }

    fn tokens_of(&mut self, grant: u64) -> Vec<String> {
        let who = self.grants.get(&grant).map(|g| g.who.clone());
        who.and_then(|w| self.by_who.get(&w))
            .and_then(|list| list.iter().find(|(id, _)| *id == grant))
            .map(|(_, tokens)| tokens.clone())
            .unwrap_or_default()
    }

    fn kill_grant(&mut self, grant: u64) {
        if let Some(g) = self.grants.get_mut(&grant) {
            g.dead = true;
        }
        self.note_grant(grant);
        for token in self.tokens_of(grant) {
            if let Some(t) = self.tokens.get_mut(&token) {
                t.state = State::Dead;
            }
            self.note_token(&token);
        }
    }
}

impl OAuth {
    pub(crate) fn reset(&self) {
        let mut inner = lock(&self.0);
        let memory = std::mem::take(&mut inner.memory);
        *inner = Inner { memory, ..Inner::default() };
    }

    /// Writes down from now on what is granted.
    pub(crate) fn remember_in(&self, memory: &Memory) {
        lock(&self.0).memory = memory.clone();
    }

    /// Knows a grant of an earlier start again.
    pub(crate) fn recall_grant(&self, id: &str, grant: Grant) {
        let Ok(id) = id.parse() else { return };
        let mut inner = lock(&self.0);
        inner.next = inner.next.max(id);
        inner.by_who.entry(grant.who.clone()).or_default().push((id, Vec::new()));
        inner.grants.insert(id, grant);
    }

    /// Knows a token of an earlier start again, whose grant is known already.
    pub(crate) fn recall_token(&self, text: &str, token: Token) {
        lock(&self.0).keep(text, token);
    }

    /// Knows again that an account has consented to an app.
    pub(crate) fn recall_consent(&self, consent: (String, Who)) {
        lock(&self.0).consented.insert(consent);
    }

    pub(crate) fn open_grant(
        &self,
        who: &Who,
        client: &str,
        scopes: Vec<String>,
        now: i64,
        jkt: Option<String>,
    ) -> u64 {
        let mut inner = lock(&self.0);
        inner.next += 1;
        let id = inner.next;
        let grant = Grant { who: who.clone(), client: client.to_owned(), scopes, started_ms: now, jkt, dead: false };
        inner.grants.insert(id, grant);
        inner.by_who.entry(who.clone()).or_default().push((id, Vec::new()));
        inner.note_grant(id);
        id
    }

    /// Whether this is the account's first consent to the app since the last revocation.
    pub(crate) fn first_consent(&self, client: &str, who: &Who) -> bool {
        let mut inner = lock(&self.0);
        let consent = (client.to_owned(), who.clone());
        let first = inner.consented.insert(consent.clone());
        if first {
            inner.note_consent(&consent, true);
        }
        first
    }

    pub(crate) fn forget_consent(&self, client: &str, who: &Who) {
        let mut inner = lock(&self.0);
        let consent = (client.to_owned(), who.clone());
        inner.consented.remove(&consent);
        inner.note_consent(&consent, false);
    }

    pub(crate) fn add_code(&self, text: &str, code: Code) {
        let mut inner = lock(&self.0);
        let who = inner.grants.get(&code.grant).map(|g| g.who.clone());
        inner.issued.push((who, "code", text.to_owned()));
        inner.codes.insert(text.to_owned(), code);
    }

    /// What a code stands for, without spending it.
    pub(crate) fn peek_code(&self, text: &str, now: i64) -> Result<(Code, Grant), CodeFault> {
        let inner = lock(&self.0);
        let code = inner.codes.get(text).ok_or(CodeFault::Unknown)?;
        if code.used {
            return Err(CodeFault::Used(code.grant));
        }
        if code.expires_ms <= now {
            return Err(CodeFault::Expired);
        }
        let grant = inner.grants.get(&code.grant).filter(|g| !g.dead).ok_or(CodeFault::Unknown)?;
        Ok((code.clone(), grant.clone()))
    }

    /// Spends a code; false when somebody else just did.
    pub(crate) fn spend_code(&self, text: &str) -> bool {
        lock(&self.0).codes.get_mut(text).is_some_and(|c| !std::mem::replace(&mut c.used, true))
    }

    pub(crate) fn issue(&self, grant: u64, kind: Kind, text: &str, now: i64, ttl_s: Option<i64>) {
        let mut inner = lock(&self.0);
        let token =
            Token { grant, kind, issued_ms: now, expires_ms: ttl_s.map(|s| now + s * 1000), state: State::Live };
        inner.keep(text, token);
        inner.note_token(text);
    }

    /// A secret that is no account's token.
    pub(crate) fn note_secret(&self, who: Option<&Who>, label: &'static str, text: &str) {
        lock(&self.0).issued.push((who.cloned(), label, text.to_owned()));
    }

    pub(crate) fn check(&self, text: &str, kinds: &[Kind], platform: Platform, now: i64) -> Result<Bearer, TokenFault> {
        let inner = lock(&self.0);
        let token = inner.tokens.get(text).ok_or(TokenFault::Unknown)?;
        let grant = inner.grants.get(&token.grant).ok_or(TokenFault::Unknown)?;
        if grant.who.platform != platform || !kinds.contains(&token.kind) {
            return Err(TokenFault::Unknown);
        }
        match &token.state {
            _ if grant.dead => Err(TokenFault::Revoked),
            State::Dead => Err(TokenFault::Revoked),
            State::Rotated(at_ms, successors) => {
                Err(TokenFault::Rotated { grant: token.grant, at_ms: *at_ms, successors: successors.clone() })
            }
            State::Live if token.expires_ms.is_some_and(|e| e <= now) => Err(TokenFault::Expired),
            State::Live => Ok(Bearer {
                grant_id: token.grant,
                grant: grant.clone(),
                kind: token.kind,
                issued_ms: token.issued_ms,
                expires_ms: token.expires_ms,
            }),
        }
    }

    /// Replaces a live token; false when it was no longer live.
    pub(crate) fn rotate(&self, text: &str, now: i64, successors: &[String]) -> bool {
        let mut inner = lock(&self.0);
        match inner.tokens.get_mut(text) {
            Some(token) if token.state == State::Live => {
                token.state = State::Rotated(now, successors.to_vec());
                inner.note_token(text);
                true
            }
            _ => false,
        }
    }

    /// Whose token this is or was.
    pub(crate) fn owner(&self, text: &str) -> Option<Who> {
        let inner = lock(&self.0);
        inner.tokens.get(text).and_then(|t| inner.grants.get(&t.grant)).map(|g| g.who.clone())
    }

    /// Makes one token run out now.
    pub(crate) fn expire(&self, text: &str, now: i64) {
        let mut inner = lock(&self.0);
        if let Some(token) = inner.tokens.get_mut(text) {
            token.expires_ms = Some(token.expires_ms.map_or(now, |e| e.min(now)));
            inner.note_token(text);
        }
    }

    pub(crate) fn kill_token(&self, text: &str) {
        let mut inner = lock(&self.0);
        if let Some(token) = inner.tokens.get_mut(text) {
            token.state = State::Dead;
            inner.note_token(text);
        }
    }

    pub(crate) fn kill_grant(&self, grant: u64) {
        lock(&self.0).kill_grant(grant);
    }

    /// Makes every access token of an account run out now.
    pub(crate) fn expire_access(&self, who: &Who, now: i64) -> usize {
        let mut inner = lock(&self.0);
        let names: Vec<String> =
            inner.by_who.get(who).into_iter().flatten().flat_map(|(_, tokens)| tokens.iter().cloned()).collect();
        let mut count = 0;
        for name in names {
            if let Some(token) = inner.tokens.get_mut(&name).filter(|t| t.kind != Kind::Refresh) {
                token.expires_ms = Some(token.expires_ms.map_or(now, |e| e.min(now)));
                inner.note_token(&name);
                count += 1;
            }
        }
        count
    }

    /// As if the account had removed every app.
    pub(crate) fn revoke_all(&self, who: &Who) -> usize {
        let mut inner = lock(&self.0);
        let grants: Vec<u64> = inner.by_who.get(who).into_iter().flatten().map(|(id, _)| *id).collect();
        for grant in &grants {
            inner.kill_grant(*grant);
        }
        let gone: Vec<(String, Who)> = inner.consented.iter().filter(|(_, w)| w == who).cloned().collect();
        for consent in gone {
            inner.consented.remove(&consent);
            inner.note_consent(&consent, false);
        }
        grants.len()
    }

    /// Everything secret ever handed out, of one account or of all.
    pub(crate) fn issued(&self, who: Option<&Who>) -> Vec<Value> {
        lock(&self.0)
            .issued
            .iter()
            .filter(|(w, _, _)| who.is_none() || w.as_ref() == who)
            .map(|(w, kind, text)| {
                json!({"kind": kind, "platform": w.as_ref().map(|w| w.platform.name()), "account": w.as_ref().map(|w| &*w.seed), "value": text})
            })
            .collect()
    }

    pub(crate) fn issued_count(&self, platform: Platform) -> usize {
        lock(&self.0).issued.iter().filter(|(w, _, _)| w.as_ref().is_some_and(|w| w.platform == platform)).count()
    }
}

/// base64url of SHA-256, as PKCE, `ath` and thumbprints use it.
pub(crate) fn sha256_url(data: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(digest(&SHA256, data))
}

/// Whether `verifier` answers the challenge (RFC 7636), its length included.
pub(crate) fn pkce_ok(method: &str, challenge: &str, verifier: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._~".contains(&b);
    (43..=128).contains(&verifier.len())
        && verifier.bytes().all(plain)
        && match method {
            "S256" => sha256_url(verifier.as_bytes()) == challenge,
            "plain" => verifier == challenge,
            _ => false,
        }
}

/// A JWT-shaped string; the signature is random because nobody outside can check it.
pub(crate) fn jwt_like(header: &Value, claims: &Value) -> String {
    let part = |v: &Value| URL_SAFE_NO_PAD.encode(v.to_string());
    format!("{}.{}.{}", part(header), part(claims), URL_SAFE_NO_PAD.encode(crate::state::random::<64>()))
}

/// https, or http to this machine, and no fragment.
pub(crate) fn redirect_allowed(uri: &str) -> bool {
    let Ok(url) = url::Url::parse(uri) else { return false };
    let local = matches!(url.host_str(), Some("127.0.0.1" | "localhost" | "[::1]"));
    url.fragment().is_none() && (url.scheme() == "https" || (url.scheme() == "http" && local))
}

/// Splits a scope string and drops what stands twice.
pub(crate) fn scopes(text: &str, separators: &[char]) -> Vec<String> {
    let mut list: Vec<String> = Vec::new();
    for scope in text.split(separators).filter(|s| !s.is_empty()) {
        if !list.iter().any(|s| s == scope) {
            list.push(scope.to_owned());
        }
    }
    list
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pkce_example_of_the_rfc_holds() {
        let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
        assert!(pkce_ok("S256", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM", verifier));
        assert!(!pkce_ok("S256", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cX", verifier));
        assert!(!pkce_ok("plain", "short", "short"));
    }

    #[test]
    fn a_redirect_is_https_or_this_machine() {
        assert!(redirect_allowed("https://app.example/cb?x=1"));
        assert!(redirect_allowed("http://127.0.0.1:4000/cb"));
        assert!(!redirect_allowed("http://app.example/cb"));
        assert!(!redirect_allowed("https://app.example/cb#f"));
    }
}
