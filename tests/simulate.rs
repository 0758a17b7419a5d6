//! The engine in simulated worlds: campaigns, named seeds, and the replay of one world.
//!
//! SAFECP_SIM_WORLDS and SAFECP_SIM_SEED (a number, or a commit's hash) make a campaign longer or
//! another one; SAFECP_SIM_WORLD=<seed> runs one world and prints every call of it.

#[path = "common/asked.rs"]
#[allow(dead_code, reason = "this program uses a part")]
mod asked;
mod sim;

use asked::{number, variable};
use sim::campaign::{campaign, run_world};
use sim::faults::Fault;
use sim::lists::campaign as lists;
use sim::random::{parse_seed, seed_of};
use sim::shards::campaign::{self as shards, Happened};
use sim::tally::Played;
use sim::targets;
use sim::trees::campaign::{self as trees, Chosen};

/// Worlds of an ordinary `cargo test`.
const WORLDS: u64 = 60_000;

/// Worlds with trees of an ordinary `cargo test`.
const TREES: u64 = 60_000;

/// Worlds with several targets of an ordinary `cargo test`.
const TARGETS: u64 = 20_000;

/// Worlds with runs that share a tree of an ordinary `cargo test`.
const SHARED: u64 = 2_000;

/// Worlds with lists of an ordinary `cargo test`.
const LISTS: u64 = 20_000;

/// Worlds below which a rare fault may not have struck.
const WORLDS_FOR_COUNTERS: u64 = 60_000;

/// The campaign: no world breaks a promise, and every kind of fault struck.
#[test]
fn no_world_breaks_a_promise() {
    if let Some(world) = variable("SAFECP_SIM_WORLD") {
        return replay(parse_seed(&world));
    }
    let base = parse_seed(&variable("SAFECP_SIM_SEED").unwrap_or_else(|| "1".to_owned()));
    let worlds = number("SAFECP_SIM_WORLDS").unwrap_or(WORLDS);
    let summary = campaign(base, worlds);
    summary.print(base);
    assert!(summary.broken.is_empty(), "{} worlds broke a promise, see above", summary.broken.len());
    if worlds >= WORLDS_FOR_COUNTERS {
        assert_eq!(summary.counts.missing(Fault::FILES), [], "faults that never struck");
        assert!(summary.strategies.iter().all(|copies| *copies > 0), "a strategy was never used");
        assert!(summary.same > 0, "no old file was what its copy would be");
    }
}

/// The same for whole runs over trees. SAFECP_SIM_TREES is the number of worlds, SAFECP_SIM_TREE=<seed> runs
/// one, SAFECP_SIM_CLASSES=<names> plays only some.
#[test]
fn no_tree_breaks_a_promise() {
    if let Some(world) = variable("SAFECP_SIM_TREE") {
        return replay_tree(parse_seed(&world));
    }
    let base = parse_seed(&variable("SAFECP_SIM_SEED").unwrap_or_else(|| "1".to_owned()));
    let worlds = number("SAFECP_SIM_TREES").unwrap_or(TREES);
    let chosen = Chosen::new(variable("SAFECP_SIM_CLASSES").as_deref());
    let summary = trees::campaign(base, worlds, &chosen);
    summary.print(base);
    assert!(summary.broken.is_empty(), "{} worlds broke a promise, see above", summary.broken.len());
    if worlds >= TREES {
        assert_eq!(summary.missing(&chosen), [], "faults that never struck");
    }
}

/// The same for runs into several targets. SAFECP_SIM_TARGETS is the number of worlds, SAFECP_SIM_TARGET=<seed> runs one.
#[test]
fn no_target_breaks_a_promise() {
    let base = parse_seed(&variable("SAFECP_SIM_SEED").unwrap_or_else(|| "1".to_owned()));
    let only = variable("SAFECP_SIM_TARGET").map(|seed| parse_seed(&seed));
    let worlds = if only.is_some() { 1 } else { number("SAFECP_SIM_TARGETS").unwrap_or(TARGETS) };
    let summary = targets::campaign(base, worlds, only);
    assert!(summary.broken.is_empty(), "{} worlds broke a promise, see above", summary.broken.len());
}

