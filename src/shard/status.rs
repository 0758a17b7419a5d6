//! How far the shares of a copy are: asked of their records, from any machine. Nothing is changed, so that they may lie where nothing
//! can be written.

use super::About;
use super::lists::{ShareList, list_name, listed};
use super::lock::is_locked;
use super::log::{Count, Ending, ending};
use super::state::{Records, Stage, State};
use crate::error::{Action, Error};
use crate::kernel::Kernel;
use crate::quote::quoted;
use std::num::NonZeroU32;

/// What the shares have done together, and how many of them are how far.
#[derive(Default)]
struct Sums {
    complete: u32,
    failed: u32,
    working: u32,
    interrupted: u32,
    not_begun: u32,
    names: u64,
    bytes: u64,
    /// Names and bytes a second, of those that are at work.
    names_rate: f64,
    bytes_rate: f64,
    /// Names of the shares that are complete.
    complete_names: u64,
}

/// Lines that tell how far the shares of a copy are; and whether all are complete.
pub fn status<K: Kernel>(kernel: &K, about: &About, user: u32) -> Result<(Vec<String>, bool), Error> {
    let target = quoted(&about.target);
    let state = match State::look(kernel, about, user)? {
        Records::Open(state) if state.stage == Stage::Shares => state,
        Records::Open(_) | Records::Emptied { .. } => {
            return Ok((vec![format!("{target}: finished, but for the removal of records; run --finish again")], true));
        }
    };
    let count = state.plan.count;
    let all_listed = listed(&state)?;
    let (mut lines, mut sums, mut left) = (Vec::new(), Sums::default(), Remaining::default());
    for number in (1..=count.get()).filter_map(NonZeroU32::new) {
        let (standing, told) = standing(&state, number)?;
        sums.add(standing, &told);
        if let Some(listed) = all_listed.as_ref().and_then(|all| all.get(number.get() as usize - 1)) {
            left.add(standing, &told, listed);
        }
        // Those that need nobody's thought are only counted.
        if matches!(standing, Standing::Failed | Standing::Interrupted | Standing::AtWork) {
            lines.push(format!("shard {number} of {count}: {}, {}", standing.words(), amount(told.names, told.bytes)));
        }
    }
    lines.push(sums.line(&target, count));
    if all_listed.is_some() {
        lines.push(left.line(count));
        lines.extend((sums.working > 0).then(|| sums.rate()));
    } else if state.find_to_read(&list_name(NonZeroU32::MIN))?.is_some() {
        lines.push("lists: not whole; a run with --plan makes them, or was interrupted".to_owned());
    } else {
        lines.extend(sums.left(count));
    }
    Ok((lines, sums.complete == count.get()))
}

/// What lists let expect.
#[derive(Default)]
struct Remaining {
    taken: u32,
    names: u64,
    bytes: u64,
    /// The most that one share has left.
    names_max: u64,
    bytes_max: u64,
}

impl Remaining {
    /// Adds what a share has left of its list.
    fn add(&mut self, standing: Standing, told: &Count, listed: &ShareList) {
        // One that ran before the lists were made has to run again.
        let is_taken = told.list == Some(listed.id);
        let (names, bytes) = match (is_taken, standing) {
            (false, _) => (listed.names, listed.bytes),
            (true, Standing::Complete) => (0, 0),
            (true, _) => (listed.names.saturating_sub(told.names), listed.bytes.saturating_sub(told.bytes)),
        };
        self.taken += u32::from(is_taken);
        self.names += names;
        self.bytes += bytes;
        self.names_max = self.names_max.max(names);
        self.bytes_max = self.bytes_max.max(bytes);
    }

    fn line(&self, count: NonZeroU32) -> String {
        let taken = format!("lists: taken by {} of {count} shards", self.taken);
        if (self.names, self.bytes) == (0, 0) {
            return format!("{taken}; nothing is left");
        }
        let (all, most) = (amount(self.names, self.bytes), amount(self.names_max, self.bytes_max));
        format!("{taken}; about {all} are left, at most {most} for a shard")
    }
}

/// How far a share is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    NotBegun,
    AtWork,
    Interrupted,
    Failed,
    Complete,
}

impl Standing {
    fn words(self) -> &'static str {
        match self {
            Standing::NotBegun => "not begun",
            Standing::AtWork => "at work",
            Standing::Interrupted => "interrupted",
            Standing::Failed => "failed",
            Standing::Complete => "complete",
        }
    }
}

fn standing<K: Kernel>(state: &State<'_, K>, number: NonZeroU32) -> Result<(Standing, Count), Error> {
    let shown = state.shown_log(number);
    let Some(file) = state.find_to_read(&number.to_string())? else {
        return Ok((Standing::NotBegun, Count::default()));
    };
    // Together with others that ask, and so that a file suffices that cannot be written.
    let is_free = is_locked(state.kernel.lock_shared(&file), &shown)?;
    let told = ending(state.kernel, &file).map_err(|errno| Error::call(Action::Read, &shown, errno))?;
    Ok(match told {
        Ending::Complete(count, _) => (Standing::Complete, count),
        Ending::NotBegun => (Standing::NotBegun, Count::default()),
        Ending::Failed(count) => (Standing::Failed, count),
        Ending::Begun(count) if is_free => (Standing::Interrupted, count),
        Ending::Begun(count) => (Standing::AtWork, count),
    })
}

impl Sums {
    fn add(&mut self, standing: Standing, told: &Count) {
        self.names += told.names;
        self.bytes += told.bytes;
        match standing {
            Standing::NotBegun => self.not_begun += 1,
            Standing::Interrupted => self.interrupted += 1,
            Standing::Failed => self.failed += 1,
            Standing::Complete => {
                self.complete += 1;
                self.complete_names += told.names;
            }
            Standing::AtWork => {
                self.working += 1;
                let seconds = (told.told - told.begun).max(1) as f64;
                self.names_rate += told.names as f64 / seconds;
                self.bytes_rate += told.bytes as f64 / seconds;
            }
        }
    }

    fn line(&self, target: &str, count: NonZeroU32) -> String {
        let all = [
            (self.complete, "complete"),
            (self.working, "at work"),
            (self.failed, "failed"),
            (self.interrupted, "interrupted"),
            (self.not_begun, "not begun"),
        ];
        let counts = all.iter().filter(|(count, _)| *count > 0).map(|(count, words)| format!("{count} {words}"));
        let counts: Vec<String> = counts.collect();
        format!("{target}: of {count} shards {}; {} verified", counts.join(", "), amount(self.names, self.bytes))
    }

    /// What the shares that are complete, and those at work, let expect of the others.
    fn left(&self, count: NonZeroU32) -> Option<String> {
        if self.complete == 0 || self.complete == count.get() {
            return None;
        }
        let all = self.complete_names as f64 / f64::from(self.complete) * f64::from(count.get());
        let left = (all - self.names as f64).max(0.0);
        Some(format!("about {left:.0} names are left, by the size of shards that are complete; {}", self.rate()))
    }

    fn rate(&self) -> String {
        format!("now {:.0} names and {:.1} MB a second", self.names_rate, self.bytes_rate / 1e6)
    }
}

fn amount(names: u64, bytes: u64) -> String {
    format!("{names} names, {bytes} bytes")
}
