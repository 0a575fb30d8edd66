//! The files of a post: each address looked at once.

use std::collections::BTreeMap;

use domain::content::{Media, Problem};
use platforms::media;

use super::body::{MOST_MEDIA, PostBody};
use super::check;
use super::found::Found;
use crate::App;

/// What the addresses of a body hold.
#[derive(Debug, Default)]
pub struct Files {
    found: BTreeMap<String, Media>,
    /// What cannot be looked at, and why.
    pub refused: BTreeMap<String, Problem>,
}

/// Looks at each address of a body.
pub async fn probe(app: &App, body: &PostBody) -> Files {
    let own = body.overrides.values().filter_map(|own| own.media_urls.as_ref());
    // A list that is too long is refused, and nobody is made to fetch all of it.
    let lists = std::iter::once(&body.media_urls).chain(own);
    let mut urls: Vec<String> = lists.flat_map(|list| list.iter().take(MOST_MEDIA)).cloned().collect();
    urls.sort();
    urls.dedup();
    let mut files = Files::default();
    for (url, probed) in urls.iter().zip(media::probe_all(&app.outbound, &urls).await) {
        match probed {
            Ok(media) => drop(files.found.insert(url.clone(), media)),
            Err(problem) => drop(files.refused.insert(url.clone(), problem)),
        }
    }
    files
}

impl Files {
    /// The files at `urls`. One that could not be looked at stands as what its name says, so that the rules can be told;
    /// such a post is not stored.
    #[must_use]
    pub fn pick(&self, urls: &[String]) -> Vec<Media> {
        urls.iter()
            .take(MOST_MEDIA)
            .map(|url| self.found.get(url).cloned().unwrap_or_else(|| check::assumed(url)))
            .collect()
    }

    /// What cannot be looked at, at each place where it stands.
    #[must_use]
    pub fn found(&self, body: &PostBody) -> Vec<Found> {
        let shared = self.places("mediaUrls", &body.media_urls);
        let own = body.overrides.iter().filter_map(|(platform, own)| {
            let urls = own.media_urls.as_ref()?;
            Some((*platform, self.places(&format!("overrides.{platform}.mediaUrls"), urls)))
        });
        let own = own.flat_map(|(platform, places)| places.into_iter().map(move |found| found.about(platform, None)));
        shared.into_iter().chain(own).collect()
    }

    fn places(&self, list: &str, urls: &[String]) -> Vec<Found> {
        let refused = urls.iter().enumerate().filter_map(|(n, url)| Some((n, self.refused.get(url)?.clone())));
        refused.map(|(n, problem)| Found::media(Problem { field: format!("{list}[{n}]"), ..problem })).collect()
    }
}
