//! What the operands mean: which directory the targets lie in, and what each is called there.
//!
//! cp's three cases: a file becomes a file, sources go into a directory, a directory becomes a new
//! one. The operands themselves may be and may lead through symbolic links: they are the user's.

use crate::error::{Action, Error};
use crate::kernel::{Errno, Kernel, Kind, Mode, OFlags, ResolveFlags};
use crate::options::TargetRule;
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
}

/// The targets of all operands.
pub struct Plan {
    /// The directory they lie in.
    pub base: PathBuf,
    /// How its path begins for messages: empty for the working directory.
    shown: Shown,
}

enum Shown {
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
}

impl Plan {
    /// Looks at the target operand and decides. Fails where it has to be a directory and is none.
    pub fn new<K: Kernel>(kernel: &K, operands: &Operands) -> Result<Self, Error> {
        let target = &operands.target;
        let found = kernel.stat_at(None, target, true);
        let is_directory = matches!(&found, Ok(stat) if stat.kind == Kind::Directory);
        let must_be = match operands.rule {
            TargetRule::Itself => return Ok(Self::itself(target)),
            TargetRule::Directory => Some(Action::TargetDirectoryOption),
            TargetRule::Last if operands.sources.len() > 1 => Some(Action::TargetDirectory),
            TargetRule::Last => None,
        };
        if is_directory {
            return Ok(Self { base: target.clone(), shown: Shown::Into(target.clone()) });
        }
        match must_be {
            None => Ok(Self::itself(target)),
            Some(action) => Err(Error::call(action, target, found.err().unwrap_or(Errno::NOTDIR))),
        }
    }

    fn itself(target: &Path) -> Self {
        let parent = target.parent().filter(|parent| !parent.as_os_str().is_empty());
        let (base, name) = match target.file_name() {
            Some(name) => (parent.unwrap_or(Path::new(".")), Path::new(name)),
            // "/", "..", or a path that ends so: the directory itself.
            None => (target, Path::new(".")),
        };
        Self { base: base.to_owned(), shown: Shown::As { name: name.to_owned(), shown: target.to_owned() } }
    }

    /// Opens the directory that the targets lie in.
    pub fn open_base<K: Kernel>(&self, kernel: &K) -> crate::kernel::Result<K::File> {
        kernel.open(None, &self.base, OFlags::PATH | OFlags::DIRECTORY, Mode::empty(), ResolveFlags::empty())
    }

    /// The target of one source.
    #[must_use]
    pub fn operand(&self, source: &Path) -> Operand {
        let source = source.to_owned();
        match &self.shown {
            Shown::As { name, shown } => Operand { source, name: name.clone(), target_shown: shown.clone() },
            Shown::Into(directory) => {
                let name = last_component(&source);
                // The contents of "x/." and of ".." go into the directory itself.
                let shown = if name == Path::new("..") { directory.clone() } else { directory.join(&name) };
                let name = if name == Path::new("..") { PathBuf::from(".") } else { name };
                Operand { source, name, target_shown: shown }
            }
        }
    }
}

/// What follows the last slash, trailing slashes aside; "." for "/".
fn last_component(path: &Path) -> PathBuf {
    let bytes = path.as_os_str().as_bytes();
    let end = bytes.iter().rposition(|byte| *byte != b'/').map_or(0, |at| at + 1);
    let start = bytes[..end].iter().rposition(|byte| *byte == b'/').map_or(0, |at| at + 1);
    let name = &bytes[start..end];
    PathBuf::from(OsStr::from_bytes(if name.is_empty() { b"." } else { name }))
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
        let plan = Plan { base: directory.into(), shown: Shown::Into(directory.into()) };
        let operand = plan.operand(Path::new(source));
        (operand.name, operand.target_shown)
    }

    #[test]
    fn sources_keep_their_last_component() {
        for (source, name, shown) in [
            ("a/b", "b", "d/b"),
            ("b/", "b", "d/b"),
            ("a/.", ".", "d/."),
            ("..", ".", "d"),
            ("a/..//", ".", "d"),
            ("/", ".", "d/."),
        ] {
            let (found_name, found_shown) = into("d", source);
            assert_eq!((found_name.as_os_str(), found_shown.as_os_str()), (name.as_ref(), shown.as_ref()), "{source}");
        }
    }

    #[test]
    fn a_target_that_is_a_new_name_lies_in_its_parent() {
        for (target, base, name) in
            [("x", ".", "x"), ("a/x", "a", "x"), ("a/x/", "a", "x"), ("/x", "/", "x"), ("..", "..", ".")]
        {
            let plan = Plan::itself(Path::new(target));
            let operand = plan.operand(Path::new("s"));
            assert_eq!((plan.base.as_os_str(), operand.name.as_os_str()), (base.as_ref(), name.as_ref()), "{target}");
            assert_eq!(operand.target_shown.as_os_str(), target);
        }
    }
}
