//! A trial: some files, a writer at work on them, a copy, and what it said of each.

use super::random::Random;
use super::subject::{Act, Subject};
use crate::common::Filesystem;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// f_type of tmpfs (statfs(2)).
const TMPFS_MAGIC: i64 = 0x0102_1994;

/// What an old target holds.
const OLD: &[u8] = b"old";

/// Everything a trial's seed decides.
#[derive(Clone, Debug)]
pub(crate) struct Scene {
    pub(crate) act: Act,
    pub(crate) sparse: bool,
    pub(crate) options: &'static str,
    /// Several files in a directory.
    pub(crate) tree: bool,
    blocks: usize,
    pub(crate) has_old: bool,
    /// Longest wait of the writer between two steps.
    pause_max_micros: u64,
    seed: u64,
}

/// What became of one file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Fate {
    /// One state of it was copied, and nothing was said of a change.
    Whole,
    /// A change was said; one state of it was copied, or several.
    Said,
    /// It failed, and the old target or none is there.
    Failed,
    /// Its name did not come up while the directory was listed, for it was just being given to another file.
    Unlisted,
    /// Several states were copied, and nothing was said.
    Unsaid,
    /// Something that it never held was copied.
    Wrong,
    /// It failed, and the old target is lost; or a change was said and it succeeded though that was not asked for.
    Broken,
}

const OPTIONS: &[&str] =
    &["", "-p", "--require-stable", "--sparse=always", "--sparse=never", "--reflink=never", "--jobs=4", "--durable"];

impl Scene {
    pub(crate) fn draw(seed: u64, acts: &[Act]) -> Self {
        let mut random = Random::new(seed);
        let act = random.pick(acts);
        let tree = act != Act::Map && random.once_in(3);
        let runs = if tree { [1, 3, 5, 9] } else { [1, 33, 129, 257] };
        Self {
            act,
            sparse: random.once_in(3),
            options: random.pick(OPTIONS),
            tree,
            blocks: 16 * random.pick(&runs),
            has_old: random.once_in(2),
            pause_max_micros: random.pick(&[0, 0, 50, 2_000]),
            seed,
        }
    }

    /// The same with options that a place can give: nothing is durable in memory.
    pub(crate) fn at(mut self, place: &Filesystem) -> Self {
        let is_memory = rustix::fs::statfs(&place.path).expect("statfs").f_type == TMPFS_MAGIC;
        if is_memory && self.options == "--durable" {
            self.options = "";
        }
        self
    }

    /// The same with options that every cp knows.
    pub(crate) fn for_any_cp(mut self) -> Self {
        if ["--require-stable", "--jobs=4", "--durable"].contains(&self.options) {
            self.options = "";
        }
        self
    }

    /// Plays it; the fate of each file, and what was said.
    pub(crate) fn play(&self, program: &Path, place: &Filesystem) -> (Vec<Fate>, String) {
        let world = tempfile::Builder::new().prefix("torn-").tempdir_in(&place.path).expect("a temporary directory");
        let (source, target) = (world.path().join("source"), world.path().join("target"));
        [&source, &target].into_iter().for_each(|directory| fs::create_dir(directory).expect("mkdir"));
        let names: Vec<String> = (0..if self.tree { 8 } else { 1 }).map(|number| format!("f{number}")).collect();
        let make = |name: &String| Subject::make(source.join(name), self.act, self.blocks, self.sparse);
        let mut subjects: Vec<_> = names.iter().map(make).collect();
        if self.has_old {
            names.iter().for_each(|name| fs::write(target.join(name), OLD).expect("an old target"));
        }
        let mut command = Command::new(program);
        command.args(self.options.split_whitespace()).current_dir(world.path()).env("LC_ALL", "C.UTF-8");
        if self.tree {
            command.args(["-rT", "source", "target"])
        } else {
            command.args(["source/f0", "target/f0"])
        };
        let (status, said) = self.among_writes(&mut subjects, &mut command);
        let fate = |subject: &Subject| self.fate(subject, &target, status, &said);
        (subjects.iter().map(fate).collect(), said)
    }

    fn among_writes(&self, subjects: &mut [Subject], command: &mut Command) -> (Option<i32>, String) {
        let stop = AtomicBool::new(false);
        std::thread::scope(|scope| {
            let writer = scope.spawn(|| self.write(subjects, &stop));
            let output = command.stdin(Stdio::null()).output();
            stop.store(true, Ordering::Relaxed);
            writer.join().expect("the writer");
            let output = output.expect("the program under test");
            (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
        })
    }

    fn write(&self, subjects: &mut [Subject], stop: &AtomicBool) {
        let mut random = Random::new(self.seed ^ 1);
        while !stop.load(Ordering::Relaxed) {
            let which = random.index(subjects.len());
            subjects[which].step(&mut random);
            match self.pause_max_micros {
                0 => std::thread::yield_now(),
                max => std::thread::sleep(Duration::from_micros(random.below(max))),
            }
        }
    }

    fn fate(&self, subject: &Subject, target: &Path, status: Option<i32>, said: &str) -> Fate {
        let name = PathBuf::from(subject.path().file_name().expect("a name"));
        let shown = format!("'source/{}'", name.display());
        let line = said.lines().find(|line| line.contains(&shown));
        let is_change = line.is_some_and(|line| line.contains("changed while being copied"));
        let is_warning = line.is_some_and(|line| line.contains("warning: "));
        let content = fs::read(target.join(&name)).ok();
        let is_old = content.as_deref() == self.has_old.then_some(OLD);
        match (line, status) {
            // Signals and usage are no answers.
            (_, None | Some(2..)) => Fate::Broken,
            (Some(_), _) if !is_warning => {
                if is_old {
                    Fate::Failed
                } else {
                    Fate::Broken
                }
            }
            (Some(_), _) if is_change && self.options == "--require-stable" => Fate::Broken,
            (None, Some(1)) if !self.tree => Fate::Broken,
            _ => match content.map(|bytes| (subject.is_one_state(&bytes), subject.is_mixture(&bytes))) {
                _ if is_old && line.is_none() && self.tree && self.act == Act::Replace => Fate::Unlisted,
                _ if is_old && self.has_old => Fate::Broken,
                Some((true, _)) if !is_change => Fate::Whole,
                Some((_, true)) if is_change => Fate::Said,
                Some((false, true)) => Fate::Unsaid,
                Some(_) | None => Fate::Wrong,
            },
        }
    }
}
