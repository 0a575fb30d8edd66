//! Pages that a client can be sent: the figures of a range, brought into the form of the report.

use cloud::http::ApiError;
use cloud::table::talents;
use domain::analytics::Figure;
use domain::analytics::span::{Interval, Range};
use domain::{MediaType, Platform};
use jiff::ToSpan;
use jiff::tz::TimeZone;
use report::{Fonts, KeyFigure, Part, Post, Reason, Report};

use crate::App;
use crate::analytics::audience::{self, AudienceView};
use crate::analytics::course::{self, Course, Value};
use crate::analytics::posts::PublicationView;
use crate::analytics::subject::Subject;

/// The key figures of a page, in their order.
const KEY_FIGURES: [(&str, Figure); 8] = [
    ("Followers", Figure::Followers),
    ("Impressions", Figure::Impressions),
    ("Reach", Figure::Reach),
    ("Views", Figure::Views),
    ("Engagement", Figure::Engagement),
    ("Engagement rate", Figure::EngagementRate),
    ("Likes", Figure::Likes),
    ("Comments", Figure::Comments),
];

/// Writes the report of a range as a PDF. `posts` are those of the range.
///
/// # Errors
/// 503 when the table cannot answer, or when the fonts are not there.
pub async fn write(
    app: &App,
    subject: &Subject,
    range: Range,
    posts: Vec<PublicationView>,
) -> Result<Vec<u8>, ApiError> {
    let fonts = Fonts::in_directory(&app.settings.fonts);
    // Whoever installed this forgot the layer; CSV works all the same.
    let mut fonts = fonts.map_err(|error| ApiError::unavailable(error.to_string()))?;
    let report = report(app, subject, range, &posts).await?;
    // Drawing takes the processor for a while, which other requests of the same process must not wait for.
    let drawn = tokio::task::spawn_blocking(move || report::render(&report, &mut fonts)).await;
    let drawn = drawn.map_err(|error| ApiError::internal(error.to_string()))?;
    drawn.map_err(|error| ApiError::internal(error.to_string()))
}

async fn report(app: &App, subject: &Subject, range: Range, posts: &[PublicationView]) -> Result<Report, ApiError> {
    let zoned = |at: jiff::Timestamp| at.to_zoned(subject.zone.clone());
    let last = range.to.saturating_sub(jiff::SignedDuration::from_secs(1)).unwrap_or(range.to);
    let name = talents::get(&app.table, &subject.workspace, &subject.talent).await?.map(|talent| talent.name);
    let mut platforms = Vec::new();
    for (platform, part) in subject.by_platform() {
        platforms.push(page(app, &part, platform, range, posts).await?);
    }
    Ok(Report {
        talent: name.unwrap_or_else(|| subject.talent.to_string()),
        days: (zoned(range.from).date(), zoned(last).date()),
        zone: subject.zone.iana_name().unwrap_or("UTC").to_owned(),
        made_at: zoned(app.now()),
        platforms,
    })
}

async fn page(
    app: &App,
    subject: &Subject,
    platform: Platform,
    range: Range,
    posts: &[PublicationView],
) -> Result<report::Platform, ApiError> {
    let before = before(range, &subject.zone);
    let (course, earlier, audiences) = futures_util::try_join!(
        course::of(app, subject, range, Interval::Day),
        course::of(app, subject, before, Interval::Day),
        audience::of(app, subject),
    )?;
    let mut posts: Vec<&PublicationView> = posts.iter().filter(|post| post.platform == platform.as_str()).collect();
    let seen = posts.iter().map(|post| post.last_synced_at);
    let as_of = seen.chain(subject.accounts.iter().filter_map(|account| account.last_synced_at)).max();
    let count = posts.len();
    posts.sort_by_key(|post| std::cmp::Reverse((post.figures.engagement.or(post.figures.likes), post.posted_at)));
    let zoned = |at: jiff::Timestamp| at.to_zoned(subject.zone.clone());
    Ok(report::Platform {
        name: app.platforms.get(platform).map_or(platform.as_str(), |adapter| adapter.facts.name).to_owned(),
        handles: subject.accounts.iter().map(|account| account.handle.clone()).collect(),
        as_of: as_of.map(zoned),
        figures: key_figures(&course, &earlier),
        followers: course
            .total
            .iter()
            .map(|step| (zoned(step.start).date(), step.value(Figure::Followers).number()))
            .collect(),
        posts: posts.into_iter().take(report::POSTS).map(|view| post(view, zoned(view.posted_at).date())).collect(),
        post_count: count,
        audience: audiences.main.map_or_else(Vec::new, parts),
    })
}

