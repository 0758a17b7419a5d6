//! OpenZFS bugs that make a hint wrong: versions x parameters x what must not be used.
//!
//! The table denies only. That no row applies proves nothing: distributions patch both ways (Debian
//! 12's 2.1.11 has the fix of #15526 but not that of #15933), so the engine still asks for resident
//! pages, settles, and verifies. The module's own version counts (/sys/module/zfs/version), not that
//! of the tools. What a program meets that does none of this is in the same table, for `--doctor` to tell.

use std::fmt;

/// A release of the kernel module.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    /// 2 of 2.1.11.
    pub major: u32,
    /// 1 of 2.1.11.
    pub minor: u32,
    /// 11 of 2.1.11.
    pub patch: u32,
}

const fn version(major: u32, minor: u32, patch: u32) -> Version {
    Version { major, minor, patch }
}

impl Version {
    /// Reads "2.1.11-1+deb12u1" and the like. Development versions (a patch level of 99, "-rc",
    /// no third number) give `None`: nobody knows what is in them.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let numbers = text.split(|c: char| !(c.is_ascii_digit() || c == '.')).next()?;
        let mut parts = numbers.split('.').map(|part| part.parse::<u32>().ok());
        let parsed = version(parts.next()??, parts.next()??, parts.next()??);
        let is_development = parsed.patch >= 99 || text.contains("-rc");
        (!is_development && parts.next().is_none()).then_some(parsed)
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}

/// The loaded module, as far as it can be read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Module {
    /// `None` when unreadable or a development version: the worst is assumed.
    pub version: Option<Version>,
    /// zfs_dmu_offset_next_sync: whether lseek waits for the transaction group (default 1 since 2.1.5).
    pub offset_next_sync: Option<u32>,
}

/// What a row forbids.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hint {
    /// SEEK_DATA and SEEK_HOLE as a map of what is zero.
    Holes,
    /// FICLONE and copy_file_range, which clones since 2.2.
    Clones,
    /// The same of a file with pages in the page cache, all of them written back.
    MappedClones,
    /// The same of a file that no transaction group was waited for. safecp waits; who clones at once does not.
    UnsettledClones,
    /// The same into a file that was emptied for it. safecp makes a new one; who opens with O_TRUNC does not.
    EmptiedClones,
}

impl Hint {
    /// Whether what is said of `other` is said of this hint as well.
    fn falls_under(self, other: Hint) -> bool {
        self == other || self == Hint::MappedClones && other == Hint::Clones
    }

    /// Whether it is about clones, of whatever kind.
    #[must_use]
    pub fn is_clone(self) -> bool {
        match self {
            Hint::Holes => false,
            Hint::Clones | Hint::MappedClones | Hint::UnsettledClones | Hint::EmptiedClones => true,
        }
    }
}

/// One reason not to use a hint on this module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bug {
    /// The issue at the OpenZFS project.
    pub number: u32,
    /// What happens, in a few words.
    pub effect: &'static str,
    /// What has to be done to a file for it to happen.
    pub trigger: &'static str,
    /// The releases without it.
    pub fixed_in: &'static str,
    /// What helps on a module that has it.
    pub mitigation: &'static str,
}

struct Row {
    hint: Hint,
    bug: Bug,
    /// First affected and first mended release, pairs for each branch.
    affected: &'static [(Version, Version)],
    /// Packages of affected releases that have the fix all the same, as the beginnings of what their modules say.
    except: &'static [&'static str],
}

const fn row(hint: Hint, bug: Bug, affected: &'static [(Version, Version)]) -> Row {
    Row { hint, bug, affected, except: &[] }
}

impl Row {
    const fn but_not(self, except: &'static [&'static str]) -> Self {
        Row { except, ..self }
    }

    /// Whether a module has the bug that says `said` of its version.
    fn is_in(&self, version: Version, said: &str) -> bool {
        applies(self, version) && !self.except.iter().any(|package| said.trim().starts_with(package))
    }
}

const FIRST: Version = version(0, 0, 0);
const V2_2: Version = version(2, 2, 0);

/// The first release on which clones of mapped files were measured to be right, once their pages were
/// written back (tests/zfs/run, job 2: 2.3.2 and 2.4.4). The fix of #15933 is older.
const MAPPED_CLONES_MEASURED: Version = version(2, 3, 2);

/// What is said of a bug that no parameter cures.
const UPGRADE: &str = "no parameter cures it: upgrade the module, or copy with safecp or under safecp --guard";

