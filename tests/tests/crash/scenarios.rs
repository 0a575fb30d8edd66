//! What is going on when the process dies, and what must have become of it.

use herald_tests::client::{Client, Reply};
use herald_tests::consent::{self, Person};
use herald_tests::eventually::{asked, until};
use herald_tests::process::Result;
use herald_tests::rows::Rows;
use herald_tests::stack::Stack;
use reqwest::Method;
use serde_json::{Value, json};

use crate::Point;

pub const WORKSPACE: &str = "w_crash";

/// The lease of a row, and a little more.
const LEASE_S: i64 = 63;
/// A TikTok token lives a day and is renewed half an hour ahead.
const NEAR_EXPIRY_S: i64 = 23 * 3_600 + 35 * 60;

/// What is going on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scenario {
    /// An account is linked by handle and synced.
    Connect,
    /// A person comes back from the platform's consent page, and the account is synced.
    Consent,
    /// The same with pushed requests, proofs of possession and a nonce.
    Proven,
    /// Tokens are renewed ahead of their end, and the platform rotates the refresh token.
    Renew,
    /// A connection is deleted: revoked, then erased.
    Remove,
}

impl Scenario {
    pub const ALL: [Self; 5] = [Self::Connect, Self::Consent, Self::Proven, Self::Renew, Self::Remove];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Connect => "connect",
            Self::Consent => "consent",
            Self::Proven => "proven",
            Self::Renew => "renew",
            Self::Remove => "remove",
        }
    }

    /// The handlers at work, in order.
    pub const fn handlers(self) -> &'static [&'static str] {
        match self {
            Self::Connect => &["connections.connect_manual", "workers.ingest"],
            Self::Consent | Self::Proven => &["oauth.callback", "workers.ingest"],
            Self::Renew => &["workers.refresh"],
            Self::Remove => &["connections.remove", "workers.erase"],
        }
    }

    /// The account, and how many of its posts are kept.
    const fn account(self) -> (&'static str, &'static str, usize) {
        match self {
            // More posts than one transaction takes.
            Self::Connect => ("BLUESKY", "crash-p120.bsky.social", 100),
            Self::Proven => ("BLUESKY", "proven.bsky.social", 40),
            Self::Consent | Self::Renew | Self::Remove => ("TIKTOK", "crash", 40),
        }
    }

    /// Everything up to the moment at which the process may die.
    pub async fn prepare(self, stack: &Stack, talent: &str) -> Result<Case> {
        let staff = stack.admin(WORKSPACE).await?;
        staff.talent(talent).await?;
        let (platform, handle, _) = self.account();
        let mut case = Case { scenario: self, talent: talent.to_owned(), connection: None, ask: Ask::RingDue };
        match self {
            Self::Connect => {
                case.ask = Ask::Connect(json!({"talentId": talent, "platform": platform, "handle": handle}))
            }
            Self::Consent | Self::Proven => case.ask = Ask::Callback(case.allow(stack).await?),
            Self::Renew | Self::Remove => {
                let id = consent::link(&staff, talent, platform, handle).await?;
                assert_eq!(staff.done(talent, &id).await?["syncStatus"], "READY");
                if self == Self::Renew {
                    // A sync at the same time would open the same tokens.
                    let _ = staff.post_empty(&format!("/api/admin/socials/{id}/pause")).await?.expect(200);
                    near_expiry(stack).await?;
                } else {
                    case.ask = Ask::Remove(id.clone());
                }
                case.connection = Some(id);
            }
        }
        // A ring that is left over would be one more claim to count.
        let _ = stack.client.delete("/local/queues").await?.expect(200);
        let _ = stack.control("/faults", &json!({"kind": "workers_stopped", "on": false})).await?.expect(200);
        Ok(case)
    }
}

/// Lets the day pass while nobody works, so that the renewal does not begin before it is asked for.
async fn near_expiry(stack: &Stack) -> Result<()> {
    let _ = stack.control("/faults", &json!({"kind": "workers_stopped"})).await?.expect(200);
    stack.pass(NEAR_EXPIRY_S).await?;
    // The schedule has slept too, and wakes up by itself.
    until("the ring of the schedule", async || {
        Ok(stack.client.get("/local/queues").await?.expect(200).body["refresh"]["waiting"] != 0)
    })
    .await
}

/// What is asked for.
#[derive(Debug)]
enum Ask {
    Connect(Value),
    Callback(String),
    RingDue,
    Remove(String),
}

/// One scenario for one talent.
#[derive(Debug)]
pub struct Case {
    scenario: Scenario,
    talent: String,
    connection: Option<String>,
    ask: Ask,
}

