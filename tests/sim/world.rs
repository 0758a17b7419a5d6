//! The state behind the simulated kernel, and what happens around every call.
//!
//! A call is counted, may be the one at which the process dies or the power fails, gives the
//! intruder and the transaction groups their turn, and may be interrupted; only then does it do its
//! work (in kernel.rs and transfer.rs). Everything that happens goes into a running hash, so that
//! two runs of a seed can be compared, and into a readable trace when one is asked for.

use super::call::{Call, Strike};
use super::faults::{Counts, Fault, Rates};
use super::intruder::Intruder;
use super::random::Random;
use super::system::{EXT4_MAGIC, System};
use super::tree::{Attributes, Body, LISTED, Node, ROOT, Tree};
use super::trees::stranger::Stranger;
use rustix::fs::{OFlags, ResolveFlags};
use rustix::io::Errno;
use safecp::kernel::{Kind, Result, Stat, Timestamp};
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// Calls after which a world is stopped: an engine that needs more is going in circles.
const CALLS_MAX: u64 = 6000;

/// The list of a file, and the one that a directory hands down.
pub const ACCESS_LIST: &str = "system.posix_acl_access";
pub const DEFAULT_LIST: &str = "system.posix_acl_default";

/// An open file description.
#[derive(Clone, Copy, Debug)]
pub struct Opened {
    pub node: Node,
    pub flags: OFlags,
    pub position: u64,
    /// The inode number that it had when it was opened, and has for this handle.
    pub number: u64,
}

/// How the process ended before it wanted to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Death {
    /// The process was killed; what it did stays.
    Killed,
    /// The power failed; what was not made stable may be gone.
    PowerLoss,
}

/// What the oracle wants to know about the calls that were made.
#[derive(Clone, Debug, Default)]
pub struct Witness {
    /// The inode whose reading is watched.
    pub source: Option<Node>,
    /// What the first and the last fstat of it said, and when the last was.
    pub first_stat: Option<Stat>,
    pub last_stat: Option<Stat>,
    pub last_stat_call: u64,
    /// When its content was last read.
    pub last_read_call: u64,
    /// A read of it has failed.
    pub source_unread: bool,
    /// A call that would never have returned, such as opening a fifo nobody writes to.
    pub hung: Option<&'static str>,
    /// A file was cloned on ZFS although some of its pages could be seen to be dirty.
    pub cloned_dirty: bool,
    /// More calls than any copy needs.
    pub exhausted: bool,
    /// What of that which the run was not given was touched.
    pub outside: Option<&'static str>,
    /// When each name was first looked up by its own call; kept where somebody asks for it.
    pub looks: Option<Vec<(Node, OsString, u64)>>,
}

impl Witness {
    /// A name is looked up.
    pub fn inspect(&mut self, dir: Node, name: &OsStr, call: u64) {
        let Some(looks) = &mut self.looks else { return };
        if !looks.iter().any(|(at, inspected, _)| *at == dir && inspected == name) {
            looks.push((dir, name.to_owned(), call));
        }
    }
}

/// The nanoseconds of a tick at 250 Hz.
pub const COARSE: u64 = 4_000_000;

/// A simulated machine.
#[derive(Debug)]
pub struct World {
    pub tree: Tree,
    pub systems: Vec<System>,
    pub opened: Vec<Option<Opened>>,
    pub random: Random,
    pub rates: Rates,
    pub counts: Counts,
    pub intruder: Intruder,
    /// Who meddles with a tree.
    pub stranger: Option<Box<Stranger>>,
    /// Calls that fail.
    pub strikes: Vec<Strike>,
    /// The kind of the last call that one struck.
    pub struck: Option<Call>,
    /// Handles that may be open at once.
    pub handles_max: usize,
    /// Numbers of inodes that are gone are given again.
    pub reuses_numbers: bool,
    pub witness: Witness,
    pub calls: u64,
    /// Calls after which it is stopped.
    pub calls_max: u64,
    /// Inodes that are locked, where several processes have to respect that.
    pub locks: Option<Vec<Lock>>,
    /// Directories that were removed, which somebody may have open.
    pub removed: Vec<Node>,
    /// At which call the world ends, and how.
    pub death: Option<(u64, Death)>,
    pub dead: bool,
    pub uid: u32,
    pub gid: u32,
    pub umask: u32,
    /// Nanoseconds between two changes of the clock that files are stamped with.
    pub tick: u64,
    /// Nanoseconds that a call takes.
    pub pace: u64,
    /// So many nanoseconds were slept.
    pub slept: u64,
    hash: u64,
    pub trace: Option<Vec<String>>,
}

