//! One world with trees from its seed: filesystems, a source, targets, an order with options, and what goes wrong.

use super::super::call::{Call, Strike};
use super::super::faults::{Fault, Rates};
use super::super::random::Random;
use super::super::system::{BTRFS_MAGIC, EXT4_MAGIC, Folding, System, UNKNOWN_MAGIC, XFS_MAGIC};
use super::super::tree::{Body, Node, ROOT};
use super::super::world::{COARSE, Death, World};
use super::class::{ABOUT_ATTRIBUTES, Class, FAILURES, SURVIVED};
use super::grow::{Gardener, STRANGER, Soil, USER, collides};
use super::order::{Form, Order, Seen, State, key};
use super::still::{Still, stills};
use super::stranger::{LISTS, ON_NUMBERS, ON_SOURCE, SWAPS, SWAPS_WITH_LINKS, Stranger, TAKES};
use rustix::io::Errno;
use safecp::copy::Geometry;
use safecp::kernel::Kind;
use safecp::options::{Backup, Dereference, Keep, Options, Overwrite, Preserve, Product, Removal, Update};

/// A world and what the judge must know of it.
pub struct Scenario {
    pub seed: u64,
    pub class: Class,
    pub world: World,
    pub options: Options,
    pub geometry: Geometry,
    pub order: Order,
    /// The names that are asked for, as they were at first.
    pub seen: Vec<Seen>,
    /// What stood in the target tree, in the source, and outside of both.
    pub old: Vec<Still>,
    pub source: Vec<Still>,
    pub outside: Vec<Still>,
    /// Nothing keeps the order from being carried out.
    pub is_clean: bool,
    /// Inodes from here on are made during the run.
    pub first_new: Node,
    pub strike: Option<Strike>,
}

const BENIGN: &[Fault] = &[
    Fault::Interrupted,
    Fault::ShortRead,
    Fault::ShortWrite,
    Fault::SeekUnsupported,
    Fault::CloneUnsupported,
    Fault::CrossDevice,
    Fault::ZeroOffload,
];

/// How many descriptors a process may have that has few.
const DESCRIPTORS: std::ops::Range<u64> = 24..64;

/// Those of them that are not seen here: the standard ones, those of signals.
const NOT_SEEN: u64 = 8;

/// Sets the stream that chooses what names are like apart from those that choose the world.
const NAMES: u64 = 0x6e61_6d65_7321_2121;

/// The same for -u over old files of several names, which other choices seldom bring together.
const OLDER: u64 = 0x6f6c_6465_7221_2121;

/// Likewise: whether files are young.
const YOUNG: u64 = 0x796f_756e_6721_2121;

/// Makes the world of a seed.
pub fn scenario(seed: u64) -> Scenario {
    let class = Class::of(seed);
    let mut random = Random::new(seed);
    let mut options = options(&mut random, class);
    if class == Class::Joined && !options.preserve.links.wanted() && Random::new(seed ^ OLDER).once_in(2) {
        (options.overwrite, options.update) = (Overwrite::Always, Update::Older);
    }
    let (source_system, target_system) = systems(&mut random, &mut Random::new(seed ^ NAMES), class);
    let mut world = World::new(random.next(), vec![source_system, target_system]);
    let other = usize::from(source_system != target_system);
    world.reuses_numbers = class == Class::Reused;
    world.tick = random.pick(&[1, 1, COARSE]);
    let folding = target_system.folding;
    let soil = Soil {
        class,
        folding,
        has_specials: options.recursive && options.product == Product::Copy,
        links_lead_on: options.recursive,
        has_far_targets: !options.preserve.links.wanted() || class == Class::LinkedThrough,
    };
    let follows = options.dereference == Dereference::Always;
    let mut gardener = Gardener::new(&mut world, soil);
    let outside = gardener.outside(!follows);
    let source = gardener.source(0);
    let target = gardener.directory_on(ROOT, "t", 0o755, other);
    let theirs = gardener.directory(ROOT, "theirs", 0o777);
    if !target_system.dots {
        world.add_temporary_directory();
    }
    if options.update == Update::All && Random::new(seed ^ YOUNG).once_in(2) {
        rejuvenate(&mut world);
    }
    let order = order(&mut random, &mut world, source, target, &mut options, class);
    let seen = order.inspect(&world, &options);
    let chance = if class == Class::Narrow { 20 } else { random.pick(&[1, 2, 3, 100]) };
    let mut gardener = Gardener::new(&mut world, soil);
    let mut is_clean = gardener.targets(&seen, &order, chance);
    if class == Class::OneNumber {
        number_all_alike(&mut world, &seen);
    }
    people(&mut world, &mut random, &options, &seen);
    if class.is_in_strange_land() {
        give_away(&mut world, target);
        is_clean &= options.privileged;
    }
    world.umask = options.umask;
    world.tree.settle();
    // What has to stay is not written of two sources.
    is_clean &= class != Class::Joined || !options.in_place;
    is_clean &= can_be_done(&world, &order, &options, &seen, &target_system);
    if class == Class::Narrow {
        world.handles_max = (DESCRIPTORS.start - NOT_SEEN) as usize + 4 * (options.directories_max - 1);
    }
    let strike = misfortunes(&mut world, &mut random, class);
    is_clean &= strike.is_none_or(|strike| is_dispensable(&strike, &world, &options, &seen, &target_system));
    if class.has_stranger() {
        invite(&mut world, &mut random, class, &order, &options, &seen, theirs);
    }
    let old = stills(&world, "t");
    let (source, outside) = (stills(&world, "s"), stills_of(&world, outside));
    let first_new = world.tree.inodes.len();
    let geometry = Geometry { slice: 256, piece: 1024, block: 256, small: random.pick(&[0, 0, 1024]), range: 4096 };
    Scenario { seed, class, world, options, geometry, order, seen, old, source, outside, is_clean, first_new, strike }
}

