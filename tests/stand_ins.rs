//! GNU's install and mv, and safecp called so, on the same random worlds with the same random command lines: exit status,
//! messages and all that lies there afterwards must be the same, but for what `known` says.
//!
//! Every second world of mv has a directory on another filesystem. SAFECP_DIFF_CASES and SAFECP_DIFF_SEED make a campaign
//! longer or another one; SAFECP_DIFF_CASE=<seed> runs one case and shows it.

#[path = "common/asked.rs"]
#[allow(dead_code, reason = "this program uses a part")]
mod asked;
#[path = "sim/random.rs"]
#[allow(dead_code, unreachable_pub, reason = "the simulator's; this program uses a part")]
mod random;
#[path = "common/reference.rs"]
mod reference;

use asked::{number, program};
use random::Random;
use rustix::fs::{AtFlags, CWD, Timespec, Timestamps, utimensat};
use std::collections::BTreeMap;
use std::fs::{self, Permissions};
use std::io::Write;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt, symlink};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, UNIX_EPOCH};

/// Cases of an ordinary `cargo test`, of each program.
const CASES: u64 = 300;

/// The names that worlds have, and command lines speak of.
const NAMES: [&str; 7] = ["a", "b", "c", "d", "e", "l", "m"];

/// Times that files have, in seconds: what has another one afterwards got it in the run.
const TIMES: [u64; 3] = [1_000_000_000, 1_000_000_001, 4_000_000_000];

struct Bench {
    /// GNU's program and ours, each called by `name`.
    programs: [PathBuf; 2],
    name: &'static str,
    /// The working directory, and a directory elsewhere.
    here: PathBuf,
    elsewhere: PathBuf,
}

/// What a run left.
#[derive(Debug, PartialEq)]
struct Left {
    status: Option<i32>,
    messages: Vec<String>,
    said: Vec<String>,
    tree: BTreeMap<String, String>,
}

#[test]
fn install_does_what_gnus_does() {
    campaign("install", "ginstall");
}

#[test]
fn mv_does_what_gnus_does() {
    campaign("mv", "mv");
}

fn campaign(name: &'static str, in_tree: &str) {
    let reference = match reference::reference() {
        Ok(cp) => cp.with_file_name(in_tree),
        Err(why) => {
            return writeln!(std::io::stderr(), "left out: comparison with GNU's {name}: {why}")
                .expect("standard error");
        }
    };
    let here = tempfile::tempdir().expect("a directory");
    let elsewhere = tempfile::tempdir_in("/dev/shm").expect("a directory on another filesystem");
    let bench = Bench {
        programs: [reference, program()],
        name,
        here: here.path().join("w"),
        elsewhere: elsewhere.path().join("o"),
    };
    let seeds = match number("SAFECP_DIFF_CASE") {
        Some(seed) => seed..seed + 1,
        None => {
            let first = number("SAFECP_DIFF_SEED").unwrap_or(1) * 1_000_000;
            first..first + number("SAFECP_DIFF_CASES").unwrap_or(CASES)
        }
    };
    let differences: Vec<String> = seeds.filter_map(|seed| bench.difference(seed)).collect();
    let shown: Vec<_> = differences.iter().take(8).map(String::as_str).collect();
    assert!(differences.is_empty(), "{} differences:\n{}", differences.len(), shown.join("\n"));
}

impl Bench {
    fn difference(&self, seed: u64) -> Option<String> {
        let words = words(self.name, &self.elsewhere, &mut Random::new(seed));
        let [gnu, ours] = [0, 1].map(|of| {
            self.build(seed);
            self.run(&self.programs[of], &words, seed)
        });
        let elsewhere = self.elsewhere.display().to_string();
        let crosses = words.iter().any(|word| word.starts_with(&elsewhere));
        if known(&gnu, &ours, &words, crosses) {
            return None;
        }
        let tree = |left: &Left, other: &Left| {
            let differs = |(path, seen): &(&String, &String)| other.tree.get(*path) != Some(*seen);
            left.tree.iter().filter(differs).map(|(path, seen)| format!("    {path}: {seen}\n")).collect::<String>()
        };
        let told = |left: &Left| format!("{:?} {:?} {:?}", left.status, left.messages, left.said);
        Some(format!(
            "seed {seed}: {} {}\n  GNU's: {}\n{}  ours: {}\n{}",
            self.name,
            words.join(" "),
            told(&gnu),
            tree(&gnu, &ours),
            told(&ours),
            tree(&ours, &gnu)
        ))
    }

