//! Publishing on LinkedIn: files first, then one call that makes the post, whose id stands in a header.

use std::time::Duration;

use async_trait::async_trait;
use domain::content::{Draft, MediaKind, Problem};
use domain::{Effect, Failure, Kind, Platform, TokenSet};
use http::Method;
use outbound::Answer;
use serde_json::{Value, json};

use super::api::{self, ORGANIZATION};
use super::facts::{PUBLISH, READ_PAGE, WRITE, WRITE_PAGE};
use super::publish_api::{Distribution, NewContent, NewMedia, NewPost};
use super::rest::{self, encoded};
use super::{error, little, readback, upload};
use crate::compose;
use crate::kit::{Account, Context};
use crate::publish::{Found, Job, Limits, Looked, PostRef, Prepared, Proof, Publish, PublishFacts, Stop, Submitted};

const DEADLINE: Duration = Duration::from_secs(30);

/// Publishes on LinkedIn.
pub(super) struct Linkedin;

#[async_trait]
impl Publish for Linkedin {
    fn facts(&self) -> &'static PublishFacts {
        &PUBLISH
    }

    fn problems(&self, draft: &Draft, limits: &Limits) -> Vec<Problem> {
        let length = |text: &str| self.length(text, limits);
        let mut problems = compose::common_problems(Platform::Linkedin, &PUBLISH, draft, limits, &length);
        if draft.media.iter().all(|file| matches!(file.kind, MediaKind::Image | MediaKind::Gif)) {
            // A GIF is one image among the others of a post.
            problems.retain(|problem| problem.code != "mixed_media");
        }
        problems
    }

    /// The words as they are sent, escapes included: LinkedIn counts those.
    fn length(&self, text: &str, _: &Limits) -> u32 {
        compose::characters(&little::compose_text(text))
    }

    /// A page's posts need the page's right, a member's the member's.
    fn missing_scopes(&self, account: &Account<'_>, _: &Draft, granted: &[String]) -> Vec<&'static str> {
        let page = account.platform_account_id.is_some_and(|id| id.starts_with(ORGANIZATION));
        let wanted = if page { WRITE_PAGE } else { WRITE };
        let missing = !granted.is_empty() && !granted.iter().any(|scope| scope == wanted);
        if missing { vec![wanted] } else { Vec::new() }
    }

    /// A page's posts can be listed, a member's cannot.
    fn proof(&self, account: &Account<'_>, tokens: &TokenSet) -> Proof {
        if readback::page(account, tokens).is_some() { Proof::ReadBack } else { Proof::None }
    }

    async fn prepare(&self, cx: &Context<'_>, job: &Job<'_>) -> Result<Prepared, Stop> {
        if visibility(job) != PUBLIC && is_page(job) {
            let words = "A page's posts on LinkedIn are public. Leave visibility out, or post as a member.";
            let failure = Failure::new(Kind::ContentRefused, "a page's post that is not public");
            return Err(failure.said(Some(words.to_owned()), None).into());
        }
        let step = upload::step(cx, job).await.map_err(|stop| match stop {
            // Nobody sees a file that is in no post.
            Stop::Failed(failure) => Stop::Failed(Failure { effect: Effect::NotApplied, ..failure }),
            Stop::Lost => Stop::Lost,
        })?;
        Ok(step.unwrap_or_else(|| Prepared::Ready(job.progress.clone())))
    }

    async fn submit(&self, cx: &Context<'_>, job: &Job<'_>) -> Result<Submitted, Stop> {
        let commentary = little::compose_text(&job.draft.text);
        let post = NewPost {
            author: author(job)?,
            commentary: &commentary,
            visibility: visibility(job),
            distribution: Distribution::MAIN_FEED,
            content: content(job)?,
            lifecycle_state: "PUBLISHED",
            is_reshare_disabled_by_author: false,
        };
        let answer = match create(cx, job, "posts", &json!(post)).await {
            // The same was sent before without a known outcome, so this may be about our own; or about what is gone.
            Err(failure) if failure.kind == Kind::Duplicate && was_sent_before(job) => {
                match failure.existing.as_deref() {
                    // Of a member nothing can be read, and a person who wants it sent again has this for an answer.
                    Some(_) if job.resent && !readback::can_read(job) => return Err(failure.into()),
                    Some(urn) => match readback::is_ours(cx, job, urn).await {
                        Ok(true) => return Err(failure.into()),
                        Ok(false) => return Err(readback::left_open(job, failure).await),
                        Err(_) => {
                            let words = "LinkedIn says that the same post is there already, and does not show it now.";
                            return Err(readback::unread(failure, words).into());
                        }
                    },
                    None => return Err(readback::left_open(job, failure).await),
                }
            }
            answered => answered?,
        };
        let urn = id(&answer)?;
        let url = Some(api::address(&urn));
        Ok(Submitted::Published(PostRef { id: urn, url, posted_at: None, extra: Default::default() }))
    }

    /// A post is live when it is made; one that was found while it was being made is looked at until it is.
    async fn look(&self, cx: &Context<'_>, job: &Job<'_>) -> Result<Looked, Failure> {
        let urn = job.progress.get(readback::POST);
        let urn = urn.ok_or_else(|| Failure::new(Kind::InvalidRequest, "no post is being made"))?;
        let answer = rest::get(cx, job.tokens, &format!("posts/{}", encoded(urn)), READ_PAGE).await?;
        let post: api::Post = answer.json()?;
        Ok(match post.lifecycle_state.as_str() {
            "PUBLISHED" => Looked::Published(readback::reference(&post)),
            "PUBLISH_FAILED" => Looked::Refused(error::of_processing("PUBLISH_FAILED")),
            _ => Looked::Processing { wait: Duration::from_secs(10) },
        })
    }

    async fn find(&self, cx: &Context<'_>, job: &Job<'_>) -> Result<Found, Failure> {
        readback::post(cx, job).await
    }

    async fn follow_up(
        &self,
        cx: &Context<'_>,
        job: &Job<'_>,
        post: &PostRef,
        _: &PostRef,
        n: usize,
    ) -> Result<PostRef, Failure> {
        let body = json!({
            "actor": author(job)?,
            "object": post.id,
            "message": { "text": follow_up_text(job, n)? },
        });
        let answer = create(cx, job, &format!("socialActions/{}/comments", encoded(&post.id)), &body).await?;
        Ok(PostRef { id: id(&answer)?, url: None, posted_at: None, extra: Default::default() })
    }

    async fn find_follow_up(
        &self,
        cx: &Context<'_>,
        job: &Job<'_>,
        post: &PostRef,
        _: &PostRef,
        n: usize,
    ) -> Result<Found, Failure> {
        readback::comment(cx, job, post, follow_up_text(job, n)?).await
    }

    async fn delete(&self, cx: &Context<'_>, job: &Job<'_>, post: &PostRef) -> Result<(), Failure> {
        let call = rest::call(job.tokens, Method::DELETE, &format!("posts/{}", encoded(&post.id)))?;
        let answer = cx.out.send(rest::named(call, "DELETE").within(DEADLINE)).await?;
        if answer.is_success() {
            return Ok(());
        }
        match error::of_submit(&answer, cx.clock.now(), write_scope(job)) {
            failure if failure.kind == Kind::NotFound => Ok(()),
            failure => Err(failure),
        }
    }
}

