//! Posts with their newest figures: what the last look saw, or the last sync, whichever is newer.

use std::collections::{BTreeMap, HashMap};

use cloud::table::looks::{self, Looks};
use cloud::table::{StoreError, publications};
use domain::analytics::totals::two_decimals;
use domain::publication::{Metrics, RateBase};
use domain::{Connection, Metric, Publication};
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use crate::App;

/// A post with its newest figures.
#[derive(Debug, Clone)]
pub struct Known {
    /// The post.
    pub publication: Publication,
    /// Its figures.
    pub metrics: Metrics,
    /// When they were seen.
    pub at: Timestamp,
}

/// The figures of one post. One that is not there is `null`, and `unavailable` says why.
#[derive(Debug, Default, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct FiguresView {
    /// Times shown.
    pub impressions: Option<u64>,
    /// Accounts reached.
    pub reach: Option<u64>,
    /// Plays or views.
    pub views: Option<u64>,
    /// likes + comments + shares.
    pub engagement: Option<u64>,
    /// Likes, favourites, hearts.
    pub likes: Option<u64>,
    /// Comments and replies.
    pub comments: Option<u64>,
    /// All re-posts.
    pub shares: Option<u64>,
    /// Bookmarks.
    pub saves: Option<u64>,
    /// engagement / base × 100, two decimals.
    pub engagement_rate: Option<f64>,
    /// `impressions`, `reach` or `views`: what the rate is a share of.
    #[schema(value_type = Option<String>)]
    pub rate_base: Option<RateBase>,
    /// Why a figure is `null`: `pending` or `not_offered`.
    pub unavailable: BTreeMap<&'static str, &'static str>,
}

impl FiguresView {
    /// What is shown of figures.
    #[must_use]
    pub fn of(metrics: &Metrics) -> Self {
        let (engagement, rate) = (metrics.engagement(), metrics.engagement_rate());
        let why = [
            ("impressions", metrics.impressions.unavailable()),
            ("reach", metrics.reach.unavailable()),
            ("views", metrics.views.unavailable()),
            ("engagement", engagement.unavailable()),
            ("likes", metrics.likes.unavailable()),
            ("comments", metrics.comments.unavailable()),
            ("shares", metrics.shares.unavailable()),
            ("saves", metrics.saves.unavailable()),
            ("engagementRate", rate.unavailable()),
        ];
        Self {
            impressions: metrics.impressions.count(),
            reach: metrics.reach.count(),
            views: metrics.views.count(),
            engagement: engagement.count(),
            likes: metrics.likes.count(),
            comments: metrics.comments.count(),
            shares: metrics.shares.count(),
            saves: metrics.saves.count(),
            engagement_rate: rate.count().map(two_decimals),
            rate_base: rate.count().and(metrics.rate_base()),
            unavailable: why.into_iter().filter_map(|(name, why)| Some((name, why?))).collect(),
        }
    }
}

/// The posts of an account that went out from `from` to `to`, by time. Two queries.
///
/// # Errors
/// [`StoreError`].
pub async fn between(
    app: &App,
    account: &Connection,
    from: Timestamp,
    to: Timestamp,
) -> Result<Vec<Known>, StoreError> {
    let (workspace, id) = (&account.workspace, &account.id);
    let (found, seen) = futures_util::try_join!(
        publications::between(&app.table, workspace, id, from, to),
        looks::between(&app.table, workspace, id, from, to)
    )?;
    Ok(joined(found, seen))
}

/// Publications with what was seen of them.
#[must_use]
pub fn joined(found: Vec<(Publication, Timestamp)>, seen: Vec<Looks>) -> Vec<Known> {
    let mut seen: HashMap<String, Looks> = seen.into_iter().map(|looks| (looks.external_id.clone(), looks)).collect();
    let join = |(publication, synced_at): (Publication, Timestamp)| {
        let look = seen.remove(&publication.external_id).and_then(|looks| looks.history.last().copied());
        let (metrics, at) = match look {
            Some(look) if look.at >= synced_at => (merged(&look.metrics, &publication.metrics), look.at),
            Some(look) => (merged(&publication.metrics, &look.metrics), synced_at),
            None => (publication.metrics, synced_at),
        };
        Known { publication, metrics, at }
    };
    found.into_iter().map(join).collect()
}

/// The newer figures; where they have none, the older ones': a sync does not read what costs a call for each post.
#[must_use]
pub fn merged(newer: &Metrics, older: &Metrics) -> Metrics {
    let pick =
        |newer: Metric, older: Metric| if newer.count().is_none() && older.count().is_some() { older } else { newer };
    Metrics {
        likes: pick(newer.likes, older.likes),
        comments: pick(newer.comments, older.comments),
        shares: pick(newer.shares, older.shares),
        saves: pick(newer.saves, older.saves),
        views: pick(newer.views, older.views),
        reach: pick(newer.reach, older.reach),
        impressions: pick(newer.impressions, older.impressions),
    }
}

#[cfg(test)]
mod tests {
    use Metric::{Count, NotOffered, Pending};

    use super::*;

    #[test]
    fn a_sync_that_reads_less_takes_nothing_away() {
        let look = Metrics { likes: Count(5), views: Count(900), reach: Count(800), ..Metrics::default() };
        let sync = Metrics { likes: Count(6), views: Pending, reach: Pending, saves: Pending, ..Metrics::default() };
        let both = merged(&sync, &look);
        assert_eq!((both.likes, both.views, both.reach, both.saves), (Count(6), Count(900), Count(800), Pending));
        assert_eq!(merged(&look, &sync).likes, Count(5));
    }

    #[test]
    fn a_figure_that_is_not_there_is_null_and_says_why() {
        let metrics = Metrics {
            likes: Count(80),
            comments: Count(5),
            shares: Count(2),
            reach: Count(1250),
            ..Metrics::default()
        };
        let view = FiguresView::of(&metrics);
        assert_eq!(
            (view.engagement, view.engagement_rate, view.rate_base),
            (Some(87), Some(6.96), Some(RateBase::Reach))
        );
        assert_eq!((view.saves, view.unavailable.get("saves")), (None, Some(&"not_offered")));
        let pending = FiguresView::of(&Metrics { reach: Pending, ..metrics });
        assert_eq!((pending.engagement_rate, pending.rate_base), (None, None));
        assert_eq!(pending.unavailable.get("engagementRate"), Some(&"pending"));
        assert_eq!(FiguresView::of(&Metrics { shares: NotOffered, ..metrics }).engagement, None);
    }
}
