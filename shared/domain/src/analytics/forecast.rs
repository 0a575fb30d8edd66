//! Where a figure goes: an exponential smoothing model against "nothing changes", judged on the account's own past.

use augurs_core::{Fit, Predict};
use augurs_ets::AutoETS;

use super::totals::two_decimals;
use crate::publication::as_f64;

/// How many days ahead.
pub const HORIZONS: [usize; 2] = [30, 90];
/// How many days a model must have to learn from.
pub const LEAST_DAYS: usize = 30;
/// How many days it learns from at most: what was before says little.
const MOST_DAYS: usize = 180;
/// How many days lie between two origins of the back-test.
const STEP: usize = 10;
/// Without this many origins there is no interval, and so no forecast.
const LEAST_ORIGINS: usize = 4;
/// How many origins are tried at most.
const MOST_ORIGINS: usize = 9;
/// How often the true figure is meant to lie in the interval.
pub const COVERAGE: f64 = 0.8;

/// A figure on a day to come.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Forecast {
    /// Days ahead.
    pub days: usize,
    /// The forecast.
    pub value: f64,
    /// The interval in which the figure is meant to lie four times out of five.
    pub low: f64,
    /// Its upper end.
    pub high: f64,
    /// Whether the model did better than "nothing changes" on this past; if not, the forecast is "nothing changes".
    pub beats_naive: bool,
    /// The model's mean error in the back-test.
    pub model_error: f64,
    /// That of "nothing changes".
    pub naive_error: f64,
    /// How many times both were tried.
    pub origins: usize,
}

/// How many days of history a forecast of `days` needs.
#[must_use]
pub const fn needed(days: usize) -> usize {
    LEAST_DAYS + days + (LEAST_ORIGINS - 1) * STEP
}

/// Forecasts a level from its daily values, oldest first; only the horizons for which the past is long enough.
#[must_use]
pub fn forecast(series: &[f64]) -> Vec<Forecast> {
    let Some(last) = series.last().copied() else { return Vec::new() };
    let longest = HORIZONS.into_iter().filter(|days| series.len() >= needed(*days)).max();
    let Some(longest) = longest else { return Vec::new() };
    let now = model(series, longest);
    // One fit of each origin serves every horizon that its future reaches.
    let shortest = HORIZONS[0];
    let most = (series.len() - shortest - LEAST_DAYS) / STEP + 1;
    let tries = MOST_ORIGINS + (longest - shortest) / STEP;
    let origins: Vec<(usize, Option<Vec<f64>>)> = (0..most.min(tries))
        .map(|back| series.len() - shortest - back * STEP)
        .map(|end| (end, model(&series[..end], longest)))
        .collect();
    let reached = HORIZONS.into_iter().filter(|days| series.len() >= needed(*days));
    reached.filter_map(|days| judge(series, last, days, now.as_deref(), &origins)).collect()
}

fn judge(
    series: &[f64],
    last: f64,
    days: usize,
    now: Option<&[f64]>,
    origins: &[(usize, Option<Vec<f64>>)],
) -> Option<Forecast> {
    let (mut of_model, mut of_naive) = (Vec::new(), Vec::new());
    for (end, path) in origins.iter().filter(|(end, _)| end + days <= series.len()).take(MOST_ORIGINS) {
        let (before, truth) = (series[end - 1], series[end + days - 1]);
        of_naive.push((truth - before).abs());
        // A past that the model cannot be fitted to counts as "nothing changes" for it.
        of_model.push((truth - path.as_ref().and_then(|path| path.get(days - 1)).unwrap_or(&before)).abs());
    }
    if of_naive.len() < LEAST_ORIGINS {
        return None;
    }
    let mean = |errors: &[f64]| errors.iter().sum::<f64>() / as_f64(errors.len() as u64);
    let (model_error, naive_error) = (mean(&of_model), mean(&of_naive));
    let ahead = now.and_then(|path| path.get(days - 1)).copied();
    let better = ahead.filter(|_| model_error < naive_error);
    let value = better.unwrap_or(last);
    let width = quantile(if better.is_some() { &of_model } else { &of_naive });
    Some(Forecast {
        days,
        value: two_decimals(value.max(0.0)),
        low: two_decimals((value - width).max(0.0)),
        high: two_decimals((value + width).max(0.0)),
        beats_naive: better.is_some(),
        model_error: two_decimals(model_error),
        naive_error: two_decimals(naive_error),
        origins: of_naive.len(),
    })
}

