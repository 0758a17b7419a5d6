//! A case from a seed: a world of few names, so that source and target meet, and a command line for it.
//!
//! Nothing leads out of the world: no absolute names, no more than one `..` in a name or in a link's text (a world lies
//! some levels below the directory that is looked at). Fifos and devices have names of their own, so that no file is
//! written into them.

use super::build::NOBODY;
use super::case::{Argument, Case, Content, Entry, Kind, Piece, Time};
use super::options::{Choice, Options};
use super::random::Random;
use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

/// Names of files, directories and links: the first are the most common.
const NAMES: [&[u8]; 13] =
    [b"a", b"b", b"c", b"d", b"e", b"f", b"-r", b"new\nline", b"it's", b"in\xffvalid", b"two words", b"a~", b"b.~2~"];
const FIFO: &str = "pipe";
const DEVICE: &str = "null";
const FILE_MODES: [u32; 12] = [0o644, 0o644, 0o644, 0o644, 0o600, 0o755, 0o444, 0o000, 0o4755, 0o2755, 0o1644, 0o222];
const DIRECTORY_MODES: [u32; 10] = [0o755, 0o755, 0o755, 0o755, 0o700, 0o777, 0o1777, 0o2755, 0o555, 0o711];
const BACKUP_ENVIRONMENT: [&str; 8] = ["numbered", "t", "existing", "nil", "simple", "never", "none", "nonsense"];
const TEXTS: [&str; 10] = ["a", "b", "c", "d", "e", "../a", "../d", "d/a", "nowhere", "."];

/// Options that are refused together, which few cases should be about.
const CLASHES: [(&[&str], &[&str]); 5] = [
    (&["-l", "--link"], &["-s", "--symbolic-link"]),
    (&["-t", "--target-directory", "--parents"], &["-T", "--no-target-directory"]),
    (&["-t", "--target-directory"], &["-t", "--target-directory"]),
    (&["-b", "--backup"], &["-n", "--no-clobber", "--update"]),
    (&["--reflink"], &["--sparse"]),
];

/// The case of a seed, among the options that both programs have.
pub(crate) fn generate(seed: u64, options: &Options) -> Case {
    let mut random = Random::new(seed);
    let privileged = rustix::process::geteuid().is_root();
    let mut case = Case {
        seed,
        as_nobody: !privileged || random.once_in(2),
        umask: if random.once_in(4) { random.pick(&[0o077, 0o000, 0o027]) } else { 0o022 },
        entries: Vec::new(),
        arguments: Vec::new(),
        environment: Vec::new(),
        answers: "",
    };
    arguments(&mut case, options, &mut random);
    World { case: &mut case, random: &mut random, privileged }.fill();
    operands(&mut case, &mut random);
    arrange(&mut case.arguments, &mut random);
    if case.may_block() {
        case.entries.retain(|entry| entry.kind != Kind::Fifo);
    }
    case
}

// ---- the world ----

struct World<'a> {
    case: &'a mut Case,
    random: &'a mut Random,
    privileged: bool,
}

