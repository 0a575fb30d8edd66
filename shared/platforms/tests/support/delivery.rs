//! One delivery, driven as the worker drives it: every step's progress is stored, an intent stands before the effect,
//! and whatever is uncertain is looked for.

use std::sync::Mutex;
use std::time::Duration;

use async_trait::async_trait;
use domain::content::{Draft, Media, MediaKind};
use domain::{Effect, Failure, Platform, TokenSet};
use jiff::{SignedDuration, Timestamp};
use outbound::Call;
use platforms::media::testing::InMemory;
use platforms::publish::{
    Files, Found, Job, Lease, Limits, Looked, Lost, PostRef, Prepared, Progress, Publish, Stop, Submitted,
};
use platforms::{Access, Account};
use serde_json::{Map, Value, json};
use url::Url;

use crate::support::World;

/// A worker's hold on a row that can be lost.
#[derive(Default)]
pub struct Row {
    kept: Mutex<Option<Progress>>,
    /// After so many renewals another worker has the row.
    pub renewals_left: Mutex<Option<u32>>,
    /// How long a step holds it at most in one go; a minute where nothing else is said.
    pub longest: Option<Duration>,
    /// How long each step asked to hold it.
    pub held: Mutex<Vec<Duration>>,
    /// The offsets that were stored, in order.
    pub offsets: Mutex<Vec<u64>>,
}

#[async_trait]
impl Lease for Row {
    async fn keep(&self, progress: &Progress, ahead: Duration) -> Result<(), Lost> {
        let longest = self.longest.unwrap_or(Duration::from_secs(60));
        assert!(ahead <= longest, "no step may hold a row for {ahead:?}");
        self.held.lock().unwrap().push(ahead);
        let mut left = self.renewals_left.lock().unwrap();
        if *left == Some(0) {
            return Err(Lost);
        }
        *left = left.map(|left| left - 1);
        self.offsets.lock().unwrap().push(progress.number("offset"));
        *self.kept.lock().unwrap() = Some(progress.clone());
        Ok(())
    }
}

/// A delivery and what is stored about it.
pub struct Delivery<'a> {
    pub world: &'a World,
    pub tokens: TokenSet,
    pub draft: Draft,
    pub progress: Progress,
    pub intent_at: Option<Timestamp>,
    pub first_intent_at: Option<Timestamp>,
    pub resent: bool,
    pub not_ours: Vec<String>,
    pub files: InMemory,
    pub row: Row,
    started_at: Timestamp,
    handle: String,
    pub account_id: String,
    limits: Limits,
    platform: Platform,
}

impl<'a> Delivery<'a> {
    /// A post of the account `handle`, which consents to everything.
    pub async fn new(world: &'a World, platform: Platform, handle: &str, draft: Draft) -> Self {
        let tokens = world.consent(handle, &[]).await.unwrap().tokens;
        Self::with(world, platform, handle, tokens, draft).await
    }

    /// The same with the rights that `tokens` have.
    pub async fn with(world: &'a World, platform: Platform, handle: &str, tokens: TokenSet, draft: Draft) -> Self {
        let profile = world.profile(handle, Access::Token(&tokens)).await;
        let account_id = match profile {
            Ok(profile) => profile.external_id,
            Err(_) => world.truth(handle).await["id"].as_str().unwrap().to_owned(),
        };
        let mut files = InMemory::default();
        for media in &draft.media {
            files = files.with(&media.url, bytes_at(world, &media.url).await);
        }
        let publish = world.adapter().publish.as_ref().unwrap();
        let limits = Limits::from(publish.facts());
        let problems = publish.problems(&draft, &limits);
        let errors: Vec<_> = problems.iter().filter(|p| p.severity == domain::content::Severity::Error).collect();
        assert!(errors.is_empty(), "a draft of these tests has no problem: {errors:?}");
        Self {
            started_at: world.now(),
            world,
            tokens,
            draft,
            progress: Progress::default(),
            intent_at: None,
            first_intent_at: None,
            resent: false,
            not_ours: Vec::new(),
            files,
            row: Row::default(),
            handle: handle.to_owned(),
            account_id,
            limits,
            platform,
        }
    }

