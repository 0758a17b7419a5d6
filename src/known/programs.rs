//! Programs that copy files: what each asks the kernel, by make and version.
//!
//! What a program asks it believes: none of those below reads its copy back. The rows were found with strace, in the
//! sources, and on ZFS itself (docs/zfs.md, tests/guard/run). A make that is in no row is not known, and is taken for
//! one that believes everything.

use super::zfs::Hint;

/// A question to the kernel whose answer a program takes for the truth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ask {
    /// lseek with SEEK_DATA and SEEK_HOLE.
    SeekData,
    /// ioctl FICLONE.
    Ficlone,
    /// copy_file_range, which clones on ZFS since 2.2.
    CopyFileRange,
}

impl Ask {
    /// All of them.
    pub const ALL: [Ask; 3] = [Ask::SeekData, Ask::Ficlone, Ask::CopyFileRange];

    /// The call as its manual page names it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Ask::SeekData => "SEEK_DATA",
            Ask::Ficlone => "FICLONE",
            Ask::CopyFileRange => "copy_file_range",
        }
    }

    /// Whether a wrong answer about `hint` would be believed.
    #[must_use]
    pub fn believes(self, hint: Hint) -> bool {
        match self {
            Ask::SeekData => hint == Hint::Holes,
            Ask::Ficlone | Ask::CopyFileRange => hint.is_clone(),
        }
    }
}

/// How a program is found and asked for its version.
#[derive(Clone, Copy, Debug)]
pub struct Sought {
    /// Its name on PATH.
    pub name: &'static str,
    /// What makes it print its version and do nothing else.
    pub arguments: &'static [&'static str],
    /// Variables of the environment that it must not see, lest it keeps notes of having been called.
    pub hidden: &'static [&'static str],
}

const fn sought(name: &'static str) -> Sought {
    Sought { name, arguments: &["--version"], hidden: &[] }
}

/// The programs that are looked for.
pub const SOUGHT: &[Sought] = &[
    sought("cp"),
    sought("install"),
    sought("mv"),
    Sought { name: "coreutils", arguments: &["cp", "--version"], hidden: &[] },
    sought("uu-cp"),
    sought("xcp"),
    sought("rsync"),
    sought("tar"),
    sought("emerge"),
    sought("python3"),
    // go counts its calls below the home directory.
    Sought { name: "go", arguments: &["version"], hidden: &["HOME", "XDG_CONFIG_HOME"] },
    sought("cargo"),
    sought("rustc"),
    sought("cmake"),
];

/// A release: up to three numbers, those that are missing 0.
pub type Release = (u32, u32, u32);

/// What is known of one make of a program from a release on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KnownProgram {
    names: &'static [&'static str],
    /// Words in what it says of its version; empty where there is only one make.
    make: &'static str,
    since: Release,
    /// What it asks, and believes.
    pub asks: &'static [Ask],
    /// When it does so, or what else there is to say.
    pub note: &'static str,
}

const fn known(
    names: &'static [&'static str],
    make: &'static str,
    since: Release,
    asks: &'static [Ask],
    note: &'static str,
) -> KnownProgram {
    KnownProgram { names, make, since, asks, note }
}

const CP: &[&str] = &["cp", "coreutils", "uu-cp"];
const GNU: &[&str] = &["cp", "install", "coreutils"];
const MV: &[&str] = &["mv"];
const FIEMAP: &str = "asks FIEMAP for holes, which ZFS does not answer";
const RUST: &[&str] = &["cargo", "rustc"];
const ALL: &[Ask] = &Ask::ALL;
const CLONES: &[Ask] = &[Ask::Ficlone, Ask::CopyFileRange];

/// For each make the newest release first.
const TABLE: &[KnownProgram] = &[
    known(GNU, "safecp", (0, 0, 0), &[], "reads every copy back"),
    known(GNU, "GNU coreutils", (9, 0, 0), ALL, "no option turns the search for holes off"),
    known(MV, "GNU coreutils", (9, 0, 0), ALL, "from one filesystem to another only"),
    known(MV, "GNU coreutils", (0, 0, 0), &[], FIEMAP),
    known(GNU, "GNU coreutils", (0, 0, 0), &[], FIEMAP),
    known(
        CP,
        "uutils",
        (0, 0, 0),
        &[Ask::SeekData, Ask::Ficlone],
        "plain with --sparse=never --reflink=never; takes every error of a search for holes for a hole",
    ),
    known(&["cp"], "BusyBox", (0, 0, 0), &[], "sendfile"),
    known(&["cp"], "toybox", (0, 0, 0), &[Ask::CopyFileRange], ""),
    known(&["xcp"], "", (0, 0, 0), ALL, ""),
    known(&["rsync"], "", (0, 0, 0), &[], "checks what it sends, not what was written"),
    known(&["tar"], "GNU tar", (1, 29, 0), &[Ask::SeekData], "with -S (--sparse) only"),
    known(&["tar"], "GNU tar", (0, 0, 0), &[], ""),
    known(&["emerge"], "", (3, 0, 64), ALL, "doins, and merges from one filesystem to another"),
    known(&["emerge"], "", (0, 0, 0), &[Ask::SeekData, Ask::CopyFileRange], "with USE=native-extensions"),
    known(&["python3"], "", (3, 14, 0), CLONES, "pathlib; shutil uses sendfile"),
    known(&["python3"], "", (0, 0, 0), &[], "sendfile"),
    known(&["go"], "", (1, 15, 0), &[Ask::CopyFileRange], "io.Copy; its linker writes through a mapping"),
    known(&["go"], "", (0, 0, 0), &[], "its linker writes through a mapping"),
    known(RUST, "", (0, 0, 0), &[Ask::CopyFileRange], "fs::copy, as in cargo install and build scripts"),
    known(&["cmake"], "", (0, 0, 0), &[Ask::Ficlone], "cmake --install and -E copy"),
];

