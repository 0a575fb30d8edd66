//! Which of an account's posts are looked at now, and when it goes on.

use cloud::table::looks::{self, Looks};
use cloud::table::{StoreError, publications};
use domain::Connection;
use domain::analytics::History;
use domain::analytics::ladder::{self, LAST, Motion};
use jiff::{SignedDuration, Timestamp};

use crate::App;

/// More posts than this in 90 days are not all watched: the newest are.
const MOST_POSTS: usize = 1_000;

/// What there is to look at.
pub struct Plan {
    /// The posts whose time has come, newest first.
    pub due: Vec<Looks>,
    /// When those that are not due are.
    later: Vec<Timestamp>,
    /// How many were looked at.
    pub taken: usize,
    /// How many calls that took.
    pub calls: u64,
}

impl Plan {
    /// When the next of the posts is due; those that are left over are due now.
    pub fn next(&self) -> Option<Timestamp> {
        self.due.iter().filter_map(|looks| looks.next_at).chain(self.later.iter().copied()).min()
    }

    /// Notes a post that was looked at.
    pub fn took(&mut self, looks: &Looks) {
        self.taken += 1;
        self.later.extend(looks.next_at);
    }
}

/// The posts of the last 90 days, as syncs have found them, with what was seen of them. Two queries.
pub async fn of(app: &App, connection: &Connection, now: Timestamp) -> Result<Plan, StoreError> {
    // A look at the last rung may be late by as long as a sweep can be.
    let from = now.saturating_sub(LAST + SignedDuration::from_hours(48)).unwrap_or(now);
    let (workspace, id) = (&connection.workspace, &connection.id);
    let until = now.saturating_add(SignedDuration::from_hours(24)).unwrap_or(now);
    let (mut known, seen) = futures_util::try_join!(
        publications::known(&app.table, workspace, id, from, until),
        looks::between(&app.table, workspace, id, from, until)
    )?;
    known.reverse();
    known.truncate(MOST_POSTS);
    Ok(sorted(known, seen, now))
}

