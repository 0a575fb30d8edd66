//! The accounts of the world: what the law says about a handle, and what a test has changed since.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use crate::clock::SimClock;
use crate::law;
use crate::memory::Memory;
use crate::state::{Platform, Who};

/// What the control API has changed about an account.
#[derive(Debug, Clone, Default)]
pub(crate) struct Change {
    pub(crate) suspended: Option<bool>,
    pub(crate) deleted: bool,
    pub(crate) handle: Option<String>,
    pub(crate) followers: Option<u64>,
    pub(crate) posts: Option<u32>,
    /// The scopes that count, whatever a consent says.
    pub(crate) granted: Option<Vec<String>>,
}

/// An account as it stands now.
#[derive(Debug, Clone)]
pub(crate) struct Account {
    pub(crate) who: Who,
    pub(crate) handle: String,
    pub(crate) suspended: bool,
    pub(crate) deleted: bool,
    pub(crate) followers: u64,
    pub(crate) posts: u32,
    pub(crate) granted: Option<Vec<String>>,
    /// The time that its figures are of.
    pub(crate) now_ms: i64,
}

#[derive(Debug, Default)]
struct Inner {
    changes: HashMap<Who, Change>,
    /// A renamed account's new handle -> the handle it was born with.
    aliases: HashMap<(Platform, String), String>,
    /// Ids that have been handed out -> the handle the account was born with.
    ids: HashMap<(Platform, String), Arc<str>>,
    /// Where accounts that were asked for are written down, for the next start.
    memory: Memory,
}

/// All accounts.
#[derive(Debug, Default)]
pub(crate) struct Accounts(RwLock<Inner>, SimClock);

/// Lower case, no `@` in front.
pub(crate) fn normal(handle: &str) -> String {
    handle.trim().trim_start_matches('@').to_lowercase()
}

fn well_formed(platform: Platform, handle: &str) -> bool {
    let plain = |s: &str, more: &str, max: usize| {
        !s.is_empty() && s.len() <= max && s.chars().all(|c| c.is_ascii_alphanumeric() || more.contains(c))
    };
    match platform {
        Platform::Instagram => plain(handle, "._", 30),
        Platform::TikTok => plain(handle, "._", 24) && handle.len() >= 2,
        Platform::YouTube => {
            (3..=30).contains(&handle.chars().count())
                && handle.chars().all(|c| c.is_alphanumeric() || "._-·".contains(c))
        }
        Platform::Mastodon => handle
            .split_once('@')
            .is_some_and(|(user, host)| plain(user, "_-.", 64) && plain(host, ".-", 253) && host.contains('.')),
        Platform::Bluesky => {
            plain(handle, ".-", 253) && handle.contains('.') && handle.split('.').all(|label| !label.is_empty())
        }
        Platform::Twitter => plain(handle, "_", 15),
        Platform::LinkedIn => plain(handle, "-", 100) && handle.len() >= 3,
        Platform::Telegram => plain(handle, "_", 32) && handle.len() >= 4,
    }
}

/// Whether an account could be called that, whoever is now.
pub(crate) fn could_exist(platform: Platform, handle: &str) -> bool {
    well_formed(platform, handle) && !handle.starts_with("missing")
}

impl Accounts {
    /// Accounts that grow by this clock.
    pub(crate) fn by(clock: SimClock) -> Self {
        Self(RwLock::default(), clock)
    }

    fn read(&self) -> std::sync::RwLockReadGuard<'_, Inner> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> std::sync::RwLockWriteGuard<'_, Inner> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// The account that answers to `handle` now.
    pub(crate) fn find(&self, platform: Platform, handle: &str) -> Option<Account> {
        self.find_any(platform, handle).filter(|a| !a.deleted)
    }

