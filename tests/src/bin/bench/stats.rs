//! Medians and percentiles.

use std::time::Duration;

/// The middle value; of an even number the upper of the two.
pub fn median<T: Ord + Copy + Default>(values: Vec<T>) -> T {
    percentile(values, 50)
}

/// The value that so many of a hundred do not exceed.
pub fn percentile<T: Ord + Copy + Default>(mut values: Vec<T>, percent: usize) -> T {
    values.sort_unstable();
    let at = (values.len() * percent / 100).min(values.len().saturating_sub(1));
    values.get(at).copied().unwrap_or_default()
}

/// Milliseconds.
pub fn ms(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}
