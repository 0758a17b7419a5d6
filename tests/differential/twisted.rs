//! Does the comparison see what it should? GNU's cp against itself, with something done to one of the two worlds.
//!
//! Done by this program, to entries of the recipe, in a world that was made for it: nothing that is run from outside
//! could do it in a wrong place.

use super::case::Case;
use super::compare::What;
use super::generate::generate;
use super::options::Options;
use super::programs::Ended;
use super::random::seed_of;
use super::trial::Bench;
use rustix::fs::XattrFlags;
use std::fs::{self, File, Metadata, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, lchown};
use std::path::{Path, PathBuf};

/// What is done to the world of a case, and to what is known of the run in it.
pub(crate) type Twist = fn(&Case, &Path, &mut Ended);

/// Each kind of difference, and how it is made.
const TWISTS: [(What, Twist); 14] = [
    (What::Status, |_, _, ended| ended.status = Some(3)),
    (What::Stdout, |_, _, ended| ended.stdout.push("more".to_owned())),
    (What::Stderr, |_, _, ended| ended.stderr.push("more".to_owned())),
    (What::Presence, |_, world, _| drop(File::create(world.join("extra")).expect("a further file"))),
    (What::Kind, |case, world, _| {
        each_file(case, world, |path, _| {
            fs::remove_file(path).expect("rm");
            fs::create_dir(path).expect("mkdir");
        });
    }),
    (What::Mode, |case, world, _| {
        each_file(case, world, |path, file| {
            fs::set_permissions(path, Permissions::from_mode(file.mode() ^ 0o001)).expect("chmod");
        });
    }),
    (What::Owner, |case, world, _| each_file(case, world, |path, _| lchown(path, Some(1), Some(1)).expect("chown"))),
    (What::Content, |case, world, _| each_file(case, world, |path, _| fs::write(path, "else").expect("write"))),
    (What::Modified, |case, world, _| each_file(case, world, |path, _| set_times(path, 5))),
    (What::Accessed, |case, world, _| each_file(case, world, |path, _| set_times(path, 6))),
    (What::Xattr, |case, world, _| {
        each_file(case, world, |path, _| {
            rustix::fs::lsetxattr(path, "user.extra", b"1", XattrFlags::empty()).expect("setxattr");
        });
    }),
    (What::HardLinks, |case, world, _| {
        each_file(case, world, |path, file| {
            if file.nlink() > 1 {
                write_anew(path)
            }
        })
    }),
    (What::Holes, |case, world, _| {
        each_file(case, world, |path, file| {
            if file.size() > 500_000 {
                write_anew(path)
            }
        })
    }),
    (What::Device, |case, world, _| {
        for path in paths(case, world, |found| found.rdev() != 0) {
            fs::remove_file(&path).expect("rm");
            let (kind, mode) = (rustix::fs::FileType::CharacterDevice, rustix::fs::Mode::from_raw_mode(0o644));
            rustix::fs::mknodat(rustix::fs::CWD, &path, kind, mode, rustix::fs::makedev(241, 1)).expect("mknod");
        }
    }),
];

/// Cases within which each must show.
const CASES: u64 = 120;

/// Every kind of difference is noticed.
pub(crate) fn every_twist_is_seen(reference: &Path) {
    for (what, twist) in TWISTS {
        if matches!(what, What::Owner | What::Device) && !rustix::process::geteuid().is_root() {
            continue;
        }
        let mut bench = Bench::new(reference, reference);
        bench.twist = Some(twist);
        let options = Options::of(&bench.reference, &bench.ours, &[]);
        let desk = bench.desk(0);
        let is_seen = (0..CASES).any(|number| {
            let verdict = bench.judge(&generate(seed_of(11, number), &options), &desk);
            verdict.unexplained.iter().any(|difference| difference.what == what)
        });
        assert!(is_seen, "{what:?} is not seen");
    }
}

/// Does this to every file of the recipe that is still one.
fn each_file(case: &Case, world: &Path, action: impl Fn(&Path, &Metadata)) {
    for path in paths(case, world, Metadata::is_file) {
        action(&path, &fs::symlink_metadata(&path).expect("stat"));
    }
}

/// The paths of the recipe whose entries are of this kind.
fn paths(case: &Case, world: &Path, is_meant: impl Fn(&Metadata) -> bool) -> Vec<PathBuf> {
    let paths = case.entries.iter().map(|entry| world.join(&entry.path));
    paths.filter(|path| fs::symlink_metadata(path).is_ok_and(|found| is_meant(&found))).collect()
}

/// The same content in a new file, without holes and further names.
fn write_anew(path: &Path) {
    let content = fs::read(path).expect("read");
    fs::remove_file(path).expect("rm");
    fs::write(path, content).expect("write");
}

fn set_times(path: &Path, seconds: i64) {
    let time = rustix::fs::Timespec { tv_sec: seconds, tv_nsec: 0 };
    let times = rustix::fs::Timestamps { last_access: time, last_modification: time };
    rustix::fs::utimensat(rustix::fs::CWD, path, &times, rustix::fs::AtFlags::SYMLINK_NOFOLLOW).expect("utimensat");
}
