//! What the black-box tests stand on: a [`World`] to copy in, and what a run of safecp left behind in it.
//!
//! Whatever is expected of a copy is found out by other means than safecp: by std, by rustix, and by tools such as cmp,
//! filefrag and tests/compare. A test whose needs are not there says `left out: ...` on the real standard error, where
//! the test runner cannot hide it. SAFECP_TEST_BINARY names another program to test; it must call itself safecp.

#![allow(dead_code, unused_imports, reason = "each test program uses a part of this")]

pub(crate) mod asked;
mod filesystem;
mod output;
mod running;
mod strace;
pub(crate) mod tree;
pub(crate) mod xattrs;

#[allow(unused_imports, reason = "as above")]
pub(crate) use filesystem::{Filesystem, filesystems};
pub(crate) use output::Output;
pub(crate) use running::Running;

use rustix::fs::{AtFlags, CWD, FileType, Mode, Timespec, Timestamps};
use std::ffi::{OsStr, OsString};
use std::fs::{self, File, Metadata};
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// Longer than any test may take: what runs on is killed, and its test fails.
const DEADLINE: Duration = Duration::from_secs(120);

/// The user without rights that tests of refused access run as.
const NOBODY: &str = "65534";

/// A directory of its own for one test, and the program under test, which runs in it.
pub(crate) struct World {
    root: PathBuf,
    binary: PathBuf,
}

impl World {
    /// A world in the ordinary place for temporary files.
    pub(crate) fn new() -> Self {
        Self::within(&std::env::temp_dir())
    }

    /// A world on the filesystem of that name, unless the run of the tests has none.
    pub(crate) fn on(name: &str) -> Option<Self> {
        let found = filesystem::made().into_iter().find(|filesystem| filesystem.name == name);
        if found.is_none() {
            left_out(&format!("needs {name}, see SAFECP_TEST_FILESYSTEMS in tests/run"));
        }
        found.map(|filesystem| Self::within(&filesystem.path))
    }

    /// A world for 100,000 names: in memory, where tests/run has a filesystem for it. A disk that others use takes minutes to remove them.
    pub(crate) fn for_many_names() -> Self {
        let in_memory = filesystem::made().into_iter().find(|filesystem| filesystem.name == "tmpfs");
        in_memory.map_or_else(Self::new, |filesystem| Self::within(&filesystem.path))
    }

    /// A world for a test that needs root, unless the tests are run by someone else.
    pub(crate) fn as_root(what_for: &str) -> Option<Self> {
        if !is_root() {
            left_out(&format!("needs root: {what_for}"));
            return None;
        }
        Some(Self::new())
    }

    /// A world for a test that mounts filesystems, unless the tests are run by someone else than root,
    /// or where mounts of one's own cannot be had, as in a chroot whose root is no mount point.
    pub(crate) fn with_mounts(what_for: &str) -> Option<Self> {
        let world = Self::as_root(what_for)?;
        if world.shell_with_mounts("true").code() != Some(0) {
            left_out(&format!("needs mounts of its own: {what_for}"));
            return None;
        }
        Some(world)
    }

    /// A world in a new directory below `parent` that everyone may enter.
    pub(crate) fn within(parent: &Path) -> Self {
        rustix::process::umask(Mode::from_raw_mode(0o022));
        let root = tempfile::Builder::new().prefix("world-").tempdir_in(parent).expect("a temporary directory").keep();
        fs::set_permissions(&root, fs::Permissions::from_mode(0o755)).expect("chmod of the world");
        Self { root, binary: asked::program() }
    }

    // ---- running ----

    /// Runs safecp with these words, split at blanks.
    pub(crate) fn cp(&self, words: &str) -> Output {
        self.cp_args(words.split_whitespace())
    }