/// All files were written just now: another write within the same tick leaves them their times.
fn rejuvenate(world: &mut World) {
    let now = world.now();
    for inode in world.tree.inodes.iter_mut().filter(|inode| matches!(inode.body, Body::File(_))) {
        (inode.attributes.mtime, inode.attributes.ctime) = (now, now);
    }
}

fn stills_of(world: &World, outside: Node) -> Vec<Still> {
    debug_assert!(world.tree.entries(outside).is_ok());
    stills(world, "o")
}

fn systems(random: &mut Random, names: &mut Random, class: Class) -> (System, System) {
    let mut system = match random.below(4) {
        0 => System::honest(BTRFS_MAGIC, true),
        1 => System::honest(XFS_MAGIC, true),
        2 => System::honest(EXT4_MAGIC, false),
        _ => System::honest(UNKNOWN_MAGIC, false),
    };
    system.tmpfile = !random.once_in(3);
    let mut target = system;
    match class {
        Class::Lacking => {
            target.tmpfile = random.once_in(2);
            target.noreplace = random.once_in(2);
            target.links = random.once_in(2);
            target.xattrs = random.once_in(2);
            target.locks = random.once_in(2);
        }
        Class::Folding => {
            let magic = random.pick(&[EXT4_MAGIC, UNKNOWN_MAGIC]);
            target = System { tmpfile: system.tmpfile, ..System::honest(magic, false) };
            target.folding = random.pick(&[Folding::Case, Folding::Case, Folding::Accents]);
        }
        Class::Renumbered => {
            target = System { numbers_names: true, tmpfile: false, ..System::honest(UNKNOWN_MAGIC, false) };
        }
        Class::OneNumber => system = System::honest(UNKNOWN_MAGIC, false),
        // Where numbers mean nothing, an age by -u may be the run's own doing.
        Class::Joined if system.magic == UNKNOWN_MAGIC => {
            system.magic = EXT4_MAGIC;
            target = system;
        }
        Class::Kept => {
            target.keeps_names = true;
        }
        Class::Taken | Class::Guessed | Class::Closed => target.tmpfile = random.once_in(4),
        _ => {}
    }
    let may_keep_names = class == Class::Lacking || class.fails();
    if may_keep_names && target.magic == UNKNOWN_MAGIC && names.once_in(3) {
        target.renames = names.once_in(3);
        target.links &= names.once_in(3);
        target.dots = names.once_in(2);
        // What has no name there could never have one.
        target.tmpfile &= target.links;
    }
    (system, target)
}

