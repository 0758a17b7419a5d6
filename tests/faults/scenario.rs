//! What is copied where with which options, and what must be there afterwards.

use super::list;
use super::look::{Kind, Seen, Tree, look, seen};
use super::random::Random;
use rustix::fs::{AtFlags, CWD, Timespec, Timestamps, XattrFlags};
use std::collections::BTreeMap;
use std::fs::{self, File, Permissions};
use std::os::unix::fs::{FileExt, MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};

/// What is copied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    Dense,
    Sparse,
    Empty,
    /// So large that several threads work on it.
    Large,
    Tree,
    /// A tree with a file of several chunks.
    Backup,
    /// A file so long that --partial keeps what there is of it. Most of it is a hole.
    Long,
}

impl Source {
    /// Whether it has directories.
    pub(crate) fn is_tree(self) -> bool {
        matches!(self, Source::Tree | Source::Backup)
    }
}

/// What stands at the target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Old {
    Nothing,
    File,
    /// A file with a second name.
    Linked,
    /// A tree with some of the names that are copied.
    Tree,
    /// The same as the source.
    Same,
    /// A file that differs from the source in its last byte, and in nothing that stat(2) tells.
    Alike,
    /// The same, and then some of it rotted and some was removed.
    Damaged,
    /// What --partial has kept of the source: some of it right, some of it wrong, and not all of it.
    Part,
    /// The same beside an old file.
    FileAndPart,
}

/// What is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Task {
    Copy,
    /// A copy that is written down.
    Manifest,
    /// The source is written down.
    Seal,
    /// The target is compared with a list of the source.
    Check,
    /// The target is mended from the source.
    Repair,
}

/// What the program is called as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Program {
    Cp,
    Install,
    Mv,
}

/// What strace keeps away in a run, besides the fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hindrance {
    Nothing,
    /// The filesystem has no O_TMPFILE.
    NoTmpfile,
    /// The target is on another filesystem, as the first rename has it.
    Elsewhere,
}

impl Hindrance {
    /// The call that is kept away, what tells it from others of that name, and what it says.
    pub(crate) fn call(self) -> Option<(&'static str, &'static str, &'static str)> {
        match self {
            Self::Nothing => None,
            Self::NoTmpfile => Some(("openat", "O_TMPFILE", "EOPNOTSUPP")),
            Self::Elsewhere => Some(("renameat2", "", "EXDEV")),
        }
    }
}

/// One way to copy.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scenario {
    pub(crate) program: Program,
    pub(crate) name: &'static str,
    pub(crate) options: &'static str,
    pub(crate) source: Source,
    pub(crate) old: Old,
    pub(crate) hindrance: Hindrance,
    pub(crate) task: Task,
}

pub(crate) const fn scenario(name: &'static str, options: &'static str, source: Source, old: Old) -> Scenario {
    Scenario { program: Program::Cp, name, options, source, old, hindrance: Hindrance::Nothing, task: Task::Copy }
}

const fn installed(name: &'static str, options: &'static str, source: Source, old: Old) -> Scenario {
    Scenario { program: Program::Install, ..scenario(name, options, source, old) }
}

const fn moved(name: &'static str, options: &'static str, source: Source, old: Old) -> Scenario {
    Scenario { program: Program::Mv, ..scenario(name, options, source, old) }
}

impl Scenario {
    const fn unnamed_never(self) -> Self {
        Self { hindrance: Hindrance::NoTmpfile, ..self }
    }

    const fn elsewhere(self) -> Self {
        Self { hindrance: Hindrance::Elsewhere, ..self }
    }
}

