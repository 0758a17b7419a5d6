//! A trial: a stage, a command line, somebody who swaps names meanwhile, and what is to be said of it afterwards.

use super::common::tree::Tree;
use super::intruder::{Intruder, Side, Tally};
use super::orders::{Order, What};
use super::random::Random;
use super::rules::{Breach, RECOGNISED_SIZE, Rule, judge, look};
use super::stage::{INTRUDER, OTHER_MOUNT, Stage};
use super::stranger::{Sightings, watch};
use crate::common::is_root;
use std::fs::{self, File};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// What runs longer is taken to hang. An ordinary run takes some hundredths of a second.
const DEADLINE: Duration = Duration::from_secs(20);
/// The same while a thread waits for a disk: fsync takes half a minute where another program fills the disk's queue. What is
/// planted never makes a thread wait so; a fifo and a socket can be interrupted.
const DEADLINE_OF_DISKS: Duration = Duration::from_secs(240);
/// Calls that are held up, so that there is more time between two of them.
const SLOWED: &str =
    "openat,?openat2,?renameat2,?renameat,linkat,mkdirat,symlinkat,mknodat,unlinkat,newfstatat,fchownat";

/// strace as the program's guest, whose exit status and process are the program's own.
const STRACE: &[&str] = &["strace", "-D", "-f", "-qq", "-o", "/dev/null"];

/// What the trials are made with.
pub(crate) struct Bench {
    pub(crate) program: PathBuf,
    /// It is safecp.
    pub(crate) is_ours: bool,
    pub(crate) places: Vec<PathBuf>,
    pub(crate) orders: Vec<Order>,
    pub(crate) has_strace: bool,
    /// Filesystems may be mounted, each for a program by itself.
    pub(crate) may_mount: bool,
    /// Devices may be made: nothing but the test is reached by them.
    pub(crate) devices: bool,
}

/// How a copy is made slower.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pace {
    Full,
    /// Each call about a name waits this many microseconds.
    Slowed(u64),
    /// The filesystem has no files without a name, so that temporaries can be seen.
    Named,
}

/// Everything a trial's seed decides.
#[derive(Clone, Debug)]
pub(crate) struct Scene {
    pub(crate) seed: u64,
    pub(crate) order: Order,
    pub(crate) has_target: bool,
    pub(crate) sides: &'static [Side],
    pub(crate) pace: Pace,
    pub(crate) place: PathBuf,
    /// The copy is made by somebody without rights.
    pub(crate) as_nobody: bool,
    /// The intruder is somebody without rights.
    pub(crate) by_nobody: bool,
    /// The target is reached by way of another mount, so that nothing can be renamed to it: Linux says EXDEV, whether the
    /// filesystem is the same or not.
    pub(crate) crosses: bool,
}

/// What came of a trial.
pub(crate) struct Verdict {
    pub(crate) status: Option<ExitStatus>,
    pub(crate) said: String,
    pub(crate) tally: Tally,
    pub(crate) sightings: Sightings,
    pub(crate) breaches: Vec<Breach>,
    /// Names in the target that hold what was planted in the source.
    pub(crate) planted: u64,
    /// Names of the source that a target lacks though the copy succeeded.
    pub(crate) missing: u64,
}

impl Scene {
    /// Draws a trial.
    pub(crate) fn draw(seed: u64, bench: &Bench) -> Self {
        let mut random = Random::new(seed);
        let order = random.pick(&bench.orders);
        let as_nobody = is_root() && order.keeps_owners() && random.once_in(8);
        let pace = match random.below(8) {
            0 if bench.has_strace && !as_nobody => Pace::Slowed(random.pick(&[100, 400, 1_000])),
            1 if bench.has_strace && !as_nobody && !order.options.contains("--durable") => Pace::Named,
            _ => Pace::Full,
        };
        Self {
            seed,
            order,
            has_target: order.what == What::Files || random.once_in(2),
            sides: random.pick(&[&[Side::Source][..], &[Side::Target], &[Side::Source, Side::Target]]),
            pace,
            place: bench.places[random.index(bench.places.len())].clone(),
            as_nobody,
            by_nobody: is_root() && random.once_in(2),
            crosses: order.moves() && bench.may_mount && !random.once_in(4),
        }
    }

    /// Builds the stage, runs the copy among intruders, and judges.
    pub(crate) fn play(&self, bench: &Bench) -> Verdict {
        let stage = Stage::build(&self.place, self.has_target);
        let outside = look(&stage.path("outside"));
        let (tally, stop) = (Tally::default(), AtomicBool::new(false));
        let (ended, sightings) = std::thread::scope(|scope| {
            for (number, side) in self.sides.iter().enumerate() {
                let intruder = self.intruder(&stage, *side, number as u64, &tally, bench);
                let stop = &stop;
                scope.spawn(move || intruder.run(stop));
            }
            let target = stage.path("tree/target");
            let (directories, stop) = (&stage.directories, &stop);
            let stranger = scope.spawn(move || watch(&target, directories, stop));
            let ended = {
                let _stop = Stop(stop);
                self.run(bench, &stage)
            };
            (ended, stranger.join().expect("the stranger"))
        });
        let said = fs::read(stage.path("said")).unwrap_or_default();
        let said = String::from_utf8_lossy(&said).into_owned();
        self.verdict(&stage, &outside, Run { status: ended, said, tally, sightings })
    }