/// A lock of flock(2).
#[derive(Clone, Copy, Debug)]
pub struct Lock {
    pub node: Node,
    /// Who holds it, until it is closed.
    pub handle: usize,
    /// It was asked for as one that others may have as well.
    pub is_shared: bool,
}

impl World {
    /// An empty root directory on `systems[0]`, owned by root, where nothing goes wrong.
    /// Makes /var/tmp on a disk of its own.
    pub fn add_temporary_directory(&mut self) {
        self.systems.push(System::honest(EXT4_MAGIC, false));
        let mut above = ROOT;
        for name in ["var", "tmp"] {
            let (attributes, system) = (self.attributes(0o777), self.systems.len() - 1);
            let body = Body::Directory { entries: Vec::new(), parent: above };
            let node = self.tree.add(system, Kind::Directory, body, attributes);
            self.tree.set(above, name.as_ref(), Some(node));
            above = node;
        }
    }

    pub fn new(seed: u64, systems: Vec<System>) -> Self {
        let mut world = Self {
            tree: Tree::default(),
            systems,
            opened: Vec::new(),
            random: Random::new(seed),
            rates: Rates::none(),
            counts: Counts::default(),
            intruder: Intruder::default(),
            stranger: None,
            strikes: Vec::new(),
            struck: None,
            handles_max: usize::MAX,
            reuses_numbers: false,
            witness: Witness::default(),
            calls: 0,
            calls_max: CALLS_MAX,
            locks: None,
            removed: Vec::new(),
            death: None,
            dead: false,
            uid: 0,
            gid: 0,
            umask: 0o022,
            tick: 1,
            pace: 1000,
            slept: 0,
            hash: seed,
            trace: None,
        };
        let attributes = world.attributes(0o755);
        world.tree.add(0, Kind::Directory, Body::Directory { entries: Vec::new(), parent: ROOT }, attributes);
        world.tree.inodes[ROOT].nlink = 1;
        world.tree.folding = world.systems.iter().map(|system| system.folding).collect();
        world
    }

    /// The time files are stamped with: it moves with every call and pause, in ticks.
    pub fn now(&self) -> Timestamp {
        let nanos = (self.calls * self.pace + self.slept) / self.tick * self.tick;
        Timestamp { seconds: 1_800_000_000 + (nanos / 1_000_000_000) as i64, nanos: (nanos % 1_000_000_000) as u32 }
    }

    /// Those of a file that is made now.
    pub fn attributes(&self, mode: u32) -> Attributes {
        let now = self.now();
        let (uid, gid) = (self.uid, self.gid);
        Attributes { mode, uid, gid, atime: now, mtime: now, ctime: now, xattrs: Vec::new(), flags: 0 }
    }

    /// Whether the fault strikes now; it is counted if it does, so ask only where it has an effect.
    pub fn strikes(&mut self, fault: Fault) -> bool {
        let strikes = self.random.once_in(self.rates.of(fault));
        if strikes {
            self.count(fault);
        }
        strikes
    }

    pub fn count(&mut self, fault: Fault) {
        self.counts.0[fault as usize] += 1;
        if self.trace.is_some() {
            self.say(format_args!("        * {fault:?}"));
        }
    }

    /// The first of the faults that strikes, as the error number that goes with it.
    pub fn fails(&mut self, faults: &[(Fault, Errno)]) -> Result<()> {
        for (fault, errno) in faults {
            if self.strikes(*fault) {
                return Err(*errno);
            }
        }
        Ok(())
    }

