//! The range and the step that a request asks for.

use cloud::http::{ApiError, Request};
use domain::analytics::span::{Interval, Range};
use jiff::tz::TimeZone;

/// The range that two parameters name; without them the last 30 days.
///
/// # Errors
/// 400 for what is no range.
pub fn of(request: &Request, names: (&str, &str), zone: &TimeZone) -> Result<Range, ApiError> {
    let given = (request.query(names.0), request.query(names.1));
    Range::read(given, names, zone, request.now).map_err(|error| ApiError::invalid(error.to_string()))
}

/// The step that `interval` names; a day when it is absent.
///
/// # Errors
/// 400 for an unknown one, and for a range that is too long for it.
pub fn interval(request: &Request, range: Range) -> Result<Interval, ApiError> {
    let text = request.query("interval").unwrap_or("day");
    let interval = Interval::parse(text);
    let interval = interval.ok_or_else(|| ApiError::invalid("interval must be hour, day, week or month."))?;
    let days = interval.longest().as_hours() / 24;
    if interval == Interval::Hour && range.from.duration_until(range.to) > interval.longest() {
        return Err(ApiError::invalid(format!("By the hour a range may be {days} days long. Ask by day instead.")));
    }
    Ok(interval)
}
