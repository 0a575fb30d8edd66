//! The world: everything that a request may read or change.

use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use ring::rand::{SecureRandom, SystemRandom};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::Config;
use crate::accounts::Accounts;
use crate::call::{Call, Reply};
use crate::clock::{self, SimClock};
use crate::faults::{Fault, Faults};
use crate::journal::Journal;
use crate::judge::{Judge, Outcome, Publication, Submission};
use crate::memory::{Line, Memory};
use crate::oauth::OAuth;
use crate::settings::Settings;
use crate::stock::{Ledger, Rates, Stock};
use crate::uploads::Sessions;

/// The platforms that the simulator plays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) enum Platform {
    Instagram,
    TikTok,
    YouTube,
    Mastodon,
    Bluesky,
    Twitter,
    LinkedIn,
    Telegram,
}

impl Platform {
    pub(crate) const ALL: [Self; 8] = [
        Self::Instagram,
        Self::TikTok,
        Self::YouTube,
        Self::Mastodon,
        Self::Bluesky,
        Self::Twitter,
        Self::LinkedIn,
        Self::Telegram,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Instagram => "INSTAGRAM",
            Self::TikTok => "TIKTOK",
            Self::YouTube => "YOUTUBE",
            Self::Mastodon => "MASTODON",
            Self::Bluesky => "BLUESKY",
            Self::Twitter => "TWITTER",
            Self::LinkedIn => "LINKEDIN",
            Self::Telegram => "TELEGRAM",
        }
    }

    pub(crate) fn parse(name: &str) -> Option<Self> {
        let name = if name.eq_ignore_ascii_case("X") { "TWITTER" } else { name };
        Self::ALL.into_iter().find(|p| p.name().eq_ignore_ascii_case(name))
    }
}

/// An account by what never changes about it: the handle that it was born with.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(into = "(Platform, String)", from = "(Platform, String)")]
pub(crate) struct Who {
    pub(crate) platform: Platform,
    pub(crate) seed: Arc<str>,
}

impl From<Who> for (Platform, String) {
    fn from(who: Who) -> Self {
        (who.platform, who.seed.to_string())
    }
}

impl From<(Platform, String)> for Who {
    fn from((platform, seed): (Platform, String)) -> Self {
        Self { platform, seed: Arc::from(seed) }
    }
}

/// Locks, also after a panic elsewhere.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// `bytes` of randomness.
pub(crate) fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    // The system's random source does not fail on the machines a simulator runs on.
    let _ = SystemRandom::new().fill(&mut bytes);
    bytes
}

/// Letters and digits that cannot be guessed, `length` of them.
pub(crate) fn secret(length: usize) -> String {
    const LETTERS: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    let mut out = String::with_capacity(length);
    while out.len() < length {
        out.extend(random::<32>().iter().take(length - out.len()).map(|b| char::from(LETTERS[usize::from(*b) % 62])));
    }
    out
}

/// The whole simulated outside world.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) config: Config,
    pub(crate) clock: SimClock,
    pub(crate) accounts: Accounts,
    pub(crate) oauth: OAuth,
    pub(crate) faults: Faults,
    pub(crate) journal: Journal,
    pub(crate) mastodon: crate::mastodon::Apps,
    pub(crate) bluesky: crate::bluesky::Desk,
    pub(crate) judge: Judge,
    pub(crate) settings: Settings,
    pub(crate) sessions: Sessions,
    pub(crate) stock: Stock,
    pub(crate) rates: Rates,
    pub(crate) ledger: Ledger,
    memory: OnceLock<Memory>,
    /// Held by whoever publishes or deletes.
    pub(crate) turn: Mutex<()>,
}

impl World {
    pub(crate) fn new(config: Config) -> Self {
        let clock = SimClock::default();
        Self {
            config,
            accounts: Accounts::by(clock.clone()),
            clock,
            oauth: OAuth::default(),
            faults: Faults::default(),
            journal: Journal::default(),
            mastodon: crate::mastodon::Apps::default(),
            bluesky: crate::bluesky::Desk::default(),
            judge: Judge::default(),
            settings: Settings::default(),
            sessions: Sessions::default(),
            stock: Stock::default(),
            rates: Rates::default(),
            ledger: Ledger::default(),
            memory: OnceLock::new(),
            turn: Mutex::default(),
        }
    }

