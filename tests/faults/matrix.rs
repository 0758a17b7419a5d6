//! Every call of every scenario fails in every way, on every filesystem.

use super::campaign::{Desk, Desks, Size, Tally, each, is_asked, locked};
use super::fault::{Fault, faults, group};
use super::judge::{Broken, Rule, Run};
use super::lives::why;
use super::look::{Tree, look};
use super::places::Place;
use super::scenario::{Hindrance, Program, Scenario, Source};
use super::tool::{Ended, Tool};
use super::trace::Trace;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Mutex;

/// One run to make.
pub(crate) struct Case {
    pub(crate) scenario: Scenario,
    pub(crate) place: usize,
    pub(crate) fault: Fault,
    /// What keeps a call away, for strace.
    pub(crate) hindrance: Option<String>,
}

impl Case {
    /// Whether the run does little but wait until it is ended.
    fn waits(&self) -> bool {
        self.fault.stays && self.fault.is_of_lease()
    }

    fn arguments(&self) -> Vec<String> {
        let mut arguments = self.fault.arguments();
        if let (Some(hindrance), Some((hindered, ..))) = (&self.hindrance, self.scenario.hindrance.call()) {
            arguments.extend(["-e".to_owned(), format!("trace={},{hindered}", self.fault.call.name)]);
            arguments.extend(["-e".to_owned(), hindrance.clone()]);
        }
        arguments
    }

    pub(crate) fn described(&self, tool: &Tool, places: &[Place]) -> String {
        let line = tool.line(&self.arguments(), &self.scenario);
        let lives = why(&self.fault, &self.scenario).map_or("", |_| " (to be lived through)");
        format!("{} on {}: {line}{lives}", self.scenario.name, places[self.place].name)
    }
}

/// So many runs that wait, and take no time of a processor, go side by side for each processor.
const WAITING: usize = 16;

/// Numbers of threads below this are those of other runs.
const OTHERS_MAX: usize = 1000;

/// Runs the matrix of these scenarios on safecp, in each of these places.
pub(crate) fn run(size: &Size, scenarios: &[Scenario], places: &[Place]) -> Tally {
    let tool = Tool::ours();
    let desks = Desks::new(places);
    let tally = Mutex::new(Tally::new(size));
    let all = cases(&tool, scenarios, places, &desks, &tally);
    println!("matrix: there are {} cases", all.len());
    let cases = size.choose(all, |case| case.described(&tool, places));
    let (waiting, others): (Vec<Case>, Vec<Case>) = cases.into_iter().partition(Case::waits);
    let judge = |case: &Case, thread, tally: &Mutex<Tally>| {
        judge_case(&tool, case, places, &desks.desk(case.place, thread), tally, false);
    };
    std::thread::scope(|scope| {
        scope.spawn(|| each(&waiting, WAITING, &tally, |case, thread, tally| judge(case, OTHERS_MAX + thread, tally)));
        each(&others, 1, &tally, judge);
    });
    tally.into_inner().expect("no thread panicked")
}

/// Every case there is.
pub(crate) fn cases(
    tool: &Tool,
    scenarios: &[Scenario],
    places: &[Place],
    desks: &Desks,
    tally: &Mutex<Tally>,
) -> Vec<Case> {
    let mut cases = Vec::new();
    for Clean { scenario, place, trace, hindrance } in clean_runs(tool, scenarios, places, desks, tally) {
        for (reason, count) in trace.left_out {
            *locked(tally).left_out.entry(reason).or_default() += count;
        }
        for call in &trace.calls {
            if call.before_operands && scenario.name != scenarios[0].name {
                let reason = "calls before the first operand: only in the first scenario, they are the same in all";
                *locked(tally).left_out.entry(reason.to_owned()).or_default() += 1;
                continue;
            }
            if is_like_others(&scenario, call.number) {
                let reason = format!("{}: of a long file the first {FIRST} and each {EACH}th are tried", call.name);
                *locked(tally).left_out.entry(reason).or_default() += 1;
                continue;
            }
            if is_hindered(&scenario, &call.name) {
                let reason = format!("{}: strace already makes one of them fail", call.name);
                *locked(tally).left_out.entry(reason).or_default() += 1;
                continue;
            }
            let hindrance = || hindrance.clone();
            let new = faults(call, &scenario).into_iter();
            cases.extend(new.map(|fault| Case { scenario, place, fault, hindrance: hindrance() }));
        }
    }
    cases.retain(|case| is_asked(&case.described(tool, places)));
    cases
}

/// So many calls of a name are all tried.
const FIRST: usize = 40;

/// Of those behind them, one in so many.
const EACH: usize = 32;

/// Whether a call is one of the thousands of a long file that read or compare what the one before it did.
fn is_like_others(scenario: &Scenario, number: usize) -> bool {
    scenario.source == Source::Long && number > FIRST && number % EACH != 0
}

/// Whether strace keeps a call of this name away in every run of a scenario, and so cannot strike another.
pub(crate) fn is_hindered(scenario: &Scenario, name: &str) -> bool {
    scenario.hindrance.call().is_some_and(|(hindered, ..)| hindered == name)
}

