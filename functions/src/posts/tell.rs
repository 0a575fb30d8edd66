//! What the outside is told of a post.

use cloud::table::deliveries::Delivery;
use cloud::table::events::Event;
use domain::{Post, PostStatus};
use jiff::Timestamp;
use serde_json::json;

/// The name of the event that a change of a post's status is, where it is one.
#[must_use]
pub fn of_status(before: PostStatus, after: PostStatus) -> Option<&'static str> {
    match after {
        _ if before == after => None,
        PostStatus::Published => Some("post.published"),
        PostStatus::Partial => Some("post.partial"),
        PostStatus::Failed => Some("post.failed"),
        _ => None,
    }
}

/// The event `name` of a post as it stands now, caused by one of its deliveries. Its id is made of the post's version, of which
/// a change of its status happens at one, so it is the same however often it is written.
#[must_use]
pub fn event(name: &str, post: &Post, delivery: &Delivery, now: Timestamp) -> Event {
    numbered(&post.version.to_string(), name, post, delivery, now)
}

/// The event `name` of one delivery alone. Its id is made of the number of the claim that it came of, so it is the same when
/// the claim's outcome has to be written again because nobody knows whether it was.
#[must_use]
pub fn of_delivery(name: &str, fence: u64, post: &Post, delivery: &Delivery, now: Timestamp) -> Event {
    numbered(&format!("{}c{fence}", delivery.id.number()), name, post, delivery, now)
}

fn numbered(number: &str, name: &str, post: &Post, delivery: &Delivery, now: Timestamp) -> Event {
    let digits = post.id.as_str().trim_start_matches("post_");
    Event {
        id: format!("evt_{digits}_{number}_{}", name.trim_start_matches("post.")),
        name: name.to_owned(),
        workspace: post.workspace.clone(),
        at: now,
        detail: json!({
            "postId": post.id.as_str(),
            "talentId": post.talent.as_str(),
            "status": post.status.as_str(),
            "deliveryId": delivery.id.as_str(),
            "connectionId": delivery.connection.as_str(),
            "platform": delivery.platform.as_str(),
            "url": delivery.live.as_ref().and_then(|live| live.url.clone()),
            "errorCode": delivery.error.as_ref().map(|error| error.code.clone()),
            "error": delivery.error.as_ref().map(|error| error.message.clone()),
        }),
    }
}
