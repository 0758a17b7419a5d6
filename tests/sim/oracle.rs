//! What must be true after a copy, whatever the world did to it.
//!
//! Success: the target has the source's bytes, is what its options make it, and no temporary is left.
//! Failure: the target is the old file or the new one, whole. Death: the same, but a temporary may
//! stay. Power loss after a durable success: nothing is lost; after another that replaced an old file:
//! that or the new one is there, whole. A benign world: success, by the first strategy that could.
//!
//! A source that somebody changes meanwhile has no one content. What can be proved then: each byte of
//! the copy is one that the source had at that offset at some moment of the copy, its length lies
//! between the shortest and the longest the source had, and a difference that stat(2) showed the
//! copier was said. That the copy is any one state of the source cannot be demanded of anything that
//! reads without a snapshot; nor that its length is one of the source's: who has read 300 bytes when
//! the file is cut to 200 has seen no file of 300.
//!
//! Old-or-new is not demanded where the old file is written in place: by --in-place, because it has
//! other names, or because a new file could not be made to look like it.

use super::content::Content;
use super::drive::{Driven, Made};
use super::faults::Fault;
use super::scenario::{Before, Class, HOSTILE, PART, SECRET, Scenario, snapshot};
use super::tree::Node;
use super::world::{Death, World};
use rustix::fs::ResolveFlags;
use safecp::copy::fallback::Fallback;
use safecp::copy::strategy::Strategy;
use safecp::copy::{Copied, Placement, Verified};
use safecp::error::Error;
use safecp::kernel::Stat;
use safecp::options::{Backup, Hints, Keep, Reflink, Removal, Sparse, Unfinished, Verify};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// A broken promise, in words.
pub type Broken = String;

/// Those of the hostile faults that end a copy: none of them may be followed by success.
const FATAL: &[Fault] = &[
    Fault::ReadError,
    Fault::WriteError,
    Fault::ZeroWrite,
    Fault::Quota,
    Fault::SyncError,
    Fault::CloseError,
    Fault::CloneError,
];

/// The oldest release of ZFS on which clones of mapped files were measured.
const MAPPED_CLONES: (u32, u32, u32) = (2, 3, 2);

/// Everything the oracle has against a copy; `None` is a good one.
pub fn judge(scenario: &Scenario, driven: &Driven) -> Option<Broken> {
    let mut world = driven.sim.world();
    let mut judge = Judge { scenario, world: &mut world };
    let broken = judge.verdict(&driven.outcome).err()?;
    let how = match &driven.outcome {
        Ok(Made::Copied(copied)) => format!("{} {:?}, changed {}", copied.strategy, copied.placement, copied.changed),
        Ok(Made::Same) => "same already".to_owned(),
        Err(error) => error.to_string(),
    };
    Some(format!("{broken} ({:?}, {how})", scenario.class))
}

struct Judge<'a> {
    scenario: &'a Scenario,
    world: &'a mut World,
}

fn demand(holds: bool, broken: impl FnOnce() -> Broken) -> Result<(), Broken> {
    if holds { Ok(()) } else { Err(broken()) }
}