/// A run in which nothing was made to fail.
pub(crate) struct Clean {
    pub(crate) scenario: Scenario,
    pub(crate) place: usize,
    pub(crate) trace: Trace,
    /// What kept a call away, for strace.
    pub(crate) hindrance: Option<String>,
}

/// A clean run of each scenario in each place. Where one fails, that is told.
pub(crate) fn clean_runs(
    tool: &Tool,
    scenarios: &[Scenario],
    places: &[Place],
    desks: &Desks,
    tally: &Mutex<Tally>,
) -> Vec<Clean> {
    let in_each = (0..places.len()).flat_map(|place| scenarios.iter().map(move |one| (place, *one)));
    let wanted: Vec<(usize, (usize, Scenario))> = in_each.enumerate().collect();
    let runs = Mutex::new(BTreeMap::new());
    each(&wanted, 1, tally, |&(index, (place, scenario)), thread, tally| {
        match traced(tool, &scenario, &desks.desk(place, thread)) {
            Some((trace, hindrance)) => {
                let run = Clean { scenario, place, trace, hindrance };
                runs.lock().expect("no thread panicked").insert(index, run);
            }
            None => {
                let reason = format!("{} on {}: a clean run fails there", scenario.name, places[place].name);
                locked(tally).left_out.insert(reason, 1);
            }
        }
    });
    runs.into_inner().expect("no thread panicked").into_values().collect()
}

/// The calls of a clean run, and what keeps one of them away from it. None where a clean run fails.
fn traced(tool: &Tool, scenario: &Scenario, desk: &Desk) -> Option<(Trace, Option<String>)> {
    let arguments = |more: Option<&String>| {
        let mut words: Vec<String> = ["-y", "-s", "0"].map(str::to_owned).to_vec();
        words.extend(more.into_iter().flat_map(|more| ["-e".to_owned(), more.clone()]));
        words
    };
    let mut log = clean(tool, scenario, desk, &arguments(None))?.log;
    let mut hindrance = None;
    if let Some((name, mark, error)) = scenario.hindrance.call() {
        let calls = log.lines().filter(|line| line.contains(&format!(" {name}(")));
        let number = calls.enumerate().find(|(_, line)| line.contains(mark)).map(|(index, _)| index + 1)?;
        hindrance = Some(format!("inject={name}:error={error}:when={number}"));
        log = clean(tool, scenario, desk, &arguments(hindrance.as_ref()))?.log;
    }
    let world = desk.path.join("w/");
    let world = world.to_str().expect("a plain path");
    Some((Trace::read(&log, world, scenario.source.is_tree()), hindrance))
}

fn clean(tool: &Tool, scenario: &Scenario, desk: &Desk, arguments: &[String]) -> Option<Ended> {
    let world = desk.world();
    let before = scenario.make(&world);
    let ended = tool.traced(arguments, scenario, &world, &desk.path);
    let after = look(&world);
    let only_bytes = tool.name != "safecp";
    let run = Run { scenario, world: &world, before: &before, after: &after, ended: &ended, fault: None, only_bytes };
    let broken = run.judge();
    assert!(broken.is_empty(), "{} {}, nothing injected: {broken:?}", tool.name, scenario.name);
    (ended.succeeded() || scenario.finds()).then_some(ended)
}

/// Makes the run, judges it, counts it.
pub(crate) fn judge_case(
    tool: &Tool,
    case: &Case,
    places: &[Place],
    desk: &Desk,
    tally: &Mutex<Tally>,
    only_bytes: bool,
) {
    let world = desk.world();
    let before = case.scenario.make(&world);
    let ended = tool.traced(&case.arguments(), &case.scenario, &world, &desk.path);
    let struck: Vec<&str> = ended.log.lines().filter(|line| line.contains("(INJECTED)")).collect();
    let is_meant = struck.iter().all(|line| case.fault.is_meant_for(line));
    if struck.len() <= usize::from(case.hindrance.is_some()) || !is_meant {
        locked(tally).missed += 1;
        return;
    }
    let after = look(&world);
    let Case { scenario, fault, .. } = case;
    let run =
        Run { scenario, world: &world, before: &before, after: &after, ended: &ended, fault: Some(fault), only_bytes };
    let mut broken = run.judge();
    if scenario.has("--partial") && broken.is_empty() {
        broken = next(tool, scenario, &world, &after);
    }
    if !only_bytes {
        forgive(&mut broken, case, places, &ended.stderr, tally);
    }
    let said =
        || format!("{}\n    {}, {:?}", case.described(tool, places), ended.shown(), without(&ended.stderr, &world));
    locked(tally).count(&fault.row, &broken, said);
}

/// The same command once more, which nothing keeps from its end: whatever the first has left, the target is whole then, and alone.
fn next(tool: &Tool, scenario: &Scenario, world: &Path, before: &Tree) -> Vec<Broken> {
    let ended = tool.run(scenario, world);
    let after = look(world);
    let run = Run { scenario, world, before, after: &after, ended: &ended, fault: None, only_bytes: false };
    let mut broken = run.judge();
    if !ended.succeeded() {
        broken.push(Broken { rule: Rule::Ends, how: format!("again: {}, {:?}", ended.shown(), ended.stderr) });
    }
    broken
}