/// What is known of a program that has this to say of its version; `None` if its make is in no row.
#[must_use]
pub fn look_up(name: &str, said: &str) -> Option<KnownProgram> {
    let release = release(name, said).unwrap_or((u32::MAX, 0, 0));
    TABLE.iter().find(|row| row.names.contains(&name) && said.contains(row.make) && row.since <= release).copied()
}

/// The line of what a program says that tells its make or version.
#[must_use]
pub fn telling_line<'s>(name: &str, said: &'s str) -> &'s str {
    let makes = TABLE.iter().filter(|row| row.names.contains(&name) && !row.make.is_empty());
    let of_make = makes.filter_map(|row| said.lines().find(|line| line.contains(row.make)));
    of_make.chain(said.lines()).next().unwrap_or_default().trim()
}

/// The first number with a point in the line that tells it.
fn release(name: &str, said: &str) -> Option<Release> {
    let line = telling_line(name, said);
    let numbers = line.split(|c: char| !c.is_ascii_digit() && c != '.').map(|word| word.trim_matches('.'));
    let number = numbers.into_iter().find(|word| word.contains('.'))?;
    let mut parts = number.split('.').map(|part| part.parse().ok());
    Some((parts.next()??, parts.next()??, parts.next().flatten().unwrap_or(0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_are_told_by_make_and_version() {
        let asks = |name, said| look_up(name, said).map(|known| known.asks);
        assert_eq!(asks("cp", "cp (GNU coreutils) 9.1\nCopyright"), Some(ALL));
        assert_eq!(asks("cp", "cp (GNU coreutils) 8.32"), Some(&[][..]));
        assert_eq!(asks("install", "install (GNU coreutils) 9.10"), Some(ALL));
        assert_eq!(asks("cp", "cp (uutils coreutils) 0.2.2"), Some(&[Ask::SeekData, Ask::Ficlone][..]));
        assert_eq!(asks("cp", "cp: unrecognized option '--version'\nBusyBox v1.36.1 (x) multi-call"), Some(&[][..]));
        assert_eq!(asks("cp", "safecp 0.1.0"), Some(&[][..]));
        assert_eq!(asks("cp", "cp of somebody 1.0"), None);
        assert_eq!(asks("mv", "mv (uutils coreutils) 0.2.2"), None, "nobody has looked");
        assert_eq!(asks("go", "go version go1.19.8 linux/amd64"), Some(&[Ask::CopyFileRange][..]));
        assert_eq!(asks("emerge", "Portage 3.0.83 (python 3.11.2-final-0)"), Some(ALL));
        assert_eq!(asks("emerge", "Portage 3.0.63 (python 3.11.2)").map(<[_]>::len), Some(2));
        assert_eq!(asks("python3", "Python 3.11.7"), Some(&[][..]));
        assert_eq!(asks("python3", "Python 3.15.0a1"), Some(CLONES));
    }

    #[test]
    fn a_version_that_does_not_read_so_is_the_newest() {
        assert_eq!(look_up("python3", "Python of today").map(|known| known.asks), Some(CLONES));
    }

    #[test]
    fn every_program_that_is_sought_is_in_the_table() {
        for sought in SOUGHT {
            assert!(TABLE.iter().any(|row| row.names.contains(&sought.name)), "{}", sought.name);
        }
    }

    #[test]
    fn clones_of_every_kind_are_believed_by_who_clones() {
        assert!(Ask::CopyFileRange.believes(Hint::UnsettledClones) && Ask::Ficlone.believes(Hint::EmptiedClones));
        assert!(!Ask::SeekData.believes(Hint::Clones) && Ask::SeekData.believes(Hint::Holes));
    }
}