    /// Runs safecp with these arguments, for names that hold blanks or worse.
    pub(crate) fn cp_args<A: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = A>) -> Output {
        let mut command = self.command(&self.binary);
        command.args(args);
        self.run(command, b"")
    }

    /// Runs safecp with something to read on standard input.
    pub(crate) fn cp_answered(&self, words: &str, answers: &str) -> Output {
        let mut command = self.command(&self.binary);
        command.args(words.split_whitespace());
        self.run(command, answers.as_bytes())
    }

    /// Runs safecp as a user who owns everything in this world and has no other rights.
    pub(crate) fn cp_as_nobody(&self, words: &str) -> Output {
        let mut command = self.as_nobody(&self.binary_for_everyone());
        command.args(words.split_whitespace());
        self.run(command, b"")
    }

    /// Runs a shell script in which `$safecp` is the program under test.
    pub(crate) fn shell(&self, script: &str) -> Output {
        let mut command = self.command("bash");
        command.args(["-c", script]).env("safecp", asked::as_a_word(&self.binary));
        self.run(command, b"")
    }

    /// The same, as a user who owns everything in this world and has no other rights.
    pub(crate) fn shell_as_nobody(&self, script: &str) -> Output {
        let binary = self.binary_for_everyone();
        let mut command = self.as_nobody(Path::new("bash"));
        command.args(["-c", script]).env("safecp", asked::as_a_word(&binary));
        self.run(command, b"")
    }

    /// Runs a shell script with mounts of its own, which are gone when it ends. See `with_mounts`.
    pub(crate) fn shell_with_mounts(&self, script: &str) -> Output {
        let mut command = self.command("unshare");
        command
            .args(["--mount", "--propagation", "private", "bash", "-ec", script])
            .env("safecp", asked::as_a_word(&self.binary));
        self.run(command, b"")
    }

    /// Starts safecp and lets it run.
    pub(crate) fn start(&self, words: &str) -> Running {
        let mut command = self.interruptible(&self.binary);
        command.args(words.split_whitespace());
        Running::start(command)
    }

    fn run(&self, command: Command, input: &[u8]) -> Output {
        let output = Running::start_with_input(command, input).finish();
        assert_eq!(self.temporaries(), Vec::<PathBuf>::new(), "temporaries are left behind; {output}");
        output
    }

    fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command.current_dir(&self.root).env("LC_ALL", "C.UTF-8").env_remove("POSIXLY_CORRECT");
        command
    }

    /// A command that signals end, even where the tests run in the background of a script, whose shell has SIGINT ignored.
    fn interruptible(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = self.command("env");
        command.arg("--default-signal").arg(program);
        command
    }

    fn as_nobody(&self, program: &Path) -> Command {
        if !is_root() {
            return self.command(program);
        }
        self.tool("chown", ["-hR", &format!("{NOBODY}:{NOBODY}"), "."]);
        let mut command = self.command("setpriv");
        command.args(["--reuid", NOBODY, "--regid", NOBODY, "--clear-groups", "--"]).arg(program);
        command
    }

    /// The program where everyone can run it.
    fn binary_for_everyone(&self) -> PathBuf {
        if !is_root() || std::env::var_os("SAFECP_TEST_BINARY").is_some() {
            return self.binary.clone();
        }
        self.dir(".bin");
        open_to_all(&self.binary, &self.path(".bin"))
    }

    /// Runs another tool in this world, which must succeed, and gives its standard output.
    pub(crate) fn tool<A: AsRef<OsStr>>(&self, program: &str, args: impl IntoIterator<Item = A>) -> String {
        let output = self.command(program).args(args).stdin(Stdio::null()).output();
        let output = output.unwrap_or_else(|error| panic!("{program}: {error}"));
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{program}: {}: {said}", output.status);
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    // ---- making ----

    /// The path of a name in this world.
    pub(crate) fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.root.join(name)
    }

    /// Makes a file with this content.
    pub(crate) fn file(&self, name: impl AsRef<Path>, content: impl AsRef<[u8]>) -> &Self {
        fs::write(self.path(&name), content).unwrap_or_else(|error| panic!("{}: {error}", name.as_ref().display()));
        self
    }

    /// Makes a file of bytes that repeat nowhere and compress badly; the seed makes files differ.
    pub(crate) fn random(&self, name: &str, size: usize, seed: u64) -> &Self {
        self.file(name, random_bytes(size, seed))
    }

    /// Makes a file of this size that is all hole but for the pieces given.
    pub(crate) fn sparse(&self, name: &str, size: u64, pieces: &[(u64, &[u8])]) -> &Self {
        let file = File::create_new(self.path(name)).expect("create a sparse file");
        file.set_len(size).expect("set the size");
        for (offset, bytes) in pieces {
            file.write_all_at(bytes, *offset).expect("write a piece");
        }
        self
    }

    /// Makes a directory, with what is above it.
    pub(crate) fn dir(&self, name: &str) -> &Self {
        fs::create_dir_all(self.path(name)).expect("mkdir");
        self
    }

    /// Makes a symbolic link that says `text`.
    pub(crate) fn symlink(&self, text: &str, name: &str) -> &Self {
        std::os::unix::fs::symlink(text, self.path(name)).expect("symlink");
        self
    }

    /// Gives a file a second name.
    pub(crate) fn link(&self, old: &str, new: &str) -> &Self {
        fs::hard_link(self.path(old), self.path(new)).expect("link");
        self
    }

    /// Makes a fifo.
    pub(crate) fn fifo(&self, name: &str) -> &Self {
        self.node(name, FileType::Fifo, 0)
    }

    /// Makes a fifo, a socket or a device node.
    pub(crate) fn node(&self, name: &str, kind: FileType, device: u64) -> &Self {
        rustix::fs::mknodat(CWD, self.path(name), kind, Mode::from_raw_mode(0o644), device).expect("mknod");
        self
    }

    /// Sets permission bits.
    pub(crate) fn chmod(&self, name: &str, mode: u32) -> &Self {
        fs::set_permissions(self.path(name), fs::Permissions::from_mode(mode)).expect("chmod");
        self
    }

    /// Sets the times of last access and last change, of a link itself.
    pub(crate) fn times(&self, name: &str, accessed: (i64, i64), modified: (i64, i64)) -> &Self {
        let timespec = |(tv_sec, tv_nsec): (i64, i64)| Timespec { tv_sec, tv_nsec };
        let times = Timestamps { last_access: timespec(accessed), last_modification: timespec(modified) };
        rustix::fs::utimensat(CWD, self.path(name), &times, AtFlags::SYMLINK_NOFOLLOW).expect("utimensat");
        self
    }

    /// Gives a file other bytes and leaves its times, as a disk that forgets does.
    pub(crate) fn rot(&self, name: &str, offset: u64, bytes: &[u8]) {
        let stat = fs::metadata(self.path(name)).expect("stat");
        let file = fs::OpenOptions::new().write(true).open(self.path(name)).expect("open");
        file.write_all_at(bytes, offset).expect("write");
        file.set_modified(stat.modified().expect("a time")).expect("set the time");
    }

    /// Sets an extended attribute.
    pub(crate) fn set_xattr(&self, name: &str, attribute: &str, value: &[u8]) -> &Self {
        rustix::fs::lsetxattr(self.path(name), attribute, value, rustix::fs::XattrFlags::empty()).expect("setxattr");
        self
    }

    // ---- looking ----

    /// A file's content.
    pub(crate) fn read(&self, name: impl AsRef<Path>) -> String {
        let bytes = fs::read(self.path(&name)).unwrap_or_else(|error| panic!("{}: {error}", name.as_ref().display()));
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// What lstat says.
    pub(crate) fn stat(&self, name: &str) -> Metadata {
        fs::symlink_metadata(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    /// Permission bits, with setuid, setgid and sticky.
    pub(crate) fn mode(&self, name: &str) -> u32 {
        self.stat(name).mode() & 0o7777
    }

    /// Inode number.
    pub(crate) fn inode(&self, name: &str) -> u64 {
        self.stat(name).ino()
    }

    /// Bytes of storage.
    pub(crate) fn allocated(&self, name: &str) -> u64 {
        self.stat(name).blocks() * 512
    }

    /// What a symbolic link says.
    pub(crate) fn link_text(&self, name: &str) -> String {
        let text = fs::read_link(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
        text.to_string_lossy().into_owned()
    }

    /// Whether the name is taken, by a dangling link too.
    pub(crate) fn exists(&self, name: impl AsRef<Path>) -> bool {
        fs::symlink_metadata(self.path(name)).is_ok()
    }

    /// An extended attribute's value, where there is one.
    pub(crate) fn xattr(&self, name: &str, attribute: &str) -> Option<Vec<u8>> {
        let mut value = vec![0; 65536];
        match rustix::fs::lgetxattr(self.path(name), attribute, value.as_mut_slice()) {
            Ok(length) => Some(value[..length].to_vec()),
            Err(_) => None,
        }
    }

    /// The access control list as getfacl prints it, without names and default entries' order lost.
    pub(crate) fn acl(&self, name: &str) -> String {
        self.tool("getfacl", ["--omit-header", "--numeric", name])
    }

    /// Whether two files hold the same bytes, by cmp.
    pub(crate) fn same_bytes(&self, one: &str, other: &str) -> bool {
        let status = self.command("cmp").args(["--silent", "--", one, other]).status().expect("cmp");
        status.success()
    }

    /// Fails the test where tests/compare finds a difference between two trees.
    #[track_caller]
    pub(crate) fn assert_same_tree(&self, source: &str, target: &str) {
        let script = asked::project("tests/compare");
        let output = self.command("bash").arg(script).args([source, target]).output().expect("tests/compare");
        let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{source} and {target} differ:\n{said}");
    }

    /// The names in a directory, sorted.
    pub(crate) fn names(&self, directory: &str) -> Vec<OsString> {
        let entries = fs::read_dir(self.path(directory)).expect("readdir");
        let mut names: Vec<_> = entries.map(|entry| entry.expect("entry").file_name()).collect();
        names.sort();
        names
    }

    /// All names below this world that look like safecp's temporaries.
    pub(crate) fn temporaries(&self) -> Vec<PathBuf> {
        // find complains of what is not there any more; some tests move things about meanwhile.
        let found = self
            .command("find")
            .args([".", "-name", ".safecp-*", "!", "-name", ".safecp-shards*", "!", "-name", ".safecp-part-*"])
            .stderr(Stdio::null())
            .output()
            .expect("find");
        String::from_utf8_lossy(&found.stdout).lines().map(PathBuf::from).collect()
    }

    /// Makes one of every kind of entry that this user can make, below `name`, with odd names among them.
    pub(crate) fn every_kind(&self, name: &str) -> &Self {
        self.dir(&format!("{name}/dir/empty")).dir(&format!("{name}/closed"));
        let at = |entry: &str| format!("{name}/{entry}");
        self.file(at("empty"), "").file(at("short"), "short").random(&at("dir/long"), 3_000_001, 1);
        self.sparse(&at("sparse"), 4 << 20, &[(1 << 20, b"island"), ((4 << 20) - 1, b"!")]);
        self.file(at("script"), "#!/bin/sh\n").chmod(&at("script"), 0o4751);
        self.file(at("locked"), "locked").chmod(&at("locked"), 0o400);
        self.file(at("closed/in"), "in").chmod(&at("closed"), 0o555);
        self.link(&at("short"), &at("dir/second")).link(&at("short"), &at("third"));
        self.symlink("short", &at("link")).symlink("nowhere", &at("dangling")).symlink("dir", &at("dirlink"));
        self.symlink("/", &at("rootlink")).fifo(&at("fifo"));
        self.file(at("new\nline"), "1").file(at("-dash"), "2").file(at("blank at end "), "3").file(at("'quote\""), "4");
        self.file(Path::new(name).join(OsStr::from_bytes(b"invalid\xff\xfe")), "5")
            .file(at("x".repeat(255).as_str()), "6");
        if is_root() {
            self.node(&at("char"), FileType::CharacterDevice, rustix::fs::makedev(1, 3));
            self.node(&at("block"), FileType::BlockDevice, rustix::fs::makedev(7, 200));
            self.tool("chown", ["1234:5678", &at("script"), &at("dir")]);
            self.chmod(&at("script"), 0o4751).tool("chown", ["-h", "4321:8765", &at("link")]);
        }
        self.times(&at("short"), (1_000_000_000, 123_456_789), (999_999_999, 987_654_321));
        self.times(&at("link"), (1_100_000_000, 1), (1_100_000_001, 999_999_999));
        self.times(&at("dir"), (1_200_000_000, 5), (1_200_000_001, 7));
        self
    }
}

/// A copy of a program in a directory, where everyone can run it: the build may lie in a closed home directory.
pub(crate) fn open_to_all(program: &Path, directory: &Path) -> PathBuf {
    let copy = directory.join("safecp");
    if !copy.exists() {
        // By another process: a file that this one has open to write may be inherited by a test that starts a
        // program at this moment, and cannot be run meanwhile.
        let copied = Command::new("cp").arg(program).arg(&copy).status().expect("cp");
        assert!(copied.success(), "the program is not copied");
    }
    copy
}

/// Does one thing over and over beside another, until that is done or has failed its test.
pub(crate) fn meanwhile(again_and_again: impl Fn() + Sync, work: impl FnOnce()) {
    struct Done<'a>(&'a AtomicBool);
    impl Drop for Done<'_> {
        fn drop(&mut self) {
            self.0.store(true, Ordering::Relaxed);
        }
    }
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                again_and_again();
            }
        });
        let _done = Done(&done);
        work();
    });
}

