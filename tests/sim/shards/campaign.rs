//! Many worlds whose runs share a tree, and the report of one that broke a promise.

use super::super::kernel::Sim;
use super::super::random::Random;
use super::super::random::seed_of;
use super::super::system::{EXT4_MAGIC, System, XFS_MAGIC};
use super::super::tally::{self, Tally};
use super::super::turns::Turns;
use super::super::world::{Death, World};
use super::grove::{change, plant, spoil};
use super::judge::{Broken, Versions, failed, finished};
use super::play::{Played, Task, play, play_together};
use std::sync::Arc;

/// Calls that all runs of a world may make together.
const CALLS_MAX: u64 = 400_000;

/// What happened in worlds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Happened {
    /// Runs that were killed.
    pub kills: u64,
    /// Times that the power failed.
    pub losses: u64,
    /// Finishes that refused.
    pub refusals: u64,
    /// Finishes that came to the end while shares were at work.
    pub early: u64,
    /// Bytes that a disk spoiled, and changes of a source.
    pub spoils: u64,
    pub changes: u64,
    pub hash: u64,
}

/// Plays the world of a seed; every call of it is in its story, if that is wanted.
pub fn run_world(seed: u64, is_traced: bool) -> tally::Played<Happened> {
    let mut world = Lived::new(seed);
    world.sim.world().trace = is_traced.then(Vec::new);
    let broken = world.live().err();
    let hash = world.sim.world().hash();
    (Happened { hash, ..world.happened }, broken, world.story)
}

struct Lived {
    random: Random,
    sim: Sim,
    count: u32,
    versions: Versions,
    happened: Happened,
    story: Vec<String>,
}

impl Lived {
    fn new(seed: u64) -> Self {
        let mut random = Random::new(seed);
        let mut system = System::honest(random.pick(&[EXT4_MAGIC, XFS_MAGIC]), false);
        system.tmpfile = !random.once_in(3);
        let mut world = World::new(random.next(), vec![system]);
        world.calls_max = CALLS_MAX;
        // Records are written every 20 seconds.
        world.pace = 400_000_000;
        world.locks = Some(Vec::new());
        plant(&mut world, &mut random);
        world.tree.settle();
        let mut versions = Versions::default();
        versions.note(&world);
        let (happened, story) = (Happened::default(), Vec::new());
        let count = 2 + random.below(2) as u32;
        Self { random, sim: Sim::new(world), count, versions, happened, story }
    }

    fn live(&mut self) -> Result<(), Broken> {
        for _ in 0..self.random.index(4) {
            if self.round()? {
                return Ok(());
            }
            self.meddle();
        }
        // From here on nothing goes wrong; what was spoiled is found, and copied once more.
        let mut last = String::new();
        for _ in 0..3 {
            let shares = (1..=self.count).map(Task::Share).collect::<Vec<_>>();
            for task in shares.into_iter().chain([Task::Finish]) {
                let played = play(&self.sim, task, self.count);
                self.tell(&played);
                if task == Task::Finish && played.succeeded {
                    return finished(&self.sim.world(), &self.versions);
                }
                last = played.messages;
            }
        }
        Err(format!("never finished: {last}"))
    }

