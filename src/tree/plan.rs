//! What the operands mean: which directory the targets lie in, and what each is called there.
//!
//! cp's three cases: a file becomes a file, sources go into a directory, a directory becomes a new
//! one. The operands themselves may be and may lead through symbolic links: they are the user's.

use crate::copy::backup::{names_in, next_name};
use crate::error::{Action, Error};
use crate::kernel::{Errno, Kernel, Kind, Mode, OFlags, ResolveFlags, Stat};
use crate::options::{Backup, Options, Removal, TargetRule};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// Names as they were typed.
#[derive(Clone, Debug)]
pub struct Operands {
    /// What is copied; at least one.
    pub sources: Vec<PathBuf>,
    /// Where to.
    pub target: PathBuf,
    /// How `target` is read.
    pub rule: TargetRule,
    /// Sources that go into a directory lose their trailing slashes (--strip-trailing-slashes).
    pub strips: bool,
}

impl Operands {
    /// The same where one source becomes the target itself, whether that is there or not. Of several runs that make one target only
    /// the first would not find it.
    #[must_use]
    pub fn itself_if_one(self) -> Self {
        let is_one = self.rule == TargetRule::Last && self.sources.len() == 1;
        Self { rule: if is_one { TargetRule::Itself } else { self.rule }, ..self }
    }

    /// What `cp --force --backup f f` means: a copy of the file under the name that its backup would
    /// get. `None` if that is not what these operands ask for.
    pub fn onto_itself<K: Kernel>(&self, kernel: &K, options: &Options) -> Result<Option<(Options, Self)>, Error> {
        let is_asked = options.backup != Backup::No
            && options.removal == Removal::WhenUnwritable
            && self.rule != TargetRule::Directory
            && self.sources == [self.target.clone()];
        if !is_asked {
            return Ok(None);
        }
        match kernel.stat_at(None, &self.target, true) {
            Ok(found) if found.kind == Kind::File => {}
            // What cannot be looked at fails as the source of an ordinary copy.
            Ok(_) | Err(_) => return Ok(None),
        }
        let plan = Plan::itself(&self.target);
        let Operand { name, .. } = plan.operand(&self.target);
        let names = plan.open_base(kernel).and_then(|base| names_in(kernel, &base));
        let names = names.map_err(|errno| Error::call(Action::Backup, &self.target, errno))?;
        let target = self.target.with_file_name(next_name(&name, &names, options));
        Ok(Some((Options { backup: Backup::No, ..options.clone() }, Self { target, ..self.clone() })))
    }
}

/// The targets of all operands.
pub struct Plan {
    /// The directory they lie in.
    pub base: PathBuf,
    shown: TargetName,
    strips: bool,
    /// Why it is not known whether the target operand is a directory: nothing is copied then.
    pub unknown: Option<Error>,
}

enum TargetName {
    /// The sources go into the directory, under their own last component.
    Into(PathBuf),
    /// The one source gets this name.
    As { name: PathBuf, shown: PathBuf },
}

/// One operand and its target.
pub struct Operand {
    /// As typed.
    pub source: PathBuf,
    /// The target's last component.
    pub name: PathBuf,
    /// The target as the user would write it.
    pub target_shown: PathBuf,
    /// The user named the target itself, and not a directory that it lies in.
    pub is_named: bool,
    /// The directories of the source's path that are made above it, outermost first.
    pub parents: Vec<Parent>,
}

/// A directory of a source's path.
pub struct Parent {
    /// As typed, from the beginning.
    pub path: PathBuf,
    /// Its last component.
    pub name: PathBuf,
    /// What is made of it, as the user would write it.
    pub target_shown: PathBuf,
}

