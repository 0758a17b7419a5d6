//! No room: full disks, quotas, no inodes, limits on the size of a file, at every offset and at every entry.

use super::asked::variable;
use super::campaign::{Desk, Desks, Size, Tally, each, is_asked, locked};
use super::judge::{Broken, Rule, Run};
use super::look::look;
use super::places::{Place, places, quotas};
use super::scenario::{LONG_SIZE, SCENARIOS, Scenario, Source};
use super::tool::{Ended, Tool};
use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::process::Command;
use std::sync::Mutex;

/// What a message says where there is no room.
const REASONS: [&str; 3] = ["No space left on device", "Disk quota exceeded", "File too large"];

/// The scenarios that are squeezed.
const NAMES: &[&str] = &[
    "dense",
    "dense over old",
    "sparse over old",
    "dense over linked",
    "file over old, all attributes",
    "tree",
    "tree over old",
    "large, threads",
    "large over old, threads",
    "tree, threads",
    "durable over old",
    "in place",
    "not verified",
    "sparse=never",
    "backup",
    "backup of a tree",
    "install",
    "install over old",
    "install with a backup",
    "mv",
    "mv over old",
    "mv of a tree",
];

const PAGE: u64 = 4096;

/// Inodes that are given at most: more than the tree has.
const INODES_MAX: u64 = 16;

/// What there is too little of.
#[derive(Clone, Copy, Debug)]
enum Room {
    /// Bytes of a tmpfs.
    Bytes(u64),
    /// Inodes of a tmpfs.
    Inodes(u64),
    /// Bytes of an ext4 whose blocks are of 1 KiB: an image of this size.
    Ext4(u64),
    /// Bytes of a btrfs quota.
    Quota(u64),
    /// RLIMIT_FSIZE; with SIGXFSZ ignored, or deadly.
    FileSize { bytes: u64, ignored: bool },
}

struct Case {
    scenario: Scenario,
    place: usize,
    room: Room,
}

/// Squeezes safecp.
pub(crate) fn run(size: &Size) -> Tally {
    let (tool, places) = (Tool::ours(), [places(), quotas()].concat());
    let desks = Desks::new(&places);
    let tally = Mutex::new(Tally::new(size));
    if !may_mount() {
        locked(&tally).left_out.insert("full disks and quotas: tests/faults/run mounts small filesystems".into(), 1);
    }
    let mut cases = size.choose(cases(&places), described);
    cases.retain(|case| is_asked(&described(case)));
    each(&cases, 1, &tally, |case, thread, tally| squeeze(&tool, case, &desks.desk(case.place, thread), tally));
    if may_mount() {
        too_large(&tool, &desks.desk(0, 0), &tally);
    }
    tally.into_inner().expect("no thread panicked")
}

/// Whether mounts are this process's own, as in tests/faults/run.
fn may_mount() -> bool {
    variable("SAFECP_FAULTS_MOUNTS").is_some()
}

fn cases(places: &[Place]) -> Vec<Case> {
    let mut cases = Vec::new();
    for scenario in SCENARIOS.iter().filter(|scenario| NAMES.contains(&scenario.name)) {
        let mut add = |place, room| cases.push(Case { scenario: *scenario, place, room });
        for bytes in offsets(scenario) {
            for ignored in [true, false] {
                add(0, Room::FileSize { bytes, ignored });
                add(0, Room::FileSize { bytes: bytes + 1, ignored });
            }
            // tmpfs keeps nothing: --durable is refused there, whatever the room.
            let keeps = !scenario.has("--durable");
            if may_mount() {
                keeps.then(|| add(0, Room::Bytes(bytes)));
                add(0, Room::Ext4(200_000 + bytes));
                let quota = places.iter().position(|place| place.name == "quota");
                quota.into_iter().for_each(|place| add(place, Room::Quota(bytes)));
            }
        }
        if may_mount() && !scenario.has("--durable") {
            (0..INODES_MAX).for_each(|inodes| add(0, Room::Inodes(inodes)));
        }
    }
    cases
}

