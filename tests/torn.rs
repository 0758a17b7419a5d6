//! Files that are written while they are copied: what is copied without a word about a change is one state that the
//! file had; where a change is said, every block was there at some time; with --require-stable a change is a failure,
//! and the old target stays.
//!
//! A change is told by size, times and inode number. Two changes are therefore not seen: a store through a mapping to a page
//! that was dirty already, which gives the file no new time, and a write within the clock's tick of the one before, on
//! filesystems without fine times (Linux 6.13 gave them to ext4, btrfs, XFS and tmpfs). Both are counted.
//!
//! SAFECP_TORN_COPIES and SAFECP_TORN_SEED make a campaign longer or another one; SAFECP_TEST_FILESYSTEMS says where;
//! SAFECP_TEST_BINARY names any cp, whose torn copies are counted if it is not safecp.

mod common;

#[path = "sim/random.rs"]
#[allow(dead_code, unreachable_pub, reason = "the simulator's; this program uses a part")]
mod random;
#[path = "torn/subject.rs"]
mod subject;
#[path = "torn/trial.rs"]
mod trial;

use common::asked::{fresh_seed, introduced, number, program};
use common::has_tool;
use random::spread;
use std::collections::BTreeMap;
use std::time::Instant;
use subject::{Act, has_fine_times};
use trial::{Fate, Scene};

/// Copies on each filesystem in an ordinary `cargo test`.
const COPIES: u64 = 150;

/// Fates by filesystem and by what was done.
type Counts = BTreeMap<(String, Act, Fate), u64>;

#[test]
fn no_torn_copy_passes_for_a_whole_one() {
    let program = program();
    let is_ours = introduced(&program).starts_with("safecp");
    let base = number("SAFECP_TORN_SEED").unwrap_or_else(fresh_seed);
    let copies = number("SAFECP_TORN_COPIES").unwrap_or(COPIES);
    println!("{}; SAFECP_TORN_SEED={base}", program.display());
    let mut acts = vec![Act::Append, Act::Truncate, Act::Rewrite, Act::Replace];
    if has_tool("xfs_io") {
        acts.push(Act::Map);
    }
    let (mut counts, mut failures) = (Counts::new(), 0);
    for place in common::filesystems() {
        let (started, is_fine) = (Instant::now(), has_fine_times(&place.path));
        let mut state = base;
        for _ in 0..copies {
            let scene = Scene::draw(spread(&mut state), &acts).at(&place);
            let scene = if is_ours { scene } else { scene.for_any_cp() };
            let (fates, said) = scene.play(&program, &place);
            for fate in fates {
                *counts.entry((place.name.clone(), scene.act, fate)).or_default() += 1;
                if !is_right(fate, scene.act, is_fine) {
                    failures += 1;
                    println!("{fate:?} on {}: {scene:?}\n{said}", place.name);
                }
            }
        }
        println!("{}: times are {}, {:.1?}", place.name, if is_fine { "fine" } else { "coarse" }, started.elapsed());
    }
    counts.iter().for_each(|((place, act, fate), count)| println!("  {place}: {act:?}: {fate:?} {count}"));
    assert!(failures == 0 || !is_ours, "{failures} files were copied otherwise than was said, see above");
}

/// What may be: the changes that no time tells of are let pass.
fn is_right(fate: Fate, act: Act, has_fine_times: bool) -> bool {
    match fate {
        Fate::Whole | Fate::Said | Fate::Failed | Fate::Unlisted => true,
        Fate::Unsaid => act == Act::Map || !has_fine_times,
        Fate::Wrong | Fate::Broken => false,
    }
}