impl World<'_> {
    fn fill(&mut self) {
        for _ in 0..2 + self.random.below(9) {
            let parent = self.any_directory();
            self.add(&parent, None);
        }
        for _ in 0..self.random.below(3) {
            self.mirror();
        }
    }

    /// A directory of the world that is not too deep; the world itself is the empty path.
    fn any_directory(&mut self) -> PathBuf {
        let mut directories = vec![PathBuf::new(), PathBuf::new()];
        let fits = |entry: &&Entry| entry.kind == Kind::Directory && entry.path.components().count() < 4;
        directories.extend(self.case.entries.iter().filter(fits).map(|entry| entry.path.clone()));
        directories[self.random.index(directories.len())].clone()
    }

    fn files(&self) -> Vec<PathBuf> {
        let files = self.case.entries.iter().filter(|entry| matches!(entry.kind, Kind::File(_)));
        files.map(|entry| entry.path.clone()).collect()
    }

    /// Adds something, under a name that its kind may have; nothing where that name is taken.
    fn add(&mut self, parent: &Path, name: Option<OsString>) {
        let (kind, name) = match (self.random.below(24), name) {
            (0, None) => (Kind::Fifo, FIFO.into()),
            (1, None) if self.privileged => (self.device(), DEVICE.into()),
            (number, name) => {
                let name = name.unwrap_or_else(|| any_name(self.random));
                (self.kind(number), name)
            }
        };
        self.put(parent.join(name), kind);
    }

    fn put(&mut self, path: PathBuf, kind: Kind) {
        let missing_parent = path.parent().is_some_and(|parent| {
            !parent.as_os_str().is_empty() && self.case.entry(parent).is_none_or(|entry| entry.kind != Kind::Directory)
        });
        if self.case.entry(&path).is_some() || missing_parent {
            return;
        }
        let entry = self.dressed(path, kind);
        self.case.entries.push(entry);
    }

    fn device(&mut self) -> Kind {
        // 1:3 reads as empty; nothing has 240:77.
        if self.random.once_in(2) { Kind::Device(1, 3) } else { Kind::Device(240, 77) }
    }

    fn kind(&mut self, number: u64) -> Kind {
        let files = self.files();
        match number {
            0..=7 => Kind::Directory,
            8..=10 => Kind::Symlink(PathBuf::from(self.random.pick(&TEXTS))),
            11..=13 if !files.is_empty() => Kind::Link(files[self.random.index(files.len())].clone()),
            _ => Kind::File(content(self.random)),
        }
    }

    /// Puts into one directory what another has, as an earlier copy might have, or something else of that name.
    fn mirror(&mut self) {
        let (source, mut target) = (self.any_directory(), self.any_directory());
        if source.as_os_str().is_empty() || target.starts_with(&source) || source.starts_with(&target) {
            return;
        }
        if self.random.once_in(2) {
            let name = source.file_name().expect("no `..` in it").to_owned();
            target.push(name);
            self.put(target.clone(), Kind::Directory);
        }
        for entry in self.case.entries.clone() {
            let Ok(rest) = entry.path.strip_prefix(&source) else { continue };
            let own_name = [FIFO, DEVICE].iter().any(|name| rest.ends_with(name));
            if rest.as_os_str().is_empty() || self.random.once_in(3) {
                continue;
            }
            let kind = match entry.kind {
                Kind::Directory | Kind::Fifo | Kind::Device(..) if own_name || !self.random.once_in(5) => entry.kind,
                _ => {
                    let number = 2 + self.random.below(22);
                    self.kind(number)
                }
            };
            self.put(target.join(rest), kind);
        }
    }

    fn dressed(&mut self, path: PathBuf, kind: Kind) -> Entry {
        let is_directory = kind == Kind::Directory;
        let mode = self.random.pick(if is_directory { &DIRECTORY_MODES[..] } else { &FILE_MODES[..] });
        let owner = self.owner();
        let xattrs = self.xattrs(&kind);
        Entry { path, mode, owner, accessed: time(self.random), modified: time(self.random), xattrs, kind }
    }

    fn owner(&mut self) -> (u32, u32) {
        let own = if self.case.as_nobody { (NOBODY, NOBODY) } else { (0, 0) };
        match self.random.below(10) {
            0 => (1234, 5678),
            1 => (NOBODY, 5678),
            2 => (0, 0),
            _ => own,
        }
    }

    fn xattrs(&mut self, kind: &Kind) -> Vec<(&'static str, Vec<u8>)> {
        let mut xattrs = Vec::new();
        let (is_directory, is_file) = (*kind == Kind::Directory, matches!(kind, Kind::File(_)));
        if !is_directory && !is_file {
            return xattrs;
        }
        if self.random.once_in(8) {
            xattrs.push(("user.one", b"1".to_vec()));
        }
        if self.random.once_in(12) {
            xattrs.push(("user.two", vec![0, 255, 10]));
        }
        if self.privileged && self.random.once_in(12) {
            xattrs.push(("trusted.own", b"t".to_vec()));
        }
        if self.privileged && is_file && self.random.once_in(20) {
            // CAP_NET_RAW, permitted and effective, of revision 2.
            xattrs.push(("security.capability", vec![1, 0, 0, 2, 0, 32, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]));
        }
        if self.random.once_in(10) {
            xattrs.push(("system.posix_acl_access", access_list(self.random)));
        }
        if is_directory && self.random.once_in(10) {
            xattrs.push(("system.posix_acl_default", access_list(self.random)));
        }
        xattrs
    }
}

fn any_name(random: &mut Random) -> OsString {
    let common = if random.once_in(5) { NAMES.len() } else { 6 };
    OsString::from_vec(NAMES[random.index(common)].to_vec())
}

fn content(random: &mut Random) -> Content {
    let piece = |offset, length, seed| Piece { offset, length, seed };
    let seed = random.next() | 1;
    match random.below(10) {
        0 => Content { size: 0, pieces: Vec::new() },
        1 => Content { size: 300_001, pieces: vec![piece(0, 300_001, seed)] },
        2 => Content { size: 1 << 20, pieces: vec![piece(1 << 19, 10, seed)] },
        3 => Content { size: 1 << 20, pieces: vec![piece(0, 5, seed), piece((1 << 20) - 1, 1, seed)] },
        4 => Content { size: 1 << 19, pieces: Vec::new() },
        5 => Content { size: 1 << 18, pieces: vec![piece(0, 1 << 18, 0), piece(100, 10, seed)] },
        _ => {
            let size = 1 + random.below(40);
            Content { size, pieces: vec![piece(0, size, seed)] }
        }
    }
}