    pub fn publish(&self) -> &dyn Publish {
        self.world.adapter().publish.as_deref().unwrap()
    }

    pub fn job(&self) -> Job<'_> {
        Job {
            account: Account { handle: &self.handle, platform_account_id: Some(&self.account_id) },
            tokens: &self.tokens,
            draft: &self.draft,
            limits: &self.limits,
            key: "dlv_of_the_test",
            started_at: self.started_at,
            intent_at: self.intent_at,
            first_intent_at: self.first_intent_at.or(self.intent_at),
            resent: self.resent,
            not_ours: &self.not_ours,
            progress: &self.progress,
            files: &self.files as &dyn Files,
            lease: &self.row,
        }
    }

    /// What a step left behind in the row, also where it failed.
    fn restore(&mut self) {
        if let Some(kept) = self.row.kept.lock().unwrap().take() {
            self.progress = kept;
        }
    }

    pub async fn prepare(&mut self) -> Result<(), Stop> {
        for _ in 0..100 {
            let prepared = self.publish().prepare(&self.world.cx(), &self.job()).await;
            self.restore();
            match prepared {
                Ok(Prepared::Ready(progress)) => {
                    self.progress = progress;
                    return Ok(());
                }
                Ok(Prepared::More { progress, wait }) => {
                    self.progress = progress;
                    self.wait(wait.unwrap_or_default()).await;
                }
                Err(Stop::Failed(failure)) => {
                    assert_eq!(failure.effect, Effect::NotApplied, "nobody sees what is prepared: {failure}");
                    return Err(Stop::Failed(failure));
                }
                Err(Stop::Lost) => return Err(Stop::Lost),
            }
        }
        panic!("it is never prepared");
    }

    pub async fn submit(&mut self) -> Result<Option<PostRef>, Stop> {
        self.intent_at = Some(self.world.now());
        self.first_intent_at.get_or_insert(self.world.now());
        let submitted = self.publish().submit(&self.world.cx(), &self.job()).await;
        self.restore();
        match submitted? {
            Submitted::Published(post) => Ok(Some(post)),
            Submitted::Processing { progress, wait } => {
                self.progress = progress;
                self.wait(wait).await;
                Ok(None)
            }
        }
    }

    /// Looks until it is decided.
    pub async fn settle(&mut self) -> Result<PostRef, Failure> {
        for _ in 0..200 {
            match self.publish().look(&self.world.cx(), &self.job()).await? {
                Looked::Published(post) | Looked::Seen(post) => return Ok(post),
                Looked::Refused(failure) | Looked::Gone(failure) => return Err(failure),
                Looked::Processing { wait } => {
                    assert!(!wait.is_zero(), "looking takes its time");
                    self.wait(wait).await;
                }
            }
        }
        panic!("it is never decided");
    }

    /// One look for a submission of unknown outcome, after the platform's own lag.
    pub async fn find(&mut self) -> Result<Found, Failure> {
        self.wait(Duration::try_from(self.publish().facts().index_lag).unwrap()).await;
        let found = self.publish().find(&self.world.cx(), &self.job()).await?;
        match &found {
            Found::Processing { progress, .. } | Found::Absent(progress) => self.progress = progress.clone(),
            _ => {}
        }
        Ok(found)
    }

    /// The whole way of a delivery that meets no fault.
    pub async fn deliver(&mut self) -> PostRef {
        self.prepare().await.unwrap();
        match self.submit().await.unwrap() {
            Some(post) => post,
            None => self.settle().await.unwrap(),
        }
    }

    /// A submission whose outcome nobody knows.
    pub async fn submit_unknown(&mut self) -> Failure {
        let failure = self.submit_failing().await;
        assert_eq!(failure.effect, Effect::Unknown, "{failure}");
        failure
    }

    pub async fn submit_failing(&mut self) -> Failure {
        match self.submit().await {
            Err(Stop::Failed(failure)) => failure,
            other => panic!("it did not fail: {other:?}"),
        }
    }

    pub async fn prepare_failing(&mut self) -> Failure {
        match self.prepare().await {
            Err(Stop::Failed(failure)) => failure,
            other => panic!("it did not fail: {other:?}"),
        }
    }

    async fn wait(&self, wait: Duration) {
        if !wait.is_zero() {
            self.world.pass(SignedDuration::try_from(wait).unwrap()).await;
        }
    }

    /// What the platform was made to publish, as its judge saw it.
    pub async fn publications(&self) -> Vec<Value> {
        let path = format!("publications?platform={}&account={}", self.platform, self.handle);
        self.world.get(&path).await.as_array().unwrap().clone()
    }

    pub async fn counts(&self) -> Value {
        self.world.get(&format!("counts?platform={}&account={}", self.platform, self.handle)).await
    }

    /// One post stands, whatever happened on the way.
    pub async fn stands_once(&self) {
        let counts = self.counts().await;
        assert_eq!((&counts["created"], &counts["live"]), (&json!(1), &json!(1)), "{counts}");
    }

    /// Nothing was ever published.
    pub async fn stands_nowhere(&self) {
        let counts = self.counts().await;
        assert_eq!((&counts["created"], &counts["submissions"]), (&json!(0), &json!(0)), "{counts}");
    }

    /// The next request of this operation goes wrong.
    pub async fn fault(&self, operation: &str, fault: Value) {
        self.fault_after(operation, 0, fault).await;
    }

    /// The same after `skip` that go well.
    pub async fn fault_after(&self, operation: &str, skip: u32, fault: Value) {
        let platform = self.platform;
        let order = json!({"platform": platform, "operation": operation, "skip": skip, "fault": fault});
        self.world.post("faults", order).await;
    }
}

