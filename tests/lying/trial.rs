//! One case, run: a directory in the store, a program over it, and what came of it.

use super::case::{Case, Ground};
use super::mount::Mounts;
use super::oracle::{Seen, Verdict, judge};
use super::store::{Caching, Directory, File, Kind, Manner, ROOT, Store};
use super::watch::Watch;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// How the program ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) status: Option<i32>,
    pub(crate) signal: Option<i32>,
    /// It was still running when nobody would wait any longer, and was killed.
    pub(crate) hung: bool,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// What cases are run with.
pub(crate) struct Bench<'a> {
    pub(crate) mounts: &'a Mounts,
    pub(crate) watch: &'a Watch,
    pub(crate) program: &'a Path,
    pub(crate) is_gnu: bool,
}

impl Bench<'_> {
    /// Runs a case and says what is to be thought of it.
    pub(crate) fn judge(&self, case: &Case, extra: &[&str]) -> (Ended, Verdict) {
        let name = format!("{:016x}", case.seed);
        let mut store = self.mounts.store();
        let source = self.furnish(&mut store, &name, "source", &case.source, Some(&case.bytes));
        let target = self.furnish(&mut store, &name, "target", &case.target, case.old.as_deref());
        drop(store);
        let mut command = Command::new(self.program);
        command.args(&case.options).args(extra).arg(source.join("source")).arg(target.join("target"));
        let ended = self.run(command);
        let is_plain = case.target.manner().is_none();
        let plain_target = is_plain.then(|| fs::read(target.join("target")).ok()).flatten();
        let leftovers = self.leftovers(&case.target, &target);
        let mut store = self.mounts.store();
        let seen = Seen::gather(&mut store, case, &name, plain_target, leftovers);
        let verdict = judge(case, &ended, &seen, self.is_gnu);
        self.clear(&mut store, &name);
        drop(store);
        for (ground, directory) in [(&case.source, source), (&case.target, target)] {
            if ground.manner().is_none() {
                fs::remove_dir_all(directory).expect("removal of a plain directory");
            }
        }
        (ended, verdict)
    }

    /// Makes the directory of one side, with its file, and returns its path.
    fn furnish(&self, store: &mut Store, case: &str, side: &str, ground: &Ground, bytes: Option<&[u8]>) -> PathBuf {
        let directory = format!("{case}-{side}");
        let Some(manner) = ground.manner() else {
            let path = self.mounts.plain.join(directory);
            fs::create_dir(&path).expect("a plain directory");
            if let Some(bytes) = bytes {
                fs::write(path.join(side), bytes).expect("a plain file");
            }
            return path;
        };
        let kind = Kind::Directory(Directory { new: Some(manner.clone()), ..Directory::default() });
        let number = store.make(ROOT, OsStr::new(&directory), kind, 0o755);
        if let Some(bytes) = bytes {
            let mut file = File::new(bytes.to_vec(), manner);
            if side == "source" {
                file.before = earlier(bytes);
            }
            store.make(number, OsStr::new(side), Kind::File(Box::new(file)), 0o644);
        }
        self.mount_of(manner).join(directory)
    }

    fn mount_of(&self, manner: &Manner) -> &Path {
        match manner.caching {
            Caching::Direct | Caching::Through => &self.mounts.through,
            Caching::Back => &self.mounts.back,
        }
    }

    fn run(&self, mut command: Command) -> Ended {
        command
            .env("LC_ALL", "C")
            .env_remove("RUST_BACKTRACE")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let child = command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let watched = self.watch.over(&child);
        let output = child.wait_with_output().expect("its end");
        let hung = self.watch.done(watched);
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
        Ended { status: output.status.code(), signal: output.status.signal(), hung, stdout, stderr }
    }

    /// Names beside the target on a plain filesystem.
    fn leftovers(&self, ground: &Ground, directory: &Path) -> Vec<String> {
        if ground.manner().is_some() {
            return Vec::new();
        }
        let names = fs::read_dir(directory).expect("a plain directory");
        let names = names.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned());
        names.filter(|name| name != "target").collect()
    }

    fn clear(&self, store: &mut Store, case: &str) {
        for side in ["source", "target"] {
            let name = format!("{case}-{side}");
            let root = store.directory(ROOT).expect("the root");
            let Some(number) = root.names.remove(OsStr::new(&name)) else { continue };
            root.made.retain(|made| *made != number);
            let made = store.directory(number).map(|directory| directory.made.clone()).unwrap_or_default();
            store.forget(made.into_iter().chain([number]));
        }
    }
}

/// What a source held before it was as it is: bytes that it must not be taken for.
fn earlier(bytes: &[u8]) -> Vec<u8> {
    bytes.iter().map(|byte| byte.wrapping_add(1)).collect()
}
