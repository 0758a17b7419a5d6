//! One walk over a tree for all of its shares: directories are dealt out so that each share has as much to copy as the others.
//!
//! The walk makes the directories too. What is to be weighed are the names in a directory and their bytes, of which neither
//! alone says how long it takes. A directory that is too much for one share is cut by its names' keys.

use super::lists::{LISTED, List, ShareList, Unit, list_name, listed_text};
use super::lock::{is_locked, share_plan};
use super::path_key::{share_of, share_of_path};
use super::plan::Plan;
use super::share::{check_sources, check_state, reserved};
use super::state::State;
use super::written::write_out;
use super::{About, Number, Request, directory};
use crate::error::{Action, Error};
use crate::kernel::{Errno, Kernel, RenameFlags, Stat};
use crate::options::TargetRule;
use crate::tree::portion::{Part, Portion};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// What becomes [`LISTED`] once it is whole.
const UNNAMED: &str = "lists-new";

/// A directory that is more than this part of a share's is cut.
const CUT: f64 = 0.25;

/// What is in a directory, or in a share.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Load {
    names: u64,
    bytes: u64,
}

impl Load {
    fn add(&mut self, other: Load) {
        self.names += other.names;
        self.bytes += other.bytes;
    }

    /// How much of a whole it is, half by its names and half by its bytes.
    fn of(self, whole: Load) -> f64 {
        let ratio = |part: u64, whole: u64| part as f64 / whole.max(1) as f64;
        (ratio(self.names, whole.names) + ratio(self.bytes, whole.bytes)) / 2.0
    }
}

/// What the walk has come by.
#[derive(Default)]
struct WalkTotals {
    directories: BTreeMap<PathBuf, Load>,
    /// Names that certain shares have to look at, and how many bytes are in them.
    names: Vec<(Whom, PathBuf, u64)>,
}

/// Who has to look at a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Whom {
    One(u32),
    All,
}

/// A walk for all shares.
pub struct Planner<'a, K: Kernel> {
    state: State<'a, K>,
    /// Locked together with shares, so that no end begins meanwhile.
    _plan: K::File,
    count: NonZeroU32,
    reserved: Option<PathBuf>,
    seen: Mutex<WalkTotals>,
}

impl<'a, K: Kernel> Planner<'a, K> {
    /// Begins it, in the directory `here`, as this user. No share may be at work; those that ran before will have to run again.
    pub fn begin(
        kernel: &'a K,
        request: &Request,
        count: NonZeroU32,
        (here, user): (&Path, u32),
    ) -> Result<Self, Error> {
        let (operands, number) = (&request.operands, Number { number: NonZeroU32::MIN, count });
        check_state(request, here)?;
        if operands.rule == TargetRule::Itself {
            check_sources(kernel, operands)?;
            directory::make(kernel, &operands.target)?;
        }
        let about = About { target: operands.target.clone(), state: request.state.clone() };
        let state = State::begin(kernel, &about, &Plan::of(request, number, here), user)?;
        let reserved = reserved(kernel, operands, state.lies)?;
        let plan = share_plan(&state)?.ok_or_else(|| state.being_finished())?;
        let planner = Self { state, _plan: plan, count, reserved, seen: Mutex::default() };
        planner.void()?;
        Ok(planner)
    }

    fn shares(&self) -> impl Iterator<Item = NonZeroU32> + use<K> {
        (1..=self.count.get()).filter_map(NonZeroU32::new)
    }

    /// Takes the lists away that there are, so that no share goes by some of them.
    fn void(&self) -> Result<(), Error> {
        let State { kernel, dir, shown, .. } = &self.state;
        for number in self.shares() {
            let Some(log) = self.state.log(number)? else { continue };
            if !is_locked(kernel.lock(&log), &self.state.shown_log(number))? {
                return Err(Error::Refused(format!("shard {number} of {} is at work", self.count)));
            }
        }
        match kernel.unlink(dir, LISTED.as_ref()) {
            Ok(()) | Err(Errno::NOENT) => {}
            Err(errno) => return Err(Error::call(Action::Remove, &shown.join(LISTED), errno)),
        }
        kernel.fsync(dir).map_err(|errno| Error::call(Action::Sync, shown, errno))?;
        self.shares().try_for_each(|number| self.write(&list_name(number), ""))
    }

    fn write(&self, name: &str, text: &str) -> Result<(), Error> {
        let (kernel, shown) = (self.state.kernel, self.state.shown.join(name));
        let file = self.state.lines(name)?;
        kernel.truncate(&file, 0).map_err(|errno| Error::call(Action::CreateFile, &shown, errno))?;
        write_out(kernel, &file, text.as_bytes(), &shown)
    }

    /// Writes the lists, once the walk has come to its end. Returns a line that tells of them.
    pub fn end(&self) -> Result<String, Error> {
        let seen = std::mem::take(&mut *self.seen.lock().unwrap_or_else(PoisonError::into_inner));
        let (lists, loads) = deal(&seen, self.count.get());
        let mut listed = Vec::new();
        for ((number, list), Load { names, bytes }) in self.shares().zip(&lists).zip(&loads) {
            let (text, id) = list.text();
            self.write(&list_name(number), &text)?;
            listed.push(ShareList { id, names: *names, bytes: *bytes });
        }
        let State { kernel, dir, shown, .. } = &self.state;
        let failed = |action| move |errno| Error::call(action, shown, errno);
        self.write(UNNAMED, &listed_text(&listed))?;
        kernel
            .rename(dir, UNNAMED.as_ref(), dir, LISTED.as_ref(), RenameFlags::empty())
            .map_err(failed(Action::CreateFile))?;
        kernel.fsync(dir).map_err(failed(Action::Sync))?;
        let most = |what: fn(&Load) -> u64| loads.iter().map(what).max().unwrap_or(0);
        let (names, bytes) = (most(|load| load.names), most(|load| load.bytes));
        Ok(format!("{} lists: about {names} names and {bytes} bytes in the largest", self.count))
    }