/// A draft with the files at these addresses of the media host.
pub fn draft(text: &str, urls: &[&str], options: Value) -> Draft {
    let Value::Object(options) = options else { panic!("options are an object") };
    draft_of(text, urls, options)
}

fn draft_of(text: &str, urls: &[&str], options: Map<String, Value>) -> Draft {
    let file = |url: &&str| {
        let video = url.contains(".mp4");
        Media {
            url: (*url).to_owned(),
            kind: if video { MediaKind::Video } else { MediaKind::Image },
            mime: if video { "video/mp4" } else { "image/jpeg" }.to_owned(),
            bytes: None,
            width: None,
            height: None,
            duration_ms: None,
        }
    };
    Draft { text: text.to_owned(), media: urls.iter().map(file).collect(), options, follow_ups: Vec::new() }
}

/// Sets what the platform does by itself.
pub async fn setting(world: &World, platform: Platform, settings: Value) {
    // Accounts and settings are changed in the same way, and lie side by side.
    world.patch(&format!("../../settings/{platform}"), settings).await;
}

async fn bytes_at(world: &World, url: &str) -> bytes::Bytes {
    let call = Call::get(None, Url::parse(url).unwrap()).at_most(64 << 20);
    let answer = world.out.send(call).await.unwrap();
    assert!(answer.is_success(), "{url}: {}", answer.status);
    answer.body
}

/// The digest by which the judge names what has arrived.
pub fn sha256(bytes: &[u8]) -> String {
    let digest = ring::digest::digest(&ring::digest::SHA256, bytes);
    digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

impl Delivery<'_> {
    /// The digest of the first file.
    pub async fn sha256(&self) -> String {
        let media = &self.draft.media[0];
        let size = self.files.size(media).await.unwrap();
        sha256(&self.files.read(media, 0, usize::try_from(size).unwrap()).await.unwrap())
    }
}
