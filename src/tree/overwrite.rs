//! Whether a target that exists may be replaced, in the order in which cp asks.
//!
//! Pure but for the question put to the user, which is a function handed in.

use crate::error::Error;
use crate::kernel::{Kind, Stat, Timestamp};
use crate::options::{Options, Overwrite, Removal, Update};
use crate::quote::quoted;
use std::path::Path;

/// What becomes of an existing target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// It is replaced.
    Replace,
    /// It stays, and that is right.
    Skip,
    /// It stays, for it is not older than the source.
    Newer,
    /// It stays because the user said so: the exit status tells.
    Decline,
}

/// Asks the user; the answer is whether it was yes.
pub type Ask<'a> = &'a (dyn Fn(&str) -> bool + Sync);

/// Decides for a source that is no directory. `is_writable` tells of the target, if it comes to that.
pub fn decide(
    source: &Stat,
    target: &Stat,
    shown: &Path,
    options: &Options,
    is_writable: impl FnOnce() -> bool,
    ask: Ask<'_>,
) -> Result<Decision, Error> {
    if options.overwrite == Overwrite::Never {
        return Ok(Decision::Skip);
    }
    match options.update {
        Update::All => {}
        Update::Nothing => return Ok(Decision::Skip),
        Update::NothingFail => return Err(Error::Refused(format!("not replacing {}", quoted(shown)))),
        Update::Older if is_newer(source, target, options) => return Ok(Decision::Newer),
        Update::Older => {}
    }
    let is_asked = options.overwrite == Overwrite::Ask;
    if is_asked && !ask(&question(target, shown, options, is_writable())) {
        return Ok(Decision::Decline);
    }
    Ok(Decision::Replace)
}

/// Whether -u leaves a target alone for its time.
pub(crate) fn is_newer(source: &Stat, target: &Stat, options: &Options) -> bool {
    options.update == Update::Older && target.mtime >= as_kept(source, target, options)
}

/// The source's time, cut to what the target's filesystem seems to keep of one: a copy that preserved
/// times is not older than its source for having lost the rest.
fn as_kept(source: &Stat, target: &Stat, options: &Options) -> Timestamp {
    const SECOND: u32 = 1_000_000_000;
    if !options.preserve.timestamps.wanted() {
        return source.mtime;
    }
    let times = [target.atime, target.mtime, target.ctime];
    let is_kept_to = |step: &u32| times.iter().all(|time| time.nanos % step == 0);
    let step = [SECOND, SECOND / 1000, 1000, 100].into_iter().find(is_kept_to).unwrap_or(1);
    Timestamp { nanos: source.mtime.nanos / step * step, ..source.mtime }
}

/// GNU's question about a target that is in the way.
pub(crate) fn question(target: &Stat, shown: &Path, options: &Options, is_writable: bool) -> String {
    let name = quoted(shown);
    if is_writable || options.privileged || target.kind == Kind::Symlink {
        return format!("overwrite {name}? ");
    }
    let (mode, letters) = (target.mode, letters(target.mode));
    match options.removal {
        Removal::Never => format!("unwritable {name} (mode {mode:04o}, {letters}); try anyway? "),
        Removal::WhenUnwritable | Removal::Always => {
            format!("replace {name}, overriding mode {mode:04o} ({letters})? ")
        }
    }
}

/// Permission bits as ls writes them: "rwsr-x--t".
fn letters(mode: u32) -> String {
    let mut letters = String::with_capacity(9);
    for (shift, special, executable, plain) in [(6, 0o4000, 's', 'S'), (3, 0o2000, 's', 'S'), (0, 0o1000, 't', 'T')] {
        let bits = mode >> shift;
        letters.push(if bits & 4 == 0 { '-' } else { 'r' });
        letters.push(if bits & 2 == 0 { '-' } else { 'w' });
        letters.push(match (mode & special != 0, bits & 1 != 0) {
            (true, true) => executable,
            (true, false) => plain,
            (false, true) => 'x',
            (false, false) => '-',
        });
    }
    letters
}

