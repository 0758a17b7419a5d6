//! Which strategies may be tried for a file, best first, and what an error number means for that.
//!
//! Pure: facts and options in, a ladder out. The rule is the contract's: a hint is used where the
//! filesystem is known to be honest, or, elsewhere, where no page of the source is or was mapped and
//! no known bug applies, and a clone also where on ZFS all pages are seen to be written back; in every
//! other case every byte is read and written.

use super::probe::{Probe, Residency, Settling};
use crate::error::reason;
use crate::kernel::Errno;
use crate::known::filesystems::Honesty;
use crate::known::zfs::{Bug, Hint};
use crate::options::{Hints, Options, Reflink, Sparse, Verify};
use std::borrow::Cow;
use std::fmt;

/// How the bytes get from source to target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Strategy {
    /// FICLONE: both files share their blocks.
    Reflink,
    /// copy_file_range: the kernel moves the bytes.
    Offload,
    /// Data is read and written, holes are left out as SEEK_DATA and SEEK_HOLE tell them.
    Extents,
    /// Every byte is read and written.
    Stream,
}

impl Strategy {
    /// Its word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Strategy::Reflink => "reflink",
            Strategy::Offload => "offload",
            Strategy::Extents => "extents",
            Strategy::Stream => "stream",
        }
    }
}

impl fmt::Display for Strategy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// Why a hint is not used, or why it may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// The filesystem's hints answer from what reads see.
    Honest(&'static str),
    /// No page is resident, no known bug applies, and the source is settled first.
    Unmapped(&'static str),
    /// Pages are resident; they are written back before, no known bug applies.
    WrittenBack(&'static str),
    /// Pages of the source are in the page cache, so it is or was mapped.
    Mapped(&'static str),
    /// Whether pages are resident cannot be told.
    ResidencyUnknown(Errno),
    /// A known bug of this module.
    Bug(Bug),
    /// Clones into a file that was just emptied may read as zeros (OpenZFS #18412).
    Emptied,
    /// There is no hint to use: the source is dense, and sharing blocks is off or not to be had.
    NothingToGain,
    /// It is dense, and so small that a clone would cost more to prove than it saves.
    Small,
    /// Several runs copy it, each its ranges.
    Shared,
    /// The options leave no choice.
    Asked,
    /// The target is written through: nothing is known of what it is.
    NotRegular,
}

impl Why {
    /// For people.
    #[must_use]
    pub fn words(&self) -> Cow<'static, str> {
        match self {
            Why::Honest(filesystem) => format!("{filesystem} answers from what reads see").into(),
            Why::Unmapped(filesystem) => format!("no resident pages on {filesystem}, and it was written out").into(),
            Why::WrittenBack(filesystem) => {
                format!("resident pages on {filesystem} written back, and it was written out").into()
            }
            Why::Mapped(filesystem) => format!("resident pages on {filesystem}: mapped").into(),
            Why::ResidencyUnknown(errno) => format!("resident pages unknown: {}", reason(*errno)).into(),
            Why::Bug(bug) => format!("OpenZFS #{}: {}", bug.number, bug.effect).into(),
            Why::Emptied => "OpenZFS #18412: never into a file that was just emptied".into(),
            Why::NothingToGain => "dense".into(),
            Why::Small => "dense, too small for a clone to be worth its proof".into(),
            Why::Shared => "shared out in ranges".into(),
            Why::Asked => "asked for".into(),
            Why::NotRegular => "not a regular file".into(),
        }
    }
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.words())
    }
}

/// One strategy that may be tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rung {
    /// The strategy.
    pub strategy: Strategy,
    /// What allows it, or what forbids those above it.
    pub why: Why,
    /// The source is settled before it, and for what.
    pub settling: Option<Settling>,
}

/// What is known of cloning into this target before it is tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cloning {
    /// The target is a new file.
    IntoNew,
    /// The target is an old file that is emptied first.
    IntoOld,
    /// The target is an old file whose verified copy lies on another filesystem, as nothing can be made beside it: the copy is
    /// filled by reading, and the old file is cloned from the source. With `--reflink=always` only.
    IntoOldAlone,
    /// Between these filesystems FICLONE was refused for good.
    Refused,
    /// The file is so small that to read a clone back costs more than to copy it. Not with `--reflink=always`.
    NotWorthProving,
}

/// What a filesystem and the source's pages allow, after what settling, or what forbids it.
#[derive(Clone, Copy, Debug)]
struct Allowed {
    holes: Answer,
    clones: Answer,
}

type Answer = Result<(Why, Option<Settling>), Why>;