    /// The world of a seed, as if nothing had happened.
    fn build(&self, seed: u64) {
        let mut random = Random::new(seed ^ 0x5eed);
        let places: &[&PathBuf] = if seed % 2 == 1 { &[&self.here, &self.elsewhere] } else { &[&self.here] };
        for root in [&self.here, &self.elsewhere] {
            if root.exists() {
                fs::remove_dir_all(root).expect("the world before");
            }
            fs::create_dir(root).expect("a directory");
        }
        for root in places {
            populate(root, &NAMES, &mut random, 0);
        }
    }

    fn run(&self, program: &Path, words: &[String], seed: u64) -> Left {
        let mut command = Command::new(program);
        command.arg0(self.name).args(words).current_dir(&self.here).env_clear();
        command.env("LC_ALL", "C").env("PATH", "/usr/bin:/bin");
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("a program");
        let answers = if Random::new(seed ^ 0xa).once_in(2) { "y\n" } else { "n\n" };
        // A program that has ended takes no answer.
        child.stdin.take().expect("a pipe").write_all(answers.repeat(9).as_bytes()).unwrap_or(());
        let output = child.wait_with_output().expect("its end");
        let lines = |bytes: &[u8]| {
            let text = String::from_utf8_lossy(bytes).replace("Unknown error -1", "No such file or directory");
            let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
            lines.sort();
            lines
        };
        let mut tree = BTreeMap::new();
        let mut inodes = BTreeMap::new();
        for root in [&self.here, &self.elsewhere] {
            see(root, &mut tree, &mut inodes);
        }
        Left { status: output.status.code(), messages: lines(&output.stderr), said: lines(&output.stdout), tree }
    }
}

/// Whether nothing differs but what is meant to. What is said of successes is compared where nothing was copied across and
/// nothing failed: ours says more of that (hard links too), and says it when it is done.
fn known(gnu: &Left, ours: &Left, words: &[String], crosses: bool) -> bool {
    let has = |left: &Left, text: &str| left.messages.iter().any(|line| line.contains(text));
    let is_same_but_said = (gnu.status, &gnu.tree) == (ours.status, &ours.tree);
    let says_same = gnu.said == ours.said || crosses || gnu.status != Some(0);
    if is_same_but_said && gnu.messages == ours.messages && says_same {
        return true;
    }
    let both_say = |text: &str| has(gnu, text) && has(ours, text);
    let fails_alike = is_same_but_said && gnu.status == Some(1);
    let fail = gnu.status == Some(1) && ours.status == Some(1);
    // GNU's programs look at the target before they see what cannot be combined, or say what an option does not do.
    let is_usage = fails_alike
        && (has(gnu, ": target ") || has(gnu, ": failed to access "))
        && (has(ours, "cannot combine") || has(ours, "is ignored when"));
    // With --backup GNU's install tries to write a directory, and its mv to rename what lies beneath a file.
    let is_directory = fails_alike && has(gnu, ": Is a directory") && has(ours, "install: cannot overwrite directory")
        || fails_alike && (has(gnu, "cannot backup") || has(gnu, "unable to remove target"));
    // GNU's mv takes a directory that could not be moved into itself for one that it has copied.
    let is_taken_for_copied = fails_alike && has(gnu, "will not create hard link");
    // GNU's install removes the link that it is then to read, and moves away as a backup what it is then to read.
    let says_no_more = ours.messages.iter().all(|line| gnu.messages.contains(line)) && gnu.tree.len() < ours.tree.len();
    let loses_source =
        gnu.status == Some(1) && (ours.status == Some(0) || says_no_more) && has(gnu, "for reading: No such file");
    // Or removes the source, which is one of several names of the target by way of a link to its directory.
    let removes_itself = fail
        && has(gnu, "install: cannot open ")
        && has(gnu, "for reading: No such file")
        && has(ours, "are the same file")
        && gnu.tree.len() < ours.tree.len();
    let moves_source = fails_alike
        && has(gnu, "for reading: No such file")
        && has(ours, "are the same file")
        && words.iter().any(|word| word == "-b" || word.starts_with("--backup") || word.starts_with("-S"));
    // What is just created is also the source, by way of a link to its directory.
    let is_either = fails_alike && has(gnu, "will not overwrite just-created") && has(ours, "are the same file");
    // GNU's mv finds that one of the two names is missing before it has an error for it.
    let is_missing = fails_alike && has(gnu, "Unknown error -1") && words.iter().any(|word| word == "--exchange");
    // GNU's mv holds a target directory that it has itself moved away; a copy of safecp's looks for it again, and the source stays.
    let is_target = |target: &String| words.iter().filter(|word| *word == target).count() > 1;
    let moves_target = matches!(gnu.status, Some(0 | 1))
        && ours.status == Some(1)
        && has(ours, ": No such file or directory")
        && words.last().is_some_and(is_target);
    // GNU's mv leaves a backup without what it was made for, and says what cannot be combined after it has moved.
    let leaves_backup = fail && gnu.messages == ours.messages && backups(gnu) > backups(ours);
    let moves_first = fail && gnu.messages == ours.messages && both_say("cannot combine --backup");
    is_usage
        || is_directory
        || is_taken_for_copied
        || loses_source
        || removes_itself
        || moves_source
        || is_either
        || is_missing
        || moves_target
        || leaves_backup
        || moves_first
        || goes_astray(gnu, ours, words)
}