impl Judge<'_> {
    fn verdict(&mut self, outcome: &Result<Made, Error>) -> Result<(), Broken> {
        self.nothing_hung()?;
        self.nothing_outside()?;
        match outcome {
            Ok(Made::Same) => {
                self.same()?;
                self.no_temporary("")?;
                if self.world.intruder.took_target { Ok(()) } else { self.death(Death::PowerLoss) }
            }
            Ok(Made::Copied(copied)) => {
                self.success(copied)?;
                // Who died before the last name was removed has not said success.
                if !self.world.dead {
                    let said: Vec<String> = copied.complaints.iter().map(Error::to_string).collect();
                    self.no_temporary(&said.join("\n"))?;
                }
                self.power_loss_after(copied)
            }
            Err(error) => {
                self.failure(error)?;
                match self.world.death {
                    Some((_, death)) if self.world.dead => self.death(death),
                    _ => self.kept_copy(error).unwrap_or(Ok(())).and_then(|()| self.no_temporary(&error.to_string())),
                }
            }
        }
    }

    /// What an error tells of a verified copy that was left is true.
    fn kept_copy(&self, error: &Error) -> Option<Result<(), Broken>> {
        let said = error.to_string();
        let (_, name) = said.split_once("a verified copy of 'source' is '")?;
        // What else is said stands behind it.
        let name = name.split_once('\'').map_or(name, |(name, _)| name);
        let path = Path::new(name);
        let place = self.world.tree.walk(self.scenario.target_dir, path, false, ResolveFlags::empty());
        let found = place.ok().and_then(|place| place.found);
        Some(found.map_or_else(|| Err(format!("there is no copy {name}")), |node| self.is_source(node)))
    }

    fn nothing_hung(&self) -> Result<(), Broken> {
        let witness = &self.world.witness;
        if let Some(hung) = witness.hung {
            return Err(format!("the copy would hang: {hung}"));
        }
        demand(!witness.cloned_dirty, || "a file was cloned whose pages were seen to be dirty".to_owned())?;
        demand(!witness.exhausted, || "the copy goes in circles".to_owned())?;
        demand(self.world.dead || self.world.opened.iter().all(Option::is_none), || "a handle was left open".to_owned())
    }

    /// The secret is not read and the victim not written; the source is nobody's to change.
    fn nothing_outside(&self) -> Result<(), Broken> {
        demand(self.bytes(self.scenario.victim) == SECRET, || "a file outside the target was written".to_owned())?;
        let is_source =
            self.world.intruder.versions.last().is_some_and(|last| *last == self.bytes(self.scenario.source));
        demand(is_source || self.world.intruder.took_source, || "the source was changed".to_owned())
    }

    fn bytes(&self, node: Node) -> Vec<u8> {
        self.world.tree.content(node).map_or_else(Vec::new, Content::whole)
    }

    /// What stands at the target's name, or at the end of the link there.
    fn target(&self) -> Option<Node> {
        let place = self.world.tree.walk(self.scenario.target_dir, Path::new("target"), true, ResolveFlags::empty());
        place.ok()?.found
    }

    /// What is left under a temporary name is told.
    fn no_temporary(&self, said: &str) -> Result<(), Broken> {
        let entries = self.world.tree.entries(self.scenario.target_dir).unwrap_or_default();
        let is_kept =
            |name: &[u8]| self.scenario.options.unfinished == Unfinished::Kept && name.starts_with(PART.as_bytes());
        let is_told = |name: &[u8]| said.contains(&*String::from_utf8_lossy(name));
        let is_left = |name: &[u8]| name.starts_with(b".safecp-") && !is_kept(name) && !is_told(name);
        let left = entries.iter().find(|(name, _)| is_left(name.as_bytes()));
        demand(left.is_none(), || format!("a temporary was left: {left:?}"))
    }

    fn success(&mut self, copied: &Copied) -> Result<(), Broken> {
        if copied.placement == Placement::Through {
            // A fifo that somebody put there: its bytes are not ours to know.
            return demand(self.world.intruder.took_target, || "a regular target was written through".to_owned());
        }
        let node = self.copied_node(copied)?;
        self.nothing_swallowed(copied)?;
        self.nothing_destroyed(copied)?;
        self.is_source(node)?;
        self.is_on_its_device(copied, node)?;
        self.digest(copied, node)?;
        self.change_was_said(copied)?;
        self.looks_as_promised(copied, node)?;
        self.is_backed_up()?;
        self.holes(copied, node)?;
        self.first_able(copied)
    }

    /// The old file has its name, its attributes and the source's bytes, and new times.
    fn same(&self) -> Result<(), Broken> {
        let Some(before) = &self.scenario.before else { return Err("there was no old file to stay".to_owned()) };
        if self.world.intruder.took_target {
            return Ok(());
        }
        demand(self.target() == Some(before.node), || "the name has another file".to_owned())?;
        self.is_source(before.node)?;
        demand(!self.source_seemed_to_change(), || "the source changed, and nothing was said".to_owned())?;
        let witness = &self.world.witness;
        demand(witness.last_stat_call > witness.last_read_call, || "the source was not looked at again".to_owned())?;
        let options = &self.scenario.options;
        let has_to_be_made = options.in_place
            || options.durable
            || options.backup != Backup::No
            || options.removal == Removal::Always
            || (options.sparse, options.reflink) != (Sparse::Auto, Reflink::Auto);
        demand(!has_to_be_made, || "the options ask for another file".to_owned())?;
        let now = &self.world.tree.inodes[before.node].attributes;
        let looks = |a: &super::tree::Attributes| (a.mode, a.uid, a.gid, a.flags, a.xattrs.clone());
        demand(looks(now) == looks(&before.attributes), || "the file that stays looks different".to_owned())?;
        if self.world.intruder.took_source {
            return Ok(());
        }
        let (source, preserve) = (&self.world.tree.inodes[self.scenario.source].attributes, &options.preserve);
        demand(!preserve.mode.wanted() || now.mode == source.mode, || "the mode was not preserved".to_owned())?;
        let owners = ((now.uid, now.gid), (source.uid, source.gid));
        demand(!preserve.ownership.wanted() || owners.0 == owners.1, || "the owner was not preserved".to_owned())?;
        demand(!preserve.xattr.wanted() || now.xattrs == source.xattrs, || {
            "an attribute was not preserved".to_owned()
        })?;
        // Pages of a mapping may be written back after the last look, which gives the source another time.
        let seen = witness.first_stat.map_or(source.mtime, |stat| stat.mtime);
        let (is_kept, is_new) = (now.mtime == seen, now.mtime > before.attributes.mtime);
        demand(if preserve.timestamps.wanted() { is_kept } else { is_new }, || "its time is not right".to_owned())
    }

    fn nothing_swallowed(&self, copied: &Copied) -> Result<(), Broken> {
        // What cannot be read of a part is written anew, and read back; or the part is given up.
        let is_kept = self.scenario.options.unfinished == Unfinished::Kept;
        // And where a part cannot be made there is an ordinary temporary.
        // And an old file that looks like an earlier copy is replaced where it cannot be read.
        let was_old = self.scenario.has_twin && !self.world.witness.source_unread;
        let is_mended = |fault| {
            fault == Fault::ReadError && (copied.continued || is_kept || was_old) || fault == Fault::Quota && is_kept
        };
        let struck = FATAL.iter().find(|fault| self.world.counts.of(**fault) != 0 && !is_mended(**fault));
        demand(struck.is_none(), || format!("success after {struck:?}"))
    }

    /// A new file does not take the name from one that came to be meanwhile.
    fn nothing_destroyed(&self, copied: &Copied) -> Result<(), Broken> {
        let lost = |planted: &Node| copied.placement == Placement::New && self.world.tree.inodes[*planted].nlink == 0;
        demand(!self.world.intruder.planted.is_some_and(|planted| lost(&planted)), || {
            "a stranger's file was replaced".to_owned()
        })
    }

    /// What was verified from its device is there.
    fn is_on_its_device(&self, copied: &Copied, node: Node) -> Result<(), Broken> {
        let Some(content) = self.world.tree.content(node) else { return Ok(()) };
        let is_there = content.stable.content() == content.whole();
        demand(copied.verified != Verified::Device || is_there, || "the device has something else".to_owned())
    }

    /// The file that the copy says it made; it has the name unless somebody else took that.
    fn copied_node(&self, copied: &Copied) -> Result<Node, Broken> {
        // An old file whose stat failed in the end has no identity, but it has its name.
        let identity =
            copied.identity.map(|(_, ino)| ino as Node - 1).or(self.target()).ok_or("success, but no file")?;
        let named = self.target() == Some(identity);
        demand(named || self.world.intruder.took_target, || "success, but the name has another file".to_owned())?;
        Ok(identity)
    }

    /// Whether the file's bytes are the source's: see the head of this file for a moving one.
    fn is_source(&self, node: Node) -> Result<(), Broken> {
        let found = self.bytes(node);
        let versions = &self.world.intruder.versions;
        if versions.len() == 1 {
            let at = found.iter().zip(&versions[0]).position(|(found, source)| found != source);
            let lengths = (found.len(), versions[0].len());
            return demand(found == versions[0], || {
                format!("the target differs, first at {at:?}, lengths {lengths:?}")
            });
        }
        // A page that is mapped and dirty is written without a new time.
        if self.scenario.options.require_stable && self.world.counts.of(Fault::IntruderMaps) == 0 {
            return demand(versions.contains(&found), || {
                "the target is no one state of a source that must be stable".to_owned()
            });
        }
        let lengths = versions.iter().map(Vec::len);
        let bounds = lengths.clone().min().unwrap_or(0)..=lengths.max().unwrap_or(0);
        demand(bounds.contains(&found.len()), || format!("the target's length {} is not in {bounds:?}", found.len()))?;
        let strange = (0..found.len()).find(|at| !versions.iter().any(|version| version.get(*at) == Some(&found[*at])));
        demand(strange.is_none(), || format!("byte {strange:?} is none the source had there during the copy"))
    }

    /// Every byte of these small files is read, but where the kernel alone has moved them.
    fn digest(&self, copied: &Copied, node: Node) -> Result<(), Broken> {
        let was_moved_unread = matches!(copied.verified, Verified::No | Verified::Blocks)
            && matches!(copied.strategy, Strategy::Reflink | Strategy::Offload);
        let options = &self.scenario.options;
        let is_due = options.verify == Verify::Blake3 || options.tells_digests() && !was_moved_unread;
        demand(copied.digest().is_some() == is_due, || format!("digest: {:?}, due: {is_due}", copied.digest()))?;
        let Some(digest) = copied.digest() else { return Ok(()) };
        if self.world.intruder.took_target {
            return Ok(());
        }
        demand(digest == blake3::hash(&self.bytes(node)), || "the digest is not that of the target".to_owned())
    }

    /// The source is looked at again after its last byte was read, and what that showed is said.
    fn change_was_said(&self, copied: &Copied) -> Result<(), Broken> {
        let witness = &self.world.witness;
        if witness.last_stat.is_none() {
            return Ok(());
        }
        demand(witness.last_stat_call > witness.last_read_call, || "the source was not looked at again".to_owned())?;
        demand(copied.changed || !self.source_seemed_to_change(), || {
            "the source changed, and nothing was said".to_owned()
        })?;
        demand(!copied.changed || !self.scenario.options.require_stable, || "changed, but --require-stable".to_owned())
    }

    /// Whether stat showed a change. On ZFS that may be an old one: pages written through a mapping
    /// give the file new times when they are written back, which may be during the copy.
    fn source_seemed_to_change(&self) -> bool {
        let seen = |stat: Option<Stat>| stat.map(|stat| (stat.size, stat.mtime, stat.ctime));
        seen(self.world.witness.first_stat) != seen(self.world.witness.last_stat)
    }

    /// Owner, mode, times and attributes are the old file's, or the source's where preserved.
    fn looks_as_promised(&self, copied: &Copied, node: Node) -> Result<(), Broken> {
        let intruder = &self.world.intruder;
        if intruder.took_source || intruder.took_target || !copied.complaints.is_empty() {
            return Ok(());
        }
        let inode = &self.world.tree.inodes[node].attributes;
        let source = &self.world.tree.inodes[self.scenario.source].attributes;
        let options = &self.scenario.options;
        let preserve = &options.preserve;
        let is_another = matches!(copied.placement, Placement::Supplant | Placement::Own);
        let old = self.scenario.before.as_ref().filter(|_| !is_another);
        if preserve.timestamps == Keep::Must {
            let seen = self.world.witness.first_stat.map_or(source.mtime, |stat| stat.mtime);
            demand(inode.mtime == seen, || "the time was not preserved".to_owned())?;
        }
        if preserve.xattr == Keep::Must {
            let kept = source.xattrs.iter().all(|attribute| inode.xattrs.contains(attribute));
            demand(kept, || "an attribute was not preserved".to_owned())?;
        }
        if preserve.ownership == Keep::Must && options.privileged {
            demand((inode.uid, inode.gid) == (source.uid, source.gid), || "the owner was not preserved".to_owned())?;
        }
        // Who is not the owner that the source had gets no rights by owner, and where that was refused others get none.
        let was_refused = self.world.counts.of(Fault::AttributeError) != 0;
        let special = match was_refused {
            true if preserve.ownership != Keep::No => 0o7077,
            false if options.privileged => 0,
            true | false => 0o7000,
        };
        let mode = match old {
            _ if preserve.mode == Keep::Must => source.mode,
            _ if preserve.mode == Keep::Try || preserve.ownership != Keep::No => return Ok(()),
            Some(old) => old.attributes.mode,
            None if preserve.default_mode => 0o666 & !options.umask,
            None => source.mode & 0o777 & !options.umask,
        };
        demand(inode.mode & !special == mode & !special, || format!("mode {:o} instead of {mode:o}", inode.mode))?;
        if let Some(old) = old {
            demand(inode.flags == old.attributes.flags, || "the new file lacks the old one's flags".to_owned())?;
        }
        if let (Some(old), Keep::No, Keep::No) = (old, preserve.ownership, preserve.xattr) {
            let looks = |a: &super::tree::Attributes| (a.uid, a.gid, a.xattrs.clone());
            demand(looks(inode) == looks(&old.attributes), || "the new file does not look like the old".to_owned())?;
        }
        Ok(())
    }

    /// The old target has its backup name, and is what it was.
    fn is_backed_up(&self) -> Result<(), Broken> {
        let Some(before) = &self.scenario.before else { return Ok(()) };
        if self.scenario.options.backup == Backup::No || self.world.intruder.took_target {
            return Ok(());
        }
        demand(self.has_backup(), || "the old target has no backup name".to_owned())?;
        self.is_old(before)
    }

    fn has_backup(&self) -> bool {
        let entries = self.world.tree.entries(self.scenario.target_dir).unwrap_or_default();
        entries.iter().any(|(name, _)| *name == *"target~" || *name == *"target.~1~")
    }

    fn holes(&self, copied: &Copied, node: Node) -> Result<(), Broken> {
        let Some(content) = self.world.tree.content(node) else { return Ok(()) };
        let spoiled = self.world.counts.any(&[Fault::LostWrite, Fault::WrongWrite]);
        let whole = super::content::touched(0, content.size());
        let dense = content.now.blocks & whole == whole;
        let never = self.scenario.options.sparse == Sparse::Never && !spoiled && !self.world.intruder.took_target;
        demand(!never || dense || copied.strategy == Strategy::Reflink, || "--sparse=never left a hole".to_owned())
    }

    /// In a benign world nothing keeps a copy from using the best strategy its facts allow. Asked
    /// only where the answer is plain: an honest filesystem, or a mapped file on ZFS.
    fn first_able(&self, copied: &Copied) -> Result<(), Broken> {
        if !matches!(self.scenario.class, Class::Benign | Class::Unverified) {
            return Ok(());
        }
        let Some(expected) = self.expected() else { return Ok(()) };
        // A part with bytes where the source has a hole is given up, and the next strategy begins anew.
        let gave_up_part = self.scenario.options.unfinished == Unfinished::Kept
            && matches!(copied.fallbacks.last(), Some((Strategy::Extents, Fallback::Different(_))))
            && expected == Strategy::Extents;
        demand(copied.strategy == expected || gave_up_part, || format!("{} where {expected} could", copied.strategy))
    }

    fn expected(&self) -> Option<Strategy> {
        let (options, world) = (&self.scenario.options, &self.world);
        let clone_faults = [
            Fault::CloneUnsupported,
            Fault::CrossDevice,
            Fault::CloneDirty,
            Fault::CloneInterrupted,
            Fault::CloneBroken,
            Fault::SeekUnsupported,
            Fault::ZeroOffload,
            Fault::Interrupted,
        ];
        if world.counts.any(&clone_faults) || self.scenario.source_content.is_empty() {
            return None;
        }
        let system = world.system(self.scenario.source);
        let same = world.tree.inodes[self.scenario.target_dir].system == world.tree.inodes[self.scenario.source].system;
        // A clone of a small file is not worth its proof.
        let is_small = self.scenario.source_content.len() as u64 <= self.scenario.geometry.small;
        let shares = options.sparse == Sparse::Auto
            && options.reflink != Reflink::Never
            && (options.verify == Verify::Nothing || !is_small);
        match system.zfs {
            _ if options.hints == Hints::Never => Some(Strategy::Stream),
            _ if options.reflink == Reflink::Always => Some(Strategy::Reflink),
            None if system.magic == super::system::UNKNOWN_MAGIC => None,
            None if shares && system.reflink && same => Some(Strategy::Reflink),
            None if shares && options.verify == Verify::Nothing && !self.looks_sparse() && same => {
                Some(Strategy::Offload)
            }
            None if options.sparse == Sparse::Never => Some(Strategy::Stream),
            None if self.looks_sparse() => Some(Strategy::Extents),
            None => Some(Strategy::Stream),
            Some(zfs) if world.tree.content(self.scenario.source)?.resident != 0 => {
                let release = self.scenario.claimed.unwrap_or(zfs.version);
                let hidden = world.counts.any(&[Fault::CachestatMissing, Fault::ResidencyRefused]);
                let may_clone = release >= MAPPED_CLONES && zfs.next_sync && !hidden;
                if may_clone { None } else { Some(Strategy::Stream) }
            }
            Some(_) => None,
        }
    }

    fn looks_sparse(&self) -> bool {
        let stat = self.world.stat(self.scenario.source);
        stat.blocks < stat.size.div_ceil(512)
    }

    fn failure(&self, error: &Error) -> Result<(), Broken> {
        let counts = &self.world.counts;
        let benign = match self.scenario.class {
            Class::Benign | Class::Unverified => true,
            Class::Crash => !self.world.dead,
            // Lies alone are no reason to fail: reading and writing every byte is left.
            Class::Hostile => !counts.any(HOSTILE),
            Class::Intruded => false,
        };
        demand(!benign || self.may_refuse(), || format!("a benign world failed: {error}"))?;
        let could_undo = !self.world.dead && !counts.any(&[Fault::UnlinkError, Fault::NamingError, Fault::StatError]);
        // A directory that cannot be synced fails the copy when the new file has its name already.
        let stays = self.scenario.before.as_ref().is_some_and(|before| self.target() == Some(before.node));
        demand(!could_undo || !stays || !self.has_backup(), || "a failed copy left a backup".to_owned())?;
        // A new file that was written under its own name, as no other could be had, and then not be removed.
        let had_no_other =
            counts.any(&[Fault::OpenRefusedLate, Fault::OpenError, Fault::NamingError]) || !self.gives_names();
        let is_told = error.to_string().contains("cannot remove 'target', which is incomplete");
        if is_told && had_no_other && !could_undo && self.scenario.before.is_none() {
            return Ok(());
        }
        let only_copy = self.scenario.before.as_ref().filter(|before| self.is_only_backed_up(before));
        if only_copy.is_some() && (self.target().is_none() || is_told && !could_undo) {
            let said = error.to_string();
            let is_named = ["'target~'", "'target.~1~'"].iter().any(|name| said.contains(name));
            return demand(is_named, || "nobody says under which name the old file is now".to_owned());
        }
        // An old file that was to be removed has gone before its name could be had, or was written from another filesystem. That the
        // copy is there is asked elsewhere.
        let left = ["is missing", "is incomplete", "may be incomplete"]
            .map(|left| format!("'target' {left}, a verified copy of 'source' is '"));
        let is_kept = left.iter().any(|left| error.to_string().contains(left));
        let had_to_go = self.scenario.options.removal != Removal::Never && had_no_other;
        // Where the copy could have no name either, that is told.
        let is_unnamed = counts.any(&[Fault::NamingError, Fault::OpenError, Fault::NoSpace, Fault::Quota])
            && ["is incomplete", "is missing"].iter().any(|left| {
                let said = format!("'target' {left}, and no copy of 'source' could be kept");
                error.to_string().contains(&said)
            });
        if (is_kept || is_unnamed) && !self.gives_names() || is_kept && had_to_go {
            return Ok(());
        }
        self.old_or_new()
    }

    /// Whether the target's filesystem gives names to what is there, and any name.
    fn gives_names(&self) -> bool {
        let system = self.world.system(self.scenario.target_dir);
        system.renames && system.links && system.dots
    }

    /// Options and filesystems that leave no way to succeed.
    fn may_refuse(&self) -> bool {
        let options = &self.scenario.options;
        let system = self.world.system(self.scenario.target_dir);
        let on_honest = system.zfs.is_none();
        // Small files stay in metadata there.
        let packs = system.packs && !system.tmpfile;
        let loses_backup = options.backup != Backup::No && self.scenario.before.is_some() && !self.gives_names();
        options.reflink == Reflink::Always
            || loses_backup
            || options.verify == Verify::Device
                && (!on_honest || packs || self.scenario.kernel < (5, 19) || self.refuses_residency())
            || options.require_stable && self.source_seemed_to_change()
            || !self.world.allows(self.scenario.source, 4)
            || self.scenario.before.as_ref().is_some_and(|before| !self.world.allows(before.node, 6))
    }

    fn refuses_residency(&self) -> bool {
        let is_unknown = self.world.systems.iter().any(|system| system.magic == super::system::UNKNOWN_MAGIC);
        is_unknown || self.world.counts.of(Fault::ResidencyRefused) != 0
    }

    /// The target is the old file or the new one, whole.
    fn old_or_new(&self) -> Result<(), Broken> {
        if self.world.intruder.took_target {
            return Ok(());
        }
        match (self.target(), &self.scenario.before) {
            (None, None) => Ok(()),
            (None, Some(before)) if self.is_only_backed_up(before) => Ok(()),
            (None, Some(_)) => Err("the old file is gone".to_owned()),
            (Some(node), Some(before)) if node == before.node => self.is_old(before),
            (Some(node), None) if self.is_placeholder(node) => Ok(()),
            (Some(node), Some(before)) if self.is_placeholder(node) && self.is_only_backed_up(before) => Ok(()),
            (Some(node), _) => self.is_source(node).map_err(|broken| format!("neither old nor new: {broken}")),
        }
    }

    /// Where it could have no second name, the old file has its backup's alone for a moment, and keeps it if it cannot be
    /// renamed again.
    fn is_only_backed_up(&self, before: &Before) -> bool {
        let entries = self.world.tree.entries(self.scenario.target_dir).unwrap_or_default();
        let is_backup = |name: &OsStr| name == "target~" || name == "target.~1~";
        let has_name = entries.iter().any(|(name, node)| is_backup(name) && (before.linked || *node == before.node));
        has_name && self.world.counts.any(&[Fault::NamingError, Fault::NoSpace, Fault::Quota])
    }

    /// Where neither RENAME_NOREPLACE nor a link is to be had, an empty file takes a new name for a moment, and stays if
    /// it cannot be removed.
    fn is_placeholder(&self, node: Node) -> bool {
        let counts = &self.world.counts;
        counts.of(Fault::NamingError) != 0 && self.bytes(node).is_empty()
    }

    fn is_old(&self, before: &Before) -> Result<(), Broken> {
        // Where no temporary can lie beside it, it is written from a copy elsewhere, and a directory that then cannot be synced is an error.
        let is_whole = !self.gives_names() && self.is_source(before.node).is_ok();
        if is_whole || self.may_write_in_place(before) {
            return Ok(());
        }
        let now = snapshot(self.world, before.node);
        demand(now.content == before.content, || "the old file has other bytes".to_owned())?;
        let looks =
            |of: &Before| (of.attributes.mode, of.attributes.uid, of.attributes.gid, of.attributes.xattrs.clone());
        demand(looks(&now) == looks(before), || "the old file looks different".to_owned())
    }

    fn may_write_in_place(&self, before: &Before) -> bool {
        let options = &self.scenario.options;
        let owner = (before.attributes.uid, before.attributes.gid);
        options.backup == Backup::No
            && (options.in_place
                || before.nlink > 1
                || !options.privileged && owner != (self.world.uid, self.world.gid)
                || self.world.counts.any(&[
                    Fault::AttributeError,
                    Fault::StatError,
                    Fault::OpenError,
                    Fault::OpenRefusedLate,
                    Fault::UnlinkError,
                ]))
    }

    /// The process or the power is gone: the world as the next process finds it.
    fn death(&mut self, death: Death) -> Result<(), Broken> {
        self.world.recover(death);
        self.old_or_new().map_err(|broken| format!("after {death:?}: {broken}"))
    }

    /// What was called durable outlives the power; without that word, an old file that was replaced
    /// and the new one do not go together.
    fn power_loss_after(&mut self, copied: &Copied) -> Result<(), Broken> {
        if self.world.intruder.took_target || copied.placement == Placement::Through {
            return Ok(());
        }
        if self.world.counts.of(Fault::SpoiledDevice) != 0 && copied.verified != Verified::Device {
            return Ok(());
        }
        if !self.scenario.options.durable {
            // Where nothing is renamed over it, the old file goes before.
            let replaces = matches!(copied.placement, Placement::Replace | Placement::Supplant) && self.gives_names();
            return if replaces { self.death(Death::PowerLoss) } else { Ok(()) };
        }
        self.world.count(Fault::PowerLossAfter);
        let node = self.copied_node(copied)?;
        let before = self.world.tree.inodes[node].attributes.clone();
        self.world.recover(Death::PowerLoss);
        let after = |broken| format!("after a power loss: {broken}");
        demand(self.target() == Some(node), || after("the name has another file".to_owned()))?;
        self.is_source(node).map_err(after)?;
        let looks = |a: &super::tree::Attributes| (a.mode, a.uid, a.gid, a.mtime, a.xattrs.clone());
        let now = &self.world.tree.inodes[node].attributes;
        demand(looks(now) == looks(&before), || after("owner, mode, time or attributes are older".to_owned()))
    }
}