    fn intruder<'a>(&self, stage: &'a Stage, side: Side, number: u64, tally: &'a Tally, bench: &Bench) -> Intruder<'a> {
        Intruder {
            stage,
            side,
            what: self.order.what,
            random: Random::new(self.seed.wrapping_add(number + 1)),
            tally,
            is_other: self.by_nobody,
            devices: bench.devices && !self.by_nobody,
            plants_links_in_target: !self.order.writes_through_links(),
            plants_specials: !self.order.reads_fifos(),
            links_victim: self.order.parts_links(),
            left_min: if self.order.moves() { RECOGNISED_SIZE as u64 } else { 0 },
        }
    }

    /// Runs the copy. `None` is the status of what hung.
    fn run(&self, bench: &Bench, stage: &Stage) -> Option<ExitStatus> {
        let mut command = self.command(bench, stage.root());
        let said = File::create(stage.path("said")).expect("a file for messages");
        command.current_dir(stage.root()).env("LC_ALL", "C.UTF-8");
        command.stdin(Stdio::null()).stdout(said.try_clone().expect("a handle")).stderr(said);
        let started = Instant::now();
        let mut child = command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
        loop {
            if let Some(status) = child.try_wait().expect("wait") {
                return Some(status);
            }
            let elapsed = started.elapsed();
            if elapsed > DEADLINE_OF_DISKS || elapsed > DEADLINE && !waits_for_a_disk(child.id()) {
                child.kill().expect("kill");
                child.wait().expect("wait");
                return None;
            }
            std::thread::sleep(Duration::from_micros(300));
        }
    }

    fn command(&self, bench: &Bench, root: &Path) -> Command {
        let mut words = self.around(root);
        match self.pace {
            Pace::Full => {}
            Pace::Slowed(micros) => {
                let (trace, inject) = (format!("trace={SLOWED}"), format!("inject={SLOWED}:delay_enter={micros}"));
                words.extend(STRACE.iter().copied().chain(["-e", &trace, "-e", &inject, "--"]).map(str::to_owned));
            }
            // The dot is what files without a name are opened by.
            Pace::Named => {
                let inject = ["-P", ".", "-e", "trace=openat", "-e", "inject=openat:error=EOPNOTSUPP", "--"];
                words.extend(STRACE.iter().copied().chain(inject).map(str::to_owned));
            }
        }
        let (program, called) = self.order.called(&bench.program, bench.is_ours);
        words.push(program.to_str().expect("a path in UTF-8").to_owned());
        words.extend(called.map(str::to_owned));
        let other = if self.crosses { root.join(OTHER_MOUNT) } else { root.to_owned() };
        words.extend(self.order.words(root, &other));
        let mut command = Command::new(&words[0]);
        command.args(&words[1..]);
        command
    }

    /// What the program is started by: each gives way to the next, and the last to the program.
    fn around(&self, root: &Path) -> Vec<String> {
        let mut words = Vec::new();
        if self.crosses {
            let mounting = format!(r#"mount --bind "$0" "$0/{OTHER_MOUNT}" && exec "$@""#);
            let root = root.to_str().expect("a path in UTF-8");
            words.extend(["unshare", "--mount", "--", "sh", "-c", &mounting, root].map(str::to_owned));
        }
        if self.as_nobody {
            let user = [format!("--reuid={INTRUDER}"), format!("--regid={INTRUDER}")];
            words.extend(
                ["setpriv".to_owned(), "--clear-groups".to_owned()].into_iter().chain(user).chain(["--".to_owned()]),
            );
        }
        words
    }

    fn verdict(&self, stage: &Stage, outside: &Tree, run: Run) -> Verdict {
        let Run { status, said, tally, sightings } = run;
        let mut breaches = Vec::new();
        match status {
            None => breaches.push(Breach::new(Rule::Hang, "still ran when it was ended".to_owned())),
            Some(status) if status.code().is_none_or(|code| code > 1) || said.contains("panicked at") => {
                breaches.push(Breach::new(Rule::Crash, format!("{status}, signal {:?}", status.signal())));
            }
            Some(_) => {}
        }
        let has_succeeded = status.is_some_and(|status| status.success());
        let found = judge(self, stage, outside, has_succeeded, &sightings);
        breaches.extend(found.breaches);
        Verdict { status, said, tally, sightings, breaches, planted: found.planted, missing: found.missing }
    }
}

/// Whether a thread of the process is in a wait that no signal ends (state D).
fn waits_for_a_disk(process: u32) -> bool {
    let threads = fs::read_dir(format!("/proc/{process}/task")).into_iter().flatten().flatten();
    let stats = threads.filter_map(|thread| fs::read_to_string(thread.path().join("stat")).ok());
    stats.filter_map(|stat| stat.rsplit_once(") ").map(|(_, fields)| fields.starts_with('D'))).any(|waits| waits)
}

/// Ends intruders and stranger, also where the test itself fails.
struct Stop<'a>(&'a AtomicBool);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// What a run left behind besides files.
struct Run {
    status: Option<ExitStatus>,
    said: String,
    tally: Tally,
    sightings: Sightings,
}