/// Half of the interval: the error that [`COVERAGE`] of the errors, and one more, stay within.
fn quantile(errors: &[f64]) -> f64 {
    let mut sorted = errors.to_vec();
    sorted.sort_by(f64::total_cmp);
    let wanted = COVERAGE * as_f64(errors.len() as u64 + 1);
    let covering = |(at, _): &(usize, &f64)| as_f64(*at as u64 + 1) >= wanted;
    sorted.iter().enumerate().find(covering).or(sorted.iter().enumerate().next_back()).map_or(0.0, |(_, error)| *error)
}

/// The course that the model sees for the next `days`; `None` where it cannot be fitted.
fn model(series: &[f64], days: usize) -> Option<Vec<f64>> {
    let recent = &series[series.len().saturating_sub(MOST_DAYS)..];
    if recent.len() < LEAST_DAYS || recent.iter().any(|value| !value.is_finite()) {
        return None;
    }
    // A line that does not move has no errors that a model could be fitted by.
    if recent.iter().all(|value| (value - recent[0]).abs() < f64::EPSILON) {
        return Some(vec![recent[0]; days]);
    }
    let fitted = AutoETS::non_seasonal().fit(recent).ok()?;
    let path = fitted.predict(days, None).ok()?.point;
    (path.len() == days && path.iter().all(|value| value.is_finite())).then_some(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(days: u32, base: f64, per_day: f64) -> Vec<f64> {
        (0..days).map(|day| base + per_day * f64::from(day)).collect()
    }

    #[test]
    fn steady_growth_goes_on_and_beats_no_change() {
        // By hand: day 199 is 1000 + 199·5 = 1995; in 30 days 2145, in 90 days 2445. "No change" is off by 150 and 450.
        let found = forecast(&line(200, 1000.0, 5.0));
        assert_eq!(found.iter().map(|f| f.days).collect::<Vec<_>>(), HORIZONS);
        for (forecast, truth, naive) in [(found[0], 2145.0, 150.0), (found[1], 2445.0, 450.0)] {
            assert!(forecast.beats_naive && forecast.naive_error == naive, "{forecast:?}");
            assert!((forecast.value - truth).abs() < 1.0, "{forecast:?}");
            assert!(forecast.low <= truth + 1.0 && forecast.high >= truth - 1.0 && forecast.model_error < 1.0);
        }
    }

    #[test]
    fn what_does_not_move_is_no_change_and_the_interval_is_nothing() {
        let found = forecast(&[500.0; 150]);
        assert_eq!((found.len(), found[0].value, found[0].low, found[0].high), (2, 500.0, 500.0, 500.0));
        assert!(!found[0].beats_naive, "no better than no change is not better");
    }

    #[test]
    fn where_the_model_is_worse_it_says_so_and_gives_no_change() {
        // Grows for two months, stands for two, grows again, …: every trend that is seen ends when it is believed.
        let mut level = 1_000.0;
        let series: Vec<f64> = (0..320)
            .map(|day| {
                level += if (day / 30) % 2 == 0 { 20.0 } else { -20.0 };
                level
            })
            .collect();
        let found = forecast(&series);
        let month = found[0];
        assert!(!month.beats_naive && month.model_error >= month.naive_error, "{month:?}");
        assert_eq!(month.value, series[319]);
        assert!(month.low < month.value && month.high > month.value, "{month:?}");
    }

    #[test]
    fn too_little_history_forecasts_nothing() {
        assert_eq!((needed(30), needed(90)), (90, 150));
        assert_eq!(forecast(&[]), []);
        assert_eq!(forecast(&line(89, 1000.0, 5.0)), []);
        assert_eq!(forecast(&line(90, 1000.0, 5.0)).len(), 1);
        assert_eq!(forecast(&line(149, 1000.0, 5.0)).len(), 1);
        assert_eq!(forecast(&line(150, 1000.0, 5.0)).len(), 2);
    }

    #[test]
    fn the_interval_covers_four_of_five_errors() {
        assert_eq!(quantile(&[5.0, 1.0, 2.0, 3.0, 4.0, 6.0, 7.0, 8.0, 9.0]), 8.0);
        assert_eq!(quantile(&[3.0, 1.0, 2.0, 4.0]), 4.0);
    }
}