/// Every page up to a little more than the largest file; of a tree, up to more than it has.
fn offsets(scenario: &Scenario) -> Vec<u64> {
    let end: u64 = match scenario.source {
        Source::Dense => 320_000,
        Source::Sparse => 1_100_000,
        Source::Tree => 400_000,
        Source::Backup => 1_700_000,
        Source::Large => 2_300_000,
        Source::Empty => 8192,
        Source::Long => LONG_SIZE,
    };
    (0..end / PAGE).map(|page| page * PAGE).collect()
}

fn described(case: &Case) -> String {
    format!("safecp {} ({}) with {:?}", case.scenario.options, case.scenario.name, case.room)
}

fn squeeze(tool: &Tool, case: &Case, desk: &Desk, tally: &Mutex<Tally>) {
    let scenario = &case.scenario;
    let world = desk.world();
    scenario.make_source(&world);
    let targets = world.join("d");
    let made = match case.room {
        Room::Bytes(_) | Room::Inodes(_) => mount(&["-t", "tmpfs", "-o", "mode=755", "none"], &targets),
        Room::Ext4(bytes) => mount_ext4(bytes, &desk.path.join("image"), &targets, ""),
        Room::Quota(_) => fs::remove_dir(&targets).is_ok() && does("btrfs", &["subvolume", "create"], &targets),
        Room::FileSize { .. } => true,
    };
    if made && fits(scenario, &world) {
        judge(tool, case, &world, tally);
    } else {
        *locked(tally).left_out.entry("too small to hold the old target".into()).or_default() += 1;
    }
    if matches!(case.room, Room::Bytes(_) | Room::Inodes(_) | Room::Ext4(_)) && made {
        unmount(&targets);
    }
}

/// Makes the old target, which on a very small ext4 may not have room itself.
fn fits(scenario: &Scenario, world: &Path) -> bool {
    let free = rustix::fs::statvfs(world.join("d")).map_or(0, |found| found.f_bavail * found.f_frsize);
    let fits = free > 300_000 || scenario.old == super::scenario::Old::Nothing;
    if fits {
        scenario.make_old(world);
    }
    fits
}

fn judge(tool: &Tool, case: &Case, world: &Path, tally: &Mutex<Tally>) {
    let (scenario, targets) = (&case.scenario, world.join("d"));
    let before = look(world);
    let used = rustix::fs::statvfs(&targets).expect("statvfs");
    let used_bytes = (used.f_blocks - used.f_bfree) * used.f_frsize;
    match case.room {
        // Nothing is "no limit" to tmpfs.
        Room::Bytes(bytes) => remount(&targets, &format!("size={}", (used_bytes + bytes).max(PAGE))),
        Room::Inodes(inodes) => remount(&targets, &format!("nr_inodes={}", used.f_files - used.f_ffree + inodes)),
        Room::Quota(bytes) => {
            let limit = (used_bytes.min(600_000) + bytes).to_string();
            assert!(does("btrfs", &["qgroup", "limit", &limit], &targets), "a quota");
        }
        Room::Ext4(_) | Room::FileSize { .. } => {}
    }
    let ended = match case.room {
        Room::FileSize { bytes, ignored } => {
            let signal = if ignored { "--ignore-signal=XFSZ" } else { "--default-signal=XFSZ" };
            let limit = format!("--fsize={bytes}");
            tool.behind(&["env", signal, "prlimit", &limit], scenario, world)
        }
        Room::Bytes(_) | Room::Inodes(_) | Room::Ext4(_) | Room::Quota(_) => tool.run(scenario, world),
    };
    let after = look(world);
    let run = Run { scenario, world, before: &before, after: &after, ended: &ended, fault: None, only_bytes: false };
    let mut broken = run.judge();
    // -a keeps extended attributes where there is room for them, and is silent where not, as cp.
    broken.retain(|broken| !(scenario.preserves() && broken.is_of_xattrs()));
    broken.extend(unsaid(case, &ended, world));
    let came = if ended.succeeded() { "room enough" } else { "no room" };
    let row = format!("{}, {came}", kind(case.room));
    locked(tally).count(&row, &broken, || format!("{}: {}, {:?}", described(case), ended.shown(), ended.stderr));
}

