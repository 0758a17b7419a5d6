//! Progress: what a person sees of it on a terminal of 80 and of 40 columns, which tmux is here, what a file gets, and what SIGUSR1
//! does. Copies that take a while are of files that are one hole: they are read and compared from end to end, and need no room.

mod common;

use common::{World, has_tool};
use rustix::process::Signal;
use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// So long something may take to be seen.
const DEADLINE: Duration = Duration::from_secs(100);

/// Reads every byte of a hole, and makes one.
const SLOW: &str = "--hints=never --sparse=always";

/// A terminal with a program in it.
struct Terminal<'w> {
    world: &'w World,
    /// Where its tmux listens. One that ends may still remove its own name.
    socket: String,
}

impl<'w> Terminal<'w> {
    /// Runs a line of shell in a terminal of so many columns; nothing where there is no tmux.
    fn start(world: &'w World, columns: usize, line: &str) -> Option<Self> {
        if !has_tool("tmux") {
            return None;
        }
        let program = common::asked::as_a_word(&common::asked::program());
        // What is on the screen stays there when the program has ended.
        world.file("line", format!("trap : INT\nsafecp={}\n{line}\necho ended; sleep 100\n", program.display()));
        let size = columns.to_string();
        let terminal = Self { world, socket: format!("socket-{size}") };
        terminal.tmux(&["-f", "/dev/null", "new-session", "-d", "-x", &size, "-y", "12", "bash line"]);
        Some(terminal)
    }

    fn tmux(&self, words: &[&str]) -> String {
        let socket = self.world.path(&self.socket);
        let words = ["-S", socket.to_str().expect("a name")].into_iter().chain(words.iter().copied());
        self.world.tool("tmux", words)
    }

    fn resize(&self, columns: usize) {
        self.tmux(&["resize-window", "-x", &columns.to_string()]);
    }

    /// The lines that are on the screen, as soon as they are what is waited for.
    #[track_caller]
    fn sees(&self, what: &str, is_it: impl Fn(&[&str]) -> bool) -> Vec<String> {
        let began = Instant::now();
        loop {
            let screen = self.tmux(&["capture-pane", "-p"]);
            let lines: Vec<&str> = screen.lines().map(str::trim_end).filter(|line| !line.is_empty()).collect();
            if is_it(&lines) {
                return lines.into_iter().map(str::to_owned).collect();
            }
            assert!(began.elapsed() < DEADLINE, "{what} is not seen:\n{screen}");
            sleep(Duration::from_millis(50));
        }
    }
}

impl Drop for Terminal<'_> {
    fn drop(&mut self) {
        let gone = Command::new("tmux").arg("-S").arg(self.world.path(&self.socket)).arg("kill-server").status();
        assert!(gone.is_ok() || std::thread::panicking(), "the end of tmux");
    }
}

/// Whether each piece stands in the text behind the one before.
fn has_in_order(text: &str, pieces: &[&str]) -> bool {
    pieces.iter().try_fold(text, |rest, piece| rest.split_once(piece).map(|(_, rest)| rest)).is_some()
}

#[test]
fn a_terminal_of_80_columns_and_then_of_40() {
    let world = World::new();
    world.dir("dst").file("small", "1").sparse("first", 6 << 30, &[]).sparse("b\x1b[31mg", 1 << 40, &[]);
    let line = format!("$safecp --progress {SLOW} small first missing $'b\\e[31mg' dst");
    let Some(terminal) = Terminal::start(&world, 80, &line) else { return };
    let seen = terminal.sees("a total that is not known", |lines| {
        lines.len() == 2 && lines[0].contains("B (total not yet known), ") && lines[1].starts_with("'first' (")
    });
    assert!(seen[0].starts_with("1 file, "), "{seen:?}");
    let seen =
        terminal.sees("a bar", |lines| lines.len() >= 2 && lines[lines.len() - 1].starts_with("'b'$'\\033''[31mg' ("));
    // What is said stands above the bar, and stays.
    assert_eq!(seen[0], "safecp: cannot stat 'missing': No such file or directory", "{seen:?}");
    assert_eq!(seen.len(), 3, "{seen:?}");
    let is_whole = has_in_order(&seen[1], &["%, 2 of 3 files, ", " GiB of 1.0 TiB, ", "/s, ", " left"]);
    assert!(is_whole && seen[1].chars().count() <= 80, "{seen:?}");
    terminal.resize(40);
    let seen = terminal.sees("40 columns", |lines| {
        lines.len() >= 2 && lines.iter().any(|line| line.contains("GiB of 1.0 TiB, ") && !line.contains("files"))
    });
    assert!(seen.iter().all(|line| line.chars().count() <= 40), "{seen:?}");
    terminal.tmux(&["send-keys", "C-c"]);
    let seen =
        terminal.sees("the end", |lines| lines.iter().any(|line| line.contains("ended") || line.contains("copied")));
    // What tmux has made of the numbers of 80 columns, and the line that took their place, may stand there still.
    assert!(!seen.iter().any(|line| line.contains("'b'$'")), "the name is gone: {seen:?}");
}

