//! One world from its seed: filesystems, a source with a past, a target, options, and what goes wrong.
//!
//! Every world belongs to a [`Class`], which says what may go wrong in it and so what the oracle may
//! demand. All choices come from the seed, so that a world can be run again from it alone.

use super::content::{Content, PAGE, touched};
use super::faults::{Fault, Rates};
use super::intruder::Intruder;
use super::random::Random;
use super::system::{BTRFS_MAGIC, EXT4_MAGIC, System, UNKNOWN_MAGIC, XFS_MAGIC, Zfs};
use super::tree::{Attributes, Body, Node, ROOT};
use super::world::{COARSE, Death, World};
use safecp::copy::Geometry;
use safecp::kernel::{Kind, Timestamp};
use safecp::options::{
    Backup, Hints, Keep, Options, Preserve, Reflink, Removal, Sparse, Unfinished, Verbosity, Verify,
};
use std::ffi::{OsStr, OsString};

/// What may go wrong in a world.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// Only what a copier must cope with: the copy succeeds, by the first strategy that can.
    Benign,
    /// The same, and nothing is read back: each stage must be right by itself.
    Unverified,
    /// Everything that calls may answer, lies and errors.
    Hostile,
    /// The process dies or the power fails.
    Crash,
    /// Somebody else changes files and names.
    Intruded,
}

pub const CLASSES: [Class; 5] = [Class::Benign, Class::Unverified, Class::Hostile, Class::Crash, Class::Intruded];

/// Faults after which a copy must still succeed.
const BENIGN: &[Fault] = &[
    Fault::Interrupted,
    Fault::ShortRead,
    Fault::ShortWrite,
    Fault::ShortOffload,
    Fault::ZeroOffload,
    Fault::SeekUnsupported,
    Fault::CloneUnsupported,
    Fault::CrossDevice,
    Fault::CloneDirty,
    Fault::CloneInterrupted,
    Fault::CloneBroken,
    Fault::CachestatMissing,
    Fault::ResidencyRefused,
    Fault::GroupSynced,
    Fault::LostWriteback,
    Fault::LooksClean,
];

/// Faults that may fail a copy, or make a call lie.
pub const HOSTILE: &[Fault] = &[
    Fault::ZeroWrite,
    Fault::ReadError,
    Fault::WriteError,
    Fault::NoSpace,
    Fault::Quota,
    Fault::SyncError,
    Fault::CloseError,
    Fault::SeekError,
    Fault::OpenError,
    Fault::OpenRefusedLate,
    Fault::StatError,
    Fault::NamingError,
    Fault::UnlinkError,
    Fault::AttributeError,
    Fault::CloneError,
    Fault::CacheKept,
    Fault::LostWrite,
    Fault::WrongWrite,
    Fault::SpoiledDevice,
];

/// What a lying filesystem says of clones.
const LIES: &[Fault] = &[Fault::CloneNothing, Fault::ClonePrefix, Fault::CloneOld];

/// Faults that, once switched on, hold for the whole world.
const LASTING: &[Fault] = &[Fault::CachestatMissing, Fault::ResidencyRefused];

/// What stands at the target before the copy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Before {
    pub node: Node,
    /// It is reached through a symbolic link.
    pub linked: bool,
    pub content: Vec<u8>,
    pub attributes: Attributes,
    pub nlink: u64,
}

/// A world and what the oracle must know of it.
pub struct Scenario {
    pub class: Class,
    pub world: World,
    pub options: Options,
    pub geometry: Geometry,
    pub source: Node,
    pub source_content: Vec<u8>,
    pub before: Option<Before>,
    pub target_dir: Node,
    pub victim: Node,
    pub kernel: (u32, u32),
    /// The release of ZFS that /sys tells, where a distribution's is not what it says.
    pub claimed: Option<(u32, u32, u32)>,
    /// The name was found by a walk, and may lead nowhere outside; else it is an operand.
    pub in_tree: bool,
    /// The old target looks like an earlier copy.
    pub has_twin: bool,
}

