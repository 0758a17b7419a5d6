//! A campaign of damages: many files of a backup rot, are edited, moved and removed, by chance, and its second copy is damaged in
//! other places. --check names each by what was done to it; --repair mends what is damaged or missing, and touches nothing else.
//!
//! What is expected is what the campaign has done itself, by std alone. SAFECP_DAMAGES is the number of damages (1,000 for the
//! whole campaign), among ten times as many files; SAFECP_DAMAGES_SEED chooses them (otherwise fresh, and printed).

mod common;

#[path = "sim/random.rs"]
#[allow(dead_code, unreachable_pub, reason = "the simulator's; this program uses a part")]
mod random;

use common::World;
use common::asked::{fresh_seed, number};
use random::Random;
use std::collections::hash_map::DefaultHasher;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::hash::Hasher;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

const CHUNK: usize = 1 << 20;
const PAGE: usize = 4096;

/// What happens to a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Damage {
    /// One bit is another.
    Flipped,
    /// A page is zeros.
    Zeroed,
    /// The end is gone.
    Cut,
    /// Two chunks, or pages of a small file, have changed places.
    Swapped,
    /// It is written anew, and its times are set back.
    EditedWithOldTimes,
    /// It is written anew.
    Edited,
    Renamed,
    Removed,
}

const ALL: [Damage; 8] = [
    Damage::Flipped,
    Damage::Zeroed,
    Damage::Cut,
    Damage::Swapped,
    Damage::EditedWithOldTimes,
    Damage::Edited,
    Damage::Renamed,
    Damage::Removed,
];

impl Damage {
    /// What the bytes are afterwards.
    fn spoil(self, bytes: &[u8], random: &mut Random) -> Vec<u8> {
        let mut spoilt = bytes.to_vec();
        match self {
            Damage::Flipped => spoilt[random.index(bytes.len())] ^= 1 << random.index(8),
            Damage::Zeroed => {
                let begin = random.index(bytes.len()) / PAGE * PAGE;
                let end = bytes.len().min(begin + PAGE);
                spoilt[begin..end].fill(0);
            }
            Damage::Cut => spoilt.truncate(random.index(bytes.len())),
            Damage::Swapped => {
                let unit = if bytes.len() >= 2 * CHUNK { CHUNK } else { PAGE.min(bytes.len() / 2) };
                let (one, other) = spoilt.split_at_mut(unit);
                one.swap_with_slice(&mut other[..unit]);
            }
            Damage::EditedWithOldTimes | Damage::Edited => random.fill(&mut spoilt),
            Damage::Renamed | Damage::Removed => {}
        }
        spoilt
    }

    /// Does it to a file; where that is afterwards, if it was renamed.
    fn strike(self, path: &Path, elsewhere: &Path, random: &mut Random) -> Option<PathBuf> {
        let bytes = fs::read(path).expect("a file to damage");
        let time = fs::metadata(path).and_then(|stat| stat.modified()).expect("its time");
        match self {
            Damage::Removed => fs::remove_file(path).expect("unlink"),
            Damage::Renamed => {
                let name = path.file_name().expect("a name").to_string_lossy().into_owned();
                // Beside it, or in a directory that was not there.
                let to = if random.index(2) == 0 {
                    path.with_file_name(format!("{name} renamed"))
                } else {
                    fs::create_dir_all(elsewhere).expect("mkdir");
                    elsewhere.join(name)
                };
                fs::rename(path, &to).expect("rename");
                return Some(to);
            }
            _ => {
                let spoilt = (0..100).map(|_| self.spoil(&bytes, random)).find(|spoilt| *spoilt != bytes);
                fs::write(path, spoilt.expect("other bytes")).expect("write");
                if self != Damage::Edited {
                    File::options().write(true).open(path).and_then(|file| file.set_modified(time)).expect("its time");
                }
            }
        }
        None
    }
}

/// One file as it is, to see that nobody touched it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Seen {
    inode: u64,
    mode: u32,
    owner: (u32, u32),
    size: u64,
    modified: (i64, i64),
    /// Not of directories, in which names come back.
    changed: Option<(i64, i64)>,
    content: u64,
}

/// Everything beneath a directory.
fn look(root: &Path) -> BTreeMap<PathBuf, Seen> {
    let mut seen = BTreeMap::new();
    let mut directories = vec![root.to_owned()];
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(&directory).expect("readdir") {
            let path = entry.expect("an entry").path();
            let stat = fs::symlink_metadata(&path).expect("stat");
            let mut hasher = DefaultHasher::new();
            if stat.is_dir() {
                directories.push(path.clone());
            } else {
                hasher.write(&fs::read(&path).expect("read"));
            }
            let one = Seen {
                inode: stat.ino(),
                mode: stat.mode(),
                owner: (stat.uid(), stat.gid()),
                size: if stat.is_dir() { 0 } else { stat.size() },
                modified: (stat.mtime(), stat.mtime_nsec()),
                changed: (!stat.is_dir()).then(|| (stat.ctime(), stat.ctime_nsec())),
                content: hasher.finish(),
            };
            seen.insert(path.strip_prefix(root).expect("beneath").to_owned(), one);
        }
    }
    seen
}

/// The tree: a name in forty is of two or three chunks.
fn make_tree(world: &World, files: usize, random: &mut Random) -> Vec<String> {
    let mut names = Vec::new();
    for number in 0..files {
        let dir = format!("{}/{}", number / 400, number / 50);
        let name = format!("{dir}/{number}");
        world.dir(&format!("src/{dir}"));
        let size = if number % 40 == 7 { 2 * CHUNK + random.index(CHUNK) } else { 64 + random.index(30_000) };
        let mut bytes = vec![0; size];
        random.fill(&mut bytes);
        world.file(format!("src/{name}"), bytes);
        let time = i64::try_from(number).expect("a small number");
        world.times(&format!("src/{name}"), (5, 6), (1_500_000_000 + time, time));
        names.push(name);
    }
    names
}