/// What is read once more is said to be, and the numbers in the end are those of the summary.
#[test]
fn verification_is_seen() {
    let world = World::new();
    world.sparse("big", 4 << 30, &[]);
    let line = format!("$safecp --progress --verify=blake3 {SLOW} big copy");
    let Some(terminal) = Terminal::start(&world, 80, &line) else { return };
    terminal.sees("a second look", |lines| lines.iter().any(|line| line.starts_with("verifying 'big' (")));
    let seen = terminal.sees("the end", |lines| lines.contains(&"ended"));
    assert!(seen[0].starts_with("safecp: copied 1 file, 4294967296 bytes (4.0 GiB) in "), "{seen:?}");
    assert_eq!(seen.len(), 3, "{seen:?}");
    assert!(seen[1].starts_with("safecp: verified 1 of 1, 1 file with holes (4.0 GiB"), "{seen:?}");
}

#[test]
fn a_run_that_is_over_soon_shows_no_bar() {
    let world = World::new();
    world.file("a", "1");
    let Some(terminal) = Terminal::start(&world, 80, "$safecp --progress a b 2>&1 | cat -v; $safecp a c") else {
        return;
    };
    let seen = terminal.sees("the end", |lines| lines.contains(&"ended"));
    assert!(seen.len() == 3 && seen[0].starts_with("safecp: copied 1 file, 1 byte in 0."), "{seen:?}");
}

/// What is written before the bar is shown first brings up none, whatever there is room for.
#[test]
fn lines_of_a_run_that_is_over_soon_bring_no_bar() {
    if !has_tool("script") {
        return;
    }
    let world = World::new();
    world.dir("t").file("t/a", "1").cp("--manifest=list t").succeeds();
    for columns in ["3", "20", "80"] {
        for words in ["--check --progress list t", "-v --progress t/a b", "--scan --progress t"] {
            let seen = world.shell(&format!("script -qec 'stty cols {columns}; $safecp {words}' /dev/null </dev/null"));
            assert!(seen.succeeds().stdout.contains(" seconds"), "{words}: {seen}");
            assert!(!seen.stdout.contains("/1000") && !seen.stdout.contains('\u{2591}'), "{words}: {seen}");
        }
    }
}

/// A line after ten seconds, without anything that only a terminal understands.
#[test]
fn where_no_terminal_is_a_line_comes_now_and_then() {
    let world = World::new();
    world.sparse("big", 400 << 30, &[]);
    let copy = world.start(&format!("--progress {SLOW} big copy"));
    sleep(Duration::from_millis(13_000));
    copy.signal(Signal::TERM);
    let said = copy.finish();
    assert_eq!((said.signal(), said.stdout.as_str()), (Some(Signal::TERM.as_raw()), ""), "{said}");
    let lines: Vec<&str> = said.stderr.lines().collect();
    assert!(lines.len() > 1 && lines[1].starts_with("safecp: copied 0 files"), "one line in 13 seconds: {said}");
    let pieces = ["safecp: ", "%, 0 of 1 file, ", "iB of 400 GiB, ", "/s, ", " left after 0:1", ", now 'big' ("];
    assert!(has_in_order(lines[0], &pieces), "{said}");
    assert!(!said.stderr.contains(['\x1b', '\r']), "{said}");
}