/// Few times, so that some are the same; some before 1970, some in the future.
fn time(random: &mut Random) -> Time {
    let seconds = if random.once_in(12) { random.pick(&[-5, 4_000_000_000]) } else { 1_000_000_000 };
    (seconds + random.pick(&[0, 0, 1, 100_000]), random.pick(&[0, 1, 500_000_000, 999_999_999]))
}

/// A POSIX access control list in the kernel's form, with a user of its own.
fn access_list(random: &mut Random) -> Vec<u8> {
    let (owner, named, group, mask, other) =
        (6 | random.below(2), random.below(8), random.below(8), random.pick(&[7, 5, 4]), random.below(8));
    let mut value = vec![2, 0, 0, 0];
    for (tag, permissions, id) in
        [(1, owner, u32::MAX), (2, named, 1234), (4, group, u32::MAX), (16, mask, u32::MAX), (32, other, u32::MAX)]
    {
        let permissions = u16::try_from(permissions).expect("three bits");
        value.extend(u16::to_le_bytes(tag));
        value.extend(permissions.to_le_bytes());
        value.extend(id.to_le_bytes());
    }
    value
}

// ---- the command line ----

fn arguments(case: &mut Case, options: &Options, random: &mut Random) {
    if random.below(10) < 6 {
        case.arguments.push(Argument::Letters(random.pick(&["r", "R", "R", "a"]).to_owned()));
    }
    for _ in 0..random.below(6) {
        let Some(choice) = options.pick(random) else { break };
        let clashes = CLASHES.iter().any(|(one, other)| {
            let is = |choices: &[&str]| choices.iter().any(|word| choice.says(word));
            let has = |choices: &[&str]| choices.iter().any(|word| says(case, word));
            is(one) && has(other) || is(other) && has(one)
        });
        if !clashes || random.once_in(5) {
            case.arguments.push(argument(choice, random));
        }
    }
    if options.has_backups() && random.once_in(8) {
        case.environment.push(("VERSION_CONTROL", random.pick(&BACKUP_ENVIRONMENT)));
    }
    if options.has_backups() && random.once_in(8) {
        case.environment.push(("SIMPLE_BACKUP_SUFFIX", random.pick(&[".old", "", "x/y", "-"])));
    }
    if options.has_posix() && random.once_in(20) {
        case.environment.push(("POSIXLY_CORRECT", "1"));
    }
    case.answers = if case.is_recursive() {
        // In which order a directory's names are asked for is not said anywhere.
        random.pick(&["", "y\ny\ny\ny\ny\ny\ny\ny\ny\ny\ny\ny\n", "n\nn\nn\nn\nn\nn\nn\nn\nn\nn\nn\nn\n"])
    } else {
        random.pick(&["", "y\n", "n\n", "yes\n", "y", "n\ny\n", "y\nn\ny\n", "\ny\n", " y\n", "Yikes\nno\n"])
    };
}

fn says(case: &Case, word: &str) -> bool {
    match word.strip_prefix('-').and_then(|letter| letter.parse().ok()) {
        Some(letter) => case.has(letter, ""),
        None => case.has('\0', word),
    }
}

fn argument(choice: Choice, random: &mut Random) -> Argument {
    match choice {
        Choice::Letter(letter) => Argument::Letters(letter.to_string()),
        // An abbreviation: one letter is never in doubt.
        Choice::Long(word) if random.once_in(10) && !word.contains('=') => {
            Argument::Long(word[..word.len() - 1].to_owned())
        }
        Choice::Long(word) => Argument::Long(word.to_owned()),
        Choice::Valued(option, value) => Argument::Valued(option, value.into()),
        // Decided when there is a world.
        Choice::Directory(option) => Argument::Valued(option, OsString::new()),
    }
}

fn operands(case: &mut Case, random: &mut Random) {
    let directory_option =
        case.arguments.iter().position(|argument| matches!(argument, Argument::Valued(_, value) if value.is_empty()));
    let sources = if random.once_in(3) { 1 + random.below(3) } else { 1 };
    let mut words: Vec<OsString> = (0..sources).map(|_| source(case, random)).collect();
    if random.once_in(12) {
        words.push(words[0].clone());
    }
    let target = outside_target(case, &words, random);
    match directory_option {
        Some(place) => {
            if let Argument::Valued(_, value) = &mut case.arguments[place] {
                *value = target;
            }
        }
        None => words.push(target),
    }
    if random.once_in(50) {
        words.pop();
    }
    // Symbolic links to what they are made from need full paths, but in one case.
    let links = case.has('s', "--symbolic-link");
    let parents = case.has('\0', "--parent");
    for word in words {
        let is_full = if links { !random.once_in(4) } else { random.once_in(40) } && !parents;
        case.arguments.push(if is_full { Argument::Absolute(word) } else { Argument::Operand(word) });
    }
}