    /// Some runs at the same time; some are killed, or all by a loss of power. True if the copy is finished.
    fn round(&mut self) -> Result<bool, Broken> {
        let random = &mut self.random;
        let mut tasks: Vec<Task> = (1..=self.count).filter(|_| !random.once_in(4)).map(Task::Share).collect();
        if random.once_in(3) {
            tasks.push(Task::Share(1 + random.below(self.count.into()) as u32));
        }
        let is_early = random.once_in(3);
        if is_early || tasks.is_empty() {
            tasks.push(Task::Finish);
        }
        let loses_power = random.once_in(4);
        let kills = tasks.iter().map(|_| random.once_in(3).then(|| random.below(500))).collect::<Vec<_>>();
        if loses_power {
            let mut world = self.sim.world();
            world.death = Some((world.calls + random.below(1500), Death::PowerLoss));
        }
        let turns = Arc::new(Turns::new(Random::new(random.next()), kills.clone()));
        let played = play_together(&self.sim, &tasks, &turns, self.count);
        let is_lost = self.recover();
        played.iter().for_each(|played| self.tell(played));
        // What was being made when the power went may be in part until its share has run again.
        if self.happened.losses == 0 {
            self.versions.check(&self.sim.world())?;
        }
        for (played, kill) in played.iter().zip(&kills) {
            self.happened.kills += u64::from(kill.is_some() && !played.succeeded);
            if !played.succeeded && kill.is_none() && !is_lost {
                failed(played)?;
            }
        }
        let is_dead_end = |(played, kill): (&Played, &Option<u64>)| {
            played.task == Task::Finish && !played.succeeded && (kill.is_some() || is_lost)
        };
        if played.iter().zip(&kills).any(is_dead_end) {
            self.versions.note_dead_end();
        }
        let is_finished = played.iter().any(|played| played.task == Task::Finish && played.succeeded);
        // Whoever comes after the end begins again.
        if is_finished && !is_lost && self.sim.world().at("d/.safecp-shards").is_none() {
            self.happened.early += 1;
            return finished(&self.sim.world(), &self.versions).map(|()| true);
        }
        self.end()
    }

    /// Whether the power was lost; then it is back.
    fn recover(&mut self) -> bool {
        let mut world = self.sim.world();
        let is_lost = world.dead;
        world.death = None;
        if is_lost {
            world.recover(Death::PowerLoss);
            world.locks = Some(Vec::new());
        }
        drop(world);
        self.happened.losses += u64::from(is_lost);
        is_lost
    }

    /// A finish by itself, which may refuse.
    fn end(&mut self) -> Result<bool, Broken> {
        if self.random.once_in(2) {
            return Ok(false);
        }
        self.meddle();
        if self.random.once_in(2) && spoil(&mut self.sim.world(), &mut self.random) {
            self.happened.spoils += 1;
            self.story.push("a byte is spoiled".to_owned());
        }
        let kill = self.random.once_in(3).then(|| self.random.below(400));
        if self.random.once_in(3) {
            let mut world = self.sim.world();
            world.death = Some((world.calls + self.random.below(400), Death::PowerLoss));
        }
        let turns = Arc::new(Turns::new(Random::new(self.random.next()), vec![kill]));
        let played = play_together(&self.sim, &[Task::Finish], &turns, self.count);
        let is_lost = self.recover();
        let [played] = &played[..] else { return Ok(false) };
        self.tell(played);
        self.happened.kills += u64::from(kill.is_some() && !played.succeeded);
        self.happened.refusals += u64::from(kill.is_none() && !played.succeeded);
        if played.succeeded && !is_lost {
            return finished(&self.sim.world(), &self.versions).map(|()| true);
        }
        if kill.is_some() || is_lost {
            self.versions.note_dead_end();
            return Ok(false);
        }
        failed(played).map(|()| false)
    }

    fn meddle(&mut self) {
        if self.random.once_in(3) {
            change(&mut self.sim.world(), &mut self.random);
            self.versions.note(&self.sim.world());
            self.happened.changes += 1;
            self.story.push("the source changes".to_owned());
        }
    }

    fn tell(&mut self, played: &Played) {
        let calls = self.sim.world().trace.as_mut().map(std::mem::take);
        self.story.extend(calls.unwrap_or_default());
        self.story.push(format!("{:?} {} {}", played.task, played.succeeded, played.messages.trim()));
    }
}

impl tally::Happened for Happened {
    fn add(&mut self, more: Self) {
        self.kills += more.kills;
        self.losses += more.losses;
        self.refusals += more.refusals;
        self.early += more.early;
        self.spoils += more.spoils;
        self.changes += more.changes;
    }
}

/// Plays `worlds` worlds on all processors.
pub fn campaign(base: u64, worlds: u64) -> Tally<Happened> {
    let sum = Tally::of(
        worlds,
        |number| seed_of(base ^ 0x5a5a, number),
        |seed| {
            let (happened, broken, _) = run_world(seed, false);
            (happened, broken)
        },
    );
    sum.print("with shares", base, "SAFECP_SIM_SHARD");
    sum
}