/// What stands at the bottom of the screen: numbers, and a name.
fn bottom(lines: &[String]) -> (&str, &str) {
    let [.., numbers, name] = lines else { panic!("two lines: {lines:?}") };
    (numbers, name)
}

/// The files of a disk that has lost a part of its blocks: an image that was cut off while it was mounted.
const FAILING_DISK: &str = "
mkdir store disk && truncate -s 64M store/image && mkfs.ext4 -qF -E nodiscard,lazy_itable_init=1 store/image
device=$(losetup -f --show store/image) || exit 77
trap 'umount disk; losetup -d $device' EXIT
mount $device disk || exit 77
head -c 40M /dev/urandom >disk/bad && sync && truncate -s 12M store/image
echo 1 >/proc/sys/vm/drop_caches
$safecp --progress --hints=never --sparse=always disk/bad big dst
";

#[test]
fn a_failing_disk_is_told_above_the_bar() {
    for columns in [80, 40] {
        let Some(world) = World::with_mounts("a disk") else { return };
        if !has_tool("mkfs.ext4") {
            return;
        }
        world.dir("dst").sparse("big", 1 << 40, &[]).file("disk.bash", FAILING_DISK);
        let line = "export safecp; unshare -m bash disk.bash; test $? = 77 && echo no disk";
        let Some(terminal) = Terminal::start(&world, columns, line) else { return };
        let seen = terminal.sees("a failing disk", |lines| {
            lines.contains(&"no disk")
                || lines.len() > 2 && lines[0].starts_with("safecp: error reading 'disk/bad'") && {
                    lines[lines.len() - 1].starts_with("'big' (")
                }
        });
        if seen.iter().any(|line| line == "no disk") {
            return common::left_out("needs loop devices");
        }
        let message: String = seen[..seen.len() - 2].concat();
        assert_eq!(message.replace(' ', ""), "safecp:errorreading'disk/bad':Input/outputerror", "{seen:?}");
        assert!(bottom(&seen).0.contains("iB") && seen.iter().all(|line| line.chars().count() <= columns), "{seen:?}");
        terminal.tmux(&["send-keys", "C-c"]);
        terminal.sees("the end", |lines| lines.contains(&"ended"));
    }
}

/// Both widths copy from one tree, and only the second to its end: to make and to remove 100,000 files takes most of the time.
#[test]
fn a_tree_of_many_files() {
    let world = World::for_many_names();
    world.dir("src").shell("seq 100000 | split -l 1 -a 5 - src/").succeeds();
    for columns in [40, 80] {
        let line = format!("$safecp -r --jobs=1 --progress src dst{columns}");
        let Some(terminal) = Terminal::start(&world, columns, &line) else { return };
        let seen = terminal.sees("a total", |lines| {
            lines.len() == 2 && lines[1].starts_with("'src/") && lines[0].contains("%, ") && lines[0].contains(" left")
        });
        let (numbers, name) = bottom(&seen);
        // 9 of one digit, 90 of two and so on, and a line feed each.
        // With a bar there is no room for the number of files at 80 columns.
        let pieces = &["%, ", " of 575 KiB, ", " left"];
        assert!(has_in_order(numbers, pieces) && numbers.chars().count() <= columns, "{seen:?}");
        assert_eq!((name.len(), name.ends_with('\'')), ("'src/aaaaa'".len(), true), "{seen:?}");
        if columns == 40 {
            terminal.tmux(&["send-keys", "C-c"]);
        }
        let seen = terminal.sees("the end", |lines| lines.contains(&"ended"));
        if columns == 80 {
            let said = seen.join(" ");
            let is_whole = said.starts_with("safecp: copied 100000 files, 1 director") && said.contains("588895 byte");
            assert!(is_whole, "{seen:?}");
            assert_eq!(world.names("dst80").len(), 100_000);
        } else {
            world.shell("rm -r dst40").succeeds();
        }
    }
}

