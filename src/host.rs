//! The process's surroundings: machine, user, limits and terminal, asked once before the run.

use crate::error::{Error, reason_of};
use crate::kernel::process::{self, started_without};
use crate::known::attributes::Rules;
use crate::known::filesystems::only_honest_ones_tell_extents;
use crate::known::zfs::{Module, Version};
use crate::quote::quoted;
use rustix::fs::{Access, FileType, Mode, access};
use rustix::io::Errno;
use rustix::process::{Resource, Rlimit, setrlimit};
use std::ffi::{OsStr, OsString};
use std::io::{IsTerminal, Write};
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// Where the kernel shows the loaded ZFS module.
pub const ZFS_MODULE: &str = "/sys/module/zfs";

/// Where libattr is told which extended attributes are not copied.
pub const ATTRIBUTE_RULES: &str = "/etc/xattr.conf";

/// Where the kernel shows that it keeps security contexts, and in which attribute: SELinux and SMACK.
const CONTEXTS: [(&str, &str); 2] =
    [("/sys/fs/selinux/enforce", "security.selinux"), ("/sys/fs/smackfs/load2", "security.SMACK64")];

/// What is known of the machine, read once.
#[derive(Clone, Debug, Default)]
pub struct Host {
    /// Major and minor release of the kernel; (0, 0) if it cannot be read.
    pub kernel: (u32, u32),
    /// The loaded ZFS module.
    pub zfs: Option<Module>,
    /// What its administrator has said of extended attributes.
    pub attributes: Rules,
    /// Whether a file that tells its extents through an overlay is known to lie on an honest filesystem.
    pub extents_are_honest: bool,
}

/// What a command line is read in: asked of the process once, by the caller.
#[derive(Clone, Debug)]
pub struct Environment {
    /// What it is, by the name that it is called.
    pub called_as: CalledAs,
    /// The name in the program's messages: that of the program whose place it takes, so that nothing that reads
    /// them notices; else its own.
    pub program: &'static str,
    /// The same as it was typed, with the path: GNU's programs have it in prompts and where it points to
    /// --help.
    pub called: String,
    /// POSIXLY_CORRECT is set: options end at the first operand.
    pub posixly_correct: bool,
    /// VERSION_CONTROL.
    pub version_control: Option<OsString>,
    /// SIMPLE_BACKUP_SUFFIX.
    pub backup_suffix: Option<OsString>,
    /// The locale's characters are UTF-8, so that some of GNU's messages have typographic quotes.
    pub is_utf8: bool,
    /// The extended attribute in which the kernel keeps security contexts, if it does.
    pub context_attribute: Option<&'static str>,
}

/// What the program is by the name that it is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CalledAs {
    /// What it is.
    Safecp,
    /// GNU's cp: it is that, and has no modes.
    Cp,
    /// GNU's install, likewise.
    Install,
    /// GNU's mv, likewise.
    Mv,
    /// OpenSSH's scp, likewise.
    Scp,
    /// Another program, which it is not.
    Another,
}

impl CalledAs {
    /// What it is under such a name, with a path or without one, and how it names itself in messages: as the program does
    /// whose name it has.
    #[must_use]
    pub fn of(name: &OsStr) -> (Self, &'static str) {
        let last = Path::new(name).file_name().unwrap_or_default();
        match STAND_INS.into_iter().find(|(_, known)| last == *known) {
            Some((called_as, known)) => (called_as, known),
            None if last.is_empty() || last.as_bytes().starts_with(SAFECP.as_bytes()) => (Self::Safecp, SAFECP),
            None if name.as_bytes().starts_with(OPEN_FILES) => (Self::Safecp, SAFECP),
            None => (Self::Another, SAFECP),
        }
    }
}

/// Its own name, and what the names of its releases begin with.
const SAFECP: &str = "safecp";

/// What a program is called that has no name, since an open file is executed: so is one that was sent to another machine.
const OPEN_FILES: &[u8] = b"/proc/self/fd/";

/// The names of programs that it takes the place of. Where a system has another install, GNU's is called ginstall.
const STAND_INS: [(CalledAs, &str); 5] = [
    (CalledAs::Cp, "cp"),
    (CalledAs::Mv, "mv"),
    (CalledAs::Scp, "scp"),
    (CalledAs::Install, "install"),
    (CalledAs::Install, "ginstall"),
];