/// All of them. One thread makes positions the same in every run; the default has its own lines.
pub(crate) const SCENARIOS: &[Scenario] = &[
    scenario("dense", "--jobs=1", Source::Dense, Old::Nothing),
    scenario("sparse", "--jobs=1", Source::Sparse, Old::Nothing),
    scenario("empty", "--jobs=1", Source::Empty, Old::Nothing),
    scenario("dense over old", "--jobs=1", Source::Dense, Old::File),
    scenario("sparse over old", "--jobs=1", Source::Sparse, Old::File),
    scenario("empty over old", "--jobs=1", Source::Empty, Old::File),
    scenario("dense over linked", "--jobs=1", Source::Dense, Old::Linked),
    scenario("file, all attributes", "-a --jobs=1", Source::Dense, Old::Nothing),
    scenario("file over old, all attributes", "-a --jobs=1", Source::Dense, Old::File),
    scenario("tree", "-aT --jobs=1", Source::Tree, Old::Nothing),
    scenario("tree over old", "-aT --jobs=1", Source::Tree, Old::Tree),
    scenario("again", "--jobs=1", Source::Dense, Old::Same),
    scenario("again, all attributes", "-a --jobs=1", Source::Dense, Old::Same),
    scenario("over what looks like it", "-a --jobs=1", Source::Dense, Old::Alike),
    scenario("tree again", "-aT --jobs=1", Source::Tree, Old::Same),
    scenario("large again, threads", "-a", Source::Large, Old::Same),
    scenario("large, threads", "", Source::Large, Old::Nothing),
    scenario("large over old, threads", "", Source::Large, Old::File),
    scenario("tree, threads", "-aT", Source::Tree, Old::Nothing),
    scenario("durable", "--durable --jobs=1", Source::Dense, Old::Nothing),
    scenario("durable over old", "--durable --jobs=1", Source::Dense, Old::File),
    scenario("durable tree", "-aT --durable --jobs=1", Source::Tree, Old::Tree),
    scenario("in place", "--in-place --jobs=1", Source::Dense, Old::File),
    scenario("in place, sparse", "--in-place --jobs=1", Source::Sparse, Old::File),
    scenario("from the device", "--verify=device --jobs=1", Source::Dense, Old::Nothing),
    scenario("from the device, over old", "--verify=device --jobs=1", Source::Sparse, Old::File),
    scenario("proved by its blocks", "--verify=map --jobs=1", Source::Dense, Old::Nothing),
    scenario("proved by its blocks, sparse over old", "--verify=map --jobs=1", Source::Sparse, Old::File),
    scenario("not verified", "--verify=none --jobs=1", Source::Dense, Old::Nothing),
    scenario("not verified, sparse over old", "--verify=none --jobs=1", Source::Sparse, Old::File),
    scenario("reflink=always", "--reflink=always --jobs=1", Source::Dense, Old::File),
    scenario("reflink=always, sparse", "--reflink=always --jobs=1", Source::Sparse, Old::Nothing),
    scenario("reflink=never", "--reflink=never --jobs=1", Source::Dense, Old::File),
    scenario("sparse=always", "--sparse=always --jobs=1", Source::Sparse, Old::File),
    scenario("sparse=never", "--sparse=never --jobs=1", Source::Sparse, Old::File),
    scenario("backup", "--backup --jobs=1", Source::Dense, Old::File),
    scenario("backup of a tree", "-aT --backup --jobs=1", Source::Tree, Old::Tree),
    scenario("stable", "--require-stable --jobs=1", Source::Dense, Old::File),
    scenario("named temporary", "--jobs=1", Source::Dense, Old::Nothing).unnamed_never(),
    scenario("named temporary over old", "-a --jobs=1", Source::Dense, Old::File).unnamed_never(),
    installed("install", "-m 640", Source::Dense, Old::Nothing),
    installed("install over old", "-m 640", Source::Dense, Old::File),
    installed("install over linked, with times", "-p -m 640", Source::Sparse, Old::Linked),
    installed("install with a backup", "--backup -m 640", Source::Dense, Old::File),
    installed("install of what differs", "-C -m 640", Source::Sparse, Old::File),
    installed("install, named temporary", "-m 640", Source::Dense, Old::File).unnamed_never(),
    moved("mv", "", Source::Dense, Old::Nothing),
    moved("mv over old", "", Source::Dense, Old::File),
    moved("mv over linked", "", Source::Sparse, Old::Linked),
    moved("mv with a backup", "--backup", Source::Dense, Old::File),
    moved("mv of a tree", "-T", Source::Tree, Old::Nothing),
    moved("mv elsewhere", "--jobs=1", Source::Dense, Old::Nothing).elsewhere(),
    moved("mv elsewhere over old", "--jobs=1", Source::Sparse, Old::File).elsewhere(),
    moved("mv elsewhere over linked", "--jobs=1", Source::Dense, Old::Linked).elsewhere(),
    moved("mv elsewhere with a backup", "--backup --jobs=1", Source::Dense, Old::File).elsewhere(),
    moved("mv of a tree elsewhere", "-T --jobs=1", Source::Tree, Old::Nothing).elsewhere(),
];

const fn of_lists(name: &'static str, options: &'static str, task: Task, old: Old) -> Scenario {
    Scenario { task, ..scenario(name, options, Source::Backup, old) }
}

