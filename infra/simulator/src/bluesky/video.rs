//! The video service: takes a video, prepares it, and stores it on the account's PDS.

use serde_json::{Value, json};

use super::{blob, breach, repo, xrpc_error};
use crate::accounts::Account;
use crate::call::{Answer, Call, Reply};
use crate::judge::Medium;
use crate::law;
use crate::media::sniff::sniff;
use crate::state::{Platform, World};
use crate::stock::{Item, Processing};
use crate::strict::{Rule, Shape};

pub(super) const HOST: &str = "video.bsky.app";
const MOST: u64 = 300_000_000;

/// The account behind a service token that is meant for this.
fn caller(world: &World, call: &Call, aud: &str, lxm: &str) -> Result<Account, Reply> {
    let token = call.credential("bearer").unwrap_or("");
    let unfit = |why: &str| world.unexpected(call, why, xrpc_error(401, "BadJwt", why));
    let (who, known_aud, known_lxm, exp) =
        world.bluesky.service(token).ok_or_else(|| unfit("service token unknown"))?;
    if known_aud != aud || known_lxm != lxm {
        return Err(unfit("service token for something else"));
    }
    if exp <= world.now() {
        return Err(xrpc_error(401, "JwtExpired", "jwt expired"));
    }
    let account = world.accounts.get(&who);
    call.about(&account.handle);
    Ok(account)
}

fn job(item: &Item, state: &str, did: &str) -> Value {
    let mut job = json!({"jobId": item.id, "did": did, "state": state});
    match state {
        "JOB_STATE_COMPLETED" => {
            job["progress"] = json!(100);
            job["blob"] = blob::entity(&item.medium);
            job["message"] = json!("Video processed successfully");
        }
        "JOB_STATE_FAILED" => {
            job["error"] = json!(item.failure);
            job["failureCode"] = json!("encoding_failure");
            job["message"] = json!("Failed to process video");
        }
        _ => job["progress"] = json!(40),
    }
    job
}

pub(super) fn upload(world: &World, call: &Call) -> Answer {
    const RULE: Rule =
        Rule { method: "POST", query: &["did!", "name!"], body: Shape::Bytes, headers: &["authorization!"] };
    RULE.read(call).map_err(|b| breach(world, call, &b))?;
    let account = caller(world, call, &repo::pds_did(), "com.atproto.repo.uploadBlob")?;
    if call.query.text("did") != account.id() {
        let text = "did is not the token's";
        return Err(world.unexpected(call, text, xrpc_error(400, "InvalidRequest", text)));
    }
    if call.header("content-type") != Some("video/mp4") {
        let text = "Wrong request encoding (Content-Type)";
        return Err(world.unexpected(call, text, xrpc_error(400, "InvalidRequest", text)));
    }
    if call.payload.digest.bytes > MOST {
        return Err(xrpc_error(400, "InvalidRequest", "Video is too large"));
    }
    let seen = sniff(&call.body);
    let sha256 = call.payload.digest.hex();
    let id = format!("job{}", law::base32(Platform::Bluesky, &format!("{} {sha256}", account.id()), "job", 20));
    if let Some(item) = world.stock.own(&account.who, &id).filter(|i| i.failure.is_none()) {
        let mut body = job(&item, "JOB_STATE_COMPLETED", &account.id());
        body["error"] = json!("already_exists");
        body["message"] = json!("Video already processed");
        return Err(Reply::json(409, &body));
    }
    let medium: Medium = blob::store(world, call, &account, "video/mp4", seen);
    let mut item = Item::new(&account.who, &id, medium, seen, world.now());
    (item.ready_ms, item.looks) = world.processing(Platform::Bluesky, true);
    let unreadable = (seen.content_type != "video/mp4").then(|| "not a video".to_owned());
    item.failure = call.fails_late("encoding failed").or(unreadable);
    let reply = Reply::json(200, &json!({"jobStatus": job(&item, "JOB_STATE_CREATED", &account.id())}));
    world.stock.put(item);
    Ok(reply)
}

pub(super) fn status(world: &World, call: &Call) -> Answer {
    const RULE: Rule = Rule::get(&["jobId!"], &["authorization"]);
    RULE.read(call).map_err(|b| breach(world, call, &b))?;
    let (item, state) = world
        .stock
        .look(Platform::Bluesky, call.query.text("jobId"), world.now())
        .ok_or_else(|| xrpc_error(404, "NotFound", "Job not found"))?;
    let account = world.accounts.get(&item.who);
    call.about(&account.handle);
    let word = match state {
        Processing::Running => "JOB_STATE_ENCODING",
        Processing::Failed => "JOB_STATE_FAILED",
        Processing::Done => "JOB_STATE_COMPLETED",
    };
    Ok(Reply::json(200, &json!({"jobStatus": job(&item, word, &account.id())})))
}

pub(super) fn limits(world: &World, call: &Call) -> Answer {
    const RULE: Rule = Rule::get(&[], &["authorization!"]);
    RULE.read(call).map_err(|b| breach(world, call, &b))?;
    caller(world, call, &format!("did:web:{HOST}"), "app.bsky.video.getUploadLimits")?;
    let body = json!({"canUpload": true, "remainingDailyVideos": 25, "remainingDailyBytes": 10_737_418_240_u64});
    Ok(Reply::json(200, &body))
}