    /// As `find`, deleted accounts too.
    pub(crate) fn find_any(&self, platform: Platform, handle: &str) -> Option<Account> {
        let handle = normal(handle);
        if !well_formed(platform, &handle) {
            return None;
        }
        let seed: Arc<str> = {
            let inner = self.read();
            match inner.aliases.get(&(platform, handle.clone())) {
                Some(seed) => Arc::from(seed.as_str()),
                None if handle.starts_with("missing") => return None,
                None => Arc::from(handle.as_str()),
            }
        };
        let account = self.get(&Who { platform, seed });
        if account.handle != handle {
            return None;
        }
        self.remember(&account);
        Some(account)
    }

    /// The account behind an id that this world has handed out.
    pub(crate) fn by_id(&self, platform: Platform, id: &str) -> Option<Account> {
        let seed = self.read().ids.get(&(platform, id.to_owned())).cloned()?;
        Some(self.get(&Who { platform, seed }))
    }

    /// The Mastodon accounts of an instance that anybody has asked for.
    pub(crate) fn on_instance(&self, host: &str) -> Vec<Account> {
        let seeds: Vec<Arc<str>> = {
            let inner = self.read();
            let here = |((p, _), seed): &(&(Platform, String), &Arc<str>)| {
                *p == Platform::Mastodon && seed.split_once('@').is_some_and(|(_, h)| h == host)
            };
            inner.ids.iter().filter(here).map(|(_, seed)| Arc::clone(seed)).collect()
        };
        seeds.into_iter().map(|seed| self.get(&Who { platform: Platform::Mastodon, seed })).collect()
    }

    /// The accounts of a platform that anybody has asked for.
    pub(crate) fn of(&self, platform: Platform) -> Vec<Account> {
        let mut seeds: Vec<Arc<str>> =
            self.read().ids.iter().filter(|((p, _), _)| *p == platform).map(|(_, seed)| Arc::clone(seed)).collect();
        seeds.sort();
        seeds.dedup();
        seeds.into_iter().map(|seed| self.get(&Who { platform, seed })).collect()
    }

    /// The account as changed so far.
    pub(crate) fn get(&self, who: &Who) -> Account {
        let change = self.read().changes.get(who).cloned().unwrap_or_default();
        Account::new(who.clone(), change, self.1.now_ms())
    }

    /// Applies `edit` to what is changed about an account.
    pub(crate) fn change(&self, who: &Who, edit: impl FnOnce(&mut Change)) {
        let mut inner = self.write();
        let change = inner.changes.entry(who.clone()).or_default();
        edit(change);
        if let Some(handle) = change.handle.clone() {
            inner.aliases.insert((who.platform, handle), who.seed.to_string());
        }
    }

    pub(crate) fn reset(&self) {
        let mut inner = self.write();
        let memory = std::mem::take(&mut inner.memory);
        *inner = Inner { memory, ..Inner::default() };
    }

    /// Writes down from now on who is asked for.
    pub(crate) fn remember_in(&self, memory: &Memory) {
        self.write().memory = memory.clone();
    }

    /// Knows an account again that an earlier start was asked for.
    pub(crate) fn recall(&self, who: &Who) {
        let _ = self.find_any(who.platform, &who.seed);
    }

    fn remember(&self, account: &Account) {
        let key = (account.who.platform, account.id());
        if self.read().ids.contains_key(&key) {
            return;
        }
        let mut inner = self.write();
        inner.memory.note("account", &format!("{} {}", key.0.name(), account.who.seed), &account.who);
        for alias in account.other_ids() {
            inner.ids.insert((key.0, alias), account.who.seed.clone());
        }
        inner.ids.insert(key, account.who.seed.clone());
    }
}

