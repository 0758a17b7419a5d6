//! What a program costs before and after its one small file: builds call install and mv thousands of times.
//!
//! What is looked for, libraries, files and pages, is the same in every run. Processor time is not, and is compared only where
//! SAFECP_START_RUNS says how often: both programs by turns, so that whatever else the machine does falls on both.

mod common;
#[path = "common/reference.rs"]
mod reference;

use common::asked::{self, number};
use common::{World, left_out};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Mutex, PoisonError};

/// What a start may cost of GNU's.
const RATIO_MAX: f64 = 1.1;

/// Runs of one program before it is the other's turn: the kernel tells the sum in hundredths of a second.
const TURN: u64 = 25;

/// What children took is told of all children of the process together: one test at a time.
static ALONE: Mutex<()> = Mutex::new(());

/// Pages that the kernel has given to children of this process, and hundredths of a second that they took.
fn spent() -> (u64, u64) {
    let stat = std::fs::read_to_string("/proc/self/stat").expect("/proc");
    let behind_name = stat.rsplit_once(')').expect("a name").1;
    let field = |number: usize| behind_name.split_whitespace().nth(number - 3).and_then(|word| word.parse().ok());
    (
        field(11).expect("cminflt"),
        field(16).zip(field(17)).map(|(user, system): (u64, u64)| user + system).expect("times"),
    )
}

fn run(program: &Path, words: &str, directory: &Path) {
    let mut command = Command::new(program);
    command.args(words.split_whitespace()).current_dir(directory).stdout(Stdio::null());
    assert!(command.status().expect("a program").success(), "{program:?} {words}");
}

/// A name for the program by which it is install or mv.
fn called(world: &World, name: &str) -> PathBuf {
    let link = world.path(name);
    if !link.exists() {
        world.symlink(asked::program().to_str().expect("a path in UTF-8"), name);
    }
    link
}

/// The buffers for contents alone are 66 pages.
#[test]
fn a_small_file_touches_few_pages() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let world = World::new();
    world.file("a", "some bytes");
    let install = called(&world, "install");
    let pages = |words: &str| {
        let (before, _) = spent();
        run(&install, words, &world.path(""));
        spent().0 - before
    };
    // What a run needs of pages that nobody had before it needs once.
    pages("--version");
    let (start, file) = (pages("--version"), pages("-m 644 a b"));
    assert!(file < start + 66, "{file} pages for a small file, {start} for a version");
}

/// Each library takes a twentieth of the time of a small install, and the list of mappings as much.
#[test]
fn little_is_opened_before_the_operands() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let world = World::new();
    world.file("a", "some bytes");
    let Some(traced) = world.cp_traced("openat", &[], "--as=install -m 644 a b") else { return };
    let opened = |what: &str| traced.calls.lines().any(|line| line.contains(what));
    assert!(opened("\"a\""), "{}", traced.calls);
    assert!(!opened("/proc/self/maps"), "{}", traced.calls);
    assert_eq!(opened("libgcc_s"), !has_archive(), "{}", traced.calls);
    assert!(!opened("libm.so"), "{}", traced.calls);
}

/// Whether the compiler that links has the unwinder as an archive.
fn has_archive() -> bool {
    let answer = Command::new("cc").arg("-print-file-name=libgcc_eh.a").output();
    answer.is_ok_and(|answer| String::from_utf8_lossy(&answer.stdout).starts_with('/'))
}

#[test]
fn a_start_takes_no_longer_than_gnus() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let Some(runs) = number("SAFECP_START_RUNS") else { return };
    let reference = match reference::reference() {
        Ok(cp) => cp,
        Err(why) => return left_out(&why),
    };
    for (name, in_tree, words) in [("install", "ginstall", "-m 644 a b"), ("mv", "mv", "a b")] {
        let world = World::new();
        let programs = [reference.with_file_name(in_tree), called(&world, name)];
        let mut taken = [0; 2];
        for turn in 0..(runs / TURN * 2) {
            let of = usize::from(turn % 2 == 1);
            let (_, before) = spent();
            for _ in 0..TURN {
                world.file("a", "some bytes");
                run(&programs[of], words, &world.path(""));
                std::fs::remove_file(world.path("b")).expect("what was made");
            }
            taken[of] += spent().1 - before;
        }
        let [gnu, ours] = taken.map(|hundredths: u64| hundredths as f64);
        println!("{name}: {runs} runs each, {:.3} of GNU's processor time", ours / gnu);
        assert!(ours <= RATIO_MAX * gnu, "{name}: {ours} hundredths of a second, GNU's {gnu}");
    }
}