/// Asks the process for what the command line is read in.
#[must_use]
pub fn environment() -> Environment {
    let (called_as, program, called) = names(std::env::args_os().next().as_deref());
    Environment {
        called_as,
        program,
        called,
        posixly_correct: std::env::var_os("POSIXLY_CORRECT").is_some(),
        version_control: std::env::var_os("VERSION_CONTROL"),
        backup_suffix: std::env::var_os("SIMPLE_BACKUP_SUFFIX"),
        is_utf8: is_utf8(["LC_ALL", "LC_CTYPE", "LANG"].map(std::env::var_os).into_iter().flatten()),
        context_attribute: CONTEXTS.iter().find(|(sign, _)| may_exist(Path::new(sign))).map(|(_, name)| *name),
    }
}

/// Whether a name is there, or may be: only ENOENT and ENOTDIR say that it is not.
fn may_exist(path: &Path) -> bool {
    !matches!(rustix::fs::stat(path), Err(Errno::NOENT | Errno::NOTDIR))
}

/// Whether the first of the variables that says something names UTF-8.
fn is_utf8(mut variables: impl Iterator<Item = OsString>) -> bool {
    let decides = variables.find(|value| !value.is_empty());
    let name = decides.unwrap_or_default().to_string_lossy().to_ascii_lowercase().replace('-', "");
    name.contains("utf8")
}

/// What the program is, and what it calls itself, in short and in full.
fn names(called: Option<&OsStr>) -> (CalledAs, &'static str, String) {
    let (called_as, program) = CalledAs::of(called.unwrap_or_default());
    match called.filter(|_| called_as != CalledAs::Safecp) {
        Some(called) => (called_as, program, called.to_string_lossy().into_owned()),
        None => (called_as, program, SAFECP.to_owned()),
    }
}

/// The running kernel's release and the loaded ZFS module. What cannot be read is unknown, which the
/// policy takes for the worst.
#[must_use]
pub fn this_host() -> Host {
    let kernel = process::release().map_or((0, 0), |release| parse_release(&release));
    let zfs = zfs_module(Path::new(ZFS_MODULE));
    let filesystems = std::fs::read_to_string(FILESYSTEMS).unwrap_or_default();
    let extents_are_honest = zfs.is_none() && only_honest_ones_tell_extents(&filesystems, kernel);
    Host { kernel, zfs, attributes: Rules::default(), extents_are_honest }
}

/// What the administrator has said of extended attributes, and what there is to say if that cannot be used: then
/// holds what holds where nothing was said.
#[must_use]
pub fn attribute_rules(path: &Path) -> (Rules, Option<String>) {
    let unused = |why: &str| (Rules::default(), Some(format!("{} is not used: {why}", quoted(path))));
    match std::fs::read(path) {
        Ok(text) => Rules::parse(&text).map_or_else(|| unused("Invalid argument"), |rules| (rules, None)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => (Rules::default(), None),
        Err(error) => unused(&reason_of(&error)),
    }
}

/// Major and minor of "6.18.44-amd64"; (0, 0) if it does not read so.
#[must_use]
pub fn parse_release(release: &str) -> (u32, u32) {
    let mut numbers = release.split(|c: char| !c.is_ascii_digit()).map(|number| number.parse().ok());
    match (numbers.next().flatten(), numbers.next().flatten()) {
        (Some(major), Some(minor)) => (major, minor),
        _ => (0, 0),
    }
}

/// _POSIX_OPEN_MAX of limits.h.
const POSIX_OPEN_MAX: u64 = 20;

/// Where the kernel lists the filesystems that it has.
const FILESYSTEMS: &str = "/proc/filesystems";

/// The ZFS module that shows itself in this directory; `None` only where the kernel says that there is none. What
/// cannot be told, as without /sys and /proc, is a module of which nothing is known: the policy takes it for the worst.
#[must_use]
pub fn zfs_module(module: &Path) -> Option<Module> {
    match rustix::fs::stat(module) {
        Ok(_) => {
            let read = |name: &str| std::fs::read_to_string(module.join(name)).ok();
            Some(Module {
                version: read("version").and_then(|text| Version::parse(&text)),
                offset_next_sync: read("parameters/zfs_dmu_offset_next_sync").and_then(|text| text.trim().parse().ok()),
            })
        }
        Err(Errno::NOENT) if module.parent().is_some_and(shows_modules) => None,
        Err(_) => {
            if has_no_zfs(Path::new(FILESYSTEMS)) {
                None
            } else {
                Some(Module::default())
            }
        }
    }
}

/// Whether a directory is the kernel's own, so that a module that has no name there is not loaded.
fn shows_modules(directory: &Path) -> bool {
    rustix::fs::statfs(directory).is_ok_and(|found| found.f_type as u32 == SYSFS)
}

const SYSFS: u32 = 0x6265_6572;

/// Whether the kernel's list is there and has no ZFS. Every such list has /proc itself.
fn has_no_zfs(list: &Path) -> bool {
    let has = |text: &str, name| text.lines().any(|line| line.split_whitespace().next_back() == Some(name));
    std::fs::read_to_string(list).is_ok_and(|text| has(&text, "proc") && !has(&text, "zfs"))
}

/// A program as a shell would find it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    /// Where it is.
    pub file: PathBuf,
    /// Whether nobody but root and this user can put another in its place, so that it may be run unasked.
    pub is_safe: bool,
}

