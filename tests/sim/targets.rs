//! Worlds with several targets: each is right or told to be incomplete, and what fails in one stops no other.
//!
//! The runs go one after the other here, so that a world repeats itself.

use super::call::{Call, Strike};
use super::faults::{Fault, Rates};
use super::kernel::Sim;
use super::random::{Random, seed_of};
use super::system::{BTRFS_MAGIC, EXT4_MAGIC, Folding, System, UNKNOWN_MAGIC};
use super::tally::Tally;
use super::tree::ROOT;
use super::trees::class::{Class, FAILURES};
use super::trees::drive::Kept;
use super::trees::grow::{Gardener, Soil};
use super::trees::still::stills;
use super::world::World;
use safecp::account::{Account, Running};
use safecp::host::Host;
use safecp::kernel::Kind;
use safecp::kernel::retry::Retrying;
use safecp::options::{Dereference, Keep, Options, Preserve, Readers, TargetRule, Verbosity};
use safecp::report::Report;
use safecp::targets::{Order, Targets};
use safecp::tree::plan::Operands;
use std::sync::atomic::AtomicBool;

/// Names of one directory, or of one within another.
const MEETING: &[[&str; 2]] = &[["t0", "t0"], ["t0", "./t0"], ["t0", "t1/../t0"], ["t0", "t0/in"], ["t0/in", "t0"]];

/// Where everything is to go, and whether that is to be refused.
struct Wanted {
    targets: Vec<String>,
    meet: bool,
}

/// Plays the world of a seed; what promise it broke.
fn play(seed: u64) -> Option<String> {
    let mut random = Random::new(seed);
    let system = |magic| System { tmpfile: magic != UNKNOWN_MAGIC, ..System::honest(magic, magic == BTRFS_MAGIC) };
    let systems = [EXT4_MAGIC, BTRFS_MAGIC, UNKNOWN_MAGIC].map(system);
    let mut world = World::new(random.next(), systems.to_vec());
    let soil = Soil {
        class: Class::Plain,
        folding: Folding::Exact,
        has_specials: true,
        has_far_targets: false,
        links_lead_on: true,
    };
    let mut gardener = Gardener::new(&mut world, soil);
    gardener.source(random.index(2));
    for name in ["t0", "t1", "t2"] {
        let target = gardener.directory_on(ROOT, name, 0o755, random.index(3));
        gardener.directory(target, "in", 0o755);
    }
    let wanted = wanted(&mut random);
    (world.uid, world.gid) = (0, 0);
    for inode in &mut world.tree.inodes {
        (inode.attributes.uid, inode.attributes.gid) = (0, 0);
    }
    let archive = Preserve {
        mode: Keep::Must,
        ownership: Keep::Must,
        timestamps: Keep::Must,
        links: Keep::Must,
        ..Preserve::nothing()
    };
    let options = Options {
        recursive: true,
        dereference: Dereference::Never,
        preserve: archive,
        durable: random.once_in(3),
        readers: Readers::Several,
        privileged: true,
        keeps_set_ids: true,
        ..Options::plain()
    };
    world.umask = options.umask;
    world.tree.settle();
    let mut rates = Rates::none();
    rates.swarm(&mut random, &[Fault::Interrupted, Fault::ShortRead, Fault::ShortWrite, Fault::CloneUnsupported], 6);
    world.rates = rates;
    if !wanted.meet && !random.once_in(4) {
        let of = (!random.once_in(3)).then(|| random.pick(Call::ALL));
        let spared = random.below(if of.is_some() { 20 } else { 400 });
        world.strikes.push(Strike { of, spared, times: 1, errno: random.pick(FAILURES) });
    }
    let source = stills(&world, "s");
    let sim = Sim::new(world);
    let kernel = Retrying(sim.clone());
    let (host, stop) = (Host { kernel: (6, 12), ..Host::default() }, AtomicBool::new(false));
    let messages = Kept::default();
    let report = Report::new("safecp", Verbosity::Quiet, Box::new(std::io::sink()), Box::new(messages.clone()));
    let operands = |target: &String| Operands {
        sources: vec!["s".into()],
        target: target.into(),
        rule: TargetRule::Directory,
        strips: false,
    };
    let operands: Vec<Operands> = wanted.targets.iter().map(operands).collect();
    let ask = |_: &str| true;
    let (options, host, stop) = (&options, &host, &stop);
    let running = Running::begin();
    let (account, meter) = (Account::begin(&report, &running), &running.meter);
    let (account, order) = (&account, Order::InTurn);
    let (ask, left_out) = (&ask, None);
    let targets =
        Targets { kernel: &kernel, options, host, stop, listener: &report, account, meter, left_out, ask, order };
    let begun = targets.copy(&operands, None).is_ok();
    let succeeded = report.finish();
    let world = sim.world();
    if wanted.meet {
        let is_made =
            wanted.targets.iter().any(|target| world.at(&format!("{}/s", target.replace("t1/../", ""))).is_some());
        return (begun || is_made).then(|| format!("targets that meet were copied into: {:?}", wanted.targets));
    }
    if !begun {
        return Some("targets that lie apart were refused".to_owned());
    }
    let said = messages.text();
    let is_incomplete = |target: &&String| said.contains(&format!("target directory '{target}' is incomplete: "));
    let incomplete: Vec<&String> = wanted.targets.iter().filter(is_incomplete).collect();
    if succeeded != incomplete.is_empty() {
        return Some(format!("exit status and messages differ: {said}"));
    }
    if incomplete.len() > 1 {
        return Some(format!("one failure, and more than one target is incomplete: {said}"));
    }
    for target in &wanted.targets {
        for still in &source {
            let copy = format!("{target}/{}", still.path);
            let now = world.at(&copy).map(|node| super::trees::still::Still::of(&world, copy.clone(), node));
            let is_right = now.as_ref().is_some_and(|now| still.is_whole(now));
            if !is_right && (!incomplete.contains(&target) || now.is_some() && still.kind == Kind::File) {
                return Some(format!("{copy} is not what {} is, and {incomplete:?} are incomplete", still.path));
            }
        }
    }
    None
}

fn wanted(random: &mut Random) -> Wanted {
    if random.once_in(8) {
        let targets = random.pick(MEETING).map(str::to_owned).to_vec();
        return Wanted { targets, meet: true };
    }
    let mut targets = vec!["t0".to_owned(), "t1".to_owned(), "t2".to_owned()];
    let from = random.index(3);
    targets.rotate_left(from);
    targets.truncate(2 + random.index(2));
    Wanted { targets, meet: false }
}

/// Runs `worlds` worlds, or the one of a seed.
pub fn campaign(base: u64, worlds: u64, only: Option<u64>) -> Tally<()> {
    let sum = Tally::of(worlds, |number| only.unwrap_or_else(|| seed_of(base, number)), |seed| ((), play(seed)));
    sum.print("with several targets", base, "SAFECP_SIM_TARGET");
    sum
}
