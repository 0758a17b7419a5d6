//! The store, mounted twice where nobody else sees it: a mount namespace of the test's own.
//!
//! The test starts itself again under unshare(1). Whatever ends it, the kernel takes the mounts away with the last
//! process in there, and no process of it stays.

use super::filesystem::Liars;
use super::store::Store;
use fuser::{BackgroundSession, Config, MountOption};
use std::fs::{self, OpenOptions};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex, MutexGuard};

/// Set for the test that runs aside.
const ASIDE: &str = "SAFECP_LYING_ASIDE";

/// Where the test is.
pub(crate) enum Aside {
    /// In a namespace of its own: go on.
    Here,
    /// It ran there, and this is what it said and whether it passed.
    Ran(String, bool),
    /// It cannot be had; the reason.
    Impossible(String),
}

/// Runs the test of this name again, aside.
pub(crate) fn aside(test: &str) -> Aside {
    if std::env::var_os(ASIDE).is_some() {
        return Aside::Here;
    }
    if let Err(error) = OpenOptions::new().read(true).write(true).open("/dev/fuse") {
        return Aside::Impossible(format!("/dev/fuse: {error}"));
    }
    let tried = unshared(Path::new("true")).output();
    match tried {
        Ok(output) if output.status.success() => {}
        Ok(output) => return Aside::Impossible(String::from_utf8_lossy(&output.stderr).trim().to_owned()),
        Err(error) => return Aside::Impossible(format!("unshare: {error}")),
    }
    let itself = std::env::current_exe().expect("the test's own path");
    let mut again = unshared(&itself);
    again.args(["--exact", test, "--nocapture"]).env(ASIDE, "1");
    let output = again.output().expect("unshare");
    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    Aside::Ran(said.into_owned(), output.status.success())
}

/// The program, in namespaces of its own for mounts and processes.
fn unshared(program: &Path) -> Command {
    let mut command = Command::new("unshare");
    if !rustix::process::geteuid().is_root() {
        command.args(["--user", "--map-root-user"]);
    }
    command.args(["--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]).arg(program);
    command
}

/// The mounts, for as long as this lives.
pub(crate) struct Mounts {
    store: Arc<Mutex<Store>>,
    /// Where writes arrive at once.
    pub(crate) through: PathBuf,
    /// Where the kernel keeps them for a while.
    pub(crate) back: PathBuf,
    /// A directory on a filesystem that does not lie.
    pub(crate) plain: PathBuf,
    sessions: Vec<BackgroundSession>,
}

impl Mounts {
    /// Mounts an empty store below `directory`.
    pub(crate) fn new(directory: &Path) -> std::io::Result<Self> {
        let store = Arc::new(Mutex::new(Store::new()));
        let [through, back, plain] = ["through", "back", "plain"].map(|name| directory.join(name));
        let mut sessions = Vec::new();
        for (path, writes_back) in [(&through, false), (&back, true)] {
            fs::create_dir(path)?;
            let mut config = Config::default();
            config.mount_options = vec![MountOption::FSName("lying".to_owned())];
            sessions.push(fuser::spawn_mount(Liars { store: Arc::clone(&store), writes_back }, path, &config)?);
        }
        fs::create_dir(&plain)?;
        // Of its own, and small: a cp that believes a size of exabytes writes until something is full.
        let tmpfs = ["-t", "tmpfs", "-o", "size=64m", "none"];
        let mounted = Command::new("mount").args(tmpfs).arg(&plain).status()?;
        if !mounted.success() {
            return Err(std::io::Error::other("mount of a tmpfs"));
        }
        Ok(Self { store, through, back, plain, sessions })
    }

    pub(crate) fn store(&self) -> MutexGuard<'_, Store> {
        self.store.lock().expect("no answer panicked")
    }

    /// Takes the mounts away.
    pub(crate) fn end(self) -> std::io::Result<()> {
        if !Command::new("umount").arg(&self.plain).status()?.success() {
            return Err(std::io::Error::other("umount of a tmpfs"));
        }
        self.sessions.into_iter().try_for_each(BackgroundSession::umount_and_join)
    }
}
