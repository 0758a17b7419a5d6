//! Many worlds in which trees are listed, checked and mended, and the report of one that broke a promise.

use super::super::call::Strike;
use super::super::kernel::Sim;
use super::super::random::{Random, seed_of};
use super::super::shards::grove::plant;
use super::super::system::{EXT4_MAGIC, System, XFS_MAGIC};
use super::super::tally::{self, Tally};
use super::super::tree::ROOT;
use super::super::world::{Death, World};
use super::harm::{harm, twin};
use super::judge::{Before, Broken, State, checked, is_untouched, state};
use super::play::{LIST, Played, check, mend, write_list};
use rustix::io::Errno;
use std::collections::BTreeMap;

/// What goes wrong in a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Trouble {
    Nothing,
    /// A call fails.
    Strike(u64, Errno),
    /// After so many calls.
    Death(u64, Death),
}

/// What happened in worlds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Happened {
    /// Calls that failed, runs that were killed, times that the power went.
    pub struck: u64,
    pub kills: u64,
    pub losses: u64,
    /// Names that were found to be wrong, and names that were made right.
    pub found: u64,
    pub mended: u64,
    pub hash: u64,
}

/// Plays the world of a seed; every call of it is in its story, if that is wanted.
pub fn run_world(seed: u64, is_traced: bool) -> tally::Played<Happened> {
    let mut lived = Lived::new(seed);
    lived.sim.world().trace = is_traced.then(Vec::new);
    let broken = lived.live().err();
    let hash = lived.sim.world().hash();
    let trace = lived.sim.world().trace.take().unwrap_or_default();
    (Happened { hash, ..lived.happened }, broken, trace)
}

struct Lived {
    random: Random,
    sim: Sim,
    happened: Happened,
}

impl Lived {
    fn new(seed: u64) -> Self {
        let mut random = Random::new(seed);
        let mut system = System::honest(random.pick(&[EXT4_MAGIC, XFS_MAGIC]), false);
        system.tmpfile = !random.once_in(3);
        let mut world = World::new(random.next(), vec![system]);
        world.calls_max = 100_000;
        plant(&mut world, &mut random);
        if let Some(tree) = world.at("s") {
            twin(&mut world, tree, (ROOT, "c"), &mut BTreeMap::new());
        }
        world.tree.settle();
        Self { random, sim: Sim::new(world), happened: Happened::default() }
    }

    fn live(&mut self) -> Result<(), Broken> {
        self.list()?;
        let was = state(&self.sim.world(), "s");
        harm(&mut self.sim.world(), &mut self.random, "s");
        harm(&mut self.sim.world(), &mut self.random, "c");
        self.check(&was)?;
        self.mend(&was)
    }

    /// The list has its name when it is whole, and never before.
    fn list(&mut self) -> Result<(), Broken> {
        let before = state(&self.sim.world(), "s");
        let (played, trouble) = self.in_trouble(400, |sim| write_list(sim, LIST));
        is_untouched(&before, &state(&self.sim.world(), "s"))?;
        let list = |sim: &Sim, name: &str| {
            let world = sim.world();
            world.at(name).and_then(|node| world.tree.content(node).map(|content| content.whole()))
        };
        let first = list(&self.sim, LIST);
        if played.succeeded && first.is_none() {
            return Err("a list was made and is not there".to_owned());
        }
        if !played.succeeded && trouble == Trouble::Nothing {
            return Err(format!("no list: {:?}", played.failures));
        }
        for name in [LIST, "m"] {
            let again = write_list(&self.sim, name);
            if !again.succeeded {
                return Err(format!("no list after {trouble:?}: {:?}", again.failures));
            }
        }
        let right = list(&self.sim, "m");
        if first.is_some() && first != right || list(&self.sim, LIST) != right {
            return Err("a list is not whole".to_owned());
        }
        self.sim.world().tree.settle();
        Ok(())
    }

    fn check(&mut self, was: &State) -> Result<(), Broken> {
        let harmed = state(&self.sim.world(), "s");
        let (played, trouble) = self.in_trouble(300, check);
        checked(&played, was, &harmed, trouble != Trouble::Nothing)?;
        let played = check(&self.sim);
        self.happened.found += played.found.len() as u64;
        checked(&played, was, &harmed, false)?;
        is_untouched(&harmed, &state(&self.sim.world(), "s"))
    }

    fn mend(&mut self, was: &State) -> Result<(), Broken> {
        let copy = state(&self.sim.world(), "c");
        let harmed = state(&self.sim.world(), "s");
        let before = Before { was, harmed: &harmed, copy: &copy };
        let (played, trouble) = self.in_trouble(700, mend);
        let now = state(&self.sim.world(), "s");
        before.touched_nothing_else(&now)?;
        if trouble == Trouble::Nothing || played.succeeded {
            before.mended(&now, &played)?;
        }
        // Whatever went wrong: the next repair does what the first has left.
        let again = Before { harmed: &now, ..before };
        let played = mend(&self.sim);
        let end = state(&self.sim.world(), "s");
        again.touched_nothing_else(&end)?;
        again.mended(&end, &played)?;
        is_untouched(&copy, &state(&self.sim.world(), "c"))?;
        let changed = |(name, harmed): (&String, _)| end.get(name) != Some(harmed);
        self.happened.mended += harmed.iter().filter(|name| changed(*name)).count() as u64;
        checked(&check(&self.sim), was, &end, false)
    }

    /// A run in which something may go wrong within so many calls; then all is well again.
    fn in_trouble(&mut self, calls: u64, run: impl Fn(&Sim) -> Played) -> (Played, Trouble) {
        let trouble = match self.random.below(5) {
            0 => Trouble::Nothing,
            1 | 2 => {
                let errno = self.random.pick(&[Errno::IO, Errno::NOMEM, Errno::STALE, Errno::ACCESS]);
                Trouble::Strike(self.random.below(calls), errno)
            }
            3 => Trouble::Death(self.random.below(calls), Death::Killed),
            _ => Trouble::Death(self.random.below(calls), Death::PowerLoss),
        };
        {
            let mut world = self.sim.world();
            let now = world.calls;
            match trouble {
                Trouble::Nothing => {}
                Trouble::Strike(spared, errno) => world.strikes = vec![Strike { of: None, spared, times: 1, errno }],
                Trouble::Death(after, death) => world.death = Some((now + after, death)),
            }
        }
        let played = run(&self.sim);
        let mut world = self.sim.world();
        self.happened.struck += u64::from(world.strikes.iter().any(|strike| strike.times == 0));
        world.strikes.clear();
        if let Trouble::Death(_, death) = trouble {
            let is_dead = world.dead;
            world.recover(death);
            self.happened.kills += u64::from(is_dead && death == Death::Killed);
            self.happened.losses += u64::from(death == Death::PowerLoss);
        }
        (played, trouble)
    }
}

impl tally::Happened for Happened {
    fn add(&mut self, more: Self) {
        self.struck += more.struck;
        self.kills += more.kills;
        self.losses += more.losses;
        self.found += more.found;
        self.mended += more.mended;
    }
}

/// Plays `worlds` worlds on all processors.
pub fn campaign(base: u64, worlds: u64) -> Tally<Happened> {
    let sum = Tally::of(
        worlds,
        |number| seed_of(base ^ 0x1157, number),
        |seed| {
            let (happened, broken, _) = run_world(seed, false);
            (happened, broken)
        },
    );
    sum.print("with lists", base, "SAFECP_SIM_LIST");
    sum
}