/// What is said of a bug that only clones meet.
const NO_CLONES: &str = "zfs_bclone_enabled=0 (there from 2.2.1 on), safecp, or safecp --guard";

const WRITTEN_THROUGH_MMAP: &str = "a file is written through a mapping and copied soon after";
const CLONED: &str = "a file is cloned that has just been written";

/// Releases from which on, and before which, each bug is there; sources in the issues themselves.
const TABLE: &[Row] = &[
    row(
        Hint::Holes,
        Bug {
            number: 11900,
            effect: "mapped pages are not part of the hole map",
            trigger: WRITTEN_THROUGH_MMAP,
            fixed_in: "2.0.7, 2.1.2",
            mitigation: UPGRADE,
        },
        &[(FIRST, version(2, 0, 7)), (version(2, 1, 0), version(2, 1, 2))],
    ),
    // Mended in 2.2.4 and in no release of 2.1 or 2.0. First, for it is the one that stays where a
    // distribution has mended the next by itself, as Debian 12 has.
    row(
        Hint::Holes,
        Bug {
            number: 15933,
            effect: "a file written through mmap looks like a hole",
            trigger: WRITTEN_THROUGH_MMAP,
            fixed_in: "2.2.4; no release of 2.1 or 2.0",
            // Neither zfs_dmu_offset_next_sync=0 nor zfs_bclone_enabled=0 cures it (measured on 2.1.11 and 2.2.3).
            mitigation: UPGRADE,
        },
        &[(FIRST, version(2, 2, 4))],
    ),
    row(
        Hint::Holes,
        Bug {
            number: 14512,
            effect: "lseek may not end",
            trigger: "holes are searched for in a file that is being appended to",
            fixed_in: "2.1.10",
            mitigation: "zfs_dmu_offset_next_sync=0 does not wait",
        },
        &[(version(2, 1, 5), version(2, 1, 10))],
    ),
    row(
        Hint::Holes,
        Bug {
            number: 14753,
            effect: "a changed file is taken for unchanged",
            trigger: "a file is copied soon after it was changed",
            fixed_in: "2.1.11",
            mitigation: UPGRADE,
        },
        &[(version(2, 1, 10), version(2, 1, 11))],
    ),
    row(
        Hint::Holes,
        Bug {
            number: 15526,
            effect: "a file being written looks like a hole",
            trigger: "a file is copied while its blocks are on their way to disk",
            fixed_in: "2.1.14, 2.2.2; Debian's 2.1.11-1+deb12u1",
            mitigation: "zfs_dmu_offset_next_sync=0 makes it rarer, no more: upgrade the module, or copy with safecp",
        },
        &[(FIRST, version(2, 1, 14)), (V2_2, version(2, 2, 2))],
    )
    .but_not(&["2.1.11-1+deb12u"]),
    // Before those about all clones: it is what is true of each of these releases.
    row(
        Hint::MappedClones,
        Bug {
            number: 15933,
            effect: "clones of mapped files have been measured from 2.3.2 on only",
            trigger: WRITTEN_THROUGH_MMAP,
            fixed_in: "2.3.2",
            mitigation: NO_CLONES,
        },
        &[(FIRST, MAPPED_CLONES_MEASURED)],
    ),
    row(
        Hint::Clones,
        Bug {
            number: 15933,
            effect: "a file written through mmap clones as its old blocks",
            trigger: WRITTEN_THROUGH_MMAP,
            fixed_in: "2.2.4",
            mitigation: NO_CLONES,
        },
        &[(V2_2, version(2, 2, 4))],
    ),
    row(
        Hint::Clones,
        Bug {
            number: 15728,
            effect: "a clone ends short and says success",
            trigger: CLONED,
            fixed_in: "2.2.3",
            mitigation: NO_CLONES,
        },
        &[(V2_2, version(2, 2, 3))],
    ),
    row(
        Hint::Clones,
        Bug {
            number: 15994,
            effect: "FICLONE of a file without blocks may not return",
            trigger: "zfs_bclone_wait_dirty=1, and a file is cloned that never had a block",
            fixed_in: "2.2.4",
            mitigation: "zfs_bclone_wait_dirty=0 (the default)",
        },
        &[(V2_2, version(2, 2, 4))],
    ),
    row(
        Hint::EmptiedClones,
        Bug {
            number: 18412,
            effect: "a clone into a file that was just emptied reads as zeros",
            trigger: "a file is copied over an existing one by a program that empties it first, as cp does",
            fixed_in: "2.3.7, 2.4.2; no release of 2.2",
            mitigation: NO_CLONES,
        },
        &[(V2_2, version(2, 3, 7)), (version(2, 4, 0), version(2, 4, 2))],
    ),
    row(Hint::UnsettledClones, UNSETTLED_CLONE, &[(V2_2, NEVER)]),
];