/// How the names begin of what runs leave of large files.
pub const PART: &str = ".safecp-partial-";

/// What a file outside both trees holds, which no copy may read or write.
pub const SECRET: &[u8] = b"not yours";

/// Sets the stream that chooses backups apart from the one that chooses everything else.
const BACKUPS: u64 = 0x6261_636b_7570_7321;

/// The same for pages that are never written back.
const STUBBORN: u64 = 0x7374_7562_626f_726e;

/// Sets the stream that says whether the source is young apart from those that choose the world.
const YOUNG: u64 = 0x796f_756e_6721_2121;

/// The same for what counts as a small file.
const SMALL: u64 = 0x736d_616c_6c21_2121;

/// The same for who is told digests.
const DIGESTS: u64 = 0x6469_6765_7374_7321;

/// The same for old targets that chattr was used on.
const FLAGS: u64 = 0x666c_6167_7321_2121;

/// chattr's C.
const NO_COPY_ON_WRITE: u32 = 0x0080_0000;

/// The same for who reads both again, for who believes where a clone lies, and for who uses no hint.
const AGAIN: u64 = 0x5f3c_91aa_7e04_d21b;
const MAPPED: u64 = 0x70c4_2b8e_91d3_5fa6;
const HINTLESS: u64 = 0x1b77_c0de_9f31_56e5;

/// The same for runs that keep what they have of a large file (--partial).
const PARTS: u64 = 0x7061_7274_6961_6c21;

/// The same for filesystems that nobody knows and on which names are given only once, or do not begin with a dot.
const NAMES: u64 = 0x6e61_6d65_7321_2121;

/// The same for old targets that look like an earlier copy.
const TWINS: u64 = 0x7477_696e_7321_2121;