fn options(random: &mut Random, class: Class) -> Options {
    let plain = Options::plain();
    let archive = Preserve {
        mode: Keep::Must,
        ownership: Keep::Must,
        timestamps: Keep::Must,
        links: Keep::Must,
        xattr: Keep::Try,
        ..Preserve::nothing()
    };
    let recursive = Options { recursive: true, dereference: Dereference::Never, ..plain.clone() };
    let mut options = match random.below(10) {
        0..2 => recursive,
        2..5 => Options { preserve: archive, ..recursive },
        5 => Options { dereference: Dereference::Always, ..recursive },
        6 => Options { dereference: Dereference::CommandLine, ..recursive },
        7 => Options { preserve: archive, dereference: Dereference::Always, ..recursive },
        8 => Options { preserve: Preserve { links: Keep::Must, ..Preserve::nothing() }, ..recursive },
        _ => Options { preserve: Preserve { links: Keep::No, xattr: Keep::No, ..archive }, ..plain },
    };
    if class == Class::Narrow || class == Class::Lists {
        options.recursive = true;
    }
    match random.below(12) {
        0 => options.removal = Removal::WhenUnwritable,
        1 => options.removal = Removal::Always,
        2 => options.overwrite = Overwrite::Never,
        3 => options.update = Update::Older,
        4 => options.product = Product::HardLink,
        5 => options.product = Product::SymbolicLink,
        6 => options.in_place = true,
        _ => {}
    }
    let backups = if class == Class::FailingBackups { 1 } else { 10 };
    if random.once_in(backups) {
        options.backup = random.pick(&[Backup::Simple, Backup::Existing, Backup::Numbered]);
    }
    if class == Class::FailingBackups {
        (options.product, options.overwrite, options.update) = (Product::Copy, Overwrite::Always, Update::All);
    }
    if class == Class::FailingInPlace || class.has_stranger() || class == Class::Closed {
        options.product = Product::Copy;
    }
    if class.fails() {
        options.in_place = false;
        options.preserve.links = if class == Class::FailingLinks { Keep::Must } else { Keep::No };
    }
    if class == Class::Crash {
        options.preserve.links = Keep::No;
    }
    if class == Class::LinkedThrough {
        options.preserve.links = Keep::Must;
    }
    if class == Class::Older {
        options.preserve.links = Keep::Must;
        options.update = Update::Older;
    } else if options.preserve.links.wanted() {
        (options.overwrite, options.update) = (Overwrite::Always, Update::All);
    }
    if options.product == Product::SymbolicLink {
        // Names that lead from anywhere to the source are absolute ones.
        options.recursive = false;
    }
    options.durable = random.once_in(4);
    options.require_stable = random.once_in(if class == Class::Moving { 2 } else { 8 });
    options.umask = random.pick(&[0o022, 0o077, 0o002]);
    options.privileged = !random.once_in(3);
    options.keeps_set_ids = options.privileged;
    if options.privileged && options.umask == 0o002 {
        // The owner is the source's then, and the mode of an old file stays.
        options.preserve.mode = Keep::No;
    }
    options.user = if options.privileged { 0 } else { USER };
    if class == Class::Narrow || random.once_in(4) {
        // With so few, directories are closed and opened again.
        options = options.within(DESCRIPTORS.start + random.below(DESCRIPTORS.end - DESCRIPTORS.start));
    }
    options
}

/// The operands: some of what is in the source, by one of cp's forms.
fn order(
    random: &mut Random,
    world: &mut World,
    source: Node,
    target: Node,
    options: &mut Options,
    class: Class,
) -> Order {
    let names: Vec<(String, Node)> = world.tree.entries(source).unwrap_or_default().iter().map(named).collect();
    let prefix = if options.product == Product::SymbolicLink { "/s" } else { "s" };
    let is_directory = |node: &Node| world.tree.entries(*node).is_ok();
    if options.recursive && (random.once_in(3) || class == Class::Narrow) {
        let (source, form, target) = match random.below(4) {
            0 => ("s", Form::AsItself, "t"),
            1 => ("s/.", Form::Into, "t"),
            2 => ("s", Form::Into, "t"),
            _ => ("s", Form::As, "t/new"),
        };
        return Order { sources: vec![source.to_owned()], target: target.to_owned(), form };
    }
    let mut sources = Vec::new();
    let mut add = |path: String, node: &Node| {
        if options.recursive || !is_directory(node) {
            sources.push(path);
        }
    };
    for (name, node) in &names {
        let path = format!("{prefix}/{name}");
        if class == Class::Colliding || class == Class::Folding {
            // Names from one directory down, which may be those of others.
            for (inner, node) in world.tree.entries(*node).unwrap_or_default().iter().map(named) {
                add(format!("{path}/{inner}"), &node);
            }
        }
        add(path, node);
    }
    if sources.is_empty() {
        let mut gardener = Gardener::new(
            world,
            Soil { class, folding: Folding::Exact, has_specials: false, has_far_targets: false, links_lead_on: false },
        );
        gardener.file(source, "z", 0o644);
        sources.push(format!("{prefix}/z"));
    }
    let kept = 1 + random.index(sources.len());
    while sources.len() > kept {
        let dropped = random.index(sources.len());
        sources.remove(dropped);
    }
    let from = random.index(sources.len());
    sources.rotate_left(from);
    if class == Class::Colliding && random.once_in(4) {
        sources.push(sources[0].clone());
    }
    debug_assert!(world.tree.entries(target).is_ok());
    let form = match random.below(4) {
        0 if sources.len() == 1 => Form::As,
        1 if prefix == "s" => {
            options.parents = true;
            Form::IntoWithParents
        }
        _ => Form::Into,
    };
    let target = if form == Form::As { "t/new" } else { "t" };
    Order { sources, target: target.to_owned(), form }
}