/// Where there is no release that mends a bug.
const NEVER: Version = version(u32::MAX, 0, 0);

/// #16012 is in every release with block cloning. What cures it is the wait for the transaction group
/// in lseek, which zfs_dmu_offset_next_sync=0 turns off (measured on 2.3.2 and 2.4.4).
const UNSETTLED_CLONE: Bug = Bug {
    number: 16012,
    effect: "a clone may bring back blocks from before a hole was punched",
    trigger: "a hole is punched, or a file is cut and extended, and it is cloned within seconds",
    fixed_in: "no release",
    mitigation: NO_CLONES,
};

/// A version nobody can tell the bugs of.
const UNKNOWN_VERSION: Bug = unexamined("unknown or development version, the worst is assumed");

/// A version that nobody has looked at yet.
const UNEXAMINED: Bug = unexamined("newer than what was examined, the worst is assumed");

const fn unexamined(effect: &'static str) -> Bug {
    Bug { number: 15933, effect, trigger: WRITTEN_THROUGH_MMAP, fixed_in: "not known", mitigation: "copy with safecp" }
}

/// The last release of each branch whose sources were read for the table above (August 2026). Later ones
/// may have bugs of their own: they are taken for the worst until somebody has looked.
const EXAMINED: &[Version] =
    &[version(2, 0, 7), version(2, 1, 16), version(2, 2, 11), version(2, 3, 9), version(2, 4, 4)];

fn is_examined(version: Version) -> bool {
    let branch = |last: &&Version| (last.major, last.minor) == (version.major, version.minor);
    match EXAMINED.iter().find(branch) {
        Some(last) => version <= *last,
        None => version < EXAMINED[0],
    }
}

fn applies(row: &Row, version: Version) -> bool {
    row.affected.iter().any(|(first, fixed_in)| (*first..*fixed_in).contains(&version))
}

impl Module {
    /// The first known reason not to use `hint` on this module, if there is one.
    #[must_use]
    pub fn forbids(&self, hint: Hint) -> Option<Bug> {
        let Some(version) = self.version else { return Some(UNKNOWN_VERSION) };
        if !is_examined(version) {
            return Some(UNEXAMINED);
        }
        let applies = |row: &&Row| hint.falls_under(row.hint) && applies(row, version);
        if let Some(row) = TABLE.iter().find(applies) {
            return Some(row.bug);
        }
        (hint.falls_under(Hint::Clones) && self.offset_next_sync != Some(1)).then_some(UNSETTLED_CLONE)
    }

    /// Every known bug that a program meets on this module which takes what the kernel answers for the truth, with
    /// the hint that it makes wrong. What was only never measured is not among them, nor what its package has mended, as
    /// far as the whole of its version, `said`, tells.
    #[must_use]
    pub fn bugs(&self, said: &str) -> Vec<(Hint, Bug)> {
        match self.version {
            None => [Hint::Holes, Hint::Clones].map(|hint| (hint, UNKNOWN_VERSION)).to_vec(),
            Some(version) if !is_examined(version) => {
                [Hint::Holes, Hint::Clones].map(|hint| (hint, UNEXAMINED)).to_vec()
            }
            Some(version) => {
                let known = TABLE.iter().filter(|row| row.hint != Hint::MappedClones && row.is_in(version, said));
                known.map(|row| (row.hint, row.bug)).collect()
            }
        }
    }