/// Makes the world of a seed.
pub fn scenario(seed: u64) -> Scenario {
    let mut random = Random::new(seed);
    let class = random.pick(&CLASSES);
    let mut systems = systems(&mut random, class);
    let mut options = options(&mut random, class);
    let mut names = Random::new(seed ^ NAMES);
    // A death between two calls leaves what it leaves there, and so does somebody else.
    let is_alone = !matches!(class, Class::Crash | Class::Intruded);
    if is_alone && systems[0].magic == UNKNOWN_MAGIC && names.once_in(3) {
        let (renames, links, dots) = (names.once_in(3), names.once_in(3), names.once_in(2));
        systems.iter_mut().filter(|system| system.magic == UNKNOWN_MAGIC).for_each(|system| {
            (system.renames, system.links, system.dots) = (renames, links, dots);
            // What has no name there could never have one.
            system.tmpfile &= links;
        });
        if names.once_in(2) {
            options.removal = Removal::Always;
        }
    }
    // Chosen by a stream of its own, so that the seeds from before there were backups mean what they meant.
    let mut aside = Random::new(seed ^ BACKUPS);
    if aside.once_in(8) {
        options.backup = aside.pick(&[Backup::Simple, Backup::Existing, Backup::Numbered]);
    }
    // Old files that are renamed to it, since the finished one can have no name beside them.
    if is_alone && systems[0].magic == UNKNOWN_MAGIC && systems[0].renames && names.once_in(4) {
        options.backup = names.pick(&[Backup::Simple, Backup::Existing, Backup::Numbered]);
    }
    // By worlds with digests alone, and by those that believe no hint.
    if options.verify == Verify::Content && Random::new(seed ^ AGAIN).once_in(8) {
        options.verify = Verify::Blake3;
    }
    let mut mapped = Random::new(seed ^ MAPPED);
    if options.verify == Verify::Content && mapped.once_in(2) {
        options.verify = Verify::Map;
        if mapped.once_in(3) {
            (options.reflink, options.sparse) = (Reflink::Always, Sparse::Auto);
        }
    }
    if options.reflink != Reflink::Always && Random::new(seed ^ HINTLESS).once_in(16) {
        options.hints = Hints::Never;
    }
    if Random::new(seed ^ DIGESTS).once_in(4) {
        options.verbosity = Verbosity::Decisions;
    }
    let mut twins = Random::new(seed ^ TWINS);
    let has_twin = twins.once_in(5);
    if has_twin && twins.once_in(2) && class != Class::Unverified {
        (options.verify, options.sparse, options.reflink) = (Verify::Content, Sparse::Auto, Reflink::Auto);
        (options.in_place, options.durable, options.backup) = (false, false, Backup::No);
    }
    let geometry = Geometry {
        slice: random.pick(&[256, 512, 1024]),
        piece: random.pick(&[1024, 1024, 2048]),
        block: random.pick(&[128, 256, 512]),
        // A stream of its own again. Mostly none is small, or few worlds would have clones.
        small: Random::new(seed ^ SMALL).pick(&[0, 0, 0, 1024]),
        range: 4096,
    };
    let mut apart = Random::new(seed ^ PARTS);
    let keeps_parts = apart.once_in(6);
    let geometry = if keeps_parts { Geometry { range: geometry.piece, ..geometry } } else { geometry };
    if keeps_parts {
        options.unfinished = Unfinished::Kept;
    }
    let mut world = World::new(random.next(), systems);
    world.tick = random.pick(&[1, 1, 1, COARSE]);
    let (source_dir, target_dir, victim) = directories(&mut world, &mut random);
    if world.systems.iter().any(|system| !system.dots) {
        world.add_temporary_directory();
    }
    let source = add_file(&mut world, &mut random, source_dir, "source");
    let before = if random.once_in(2) { Some(old_target(&mut world, &mut random, target_dir)) } else { None };
    let part = keeps_parts.then(|| add_part(&mut world, target_dir));
    world.tree.settle();
    live(&mut world, &mut random, source);
    if !has_twin && Random::new(seed ^ YOUNG).once_in(2) {
        // It was written just now: another write within the same tick leaves it its time.
        if class == Class::Intruded {
            (world.tick, options.require_stable) = (COARSE, true);
        }
        world.tree.inodes[source].attributes.mtime = world.now();
    }
    let source_content = world.tree.content(source).map_or_else(Vec::new, Content::whole);
    (world.uid, world.gid) = if options.privileged { (0, 0) } else { (1000, 1000) };
    let user = world.uid;
    if let Some(part) = part {
        leave(&mut world, &mut apart, part, &source_content);
    }
    // The links at the target are those of who copies: nobody else's are followed.
    for link in world.tree.inodes.iter_mut().filter(|inode| inode.kind == Kind::Symlink) {
        link.attributes.uid = user;
    }
    if let Some(old) = before.filter(|_| has_twin) {
        make_twin(&mut world, &mut twins, source, old);
    }
    world.umask = options.umask;
    world.witness.source = Some(source);
    // What replaces an old file is on disk before it does; a new name is only with --durable.
    let outlives = options.durable || before.is_some();
    misfortunes(&mut world, &mut random, class, &options, outlives);
    if class == Class::Intruded {
        invite(&mut world, &mut random, source_dir, target_dir);
    }
    world.intruder.versions.push(source_content.clone());
    if let Some(old) = before.filter(|_| Random::new(seed ^ FLAGS).once_in(4)) {
        world.tree.inodes[old].attributes.flags = NO_COPY_ON_WRITE;
    }
    let before = before.map(|node| snapshot(&world, node));
    // Old enough that no filesystem is known to be honest, now and then.
    let kernel = if class == Class::Hostile && random.once_in(8) { (5, 10) } else { (6, 12) };
    let in_tree = class == Class::Intruded || random.once_in(2);
    let mut claimed = claim(&mut world, &mut random, class);
    if Random::new(seed ^ STUBBORN).once_in(8) && class != Class::Unverified {
        claimed = never_write_back(&mut world).or(claimed);
    }
    Scenario {
        claimed,
        class,
        world,
        options,
        geometry,
        source,
        source_content,
        before,
        target_dir,
        victim,
        kernel,
        in_tree,
        has_twin,
    }
}