#[test]
fn a_check_is_seen() {
    for columns in [80, 40] {
        let world = World::new();
        world.dir("d").file("d/small", "1").sparse("d/big", 1 << 41, &[]);
        let none = "0".repeat(64);
        world.file("sums", format!("{none}  small\n{none}  big\n"));
        let line = "$safecp --check --progress sums d";
        let Some(terminal) = Terminal::start(&world, columns, line) else { return };
        let seen = terminal.sees("a check", |lines| {
            lines.len() >= 2
                && lines[lines.len() - 1].starts_with("'d/big' (")
                && lines[lines.len() - 2].contains("%, ")
        });
        let (numbers, _) = bottom(&seen);
        let pieces: &[&str] =
            if columns == 80 { &["%, 1 of 2 files, ", "iB, ", "/s"] } else { &["50%, ", "iB, ", " left"] };
        assert!(has_in_order(numbers, pieces) && numbers.chars().count() <= columns, "{seen:?}");
        assert!(seen[0].starts_with("differs: 'small' ("), "what was found stands above: {seen:?}");
        terminal.tmux(&["send-keys", "C-c"]);
        terminal.sees("the end", |lines| lines.contains(&"ended"));
    }
}

/// A list without a copy: its total has bytes, which tell more of a few large files than names do.
#[test]
fn a_list_without_a_copy_is_seen() {
    for columns in [80, 40] {
        let world = World::new();
        world.dir("d").file("d/small", "1").sparse("d/big", 1 << 38, &[]);
        let line = "$safecp --manifest=list --progress d";
        let Some(terminal) = Terminal::start(&world, columns, line) else { return };
        let seen = terminal.sees("a list", |lines| {
            lines.len() == 2 && lines[1].starts_with("'d/big' (") && lines[0].contains(" left")
        });
        let (numbers, _) = bottom(&seen);
        let pieces: &[&str] = if columns == 80 {
            &["%, 2 of 3 files, ", "iB of 256 GiB, ", "/s, ", " left"]
        } else {
            &["%, ", "iB of 256 GiB, ", " left"]
        };
        assert!(has_in_order(numbers, pieces) && numbers.chars().count() <= columns, "{seen:?}");
        terminal.tmux(&["send-keys", "C-c"]);
        terminal.sees("the end", |lines| lines.contains(&"ended"));
        assert!(!world.exists("list"), "a list of a run that was stopped is none");
    }
}

#[test]
fn a_list_without_a_copy_answers_sigusr1() {
    let world = World::new();
    world.dir("d").file("d/small", "1").sparse("d/big", 1 << 41, &[]);
    let seal = world.start("--manifest=list d");
    sleep(Duration::from_millis(1500));
    seal.signal(Signal::USR1);
    sleep(Duration::from_millis(500));
    seal.signal(Signal::TERM);
    let said = seal.finish();
    assert_eq!(said.signal(), Some(Signal::TERM.as_raw()), "{said}");
    let pieces = ["safecp: 2 files, ", "iB (total not yet known), ", "/s after 0:0", ", now 'd/big' ("];
    assert!(has_in_order(said.stderr.lines().next().unwrap_or_default(), &pieces), "{said}");
}

#[test]
fn a_scan_is_seen() {
    for columns in [80, 40] {
        let world = World::new();
        world.dir("d").file("d/small", "1").sparse("d/big", 1 << 42, &[(0, b"\x7fELF")]);
        let Some(terminal) = Terminal::start(&world, columns, "$safecp --scan --progress d") else { return };
        let seen = terminal
            .sees("a scan", |lines| lines.len() == 2 && lines[1].starts_with("'d/big' (") && lines[0].contains("%, "));
        let (numbers, _) = bottom(&seen);
        let pieces: &[&str] =
            if columns == 80 { &["50%, 1 of 2 files, ", "iB, ", "/s"] } else { &["50%, ", "iB, ", " left"] };
        assert!(has_in_order(numbers, pieces) && numbers.chars().count() <= columns, "{seen:?}");
        terminal.tmux(&["send-keys", "C-c"]);
        terminal.sees("the end", |lines| lines.contains(&"ended"));
    }
}