impl Case {
    /// Goes to the platform's page and allows the app; answers where the platform sends the browser.
    async fn allow(&self, stack: &Stack) -> Result<String> {
        let (platform, handle, _) = self.scenario.account();
        let staff = stack.admin(WORKSPACE).await?;
        let mut body = json!({"userId": self.talent, "platform": platform, "returnTo": "/done"});
        if platform == "BLUESKY" {
            body["handle"] = json!(handle);
        }
        let page = consent::start(&staff, &body).await?;
        Person::allowing(handle).answers(staff.http(), &page).await
    }

    /// Asks for it, each time with the same key; nothing when the answer was lost.
    pub async fn ask(&mut self, stack: &Stack) -> Result<Option<Reply>> {
        let staff = stack.admin(WORKSPACE).await?;
        let key = ("idempotency-key", self.talent.as_str());
        Ok(match &self.ask {
            Ask::Connect(body) => {
                let headers = [("content-type", "application/json"), key];
                let body = Some(body.to_string().into_bytes());
                staff.send(Method::POST, "/api/admin/socials/connect-manual", &headers, body).await.ok()
            }
            // The browser has no credential of ours.
            Ask::Callback(path) => stack.client.get(path).await.ok(),
            Ask::RingDue => stack.control("/schedules/schedules.ring_due", &json!({})).await.ok(),
            Ask::Remove(id) => staff.send(Method::DELETE, &format!("/api/admin/socials/{id}"), &[key], None).await.ok(),
        })
    }

    /// Whether an answer is the right one: the first, or after a death at `point` the second.
    pub fn answered(&self, answer: &Reply, point: Option<&Point>) -> Result<()> {
        let replayed = answer.header("idempotency-replayed") == Some("true");
        let right = match (&self.ask, point) {
            (Ask::Connect(_), point) => {
                let committed = |p: &Point| p.had("connections.connect_manual", "dynamodb.TransactWriteItems");
                answer.status == 201 && replayed == point.is_some_and(committed)
            }
            (Ask::Callback(_), Some(point)) if point.had("oauth.callback", "dynamodb.DeleteItem") => {
                answer.status == 400
                    && answer.text_of("code") == "invalid_state"
                    && answer.text_of("error").ends_with("Start again.")
            }
            (Ask::Callback(_), _) => consent::landing(answer)?.connection().is_ok(),
            (Ask::RingDue, _) => answer.status == 200,
            (Ask::Remove(_), point) => {
                let committed = |p: &Point| p.had("connections.remove", "dynamodb.TransactWriteItems");
                answer.status == 200
                    && answer.text_of("message") == "Social connection removed"
                    && replayed == point.is_some_and(committed)
            }
        };
        if right { Ok(()) } else { Err(format!("answered {} {}", answer.status, answer.text).into()) }
    }