impl Account {
    fn new(who: Who, change: Change, now_ms: i64) -> Self {
        let (platform, seed) = (who.platform, who.seed.as_ref());
        let mut followers = 40 + law::hash(platform, seed, "followers", 0) % 480_000;
        if platform == Platform::YouTube {
            followers = crate::youtube::rounded(followers);
        }
        let born_suspended = seed.starts_with("suspended");
        let local = local_part(platform, seed);
        if law::grows(local) {
            followers += law::followers_gained(law::followers_a_day(platform, seed), now_ms);
        }
        Self {
            handle: change.handle.unwrap_or_else(|| seed.to_owned()),
            suspended: change.suspended.unwrap_or(born_suspended),
            deleted: change.deleted,
            followers: change.followers.unwrap_or(followers),
            // A bot cannot read what stands in a channel, so nothing stands there.
            posts: change.posts.unwrap_or(if platform == Platform::Telegram { 0 } else { law::posts_in_handle(local) }),
            granted: change.granted,
            now_ms,
            who,
        }
    }

    pub(crate) fn platform(&self) -> Platform {
        self.who.platform
    }

    pub(crate) fn seed(&self) -> &str {
        &self.who.seed
    }

    fn number(&self, salt: &str, modulus: u64) -> u64 {
        law::hash(self.platform(), self.seed(), salt, 0) % modulus
    }

    /// The id that the platform never changes.
    pub(crate) fn id(&self) -> String {
        let (p, s) = (self.platform(), self.seed());
        match p {
            Platform::Instagram => format!("17841{:012}", law::digits(p, s, "id", 12)),
            Platform::TikTok => law::uuid(p, s, "open_id"),
            Platform::YouTube => format!("UC{}", law::base64_22(p, s)),
            Platform::Mastodon => format!("1{:017}", law::digits(p, s, "id", 17)),
            Platform::Bluesky => format!("did:plc:{}", law::base32_24(p, s)),
            Platform::Twitter => format!("1{:018}", law::digits(p, s, "id", 18)),
            Platform::LinkedIn if self.is_page() => {
                format!("urn:li:organization:{}", 1_000_000 + law::digits(p, s, "id", 7))
            }
            Platform::LinkedIn => format!("urn:li:person:{}", &law::base64_22(p, s)[..10]),
            Platform::Telegram => format!("-100{}", 1_000_000_000 + law::digits(p, s, "id", 9)),
        }
    }

    /// Other ids of the platform that lead to this account.
    fn other_ids(&self) -> Vec<String> {
        match self.platform() {
            Platform::Instagram => vec![self.app_scoped_id()],
            Platform::YouTube => vec![crate::youtube::video_prefix(self)],
            Platform::LinkedIn => vec![self.bare_id()],
            Platform::TikTok | Platform::Mastodon | Platform::Bluesky | Platform::Twitter | Platform::Telegram => {
                Vec::new()
            }
        }
    }

    /// Instagram's id of the account for this one app.
    pub(crate) fn app_scoped_id(&self) -> String {
        format!("24{:015}", law::digits(self.platform(), self.seed(), "app-scoped", 15))
    }

    /// On LinkedIn: a page, not a person. The page `x-inc` is administered by the person `x`.
    pub(crate) fn is_page(&self) -> bool {
        self.platform() == Platform::LinkedIn && self.seed().ends_with("-inc")
    }

    /// The last piece of a URN.
    pub(crate) fn bare_id(&self) -> String {
        self.id().rsplit(':').next().unwrap_or_default().to_owned()
    }

    /// The handle without host or domain.
    pub(crate) fn local(&self) -> &str {
        local_part(self.platform(), &self.handle)
    }

    /// The instance of a Mastodon account.
    pub(crate) fn instance(&self) -> &str {
        self.handle.split_once('@').map_or("", |(_, host)| host)
    }

    /// A Mastodon account's ActivityPub address: it is made at birth and survives a rename.
    pub(crate) fn actor(&self) -> String {
        let born_as = self.who.seed.split('@').next().unwrap_or_default();
        format!("https://{}/users/{born_as}", self.instance())
    }

    pub(crate) fn name(&self) -> String {
        law::display_name(self.platform(), self.seed(), local_part(self.platform(), self.seed()))
    }