/// The same for trees that several runs share, are killed in, and finish. SAFECP_SIM_SHARDS is the number of worlds,
/// SAFECP_SIM_SHARD=<seed> plays one and prints every call of it.
#[test]
fn no_share_breaks_a_promise() {
    if is_replay("SAFECP_SIM_SHARD", shards::run_world) {
        return;
    }
    let base = parse_seed(&variable("SAFECP_SIM_SEED").unwrap_or_else(|| "1".to_owned()));
    let worlds = number("SAFECP_SIM_SHARDS").unwrap_or(SHARED);
    let summary = shards::campaign(base, worlds);
    assert!(summary.broken.is_empty(), "{} worlds broke a promise, see above", summary.broken.len());
    let Happened { kills, losses, refusals, spoils, changes, .. } = summary.happened;
    let happened = [kills, losses, refusals, spoils, changes];
    assert!(worlds < SHARED || happened.iter().all(|count| *count > 0), "{:?}", summary.happened);
}

/// The same for trees that are listed, harmed, checked and mended. SAFECP_SIM_LISTS is the number of worlds,
/// SAFECP_SIM_LIST=<seed> plays one and prints every call of it.
#[test]
fn no_list_breaks_a_promise() {
    if is_replay("SAFECP_SIM_LIST", lists::run_world) {
        return;
    }
    let base = parse_seed(&variable("SAFECP_SIM_SEED").unwrap_or_else(|| "1".to_owned()));
    let worlds = number("SAFECP_SIM_LISTS").unwrap_or(LISTS);
    let summary = lists::campaign(base, worlds);
    assert!(summary.broken.is_empty(), "{} worlds broke a promise, see above", summary.broken.len());
    let lists::Happened { struck, kills, losses, found, mended, .. } = summary.happened;
    let happened = [struck, kills, losses, found, mended];
    assert!(worlds < LISTS || happened.iter().all(|count| *count > 0), "{:?}", summary.happened);
}

/// Which process has its turn, and all that comes of it, is the seed's as well.
#[test]
fn shared_worlds_repeat_themselves() {
    for number in 0..30 {
        let seed = seed_of(7, number);
        assert_eq!(shards::run_world(seed, true), shards::run_world(seed, true), "world {seed}");
    }
}

/// Plays the one world that a variable asks for, if any, and prints its story.
fn is_replay<H>(name: &str, run_world: fn(u64, bool) -> Played<H>) -> bool {
    let Some(world) = variable(name) else { return false };
    let (_, broken, story) = run_world(parse_seed(&world), true);
    println!("{}", story.join("\n"));
    assert_eq!(broken, None, "world {world}");
    true
}

fn replay_tree(seed: u64) {
    let report = trees::run_world(seed, true);
    println!("{}", report.trace.join("\n"));
    assert_eq!(report.broken, None, "world {seed}");
}

fn replay(seed: u64) {
    let report = run_world(seed, true);
    println!("{}", report.trace.join("\n"));
    assert_eq!(report.broken, None, "world {seed}");
}

/// Worlds that once broke a promise, and what they showed: faults of the engine found by a campaign,
/// and safeguards whose absence they notice.
const NAMED: &[(u64, &str)] = &[
    (
        1_636_949_651_506_102_881,
        "FICLONE into an emptied old file on ZFS reads as zeros (OpenZFS #18412), --verify=none",
    ),
    (569_475_154_811_692_472, "a source cut short while its map is followed is no source with a hole at its end"),
    (1_087_814_538_506_395_031, "a clone right after a hole was punched has the old blocks (OpenZFS #16012)"),
    (1_138_576_233_326_309_814, "the same with zfs_dmu_offset_next_sync=0, where nothing settles it"),
    (267_590_101_234_900_895, "FICLONE on ZFS 2.2.3 with zfs_bclone_wait_dirty=1 never returns"),
    (793_146_889_023_564_264, "a source that changed is said to have"),
    (440_095_924_501_662_161, "a new file does not take the name of one that came to be meanwhile"),
    (265_828_607_800_602_493, "a symbolic link that takes the source's place is not followed"),
    (
        2_467_261_042_008_068_019,
        "a file cut short and grown again while its hole map is believed never had zeros there",
    ),
    (8_220_518_459_318_455_514, "an old file gets its name back from its backup if the new one cannot be filled"),
    (430_792_019_068_023_709, "a fifo that takes the source's place is not waited for"),
];

#[test]
fn named_worlds_keep_their_promises() {
    for (seed, shows) in NAMED {
        assert_eq!(run_world(*seed, false).broken, None, "world {seed}: {shows}");
    }
}

/// The same seed makes the same world, call by call.
#[test]
fn worlds_repeat_themselves() {
    for number in 0..2000 {
        let seed = seed_of(7, number);
        let (once, again) = (run_world(seed, false), run_world(seed, false));
        assert_eq!((once.hash, once.calls, once.counts), (again.hash, again.calls, again.counts), "world {seed}");
    }
}
