//! The list of one share, where a tree was walked once for all of them: which directories' names it copies, or which part of
//! a directory's, and which single names it has to look at.

use super::line::{opened, sealed};
use super::log::each_line;
use super::path_key::share_of_path;
use super::plan::{escaped, unescaped};
use super::state::{State, contents};
use crate::error::{Action, Error};
use crate::kernel::{Errno, Kernel};
use crate::quote::quoted;
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::num::NonZeroU32;
use std::ops::Bound;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use xxhash_rust::xxh3::xxh3_64;

/// Its name tells that the lists of all shares are whole. It holds what each comes to.
pub(super) const LISTED: &str = "lists";

/// What a share's list is called.
pub(super) fn list_name(number: NonZeroU32) -> String {
    format!("{number}-list")
}

/// Which of a directory's names: those whose keys fall to these parts of so many.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Unit {
    pub(super) parts: BTreeSet<u32>,
    pub(super) of: u32,
}

/// What a share has on its list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct List {
    pub(super) directories: BTreeMap<PathBuf, Unit>,
    /// Names of which the inode, or a range, may be this share's.
    pub(super) names: BTreeSet<PathBuf>,
    /// A check over it, by which it is known: of what was read.
    pub(super) id: u64,
}

/// What a share's list comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ShareList {
    /// What it is known by.
    pub(super) id: u64,
    pub(super) names: u64,
    pub(super) bytes: u64,
}

/// What a list says of a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Allotment {
    /// It is this share's, if it has no other name.
    Ours,
    /// The name and the inode decide, as without a list.
    Asked,
    /// It is another's.
    Others,
}

impl List {
    /// What it says of a name that is no directory.
    pub(super) fn claim(&self, path: &Path) -> Allotment {
        if self.names.contains(path) {
            return Allotment::Asked;
        }
        let unit = path.parent().and_then(|above| self.directories.get(above));
        let is_ours = unit.is_some_and(|unit| unit.parts.contains(&share_of_path(path, unit.of)));
        if is_ours { Allotment::Ours } else { Allotment::Others }
    }

    /// Whether anything in a directory is on it.
    pub(super) fn reaches(&self, directory: &Path) -> bool {
        let from = (Bound::Included(directory), Bound::Unbounded);
        let is_beneath = |path: Option<&PathBuf>| path.is_some_and(|path| path.starts_with(directory));
        is_beneath(self.directories.range::<Path, _>(from).next().map(|(path, _)| path))
            || is_beneath(self.names.range::<Path, _>(from).next())
    }

    /// As it is written down, and what that is known by.
    pub(super) fn text(&self) -> (String, u64) {
        let path = |path: &Path| escaped(path.as_os_str().as_bytes());
        let mut text = String::new();
        for (directory, unit) in &self.directories {
            for part in &unit.parts {
                text += &sealed(&format!("dir {part} {} {}", unit.of, path(directory)));
            }
        }
        for name in &self.names {
            text += &sealed(&format!("name {}", path(name)));
        }
        let id = xxh3_64(text.as_bytes());
        (text + &sealed(&format!("end {id:016x}")), id)
    }

    /// Takes what a line says. `None` if it is no line of a list.
    fn add(&mut self, line: &str) -> Option<()> {
        let path = |text: &str| unescaped(text).map(|bytes| PathBuf::from(OsString::from_vec(bytes)));
        let (kind, rest) = line.split_once(' ')?;
        match kind {
            "dir" => {
                let mut words = rest.splitn(3, ' ');
                let (part, of) = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
                let unit = self.directories.entry(path(words.next()?)?).or_default();
                unit.of = of;
                unit.parts.insert(part);
            }
            "name" => {
                self.names.insert(path(rest)?);
            }
            "end" => self.id = u64::from_str_radix(rest, 16).ok()?,
            _ => return None,
        }
        Some(())
    }