/// What the campaign has done to the first copy.
#[derive(Default)]
struct Record {
    done: BTreeMap<String, Damage>,
    moved: BTreeMap<String, String>,
}

impl Record {
    /// The line that a check should have of a name.
    fn line(&self, name: &str) -> String {
        match self.done[name] {
            Damage::Flipped | Damage::Zeroed | Damage::Cut | Damage::Swapped | Damage::EditedWithOldTimes => {
                format!("damaged: '{name}'")
            }
            Damage::Edited => format!("changed: '{name}'"),
            Damage::Renamed => format!("moved: '{name}' -> '{}'", self.moved[name]),
            Damage::Removed => format!("missing: '{name}'"),
        }
    }

    /// Whether a repair is to mend a name.
    fn is_to_be_mended(&self, name: &str) -> bool {
        self.done.get(name).is_some_and(|damage| !matches!(damage, Damage::Edited | Damage::Renamed))
    }

    fn lines(&self, of: impl Fn(&str) -> bool) -> BTreeSet<String> {
        self.done.keys().filter(|name| of(name)).map(|name| self.line(name)).collect()
    }
}

/// Findings without what is in brackets behind them.
fn heads(text: &str) -> BTreeSet<String> {
    text.lines().map(|line| line.split(" (").next().expect("a line").to_owned()).collect()
}

#[test]
fn all_damages_are_named_and_mended_and_nothing_else_is_touched() {
    let count = usize::try_from(number("SAFECP_DAMAGES").unwrap_or(100)).expect("a number");
    let seed = number("SAFECP_DAMAGES_SEED").unwrap_or_else(fresh_seed);
    println!("SAFECP_DAMAGES={count} SAFECP_DAMAGES_SEED={seed} does the same");
    let (world, mut random) = (World::new(), Random::new(seed));
    let mut names = make_tree(&world, 10 * count, &mut random);
    world.cp("-a --manifest=list src new").succeeds();
    world.tool("cp", ["-a", "src", "other"]);
    for index in (1..names.len()).rev() {
        names.swap(index, random.index(index + 1));
    }
    let (struck, rest) = names.split_at(count);
    let mut record = Record::default();
    for (index, name) in struck.iter().enumerate() {
        let damage = ALL[index % ALL.len()];
        let to = damage.strike(&world.path("new").join(name), &world.path("new/elsewhere"), &mut random);
        record.done.insert(name.clone(), damage);
        if let Some(to) = to {
            let to = to.strip_prefix(world.path("new")).expect("beneath").display().to_string();
            record.moved.insert(name.clone(), to);
        }
    }
    // The second copy: other files, and other chunks of the same files.
    for (index, name) in rest.iter().take(count).enumerate() {
        ALL[index % ALL.len()].strike(&world.path("other").join(name), &world.path("other/elsewhere"), &mut random);
    }
    let is_large = |name: &&String| world.stat(&format!("src/{name}")).size() > 2 * CHUNK as u64;
    let both: Vec<_> = rest.iter().skip(count).filter(is_large).take(1 + count / 50).cloned().collect();
    for name in &both {
        world.rot(&format!("new/{name}"), 17, &[0; 32]);
        world.rot(&format!("other/{name}"), CHUNK as u64 + 17, &[0; 32]);
        record.done.insert(name.clone(), Damage::Zeroed);
    }

    let (before, other) = (look(&world.path("new")), look(&world.path("other")));
    let check = world.cp("--check list new");
    assert_eq!(check.code(), Some(1), "{check}");
    assert_eq!(heads(&check.stdout), record.lines(|_| true), "{check}");
    assert_eq!(look(&world.path("new")), before, "a check touches nothing");

    let repair = world.cp("--repair list new --from=other");
    assert_eq!((repair.code(), repair.stderr.as_str()), (Some(0), ""), "{repair}");
    let said: BTreeSet<String> = heads(&repair.stdout);
    for name in record.done.keys() {
        let is_mended = said.contains(&format!("mended: '{name}'")) || said.contains(&format!("restored: '{name}'"));
        assert_eq!(is_mended, record.is_to_be_mended(name), "{name}: {repair}");
    }
    let (source, after) = (look(&world.path("src")), look(&world.path("new")));
    for (path, seen) in &after {
        let name = path.to_str().expect("a plain name");
        if record.is_to_be_mended(name) {
            // All that can be the same in two places.
            let wanted = Seen { inode: seen.inode, changed: seen.changed, ..source[path].clone() };
            assert_eq!(*seen, wanted, "{name}");
        } else {
            assert_eq!(Some(seen), before.get(path), "{name} was touched");
        }
    }
    let is_there = |name: &&String| after.contains_key(Path::new(name.as_str()));
    let wanted = before.len() + record.done.values().filter(|damage| **damage == Damage::Removed).count();
    assert_eq!(after.len(), wanted);
    assert!(record.done.keys().filter(|name| record.is_to_be_mended(name)).all(|name| is_there(&name)));
    assert_eq!(look(&world.path("other")), other, "the second copy was touched");
    let again = world.cp("--check list new");
    assert_eq!(heads(&again.stdout), record.lines(|name| !record.is_to_be_mended(name)), "{again}");
    assert!(!both.is_empty() && record.done.len() > count);
}
