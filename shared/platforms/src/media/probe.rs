//! Looks at a file before it is accepted for a post.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use domain::content::{Media, MediaKind, Problem};
use futures_util::future::{BoxFuture, FutureExt};
use futures_util::stream::{self, StreamExt};
use http::header::RANGE;
use outbound::{Call, Incoming, Outbound, OutboundError};
use url::Url;

use super::reader::{REDIRECTS, ask};
use super::sniff::boxes::{self, Movie, Search};
use super::sniff::{is_web_page, sniff};
use super::version::{content_length, content_range};

/// The largest file that any post takes, in bytes.
pub const MOST_BYTES: u64 = 5_000_000_000;

/// How many of its first bytes show what a file is.
const HEAD: usize = 64 * 1024;
/// How long a look may take in all.
const DEADLINE: Duration = Duration::from_secs(10);
/// How many reads may follow to find out how long a video is, and how long they may take together.
const BEHIND: usize = 3;
const BEHIND_DEADLINE: Duration = Duration::from_secs(3);
/// How many files are looked at at once.
const AT_ONCE: usize = 4;

/// What the file at `url` is, by its first 64 KiB and its server's answer.
///
/// # Errors
/// A [`Problem`] of the field `mediaUrls`: `media_address_refused` (not https, not public, or a redirect to such),
/// `media_unreachable`, `media_type_unknown` or `file_too_large`.
pub async fn probe(out: &Outbound, url: &str) -> Result<Media, Problem> {
    let looked = tokio::time::timeout(DEADLINE, look(out, url)).await;
    let Looked { mut media, behind } = looked.unwrap_or_else(|_| Err(refused(OutboundError::Timeout)))?;
    if let Some((address, head)) = behind
        && let Some(movie) = movie_behind(out, &address, &head, media.bytes).await
    {
        media.duration_ms = movie.duration_ms;
        if let (None, Some((width, height))) = (media.width, movie.size) {
            (media.width, media.height) = (Some(width), Some(height));
        }
    }
    Ok(media)
}

/// A file by its beginning.
struct Looked {
    media: Media,
    /// Where a video may say behind its pictures how long it is: its address and its first bytes.
    behind: Option<(Url, Bytes)>,
}

/// The same for all of them in their order, up to four at once; the field of a problem is `mediaUrls[n]`.
pub async fn probe_all(out: &Outbound, urls: &[String]) -> Vec<Result<Media, Problem>> {
    // Boxed: the compiler cannot see that a closure over borrowed addresses is the same for every lifetime.
    let looks: Vec<BoxFuture<'_, Result<Media, Problem>>> = urls.iter().map(|url| probe(out, url).boxed()).collect();
    let found: Vec<_> = stream::iter(looks).buffered(AT_ONCE).collect().await;
    let named = |(n, found): (usize, Result<Media, Problem>)| {
        found.map_err(|problem| Problem { field: format!("mediaUrls[{n}]"), ..problem })
    };
    found.into_iter().enumerate().map(named).collect()
}

async fn look(out: &Outbound, url: &str) -> Result<Looked, Problem> {
    let address = Url::parse(url).map_err(|_| problem("media_address_refused", "The file's address is not a URL."))?;
    let mut answer = open(out, &address, true).await?;
    // Servers that do not serve parts mostly ignore the wish; some refuse it, and a file without a byte has no part.
    if matches!(answer.status, 400 | 405 | 412 | 416 | 501) {
        answer = open(out, &address, false).await?;
    }
    let (length, whole) = match answer.status {
        206 => (content_range(&answer.headers).and_then(|(_, whole)| whole), false),
        200 => (content_length(&answer.headers), true),
        status => return Err(unreachable(&format!("its server answered {status}"))),
    };
    if let Some(bytes) = length.filter(|bytes| *bytes > MOST_BYTES) {
        let message = format!("The file has {bytes} bytes. At most {MOST_BYTES} (5 GB) can be published.");
        return Err(problem("file_too_large", message));
    }
    let (head, ended) = head(&mut answer).await?;
    // A server that did not say how long a short file is has just shown it.
    let bytes = length.or((whole && ended).then_some(head.len() as u64));
    let Some(found) = sniff(&head) else { return Err(unknown(&head)) };
    // The answer is done with: what is left of it is not fetched.
    drop(answer);
    let (width, height) = found.size.unzip();
    let (mime, duration_ms) = (found.mime.to_owned(), found.duration_ms);
    let media = Media { url: url.to_owned(), kind: found.kind, mime, bytes, width, height, duration_ms };
    let parts = !whole && found.kind == MediaKind::Video && duration_ms.is_none();
    Ok(Looked { media, behind: parts.then_some((address, head)) })
}