fn allowed(probe: &Probe, cloning: Cloning) -> Allowed {
    let name = probe.filesystem.name();
    let unless_forbidden = |hint, why, settling| match probe.forbidden(hint) {
        Some(bug) => Err(Why::Bug(bug)),
        None => Ok((why, Some(settling))),
    };
    let mapped = Err(Why::Mapped(name));
    let (holes, clones) = match (probe.honesty, probe.residency) {
        (Honesty::Honest, _) => (Ok((Why::Honest(name), None)), Ok((Why::Honest(name), None))),
        (_, Residency::Nothing) => (
            unless_forbidden(Hint::Holes, Why::Unmapped(name), Settling::ForHoles),
            unless_forbidden(Hint::Clones, Why::Unmapped(name), Settling::ForClone),
        ),
        (Honesty::Zfs, Residency::Clean | Residency::Dirty) => {
            (mapped, unless_forbidden(Hint::MappedClones, Why::WrittenBack(name), Settling::ForMappedClone))
        }
        (_, Residency::Clean | Residency::Dirty | Residency::Resident) => (mapped, mapped),
        (_, Residency::Unknown(errno)) => {
            let unknown = Err(Why::ResidencyUnknown(errno));
            (unknown, unknown)
        }
    };
    let is_old = matches!(cloning, Cloning::IntoOld | Cloning::IntoOldAlone);
    let emptied = is_old && probe.honesty != Honesty::Honest && clones.is_ok();
    Allowed { holes, clones: if emptied { Err(Why::Emptied) } else { clones } }
}

