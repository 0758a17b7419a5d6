//! What many worlds come to, where all that is told of one is what happened in it, in numbers, and what promise it broke.

use super::campaign::{Sum, shared};
use std::fmt::Debug;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// What happened in worlds, in numbers.
pub trait Happened: Debug + Default + Send {
    fn add(&mut self, more: Self);
}

/// What happened in a world, what promise it broke, and its story.
pub type Played<H> = (H, Option<String>, Vec<String>);

/// Worlds of which nothing is counted.
impl Happened for () {
    fn add(&mut self, (): Self) {}
}

/// The sum of a campaign.
#[derive(Default)]
pub struct Tally<H> {
    pub worlds: u64,
    pub happened: H,
    /// Seeds of worlds that broke a promise, and which.
    pub broken: Vec<(u64, String)>,
}

impl<H: Happened> Sum for Tally<H> {
    fn join(&mut self, other: Self) {
        self.worlds += other.worlds;
        self.happened.add(other.happened);
        self.broken.extend(other.broken);
    }

    fn is_enough(&self) -> bool {
        self.broken.len() >= 20
    }
}

impl<H: Happened> Tally<H> {
    /// Plays `worlds` worlds on all processors, each of the seed that its number has.
    pub fn of(worlds: u64, seed: impl Fn(u64) -> u64 + Sync, play: impl Fn(u64) -> (H, Option<String>) + Sync) -> Self {
        let mut sum: Self = shared(worlds, &|sum: &mut Self, number| {
            let seed = seed(number);
            let played = catch_unwind(AssertUnwindSafe(|| play(seed)));
            let (happened, broken) = played.unwrap_or_else(|_| (H::default(), Some("panicked".to_owned())));
            let broken = broken.map(|broken| (seed, broken)).into_iter().collect();
            sum.join(Self { worlds: 1, happened, broken });
        });
        sum.broken.sort();
        sum
    }

    /// Prints it. `variable` makes a test play one of the worlds again.
    pub fn print(&self, what: &str, base: u64, variable: &str) {
        println!("{} worlds {what} from seed {base}: {:?}", self.worlds, self.happened);
        for (seed, broken) in &self.broken {
            println!("BROKEN: {broken}; replay with {variable}={seed}");
        }
    }
}