/// Backups: what is written down, found out, and mended.
pub(crate) const LISTS: &[Scenario] = &[
    of_lists("check", "--check --jobs=1", Task::Check, Old::Same),
    of_lists("check of what is damaged", "--check --jobs=1", Task::Check, Old::Damaged),
    of_lists("check, threads", "--check", Task::Check, Old::Same),
    of_lists("manifest", "-aT --jobs=1", Task::Manifest, Old::Nothing),
    of_lists("manifest, resumed", "-aT --resume --jobs=1", Task::Manifest, Old::Damaged),
    of_lists("manifest without a copy", "--jobs=1", Task::Seal, Old::Nothing),
    of_lists("repair", "--repair --jobs=1", Task::Repair, Old::Damaged),
];

const LONG: &str = "--partial --reflink=never --jobs=1";

/// Long files, of which a failure leaves a part.
pub(crate) const PARTS: &[Scenario] = &[
    scenario("part", LONG, Source::Long, Old::Nothing),
    scenario("part over old", "-a --partial --reflink=never --jobs=1", Source::Long, Old::File),
    scenario("part of an earlier run", LONG, Source::Long, Old::Part),
    scenario("part of an earlier run, over old", LONG, Source::Long, Old::FileAndPart),
    scenario("part, all attributes", "-a --partial --reflink=never --jobs=1", Source::Long, Old::Part),
    scenario("part, durable", "--partial --reflink=never --durable --jobs=1", Source::Long, Old::Part),
    scenario("part, sparse=always", "--partial --reflink=never --sparse=always --jobs=1", Source::Long, Old::Part),
    scenario("part, threads", "--partial --reflink=never", Source::Long, Old::Part),
];

/// The mode that install is told.
const TOLD_MODE: u32 = 0o640;

/// Days that no run happens on.
const SOURCE_TIME: i64 = 1_000_000_000;
const OLD_TIME: i64 = 1_100_000_000;

impl Scenario {
    pub(crate) fn has(&self, option: &str) -> bool {
        self.options.split(' ').any(|word| word == option)
    }

    /// Whether attributes are to be the source's.
    pub(crate) fn preserves(&self) -> bool {
        self.program == Program::Mv || self.options.starts_with("-a") || self.task != Task::Copy
    }

    /// Whether times are to be the source's.
    pub(crate) fn keeps_times(&self) -> bool {
        self.preserves() || self.has("-p")
    }

    /// Whether one thread does all of it.
    pub(crate) fn has_one_thread(&self) -> bool {
        self.has("--jobs=1") || self.program == Program::Install
    }

    /// Whether further names of the old file are to show the new content: install and mv take its name away.
    pub(crate) fn writes_through_links(&self) -> bool {
        self.old == Old::Linked && self.program == Program::Cp
    }

    /// Whether an old file is written in place, so that a failure may spoil it.
    pub(crate) fn writes_in_place(&self) -> bool {
        self.has("--in-place") || self.writes_through_links()
    }

    /// Whether it ends with status 1 where nothing fails: there is something to be told.
    pub(crate) fn finds(&self) -> bool {
        self.task == Task::Check && self.old == Old::Damaged
    }

    /// Makes source and old target in `world`, a directory that does not exist, and says what is there.
    pub(crate) fn make(&self, world: &Path) -> Tree {
        self.make_source(world);
        self.make_old(world);
        look(world)
    }

    /// Makes the source, and the directory of the target.
    pub(crate) fn make_source(&self, world: &Path) {
        fs::create_dir(world).and_then(|()| fs::create_dir(world.join("d"))).expect("a world");
        let source = world.join("s");
        self.make_like_source(&source);
        if matches!(self.task, Task::Check | Task::Repair) {
            let [list, chunks] = list::of(&seen(&source), &look(&source));
            fs::write(world.join("list"), list)
                .and_then(|()| fs::write(world.join("list.chunks"), chunks))
                .expect("a list");
        }
    }

    fn make_like_source(&self, path: &Path) {
        match self.source {
            Source::Dense => dense(path, 300_000, 1),
            Source::Sparse => sparse(path),
            Source::Empty => dense(path, 0, 1),
            Source::Large => dense(path, 2_200_000, 1),
            Source::Tree => tree(path),
            Source::Backup => backup(path),
            Source::Long => long(path),
        }
    }