    /// Whether the module clones blocks, as far as its version and zfs_bclone_enabled tell. 2.2.0 has no such
    /// parameter and clones; a pool may lack the feature all the same.
    #[must_use]
    pub fn clones(&self, bclone_enabled: Option<u32>) -> bool {
        self.version.is_none_or(|version| version >= V2_2) && bclone_enabled != Some(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn module(text: &str) -> Module {
        Module { version: Version::parse(text), offset_next_sync: Some(1) }
    }

    fn number(module: &Module, hint: Hint) -> Option<u32> {
        module.forbids(hint).map(|bug| bug.number)
    }

    #[test]
    fn distribution_versions_are_read_and_development_versions_are_not() {
        assert_eq!(Version::parse("2.1.11-1+deb12u1\n"), Some(version(2, 1, 11)));
        assert_eq!(Version::parse("2.2.3-0ubuntu1"), Some(version(2, 2, 3)));
        for text in ["2.2.99-1", "2.3.0-rc1", "2.3", "git", "", "2.2.0.1"] {
            assert_eq!(Version::parse(text), None, "{text}");
        }
    }

    #[test]
    fn debian_12_as_shipped_has_15933() {
        assert_eq!(number(&module("2.1.11-1"), Hint::Holes), Some(15933));
        assert_eq!(number(&module("2.1.16-1"), Hint::Holes), Some(15933));
        assert_eq!(number(&module("2.1.16-1"), Hint::Clones), None);
    }

    #[test]
    fn block_cloning_is_out_until_2_2_4() {
        for text in ["2.2.0-1", "2.2.1-1", "2.2.2-1", "2.2.3-1"] {
            assert_eq!(number(&module(text), Hint::Clones), Some(15933), "{text}");
        }
        assert_eq!(number(&module("2.2.4-1"), Hint::Clones), None);
        assert_eq!(number(&module("2.4.4-1"), Hint::Holes), None);
    }

    #[test]
    fn mapped_files_are_cloned_from_the_release_on_that_was_measured() {
        for text in ["2.1.11-1", "2.2.4-1", "2.2.11-1", "2.3.1-1", "9.9.9-1"] {
            assert_eq!(number(&module(text), Hint::MappedClones), Some(15933), "{text}");
        }
        assert_eq!(number(&module("2.3.2-2"), Hint::MappedClones), None);
        assert_eq!(number(&module("2.4.4-1"), Hint::MappedClones), None);
        let no_wait = Module { offset_next_sync: Some(0), ..module("2.4.4-1") };
        assert_eq!(number(&no_wait, Hint::MappedClones), Some(16012));
    }

    #[test]
    fn without_the_wait_in_lseek_no_clone_is_settled() {
        for offset_next_sync in [Some(0), None] {
            let module = Module { offset_next_sync, ..module("2.4.4-1") };
            assert_eq!(number(&module, Hint::Clones), Some(16012));
            assert_eq!(number(&module, Hint::Holes), None);
        }
    }

    #[test]
    fn a_release_that_nobody_has_looked_at_is_taken_for_the_worst() {
        for text in ["2.4.5-1", "2.3.10-1", "2.5.0-1", "3.0.0-1", "9.9.9-1"] {
            assert!(
                module(text).forbids(Hint::Holes).is_some() && module(text).forbids(Hint::Clones).is_some(),
                "{text}"
            );
        }
        for text in ["2.4.4-1", "2.3.9-1", "2.2.11-1"] {
            assert_eq!(module(text).forbids(Hint::Holes), None, "{text}");
        }
        assert_eq!(number(&module("0.8.6-1"), Hint::Holes), Some(11900), "older ones are in the table");
    }

    #[test]
    fn a_program_that_believes_everything_meets_more_than_safecp_does() {
        let numbers = |text| module(text).bugs(text).iter().map(|(_, bug)| bug.number).collect::<Vec<_>>();
        assert_eq!(numbers("2.1.11-1"), [15933, 15526]);
        assert_eq!(numbers("2.1.11-1+deb12u1\n"), [15933]);
        assert_eq!(numbers("2.2.3-1"), [15933, 15933, 15994, 18412, 16012]);
        assert_eq!(numbers("2.2.11-1"), [18412, 16012]);
        assert_eq!(numbers("2.3.7-1"), [16012]);
        assert_eq!(numbers("2.4.4-1"), [16012]);
        assert_eq!(numbers("2.4.5-1"), [15933, 15933]);
        assert_eq!(number(&module("2.4.4-1"), Hint::UnsettledClones), Some(16012));
    }

    #[test]
    fn modules_clone_from_2_2_on_unless_they_are_told_not_to() {
        let clones = |text, enabled| module(text).clones(enabled);
        assert!(!clones("2.1.16-1", None) && clones("2.2.0-1", None) && clones("2.4.4-1", Some(1)));
        assert!(!clones("2.2.6-1", Some(0)) && clones("unknown", None) && !clones("unknown", Some(0)));
    }

    #[test]
    fn the_words_name_the_releases_that_the_numbers_do() {
        for row in TABLE {
            for (_, fixed_in) in row.affected.iter().filter(|(_, fixed_in)| *fixed_in != NEVER) {
                assert!(row.bug.fixed_in.contains(&fixed_in.to_string()), "#{}: {fixed_in}", row.bug.number);
            }
        }
    }

    #[test]
    fn an_unknown_version_forbids_both() {
        let module = Module::default();
        assert!(module.forbids(Hint::Holes).is_some() && module.forbids(Hint::Clones).is_some());
    }
}