    /// Waits for the end, and says in a word what it was.
    pub async fn settle(&mut self, stack: &Stack, point: Option<&Point>) -> Result<&'static str> {
        if point.is_some() {
            // Whoever died holds its rows until the lease is over.
            stack.pass(LEASE_S).await?;
            let _ = stack.control("/schedules/schedules.ring_due", &json!({})).await?.expect(200);
        }
        match self.scenario {
            Scenario::Connect => {
                self.is_ready(stack, "connection.connect_manual").await?;
                Ok("READY")
            }
            Scenario::Consent | Scenario::Proven => {
                let spent = point.is_some_and(|p| {
                    p.had("oauth.callback", "dynamodb.DeleteItem")
                        && !p.had("oauth.callback", "dynamodb.TransactWriteItems")
                });
                if spent {
                    // The honest exception: nothing can bring a spent code back, so nothing looks connected.
                    let linked = stack.admin(WORKSPACE).await?.connections(&self.talent).await?;
                    assert!(linked.is_empty(), "a half-finished connection: {linked:?}");
                    let path = self.allow(stack).await?;
                    consent::landing(&stack.client.get(&path).await?)?.connection()?;
                }
                self.is_ready(stack, "connection.oauth").await?;
                Ok(if spent { "start again, READY" } else { "READY" })
            }
            Scenario::Renew => self.is_renewed(stack, point).await,
            Scenario::Remove => {
                self.is_erased(stack).await?;
                let revoked = asked(&stack.world, "open.tiktokapis.com", "/oauth/revoke").await?;
                let here = revoked.iter().filter(|request| request["status"] == 200).count();
                assert!(here > 0, "never revoked");
                let log = std::fs::read_to_string(stack.data().join("herald.log"))?;
                assert!(!log.contains("tokens destroyed without revocation"), "{log}");
                Ok("erased")
            }
        }
    }

    /// Exactly one connection, READY with the truth, linked by exactly one act.
    async fn is_ready(&mut self, stack: &Stack, act: &str) -> Result<()> {
        let (platform, handle, kept) = self.scenario.account();
        let staff = stack.admin(WORKSPACE).await?;
        let linked = staff.connections(&self.talent).await?;
        assert_eq!(linked.len(), 1, "{linked:?}");
        let id = linked[0]["id"].as_str().unwrap_or_default().to_owned();
        let seen = staff.done(&self.talent, &id).await?;
        let truth = stack.world.account(platform, handle).await?;
        assert_eq!(seen["syncStatus"], "READY", "{seen}");
        assert_eq!((&seen["syncError"], &seen["nextRetryAt"]), (&Value::Null, &Value::Null), "{seen}");
        for (ours, theirs) in
            [("followerCount", "followerCount"), ("postCount", "postCount"), ("displayName", "displayName")]
        {
            assert_eq!(seen["profile"][ours], truth[theirs], "{ours} in {seen}");
        }
        assert_eq!(seen["platformAccountId"], truth["id"], "{seen}");
        let rows = Rows::of(stack).await?;
        assert_eq!(rows.publications(WORKSPACE, &id).await?, kept);
        let pk = format!("w#{WORKSPACE}#t#{}", self.talent);
        // One guard by handle, one by the platform's id.
        assert_eq!(rows.of_partition(&pk, "account#").await?.len(), 2);
        let acts = rows.of_partition(&pk, "audit#").await?;
        let acts = acts.iter().filter(|row| row["shown"]["M"]["action"]["S"] == act).count();
        assert_eq!(acts, 1, "{act}");
        self.connection = Some(id);
        Ok(())
    }

    /// The tokens are new and good; or, where the answer with them died unwritten, the person is told to reconnect.
    async fn is_renewed(&mut self, stack: &Stack, point: Option<&Point>) -> Result<&'static str> {
        let (platform, handle, _) = self.scenario.account();
        let id = self.connection.clone().ok_or("nothing is connected")?;
        let staff = stack.admin(WORKSPACE).await?;
        let lost = point.is_some_and(|p| {
            p.had("workers.refresh", "platform.open.tiktokapis.com")
                && !p.had("workers.refresh", "dynamodb.TransactWriteItems")
        });
        let rows = Rows::of(stack).await?;
        let pk = format!("w#{WORKSPACE}#c#{id}");
        until("the renewal", async || {
            let tokens = rows.of_partition(&pk, "tokens").await?;
            let seen = staff.connection(&self.talent, &id).await?;
            // Without a refresh token that works nothing is due any more.
            let given_up = tokens.iter().all(|row| row.get("due").is_none()) && seen["syncStatus"] == "ERROR";
            let renewed = tokens.iter().all(|row| row["claims"]["N"] == "0" && row["fence"]["N"] != "1");
            Ok(given_up || (renewed && !lost))
        })
        .await?;
        if lost {
            let seen = staff.done(&self.talent, &id).await?;
            assert_eq!(
                (&seen["syncStatus"], &seen["syncErrorCode"]),
                (&json!("ERROR"), &json!("token_expired")),
                "{seen}"
            );
            assert_eq!(seen["syncError"], "Token expired. Reconnect via OAuth.");
            assert_eq!(consent::link(&staff, &self.talent, platform, handle).await?, id);
        } else {
            let _ = staff.post_empty(&format!("/api/admin/socials/{id}/resume")).await?.expect(200);
        }
        let seen = staff.done(&self.talent, &id).await?;
        assert_eq!(seen["syncStatus"], "READY", "{seen}");
        // A day from now, not the few minutes that the old token had left.
        let tokens = rows.of_partition(&pk, "tokens").await?;
        assert_eq!(tokens[0]["expires_at"]["S"], seen["tokenExpiresAt"], "{seen}");
        Ok(if lost { "reconnect, READY" } else { "READY" })
    }

    async fn is_erased(&self, stack: &Stack) -> Result<()> {
        let id = self.connection.as_ref().ok_or("nothing was connected")?;
        let rows = Rows::of(stack).await?;
        let pk = format!("w#{WORKSPACE}#c#{id}");
        until("the end of erasing", async || Ok(rows.of_partition(&pk, "").await?.is_empty())).await?;
        let guards = rows.of_partition(&format!("w#{WORKSPACE}#t#{}", self.talent), "account#").await?;
        assert!(guards.is_empty(), "{guards:?}");
        assert!(stack.admin(WORKSPACE).await?.connections(&self.talent).await?.is_empty());
        Ok(())
    }

    /// Takes the connection away, so that its periodic work does not mix with the next case.
    pub async fn clean(&self, stack: &Stack) -> Result<()> {
        let staff: Client = stack.admin(WORKSPACE).await?;
        if self.scenario != Scenario::Remove {
            let id = self.connection.as_ref().ok_or("nothing was connected")?;
            let _ = staff.delete(&format!("/api/admin/socials/{id}")).await?.expect(200);
            self.is_erased(stack).await?;
        }
        Ok(())
    }
}
