//! Who looked at whose figures: one entry for each subject, talent, route and hour.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

use cloud::audit;
use cloud::http::{ApiError, Request};
use domain::TalentId;
use jiff::Timestamp;

use crate::App;

/// More entries than one process writes in an hour; past it, the table alone knows.
const MOST: usize = 10_000;

/// What was noted this hour, so that a screen that polls does not ask the table each time.
#[derive(Debug, Default)]
pub struct Noted(Mutex<(i64, HashSet<String>)>);

/// Notes an access, unless this hour has it already.
///
/// # Errors
/// 503 when the table cannot answer: nobody looks unseen.
pub async fn note(app: &App, request: &Request, talent: &TalentId) -> Result<(), ApiError> {
    let caller = request.caller()?;
    let hour = request.now.as_second().div_euclid(3_600);
    let key = format!("{}\n{}\n{talent}\n{}", caller.workspace, caller.subject, request.route);
    {
        let mut noted = app.noted.0.lock().unwrap_or_else(PoisonError::into_inner);
        if noted.0 != hour || noted.1.len() >= MOST {
            *noted = (hour, HashSet::new());
        }
        if noted.1.contains(&key) {
            return Ok(());
        }
    }
    let at = Timestamp::from_second(hour * 3_600).unwrap_or(request.now);
    audit::access(&app.table, caller, talent, &request.route, at, request.now, &request.request_id).await?;
    app.noted.0.lock().unwrap_or_else(PoisonError::into_inner).1.insert(key);
    Ok(())
}