/// What GNU's mv does to a directory that it has itself moved away, and by a look that has failed.
fn goes_astray(gnu: &Left, ours: &Left, words: &[String]) -> bool {
    let has = |left: &Left, text: &str| left.messages.iter().any(|line| line.contains(text));
    let fail = gnu.status == Some(1) && ours.status == Some(1);
    // As the backup of itself, where its target is itself by way of a link to where it lies; and it stays there.
    let backs_up_itself = fail
        && has(gnu, "mv: cannot move ")
        && has(gnu, ": No such file or directory")
        && has(ours, "are the same file")
        && gnu.tree.len() == ours.tree.len()
        && backups(gnu) > backups(ours);
    // At a link to nothing with a slash behind its name: it asks about that, calls it a file, or finds it no older and says
    // that all is well.
    let has_seen_nothing = gnu.tree == ours.tree
        && has(ours, "/': Not a directory")
        && match gnu.status {
            Some(0) => ours.status == Some(1) && words.iter().any(|word| word == "-u"),
            Some(1) => fail && (has(gnu, "/'? ") || has(gnu, "mv: cannot overwrite non-directory")),
            _ => false,
        };
    backs_up_itself || has_seen_nothing
}

/// How many backups there are.
fn backups(left: &Left) -> usize {
    left.tree.keys().filter(|path| path.ends_with('~') || path.ends_with(".x")).count()
}

/// Gives a directory names at random.
fn populate(root: &Path, names: &[&str], random: &mut Random, depth: u32) {
    for (at, name) in names.iter().enumerate() {
        let path = root.join(name);
        match random.below(9) {
            0..3 => {
                fs::write(&path, ["", "one", "two", "three"][random.index(4)]).expect("a file");
                let mode = [0o644, 0o600, 0o755, 0o4755, 0o400][random.index(5)];
                fs::set_permissions(&path, Permissions::from_mode(mode)).expect("chmod");
                let time = UNIX_EPOCH + Duration::from_secs(TIMES[random.index(3)]);
                fs::File::open(&path).and_then(|file| file.set_modified(time)).expect("utimens");
            }
            3..5 if depth < 2 => {
                fs::create_dir(&path).expect("a directory");
                populate(&path, &NAMES[..3], random, depth + 1);
                let mode = [0o755, 0o700, 0o2775][random.index(3)];
                fs::set_permissions(&path, Permissions::from_mode(mode)).expect("chmod");
            }
            5 => {
                symlink(NAMES[random.index(NAMES.len())], &path).expect("a link");
                // Two made one after the other are as old as each other, or not, as the clock has it.
                set_link_time(&path, TIMES[at % TIMES.len()]);
            }
            6 if at > 0 => {
                let first = root.join(names[random.index(at)]);
                if fs::symlink_metadata(&first).is_ok_and(|found| !found.is_dir()) {
                    fs::hard_link(first, &path).expect("a link");
                }
            }
            _ => {}
        }
    }
}

