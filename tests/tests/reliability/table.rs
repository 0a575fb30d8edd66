//! The tables that are printed: a line for each case, and the sums of docs/reliability.md.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::cases::{Case, Trouble};
use crate::settle::Settled;

/// A case and how it ended.
pub struct Told {
    pub case: Case,
    pub outcome: std::result::Result<Settled, String>,
    pub took: Duration,
}

/// Prints both tables.
pub fn print(told: &[Told]) {
    println!("{:<30} {:<58} {:<12} {:>7} {:>6} {:>6}", "scene", "trouble", "end", "created", "sim s", "real s");
    for Told { case, outcome, took } in told {
        let (scene, trouble, real) = (case.scene.name, case.trouble.to_string(), took.as_secs_f64());
        match outcome {
            Ok(settled) => println!(
                "{scene:<30} {trouble:<58} {:<12} {:>7} {:>6} {real:>6.1}{}",
                settled.status,
                settled.created,
                settled.recovered_in_s,
                if settled.met { "" } else { "  (never met: no such call here)" }
            ),
            Err(error) => println!("{scene:<30} {trouble:<58} FAILED: {error}"),
        }
    }
    println!();
    println!("Without the cases that were never met:");
    println!(
        "| scene | cases | kills | faults | others | published | unconfirmed | failed or waiting | created twice | slowest recovery, simulated s |"
    );
    println!("|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|");
    let mut sums: BTreeMap<&str, [i64; 9]> = BTreeMap::new();
    for Told { case, outcome, .. } in told {
        let Ok(settled) = outcome else { continue };
        if !settled.met {
            continue;
        }
        for name in [case.scene.name, "~ all"] {
            let row = sums.entry(name).or_default();
            row[0] += 1;
            let is_kill = matches!(case.trouble, Trouble::Killed { .. });
            row[match case.trouble {
                Trouble::Killed { .. } => 1,
                Trouble::Fault { .. } => 2,
                _ => 3,
            }] += 1;
            row[match settled.status.as_str() {
                "published" => 4,
                "unconfirmed" => 5,
                _ => 6,
            }] += 1;
            row[7] += i64::from(settled.created > 1);
            if is_kill {
                row[8] = row[8].max(settled.recovered_in_s);
            }
        }
    }
    for (scene, figures) in sums {
        let scene = scene.trim_start_matches("~ ");
        println!("| {scene} | {} |", figures.map(|figure| figure.to_string()).join(" | "));
    }
}