/// A version string is not enough: now and then it is of a release without the bugs that are there.
/// Then verification must do what the table of known bugs cannot.
fn claim(world: &mut World, random: &mut Random, class: Class) -> Option<(u32, u32, u32)> {
    let hidden = world.rates.of(Fault::ResidencyHidden) != 0;
    if class == Class::Unverified || !hidden && !random.once_in(3) {
        return None;
    }
    Some(call_mended(world))
}

/// A throttled ZFS 2.1.11 was seen to keep mapped pages dirty through fsync, sync and export, all of which said 0. Here a release
/// that does so calls itself one that does not, so that the copier has to see the pages.
fn never_write_back(world: &mut World) -> Option<(u32, u32, u32)> {
    let loses = world.systems[0].zfs.is_some_and(|zfs| zfs.loses_writeback());
    loses.then(|| {
        world.rates.set(Fault::LostWriteback, 1);
        call_mended(world)
    })
}

/// The release that /sys is to tell, which has none of the bugs.
fn call_mended(world: &mut World) -> (u32, u32, u32) {
    for system in &mut world.systems {
        if let Some(zfs) = &mut system.zfs {
            // A clone that hangs is beyond what verification can do.
            zfs.wait_dirty &= !zfs.clone_hangs();
        }
    }
    (2, 4, 4)
}

/// A file as it is now.
pub fn snapshot(world: &World, node: Node) -> Before {
    let inode = &world.tree.inodes[node];
    let content = world.tree.content(node).map_or_else(Vec::new, Content::whole);
    let linked = world.at("t/old").is_some();
    Before { node, linked, content, attributes: inode.attributes.clone(), nlink: inode.nlink }
}

fn systems(random: &mut Random, class: Class) -> Vec<System> {
    let mut system = match random.below(10) {
        // The release on which most was measured, with all that it does.
        0..2 if class == Class::Hostile => {
            System::zfs(Zfs { version: (2, 2, 3), next_sync: true, cloning: true, wait_dirty: false })
        }
        0..4 => System::zfs(zfs(random)),
        4..6 => System::honest(BTRFS_MAGIC, true),
        6 => System::honest(XFS_MAGIC, true),
        7..9 => System::honest(EXT4_MAGIC, false),
        _ => System { lies: class == Class::Hostile, ..System::honest(UNKNOWN_MAGIC, random.once_in(2)) },
    };
    if system.reflink && system.zfs.is_none() && class == Class::Hostile {
        system.lies = random.once_in(2);
    }
    system.tmpfile = !random.once_in(3);
    system.noreplace = !random.once_in(4);
    let other = if random.once_in(5) { System::honest(EXT4_MAGIC, false) } else { system };
    vec![system, other]
}

fn zfs(random: &mut Random) -> Zfs {
    const RELEASES: &[(u32, u32, u32)] =
        &[(2, 1, 5), (2, 1, 11), (2, 1, 16), (2, 2, 0), (2, 2, 2), (2, 2, 3), (2, 2, 6), (2, 3, 2), (2, 4, 4)];
    Zfs {
        version: random.pick(RELEASES),
        next_sync: !random.once_in(4),
        cloning: !random.once_in(4),
        wait_dirty: random.once_in(2),
    }
}

