//! `--guard` from outside: what a guarded command may still ask of the kernel, and what it notices of the guard otherwise.
//!
//! The calls are made by a C program (tests/guard/calls.c) in every ABI of the machine. tests/guard/run has the programs
//! that people use, on real filesystems.

mod common;
use common::{Output, World, has_tool, is_root, left_out};
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

/// What the guard answers, by the calls' names in calls.c.
const REFUSED: [(&str, &str); 7] = [
    ("ficlone", "95"),
    ("ficlonerange", "95"),
    ("copy_file_range", "18"),
    ("seek_data", "22"),
    ("seek_hole", "22"),
    ("llseek_data", "22"),
    ("llseek_hole", "22"),
];

/// tests/guard/NAME.c, built once in each world, which takes it away again.
fn built(world: &World, name: &str) -> Option<PathBuf> {
    let program = world.path(name);
    if !has_tool("cc") || program.exists() {
        return program.exists().then_some(program);
    }
    let source = common::asked::project("tests/guard").join(name).with_extension("c");
    let mut compiler = Command::new("cc");
    compiler.args(["-static", "-O1", "-Wall", "-Werror", "-o"]).arg(&program).arg(source);
    assert!(compiler.status().expect("cc").success(), "{name}.c does not compile");
    Some(program)
}

/// Runs the C program below these words of safecp's, or alone, and gives its lines as (ABI, call, errno).
fn answers(world: &World, words: Option<&str>) -> Option<Vec<[String; 3]>> {
    let program = built(world, "calls")?;
    let program = program.display();
    let output = match words {
        Some(words) => world.shell(&format!("$safecp {words} {program}")),
        None => world.shell(&program.to_string()),
    };
    output.succeeds();
    let lines = output.stdout.lines().filter(|line| !line.contains("left out"));
    let fields = |line: &str| line.split(' ').map(str::to_owned).collect::<Vec<_>>().try_into().expect("three fields");
    Some(lines.map(fields).collect())
}

#[test]
fn shortcuts_are_refused_in_every_abi() {
    let world = World::new();
    let Some(guarded) = answers(&world, Some("--guard")) else { return };
    let free = answers(&world, None).expect("the same program");
    assert_eq!(guarded.len(), free.len());
    let mut refused = 0;
    for (line, without) in guarded.iter().zip(&free) {
        let [abi, call, answer] = line;
        match REFUSED.iter().find(|(name, _)| name == call) {
            Some((_, errno)) => {
                assert_eq!(answer, errno, "{abi} {call}");
                refused += 1;
            }
            None => assert_eq!(line, without, "what the guard has nothing to do with"),
        }
    }
    assert!(refused >= 5, "{guarded:?}");
    // The same calls without a guard, or this would show nothing.
    for call in ["copy_file_range", "seek_data", "seek_hole", "seek_end"] {
        assert!(free.contains(&["own", call, "0"].map(str::to_owned)), "{call} fails without a guard: {free:?}");
    }
}

#[test]
fn what_is_allowed_is_answered_by_the_kernel() {
    let world = World::new();
    for (allowed, free_calls) in [
        ("clones", &["ficlone", "ficlonerange"][..]),
        ("offload", &["copy_file_range"]),
        ("holes", &["seek_data", "seek_hole", "llseek_data", "llseek_hole"]),
    ] {
        let Some(guarded) = answers(&world, Some(&format!("--guard --allow={allowed}"))) else { return };
        let free = answers(&world, None).expect("the same program");
        for ([abi, call, answer], [_, _, without]) in guarded.iter().zip(&free) {
            let refusal =
                REFUSED.iter().find(|(name, _)| name == call).filter(|_| !free_calls.contains(&call.as_str()));
            assert_eq!(answer, refusal.map_or(without.as_str(), |row| row.1), "--allow={allowed}: {abi} {call}");
        }
    }
}

#[test]
fn guards_are_inherited_and_add_up() {
    let world = World::new();
    let Some(inner) =
        answers(&world, Some("--guard --allow=holes,offload setsid -w env $safecp --guard --allow=clones"))
    else {
        return;
    };
    assert_eq!(Some(inner), answers(&world, Some("--guard")));
}