fn set_link_time(path: &Path, seconds: u64) {
    let time = Timespec { tv_sec: i64::try_from(seconds).expect("a time"), tv_nsec: 0 };
    let times = Timestamps { last_access: time, last_modification: time };
    utimensat(CWD, path, &times, AtFlags::SYMLINK_NOFOLLOW).expect("utimensat");
}

/// Notes all that lies in a directory.
fn see(path: &Path, tree: &mut BTreeMap<String, String>, inodes: &mut BTreeMap<(u64, u64), String>) {
    let found = fs::symlink_metadata(path).expect("a stat");
    let shown = path.display().to_string();
    let first = inodes.entry((found.dev(), found.ino())).or_insert_with(|| shown.clone()).clone();
    let kind = found.file_type();
    let content = if kind.is_symlink() {
        fs::read_link(path).expect("a link").display().to_string()
    } else if kind.is_file() {
        String::from_utf8_lossy(&fs::read(path).expect("a file")).into_owned()
    } else {
        String::new()
    };
    let time = if kind.is_file() && TIMES.contains(&found.mtime().unsigned_abs()) { found.mtime() } else { 0 };
    let names = if kind.is_dir() { 0 } else { found.nlink() };
    let (mode, owner) = (found.mode(), (found.uid(), found.gid()));
    assert!(!kind.is_fifo() && !kind.is_socket());
    tree.insert(shown, format!("{mode:o} {owner:?} {content:?} {time} {names} names, first {first}"));
    if kind.is_dir() {
        for entry in fs::read_dir(path).expect("a directory") {
            let paths = entry.expect("an entry").path();
            // In the order of their names, so that the first of an inode's is the same one.
            tree.insert(paths.display().to_string(), String::new());
        }
        let beneath: Vec<PathBuf> =
            tree.keys().map(PathBuf::from).filter(|beneath| beneath.parent() == Some(path)).collect();
        beneath.iter().for_each(|path| see(path, tree, inodes));
    }
}

/// A command line.
fn words(name: &str, elsewhere: &Path, random: &mut Random) -> Vec<String> {
    const INSTALL: [&str; 17] = [
        "-v",
        "-D",
        "-C",
        "-p",
        "-b",
        "-T",
        "-c",
        "-m600",
        "-m4711",
        "-mu=rwx,go=rX",
        "-o5",
        "-g6",
        "-S.x",
        "--backup=t",
        "--backup=simple",
        "-d",
        "-Dv",
    ];
    const MV: [&str; 15] = [
        "-v",
        "-b",
        "-f",
        "-i",
        "-n",
        "-u",
        "-T",
        "--backup=t",
        "--backup=simple",
        "-S.x",
        "--update=none-fail",
        "--update=none",
        "--exchange",
        "--no-copy",
        "-v",
    ];
    let options: &[&str] = if name == "mv" { &MV } else { &INSTALL };
    let mut words: Vec<String> = Vec::new();
    for _ in 0..random.below(4) {
        let option = random.pick(options);
        // Refused together until coreutils 9.11.
        let is_refused = |one: &str, other: &str| option == one && words.iter().any(|word| word == other);
        if !is_refused("-C", "-p") && !is_refused("-p", "-C") {
            words.push(option.to_owned());
        }
    }
    let crosses = |random: &mut Random| name == "mv" && random.once_in(3);
    let path = |random: &mut Random| {
        let beneath = [random.pick(&NAMES), random.pick(&NAMES)];
        let path = match random.below(8) {
            0..5 => beneath[0].to_owned(),
            5 => format!("{}/", beneath[0]),
            _ => beneath.join("/"),
        };
        if crosses(random) { format!("{}/{path}", elsewhere.display()) } else { path }
    };
    if random.once_in(6) {
        words.extend(["-t".to_owned(), path(random)]);
    }
    for _ in 0..random.pick(&[1, 2, 2, 2, 2, 3, 4]) {
        words.push(path(random));
    }
    words
}