    /// What happens before every call; see the head of this file.
    pub fn enter(&mut self, call: Call) -> Result<()> {
        self.calls += 1;
        if self.dead {
            return Err(Errno::IO);
        }
        if self.calls > self.calls_max {
            self.witness.exhausted = true;
            return Err(Errno::IO);
        }
        let calls = self.calls;
        if let Some((_, death)) = self.death.filter(|(call, _)| calls >= *call) {
            self.dead = true;
            self.count(if death == Death::Killed { Fault::Killed } else { Fault::PowerLoss });
            return Err(Errno::IO);
        }
        if self.strikes(Fault::GroupSynced) {
            self.sync_group();
        }
        self.intrude();
        self.meddle();
        self.strike(call)?;
        if call.is_interruptible() { self.fails(&[(Fault::Interrupted, Errno::INTR)]) } else { Ok(()) }
    }

    /// Whether this is a call that fails.
    fn strike(&mut self, call: Call) -> Result<()> {
        let strike = self.strikes.iter_mut().find(|strike| strike.of.is_none_or(|of| of == call));
        let Some(strike) = strike else { return Ok(()) };
        if strike.spared > 0 {
            strike.spared -= 1;
            return Ok(());
        }
        if strike.times == 0 {
            return Ok(());
        }
        strike.times -= 1;
        let errno = strike.errno;
        self.count(Fault::Struck);
        self.struck = Some(call);
        Err(errno)
    }

    /// Locks an inode for a handle, unless another handle holds it, and not both would share it.
    pub fn lock(&mut self, wanted: Lock) -> Result<()> {
        let Some(locks) = &mut self.locks else { return Ok(()) };
        let others = locks.iter().filter(|held| held.node == wanted.node && held.handle != wanted.handle);
        if others.into_iter().any(|held| !(held.is_shared && wanted.is_shared)) {
            return Err(Errno::AGAIN);
        }
        locks.retain(|held| held.node != wanted.node || held.handle != wanted.handle);
        locks.push(wanted);
        Ok(())
    }

    /// The number that a file shows where it is reached by this name.
    pub fn number(&self, node: Node, dir: Node, name: &OsStr) -> u64 {
        let inode = &self.tree.inodes[node];
        if !self.systems[inode.system].numbers_names || inode.kind == Kind::Directory {
            return inode.number;
        }
        let of_name = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        name.as_bytes().iter().fold(dir as u64, of_name) | 1 << 40
    }

    /// Frees the numbers of inodes that nothing leads to any more.
    pub fn free_numbers(&mut self) {
        for node in 0..self.tree.inodes.len() {
            let inode = &self.tree.inodes[node];
            let is_held = inode.nlink > 0 || !inode.linkable;
            if is_held || self.opened.iter().flatten().any(|opened| opened.node == node) {
                continue;
            }
            let freed = (inode.system, inode.number);
            self.tree.inodes[node].linkable = false;
            self.tree.free.push(freed);
        }
    }

    /// Remembers who could get at a file that has a name and bytes.
    pub fn expose(&mut self, node: Node) {
        let inode = &mut self.tree.inodes[node];
        let is_there = inode.nlink > 0 && matches!(&inode.body, Body::File(content) if content.size() > 0);
        if !is_there {
            return;
        }
        let Attributes { mode, xattrs, .. } = &inode.attributes;
        let is_listed = mode & 0o070 != 0 && xattrs.iter().any(|(name, _)| name == ACCESS_LIST);
        inode.exposed |= mode & 0o077 | if is_listed { LISTED } else { 0 };
    }

    /// Handles that list a directory go on where they were, whatever went before that.
    pub fn follow_removals(&mut self) {
        for (dir, at) in std::mem::take(&mut self.tree.removed) {
            for opened in self.opened.iter_mut().flatten().filter(|opened| opened.node == dir) {
                if opened.position > at as u64 {
                    opened.position -= 1;
                }
            }
        }
    }

    /// The kernel writes dirty pages out of its own accord, and a transaction group ends on every ZFS.
    pub fn sync_group(&mut self) {
        for node in 0..self.tree.inodes.len() {
            self.write_back(node);
            let is_zfs = self.system(node).zfs.is_some();
            match self.tree.content_mut(node) {
                Some(content) if is_zfs => content.sync(),
                Some(content) => content.make_stable(),
                None => {}
            }
        }
    }

