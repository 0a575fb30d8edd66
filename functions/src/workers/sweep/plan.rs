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
}
