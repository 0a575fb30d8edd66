//! When and on what the figures were taken.

use std::process::Command;
use std::time::SystemTime;

use jiff::{SignedDuration, Timestamp};

/// The sentence that every figure depends on.
pub fn description() -> String {
    let cpu = read("/proc/cpuinfo");
    let model = cpu
        .lines()
        .find_map(|line| line.strip_prefix("model name"))
        .map(|rest| rest.trim_start_matches([' ', '\t', ':']));
    let cores = cpu.lines().filter(|line| line.starts_with("processor")).count();
    let memory = read("/proc/meminfo");
    let kib: u64 = memory
        .lines()
        .find_map(|line| line.strip_prefix("MemTotal:")?.split_whitespace().next()?.parse().ok())
        .unwrap_or_default();
    let load = read("/proc/loadavg");
    format!(
        "{}, on {} ({cores} cores, {:.0} GiB), Linux {}, {}; load before the run {}",
        now(),
        model.unwrap_or("an unnamed CPU"),
        (kib as f64 / 1024.0 / 1024.0).round(),
        read("/proc/sys/kernel/osrelease").trim(),
        compiler(),
        load.split(' ').next().unwrap_or("unknown"),
    )
}

/// CPU time of a fixed piece of work, in milliseconds. On a busy machine it grows, and every other figure with it.
pub fn pace() -> f64 {
    let used = || {
        let stat = read("/proc/thread-self/schedstat");
        stat.split(' ').next().and_then(|text| text.parse::<f64>().ok()).unwrap_or_default() / 1e6
    };
    let before = used();
    // Larger than the caches that the cores share with others, since that is where a neighbour is felt.
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    let mut numbers: Vec<u64> = Vec::with_capacity(2_000_000);
    for n in 0..2_000_000_u64 {
        hash = (hash ^ n).wrapping_mul(0x0100_0000_01b3);
        numbers.push(hash);
    }
    numbers.sort_unstable();
    std::hint::black_box(&numbers);
    used() - before
}

fn now() -> String {
    let since = SystemTime::UNIX_EPOCH.elapsed().ok().and_then(|since| SignedDuration::try_from(since).ok());
    let now = since.and_then(|since| Timestamp::UNIX_EPOCH.checked_add(since).ok());
    now.map_or_else(String::new, |now| now.strftime("%Y-%m-%d %H:%M UTC").to_string())
}

fn compiler() -> String {
    let output = Command::new("rustc").arg("--version").output();
    let version = output.ok().and_then(|output| String::from_utf8(output.stdout).ok()).unwrap_or_default();
    version.split(' ').take(2).collect::<Vec<_>>().join(" ").trim().to_owned()
}

fn read(path: &str) -> String {
    std::fs::read_to_string(path).unwrap_or_default()
}