#[test]
fn the_command_takes_its_place() {
    let world = World::new();
    let output = world.shell("bash -c 'echo $$; exec $safecp --guard sh -c \"echo \\$\\$\"'");
    let pids: Vec<&str> = output.succeeds().stdout.lines().collect();
    assert_eq!(pids[0], pids[1]);
}

#[test]
fn exit_statuses_and_signals_pass_through() {
    let world = World::new();
    assert_eq!(world.shell("exec $safecp --guard sh -c 'exit 42'").code(), Some(42));
    assert_eq!(world.shell("exec $safecp --guard sh -c 'kill -USR1 $$'").signal(), Some(10));
}

#[test]
fn its_own_failures_have_statuses_of_their_own() {
    let world = World::new();
    world.file("text", "echo found by its name, run by a shell\n").dir("d");
    let missing = world.cp("--guard ./nothing");
    assert_eq!(
        (missing.code(), missing.stderr.as_str()),
        (Some(127), "safecp: './nothing': No such file or directory\n")
    );
    let denied = world.cp("--guard ./text");
    assert_eq!((denied.code(), denied.stderr.as_str()), (Some(126), "safecp: './text': Permission denied\n"));
    world.chmod("text", 0o755);
    world.shell("PATH=$PWD exec $safecp --guard text").succeeds().says("found by its name, run by a shell\n");
    let usage = world.cp("--guard --allow=everything true");
    assert_eq!(usage.code(), Some(125), "{usage}");
    assert!(usage.stderr.ends_with("Try 'safecp --guard --help' for more information.\n"), "{usage}");
    assert_eq!(world.cp("-a --guard x y").code(), Some(1));
}

/// What a process has that Rust's runtime, or ours, may have changed on the way.
#[test]
fn the_command_finds_what_it_would_find_without_a_guard() {
    let world = World::new();
    let look = "bash -c 'ulimit -a; ulimit -Ha; umask; trap; pwd; env -u _ | sort; (cd /proc/$$/fd; echo *); \
                exec grep -E \"^(SigBlk|SigIgn|SigCgt|Cap|NoNewPrivs|Groups)\" /proc/self/status'";
    for around in [
        "",
        "trap \"\" PIPE; ",
        "trap \"\" PIPE HUP INT; ",
        "ulimit -Sn 100; umask 077; ",
        "exec 0<&-; ",
        "exec 2>&-; ",
    ] {
        let free = world.shell(&format!("export A=' b'; {around} {look}"));
        let guarded = world.shell(&format!("export A=' b'; {around} $safecp --guard {look}"));
        if is_root() {
            assert_eq!(guarded.stdout, free.stdout, "{around}");
        }
        let standard = "sh -c 'for fd in 0 1 2; do test -e /proc/self/fd/$fd && echo $fd; done'";
        let free = world.shell(&format!("{around} {standard}"));
        assert_eq!(world.shell(&format!("{around} $safecp --guard {standard}")).stdout, free.stdout, "{around}");
    }
    assert_eq!(world.shell("echo from outside | $safecp --guard cat").stdout, "from outside\n");
    // A pipe that nobody reads ends its writer by SIGPIPE; where that is ignored, with an error.
    assert_eq!(world.shell("$safecp --guard yes | true; echo ${PIPESTATUS[0]}").stdout, "141\n");
    let ignored = world.shell("trap '' PIPE; $safecp --guard yes 2>/dev/null | true; echo ${PIPESTATUS[0]}");
    assert_eq!(ignored.stdout, "1\n");
}

const STATUS: &str = "$safecp --guard grep NoNewPrivs /proc/self/status";

#[test]
fn root_keeps_set_user_id_programs() {
    if World::as_root("installs filters with CAP_SYS_ADMIN").is_none() {
        return;
    }
    World::new().shell(STATUS).succeeds_saying("").says("NoNewPrivs:\t0\n");
}

