//! One delivery, taken through its steps as a worker does: what each step has obtained is all that the next one gets.

#![allow(dead_code, reason = "every test file uses its part")]

use std::sync::Mutex;
use std::time::Duration;

use async_trait::async_trait;
use domain::content::{Draft, Media, MediaKind};
use domain::{Effect, Failure, TokenSet};
use jiff::{SignedDuration, Timestamp};
use platforms::Account;
use platforms::media::testing::InMemory;
use platforms::publish::{Found, Job, Lease, Limits, Lost, PostRef, Prepared, Progress, Publish, Stop, Submitted};
use serde_json::{Map, Value, json};

use crate::support::World;

/// The smallest picture that is one.
pub const PNG: &[u8] = &[
    0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0, 0, 0, 0x0d, 0x49, 0x48, 0x44, 0x52, 0, 0, 0, 1, 0, 0, 0, 1, 8,
    6, 0, 0, 0, 0x1f, 0x15, 0xc4, 0x89, 0, 0, 0, 0x0d, 0x49, 0x44, 0x41, 0x54, 0x78, 0xda, 0x63, 0x64, 0xf8, 0xcf,
    0x50, 0x0f, 0, 0x03, 0x86, 0x01, 0x80, 0x5a, 0x34, 0x7d, 0x6b, 0, 0, 0, 0, 0x49, 0x45, 0x4e, 0x44, 0xae, 0x42,
    0x60, 0x82,
];

/// The head of a video, and zeros behind it.
pub fn mp4(bytes: usize) -> Vec<u8> {
    let mut file = b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom\0\0\0\x08mdat".to_vec();
    file.resize(bytes, 0);
    file
}

/// The hold on the row; lost on request.
#[derive(Default)]
pub struct Held {
    pub lost: bool,
    pub kept: Mutex<Vec<Progress>>,
}

#[async_trait]
impl Lease for Held {
    async fn keep(&self, progress: &Progress, ahead: Duration) -> Result<(), Lost> {
        assert!(ahead <= Duration::from_secs(60), "{ahead:?}");
        if self.lost {
            return Err(Lost);
        }
        self.kept.lock().unwrap().push(progress.clone());
        Ok(())
    }
}

pub struct Delivery {
    pub handle: String,
    pub tokens: TokenSet,
    pub draft: Draft,
    pub limits: Limits,
    pub key: String,
    pub started_at: Timestamp,
    pub intent_at: Option<Timestamp>,
    pub first_intent_at: Option<Timestamp>,
    pub resent: bool,
    pub not_ours: Vec<String>,
    pub progress: Progress,
    pub files: InMemory,
    pub lease: Held,
}

impl Delivery {
    pub fn new(world: &World, handle: &str, tokens: &TokenSet, text: &str) -> Self {
        Self {
            handle: handle.to_owned(),
            tokens: tokens.clone(),
            draft: Draft { text: text.to_owned(), ..Draft::default() },
            limits: Limits::from(publish(world).facts()),
            key: "dlv_0000000001".to_owned(),
            started_at: world.now(),
            intent_at: None,
            first_intent_at: None,
            resent: false,
            not_ours: Vec::new(),
            progress: Progress::default(),
            files: InMemory::default(),
            lease: Held::default(),
        }
    }

    /// The same with another file.
    pub fn with(mut self, kind: MediaKind, mime: &str, bytes: &[u8], size: Option<(u32, u32)>) -> Self {
        let url = format!("https://files.example/{}", self.draft.media.len());
        self.files = self.files.with(&url, bytes.to_vec());
        self.draft.media.push(Media {
            url,
            kind,
            mime: mime.to_owned(),
            bytes: Some(bytes.len() as u64),
            width: size.map(|size| size.0),
            height: size.map(|size| size.1),
            duration_ms: None,
        });
        self
    }

    pub fn option(mut self, name: &str, value: Value) -> Self {
        self.draft.options.insert(name.to_owned(), value);
        self
    }

    pub fn following(mut self, texts: &[&str]) -> Self {
        self.draft.follow_ups = texts.iter().map(|text| (*text).to_owned()).collect();
        self
    }

