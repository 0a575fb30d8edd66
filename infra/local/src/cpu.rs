//! How much CPU time the threads of this process have used, told apart by their names.

use std::collections::BTreeMap;
use std::fs;

/// Milliseconds per group: `database`, `simulator`, and `herald` for all others.
#[must_use]
pub fn by_group() -> BTreeMap<&'static str, f64> {
    let mut groups = BTreeMap::from([("database", 0.0), ("simulator", 0.0), ("herald", 0.0)]);
    let Ok(threads) = fs::read_dir("/proc/self/task") else { return groups };
    for thread in threads.flatten() {
        let read = |file: &str| fs::read_to_string(thread.path().join(file)).unwrap_or_default();
        let name = read("comm");
        let group = match name.trim() {
            name if name.starts_with("database") => "database",
            name if name.starts_with("simulator") => "simulator",
            _ => "herald",
        };
        *groups.entry(group).or_default() += on_cpu_ms(&read("schedstat"), &read("stat"));
    }
    groups
}

/// The scheduler's nanoseconds where the kernel counts them, else its ticks of ten milliseconds.
fn on_cpu_ms(schedstat: &str, stat: &str) -> f64 {
    let nanoseconds = schedstat.split_whitespace().next().and_then(|text| text.parse::<f64>().ok());
    if let Some(nanoseconds) = nanoseconds.filter(|ns| *ns > 0.0) {
        return nanoseconds / 1e6;
    }
    // The name in parentheses may hold spaces; user and system time are the 12th and 13th field after it.
    let fields: Vec<&str> =
        stat.rsplit_once(')').map(|(_, rest)| rest.split_whitespace().collect()).unwrap_or_default();
    let ticks = |at: usize| fields.get(at).and_then(|text| text.parse::<f64>().ok()).unwrap_or(0.0);
    (ticks(11) + ticks(12)) * 10.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn threads_count_by_their_names() {
        let work = std::thread::Builder::new().name("database".to_owned());
        let (done, wait) =
            (std::sync::Arc::new(std::sync::Barrier::new(2)), std::sync::Arc::new(std::sync::Barrier::new(2)));
        let (theirs, go) = (std::sync::Arc::clone(&done), std::sync::Arc::clone(&wait));
        let thread = work
            .spawn(move || {
                let sum: u64 = (0..20_000_000_u64).map(std::hint::black_box).sum();
                theirs.wait();
                go.wait();
                sum
            })
            .unwrap();
        done.wait();
        assert!(by_group()["database"] > 0.0);
        wait.wait();
        thread.join().unwrap();
    }

    #[test]
    fn ticks_are_read_after_the_name_whatever_it_holds() {
        let stat = "1 (a b) c) S 1 1 1 0 -1 0 0 0 0 0 7 3 0 0 20 0 1 0";
        assert!((on_cpu_ms("0 0 0", stat) - 100.0).abs() < f64::EPSILON);
        assert!((on_cpu_ms("2500000 1 1", stat) - 2.5).abs() < f64::EPSILON);
    }
}