    /// What happens after every call: it is written down.
    pub fn leave(&mut self, call: fmt::Arguments<'_>, errno: Option<Errno>) {
        if self.reuses_numbers {
            self.free_numbers();
        }
        let code = errno.map_or(0, |errno| errno.raw_os_error() as u64);
        self.note(code);
        if self.trace.is_some() {
            let number = self.calls;
            match errno {
                Some(errno) => self.say(format_args!("{number:5} {call} = {errno:?}")),
                None => self.say(format_args!("{number:5} {call}")),
            }
        }
    }

    /// Adds a number to the hash of all that happened.
    pub fn note(&mut self, number: u64) {
        self.hash = (self.hash ^ number).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29);
    }

    /// The hash of all that happened, chance included.
    pub fn hash(&mut self) -> u64 {
        let next = self.random.next();
        self.note(next);
        let calls = self.calls;
        self.note(calls);
        self.hash
    }

    pub fn say(&mut self, line: fmt::Arguments<'_>) {
        if let Some(trace) = &mut self.trace {
            trace.push(line.to_string());
        }
    }

    /// After a death, or a power loss after success: all handles are gone, and so is what was not
    /// made stable, if it was the power that failed.
    pub fn recover(&mut self, death: Death) {
        // Nobody has them open any more, and one may be back.
        self.removed.clear();
        self.opened.clear();
        self.dead = false;
        self.death = None;
        self.rates = Rates::none();
        self.intruder.acts = 0;
        if death == Death::PowerLoss {
            self.tree.lose_power(&mut self.random);
        }
    }

    pub fn opened(&self, number: usize) -> Opened {
        self.opened[number].expect("a File is dropped before its number is reused")
    }

    pub fn stat(&self, node: Node) -> Stat {
        let inode = &self.tree.inodes[node];
        let (size, blocks, rdev) = match &inode.body {
            Body::File(content) => {
                let zfs = self.systems[inode.system].zfs.is_some();
                let blocks = if zfs { content.map.blocks } else { content.now.blocks };
                let bytes = blocks.count_ones() as usize * super::content::PAGE;
                (content.size() as u64, bytes.div_ceil(512) as u64, 0)
            }
            Body::Directory { entries, .. } => (entries.len() as u64, 0, 0),
            Body::Symlink(content) => (content.len() as u64, 0, 0),
            Body::Special(rdev) => (0, 0, *rdev),
        };
        let attributes = &inode.attributes;
        Stat {
            dev: inode.system as u64 + 1,
            ino: inode.number,
            kind: inode.kind,
            mode: attributes.mode,
            nlink: inode.nlink,
            uid: attributes.uid,
            gid: attributes.gid,
            rdev,
            size,
            blocks,
            atime: attributes.atime,
            mtime: attributes.mtime,
            ctime: attributes.ctime,
        }
    }

    /// The file a path leads to when nothing is in the way: for worlds and oracles.
    pub fn at(&self, path: &str) -> Option<Node> {
        self.tree.walk(ROOT, Path::new(path), false, ResolveFlags::empty()).ok()?.found
    }

    /// Whether the process may do to the file what `bits` (4 read, 2 write, 1 execute) ask.
    pub fn allows(&self, node: Node, bits: u32) -> bool {
        let attributes = &self.tree.inodes[node].attributes;
        let shift = match (self.uid == attributes.uid, self.gid == attributes.gid) {
            (true, _) => 6,
            (false, true) => 3,
            (false, false) => 0,
        };
        self.uid == 0 || attributes.mode >> shift & bits == bits
    }

    /// The content of `node` changed: its times say so.
    pub fn touch(&mut self, node: Node) {
        let now = self.now();
        let attributes = &mut self.tree.inodes[node].attributes;
        (attributes.mtime, attributes.ctime) = (now, now);
    }

    /// Something else about `node` changed.
    pub fn touch_inode(&mut self, node: Node) {
        self.tree.inodes[node].attributes.ctime = self.now();
    }
}