fn named((name, node): &(std::ffi::OsString, Node)) -> (String, Node) {
    (name.to_string_lossy().into_owned(), *node)
}

/// Several files have one number.
fn number_all_alike(world: &mut World, seen: &[Seen]) {
    for name in seen.iter().filter(|name| matches!(name.state, State::File(_))) {
        world.tree.inodes[name.node].number = 7;
    }
}

/// One file of so many is a program that runs as its owner, who is an ordinary user.
const PROGRAMS: usize = 5;

/// Who owns what, and who copies.
fn people(world: &mut World, random: &mut Random, options: &Options, seen: &[Seen]) {
    (world.uid, world.gid) = if options.privileged { (0, 0) } else { (USER, USER) };
    for (number, inode) in world.tree.inodes.iter_mut().enumerate() {
        let is_program = inode.kind == Kind::File && number % PROGRAMS == 0;
        if inode.attributes.uid != STRANGER {
            let owner = if is_program { (USER, USER) } else { (world.uid, world.gid) };
            (inode.attributes.uid, inode.attributes.gid) = owner;
        }
        if is_program {
            inode.attributes.mode |= 0o4000;
        }
    }
    if options.privileged {
        for name in seen {
            let owner = random.pick(&[0, USER, 7]);
            let attributes = &mut world.tree.inodes[name.node].attributes;
            (attributes.uid, attributes.gid) = (owner, owner);
        }
    }
}

/// The directories of the target become the stranger's, in which anybody may make names.
fn give_away(world: &mut World, dir: Node) {
    let attributes = &mut world.tree.inodes[dir].attributes;
    (attributes.uid, attributes.gid, attributes.mode) = (STRANGER, STRANGER, 0o777);
    for (_, node) in world.tree.entries(dir).unwrap_or_default().to_vec() {
        if world.tree.entries(node).is_ok() {
            give_away(world, node);
        }
    }
}

/// Whether a name has to be a second name of what another became.
fn wants_links(options: &Options, seen: &[Seen]) -> bool {
    let is_file = |seen: &Seen| matches!(seen.state, State::File(_) | State::Special(..) | State::Symlink(_));
    let is_shared = |at: usize| seen[..at].iter().any(|before| before.node == seen[at].node && is_file(before));
    options.product == Product::HardLink || options.preserve.links.wanted() && (0..seen.len()).any(is_shared)
}

/// Whether the order can be carried out without the call that fails.
fn is_dispensable(strike: &Strike, world: &World, options: &Options, seen: &[Seen], target: &System) -> bool {
    match strike.of {
        Some(Call::Link) => !wants_links(options, seen),
        Some(call) if ABOUT_ATTRIBUTES.contains(&call) => !has_attributes(world),
        // What nobody can tell to last is refused.
        Some(Call::Statfs) => !options.durable,
        // It is what a directory says that lets nothing go: files are written in place, and nothing else is replaced.
        Some(Call::Rmdir) if strike.errno != Errno::NOSYS => {
            let replaces = options.backup != Backup::No || options.removal != Removal::Never;
            target.tmpfile && !replaces && !options.preserve.links.wanted()
        }
        Some(_) | None => true,
    }
}

/// Whether any file has attributes that could get lost.
fn has_attributes(world: &World) -> bool {
    world.tree.inodes.iter().any(|inode| !inode.attributes.xattrs.is_empty())
}