/// A failure that is not said, or not why. Who dies of SIGXFSZ says nothing.
fn unsaid(case: &Case, ended: &Ended, world: &Path) -> Option<Broken> {
    let is_deadly = matches!(case.room, Room::FileSize { ignored: false, .. });
    let names_file = |line: &&str| line.contains(&*world.to_string_lossy());
    let says_why = |line: &str| REASONS.iter().any(|reason| line.contains(reason));
    let is_said = ended.stderr.lines().filter(names_file).any(says_why);
    let died = ended.status.is_some_and(|status| status.code().is_none());
    let is_right = ended.succeeded() || is_said || is_deadly && died;
    (!is_right).then(|| Broken { rule: Rule::Said, how: format!("{}, {:?}", ended.shown(), ended.stderr) })
}

fn kind(room: Room) -> &'static str {
    match room {
        Room::Bytes(_) => "tmpfs of every size",
        Room::Inodes(_) => "tmpfs with few inodes",
        Room::Ext4(_) => "ext4 of every size",
        Room::Quota(_) => "btrfs quota of every size",
        Room::FileSize { ignored: true, .. } => "RLIMIT_FSIZE, SIGXFSZ ignored",
        Room::FileSize { ignored: false, .. } => "RLIMIT_FSIZE, SIGXFSZ deadly",
    }
}

fn does(program: &str, words: &[&str], path: &Path) -> bool {
    let output = Command::new(program).args(words).arg(path).output();
    output.is_ok_and(|output| output.status.success())
}

fn mount(words: &[&str], at: &Path) -> bool {
    does("mount", words, at)
}

fn remount(at: &Path, what: &str) {
    assert!(mount(&["-o", &format!("remount,{what}")], at), "remount with {what}");
}

/// Lazily: a program that another thread is just starting may hold on to it for a moment.
fn unmount(at: &Path) {
    assert!(does("umount", &["--lazy"], at), "umount of {}", at.display());
}

fn mount_ext4(bytes: u64, image: &Path, at: &Path, more: &str) -> bool {
    let features = format!("^has_journal{more}");
    if image.exists() {
        fs::remove_file(image).expect("the last image");
    }
    File::create(image).and_then(|file| file.set_len(bytes)).expect("an image");
    let made = does("mkfs.ext4", &["-q", "-F", "-b", "1024", "-m", "0", "-N", "64", "-O", &features], image);
    let image = image.to_str().expect("a plain path");
    made && mount(&["-o", "loop", image], at)
}

/// Files that are larger than a filesystem can have: 16 GiB is the end for ext4 with blocks of 1 KiB and no extents.
fn too_large(tool: &Tool, desk: &Desk, tally: &Mutex<Tally>) {
    let scenario = SCENARIOS[0];
    for (size, is_old) in [(20 << 30, false), (20 << 30, true), (i64::MAX as u64 - PAGE, false)] {
        let world = desk.world();
        fs::create_dir(&world).and_then(|()| fs::create_dir(world.join("d"))).expect("a world");
        let (targets, target) = (world.join("d"), world.join("d/t"));
        // tmpfs alone has no end short of the largest offset; the source lies there.
        let sources = desk.path.join("sources");
        fs::create_dir_all(&sources).expect("mkdir");
        assert!(
            mount(&["-t", "tmpfs", "none"], &sources)
                && mount_ext4(4 << 20, &desk.path.join("image"), &targets, ",^extents,^64bit")
        );
        let source = File::create(sources.join("s")).expect("a source");
        source.set_len(size).and_then(|()| source.write_all_at(b"data", size - 10)).expect("a large source");
        std::os::unix::fs::symlink(sources.join("s"), world.join("s")).expect("symlink");
        if is_old {
            fs::write(&target, "old").expect("an old target");
        }
        let ended = tool.run(&scenario, &world);
        let found = fs::read(&target).ok();
        let is_kept = found.as_deref() == is_old.then_some(&b"old"[..]);
        let alone = fs::read_dir(&targets).expect("readdir").count() == 1 + usize::from(is_old);
        let is_said = ended.stderr.contains("File too large") && ended.stderr.contains("d/t");
        let is_right = is_kept && alone && is_said && ended.status.is_some_and(|status| status.code() == Some(1));
        let broken = (!is_right).then(|| Broken { rule: Rule::Whole, how: format!("{ended:?}, {found:?}") });
        locked(tally).count("larger than the filesystem allows", broken.as_slice(), || format!("{size} bytes"));
        unmount(&targets);
        unmount(&sources);
    }
}