fn sorted(known: Vec<(Timestamp, String)>, seen: Vec<Looks>, now: Timestamp) -> Plan {
    let mut plan = Plan { due: Vec::new(), later: Vec::new(), taken: 0, calls: 0 };
    let mut seen: std::collections::HashMap<(Timestamp, String), Looks> =
        seen.into_iter().map(|looks| ((looks.posted_at, looks.external_id.clone()), looks)).collect();
    for (posted_at, external_id) in known {
        let looks = seen.remove(&(posted_at, external_id.clone())).unwrap_or_else(|| {
            // A post that is found late is looked at at once: its first look is what later ones are compared with.
            let first = ladder::next_look(posted_at, posted_at, Motion::Usual);
            let late = posted_at.duration_until(now) <= LAST;
            Looks { external_id, posted_at, history: History::default(), next_at: first.filter(|_| late), gone: false }
        });
        let Some(next) = looks.next_at.filter(|_| !looks.gone) else { continue };
        let early = ladder::early(posted_at.duration_until(now));
        if next <= now.saturating_add(early).unwrap_or(now) {
            plan.due.push(looks);
        } else {
            plan.later.push(next);
        }
    }
    plan
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn looks(id: &str, posted_at: &str, next_at: Option<&str>) -> Looks {
        let (external_id, posted_at) = (id.to_owned(), at(posted_at));
        Looks { external_id, posted_at, history: History::default(), next_at: next_at.map(at), gone: false }
    }

    #[test]
    fn what_has_come_due_is_looked_at_and_the_rest_says_when() {
        let now = at("2026-11-20T12:00:00Z");
        let seen = vec![
            looks("waits", "2026-11-18T12:00:00Z", Some("2026-11-21T12:00:00Z")),
            looks("late", "2026-11-13T12:00:00Z", Some("2026-11-20T11:00:00Z")),
            // Seven days old in half an hour: that near, it is taken along.
            looks("near", "2026-11-13T12:30:00Z", Some("2026-11-20T12:30:00Z")),
            looks("over", "2026-09-01T12:00:00Z", None),
            Looks { gone: true, ..looks("gone", "2026-11-19T12:00:00Z", Some("2026-11-20T12:00:00Z")) },
        ];
        let mut known: Vec<(Timestamp, String)> =
            seen.iter().map(|looks| (looks.posted_at, looks.external_id.clone())).collect();
        known.push((at("2026-11-20T11:30:00Z"), "young".to_owned()));
        known.push((at("2026-10-01T12:00:00Z"), "found late".to_owned()));
        known.push((at("2026-08-21T12:00:00Z"), "too old".to_owned()));
        let plan = sorted(known, seen, now);
        let due: Vec<&str> = plan.due.iter().map(|looks| looks.external_id.as_str()).collect();
        assert_eq!(due, ["late", "near", "found late"]);
        assert_eq!(plan.later, [at("2026-11-21T12:00:00Z"), at("2026-11-20T12:30:00Z")], "the young one at an hour");
        assert_eq!(plan.next(), Some(at("2026-10-01T13:00:00Z")), "what is left over is overdue");
    }

    /// A year of an account that posts `a_day` times a day, each post coming to half of its figures in a day: runs, looks, and
    /// calls at each batch size, for an account and day.
    fn year(a_day: i64, batches: [usize; 4]) -> (f64, f64, [f64; 4]) {
        use domain::Metric;
        use domain::analytics::Look;
        use domain::publication::Metrics;
        const DAYS: i64 = 365;
        let start = at("2026-01-01T00:00:00Z");
        let after = |seconds: i64| start + SignedDuration::from_secs(seconds);
        // Posts go out at times of their own, so that rungs of different posts seldom meet by chance.
        let posts: Vec<(Timestamp, String)> = (0..DAYS * a_day)
            .map(|n| (after(n * 86_400 / a_day + (n * 7_919) % (40_000 / a_day)), format!("p{n}")))
            .collect();
        let mut seen: std::collections::BTreeMap<String, Looks> = std::collections::BTreeMap::new();
        let (mut now, mut runs, mut looks, mut calls) = (start, 0.0, 0.0, [0.0; 4]);
        while now < after(DAYS * 86_400) {
            // Syncs find a post within the hour.
            let from = now - (LAST + SignedDuration::from_hours(48));
            let known: Vec<_> = posts.iter().filter(|(posted, _)| *posted <= now && *posted >= from).cloned().collect();
            let watched = known.iter().filter_map(|(_, id)| seen.get(id).cloned()).collect();
            let plan = sorted(known, watched, now);
            runs += 1.0;
            for (calls, batch) in calls.iter_mut().zip(batches) {
                *calls += f64::from(u32::try_from(plan.due.len().div_ceil(batch)).unwrap());
            }
            let mut next = plan.later.iter().copied().min();
            for mut post in plan.due {
                looks += 1.0;
                let age = post.posted_at.duration_until(now).as_secs().unsigned_abs();
                let views = Metric::Count(20_000 * age / (age + 86_400));
                post.history.add(Look { at: now, metrics: Metrics { views, ..Metrics::default() } });
                post.next_at = ladder::next_look(post.posted_at, now, post.history.motion());
                next = next.into_iter().chain(post.next_at).min();
                seen.insert(post.external_id.clone(), post);
            }
            let found = posts
                .iter()
                .find(|(posted, _)| *posted > now)
                .map(|(posted, _)| *posted + SignedDuration::from_hours(1));
            let daily = now + SignedDuration::from_hours(24);
            now = next.into_iter().chain(found).chain([daily]).min().unwrap().max(now + SignedDuration::from_mins(5));
        }
        let per_day = |n: f64| n / 365.0;
        (per_day(runs), per_day(looks), calls.map(per_day))
    }

    #[test]
    fn the_calls_of_an_account_and_day_are_as_documented_and_inside_every_quota() {
        let batches = [1, 20, 50, 100];
        let (runs, looks, calls) = year(1, batches);
        let (many_runs, many_looks, many_calls) = year(10, batches);
        println!("1 post a day: {runs:.2} runs, {looks:.2} looks, calls by batch {batches:?}: {calls:.2?}");
        println!(
            "10 posts a day: {many_runs:.2} runs, {many_looks:.2} looks, calls by batch {batches:?}: {many_calls:.2?}"
        );
        // docs/scale.md.
        assert!((9.0..=14.0).contains(&looks), "{looks}");
        assert!(runs <= looks + 2.0 && calls[0] == looks, "{runs} {calls:?}");
        assert!(many_calls[1] < many_looks, "batches save calls: {many_calls:?} {many_looks}");
        // Ten posts a day are more than people post: Instagram's share is 2,400 calls a day, YouTube's 5,000 for all accounts, X's 150 posts.
        assert!(many_calls[0] <= 150.0 && many_calls[2] <= 100.0, "{many_calls:?}");
    }
}