    /// Makes what stands at the target.
    pub(crate) fn make_old(&self, world: &Path) {
        let target = world.join("d/t");
        match self.old {
            Old::Nothing => {}
            Old::File | Old::Linked => old(&target),
            Old::Tree => {
                fs::create_dir(&target).expect("mkdir");
                ["dense", "first", "sub"].iter().for_each(|name| old(&target.join(name)));
                fs::remove_file(target.join("sub")).expect("unlink");
                fs::create_dir(target.join("sub")).expect("mkdir");
                old(&target.join("sub/file"));
                symlink("before", target.join("link")).expect("symlink");
            }
            Old::Same => self.make_like_source(&target),
            Old::Alike => {
                self.make_like_source(&target);
                let file = File::options().write(true).open(&target).expect("what looks like the source");
                let end = file.metadata().expect("its size").len() - 1;
                file.write_all_at(b"!", end).expect("another byte");
                dress(&target, 0o640, SOURCE_TIME);
            }
            Old::Damaged => {
                backup(&target);
                damage(&target);
            }
            Old::Part => part(&world.join("d")),
            Old::FileAndPart => {
                old(&target);
                part(&world.join("d"));
            }
        }
        if self.old == Old::Linked {
            fs::hard_link(&target, world.join("d/other")).expect("link");
        }
    }

    /// What must be there after a success, given what was there before.
    pub(crate) fn expected(&self, before: &Tree) -> Tree {
        let mut after = before.clone();
        // It becomes the target.
        after.retain(|path, _| !is_part(path));
        if matches!(self.task, Task::Manifest | Task::Seal) {
            let source =
                before.iter().filter_map(|(path, seen)| Some((path.strip_prefix("s").ok()?.into(), seen.clone())));
            let source: Tree = source.filter(|(path, _): &(PathBuf, Seen)| !path.as_os_str().is_empty()).collect();
            let texts = list::of(&before[Path::new("s")], &source);
            for (name, text) in ["d/list", "d/list.chunks"].into_iter().zip(texts) {
                after.insert(name.into(), new_list(text));
            }
        }
        if self.task == Task::Seal {
            return after;
        }
        for (path, source) in before {
            let Ok(rest) = path.strip_prefix("s") else { continue };
            let target = if rest.as_os_str().is_empty() { PathBuf::from("d/t") } else { Path::new("d/t").join(rest) };
            let old = before.get(&target);
            let is_kept = old.is_some() && self.has("--backup") && source.kind != Kind::Directory;
            if let Some(old) = old.filter(|_| is_kept) {
                after.insert(backup_of(&target), old.clone());
            }
            after.insert(target, self.copy_of(source, old.filter(|_| !is_kept)));
        }
        if let (true, Some(target)) = (self.writes_through_links(), after.get(Path::new("d/t")).cloned()) {
            after.insert("d/other".into(), target);
        }
        if self.program == Program::Mv {
            after.retain(|path, _| !path.starts_with("s"));
        }
        after
    }

    fn copy_of(&self, source: &Seen, old: Option<&Seen>) -> Seen {
        let mut copy = source.clone();
        if self.preserves() {
            return copy;
        }
        match old.filter(|_| self.program == Program::Cp) {
            Some(old) => (copy.mode, copy.owner, copy.xattrs) = (old.mode, old.owner, old.xattrs.clone()),
            None => {
                copy.mode = if self.program == Program::Install { TOLD_MODE } else { source.mode & 0o755 };
                copy.owner = (rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw());
                copy.xattrs.clear();
            }
        }
        copy
    }
}

/// The simple backup's name.
pub(crate) fn backup_of(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push("~");
    name.into()
}

/// Bytes that repeat nowhere; another seed makes others.
pub(crate) fn bytes(size: usize, seed: u64) -> Vec<u8> {
    let mut bytes = vec![0; size];
    Random::new(seed).fill(&mut bytes);
    bytes
}

fn dense(path: &Path, size: usize, seed: u64) {
    fs::write(path, bytes(size, seed)).expect("a source");
    dress(path, 0o640, SOURCE_TIME);
}

/// Data, a hole, data, a hole at the end.
fn sparse(path: &Path) {
    let file = File::create_new(path).expect("a source");
    file.set_len(1 << 20).expect("its size");
    file.write_all_at(&bytes(8192, 2), 0).expect("data");
    file.write_all_at(&bytes(40_000, 3), 400_000).expect("data");
    dress(path, 0o640, SOURCE_TIME);
}

/// Data at both ends and in the middle.
fn long(path: &Path) {
    let file = File::create_new(path).expect("a source");
    file.set_len(LONG_SIZE).expect("its size");
    for (offset, seed) in LONG_DATA {
        file.write_all_at(&bytes(LONG_BYTES, seed), offset).expect("data");
    }
    dress(path, 0o640, SOURCE_TIME);
}

/// Longer than what is kept must be.
pub(crate) const LONG_SIZE: u64 = (64 << 20) + 300_000;
const LONG_DATA: [(u64, u64); 3] = [(0, 9), (30 << 20, 10), (LONG_SIZE - 300_000, 11)];
const LONG_BYTES: usize = 300_000;