impl Plan {
    /// Looks at the target operand and decides. Fails where it has to be a directory and is none.
    pub fn new<K: Kernel>(kernel: &K, operands: &Operands) -> Result<Self, Error> {
        let target = &operands.target;
        let found = kernel.stat_at(None, target, true);
        let must_be = match operands.rule {
            TargetRule::Itself if found.is_ok_and(is_directory) && is_link_with_slash(kernel, None, target) => {
                return Ok(Self::contents(target));
            }
            TargetRule::Itself => return Ok(Self::itself(target)),
            TargetRule::Directory => Some(Action::TargetDirectoryOption),
            TargetRule::Last if operands.sources.len() > 1 => Some(Action::TargetDirectory),
            TargetRule::Last => None,
        };
        match (found, must_be) {
            (Ok(found), _) if is_directory(found) => {
                let (base, shown) = (target.clone(), TargetName::Into(target.clone()));
                Ok(Self { base, shown, strips: operands.strips, unknown: None })
            }
            (Ok(_), None) => Ok(Self::itself(target)),
            (Err(errno), None) if is_no_directory(errno) => Ok(Self::itself(target)),
            (Err(errno), None) => {
                let unknown = Some(Error::call(Action::StatTarget, target, errno));
                Ok(Self { unknown, ..Self::itself(target) })
            }
            (Ok(_), Some(action)) => Err(Error::call(action, target, Errno::NOTDIR)),
            (Err(errno), Some(action)) => Err(Error::call(action, target, errno)),
        }
    }

    fn itself(target: &Path) -> Self {
        match split(target) {
            // "/", "..", or a path that ends so.
            (_, b"" | b"..") => Self::contents(target),
            (above, name) => Self::named(above, Path::new(OsStr::from_bytes(name)), target),
        }
    }

    /// The target is a directory that is there, by whatever name.
    fn contents(target: &Path) -> Self {
        Self::named(target, Path::new("."), target)
    }

    fn named(base: &Path, name: &Path, target: &Path) -> Self {
        let shown = TargetName::As { name: name.to_owned(), shown: target.to_owned() };
        Self { base: base.to_owned(), shown, strips: false, unknown: None }
    }

    /// Opens the directory that the targets lie in.
    pub fn open_base<K: Kernel>(&self, kernel: &K) -> crate::kernel::Result<K::File> {
        kernel.open(None, &self.base, OFlags::PATH | OFlags::DIRECTORY, Mode::empty(), ResolveFlags::empty())
    }

    /// Whether the sources go into a directory, and do not become the target.
    #[must_use]
    pub fn is_into_directory(&self) -> bool {
        matches!(self.shown, TargetName::Into(_))
    }

    /// The target of one source.
    #[must_use]
    pub fn operand(&self, source: &Path) -> Operand {
        let source = if self.strips { without_trailing_slashes(source).to_owned() } else { source.to_owned() };
        match &self.shown {
            TargetName::As { name, shown } => {
                Operand { source, name: name.clone(), target_shown: shown.clone(), is_named: true, parents: Vec::new() }
            }
            TargetName::Into(directory) => {
                // The contents of "x/." and of ".." go into the directory itself.
                let name = match last_component(&source) {
                    name if name == Path::new("..") => PathBuf::from("."),
                    name => name,
                };
                let shown = joined(directory, &name);
                Operand { source, name, target_shown: shown, is_named: false, parents: Vec::new() }
            }
        }
    }

    /// The target of one source that keeps its path beneath the directory (--parents).
    #[must_use]
    pub fn operand_with_parents(&self, source: &Path) -> Operand {
        let mut operand = self.operand(source);
        let TargetName::Into(directory) = &self.shown else { return operand };
        let path = without_trailing_slashes(source);
        operand.target_shown = joined(directory, path);
        if path.ends_with("..") {
            operand.name = PathBuf::from("..");
        }
        operand.parents = parents(path)
            .map(|(path, name)| Parent { path: path.to_owned(), name, target_shown: joined(directory, path) })
            .collect();
        operand
    }
}

fn is_directory(found: Stat) -> bool {
    found.kind == Kind::Directory
}

/// Whether a path is that of a symbolic link, with a slash behind it: then what it leads to is meant, and the link stays.
pub(crate) fn is_link_with_slash<K: Kernel>(kernel: &K, dir: Option<&K::File>, path: &Path) -> bool {
    let is_link = |found: Stat| found.kind == Kind::Symlink;
    ends_in_slash(path) && kernel.stat_at(dir, without_trailing_slashes(path), false).is_ok_and(is_link)
}

/// Whether an answer to a look at the target operand says that it is no directory: nothing has the name, or a link of it
/// leads in a circle, or nothing can have it.
fn is_no_directory(errno: Errno) -> bool {
    matches!(errno, Errno::NOENT | Errno::NOTDIR | Errno::LOOP | Errno::NAMETOOLONG)
}