/// What is done in all targets, and to be done in all.
#[test]
fn several_targets_are_seen_together() {
    let world = World::new();
    world.dir("a").dir("b").file("small", "1").sparse("big", 1 << 40, &[]);
    let line = format!("$safecp --progress {SLOW} -t a -t b small big");
    let Some(terminal) = Terminal::start(&world, 80, &line) else { return };
    let seen = terminal.sees("both", |lines| lines.len() == 2 && lines[0].contains(" of 4 files, "));
    let (numbers, name) = bottom(&seen);
    assert!(has_in_order(numbers, &["%, 2 of 4 files, ", " of 2.0 TiB, ", "/s"]), "{seen:?}");
    assert!(name.starts_with("'big' ("), "{seen:?}");
    terminal.tmux(&["send-keys", "C-c"]);
    terminal.sees("the end", |lines| lines.contains(&"ended"));
}

/// ssh asks for a password on the same terminal, and whoever does not see that waits for ever.
#[test]
fn no_bar_is_drawn_over_a_question_of_ssh() {
    let world = World::new();
    world.random("big", 100_000_000, 1).dir("far");
    world.file(
        "ssh",
        "#!/bin/sh\nprintf 'the password, please: ' >/dev/tty; read -r password </dev/tty\n\
         while [ \"$1\" != -- ]; do shift; done; shift 2; cd far && exec sh -c \"$*\"\n",
    );
    world.chmod("ssh", 0o755);
    let line = "$safecp --as=scp --progress -l 160000 -S ./ssh --far-program=$safecp big h:copy";
    let Some(terminal) = Terminal::start(&world, 80, line) else { return };
    terminal.sees("the question", |lines| lines == ["the password, please:"]);
    // Longer than it takes to draw a bar.
    sleep(Duration::from_millis(1500));
    assert_eq!(terminal.sees("the question still", |_| true), ["the password, please:"]);
    terminal.tmux(&["send-keys", "secret", "Enter"]);
    terminal.sees("a bar", |lines| lines.last().is_some_and(|name| name.starts_with("'big' (")));
    terminal.sees("the end", |lines| lines.contains(&"ended"));
    assert!(world.same_bytes("big", "far/copy"));
}

#[test]
fn nothing_is_shown_unasked() {
    let world = World::new();
    world.sparse("big", 1 << 42, &[]);
    let line = format!("timeout 2 $safecp {SLOW} big copy");
    let Some(terminal) = Terminal::start(&world, 80, &line) else { return };
    assert_eq!(terminal.sees("the end", |lines| lines.contains(&"ended")), ["ended"]);
}

/// A copy that has begun to read.
fn started(world: &World) -> common::Running {
    let copy = world.start(&format!("{SLOW} big copy"));
    sleep(Duration::from_millis(1500));
    copy
}

#[test]
fn sigusr1_asks_how_far_it_is() {
    let world = World::new();
    world.sparse("big", 1 << 42, &[]);
    let copy = started(&world);
    copy.signal(Signal::USR1);
    sleep(Duration::from_millis(1500));
    copy.signal(Signal::USR1);
    sleep(Duration::from_millis(500));
    copy.signal(Signal::TERM);
    let said = copy.finish();
    assert_eq!(said.signal(), Some(Signal::TERM.as_raw()), "it did not die of the first: {said}");
    let lines: Vec<&str> = said.stderr.lines().collect();
    assert_eq!(lines.len(), 2, "{said}");
    for line in lines {
        let pieces = ["safecp: 0 files, ", "B (total not yet known), ", "/s after 0:0", ", now 'big' ("];
        assert!(has_in_order(line, &pieces), "{said}");
    }
}

/// Who starts a program with the signal ignored wants nothing of it.
#[test]
fn sigusr1_that_is_ignored_stays_ignored() {
    let world = World::new();
    world.file("a", "1").fifo("fifo");
    let script = "trap '' USR1; sleep 3 >fifo & $safecp --copy-contents fifo b & sleep 1; kill -USR1 $!; wait $!";
    world.shell(script).succeeds();
    let told = world.shell("sleep 3 >fifo & $safecp --copy-contents fifo b & sleep 1; kill -USR1 $!; wait $!");
    assert!(told.stderr.contains("safecp: 0 files, 0 B"), "without that it is heeded: {told}");
    assert_eq!(told.code(), Some(0), "and nothing dies of it: {told}");
}