/// What an interrupted run has kept of it: the beginning, a part of the middle that a power loss has spoilt, and bytes where the
/// source has none.
fn part(directory: &Path) {
    let file = File::create_new(directory.join(part_of("t"))).expect("a part");
    let [(first, right), (middle, spoilt), _] = LONG_DATA;
    file.write_all_at(&bytes(LONG_BYTES, right), first).expect("data");
    file.write_all_at(&bytes(LONG_BYTES, spoilt), middle).expect("data");
    file.write_all_at(&[0; 4096], middle + 4096).expect("zeros");
    file.write_all_at(b"not in the source", 40 << 20).expect("data");
    file.set_permissions(Permissions::from_mode(0o600)).expect("a mode");
}

/// How the names of parts begin.
const PART: &str = ".safecp-partial-";

/// The name of a target's part, as docs/design/partial.md has it: a digest of this machine's ID and of the target's name.
fn part_of(target: &str) -> String {
    let machine = fs::read("/etc/machine-id").unwrap_or_default();
    let length = u64::try_from(machine.len()).expect("a length").to_le_bytes();
    let digest = blake3::hash(&[&length[..], &machine, target.as_bytes()].concat()).to_hex();
    format!("{PART}{}", &digest[..32])
}

/// Whether a path is what --partial has kept.
pub(crate) fn is_part(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(PART))
}

fn tree(path: &Path) {
    fs::create_dir_all(path.join("sub/empty")).expect("mkdir");
    dense(&path.join("dense"), 140_000, 4);
    dense(&path.join("sub/file"), 5000, 5);
    dense(&path.join("first"), 3000, 6);
    fs::hard_link(path.join("first"), path.join("second")).expect("link");
    sparse(&path.join("sparse"));
    symlink("nowhere", path.join("link")).expect("symlink");
    set_time(&path.join("link"), SOURCE_TIME);
    dress(&path.join("sub/empty"), 0o700, SOURCE_TIME);
    dress(&path.join("sub"), 0o750, SOURCE_TIME);
    dress(path, 0o755, SOURCE_TIME);
}

/// A tree with a file of two chunks.
fn backup(path: &Path) {
    tree(path);
    dense(&path.join("chunks"), 1_300_000, 8);
    set_time(path, SOURCE_TIME);
}

/// Other bytes under the same times, in one chunk, in a file, in one of two names; and names that are gone.
fn damage(path: &Path) {
    for (name, offset) in [("chunks", 1_200_000), ("dense", 5), ("first", 0)] {
        let file = File::options().write(true).open(path.join(name)).expect("a file to damage");
        file.write_all_at(b"rot", offset).expect("rot");
        set_time(&path.join(name), SOURCE_TIME);
    }
    fs::remove_file(path.join("link")).and_then(|()| fs::remove_dir_all(path.join("sub"))).expect("unlink");
    set_time(path, SOURCE_TIME);
}

/// A list as it has to be: new, for everyone to read.
fn new_list(content: Vec<u8>) -> Seen {
    let owner = (rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw());
    Seen {
        kind: Kind::File,
        mode: 0o644,
        owner,
        accessed: (0, 0),
        modified: (0, 0),
        changed: (0, 0),
        device: 0,
        inode: 0,
        names: 0,
        first_name: PathBuf::new(),
        allocated: 0,
        content,
        xattrs: BTreeMap::new(),
    }
}

fn old(path: &Path) {
    fs::write(path, bytes(70_000, 7)).expect("an old target");
    dress(path, 0o604, OLD_TIME);
}

/// Mode, an attribute where the filesystem keeps them, times.
fn dress(path: &Path, mode: u32, seconds: i64) {
    fs::set_permissions(path, Permissions::from_mode(mode)).expect("chmod");
    let value = format!("of {seconds}");
    let set = rustix::fs::setxattr(path, "user.test", value.as_bytes(), XattrFlags::empty());
    assert!(matches!(set, Ok(()) | Err(rustix::io::Errno::OPNOTSUPP)), "{set:?}");
    set_time(path, seconds);
    debug_assert_eq!(fs::metadata(path).expect("stat").mtime(), seconds);
}

/// Sets the times, of a link itself.
fn set_time(path: &Path, seconds: i64) {
    let time = Timespec { tv_sec: seconds, tv_nsec: 123_000_000 };
    let times = Timestamps { last_access: time, last_modification: time };
    rustix::fs::utimensat(CWD, path, &times, AtFlags::SYMLINK_NOFOLLOW).expect("utimensat");
}
