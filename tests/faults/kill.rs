//! Death at every system call, and at any time under load: the target is old, new or absent, and the same command,
//! given again, succeeds and removes what was left.

use super::campaign::{Desk, Desks, Size, Tally, each, is_asked, is_temporary, locked, up_to};
use super::judge::{Broken, Rule, Run};
use super::look::{Kind, Tree, look};
use super::matrix::{Clean, clean_runs, is_hindered};
use super::places::Place;
use super::random::Random;
use super::scenario::{Hindrance, Program, Scenario, Source, Task};
use super::tool::{Ended, Tool};
use std::path::Path;
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// Kills at random times, where all of them are asked for.
const RANDOM_KILLS: usize = 10_000;

/// Threads for each processor: programs that wait for each other are killed at other points.
const LOAD: usize = 3;

/// When a run dies.
enum When {
    /// Before this call, as strace counts; with it what keeps another away.
    Call { name: String, number: usize, hindrance: Option<String> },
    /// After this time.
    Time(Duration),
}

struct Case {
    scenario: Scenario,
    place: usize,
    when: When,
}

/// Kills safecp in these scenarios, in each of these places.
pub(crate) fn run(size: &Size, scenarios: &[Scenario], places: &[Place]) -> Tally {
    let tool = Tool::ours();
    let desks = Desks::new(places);
    let tally = Mutex::new(Tally::new(size));
    let half = Size { cases: size.cases.map(|cases| cases.div_ceil(2)), from: size.from / 2, seed: size.seed };
    let at_calls = at_calls(&tool, scenarios, places, &desks, &tally);
    let mut cases = half.choose(at_calls, |case| described(&tool, case, places));
    cases.extend(at_times(&tool, scenarios, places, &desks, &half));
    cases.retain(|case| is_asked(&described(&tool, case, places)));
    each(&cases, LOAD, &tally, |case, thread, tally| {
        let desk = desks.desk(case.place, thread);
        kill(&tool, case, places, &desk, tally);
    });
    tally.into_inner().expect("no thread panicked")
}

/// Every call of every scenario. Calls that cannot fail change no file: death at the next one is the same.
fn at_calls(tool: &Tool, scenarios: &[Scenario], places: &[Place], desks: &Desks, tally: &Mutex<Tally>) -> Vec<Case> {
    let mut cases = Vec::new();
    for Clean { scenario, place, trace, hindrance } in clean_runs(tool, scenarios, places, desks, tally) {
        let calls = trace.calls.into_iter().filter(|call| !is_hindered(&scenario, &call.name));
        cases.extend(calls.map(|call| {
            let when = When::Call { name: call.name, number: call.number, hindrance: hindrance.clone() };
            Case { scenario, place, when }
        }));
    }
    cases
}

fn at_times(tool: &Tool, scenarios: &[Scenario], places: &[Place], desks: &Desks, size: &Size) -> Vec<Case> {
    let mut random = Random::new(size.seed);
    let mut kinds = Vec::new();
    for place in 0..places.len() {
        for scenario in scenarios.iter().filter(|scenario| scenario.hindrance == Hindrance::Nothing) {
            let desk = desks.desk(place, 0);
            let world = desk.world();
            scenario.make(&world);
            let started = Instant::now();
            if tool.run(scenario, &world).succeeded() {
                kinds.push((place, *scenario, started.elapsed()));
            }
        }
    }
    let cases = (0..size.cases.unwrap_or(RANDOM_KILLS)).map(|_| {
        let (place, scenario, elapsed) = random.pick(&kinds);
        Case { scenario, place, when: When::Time(up_to(elapsed * 2, &mut random)) }
    });
    cases.collect()
}

fn described(tool: &Tool, case: &Case, places: &[Place]) -> String {
    let how = match &case.when {
        When::Time(time) => format!("killed after {time:?}"),
        When::Call { .. } => tool.line(&arguments(case), &case.scenario),
    };
    format!("{} on {}: {how}", case.scenario.name, places[case.place].name)
}