    fn seen(&self) -> std::sync::MutexGuard<'_, WalkTotals> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Deals directories out: the heaviest first, each to the share that has the least.
fn deal(seen: &WalkTotals, count: u32) -> (Vec<List>, Vec<Load>) {
    let mut whole = Load::default();
    seen.directories.values().for_each(|load| whole.add(*load));
    seen.names.iter().for_each(|(_, _, bytes)| whole.add(Load { names: 1, bytes: *bytes }));
    let share = 1.0 / f64::from(count);
    let mut units = Vec::new();
    for (path, load) in &seen.directories {
        let of = (load.of(whole) / (share * CUT)).ceil().clamp(1.0, f64::from(count) * 4.0) as u32;
        let part = Load { names: load.names.div_ceil(of.into()), bytes: load.bytes.div_ceil(of.into()) };
        units.extend((0..of).map(|number| (part, path, number, of)));
    }
    units.sort_by(|one, other| other.0.of(whole).total_cmp(&one.0.of(whole)));
    let mut lists = vec![List::default(); count as usize];
    let mut loads = vec![Load::default(); count as usize];
    // Whose these are is not to be chosen.
    for (whom, path, bytes) in &seen.names {
        let first = share_of_path(path, count);
        for ((list, load), number) in lists.iter_mut().zip(&mut loads).zip(0..) {
            let part = match whom {
                Whom::One(share) if *share != number => continue,
                Whom::One(_) => Load { names: 1, bytes: *bytes },
                Whom::All => Load { names: u64::from(first == number), bytes: bytes.div_ceil(count.into()) },
            };
            list.names.insert(path.clone());
            load.add(part);
        }
    }
    // Numbers that are not negative are in the order of their bits.
    let weight = |load: Load| load.of(whole).to_bits();
    let mut least_first: BinaryHeap<_> = (0..loads.len()).map(|share| Reverse((weight(loads[share]), share))).collect();
    for (load, path, number, of) in units {
        let Some(Reverse((_, least))) = least_first.pop() else { break };
        loads[least].add(load);
        least_first.push(Reverse((weight(loads[least]), least)));
        let unit = lists[least].directories.entry(path.clone()).or_insert_with(|| Unit { of, ..Unit::default() });
        unit.parts.insert(number);
    }
    (lists, loads)
}

impl<K: Kernel> Portion for Planner<'_, K> {
    fn part(&self) -> Part {
        Part::Plan
    }

    fn reserved(&self) -> Option<&Path> {
        self.reserved.as_deref()
    }

    fn weigh(&self, path: &Path, source: &Stat, inode: Option<u64>, is_cut: bool) {
        let mut seen = self.seen();
        match inode {
            Some(inode) => {
                let whom = Whom::One(share_of(inode, self.count.get()));
                seen.names.push((whom, path.to_owned(), source.size));
            }
            None if is_cut => seen.names.push((Whom::All, path.to_owned(), source.size)),
            None => {
                let above = path.parent().unwrap_or(Path::new("")).to_owned();
                seen.directories.entry(above).or_default().add(Load { names: 1, bytes: source.size });
            }
        }
    }

    fn cuts(&self) -> bool {
        self.count.get() > 1
    }

    fn part_name(&self, path: &Path) -> PathBuf {
        super::share::part_name(path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_name_is_on_one_list_and_lists_are_alike() {
        let mut seen = WalkTotals::default();
        for number in 0..200_u64 {
            let load = Load { names: number % 17, bytes: (number * number) % 1000 };
            seen.directories.insert(PathBuf::from(format!("d/{number}")), load);
        }
        seen.directories.insert(PathBuf::from("d/huge"), Load { names: 4000, bytes: 5 });
        seen.names = vec![(Whom::One(2), "d/1/x".into(), 7), (Whom::All, "d/large".into(), 400)];
        let (lists, loads) = deal(&seen, 4);
        let mut whole = Load::default();
        seen.directories.values().for_each(|load| whole.add(*load));
        assert!(loads.iter().all(|load| (0.2..0.3).contains(&load.of(whole))), "{loads:?}");
        for path in seen.directories.keys() {
            let of: BTreeSet<u32> =
                lists.iter().filter_map(|list| list.directories.get(path)).map(|unit| unit.of).collect();
            let [of] = of.into_iter().collect::<Vec<_>>()[..] else { panic!("{path:?} is cut in two ways") };
            let mut parts: Vec<u32> = lists
                .iter()
                .filter_map(|list| list.directories.get(path))
                .flat_map(|unit| unit.parts.clone())
                .collect();
            parts.sort_unstable();
            assert_eq!(parts, (0..of).collect::<Vec<_>>(), "{path:?}");
        }
        let on = |name: &str| lists.iter().map(|list| list.names.contains(Path::new(name))).collect::<Vec<_>>();
        assert_eq!(on("d/1/x"), [false, false, true, false]);
        assert_eq!(on("d/large"), [true; 4]);
        assert!(loads.iter().map(|load| load.names).sum::<u64>() >= whole.names + 2, "{loads:?}");
        // What each list says is what one of them says.
        let owners = |path: &str| {
            lists.iter().filter(|list| list.claim(Path::new(path)) == super::super::lists::Allotment::Ours).count()
        };
        assert!(
            (0..100).all(|number| owners(&format!("d/huge/{number}")) == 1 && owners(&format!("d/7/{number}")) == 1)
        );
    }
}