fn options(random: &mut Random, class: Class) -> Options {
    let verify = match class {
        Class::Unverified => Verify::Nothing,
        Class::Benign | Class::Hostile | Class::Crash | Class::Intruded => {
            if random.once_in(8) {
                Verify::Device
            } else {
                Verify::Content
            }
        }
    };
    let options = Options {
        sparse: random.pick(&[Sparse::Auto, Sparse::Auto, Sparse::Auto, Sparse::Always, Sparse::Never]),
        reflink: random.pick(&[Reflink::Auto, Reflink::Auto, Reflink::Auto, Reflink::Never, Reflink::Always]),
        in_place: random.once_in(8),
        durable: random.once_in(2),
        require_stable: random.once_in(4),
        removal: random.pick(&[Removal::Never, Removal::Never, Removal::WhenUnwritable, Removal::Always]),
        umask: random.pick(&[0o022, 0o077]),
        privileged: random.once_in(2),
        preserve: preserve(random),
        verify,
        ..Options::plain()
    };
    Options { user: if options.privileged { 0 } else { 1000 }, keeps_set_ids: options.privileged, ..options }
}

fn preserve(random: &mut Random) -> Preserve {
    if !random.once_in(3) {
        return Preserve { default_mode: random.once_in(6), ..Preserve::nothing() };
    }
    let mut keep = || random.pick(&[Keep::No, Keep::Try, Keep::Must, Keep::Must]);
    let (mode, ownership, timestamps, xattr) = (keep(), keep(), keep(), keep());
    Preserve { mode, ownership, timestamps, xattr, ..Preserve::nothing() }
}

/// Directories `s` and `t`, and a file outside both.
fn directories(world: &mut World, random: &mut Random) -> (Node, Node, Node) {
    // One filesystem, unless the two differ: then blocks cannot be shared.
    let other = usize::from(world.systems[0] != world.systems[1]);
    let mut add = |name: &str, system: usize| {
        let attributes = world.attributes(0o777);
        let node =
            world.tree.add(system, Kind::Directory, Body::Directory { entries: Vec::new(), parent: ROOT }, attributes);
        world.tree.set(ROOT, OsStr::new(name), Some(node));
        node
    };
    let (source_dir, target_dir) = (add("s", 0), add("t", other));
    let victim = add_file(world, random, ROOT, "victim");
    if let Some(content) = world.tree.content_mut(victim) {
        content.truncate(0);
        content.write(0, SECRET);
    }
    (source_dir, target_dir, victim)
}

fn add_file(world: &mut World, random: &mut Random, dir: Node, name: &str) -> Node {
    let system = world.tree.inodes[dir].system;
    let mut attributes = world.attributes(random.pick(&[0o644, 0o600, 0o664, 0o755, 0o4755]));
    let owner = random.pick(&[1000, 1000, 0, 7]);
    (attributes.uid, attributes.gid) = (owner, owner);
    if owner != 1000 {
        attributes.mode |= 0o666;
    }
    attributes.mtime =
        Timestamp { seconds: 1_000_000 + random.index(1000) as i64, nanos: random.index(1_000_000_000) as u32 };
    if random.once_in(4) {
        attributes.xattrs.push((OsString::from("user.note"), random.next().to_le_bytes().to_vec()));
    }
    let content = Content::new(world.systems[system].zfs.is_some());
    let node = world.tree.add(system, Kind::File, Body::File(content), attributes);
    world.tree.set(dir, OsStr::new(name), Some(node));
    node
}

/// A file at the target, now and then with a second name or behind a symbolic link.
fn old_target(world: &mut World, random: &mut Random, dir: Node) -> Node {
    let linked = random.once_in(8);
    if linked {
        let (attributes, system) = (world.attributes(0o777), world.tree.inodes[dir].system);
        let link = world.tree.add(system, Kind::Symlink, Body::Symlink("old".into()), attributes);
        world.tree.set(dir, OsStr::new("target"), Some(link));
    }
    let node = add_file(world, random, dir, if linked { "old" } else { "target" });
    let mut bytes = vec![0; random.index(6 * PAGE)];
    random.fill(&mut bytes);
    if let Some(content) = world.tree.content_mut(node) {
        content.write(0, &bytes);
    }
    if random.once_in(8) {
        world.tree.inodes[node].attributes.mode &= !0o222;
    }
    if random.once_in(5) {
        world.tree.set(dir, OsStr::new("second name"), Some(node));
    }
    node
}