#[test]
fn who_is_not_root_is_told_what_that_takes() {
    let said = "safecp: no_new_privs is set: under the command set-user-ID programs gain nothing\n";
    World::new().shell_as_nobody(STATUS).succeeds_saying(said).says("NoNewPrivs:\t1\n");
    // Root of a user namespace may install filters for what is in it.
    if !has_tool("unshare") || World::new().shell_as_nobody("unshare -Ur true").code() != Some(0) {
        return left_out("needs user namespaces of ordinary users");
    }
    let inside = World::new().shell_as_nobody(&format!("unshare -Ur bash -c '{STATUS}'"));
    inside.succeeds_saying("").says("NoNewPrivs:\t0\n");
}

/// Runs the guard where strace answers its seccomp calls.
fn with_seccomp(what: &str) -> Option<Output> {
    let strace = format!("strace -f -qq -o /dev/null -e trace=seccomp -e inject=seccomp:{what}");
    has_tool("strace").then(|| World::new().shell(&format!("{strace} $safecp --guard touch made; [ ! -e made ]")))
}

#[test]
fn a_kernel_that_cannot_guard_runs_nothing() {
    for (what, reason) in [
        ("error=ENOSYS", "this kernel has no seccomp filters: Function not implemented"),
        ("error=EINVAL", "this kernel has no seccomp filters: Invalid argument"),
        (
            "error=EPERM",
            "seccomp filters are forbidden here, perhaps by a filter that is there already: Operation not permitted",
        ),
        ("error=ENOMEM", "the filter cannot be installed: Cannot allocate memory"),
        ("error=ENOMEM:when=2", "the filter cannot be installed: Cannot allocate memory"),
        ("retval=0", "the kernel took the filter and does not apply it"),
    ] {
        let Some(output) = with_seccomp(what) else { return };
        assert_eq!(output.stderr, format!("safecp: cannot guard: {reason}\n"), "{what}");
        assert_eq!(output.code(), Some(0), "{what}: the command ran");
    }
}

#[test]
fn safecp_copies_under_it_as_anywhere() {
    for filesystem in common::filesystems() {
        let world = World::within(&filesystem.path);
        world.every_kind("src").random("src/more", 300_000, 7).sparse("src/holes", 4 << 20, &[(1 << 20, b"data")]);
        world.cp("--guard true").succeeds();
        world.shell("$safecp --guard $safecp -a src dst").succeeds();
        world.assert_same_tree("src", "dst");
    }
}

/// uutils cp does so (tests/guard/run has it); where it is the host's cp, a guard would make every file that looks sparse zeros.
#[test]
fn a_cp_that_takes_a_refusal_for_a_hole_is_found_out() {
    let world = World::new();
    let Some(liar) = built(&world, "liar") else { return };
    world.dir("bin").sparse("a", 1 << 20, &[(500_000, b"data")]);
    world.tool("cp", [&liar, &world.path("bin/cp")]);
    world.shell("PATH=$PWD/bin:$PATH cp a b && cmp a b").succeeds();
    let refused = world.shell("PATH=$PWD/bin:$PATH $safecp --guard touch made");
    assert_eq!(refused.code(), Some(125), "{refused}");
    assert!(refused.stderr.contains("/bin/cp' writes zeros where a search for holes is refused"), "{refused}");
    assert!(!world.exists("made"));
    // No reason to refuse anything where a shell would not find it, or where holes stay allowed.
    world.shell("PATH=$PATH:$PWD/bin $safecp --guard true").succeeds();
    world.shell("PATH=$PWD/bin:$PATH $safecp --guard --allow=holes cp a c && cmp a c").succeeds();
}