    pub fn job(&self) -> Job<'_> {
        Job {
            account: Account { handle: &self.handle, platform_account_id: None },
            tokens: &self.tokens,
            draft: &self.draft,
            limits: &self.limits,
            key: &self.key,
            started_at: self.started_at,
            intent_at: self.intent_at,
            first_intent_at: self.first_intent_at.or(self.intent_at),
            resent: self.resent,
            not_ours: &self.not_ours,
            progress: &self.progress,
            files: &self.files,
            lease: &self.lease,
        }
    }

    /// Takes over what a step left behind in the row although it failed.
    pub fn restore(&mut self) {
        if let Some(kept) = self.lease.kept.lock().unwrap().pop() {
            self.progress = kept;
        }
    }

    /// Steps until all is there that submitting needs; how many there were.
    pub async fn prepare(&mut self, world: &World) -> Result<usize, Stop> {
        for steps in 1..100 {
            match publish(world).prepare(&world.cx(), &self.job()).await? {
                Prepared::More { progress, wait } => {
                    self.progress = progress;
                    if let Some(wait) = wait {
                        world.pass(SignedDuration::try_from(wait).unwrap()).await;
                    }
                }
                Prepared::Ready(progress) => {
                    self.progress = progress;
                    return Ok(steps);
                }
            }
        }
        panic!("it is never ready: {:?}", self.progress);
    }

    /// Writes the intent and submits.
    pub async fn submit(&mut self, world: &World) -> Result<PostRef, Failure> {
        self.intent_at = Some(world.now());
        self.first_intent_at.get_or_insert(world.now());
        match publish(world).submit(&world.cx(), &self.job()).await {
            Ok(Submitted::Published(post)) => Ok(post),
            Ok(Submitted::Processing { .. }) => panic!("nothing is processed here"),
            Err(stop) => Err(failed(stop)),
        }
    }

    /// All steps.
    pub async fn publish(&mut self, world: &World) -> PostRef {
        self.prepare(world).await.unwrap();
        self.submit(world).await.unwrap()
    }

    pub async fn find(&self, world: &World) -> Found {
        publish(world).find(&world.cx(), &self.job()).await.unwrap()
    }

    pub async fn found(&self, world: &World) -> PostRef {
        posted(self.find(world).await)
    }

    pub async fn absent(&mut self, world: &World) {
        match self.find(world).await {
            Found::Absent(progress) => self.progress = progress,
            other => panic!("{other:?}"),
        }
    }

    pub async fn follow_up(
        &mut self,
        world: &World,
        post: &PostRef,
        parent: &PostRef,
        n: usize,
    ) -> Result<PostRef, Failure> {
        self.intent_at = Some(world.now());
        publish(world).follow_up(&world.cx(), &self.job(), post, parent, n).await
    }

    pub async fn find_follow_up(&self, world: &World, post: &PostRef, parent: &PostRef, n: usize) -> Found {
        publish(world).find_follow_up(&world.cx(), &self.job(), post, parent, n).await.unwrap()
    }

    pub async fn delete(&self, world: &World, post: &PostRef) -> Result<(), Failure> {
        publish(world).delete(&world.cx(), &self.job(), post).await
    }

    /// The codes of all that is wrong.
    pub fn problems(&self, world: &World) -> Vec<String> {
        publish(world).problems(&self.draft, &self.limits).into_iter().map(|problem| problem.code).collect()
    }
}

pub fn publish(world: &World) -> &dyn Publish {
    world.adapter().publish.as_deref().unwrap()
}

pub fn failed(stop: Stop) -> Failure {
    match stop {
        Stop::Failed(failure) => failure,
        Stop::Lost => panic!("the lease was not lost"),
    }
}

pub fn posted(found: Found) -> PostRef {
    match found {
        Found::Published(post) => post,
        other => panic!("{other:?}"),
    }
}

/// What is wrong with a step that must fail without an effect.
pub fn harmless(failure: Failure) -> Failure {
    assert_eq!(failure.effect, Effect::NotApplied, "{failure:?}");
    failure
}

/// The next request of this kind goes wrong.
pub async fn fault(world: &World, operation: &str, fault: Value) {
    world.post("faults", json!({ "operation": operation, "fault": fault })).await;
}

/// What the platform was made to publish.
pub async fn publications(world: &World) -> Vec<Map<String, Value>> {
    let list = world.get("publications").await;
    list.as_array().unwrap().iter().map(|one| one.as_object().unwrap().clone()).collect()
}

/// One figure of the judge's.
pub async fn count(world: &World, name: &str) -> u64 {
    world.get("counts").await[name].as_u64().unwrap()
}