/// The strategies for a source; never empty.
pub(super) fn rungs(probe: &Probe, options: &Options, cloning: Cloning) -> Result<Vec<Rung>, Why> {
    if options.hints == Hints::Never {
        return Ok(vec![Rung { strategy: Strategy::Stream, why: Why::Asked, settling: None }]);
    }
    let allowed = allowed(probe, cloning);
    if options.reflink == Reflink::Always {
        let (why, settling) = allowed.clones?;
        let strategy = if cloning == Cloning::IntoOldAlone { Strategy::Stream } else { Strategy::Reflink };
        return Ok(vec![Rung { strategy, why, settling }]);
    }
    let shares = options.sparse == Sparse::Auto && options.reflink == Reflink::Auto;
    // Where the source is read to be compared anyway, a copy by the kernel costs more than it saves
    // (docs/design/offload.md has the measurement), so it has a place only where nothing is read back.
    let offloads =
        shares && options.verify == Verify::Nothing && probe.honesty == Honesty::Honest && !probe.looks_sparse();
    let is_tried = match cloning {
        Cloning::IntoNew | Cloning::IntoOld | Cloning::IntoOldAlone => true,
        Cloning::Refused | Cloning::NotWorthProving => false,
    };
    let offers = [
        (Strategy::Reflink, shares && is_tried && probe.size > 0, allowed.clones),
        (Strategy::Offload, offloads, allowed.clones),
        (Strategy::Extents, options.sparse != Sparse::Never && probe.looks_sparse(), allowed.holes),
    ];
    let offered = || offers.into_iter().filter(|(_, applies, _)| *applies);
    let mut rungs = Vec::with_capacity(4);
    rungs.extend(
        offered()
            .filter_map(|(strategy, _, answer)| answer.ok().map(|(why, settling)| Rung { strategy, why, settling })),
    );
    let refusal = offered().find_map(|(_, _, answer)| answer.err());
    let otherwise = match cloning {
        _ if options.sparse == Sparse::Never => Why::Asked,
        Cloning::NotWorthProving if shares && probe.size > 0 => Why::Small,
        Cloning::IntoNew | Cloning::IntoOld | Cloning::IntoOldAlone | Cloning::Refused | Cloning::NotWorthProving => {
            Why::NothingToGain
        }
    };
    rungs.push(Rung { strategy: Strategy::Stream, why: refusal.unwrap_or(otherwise), settling: None });
    Ok(rungs)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::known::filesystems::Filesystem;
    use crate::known::zfs::{Module, Version};

    const ZFS: u32 = 0x2fc1_2fc1;
    const EXT4: u32 = 0xef53;

    fn probe(magic: u32, residency: Residency, blocks: u64) -> Probe {
        let zfs = Module { version: Version::parse("2.3.2-2"), offset_next_sync: Some(1) };
        let filesystem = Filesystem::new(magic);
        Probe { filesystem, honesty: filesystem.honesty((6, 1)), residency, size: 1 << 20, blocks, zfs: Some(zfs) }
    }

    fn strategies(probe: &Probe, options: &Options) -> Vec<Strategy> {
        rungs(probe, options, Cloning::IntoNew).expect("a ladder").iter().map(|rung| rung.strategy).collect()
    }

    #[test]
    fn a_mapped_file_on_zfs_is_streamed() {
        let mapped = probe(ZFS, Residency::Resident, 0);
        assert_eq!(strategies(&mapped, &Options::plain()), [Strategy::Stream]);
        let unknown = probe(ZFS, Residency::Unknown(Errno::PERM), 0);
        assert_eq!(strategies(&unknown, &Options::plain()), [Strategy::Stream]);
    }

    #[test]
    fn a_mapped_file_on_zfs_is_cloned_where_its_pages_can_be_seen_to_be_clean() {
        for residency in [Residency::Clean, Residency::Dirty] {
            let mut mapped = probe(ZFS, residency, 0);
            let ladder = rungs(&mapped, &Options::plain(), Cloning::IntoNew).expect("a ladder");
            assert_eq!(
                ladder.iter().map(|rung| (rung.strategy, rung.settling)).collect::<Vec<_>>(),
                [(Strategy::Reflink, Some(Settling::ForMappedClone)), (Strategy::Stream, None)]
            );
            mapped.zfs = Some(Module { version: Version::parse("2.2.6-1"), offset_next_sync: Some(1) });
            assert_eq!(strategies(&mapped, &Options::plain()), [Strategy::Stream]);
            assert_eq!(strategies(&probe(0x6969, residency, 0), &Options::plain()), [Strategy::Stream]);
        }
    }

    #[test]
    fn an_unmapped_file_on_zfs_is_settled_before_any_hint() {
        let unmapped = probe(ZFS, Residency::Nothing, 0);
        let rungs = rungs(&unmapped, &Options::plain(), Cloning::IntoNew).expect("a ladder");
        assert_eq!(
            rungs.iter().map(|rung| (rung.strategy, rung.settling)).collect::<Vec<_>>(),
            [
                (Strategy::Reflink, Some(Settling::ForClone)),
                (Strategy::Extents, Some(Settling::ForHoles)),
                (Strategy::Stream, None)
            ]
        );
    }

    #[test]
    fn an_emptied_file_on_zfs_is_no_target_for_a_clone() {
        let rungs = rungs(&probe(ZFS, Residency::Nothing, 0), &Options::plain(), Cloning::IntoOld).expect("a ladder");
        assert!(rungs.iter().all(|rung| rung.strategy != Strategy::Reflink));
    }

    #[test]
    fn a_known_bad_module_forbids_its_hint() {
        let mut old = probe(ZFS, Residency::Nothing, 0);
        old.zfs = Some(Module { version: Version::parse("2.1.11-1"), offset_next_sync: Some(1) });
        assert_eq!(strategies(&old, &Options::plain()), [Strategy::Reflink, Strategy::Stream]);
        old.zfs = None;
        assert_eq!(strategies(&old, &Options::plain()), [Strategy::Stream]);
    }

    #[test]
    fn an_unknown_filesystem_follows_the_rule_for_zfs() {
        assert_eq!(strategies(&probe(0x6969, Residency::Resident, 0), &Options::plain()), [Strategy::Stream]);
    }

    #[test]
    fn what_may_stand_in_front_of_zfs_has_its_known_bugs() {
        let mut overlay = probe(0x794c_7630, Residency::Nothing, 0);
        overlay.zfs = Some(Module { version: Version::parse("2.2.3-1"), offset_next_sync: Some(1) });
        assert_eq!(strategies(&overlay, &Options::plain()), [Strategy::Stream]);
        overlay.zfs = None;
        assert_eq!(
            strategies(&overlay, &Options::plain()),
            [Strategy::Reflink, Strategy::Extents, Strategy::Stream],
            "without the module there is no ZFS to stand in front of"
        );
    }

    #[test]
    fn sparse_never_reads_and_writes_every_byte() {
        let options = Options { sparse: Sparse::Never, ..Options::plain() };
        assert_eq!(strategies(&probe(EXT4, Residency::Resident, 0), &options), [Strategy::Stream]);
    }

    #[test]
    fn without_hints_every_byte_is_read_wherever_it_lies() {
        let options = Options { hints: Hints::Never, ..Options::plain() };
        assert_eq!(strategies(&probe(EXT4, Residency::Nothing, 0), &options), [Strategy::Stream]);
        assert_eq!(strategies(&probe(ZFS, Residency::Nothing, 0), &options), [Strategy::Stream]);
    }

    #[test]
    fn the_kernel_copies_only_where_nothing_is_read_back() {
        let dense = probe(EXT4, Residency::Resident, 2048);
        assert!(!strategies(&dense, &Options::plain()).contains(&Strategy::Offload));
        let unverified = Options { verify: Verify::Nothing, ..Options::plain() };
        assert_eq!(strategies(&dense, &unverified), [Strategy::Reflink, Strategy::Offload, Strategy::Stream]);
        assert_eq!(
            strategies(&probe(ZFS, Residency::Nothing, 2048), &unverified),
            [Strategy::Reflink, Strategy::Stream]
        );
    }

    #[test]
    fn a_small_file_is_not_cloned_to_be_read_back() {
        let small = probe(EXT4, Residency::Nothing, 2048);
        let first = |options: &Options| rungs(&small, options, Cloning::NotWorthProving).expect("a ladder")[0];
        let streamed = Rung { strategy: Strategy::Stream, why: Why::Small, settling: None };
        assert_eq!(first(&Options::plain()), streamed);
        let never = Options { reflink: Reflink::Never, ..Options::plain() };
        assert_eq!(first(&never).why, Why::NothingToGain);
    }

    #[test]
    fn reflink_always_has_no_way_down() {
        let options = Options { reflink: Reflink::Always, ..Options::plain() };
        assert_eq!(strategies(&probe(EXT4, Residency::Resident, 0), &options), [Strategy::Reflink]);
        assert_eq!(rungs(&probe(ZFS, Residency::Resident, 0), &options, Cloning::IntoNew), Err(Why::Mapped("zfs")));
    }
}