/// The first of that name in these directories that may be executed, which is the one that a shell would run.
#[must_use]
pub fn program(directories: &[PathBuf], name: &str) -> Option<Program> {
    let may_run = |file: &PathBuf| file.is_file() && access(file, Access::EXEC_OK).is_ok();
    let file = directories.iter().map(|directory| directory.join(name)).find(may_run)?;
    Some(Program { is_safe: is_safe(&file), file })
}

/// Whether nobody else can change what is found by this name, as typed and behind all links: it is absolute, it and every
/// directory on the way belong to root or this user, and nobody else may write them. What is not sticky counts on the
/// way only; what everybody may write is no place for a program.
fn is_safe(file: &Path) -> bool {
    let Ok(real) = file.canonicalize() else { return false };
    let is_kept = |path: &Path| path.ancestors().enumerate().all(|(above, path)| is_kept(path, above > 1));
    file.is_absolute() && is_kept(file) && is_kept(&real)
}

fn is_kept(path: &Path, may_be_sticky: bool) -> bool {
    // In a user namespace root's files may seem to be nobody's: whoever has the root directory is the machine's root.
    let owners =
        [Some(0), rustix::fs::stat("/").ok().map(|root| root.st_uid), Some(rustix::process::geteuid().as_raw())];
    let groups = [0, rustix::process::getegid().as_raw()];
    rustix::fs::lstat(path).is_ok_and(|found| {
        let mode = Mode::from_raw_mode(found.st_mode);
        let is_link = FileType::from_raw_mode(found.st_mode) == FileType::Symlink;
        let is_open = mode.contains(Mode::WOTH) || mode.contains(Mode::WGRP) && !groups.contains(&found.st_gid);
        owners.contains(&Some(found.st_uid)) && (is_link || !is_open || may_be_sticky && mode.contains(Mode::SVTX))
    })
}

/// The directories of PATH, in their order; where it is not set, those in which shells look for programs then.
#[must_use]
pub fn path() -> Vec<PathBuf> {
    std::env::split_paths(&std::env::var_os("PATH").unwrap_or_else(|| UNSET_PATH.into())).collect()
}

/// What bash and dash of Debian take for PATH if it is not set. execvp(3) has the last ones alone.
const UNSET_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// A variable of the environment, if it is set and text.
#[must_use]
pub fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// The directory that relative names begin in. Fails where that was removed.
pub fn working_directory() -> Result<PathBuf, Error> {
    let failed = |error| Error::Refused(format!("cannot get current directory: {}", reason_of(&error)));
    std::env::current_dir().map_err(failed)
}

/// The bits that new files do not get. From now on the kernel takes only those from them that are not the owner's:
/// these are needed to make a file, and taken in the end.
#[must_use]
pub fn umask() -> u32 {
    // The call that tells also sets; no other thread makes files yet.
    let umask = rustix::process::umask(Mode::empty());
    if umask.bits() > UMASK_MAX {
        return umask_by_proc();
    }
    rustix::process::umask(umask & !Mode::RWXU);
    umask.bits()
}

/// The highest mask. rustix takes umask(2) for a call that cannot fail: behind a filter that refuses it, what comes is the error's
/// number and not a mask.
const UMASK_MAX: u32 = 0o777;

