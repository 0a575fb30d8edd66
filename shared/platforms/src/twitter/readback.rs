//! Finding a submission whose outcome is not known among the account's newest posts.

use domain::{Failure, Kind};
use jiff::Timestamp;
use url::Url;

use super::facts::POSTS;
use super::{api, ingest, text, urls};
use crate::kit::Context;
use crate::publish::{Job, PostRef};
use crate::readback::nearest;

/// A window of minutes holds few posts; more pages than these are somebody's flood.
const PAGES: usize = 5;

/// What a search is for.
pub(super) struct Wanted<'a> {
    pub(super) text: &'a str,
    pub(super) media: usize,
    /// The post that it replies to.
    pub(super) parent: Option<&'a str>,
}

/// What a search shows.
pub(super) enum Shown {
    Found(PostRef),
    Absent,
    /// Not among what was looked at, and more lies beyond.
    Beyond,
    /// The account's rights or the app's credits do not allow the look.
    Hidden,
}

/// Looks for `wanted` among what the account has posted since shortly before its content was first sent.
pub(super) async fn search(cx: &Context<'_>, job: &Job<'_>, wanted: &Wanted<'_>) -> Result<Shown, Failure> {
    let Some(id) = job.account.platform_account_id.filter(|_| may_read(&job.tokens.scopes)) else {
        return Ok(Shown::Hidden);
    };
    let since = job.since();
    let start = Timestamp::from_second(since.as_second()).unwrap_or(since).to_string();
    let form = canonical(wanted.text);
    let (mut ours, mut next) = (Vec::new(), None::<String>);
    for _ in 0..PAGES {
        let mut query =
            vec![("max_results", "100"), ("start_time", start.as_str()), ("tweet.fields", api::POST_FIELDS)];
        query.extend(next.as_deref().map(|token| ("pagination_token", token)));
        let answer = match ingest::get(cx, job.tokens, &format!("users/{id}/tweets"), &query, POSTS).await {
            // No right to read, or no credits for it.
            Err(failure) if matches!(failure.kind, Kind::PermissionMissing | Kind::AppRejected) => {
                return Ok(Shown::Hidden);
            }
            answered => answered?,
        };
        let page = api::timeline(&answer, cx.clock.now(), POSTS)?;
        next = page.next;
        let may_be = |post: &api::Post| job.may_be(&post.id) && is_it(post, wanted, &form, since);
        ours.extend(page.posts.into_iter().filter(may_be));
        if next.is_none() {
            break;
        }
    }
    let found = nearest(ours, |post| post.created_at, job.intent()).map(|post| PostRef {
        url: Some(api::address(job.account.handle, &post.id)),
        id: post.id,
        posted_at: post.created_at,
        extra: Default::default(),
    });
    Ok(match found {
        Some(post) => Shown::Found(post),
        // What lies beyond has not been looked at.
        None if next.is_some() => Shown::Beyond,
        None => Shown::Absent,
    })
}

/// Whether the rights allow the look. Tokens that were handed over do not say what was granted; the look itself tells.
pub(super) fn may_read(scopes: &[String]) -> bool {
    scopes.is_empty() || scopes.iter().any(|scope| scope == POSTS)
}

fn is_it(post: &api::Post, wanted: &Wanted<'_>, form: &str, since: Timestamp) -> bool {
    post.created_at.is_some_and(|at| at >= since)
        && post.replies_to() == wanted.parent
        && !post.shows_another()
        && post.media_count() == wanted.media
        && canonical(&post.whole_text()) == form
}

/// A text in the form in which what was sent and what X shows of it are one: composed, links without their scheme and
/// in their encoded spelling, white space as one blank.
fn canonical(text: &str) -> String {
    let text = text::compose_text(text);
    let mut form = String::with_capacity(text.len());
    let mut at = 0;
    for link in urls::find(&text) {
        form.push_str(&text[at..link.start]);
        form.push_str(&canonical_link(&text[link.clone()]));
        at = link.end;
    }
    form.push_str(&text[at..]);
    form.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn canonical_link(link: &str) -> String {
    let bare = |text: &str| {
        let scheme = ["https://", "http://"]
            .into_iter()
            .find(|scheme| text.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme)));
        text[scheme.map_or(0, str::len)..].trim_end_matches('/').to_owned()
    };
    // X writes an address encoded and with a scheme.
    let parsed = Url::parse(&format!("https://{}", bare(link)));
    parsed.map_or_else(|_| bare(link), |url| bare(url.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::testing::ok;

    fn shown() -> Vec<api::Post> {
        api::timeline(&ok(include_str!("fixtures/timeline.readback.json")), Timestamp::UNIX_EPOCH, POSTS).unwrap().posts
    }

    fn wanted<'a>(text: &'a str, media: usize, parent: Option<&'a str>) -> Wanted<'a> {
        Wanted { text, media, parent }
    }

    fn matching(wanted: &Wanted<'_>) -> Vec<String> {
        let (form, since) = (canonical(wanted.text), "2026-11-20T09:59:00Z".parse().unwrap());
        shown().into_iter().filter(|post| is_it(post, wanted, &form, since)).map(|post| post.id).collect()
    }

    #[test]
    fn links_and_entities_are_read_as_they_were_written() {
        assert_eq!(matching(&wanted("Tom & Ann <3 see example.com/Straße  now", 0, None)), ["1"]);
        assert_eq!(matching(&wanted("Tom & Ann <3 see https://example.com/Straße/ now", 0, None)), ["1"]);
        assert!(matching(&wanted("Tom & Ann <3 see example.com/other now", 0, None)).is_empty());
    }

    #[test]
    fn pictures_replies_and_quotes_are_told_apart() {
        assert_eq!(matching(&wanted("With a picture", 1, None)), ["2"]);
        assert!(matching(&wanted("With a picture", 0, None)).is_empty());
        assert_eq!(matching(&wanted("And on", 0, Some("1"))), ["3"]);
        assert!(matching(&wanted("And on", 0, None)).is_empty());
        assert!(matching(&wanted("A quote", 0, None)).is_empty(), "it shows another post");
        assert!(matching(&wanted("Older", 0, None)).is_empty(), "it is from before the window");
    }

    #[test]
    fn a_long_text_is_read_whole() {
        assert_eq!(matching(&wanted("Long text that goes on", 0, None)), ["6"]);
    }

    #[test]
    fn an_address_has_one_form() {
        for link in ["http://Example.com", "https://example.com/", "EXAMPLE.COM"] {
            assert_eq!(canonical_link(link), "example.com");
        }
        assert_eq!(canonical_link("https://example.com/a?b=c d"), "example.com/a?b=c%20d");
    }
}