    /// The list of a share, if the tree was walked for all of them.
    pub(super) fn of<K: Kernel>(state: &State<'_, K>, number: NonZeroU32) -> Result<Option<Self>, Error> {
        let name = list_name(number);
        let shown = state.shown.join(&name);
        let (are_whole, file) = (state.find_to_read(LISTED)?.is_some(), state.find_to_read(&name)?);
        let file = match (are_whole, file) {
            (true, Some(file)) => file,
            (true, None) => return Err(Error::call(Action::Read, &shown, Errno::NOENT)),
            (false, None) => return Ok(None),
            (false, Some(_)) => {
                let shown = quoted(&state.shown);
                return Err(Error::Refused(format!("the lists in {shown} are not whole: run --plan again")));
            }
        };
        let (mut list, mut has_ended, mut is_damaged) = (Self::default(), false, false);
        let read = each_line(state.kernel, &file, |line| match opened(line) {
            Some(words) => {
                is_damaged |= has_ended || list.add(words).is_none();
                has_ended = words.starts_with("end ");
            }
            None => is_damaged |= !line.is_empty(),
        });
        read.map_err(|errno| Error::call(Action::Read, &shown, errno))?;
        if has_ended && !is_damaged {
            return Ok(Some(list));
        }
        Err(Error::Refused(format!("{} is damaged: run --plan again", quoted(&shown))))
    }
}

/// What the lists of all shares come to, as it is written down.
pub(super) fn listed_text(all: &[ShareList]) -> String {
    let line = |ShareList { id, names, bytes }: &ShareList| sealed(&format!("list {id:016x} {names} {bytes}"));
    all.iter().map(line).collect()
}

/// What the list of each share comes to, from the first on; `None` if there are no lists, or not all of them yet.
pub(super) fn listed<K: Kernel>(state: &State<'_, K>) -> Result<Option<Vec<ShareList>>, Error> {
    let shown = state.shown.join(LISTED);
    let text = contents(state.kernel, &state.dir, LISTED.as_ref());
    let text = text.map_err(|errno| Error::call(Action::Read, &shown, errno))?;
    let line = |line: &[u8]| {
        let mut words = opened(line)?.strip_prefix("list ")?.split(' ');
        let id = u64::from_str_radix(words.next()?, 16).ok()?;
        Some(ShareList { id, names: words.next()?.parse().ok()?, bytes: words.next()?.parse().ok()? })
    };
    let Some(text) = text else { return Ok(None) };
    let lines: Option<Vec<ShareList>> =
        text.split_inclusive(|byte| *byte == b'\n').map(|text| line(text.trim_ascii_end())).collect();
    let all = lines.filter(|lines| lines.len() == state.plan.count.get() as usize);
    all.map(Some).ok_or_else(|| Error::Refused(format!("{} is damaged: run --plan again", quoted(&shown))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_says_what_is_its_own() {
        let unit = |parts: &[u32], of| Unit { parts: parts.iter().copied().collect(), of };
        let directories = [("d/a", unit(&[0], 1)), ("d/b/c", unit(&[0, 2], 3)), ("d/new\nline", unit(&[0], 1))];
        let directories = directories.map(|(path, unit)| (PathBuf::from(path), unit)).into();
        let mut list = List { directories, names: [PathBuf::from("d/x/link")].into(), id: 0 };
        assert_eq!(list.claim(Path::new("d/a/f")), Allotment::Ours);
        assert_eq!(list.claim(Path::new("d/f")), Allotment::Others);
        assert_eq!(list.claim(Path::new("d/x/link")), Allotment::Asked);
        let ours =
            (0..300).filter(|number| list.claim(&Path::new("d/b/c").join(number.to_string())) == Allotment::Ours);
        assert!((150..250).contains(&ours.count()), "two thirds");
        for (path, reaches) in
            [("d", true), ("d/b", true), ("d/b/c", true), ("d/x", true), ("d/b/cc", false), ("d/y", false)]
        {
            assert_eq!(list.reaches(Path::new(path)), reaches, "{path}");
        }
        let mut read = List::default();
        let text;
        (text, list.id) = list.text();
        let lines = text.lines().map(|line| opened(line.as_bytes()).expect("whole"));
        lines.for_each(|line| read.add(line).expect("a line of a list"));
        assert_eq!(read, list);
    }
}