/// The directories above the last component, outermost first, each with its own last component.
fn parents(path: &Path) -> impl Iterator<Item = (&Path, PathBuf)> {
    let bytes = path.as_os_str().as_bytes();
    let ends = (1..bytes.len()).filter(|end| bytes[*end] == b'/' && bytes[end - 1] != b'/');
    let above = ends.map(|end| Path::new(OsStr::from_bytes(&bytes[..end])));
    above.map(|path| (path, last_component(path))).filter(|(_, name)| name != Path::new("."))
}

/// A name in a directory as cp writes it: with one slash between them, however they were typed.
#[must_use]
pub fn joined(directory: &Path, name: &Path) -> PathBuf {
    let directory = without_trailing_slashes(directory);
    let name = name.as_os_str().as_bytes();
    let start = name.iter().position(|byte| *byte != b'/').unwrap_or(name.len());
    directory.join(OsStr::from_bytes(&name[start..]))
}

/// The path less what slashes it ends in; "/" stays.
pub(crate) fn without_trailing_slashes(path: &Path) -> &Path {
    let bytes = path.as_os_str().as_bytes();
    let end = bytes.iter().rposition(|byte| *byte != b'/').map_or(bytes.len().min(1), |at| at + 1);
    Path::new(OsStr::from_bytes(&bytes[..end]))
}

/// What follows the last slash, trailing slashes aside; "." for "/".
pub(crate) fn last_component(path: &Path) -> PathBuf {
    match split(path) {
        (_, b"") => PathBuf::from("."),
        (_, name) => PathBuf::from(OsStr::from_bytes(name)),
    }
}

/// What stands before the last slash, "." if there is none, and what follows it, trailing slashes aside.
/// Unlike `Path`'s own methods it leaves a "." at the end where it is.
fn split(path: &Path) -> (&Path, &[u8]) {
    let bytes = without_trailing_slashes(path).as_os_str().as_bytes();
    match bytes.iter().rposition(|byte| *byte == b'/') {
        Some(slash) => (Path::new(OsStr::from_bytes(&bytes[..slash.max(1)])), &bytes[slash + 1..]),
        None => (Path::new("."), bytes),
    }
}

/// Whether a path ends in a slash, so that it can only be a directory.
#[must_use]
pub fn ends_in_slash(path: &Path) -> bool {
    path.as_os_str().as_bytes().ends_with(b"/")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn into(directory: &str, source: &str) -> (PathBuf, PathBuf) {
        let operand = plan(directory).operand(Path::new(source));
        (operand.name, operand.target_shown)
    }

    fn plan(directory: &str) -> Plan {
        Plan { base: directory.into(), shown: TargetName::Into(directory.into()), strips: false, unknown: None }
    }

    #[test]
    fn parents_are_the_directories_of_the_path_as_typed() {
        let operand = plan("d//").operand_with_parents(Path::new("/a//b/./c/"));
        let parents: Vec<_> =
            operand.parents.iter().map(|parent| (parent.path.as_path(), parent.name.as_path())).collect();
        assert_eq!(parents, [("/a", "a"), ("/a//b", "b")].map(|(path, name)| (Path::new(path), Path::new(name))));
        assert_eq!((operand.name.as_os_str(), operand.target_shown.as_os_str()), ("c".as_ref(), "d/a//b/./c".as_ref()));
    }

    #[test]
    fn sources_keep_their_last_component() {
        for (source, name, shown) in [
            ("a/b", "b", "d/b"),
            ("b/", "b", "d/b"),
            ("a/.", ".", "d/."),
            ("..", ".", "d/."),
            ("a/..//", ".", "d/."),
            ("/", ".", "d/."),
        ] {
            let (found_name, found_shown) = into("d", source);
            assert_eq!((found_name.as_os_str(), found_shown.as_os_str()), (name.as_ref(), shown.as_ref()), "{source}");
        }
    }

    #[test]
    fn a_target_that_is_a_new_name_lies_in_its_parent() {
        for (target, base, name) in [
            ("x", ".", "x"),
            ("a/x", "a", "x"),
            ("a/x/", "a", "x"),
            ("/x", "/", "x"),
            ("..", "..", "."),
            ("a/./", "a", "."),
        ] {
            let plan = Plan::itself(Path::new(target));
            let operand = plan.operand(Path::new("s"));
            assert_eq!((plan.base.as_os_str(), operand.name.as_os_str()), (base.as_ref(), name.as_ref()), "{target}");
            assert_eq!(operand.target_shown.as_os_str(), target);
        }
    }
}