/// What the kernel masks where it tells only in /proc (Linux 4.7), and nobody can change it. Where that is not to be had either,
/// nobody but the owner gets a right.
fn umask_by_proc() -> u32 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let told = status.lines().find_map(|line| line.strip_prefix("Umask:"));
    told.and_then(|mask| u32::from_str_radix(mask.trim(), 8).ok()).unwrap_or(0o077)
}

/// The effective user.
#[must_use]
pub fn user() -> u32 {
    rustix::process::geteuid().as_raw()
}

/// The effective group.
#[must_use]
pub fn group() -> u32 {
    rustix::process::getegid().as_raw()
}

/// Gives what is made all the bits that are asked for.
pub fn forget_umask() {
    rustix::process::umask(Mode::empty());
}

/// Raises the soft limit of open files to the hard one, and returns what it is then. Where the kernel does not tell, that is the
/// number that every system allows.
#[must_use]
pub fn allow_many_files() -> u64 {
    let Ok((soft, hard)) = process::files_limit() else { return POSIX_OPEN_MAX };
    let raised = Rlimit { current: Some(hard), maximum: Some(hard) };
    // If it cannot be raised, the run keeps to the one that it has.
    if setrlimit(Resource::Nofile, raised).is_ok() { hard } else { soft }
}

/// Standard output; what was closed from the beginning takes nothing and says so.
#[must_use]
pub fn output() -> Box<dyn Write + Send> {
    if started_without(libc::STDOUT_FILENO) { Box::new(Closed) } else { Box::new(std::io::stdout()) }
}

/// Standard error, likewise.
#[must_use]
pub fn messages() -> Box<dyn Write + Send> {
    if started_without(libc::STDERR_FILENO) { Box::new(Closed) } else { Box::new(std::io::stderr()) }
}

/// A file for more lines, its owner's alone.
pub fn more_lines(path: &Path) -> std::io::Result<Box<dyn Write + Send>> {
    let mut file = std::fs::File::options().append(true).create(true).mode(0o600).open(path)?;
    // What a run that was killed has left of its last line ends here.
    file.write_all(b"\n")?;
    Ok(Box::new(file))
}

/// The lines of a file.
pub fn read_lines(path: &Path) -> std::io::Result<impl std::io::BufRead> {
    Ok(std::io::BufReader::new(std::fs::File::open(path)?))
}

struct Closed;