/// Makes the old target what an earlier run may have made of the source, and perhaps something that only looks like it.
fn make_twin(world: &mut World, random: &mut Random, source: Node, old: Node) {
    let Some(mut bytes) = world.tree.content(source).map(Content::whole) else { return };
    if random.once_in(4) && !bytes.is_empty() {
        let at = random.index(bytes.len());
        bytes[at] ^= 1 << random.below(8);
    }
    let mut attributes = world.tree.inodes[source].attributes.clone();
    let inode = &mut world.tree.inodes[old];
    if random.once_in(6) {
        attributes.mode = inode.attributes.mode;
    }
    if random.once_in(6) {
        (attributes.uid, attributes.gid) = (inode.attributes.uid, inode.attributes.gid);
    }
    if random.once_in(6) {
        attributes.xattrs.clone_from(&inode.attributes.xattrs);
    }
    if random.once_in(6) {
        attributes.mtime = inode.attributes.mtime;
    }
    if !world.systems[inode.system].xattrs {
        attributes.xattrs.clear();
    }
    (inode.attributes, inode.stable) = (attributes.clone(), attributes);
    if let Some(content) = world.tree.content_mut(old) {
        content.truncate(0);
        content.write(0, &bytes);
        content.write_back(u64::MAX);
        content.make_stable();
        content.sync();
    }
}

/// The name that a run without a machine's ID gives the part of `target` (docs/design/partial.md).
fn name_of_part() -> String {
    let digest = blake3::hash(&[&[0; 8][..], b"target"].concat());
    format!("{PART}{}", &digest.to_hex()[..32])
}

/// An empty file where an earlier run would have left one.
fn add_part(world: &mut World, dir: Node) -> Node {
    let (attributes, system) = (world.attributes(0o600), world.tree.inodes[dir].system);
    let content = Content::new(world.systems[system].zfs.is_some());
    let node = world.tree.add(system, Kind::File, Body::File(content), attributes);
    world.tree.set(dir, OsStr::new(&name_of_part()), Some(node));
    node
}

/// Gives it what such a run may have left of a source: all or a beginning, of this one or of an earlier one, holes, and bytes
/// that have rotted. It is the user's, or was put there by somebody else.
fn leave(world: &mut World, random: &mut Random, part: Node, source: &[u8]) {
    let mut bytes = source.to_vec();
    match random.below(4) {
        0 => bytes.truncate(random.index(source.len() + 1)),
        1 => bytes.resize(source.len() + random.index(2 * PAGE), 7),
        _ => {}
    }
    for _ in 0..random.below(4) {
        let at = random.index(bytes.len().max(1));
        if let Some(byte) = bytes.get_mut(at) {
            *byte ^= 1 << random.below(8);
        }
    }
    let (zeroed, length) = (random.index(bytes.len().max(1)), random.index(2 * PAGE));
    let end = (zeroed + length).min(bytes.len());
    bytes[zeroed.min(end)..end].fill(0);
    let stranger = random.once_in(8);
    let inode = &mut world.tree.inodes[part];
    (inode.attributes.uid, inode.attributes.gid) = if stranger { (7, 7) } else { (world.uid, world.gid) };
    if let Some(content) = world.tree.content_mut(part) {
        content.write(0, &bytes);
        if random.once_in(2) {
            content.punch(touched(zeroed.min(end), end));
        }
        if random.once_in(2) {
            content.sync();
        }
    }
}