/// What is copied: mostly something that is there.
fn source(case: &Case, random: &mut Random) -> OsString {
    let prefers_files = !case.is_recursive();
    for _ in 0..8 {
        let Some(entry) = case.entries.get(random.index(case.entries.len())) else { break };
        let is_directory = entry.kind == Kind::Directory;
        if entry.kind == Kind::Fifo && prefers_files || is_directory == prefers_files && !random.once_in(8) {
            continue;
        }
        return decorated(&entry.path, is_directory, random);
    }
    random.pick(&["missing", ".", "..", "d/missing", "missing/", "a", "d"]).into()
}

/// A target that mostly does not lie in one of the sources: most copies of a directory into itself are alike.
fn outside_target(case: &Case, sources: &[OsString], random: &mut Random) -> OsString {
    let lies_within = |target: &OsString, source: &OsString| {
        let plain = |word: &OsString| Path::new(word).strip_prefix("./").unwrap_or(Path::new(word)).to_owned();
        plain(target).starts_with(plain(source)) || plain(source).ends_with("..")
    };
    for _ in 0..6 {
        let target = target(case, random);
        if !sources.iter().any(|source| lies_within(&target, source)) || random.once_in(6) {
            return target;
        }
    }
    target(case, random)
}

fn target(case: &Case, random: &mut Random) -> OsString {
    let usable = |entry: &&Entry| !matches!(entry.kind, Kind::Fifo | Kind::Device(..));
    let targets: Vec<&Entry> = case.entries.iter().filter(usable).collect();
    let directories: Vec<&&Entry> = targets.iter().filter(|entry| entry.kind == Kind::Directory).collect();
    match random.below(10) {
        0..=4 if !directories.is_empty() => decorated(&directories[random.index(directories.len())].path, true, random),
        5..=6 if !targets.is_empty() => {
            let entry = targets[random.index(targets.len())];
            decorated(&entry.path, entry.kind == Kind::Directory, random)
        }
        7 if !directories.is_empty() => {
            let path = directories[random.index(directories.len())].path.join(any_name(random));
            decorated(&path, false, random)
        }
        8 => random.pick(&["missing/new", "new/", ".", "..", "a/new", "./new"]).into(),
        _ => random.pick(&["new", "new", "f", "e"]).into(),
    }
}

/// The path as somebody may type it.
fn decorated(path: &Path, is_directory: bool, random: &mut Random) -> OsString {
    let mut word = path.as_os_str().to_owned();
    match (random.below(24), is_directory) {
        (0, _) | (1..=2, true) => word.push("/"),
        (3..=4, true) => word.push("/."),
        (5, true) if random.once_in(3) => word.push("/.."),
        (6, true) => word.push("//"),
        (7..=8, _) => {
            let mut longer = OsString::from("./");
            longer.push(word);
            word = longer;
        }
        (9, true) => word.push("/./"),
        _ => {}
    }
    word
}

/// Puts options where they may stand: some in one word, some between and after operands, all of them before `--`.
fn arrange(arguments: &mut Vec<Argument>, random: &mut Random) {
    let (mut options, operands): (Vec<_>, Vec<_>) =
        arguments.drain(..).partition(|argument| !matches!(argument, Argument::Operand(_) | Argument::Absolute(_)));
    join_letters(&mut options, random);
    let dashed = |argument: &Argument| matches!(argument, Argument::Operand(word) if word.as_bytes().starts_with(b"-"));
    if operands.iter().any(dashed) && !random.once_in(10) || random.once_in(12) {
        options.push(Argument::End);
        arguments.extend(options.into_iter().chain(operands));
        return;
    }
    let mut places = operands;
    let scattered = random.once_in(4);
    for (number, option) in options.into_iter().enumerate() {
        let place = if scattered { random.index(places.len() + 1) } else { number };
        places.insert(place, option);
    }
    *arguments = places;
}

fn join_letters(options: &mut Vec<Argument>, random: &mut Random) {
    let mut joined: Vec<Argument> = Vec::new();
    for option in options.drain(..) {
        match (joined.last_mut(), option) {
            (Some(Argument::Letters(word)), Argument::Letters(letters)) if !random.once_in(3) => {
                word.push_str(&letters)
            }
            (_, option) => joined.push(option),
        }
    }
    *options = joined;
}