/// What a video says of itself behind its pictures, where cameras write it. It takes three short reads at most and a
/// few seconds; whoever cannot be asked leaves it unknown, which is no problem.
async fn movie_behind(out: &Outbound, url: &Url, head: &[u8], bytes: Option<u64>) -> Option<Movie> {
    let search = async {
        let mut found = boxes::search(head, 0);
        for _ in 0..BEHIND {
            match found {
                Search::Found(movie) => return Some(movie),
                Search::Nowhere => return None,
                Search::Beyond(offset) if bytes.is_some_and(|bytes| offset >= bytes) => return None,
                Search::Beyond(offset) => found = boxes::search(&part(out, url, offset).await?, offset),
            }
        }
        match found {
            Search::Found(movie) => Some(movie),
            _ => None,
        }
    };
    tokio::time::timeout(BEHIND_DEADLINE, search).await.ok().flatten()
}

/// A part of a file, where its server gives exactly that.
async fn part(out: &Outbound, url: &Url, offset: u64) -> Option<Bytes> {
    let range = format!("bytes={offset}-{}", offset.checked_add(HEAD as u64 - 1)?);
    let call = ask(url).follow(REDIRECTS).within(BEHIND_DEADLINE).header(RANGE, &range);
    let mut answer = out.open(Call { idle: BEHIND_DEADLINE, ..call }).await.ok()?;
    let from = content_range(&answer.headers).and_then(|(from, _)| from);
    if answer.status != 206 || from != Some(offset) {
        return None;
    }
    head(&mut answer).await.ok().map(|(bytes, _)| bytes)
}

async fn open(out: &Outbound, url: &Url, part: bool) -> Result<Incoming, Problem> {
    let call = ask(url).follow(REDIRECTS).within(DEADLINE);
    let call = if part { call.header(RANGE, &format!("bytes=0-{}", HEAD - 1)) } else { call };
    out.open(Call { idle: DEADLINE, ..call }).await.map_err(refused)
}

/// The first bytes, and whether the answer ended with them. What comes beyond is left unread.
async fn head(answer: &mut Incoming) -> Result<(Bytes, bool), Problem> {
    let mut head = BytesMut::new();
    while head.len() < HEAD {
        match answer.chunk().await.map_err(refused)? {
            Some(piece) => head.extend_from_slice(&piece),
            None => return Ok((head.freeze(), true)),
        }
    }
    head.truncate(HEAD);
    Ok((head.freeze(), false))
}

fn refused(error: OutboundError) -> Problem {
    match error {
        OutboundError::Refused(reason) => {
            let message = format!("The file's address is not called: {reason}. It must be a public https address.");
            problem("media_address_refused", message)
        }
        OutboundError::Timeout => {
            unreachable(&format!("its server did not answer within {} seconds", DEADLINE.as_secs()))
        }
        OutboundError::Connect(_) => unreachable("there is no connection to its server"),
        OutboundError::TooLate => unreachable("there was no time left for it"),
        OutboundError::Broken(_) | OutboundError::TooLarge | OutboundError::Source(_) => {
            unreachable("its server broke off its answer")
        }
    }
}

fn unreachable(reason: &str) -> Problem {
    problem("media_unreachable", format!("The file cannot be fetched: {reason}."))
}

fn unknown(head: &[u8]) -> Problem {
    let message = match head {
        [] => "The file is empty.",
        _ if is_web_page(head) => "The address leads to a web page, not to a file.",
        _ => "The file is not an image, a video or a PDF that is known here.",
    };
    problem("media_type_unknown", message)
}

fn problem(code: &str, message: impl Into<String>) -> Problem {
    Problem::error(code, "mediaUrls", message)
}