/// As many whole days before those of a range. No day is in both, also where a range begins within one.
fn before(range: Range, zone: &TimeZone) -> Range {
    let days = range.steps(Interval::Day, zone);
    let Some((first, _)) = days.first() else { return Range { from: range.from, to: range.from } };
    let count = i64::try_from(days.len()).unwrap_or_default();
    let from = first.checked_sub(count.days()).map_or(range.from, |from| from.timestamp());
    Range { from, to: first.timestamp() }
}

fn key_figures(now: &Course, before: &Course) -> Vec<KeyFigure> {
    let (now, before) = (&now.whole, &before.whole);
    let of = |value: Value, figure: Figure| match value {
        Value::Number(value) if figure == Figure::EngagementRate => report::Figure::Percent(value),
        Value::Number(value) => report::Figure::Number(value),
        Value::Pending => report::Figure::Missing(Reason::Pending),
        Value::NotOffered => report::Figure::Missing(Reason::NotOffered),
        Value::NotMeasured => report::Figure::Missing(Reason::NotMeasured),
    };
    let key = |(name, figure): (&str, Figure)| KeyFigure {
        name: name.to_owned(),
        now: of(now.value(figure), figure),
        before: of(before.value(figure), figure),
    };
    KEY_FIGURES.into_iter().map(key).collect()
}

fn post(view: &PublicationView, day: jiff::civil::Date) -> Post {
    let figures = &view.figures;
    let missing = |name: &str| report::Figure::Missing(reason(figures.unavailable.get(name).copied()));
    #[expect(clippy::cast_precision_loss, reason = "counts beyond 2^53 do not occur")]
    let count =
        |count: Option<u64>, name: &str| count.map_or_else(|| missing(name), |n| report::Figure::Number(n as f64));
    Post {
        caption: view.caption.clone().unwrap_or_default(),
        day,
        kind: kind(view.media_type).to_owned(),
        views: count(figures.views, "views"),
        engagement: count(figures.engagement, "engagement"),
        rate: figures.engagement_rate.map_or_else(|| missing("engagementRate"), report::Figure::Percent),
        url: view.url.clone(),
    }
}

fn parts(view: AudienceView) -> Vec<Part> {
    let AudienceView { top_countries, top_cities, age_range, gender, unavailable, .. } = view;
    let list = |shares: Vec<audience::ShareView>| shares.into_iter().map(|share| (share.name, share.percent)).collect();
    let part = |name: &str, key: &str, shares: Option<Vec<(String, f64)>>| Part {
        name: name.to_owned(),
        shares: shares.ok_or_else(|| reason(unavailable.get(key).copied())),
    };
    vec![
        part("Countries", "topCountries", top_countries.map(list)),
        part("Cities", "topCities", top_cities.map(list)),
        part("Age", "ageRange", age_range.map(|shares| shares.into_iter().collect())),
        part("Gender", "gender", gender.map(|shares| shares.into_iter().collect())),
    ]
}

const fn kind(of: MediaType) -> &'static str {
    match of {
        MediaType::Image => "Image",
        MediaType::Video => "Video",
        MediaType::Carousel => "Carousel",
        MediaType::Text => "Text",
    }
}

/// The reason behind a word of the API's `unavailable` object.
fn reason(word: Option<&'static str>) -> Reason {
    match word {
        Some("not_offered") => Reason::NotOffered,
        _ => Reason::Pending,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_days_before_are_as_many_and_none_of_them_is_in_both() {
        let zone = domain::schedule::zone("America/New_York").unwrap();
        // Noon to noon, over the end of daylight saving time: four days, begun within the first.
        let range =
            Range { from: "2026-10-30T16:00:00Z".parse().unwrap(), to: "2026-11-02T17:00:00Z".parse().unwrap() };
        let before = before(range, &zone);
        assert_eq!(before.to, "2026-10-30T04:00:00Z".parse().unwrap());
        assert_eq!(before.from, "2026-10-26T04:00:00Z".parse().unwrap());
        assert_eq!(before.steps(Interval::Day, &zone).len(), range.steps(Interval::Day, &zone).len());
    }
}
