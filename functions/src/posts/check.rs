//! What every platform that a post goes to says of it, from the one table of its facts.

use std::collections::BTreeMap;

use domain::content::{Draft, Media, MediaKind, Problem, Severity};
use domain::{Connection, Platform, Post};
use futures_util::stream::{self, StreamExt};
use platforms::publish::{Limits, Publish, PublishFacts};
use platforms::{Account, Adapter, compose};

use super::found::Found;
use super::limits;
use crate::App;

/// What the text counts and may count, per platform.
pub type Lengths = BTreeMap<Platform, (u32, u32)>;

/// Problems that hang on what a file is, which nobody knows of one that could not be looked at.
const HANG_ON_KINDS: [&str; 4] = ["mixed_media", "media_type_mismatch", "option_ignored", "poll_with_media"];

/// Problems that hang on limits which a server of a federated platform sets for itself.
const HANG_ON_LIMITS: [&str; 5] =
    ["too_long", "follow_up_too_long", "too_many_files", "file_too_large", "dimensions_refused"];
/// How many servers are asked at once.
const AT_ONCE: usize = 8;

/// Where a post goes.
#[derive(Debug, Clone, Copy)]
pub struct Aims<'a> {
    /// The accounts.
    pub connections: &'a [Connection],
    /// Platforms that were named and have no account that can be used: their rules are told all the same.
    pub without_account: &'a [Platform],
}

/// What a post has wrong on each platform, and what its text counts there. `refused` are the files that could not be
/// looked at; they count as what their names say.
pub async fn all(app: &App, post: &Post, aims: Aims<'_>, refused: &BTreeMap<String, Problem>) -> (Vec<Found>, Lengths) {
    let (mut found, mut lengths) = (Vec::new(), Lengths::new());
    for platform in aims.without_account {
        if let Some((adapter, publish)) = publisher(app, *platform) {
            let limits = Limits::from(publish.facts());
            let look = Look { adapter, publish, post, connection: None, limits: &limits, refused };
            look.into(&mut found, &mut lengths);
        }
    }
    // Accounts on servers with limits of their own are each asked about.
    let ask = |connection: &Connection| {
        let (connection, publisher) = (connection.clone(), publisher(app, connection.platform));
        async move {
            let (adapter, publish) = publisher?;
            Some((adapter, publish, limits::stated(app, publish, &connection).await, connection))
        }
    };
    let asked: Vec<_> = aims.connections.iter().map(ask).collect();
    let mut answers = stream::iter(asked).buffered(AT_ONCE);
    while let Some(answer) = answers.next().await {
        let Some((adapter, publish, stated, connection)) = answer else { continue };
        let limits = stated.unwrap_or_else(|| Limits::from(publish.facts()));
        let look = Look { adapter, publish, post, connection: Some(&connection), limits: &limits, refused };
        let mut own = Vec::new();
        look.into(&mut own, &mut lengths);
        if stated.is_none() {
            // By the platform's usual limits it may be wrong; the worker asks the server again.
            own.iter_mut().filter(|found| HANG_ON_LIMITS.contains(&found.problem.code.as_str())).for_each(|found| {
                found.problem.severity = Severity::Warning;
            });
        }
        for one in own {
            if !found.contains(&one) {
                found.push(one);
            }
        }
    }
    (found, lengths)
}

fn publisher(app: &App, platform: Platform) -> Option<(&Adapter, &dyn Publish)> {
    let adapter = app.platforms.get(platform)?;
    Some((adapter, adapter.publish.as_deref()?))
}

/// One look at a post, as it goes to one account.
struct Look<'a> {
    adapter: &'a Adapter,
    publish: &'a dyn Publish,
    post: &'a Post,
    connection: Option<&'a Connection>,
    limits: &'a Limits,
    refused: &'a BTreeMap<String, Problem>,
}