    pub(crate) fn bio(&self) -> String {
        law::bio(self.platform(), self.seed(), local_part(self.platform(), self.seed()))
    }

    pub(crate) fn following(&self) -> u64 {
        self.number("following", 1_500)
    }

    pub(crate) fn private(&self) -> bool {
        self.seed().starts_with("private")
    }

    /// `None` where the platform's API does not say.
    pub(crate) fn verified(&self) -> Option<bool> {
        matches!(self.platform(), Platform::TikTok | Platform::Bluesky | Platform::Twitter)
            .then(|| self.number("verified", 5) == 0)
    }

    /// Total over all posts ever, for the platforms that state one.
    pub(crate) fn total(&self, salt: &str) -> u64 {
        1_000 + self.number(salt, 90_000_000)
    }

    pub(crate) fn created_ms(&self) -> i64 {
        let days = i64::try_from(self.number("created", 2_000)).unwrap_or(0);
        (1_546_300_800 + days * 86_400) * 1000
    }

    pub(crate) fn profile_url(&self) -> String {
        let h = &self.handle;
        match self.platform() {
            Platform::Instagram => format!("https://www.instagram.com/{h}/"),
            Platform::TikTok => format!("https://www.tiktok.com/@{h}"),
            Platform::YouTube => format!("https://www.youtube.com/@{h}"),
            Platform::Mastodon => format!("https://{}/@{}", self.instance(), self.local()),
            Platform::Bluesky => format!("https://bsky.app/profile/{h}"),
            Platform::Twitter => format!("https://x.com/{h}"),
            Platform::LinkedIn if self.is_page() => format!("https://www.linkedin.com/company/{h}/"),
            Platform::LinkedIn => format!("https://www.linkedin.com/in/{h}/"),
            Platform::Telegram => format!("https://t.me/{h}"),
        }
    }

    pub(crate) fn avatar(&self) -> String {
        let name = self.number("avatar", u64::MAX);
        match self.platform() {
            Platform::Instagram => {
                format!("https://scontent.cdninstagram.com/v/{name:x}.jpg?_nc_ht=scontent.cdninstagram.com")
            }
            Platform::TikTok => format!("https://p16-sign.tiktokcdn.com/avatar/{name:x}.jpeg?x-expires=1793600000"),
            Platform::YouTube => format!("https://yt3.ggpht.com/{name:x}=s88-c-k"),
            Platform::Mastodon => format!("https://files.{}/accounts/avatars/{name:x}.png", self.instance()),
            Platform::Bluesky => format!("https://cdn.bsky.app/img/avatar/plain/{}/{name:x}@jpeg", self.id()),
            Platform::Twitter => format!("https://pbs.twimg.com/profile_images/{name:x}_normal.jpg"),
            Platform::LinkedIn => format!("https://media.licdn.com/dms/image/{name:x}/profile.jpg"),
            Platform::Telegram => format!("https://files.telegram.example/{name:x}.jpg"),
        }
    }

    /// Whether its figures grow with time.
    pub(crate) fn grows(&self) -> bool {
        law::grows(local_part(self.platform(), self.seed()))
    }

    /// The granted scopes that count.
    pub(crate) fn effective(&self, scopes: &[String]) -> Vec<String> {
        match &self.granted {
            Some(only) => scopes.iter().filter(|s| only.contains(s)).cloned().collect(),
            None => scopes.to_vec(),
        }
    }
}

fn local_part(platform: Platform, handle: &str) -> &str {
    let cut = match platform {
        Platform::Mastodon => handle.split('@').next(),
        Platform::Bluesky => handle.split('.').next(),
        Platform::Instagram
        | Platform::TikTok
        | Platform::YouTube
        | Platform::Twitter
        | Platform::LinkedIn
        | Platform::Telegram => None,
    };
    cut.unwrap_or(handle)
}