/// Whose post it is: the URN of the account.
pub(super) fn author<'a>(job: &Job<'a>) -> Result<&'a str, Failure> {
    let urn = job.account.platform_account_id.filter(|id| id.starts_with("urn:li:"));
    urn.ok_or_else(|| Failure::new(Kind::InvalidRequest, "the account's URN is not known yet"))
}

/// The right that publishing needs.
pub(super) fn write_scope(job: &Job<'_>) -> &'static str {
    if is_page(job) { WRITE_PAGE } else { WRITE }
}

fn is_page(job: &Job<'_>) -> bool {
    job.account.platform_account_id.is_some_and(|id| id.starts_with(ORGANIZATION))
}

/// Who sees a post where nothing else is said.
const PUBLIC: &str = "PUBLIC";

fn visibility<'a>(job: &Job<'a>) -> &'a str {
    job.draft.options.get("visibility").and_then(Value::as_str).unwrap_or(PUBLIC)
}

fn was_sent_before(job: &Job<'_>) -> bool {
    job.first_intent_at.zip(job.intent_at).is_some_and(|(first, intent)| first < intent)
}

async fn create(cx: &Context<'_>, job: &Job<'_>, path: &str, body: &Value) -> Result<Answer, Failure> {
    let call = rest::call(job.tokens, Method::POST, path)?.body("application/json", body.to_string());
    let answer = cx.out.send(call.within(DEADLINE)).await?;
    if answer.is_success() {
        return Ok(answer);
    }
    Err(error::of_submit(&answer, cx.clock.now(), write_scope(job)))
}

/// The id of what was made. An answer that does not name it leaves open what happened.
fn id(answer: &Answer) -> Result<String, Failure> {
    let named = answer.header("x-restli-id").or(answer.header("x-linkedin-id")).filter(|id| !id.is_empty());
    let unnamed = || Failure::new(Kind::ProviderDown, "an answer without the id of what was made");
    named.map(str::to_owned).ok_or_else(|| unnamed().maybe_applied())
}

fn follow_up_text<'a>(job: &Job<'a>, n: usize) -> Result<&'a str, Failure> {
    let text = job.draft.follow_ups.get(n).map(String::as_str);
    text.ok_or_else(|| Failure::new(Kind::InvalidRequest, "there is no such comment"))
}

/// The files of the post: one, or several images.
fn content<'a>(job: &Job<'a>) -> Result<Option<NewContent<'a>>, Failure> {
    let media = &job.draft.media;
    let urns = upload::urns(job.progress, media.len())?;
    let texts = job.draft.options.get("altText");
    let entry = |(index, id): (usize, &'a str)| {
        let (kind, url) = (media[index].kind, &media[index].url);
        let alt_text = texts.and_then(|texts| texts.get(index)?.as_str()).filter(|text| !text.trim().is_empty());
        NewMedia {
            id,
            // A document without a title is shown without one; its file's name is better.
            title: (kind == MediaKind::Document).then(|| file_name(url)).flatten(),
            alt_text: alt_text.filter(|_| kind != MediaKind::Document),
        }
    };
    let mut entries: Vec<NewMedia<'a>> = urns.into_iter().enumerate().map(entry).collect();
    Ok(match entries.len() {
        0 => None,
        1 => entries.pop().map(NewContent::Media),
        _ => Some(NewContent::MultiImage { images: entries }),
    })
}

fn file_name(url: &str) -> Option<String> {
    let url = url::Url::parse(url).ok()?;
    let name = url.path_segments()?.next_back()?.to_owned();
    let (stem, _) = name.rsplit_once('.').unwrap_or((&name, ""));
    let words = stem.replace(['-', '_', '+'], " ").replace("%20", " ");
    (!words.trim().is_empty() && !words.contains('%')).then(|| words.trim().chars().take(200).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_is_called_after_its_file() {
        assert_eq!(file_name("https://a.example/x/Spring-menu_2026.pdf?v=1").as_deref(), Some("Spring menu 2026"));
        assert_eq!(file_name("https://a.example/"), None);
        assert_eq!(file_name("https://a.example/%E2%98%83.pdf"), None);
    }
}