/// The source's past: what was written, mapped, punched and synced before anybody copied it.
fn live(world: &mut World, random: &mut Random, node: Node) {
    let size_max = PAGE * random.pick(&[2, 6, 12, 30]);
    let mut bytes = [0; 4 * PAGE];
    let acts = random.index(9);
    let Some(content) = world.tree.content_mut(node) else { return };
    for _ in 0..acts {
        let at = random.index(size_max) / if random.once_in(2) { PAGE } else { 1 }
            * if random.once_in(2) { PAGE } else { 1 };
        let at = at.min(size_max);
        let end = (at + random.index(bytes.len())).min(size_max);
        random.fill(&mut bytes[..end.saturating_sub(at)]);
        match random.below(10) {
            0..3 if end > at => content.write(at, &bytes[..end - at]),
            3..5 => content.write_mapped(at, &bytes[..end.saturating_sub(at)]),
            5 => content.punch(touched(at, end)),
            6 => content.truncate(end),
            7 => content.truncate(end / PAGE * PAGE),
            8 => content.sync(),
            _ => {
                content.write_back(u64::MAX);
                content.make_stable();
                if random.once_in(2) {
                    content.drop_cache();
                }
            }
        }
    }
    // Some have been at rest for a while, and then, perhaps, been cut or punched (OpenZFS #16012).
    if random.once_in(2) {
        content.write_back(u64::MAX);
        content.make_stable();
        content.sync();
        content.drop_cache();
        let (size, at) = (content.size(), random.index(content.size()) / PAGE * PAGE);
        match random.below(4) {
            0 => content.punch(touched(at, at + PAGE)),
            1 => {
                content.truncate(at);
                content.truncate(size);
            }
            _ => {}
        }
    }
}

/// What goes wrong. `outlives` says that a power loss may be among it.
fn misfortunes(world: &mut World, random: &mut Random, class: Class, options: &Options, outlives: bool) {
    let mut rates = Rates::none();
    rates.swarm(random, BENIGN, 4);
    for fault in LASTING {
        // On for all of the world, or it would not be a property of the machine.
        let rate = if rates.of(*fault) != 0 && random.once_in(3) { 1 } else { 0 };
        rates.set(*fault, rate);
    }
    match class {
        Class::Benign | Class::Unverified => {}
        Class::Hostile => {
            rates.swarm(random, HOSTILE, 6);
            if options.verify == Verify::Device {
                rates.set(Fault::SpoiledDevice, random.pick(&[0, 1, 3]));
                rates.set(Fault::CacheKept, random.pick(&[0, 0, 1]));
            }
            if world.systems[0].lies {
                rates.set(random.pick(LIES), random.pick(&[1, 2]));
            }
            if random.once_in(if world.systems[0].zfs.is_some() { 2 } else { 4 }) {
                // As bad as it was measured: hardly a page is written back, and nobody tells.
                rates.set(Fault::ResidencyHidden, 1);
                rates.set(Fault::LostWriteback, random.pick(&[1, 2]));
            }
        }
        Class::Crash => {
            let call = 1 + random.below(random.clone().pick(&[20, 60, 120]));
            let death = if outlives && random.once_in(2) { Death::PowerLoss } else { Death::Killed };
            if !random.once_in(4) {
                world.death = Some((call, death));
            }
        }
        Class::Intruded => {
            let kinds: Vec<Fault> = Intruder::kinds().collect();
            rates.swarm(random, &kinds, 5);
        }
    }
    if !world.systems[0].lies || world.systems[0].magic != UNKNOWN_MAGIC {
        rates.set(Fault::HoleLie, 0);
    } else if random.once_in(2) {
        rates.set(Fault::HoleLie, 2);
    }
    if options.verify == Verify::Map {
        // Always, so that both maps of a clone are alike in all but what they do not tell.
        rates.set(Fault::MapUnplaced, random.clone().pick(&[0, 1, 2]));
        rates.set(Fault::CloneWrong, if world.systems[0].lies { 2 } else { 0 });
    }
    world.rates = rates;
}

fn invite(world: &mut World, random: &mut Random, source_dir: Node, target_dir: Node) {
    world.intruder.source = (source_dir, "source".into());
    world.intruder.target = (target_dir, "target".into());
    world.intruder.acts = 1 + random.index(3) as u32;
    world.intruder.secret = "/victim".into();
    world.intruder.victim = "/victim".into();
}