impl Drop for World {
    fn drop(&mut self) {
        // rm and not std: std keeps a handle for each level, and some worlds are 2,000 levels deep.
        if !is_root() {
            let opened = Command::new("chmod").args(["-R", "u+rwX"]).arg(&self.root).stderr(Stdio::null()).status();
            assert!(opened.is_ok() || std::thread::panicking(), "chmod of a world that goes");
        }
        let gone = Command::new("rm").args(["-rf", "--one-file-system", "--"]).arg(&self.root).status();
        assert!(gone.is_ok() || std::thread::panicking(), "rm of a world that goes");
    }
}

/// Says that a test, or a part of it, did not happen. Goes around the runner's capture, so that it is always seen.
pub(crate) fn left_out(why: &str) {
    let test = std::thread::current().name().unwrap_or("a test").to_owned();
    writeln!(std::io::stderr(), "left out: {test}: {why}").expect("standard error");
}

/// Whether the tests run as root.
pub(crate) fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// Whether a tool is there; says so where it is not.
pub(crate) fn has_tool(name: &str) -> bool {
    let paths = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&paths).any(|directory| directory.join(name).exists());
    if !found {
        left_out(&format!("needs the tool {name}"));
    }
    found
}

/// Bytes without pattern, the same for the same seed (xorshift64*).
pub(crate) fn random_bytes(size: usize, seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut bytes = Vec::with_capacity(size + 8);
    while bytes.len() < size {
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        bytes.extend_from_slice(&state.wrapping_mul(0x2545_f491_4f6c_dd1d).to_le_bytes());
    }
    bytes.truncate(size);
    bytes
}