/// The refusal to copy a file onto itself.
#[must_use]
pub fn same_file(source_shown: &Path, target_shown: &Path) -> Error {
    Error::Refused(format!("{} and {} are the same file", quoted(source_shown), quoted(target_shown)))
}

/// The refusal where one of both is a directory and the other is not.
pub fn check_kinds(source: &Stat, target: &Stat, source_shown: &Path, target_shown: &Path) -> Result<(), Error> {
    let refusal = |old: &str, new: &str| {
        let (source, target) = (quoted(source_shown), quoted(target_shown));
        Err(Error::Refused(format!("cannot overwrite {old} {target} with {new} {source}")))
    };
    match (source.kind == Kind::Directory, target.kind == Kind::Directory) {
        (true, false) => refusal("non-directory", "directory"),
        (false, true) => refusal("directory", "non-directory"),
        (true, true) | (false, false) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stat(seconds: i64, nanos: u32) -> Stat {
        let time = Timestamp { seconds, nanos };
        Stat {
            dev: 1,
            ino: 1,
            kind: Kind::File,
            mode: 0o644,
            nlink: 1,
            uid: 0,
            gid: 0,
            rdev: 0,
            size: 0,
            blocks: 0,
            atime: time,
            mtime: time,
            ctime: time,
        }
    }

    fn decision(options: &Options, source: &Stat, target: &Stat) -> Option<Decision> {
        decide(source, target, Path::new("t"), options, || true, &|_| false).ok()
    }

    #[test]
    fn older_means_older_to_the_nanosecond() {
        let options = Options { update: Update::Older, ..Options::plain() };
        assert_eq!(decision(&options, &stat(5, 1), &stat(5, 0)), Some(Decision::Replace));
        assert_eq!(decision(&options, &stat(5, 1), &stat(5, 1)), Some(Decision::Newer));
        assert_eq!(decision(&options, &stat(5, 0), &stat(5, 1)), Some(Decision::Newer));
    }

    #[test]
    fn what_a_filesystem_cut_off_a_preserved_time_makes_it_no_older() {
        let mut options = Options { update: Update::Older, ..Options::plain() };
        options.preserve.timestamps = crate::options::Keep::Must;
        assert_eq!(decision(&options, &stat(5, 999), &stat(5, 0)), Some(Decision::Newer));
        assert_eq!(decision(&options, &stat(6, 0), &stat(5, 0)), Some(Decision::Replace));
        assert_eq!(decision(&options, &stat(5, 999), &stat(5, 1)), Some(Decision::Replace));
    }

    #[test]
    fn what_may_not_be_written_is_asked_for_with_its_mode() {
        let target = Stat { mode: 0o4511, ..stat(1, 0) };
        let ask = |removal| question(&target, Path::new("t"), &Options { removal, ..Options::plain() }, false);
        assert_eq!(ask(Removal::Never), "unwritable 't' (mode 4511, r-s--x--x); try anyway? ");
        assert_eq!(ask(Removal::WhenUnwritable), "replace 't', overriding mode 4511 (r-s--x--x)? ");
        assert_eq!(letters(0o1640), "rw-r----T");
    }

    #[test]
    fn a_no_is_declined_and_none_fail_is_an_error() {
        let (old, new) = (stat(1, 0), stat(2, 0));
        let options = Options { overwrite: Overwrite::Ask, ..Options::plain() };
        assert_eq!(decision(&options, &new, &old), Some(Decision::Decline));
        let options = Options { update: Update::NothingFail, ..Options::plain() };
        assert_eq!(decision(&options, &new, &old), None);
        let options = Options { overwrite: Overwrite::Never, ..Options::plain() };
        assert_eq!(decision(&options, &new, &old), Some(Decision::Skip));
    }
}