/// strace's, for a death at a call.
fn arguments(case: &Case) -> Vec<String> {
    let When::Call { name, number, hindrance } = &case.when else { return Vec::new() };
    let hindered = case.scenario.hindrance.call().map(|(hindered, ..)| format!(",{hindered}"));
    let calls = format!("{name}{}", hindered.unwrap_or_default());
    let kill = format!("inject={name}:signal=KILL:when={number}");
    // Without --seccomp-bpf: a program that stops by that gets no signal.
    let mut arguments = vec!["-e".to_owned(), format!("trace={calls}"), "-e".to_owned(), kill];
    arguments.extend(hindrance.iter().flat_map(|hindrance| ["-e".to_owned(), hindrance.clone()]));
    arguments
}

/// One death, and the run after it.
fn kill(tool: &Tool, case: &Case, places: &[Place], desk: &Desk, tally: &Mutex<Tally>) {
    let scenario = &case.scenario;
    let world = desk.world();
    let before = scenario.make(&world);
    let ended = match &case.when {
        When::Time(time) => tool.killed_after(*time, scenario, &world),
        When::Call { .. } => tool.traced(&arguments(case), scenario, &world, &desk.path),
    };
    let after = look(&world);
    let mut broken = judged(scenario, &world, &before, &after, &ended);
    broken.retain(|broken| broken.rule != Rule::NothingLeft);
    let left = after.keys().filter(|path| is_temporary(path)).count();
    let row = match (&case.when, left) {
        _ if ended.succeeded() => "it had ended before",
        (When::Call { .. }, 0) => "at a call, nothing left",
        (When::Call { .. }, _) => "at a call, a temporary name left",
        (When::Time(_), 0) => "at any time, nothing left",
        (When::Time(_), _) => "at any time, a temporary name left",
    };
    if broken.is_empty() {
        broken = again(tool, case, &world, desk, &before, after);
    }
    locked(tally).count(row, &broken, || format!("{}, {}", described(tool, case, places), ended.shown()));
}

/// The same command once more, from what is there now.
fn again(tool: &Tool, case: &Case, world: &Path, desk: &Desk, before: &Tree, mut after: Tree) -> Vec<Broken> {
    let scenario = &case.scenario;
    after.retain(|path, _| !is_temporary(path));
    let is_there = |tree: &Tree| tree.contains_key(Path::new("d/t"));
    if scenario.program == Program::Mv && is_done_or_begun(scenario, &after) {
        return Vec::new();
    }
    let ended = match (&case.when, scenario.hindrance.call()) {
        // With a target more the call to hinder is another; a file that has its name left none.
        (When::Call { hindrance: Some(hindrance), .. }, Some((hindered, ..)))
            if is_there(before) == is_there(&after) =>
        {
            let arguments = ["-e", &format!("trace={hindered}"), "-e", hindrance].map(str::to_owned);
            tool.traced(&arguments, scenario, world, &desk.path)
        }
        (When::Call { .. } | When::Time(_), _) => tool.run(scenario, world),
    };
    let mut end = look(world);
    if scenario.task == Task::Repair {
        forget_times_of_directories(&mut end);
    }
    let mut broken = judged(scenario, world, &after, &end, &ended);
    if !ended.succeeded() && !scenario.finds() {
        broken.push(Broken { rule: Rule::Ends, how: format!("again: {}, {:?}", ended.shown(), ended.stderr) });
    }
    broken
}

/// A repair that died before it set a directory's time back leaves the time of its death. A check does not count those.
fn forget_times_of_directories(tree: &mut Tree) {
    let sources = tree.clone();
    for (path, seen) in tree.iter_mut().filter(|(_, seen)| seen.kind == Kind::Directory) {
        let source = path.strip_prefix("d/t").ok().and_then(|rest| sources.get(&Path::new("s").join(rest)));
        seen.modified = source.map_or(seen.modified, |source| source.modified);
    }
}

/// Whether mv has nothing to do any more, or, as GNU's, no way to go on: no tree is moved over another.
fn is_done_or_begun(scenario: &Scenario, after: &Tree) -> bool {
    let is_begun = scenario.source == Source::Tree && after.contains_key(Path::new("d/t"));
    is_begun || !after.contains_key(Path::new("s"))
}

fn judged(scenario: &Scenario, world: &Path, before: &Tree, after: &Tree, ended: &Ended) -> Vec<Broken> {
    Run { scenario, world, before, after, ended, fault: None, only_bytes: false }.judge()
}
