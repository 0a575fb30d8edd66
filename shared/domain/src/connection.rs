//! A linked account.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::ids::{ConnectionId, TalentId, WorkspaceId};
use crate::metric::Metric;
use crate::platform::Platform;
use crate::profile::Profile;
use crate::publication::{Publication, as_f64};
use crate::sync::{SyncError, SyncStatus};

/// How an account was linked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum ConnectionType {
    /// By handle: public reads only.
    Manual,
    /// By the account's own consent.
    Oauth,
}

impl ConnectionType {
    /// The word on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Manual => "MANUAL",
            Self::Oauth => "OAUTH",
        }
    }
}

/// A linked account, whatever state its data is in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Connection {
    /// Its id.
    pub id: ConnectionId,
    /// The workspace it belongs to.
    pub workspace: WorkspaceId,
    /// The talent it belongs to.
    pub talent: TalentId,
    /// The platform it is on.
    pub platform: Platform,
    /// The handle, normalised; follows the platform's word after a rename.
    pub handle: String,
    /// The public page.
    pub profile_url: String,
    /// How it was linked.
    pub connection_type: ConnectionType,
    /// False after a disconnect: the history stays, the tokens are gone.
    pub connected: bool,
    /// Whether a person holds its posts and syncs.
    pub paused: bool,
    /// Where its sync stands.
    pub sync_status: SyncStatus,
    /// What went wrong last, while it matters.
    pub sync_error: Option<SyncError>,
    /// When the next attempt of a failing sync starts.
    pub next_retry_at: Option<Timestamp>,
    /// Failed attempts of the present round.
    pub attempts: u32,
    /// When data was last complete.
    pub last_synced_at: Option<Timestamp>,
    /// When it was linked.
    pub created_at: Timestamp,
    /// When the row last changed for a reader.
    pub updated_at: Timestamp,
    /// When the access token dies; `None` where it does not or there is none.
    pub token_expires_at: Option<Timestamp>,
    /// What was granted.
    pub scopes: Vec<String>,
    /// What is needed and was not granted.
    pub missing_scopes: Vec<String>,
    /// The platform's own id of the account, once it is known: the identity.
    pub platform_account_id: Option<String>,
    /// What the last good look found.
    pub profile: Option<Profile>,
    /// Figures over the recent publications of the last good look.
    pub averages: Averages,
}

/// Figures over an account's recent publications.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Averages {
    /// Mean views per publication that reports them, rounded.
    pub views: Metric,
    /// Mean likes + comments + shares per publication that reports all three, rounded.
    pub engagement: Metric,
    /// Mean of the unrounded rates × 100 with two decimals, over publications that have a base (reach, else views).
    pub engagement_rate: Metric<f64>,
}

// A rate is rounded to two decimals when it is made, so equality is well defined.
impl Eq for Averages {}

impl Averages {
    /// The figures of `publications`. A figure without any basis is no number, and `pending` while a part of it is.
    #[must_use]
    pub fn of(publications: &[Publication]) -> Self {
        let metrics = || publications.iter().map(|publication| publication.metrics);
        let whole = |counts: &[u64]| {
            let n = counts.len() as u64;
            (counts.iter().sum::<u64>() + n / 2) / n
        };
        let two_decimals = |rates: &[f64]| {
            let mean = rates.iter().sum::<f64>() / as_f64(rates.len() as u64);
            (mean * 100.0).round() / 100.0
        };
        Self {
            views: mean(metrics().map(|m| m.views), whole),
            engagement: mean(metrics().map(|m| m.engagement()), whole),
            engagement_rate: mean(metrics().map(|m| m.engagement_rate()), two_decimals),
        }
    }
}

/// The mean of the numbers among `figures`, of which there is at least one when `of` is asked.
fn mean<N: Copy>(figures: impl Iterator<Item = Metric<N>>, of: impl FnOnce(&[N]) -> N) -> Metric<N> {
    let (mut numbers, mut pending) = (Vec::new(), false);
    for figure in figures {
        numbers.extend(figure.count());
        pending |= matches!(figure, Metric::Pending);
    }
    match (numbers.is_empty(), pending) {
        (false, _) => Metric::Count(of(&numbers)),
        (true, true) => Metric::Pending,
        (true, false) => Metric::NotOffered,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::publication::{MediaType, Metrics};

    fn publication(likes: u64, comments: u64, shares: Metric, views: Metric) -> Publication {
        Publication {
            external_id: "1".to_owned(),
            url: None,
            caption: None,
            media_type: MediaType::Video,
            post_type: None,
            media_url: None,
            thumbnail_url: None,
            posted_at: Timestamp::UNIX_EPOCH,
            metrics: Metrics {
                likes: Metric::Count(likes),
                comments: Metric::Count(comments),
                shares,
                views,
                ..Metrics::default()
            },
        }
    }

    #[test]
    fn averages_use_only_what_was_reported() {
        let averages = Averages::of(&[
            publication(80, 7, Metric::Count(0), Metric::Count(1250)),
            publication(40, 2, Metric::Count(0), Metric::Count(856)),
            publication(9, 9, Metric::NotOffered, Metric::NotOffered),
        ]);
        // By hand: (1250 + 856) / 2 = 1053; (87 + 42) / 2 = 64.5 -> 65; mean of 87/1250 and 42/856 = 5.93 %.
        let (views, engagement) = (Metric::Count(1053), Metric::Count(65));
        assert_eq!(averages, Averages { views, engagement, engagement_rate: Metric::Count(5.93) });
    }

    #[test]
    fn without_any_basis_there_is_no_figure() {
        assert_eq!(Averages::of(&[]), Averages::default());
        let of = |shares, views| Averages::of(&[publication(1, 1, shares, views)]);
        assert_eq!(of(Metric::NotOffered, Metric::NotOffered), Averages::default());
        // Views may still come; shares never do, and take the sum and the rate with them.
        assert_eq!(of(Metric::NotOffered, Metric::Pending), Averages { views: Metric::Pending, ..Averages::default() });
    }

    #[test]
    fn a_figure_is_pending_while_a_part_is_and_there_is_no_number() {
        use Metric::{Count, NotOffered, Pending};
        // As Instagram answers a list of posts: likes and comments, the rest one post at a time.
        let all = Averages { views: Pending, engagement: Pending, engagement_rate: Pending };
        assert_eq!(Averages::of(&[publication(5, 2, Pending, Pending)]), all);
        let one_of_two = [publication(5, 2, Pending, Pending), publication(5, 2, NotOffered, NotOffered)];
        assert_eq!(Averages::of(&one_of_two), all);
        // One number is enough for a mean.
        let one_reported = [publication(5, 2, Pending, Pending), publication(5, 2, Count(1), Count(100))];
        let reported = Averages { views: Count(100), engagement: Count(8), engagement_rate: Count(8.0) };
        assert_eq!(Averages::of(&one_reported), reported);
    }
}
