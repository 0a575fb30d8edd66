//! A linked account.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::ids::{ConnectionId, TalentId, WorkspaceId};
use crate::metric::Metric;
use crate::platform::Platform;
use crate::profile::Profile;
use crate::publication::Publication;
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
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
    #[serde(default)]
    pub paused: bool,
    /// Where its sync stands.
    pub sync_status: SyncStatus,
    /// What went wrong last, while it matters.
    pub sync_error: Option<SyncError>,
    /// When the next attempt of a failing sync starts.
    pub next_retry_at: Option<Timestamp>,
    /// Failed attempts of the present round.
    #[serde(default)]
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
    #[serde(default)]
    pub scopes: Vec<String>,
    /// What is needed and was not granted.
    #[serde(default)]
    pub missing_scopes: Vec<String>,
    /// The platform's own id of the account, once it is known: the identity.
    pub platform_account_id: Option<String>,
    /// What the last good look found.
    pub profile: Option<Profile>,
    /// Figures over the recent publications of the last good look.
    #[serde(default)]
    pub averages: Averages,
}

/// Figures over an account's recent publications.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Averages {
    /// Mean views per publication that reports them, rounded.
    pub views: Option<u64>,
    /// Mean likes + comments + shares per publication that reports all three, rounded.
    pub engagement: Option<u64>,
    /// Mean of the unrounded rates × 100 with two decimals, over publications that have a base (reach, else views).
    pub engagement_rate: Option<f64>,
}

// A rate is rounded to two decimals when it is made, so equality is well defined.
impl Eq for Averages {}

impl Averages {
    /// The figures of `publications`; a figure without any basis is `None`, never zero.
    #[must_use]
    pub fn of(publications: &[Publication]) -> Self {
        let counts = |values: Vec<u64>| {
            let n = u64::try_from(values.len()).unwrap_or(u64::MAX);
            (n > 0).then(|| (values.iter().sum::<u64>() + n / 2) / n)
        };
        let base = |p: &Publication| p.metrics.reach.count().or(p.metrics.views.count()).filter(|&base| base > 0);
        let rates: Vec<f64> = publications
            .iter()
            .filter_map(|p| Some(as_f64(p.metrics.engagement()?) / as_f64(base(p)?) * 100.0))
            .collect();
        let mean = (!rates.is_empty()).then(|| rates.iter().sum::<f64>() / as_f64(rates.len() as u64));
        Self {
            views: counts(publications.iter().filter_map(|p| Metric::count(p.metrics.views)).collect()),
            engagement: counts(publications.iter().filter_map(|p| p.metrics.engagement()).collect()),
            engagement_rate: mean.map(|rate| (rate * 100.0).round() / 100.0),
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts beyond 2^53 do not occur, and a rate has two decimals")]
fn as_f64(n: u64) -> f64 {
    n as f64
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
        assert_eq!(averages, Averages { views: Some(1053), engagement: Some(65), engagement_rate: Some(5.93) });
    }

    #[test]
    fn without_any_basis_there_is_no_figure() {
        assert_eq!(Averages::of(&[]), Averages::default());
        assert_eq!(Averages::of(&[publication(1, 1, Metric::NotOffered, Metric::Pending)]), Averages::default());
    }
}
