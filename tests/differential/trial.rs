//! A trial: one case made twice, run by both programs, looked at, and compared.

use super::build::build;
use super::case::Case;
use super::compare::{Difference, Outcome, WORLD, differences};
use super::known::{Evidence, reason};
use super::programs::{PLACE, Program};
use super::tree::{Company, Kind, Tree, look};
use super::twisted::Twist;
use std::ffi::OsStr;
use std::fs::{self, Permissions};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{SystemTime, UNIX_EPOCH};

/// The programs, and a place to run cases in.
pub(crate) struct Bench {
    root: tempfile::TempDir,
    pub(crate) reference: Program,
    pub(crate) ours: Program,
    /// What is done to our world, for tests of the comparison.
    pub(crate) twist: Option<Twist>,
}

/// What a case showed.
pub(crate) struct Verdict {
    pub(crate) reference: Outcome,
    pub(crate) ours: Outcome,
    pub(crate) unexplained: Vec<Difference>,
    /// Differences that are meant, each with the number of its reason.
    pub(crate) explained: Vec<(usize, Difference)>,
}

impl Bench {
    pub(crate) fn new(reference: &Path, ours: &Path) -> Self {
        rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o022));
        let root = tempfile::Builder::new().prefix("differential-").tempdir_in(place()).expect("a temporary directory");
        fs::set_permissions(root.path(), Permissions::from_mode(0o755)).expect("chmod");
        let reference = Program::install(reference, &root.path().join("reference"));
        let ours = Program::install(ours, &root.path().join("ours"));
        Self { root, reference, ours, twist: None }
    }

    /// A directory for one worker.
    pub(crate) fn desk(&self, number: usize) -> PathBuf {
        let desk = self.root.path().join(format!("desk-{number}"));
        fs::create_dir_all(&desk).expect("mkdir");
        desk
    }

    /// Runs a case at this desk.
    pub(crate) fn judge(&self, case: &Case, desk: &Path) -> Verdict {
        let reference = outcome(&self.reference, case, &desk.join("gnu"), desk, None);
        let ours = outcome(&self.ours, case, &desk.join("our"), desk, self.twist);
        let (mut unexplained, mut explained) = (Vec::new(), Vec::new());
        for difference in differences(case, &reference, &ours) {
            let evidence = Evidence { case, reference: &reference, ours: &ours, difference: &difference };
            match reason(&evidence) {
                Some(number) => explained.push((number, difference)),
                None => unexplained.push(difference),
            }
        }
        Verdict { reference, ours, unexplained, explained }
    }
}

/// Where worlds are made. GNU's cp takes a directory's entries in the order of inode numbers, which on tmpfs is the order
/// in which they were made and the same in both worlds, and elsewhere is not.
fn place() -> PathBuf {
    let shared = Path::new("/dev/shm");
    let named = std::env::var_os("SAFECP_DIFF_DIRECTORY").map(PathBuf::from);
    named.unwrap_or_else(|| if shared.is_dir() { shared.to_owned() } else { std::env::temp_dir() })
}

fn outcome(program: &Program, case: &Case, root: &Path, desk: &Path, twist: Option<Twist>) -> Outcome {
    let world = root.join(WORLD);
    fs::create_dir_all(&world).expect("mkdir of a world");
    build(case, &world);
    let inodes = case.entries.iter().map(|entry| (entry.path.clone(), inode(&world.join(&entry.path)))).collect();
    let started = now();
    let mut ended = program.run(case, &world, desk);
    if let Some(twist) = twist {
        twist(case, &world, &mut ended);
    }
    let during = (started - 1, now() + 1);
    let tree = look_at(root);
    remove(root);
    Outcome { ended, tree, inodes, during }
}

fn inode(path: &Path) -> u64 {
    fs::symlink_metadata(path).expect("what was made is there").ino()
}

fn now() -> i64 {
    let elapsed = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock after 1970");
    i64::try_from(elapsed.as_secs()).expect("a clock of this age")
}

/// Everything below a directory. Links that lead to the world by its full path lead to the same place for both programs.
fn look_at(root: &Path) -> Tree {
    let mut tree = look(root, Company::Alone);
    let world = root.join(WORLD);
    for link in tree.values_mut().filter(|seen| seen.kind == Kind::Link) {
        if let Ok(rest) = Path::new(OsStr::from_bytes(&link.content)).strip_prefix(&world) {
            link.content = Path::new(PLACE).join(rest).into_os_string().into_vec();
        }
    }
    tree
}

/// A copied tree may be deeper than std can follow, or closed to this user.
fn remove(root: &Path) {
    if fs::remove_dir_all(root).is_ok() {
        return;
    }
    for (program, options) in [("chmod", ["-R", "u+rwX"]), ("rm", ["-rf", "--one-file-system"])] {
        let status = Command::new(program).args(options).arg("--").arg(root).stderr(Stdio::null()).status();
        assert!(status.is_ok(), "{program} of a world that goes: {status:?}");
    }
}