impl Look<'_> {
    fn into(self, found: &mut Vec<Found>, lengths: &mut Lengths) {
        let platform = self.adapter.facts.platform;
        let facts = self.publish.facts();
        let draft = self.draft(platform, facts);
        // Rules that hold for every account of the platform are told once.
        let own =
            self.connection.filter(|_| *self.limits != Limits::from(facts)).map(|connection| connection.id.clone());
        for problem in self.publish.problems(&draft, self.limits) {
            if self.is_known(&problem, &draft) {
                let problem = Found::rule(platform, own.clone(), self.placed(platform, problem));
                if !found.contains(&problem) {
                    found.push(problem);
                }
            }
        }
        found.extend(self.rights(platform, &draft));
        let counted =
            (self.publish.draft_length(&draft, self.limits), compose::text_limit(facts, &draft, self.limits).max);
        // Of several accounts on one platform, the one with the least room is shown.
        let shown = lengths.entry(platform).or_insert(counted);
        if i64::from(counted.1) - i64::from(counted.0) < i64::from(shown.1) - i64::from(shown.0) {
            *shown = counted;
        }
    }

    fn draft(&self, platform: Platform, facts: &PublishFacts) -> Draft {
        let mut draft = self.post.draft(platform);
        for media in draft.media.iter_mut().filter(|media| self.refused.contains_key(&media.url)) {
            let rule = facts.files.iter().find(|rule| rule.kind == media.kind);
            media.mime = rule.and_then(|rule| rule.mimes.first()).map_or_else(String::new, |mime| (*mime).to_owned());
        }
        draft
    }

    /// Whether a problem is one, whatever the files that could not be looked at are.
    fn is_known(&self, problem: &Problem, draft: &Draft) -> bool {
        let unknown = |media: &Media| self.refused.contains_key(&media.url);
        if !draft.media.iter().any(unknown) {
            return true;
        }
        let by_kind = problem.code == "too_many_files" && draft.media.len() <= self.limits.max_files as usize;
        let of_unknown = draft
            .media
            .iter()
            .enumerate()
            .any(|(n, media)| unknown(media) && problem.field == format!("mediaUrls[{n}]"));
        !by_kind && !of_unknown && !HANG_ON_KINDS.contains(&problem.code.as_str())
    }

    /// The problem with the field that the person wrote: an override has its own.
    fn placed(&self, platform: Platform, problem: Problem) -> Problem {
        let Some(own) = self.post.overrides.get(&platform) else { return problem };
        let overridden = problem.field == "content" && own.content.is_some()
            || problem.field.starts_with("mediaUrls") && own.media.is_some();
        if !overridden {
            return problem;
        }
        let field = format!("overrides.{platform}.{}", problem.field);
        Problem { field, ..problem }
    }

    /// The rights to publish that the account did not grant, or granted no longer when it was last asked.
    fn rights(&self, platform: Platform, draft: &Draft) -> Option<Found> {
        let connection = self.connection?;
        let id = connection.platform_account_id.as_deref();
        let account = Account { handle: &connection.handle, platform_account_id: id };
        let missing = self.publish.missing_scopes(&account, draft, &connection.scopes);
        if missing.is_empty() {
            return None;
        }
        let purpose = |name: &&str| {
            let scope = self.adapter.facts.oauth.scopes.iter().find(|scope| scope.name == *name);
            scope.map_or_else(|| (*name).to_owned(), |scope| format!("“{}” ({name})", scope.purpose))
        };
        let wanted = missing.iter().map(purpose).collect::<Vec<_>>().join(" and ");
        let message = format!(
            "{} on {platform} has not allowed Herald to publish this. Reconnect it via OAuth and allow {wanted}.",
            connection.handle
        );
        let problem = Problem::error("permission_missing", "connectionIds", message);
        Some(Found::rule(platform, Some(connection.id.clone()), problem))
    }
}

/// A file that could not be looked at, as what its name says.
#[must_use]
pub fn assumed(url: &str) -> Media {
    let path = url.split(['?', '#']).next().unwrap_or_default();
    let extension =
        path.rsplit('/').next().and_then(|name| name.rsplit_once('.')).map_or("", |(_, extension)| extension);
    let kind = match extension.to_ascii_lowercase().as_str() {
        "mp4" | "m4v" | "mov" | "webm" | "mkv" | "avi" => MediaKind::Video,
        "gif" => MediaKind::Gif,
        "pdf" | "doc" | "docx" | "ppt" | "pptx" => MediaKind::Document,
        _ => MediaKind::Image,
    };
    let url = url.to_owned();
    Media { url, kind, mime: String::new(), bytes: None, width: None, height: None, duration_ms: None }
}