/// Who is asked to guard a command does not run another one, unless the command would find it and nobody else can have put
/// it there.
#[test]
fn a_cp_of_somebody_else_is_not_run() {
    let world = World::new();
    for directory in ["behind", "open", "sticky"] {
        world.dir(directory).file(format!("{directory}/cp"), "#!/bin/sh\ntouch ran\n");
        world.chmod(&format!("{directory}/cp"), 0o755);
    }
    world.chmod("open", 0o777).chmod("sticky", 0o1777).dir("linked").symlink("../open/cp", "linked/cp");
    world.file("cp", "#!/bin/sh\ntouch ran\n").chmod("cp", 0o755);
    let guard = |path: &str| {
        let output = world.shell(&format!("PATH={path}; exec $safecp --guard /bin/echo guarded"));
        assert!(!world.exists("ran"), "{path}");
        assert_eq!((output.code(), output.stdout.as_str()), (Some(0), "guarded\n"), "{path}: {output}");
        output.stderr
    };
    for path in ["$PATH:$PWD/behind", "$PATH:.", "$PATH:$PWD/open", "/nowhere"] {
        assert_eq!(guard(path), "", "{path}: a shell would not find it");
    }
    for (path, name) in [
        (".:$PATH", "./cp"),
        (":$PATH", "cp"),
        ("behind:$PATH", "behind/cp"),
        ("$PWD/open:$PATH", "/open/cp"),
        ("$PWD/sticky:$PATH", "/sticky/cp"),
        ("$PWD/linked:$PATH", "/linked/cp"),
    ] {
        let said = guard(path);
        let words = format!("{name}' is not tried: others may put another program in its place\n");
        assert!(said.ends_with(&words) && said.lines().count() == 1, "{path}: {said}");
    }
}

#[test]
fn a_cp_that_cannot_be_tried_is_named() {
    let world = World::new();
    world.dir("bin").file("bin/cp", "#!/bin/sh\nexit 3\n").chmod("bin/cp", 0o755);
    let output = world.shell("PATH=$PWD/bin:$PATH exec $safecp --guard echo ran");
    let words = "/bin/cp' was tried and failed: whether it takes a refusal for a hole is not known\n";
    assert!(output.says("ran\n").stderr.ends_with(words), "{output}");
    let Some(world) = World::with_mounts("a system without /proc") else { return };
    let output = world.shell_with_mounts("mount -t tmpfs none /proc; exec $safecp --guard echo ran");
    assert!(
        output
            .says("ran\n")
            .stderr
            .ends_with("/cp' was tried and failed: whether it takes a refusal for a hole is not known\n")
    );
}

#[test]
fn a_cp_that_hangs_is_ended_with_what_it_started() {
    let world = World::new();
    world.dir("bin").file("bin/cp", "#!/bin/sh\nsleep 1000 & echo $! $$ >pids\nwait\n").chmod("bin/cp", 0o755);
    let script = format!(
        "sed -i 's,>pids,>{},' bin/cp; PATH=$PWD/bin:$PATH exec $safecp --guard echo ran",
        world.path("pids").display()
    );
    let before = Instant::now();
    let output = world.shell(&script);
    output.says("ran\n");
    assert!(output.stderr.ends_with("/bin/cp' was tried and did not end within a second\n"), "{output}");
    assert!(before.elapsed() < Duration::from_secs(30));
    for pid in world.read("pids").split_whitespace() {
        // What is dead and not yet buried does nothing more.
        let goes_on = || std::fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| !stat.contains(") Z "));
        let deadline = Instant::now() + Duration::from_secs(20);
        while goes_on() {
            assert!(Instant::now() < deadline, "it goes on");
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

#[test]
fn a_cp_that_is_a_script_around_the_guard_is_not_tried_for_ever() {
    let world = World::new();
    world
        .dir("bin")
        .file("bin/cp", "#!/bin/sh\necho called >>\"${0%/*}/../calls\"\nexec $safecp --guard /bin/cp \"$@\"\n")
        .chmod("bin/cp", 0o755);
    world.file("a", "content");
    world.shell("PATH=$PWD/bin:$PATH $safecp --guard cp a b").succeeds();
    assert_eq!(world.read("b"), "content");
    // The trial of the guard that was typed, the command, and the trial of the guard in it.
    assert_eq!(world.read("calls").lines().count(), 3);
}

#[test]
fn called_cp_it_has_no_modes() {
    let world = World::new();
    world.dir("bin").symlink(&common::asked::program().to_string_lossy(), "bin/cp");
    for mode in ["--guard true", "--doctor"] {
        let output = world.shell(&format!("$PWD/bin/cp {mode}"));
        assert_eq!(output.code(), Some(1), "{output}");
        assert!(
            output.stderr.contains(&format!("unrecognized option '{}'", mode.split(' ').next().expect("a word"))),
            "{output}"
        );
    }
    let help = world.shell("$PWD/bin/cp --help");
    assert!(!help.succeeds().stdout.contains("--guard"), "{help}");
}