impl Write for Closed {
    fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
        Err(rustix::io::Errno::BADF.into())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Whether nothing has a name.
#[must_use]
pub fn is_missing(path: &Path) -> bool {
    std::fs::symlink_metadata(path).is_err_and(|error| error.kind() == std::io::ErrorKind::NotFound)
}

/// Whether standard output is a terminal.
#[must_use]
pub fn says_on_terminal() -> bool {
    !started_without(libc::STDOUT_FILENO) && std::io::stdout().is_terminal()
}

/// How many columns standard output has, if it is a terminal.
#[must_use]
pub fn columns_of_output() -> Option<usize> {
    says_on_terminal().then(|| columns_of(std::io::stdout()))
}

/// How many columns standard error has, if it is a terminal.
#[must_use]
pub fn columns() -> Option<usize> {
    let is_there = !started_without(libc::STDERR_FILENO) && std::io::stderr().is_terminal();
    is_there.then(|| columns_of(std::io::stderr()))
}

fn columns_of(terminal: impl AsFd) -> usize {
    let size = rustix::termios::tcgetwinsize(terminal).map_or(0, |size| usize::from(size.ws_col));
    if size > 0 { size } else { COLUMNS }
}

/// What a terminal has that does not tell.
const COLUMNS: usize = 80;

/// Whether standard input is a terminal.
#[must_use]
pub fn is_answered_by_hand() -> bool {
    !started_without(libc::STDIN_FILENO) && std::io::stdin().is_terminal()
}

/// Puts a question on standard error, in the program's name as it was called; true if the answer on
/// standard input begins with y. The end of input is a no.
#[must_use]
pub fn ask(called: &str, question: &str) -> bool {
    let asked = write!(std::io::stderr().lock(), "{called}: {question}");
    let mut answer = String::new();
    asked.is_ok() && std::io::stdin().read_line(&mut answer).is_ok() && answer.starts_with(['y', 'Y'])
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::Permissions;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn releases_of_distributions_are_read() {
        assert_eq!(parse_release("6.18.44-fc"), (6, 18));
        assert_eq!(parse_release("5.4"), (5, 4));
        assert_eq!(parse_release("next"), (0, 0));
    }

    #[test]
    fn a_program_is_the_one_that_a_shell_would_run() {
        let dir = tempfile::tempdir().expect("a directory");
        let at = |name: &str| dir.path().join(name);
        let chmod = |name: &str, mode| std::fs::set_permissions(at(name), Permissions::from_mode(mode)).expect("chmod");
        for (name, mode) in [("none", 0o755), ("text", 0o755), ("one", 0o755), ("two", 0o755)] {
            std::fs::create_dir(at(name)).expect("a directory");
            chmod(name, mode);
        }
        for (name, mode) in [("text/cp", 0o644), ("one/cp", 0o755), ("two/cp", 0o755)] {
            std::fs::write(at(name), "").expect("a file");
            chmod(name, mode);
        }
        let path = ["none", "text", "one", "two"].map(at);
        let found = |is_safe| Some(Program { file: at("one/cp"), is_safe });
        assert_eq!(program(&path, "cp"), found(true));
        assert_eq!(program(&path, "ln"), None);
        for (name, open, closed) in
            [("one", 0o757, 0o755), ("one", 0o1777, 0o755), ("one/cp", 0o757, 0o755), (".", 0o777, 0o700)]
        {
            chmod(name, open);
            assert_eq!(program(&path, "cp"), found(false), "{name} {open:o}");
            chmod(name, closed);
        }
        chmod(".", 0o1777);
        assert_eq!(program(&path, "cp"), found(true), "as in /tmp: only its owner can rename a directory there");
        std::os::unix::fs::symlink(at("two/cp"), at("none/cp")).expect("a link");
        assert!(program(&path, "cp").is_some_and(|found| found.is_safe && found.file == at("none/cp")));
        chmod("two", 0o777);
        assert!(program(&path, "cp").is_some_and(|found| !found.is_safe), "where the link leads");
        assert!(!is_safe(Path::new("bin/cp")) && !is_safe(Path::new("cp")));
    }

    #[test]
    fn it_is_what_it_is_called() {
        let of = |called: &str| names(Some(OsStr::new(called)));
        assert_eq!(of("/opt/bin/cp"), (CalledAs::Cp, "cp", "/opt/bin/cp".to_owned()));
        let itself = (CalledAs::Safecp, "safecp", "safecp".to_owned());
        for called in ["target/release/safecp", "safecp-0.1", "", "/", "/proc/self/fd/9"] {
            assert_eq!(of(called), itself, "{called}");
        }
        assert_eq!(names(None), itself);
        for called in ["ln", "/usr/bin/rsync", "cp.orig", "cpio", "cp/ln"] {
            assert_eq!(of(called).0, CalledAs::Another, "{called}");
        }
    }

    #[test]
    fn the_first_variable_that_is_set_names_the_locale() {
        let utf8 = |variables: &[&str]| is_utf8(variables.iter().map(OsString::from));
        assert!(utf8(&["", "C.UTF-8"]) && utf8(&["de_DE.utf8", "C"]));
        assert!(!utf8(&["C", "C.UTF-8"]) && !utf8(&[]));
    }

    #[test]
    fn a_module_that_hides_its_version_is_there_and_unknown() {
        let dir = tempfile::tempdir().expect("a directory");
        std::fs::create_dir(dir.path().join("parameters")).expect("a directory");
        std::fs::write(dir.path().join("parameters/zfs_dmu_offset_next_sync"), "0\n").expect("a file");
        assert_eq!(zfs_module(dir.path()), Some(Module { version: None, offset_next_sync: Some(0) }));
        assert_eq!(zfs_module(&Path::new(ZFS_MODULE).with_file_name("missing")), None);
    }

    #[test]
    fn a_module_that_nobody_can_tell_of_is_none_only_where_the_kernel_says_so() {
        let dir = tempfile::tempdir().expect("a directory");
        let list = dir.path().join("filesystems");
        assert!(!has_no_zfs(&list), "there is no list");
        for (text, is_none) in [("nodev\tproc\n\text4\n", true), ("nodev\tproc\nnodev\tzfs\n", false), ("", false)] {
            std::fs::write(&list, text).expect("a list");
            assert_eq!(has_no_zfs(&list), is_none, "{text:?}");
        }
        assert!(shows_modules(Path::new("/sys/module")) && !shows_modules(dir.path()));
    }
}
