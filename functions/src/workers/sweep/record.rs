//! Writes what was seen: the looks and what they add to the account's course, all or nothing, under the sweep's fence.

use std::collections::HashMap;

use cloud::table::looks::{self, Looks};
use cloud::table::{StoreError, Transaction, n, points};
use cloud::work::FENCED;
use domain::analytics::ladder::next_look;
use domain::analytics::{Figure, Look};
use domain::publication::Metrics;
use jiff::Timestamp;

use super::plan::Plan;
use super::{Ends, Run};

/// How many posts one transaction takes: beside them stand the fence and three rows of points.
pub(super) const MOST: usize = 96;

/// Writes looks at `asked`, of which `seen` has the figures; a post without any is not there any more.
pub(super) async fn looks(
    run: &Run<'_>,
    asked: Vec<Looks>,
    seen: &HashMap<String, Metrics>,
    plan: &mut Plan,
) -> Result<(), Ends> {
    let now = run.app.now();
    let mut course = run.levels(now);
    let mut transaction = fenced(run)?;
    let (workspace, id) = (&run.connection.workspace, &run.connection.id);
    for mut looks in asked {
        match seen.get(&looks.external_id) {
            None => (looks.gone, looks.next_at) = (true, None),
            Some(metrics) => {
                let from_birth = looks.posted_at >= run.sweep.since;
                for figure in Figure::GAINS {
                    course.gain(figure, looks.history.gain(figure, metrics, from_birth));
                }
                looks.history.add(Look { at: whole_second(now), metrics: *metrics });
                looks.next_at = next_look(looks.posted_at, now, looks.history.motion());
            }
        }
        transaction = looks::put(transaction, workspace, id, &looks)?;
        plan.took(&looks);
    }
    transaction = points::add(transaction, workspace, id, &course, now, &run.zone)?;
    if transaction.commit().await?.is_done() { Ok(()) } else { Err(Ends::Lost) }
}

/// Notes the account's own figures of a day on which no post was looked at; false when the token is lost.
pub(super) async fn account(run: &Run<'_>, now: Timestamp) -> Result<bool, StoreError> {
    let (workspace, id) = (&run.connection.workspace, &run.connection.id);
    let transaction = points::add(fenced(run)?, workspace, id, &run.levels(now), now, &run.zone)?;
    Ok(transaction.commit().await?.is_done())
}

pub(super) fn fenced<'a>(run: &Run<'a>) -> Result<Transaction<'a>, StoreError> {
    let token = &run.claimed.token;
    let held = HashMap::from([(":token".to_owned(), n(token.fence))]);
    run.app.table.transaction().check("fence", (&token.pk, &token.sk), FENCED, held)
}

fn whole_second(at: Timestamp) -> Timestamp {
    Timestamp::from_second(at.as_second()).unwrap_or(at)
}