/// Takes out what is meant to be as it is, and counts it.
fn forgive(broken: &mut Vec<Broken>, case: &Case, places: &[Place], said: &str, tally: &Mutex<Tally>) {
    broken.retain(|broken| {
        let reason = meant(case, broken, places, said);
        if let Some(reason) = reason {
            *locked(tally).meant.entry(reason).or_default() += 1;
        }
        reason.is_none()
    });
}

/// What says that there may be room later.
const NO_ROOM: [&str; 4] = ["error=ENOSPC", "error=EDQUOT", "error=EMFILE", "error=ENFILE"];

/// What is known of how filesystems tell holes.
const BELIEVED_HOLES: &str =
    "the word of ext4, btrfs, XFS and tmpfs about holes is believed, and of an overlay on them";

/// Why a rule does not hold for a case; the README says so, or cp's manual.
fn meant(case: &Case, broken: &Broken, places: &[Place], said: &str) -> Option<&'static str> {
    let Case { scenario, fault, .. } = case;
    match broken.rule {
        Rule::Bytes if scenario.has("--verify=none") && fault.is_lie => {
            Some("--verify=none: a false success is believed, as by cp")
        }
        // An overlay's is believed where it tells a file's extents, which shows what its layer lies on. What mv removes it has
        // compared with the copy by the same word.
        Rule::Bytes | Rule::Whole | Rule::Source if fault.row.starts_with("SEEK_DATA") => Some(BELIEVED_HOLES),
        // The same of a copy that took an old file's place before another name failed.
        Rule::OldKept if fault.row.starts_with("SEEK_DATA") && broken.how.contains("other bytes") => {
            Some(BELIEVED_HOLES)
        }
        Rule::Ends if fault.is_of_lease() => Some("a lease is waited for, 90 seconds at most"),
        // strace refuses O_TMPFILE there by counting calls of openat, which the fault may have made fewer.
        Rule::Said if scenario.hindrance == Hindrance::NoTmpfile && broken.how.contains("Operation not supported") => {
            Some("the refusal that was to make a named temporary struck another call")
        }
        Rule::Said if scenario.has("--reflink=always") && fault.call.name == "fstatfs" => {
            Some("on a filesystem that cannot be told a file with pages is not cloned, and that is said")
        }
        Rule::Said
            if scenario.program == Program::Mv
                && fault.call.name.starts_with("rename")
                && fault.what == "error=EINVAL"
                && broken.how.contains("subdirectory of itself") =>
        {
            Some("a rename that answers EINVAL was into the source itself, as GNU's mv has it")
        }
        // rustix finds out whether there is statx by a call of its own.
        Rule::Said if fault.call.name == "statx" && broken.how.contains("Function not implemented") => {
            Some("a kernel whose first statx fails is taken for one that has none")
        }
        Rule::Said | Rule::Lives
            if scenario.has("--durable") && fault.call.name == "ioctl" && places[case.place].name == "overlay" =>
        {
            Some("an overlay that does not tell what its layer lies on keeps nothing")
        }
        // An error that stays comes up at the second try.
        Rule::Lasts
            if fault.call.name == "close"
                && scenario.source.is_tree()
                && NO_ROOM.contains(&&*fault.what)
                && !fault.stays =>
        {
            Some("what found no room is copied anew once the names before it have replaced theirs")
        }
        Rule::Attributes if fault.is_lie && broken.how.contains("hard link is lost") => {
            Some("a name that does not compare with the earlier copy of its inode is a copy of its own")
        }
        Rule::Attributes
            if scenario.program != Program::Cp
                && ["chmod, chown, utimens", "extended attributes"].contains(&group(&fault.call.name))
                && said.contains("preserv") =>
        {
            Some("what mv and install -p cannot keep is said, and the file is there all the same, as by GNU's")
        }
        Rule::Attributes if !broken.is_of_xattrs() => None,
        Rule::Attributes if scenario.preserves() && group(&fault.call.name) == "extended attributes" => {
            Some("-a keeps extended attributes where it can, and is silent where not, as cp")
        }
        Rule::Attributes | Rule::Bytes
            if (broken.rule == Rule::Attributes || broken.how.starts_with("d/list"))
                && fault.what == "error=EOPNOTSUPP"
                && fault.call.name.ends_with("listxattr") =>
        {
            Some("a filesystem that says it keeps no extended attributes is believed")
        }
        // What is left goes with the next run, as after a kill.
        Rule::NothingLeft if fault.call.name == "brk" => {
            Some("brk knows no errors: the C library takes one for an address, and the program dies")
        }
        Rule::NothingLeft if fault.call.name == "flock" && fault.what == "error=EAGAIN" => {
            Some("a temporary that is locked by somebody else is his to remove")
        }
        _ => None,
    }
}

fn without(text: &str, world: &Path) -> String {
    text.replace(&*world.to_string_lossy(), "")
}