/// Whether nothing is in the way of the order: what is asked for can be had of these filesystems.
fn can_be_done(world: &World, order: &Order, options: &Options, seen: &[Seen], target: &System) -> bool {
    let is_apart = world.systems[0] != world.systems[1];
    let is_lost = |seen: &Seen| seen.state == State::Nowhere;
    let is_directory_link = |seen: &Seen| seen.is_followed && seen.state == State::Directory;
    let duplicate = (1..order.sources.len()).any(|at| order.sources[..at].contains(&order.sources[at]));
    let has_lists = seen.iter().any(|seen| !world.tree.inodes[seen.node].attributes.xattrs.is_empty());
    let keeps_lists = options.preserve.mode.wanted() && has_lists && !target.xattrs;
    let links_over = options.product == Product::HardLink || options.product == Product::SymbolicLink;
    // Second names of what is written through a link would be names of the link.
    let is_link =
        |seen: &Seen| world.at(&seen.target).is_some_and(|node| world.tree.inodes[node].kind == Kind::Symlink);
    let is_through_link = wants_links(options, seen) && seen.iter().any(is_link);
    let is_link_in_the_way = is_through_link || links_over && seen.iter().any(|seen| world.at(&seen.target).is_some());
    // Directories of --parents that the target takes for one with another name.
    let parents = order.parents();
    let targets = || seen.iter().map(|seen| &seen.target).chain(parents.iter().map(|(_, parent)| parent));
    let is_one = |one: &String, other: &String| one != other && key(world, one) == key(world, other);
    let are_folded = parents.iter().any(|(_, parent)| targets().any(|other| is_one(parent, other)));
    let gives_names = target.renames && target.dots;
    let takes_backups = options.backup == Backup::No || gives_names && target.links;
    // Of one inode GNU cp makes one file, wherever a name that comes later would be put.
    !seen.iter().any(is_lost)
        && !seen.iter().any(is_directory_link)
        && !duplicate
        && !collides(seen)
        && !are_folded
        && !parents
            .iter()
            .any(|(_, parent)| seen.iter().any(|seen| seen.key == key(world, parent) && seen.state != State::Directory))
        && !keeps_lists
        && takes_backups
        && !is_link_in_the_way
        && (target.links && !(options.product == Product::HardLink && is_apart) || !wants_links(options, seen))
}

/// What goes wrong; returns the call that fails.
fn misfortunes(world: &mut World, random: &mut Random, class: Class) -> Option<Strike> {
    let mut rates = Rates::none();
    if matches!(class, Class::Plain | Class::Moving | Class::Reused | Class::Folding | Class::Lacking) {
        rates.swarm(random, BENIGN, 6);
    }
    world.rates = rates;
    let strike = match class {
        Class::Passing if random.once_in(3) => {
            let calls: Vec<Call> = Call::ALL.iter().copied().filter(|call| call.is_interruptible()).collect();
            Strike { of: Some(random.pick(&calls)), spared: random.below(12), times: 1, errno: Errno::INTR }
        }
        Class::Passing => survived(random, 1),
        Class::Refused => Strike { spared: 0, ..survived(random, u64::MAX) },
        _ if class.fails() => failing(random, class),
        Class::Crash | Class::CrashLinks => {
            let death = if random.once_in(2) { Death::PowerLoss } else { Death::Killed };
            world.death = Some((1 + random.below(300), death));
            return None;
        }
        _ => return None,
    };
    world.strikes.push(strike);
    Some(strike)
}

fn survived(random: &mut Random, times: u64) -> Strike {
    let (call, errnos) = random.pick(SURVIVED);
    Strike { of: Some(call), spared: random.below(6), times, errno: random.pick(errnos) }
}

fn failing(random: &mut Random, class: Class) -> Strike {
    let is_for_good = class == Class::FailingForGood;
    let of = match random.below(3) {
        0 => None,
        _ if is_for_good => Some(Call::Unlink),
        _ => Some(random.pick(Call::ALL)),
    };
    let spared = if of.is_some() { random.below(10) } else { random.below(250) };
    let may_last = is_for_good || of.is_some_and(|call| call != Call::Unlink);
    let times = if is_for_good || may_last && random.once_in(3) { u64::MAX } else { 1 };
    Strike { of, spared, times, errno: random.pick(FAILURES) }
}

fn invite(
    world: &mut World,
    random: &mut Random,
    class: Class,
    order: &Order,
    options: &Options,
    seen: &[Seen],
    theirs: Node,
) {
    let kinds = match class {
        Class::Reused => ON_NUMBERS,
        Class::Lists => LISTS,
        Class::Swapped if options.dereference == Dereference::Always => SWAPS_WITH_LINKS,
        Class::Swapped => SWAPS,
        Class::Taken => TAKES,
        _ => ON_SOURCE,
    };
    world.witness.looks = Some(Vec::new());
    world.stranger = Some(Box::new(Stranger {
        kinds,
        rate: if class == Class::Taken { 3 } else { random.pick(&[5, 15, 40]) },
        acts: 1 + random.index(3) as u32,
        order: order.clone(),
        options: options.clone(),
        states: vec![(0, seen.to_vec())],
        took: Vec::new(),
        took_source: false,
        theirs,
    }));
}
