//! Quota units of the project: counted always, enforced when a setting says how many there are.

use crate::call::Reply;
use crate::state::{Platform, World};

const DAY_MS: i64 = 86_400_000;
/// Midnight Pacific, without daylight saving.
const PACIFIC_MS: i64 = 8 * 3_600_000;

fn day(world: &World) -> i64 {
    (world.now() - PACIFIC_MS).div_euclid(DAY_MS)
}

/// Uploads begun today.
pub(super) fn inserts(world: &World) -> u64 {
    world.ledger.total(Platform::YouTube, "inserts", day(world))
}

pub(super) fn insert(world: &World) {
    world.ledger.add(Platform::YouTube, "inserts", day(world), 1);
}

/// Takes the units that a call costs; failed calls cost too.
pub(super) fn units(world: &World, cost: u64) -> Result<(), Reply> {
    let used = world.ledger.add(Platform::YouTube, "units", day(world), cost);
    match world.settings.number(Platform::YouTube, "dailyUnits") {
        Some(most) if used > most => Err(super::rate_limited(DAY_MS / 1000)),
        _ => Ok(()),
    }
}

/// Units and uploads of today, for the control API.
pub(crate) fn today(world: &World) -> (u64, u64) {
    (world.ledger.total(Platform::YouTube, "units", day(world)), inserts(world))
}