    /// Knows again what an earlier start wrote into the file, and goes on writing there.
    pub(crate) fn remember_in(&self, path: &Path) -> io::Result<()> {
        let (memory, lines) = Memory::open(path)?;
        for Line { kind, key, value } in lines {
            // A line of another version is not known, and forgotten.
            let _ = match kind.as_str() {
                "account" => serde_json::from_value(value).map(|who| self.accounts.recall(&who)),
                "grant" => serde_json::from_value(value).map(|grant| self.oauth.recall_grant(&key, grant)),
                "token" => serde_json::from_value(value).map(|token| self.oauth.recall_token(&key, token)),
                "consent" => serde_json::from_value(value).map(|consent| self.oauth.recall_consent(consent)),
                "app" => serde_json::from_value(value).map(|app| self.mastodon.recall(&key, app)),
                "confidential" => serde_json::from_value(value).map(|grant| self.bluesky.recall_confidential(grant)),
                "publication" => serde_json::from_value(value).map(|made| self.judge.recall(made)),
                "sequence" => serde_json::from_value(value).map(|n| self.judge.go_on_from(n)),
                _ => Ok(()),
            };
        }
        self.accounts.remember_in(&memory);
        self.oauth.remember_in(&memory);
        self.mastodon.remember_in(&memory);
        self.bluesky.remember_in(&memory);
        self.judge.remember_in(&memory);
        let _ = self.memory.set(memory);
        Ok(())
    }

    /// Back to the first second.
    pub(crate) fn reset(&self) {
        if let Some(memory) = self.memory.get() {
            memory.clear();
        }
        self.clock.reset();
        self.accounts.reset();
        self.oauth.reset();
        self.faults.clear();
        self.journal.reset();
        self.mastodon.reset();
        self.bluesky.reset();
        self.settings.reset();
        self.forget_publications();
    }

    /// Nothing has been published or uploaded; accounts, tokens, settings and faults stay.
    pub(crate) fn forget_publications(&self) {
        self.judge.reset();
        self.sessions.reset();
        self.stock.reset();
        self.rates.reset();
        self.ledger.reset();
    }

    /// The handle of the account whose access token, or upload address, the request carries.
    pub(crate) fn bearer_handle(&self, call: &Call) -> Option<String> {
        let by_token = call.access_token().and_then(|token| self.oauth.owner(&token));
        let who = by_token.or_else(|| crate::uploads::owner(self, call))?;
        Some(self.accounts.get(&who).handle)
    }

    pub(crate) fn expire_bearer(&self, call: &Call) {
        if let Some(token) = call.access_token() {
            self.oauth.expire(&token, self.now());
        }
    }

    pub(crate) fn revoke_bearer(&self, call: &Call) {
        if let Some(who) = call.access_token().and_then(|token| self.oauth.owner(&token)) {
            self.oauth.revoke_all(&who);
        }
    }

    /// When media that came in now is ready, and how many looks find it unfinished until then.
    pub(crate) fn processing(&self, platform: Platform, video: bool) -> (i64, u64) {
        let looks = self.settings.number(platform, "processingLooks").unwrap_or(u64::from(video));
        (self.now() + self.settings.ms(platform, "processingSeconds"), looks)
    }

    /// From when lists show what this request publishes.
    pub(crate) fn visible_ms(&self, platform: Platform, call: &Call) -> i64 {
        let fault = match &call.twist {
            Some(Fault::IndexLag { seconds }) => seconds.saturating_mul(1000),
            _ => 0,
        };
        self.now() + fault.max(self.settings.ms(platform, "indexLagSeconds"))
    }

    /// Puts a request for a publication on record, and answers it.
    pub(crate) fn refused(&self, call: &Call, who: &Who, key: Option<&str>, reason: &str, reply: Reply) -> Reply {
        let key = key.map(str::to_owned);
        self.submitted(call, who, key, (Outcome::Refused, Some(reason)), None);
        reply
    }

    /// Records a publication and the request that made it.
    pub(crate) fn publish(&self, call: &Call, made: Publication) -> Arc<Publication> {
        let made = self.judge.create(made);
        self.submitted(call, &made.who, made.key.clone(), (Outcome::Created, None), Some(made.n));
        made
    }

    /// Records that a request asked for what already stands.
    pub(crate) fn repeated(&self, call: &Call, known: &Publication, outcome: Outcome, reason: Option<&str>) {
        self.submitted(call, &known.who, known.key.clone(), (outcome, reason), Some(known.n));
    }

    fn submitted(
        &self,
        call: &Call,
        who: &Who,
        key: Option<String>,
        (outcome, reason): (Outcome, Option<&str>),
        publication: Option<u64>,
    ) {
        self.judge.submitted(Submission {
            at_ms: self.now(),
            who: who.clone(),
            operation: call.operation(),
            key,
            outcome,
            reason: reason.map(str::to_owned),
            publication,
        });
    }

    pub(crate) fn now(&self) -> i64 {
        self.clock.now_ms()
    }

    /// Puts a request that no well-made client sends on record, and answers it.
    pub(crate) fn unexpected(&self, call: &Call, reason: &str, reply: Reply) -> Reply {
        tracing::warn!(host = call.host, path = call.logged_path(), reason, "unexpected request");
        let entry = json!({
            "at": clock::iso_ms(self.now()),
            "platform": call.platform.map(Platform::name),
            "host": call.host,
            "method": call.method.as_str(),
            "path": call.logged_path(),
            "reason": reason,
        });
        self.journal.unexpected(entry);
        reply
    }
}
