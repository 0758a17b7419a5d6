//! `--doctor` from outside: what it says of this machine, of programs that lie or hang, and of what it cannot look at; and that
//! nothing is left of its trial. Machines with ZFS are made up in the unit tests of src/doctor; the report is read by Python.

mod common;
use common::{Output, Running, World, has_tool, left_out};
use rustix::process::{Pid, Signal};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

const GNU: &str = "echo 'cp (GNU coreutils) 9.1'";

/// Whether what is expected of a machine without ZFS cannot be expected of this one.
fn has_zfs() -> bool {
    let there = Path::new("/sys/module/zfs").exists();
    if there {
        left_out("needs a kernel without ZFS");
    }
    there
}

/// A world with scripts on PATH, in front of everything else.
fn world_with(scripts: &[(&str, &str)]) -> World {
    let world = World::new();
    world.dir("bin").dir("d");
    for (name, script) in scripts {
        world.file(format!("bin/{name}"), format!("#!/bin/sh\n{script}\n")).chmod(&format!("bin/{name}"), 0o755);
    }
    world
}

/// safecp with those scripts first on PATH.
fn doctor(world: &World, words: &str) -> Output {
    world.shell(&format!("PATH=$PWD/bin:$PATH; exec $safecp --doctor -v {words}"))
}

/// What a line of Python says of the report `d`.
fn of_report(world: &World, report: &str, expression: &str) -> String {
    let program = format!("import json; d = json.load(open({report:?})); print({expression})");
    world.tool("python3", ["-c", &program]).trim().to_owned()
}

const CORRUPT: &str = "sum(t['corrupt'] for r in d['trial']['copiers'] for t in r['tallies'])";

/// Copies that NAME said to have made, and failures of its.
fn of_copier(name: &str) -> String {
    let sum = |what: &str| {
        format!("sum(t['{what}'] for r in d['trial']['copiers'] if r['copier'] == '{name}' for t in r['tallies'])")
    };
    format!("{}, {}, {}", sum("copies"), sum("corrupt"), sum("failed"))
}

#[test]
fn a_machine_without_zfs_is_at_no_risk() {
    if has_zfs() {
        return;
    }
    // Whatever the C library of this machine is.
    let world = world_with(&[("getconf", "echo glibc 2.36")]);
    for words in ["", "."] {
        let output = doctor(&world, words);
        let page = &output.succeeds().stdout;
        assert!(page.starts_with("No risk is known here.\n\nSystem\n"), "{output}");
        let release = world.tool("uname", ["-r"]);
        assert!(page.contains(release.trim()) && page.contains("cachestat:") && page.contains("O_TMPFILE"), "{output}");
    }
}

/// Without -v: the verdict, and a line for each filesystem.
#[test]
fn the_page_is_short_where_nothing_is_at_risk() {
    if has_zfs() {
        return;
    }
    let world = world_with(&[("getconf", "echo glibc 2.36")]);
    let output = world.shell("PATH=$PWD/bin:$PATH; exec $safecp --doctor .");
    let lines: Vec<&str> = output.succeeds().stdout.lines().collect();
    let [verdict, "", "Filesystems", filesystem, "", more] = lines[..] else { panic!("{output}") };
    assert_eq!((verdict, more), ("No risk is known here.", "With -v it tells all that was looked at."));
    let mount_point = world.tool("stat", ["-c", "%m", "."]);
    assert!(filesystem.contains(&format!(" on '{}': its word", mount_point.trim())), "{output}");
}

#[test]
fn each_filesystem_is_named_and_what_would_be_tried_there() {
    for filesystem in common::filesystems() {
        let world = World::within(&filesystem.path);
        let output = world.cp("--doctor -v .");
        let name = match filesystem.name.as_str() {
            "overlay" => "overlayfs",
            "here" => "",
            name => name,
        };
        assert!(output.stdout.contains(&format!("{name} on ")) && output.stdout.contains("sparse file"), "{output}");
        assert_eq!(output.stdout.contains("beneath it:"), filesystem.name == "overlay", "{output}");
    }
}

#[test]
fn it_changes_nothing() {
    let world = World::new();
    world.dir("d").file("d/x", "content").times("d", (1, 0), (2, 0));
    world.cp("--doctor d d/x");
    assert_eq!((world.names("d"), world.stat("d").mtime()), (vec!["x".into()], 2));
}

#[test]
fn what_cannot_be_examined_is_named_and_the_rest_goes_on() {
    let world = World::new();
    let output = world.dir("closed/in").chmod("closed", 0).cp_as_nobody("--doctor -v nope closed/in .");
    world.chmod("closed", 0o755);
    let words = "safecp: cannot examine 'nope': No such file or directory\n\
                 safecp: cannot examine 'closed/in': Permission denied\n";
    output.fails(words);
    assert!(output.stdout.contains("O_TMPFILE") && output.stdout.contains("cannot examine 'nope'"), "{output}");
}

/// A machine that cannot be looked at is none without risks.
#[test]
fn mounts_that_nobody_tells_are_an_error() {
    let Some(world) = World::with_mounts("a system without /proc") else { return };
    let output = world.shell_with_mounts("mount -t tmpfs none /proc; exec $safecp --doctor");
    output.fails_with(&["cannot read '/proc/self/mountinfo'"]);
    assert!(output.stdout.starts_with("No risk is known of what could be examined.\n\nErrors\n"), "{output}");
}

/// That /sys shows no module says nothing where /sys is not the kernel's.
/// A chroot in a plain directory, as builds have it: the kernel lists only what is mounted beneath it.
#[test]
fn a_root_that_is_no_mount_is_looked_at() {
    let Some(world) = World::with_mounts("a chroot") else { return };
    let script = "mkdir -p r/usr r/lib r/lib64 r/proc; for d in usr lib lib64; do mount --rbind /$d r/$d; done
        mount -t proc none r/proc; cp $safecp r/
        findmnt -n -T . -o FSTYPE >kind; exec chroot r /safecp --doctor -v";
    let output = world.shell_with_mounts(script);
    let kind = world.read("kind");
    assert!(output.stdout.contains(&format!("  {} on '/'", kind.trim())), "{kind}{output}");
}

/// As services have it; shells look in the system's directories then.
#[test]
fn without_a_path_programs_are_looked_for_where_shells_do() {
    let world = World::new();
    let output = world.shell("exec env -u PATH $safecp --doctor -v . .");
    assert!(output.stdout.contains("bin/cp' ("), "{output}");
    let mounted = output.stdout.lines().find(|line| line.contains(": its word about")).unwrap_or_default();
    assert_eq!(mounted.matches('\'').count(), 2, "a filesystem is named once: {output}");
}

#[test]
fn a_module_is_ruled_out_by_the_kernel_alone() {
    let Some(world) = World::with_mounts("a system without /sys and /proc") else { return };
    if has_zfs() {
        return;
    }
    let page = |hide: &str| world.shell_with_mounts(&format!("{hide}; exec $safecp --doctor -v .")).stdout;
    assert!(page("mount -t tmpfs none /sys").contains("its module is not loaded"), "/proc/filesystems tells");
    let page = page("mount -t tmpfs none /sys; mount -t tmpfs none /proc");
    assert!(page.contains("nobody tells whether its module is loaded"), "{page}");
}

/// As anybody else's FUSE mount, or the layers of containers: without being asked for, they are no error.
#[test]
fn a_mount_that_nobody_may_reach_is_told_of_from_afar() {
    let Some(world) = World::with_mounts("a mount in a closed directory") else { return };
    world.dir("closed/in").tool("chown", ["65534", "."]);
    let output = world.shell_with_mounts(
        "mount -t tmpfs none closed/in; chmod 0 closed; cp $safecp /dev/shm/safecp-$$; chmod 755 /dev/shm/safecp-$$
         trap 'rm /dev/shm/safecp-$$' EXIT; setpriv --reuid 65534 --clear-groups /dev/shm/safecp-$$ --doctor",
    );
    assert_eq!(output.stderr, "");
    let line = output.stdout.lines().find(|line| line.contains("/closed/in'"));
    assert!(line.is_some_and(|line| line.starts_with("  tmpfs on ")), "{output}");
    world.chmod("closed", 0o755);
}

#[test]
fn who_has_few_rights_is_told_what_that_costs() {
    let world = World::new();
    let output = world.cp_as_nobody("--doctor -v .");
    assert!(output.stdout.contains("CAP_CHOWN") && output.stdout.contains("no_new_privs"), "{output}");
    assert!(output.stdout.contains("cannot be counted"), "{output}");
}

#[test]
fn it_has_a_command_line_of_its_own() {
    let world = World::new();
    let help = world.cp("--doctor --help").succeeds().stdout.clone();
    assert!(help.contains("--report") && help.contains("--try") && !help.contains("--copier"), "{help}");
    world
        .cp("-a --doctor .")
        .fails("safecp: --doctor must be the first argument\nTry 'safecp --help' for more information.\n");
    world
        .cp("--doctor --bogus")
        .fails("safecp: unrecognized option '--bogus'\nTry 'safecp --doctor --help' for more information.\n");
}

#[test]
fn the_report_has_what_the_page_has() {
    if !has_tool("python3") {
        return;
    }
    let world = World::new();
    world.cp("--doctor nope . --report=r").fails_with(&["cannot examine 'nope'"]);
    world.tool("python3", ["-m", "json.tool", "r"]);
    assert_eq!(
        of_report(&world, "r", "d['exit_status'], d['errors']"),
        "1 [\"cannot examine 'nope': No such file or directory\"]"
    );
    assert_eq!(of_report(&world, "r", "d['kernel']['release']"), world.tool("uname", ["-r"]).trim());
    assert_eq!(of_report(&world, "r", "len(d['filesystems']), d['filesystems'][0]['path']"), "1 .");
    assert_eq!(
        of_report(&world, "r", "sorted(d['filesystems'][0]['would_choose'])"),
        "['clean_pages', 'dense', 'mapped', 'sparse']"
    );
    world.cp("--doctor . --report=no/r").fails_with(&["cannot write 'no/r'", "No such file or directory"]);
}

#[test]
fn programs_are_named_with_what_they_believe() {
    let world = world_with(&[
        ("cp", GNU),
        ("rsync", "echo 'rsync  version 3.2.7'"),
        ("xcp", "exit 3"),
        ("uu-cp", "exec sleep 1000"),
    ]);
    let before = Instant::now();
    let page = doctor(&world, "d").stdout;
    let line = |program: &str| {
        let found = page.lines().find(|line| line.contains(&format!("/bin/{program}'")));
        found.unwrap_or_else(|| panic!("no {program} in {page}")).to_owned()
    };
    assert!(line("cp").contains("believes holes and clones"), "{page}");
    assert!(line("rsync").contains("reads plainly"), "{page}");
    assert!(line("xcp").contains("exit status: 3") && line("uu-cp").contains("does not answer"), "{page}");
    assert!(before.elapsed() < Duration::from_secs(60));
}

/// glibc 2.41 and 2.42 count wrongly what only ZFS does at once.
#[test]
fn a_c_library_that_counts_wrongly_is_no_risk_without_zfs() {
    if has_zfs() {
        return;
    }
    // Debian 13 has this version, and has mended it: its own ldd would say so.
    let world = world_with(&[("getconf", "echo glibc 2.41"), ("ldd", "true")]);
    let output = doctor(&world, "d");
    assert_eq!((output.code(), output.stderr.as_str()), (Some(0), ""), "{output}");
    assert!(output.stdout.contains("No risk") && output.stdout.contains("glibc bug 33245"), "{output}");
    let debian = "echo 'ldd (Debian GLIBC 2.41-12+deb13u5) 2.41'";
    for more in [[("getconf", "echo glibc 2.43"), ("ldd", "true")], [("getconf", "echo glibc 2.41"), ("ldd", debian)]] {
        let output = doctor(&world_with(&more), "d");
        assert!(output.code() == Some(0) && !output.stdout.contains("33245"), "{output}");
    }
}

/// ext4 and tmpfs have no clones, and XFS may be made without.
#[test]
fn reflink_is_named_only_where_the_filesystem_has_it() {
    let Some(world) = World::with_mounts("filesystems") else { return };
    let makes = [
        ("mkfs.ext4 -q -F", false),
        ("mkfs.btrfs -q -f", true),
        ("mkfs.xfs -q -f -m reflink=0", false),
        ("mkfs.xfs -q -f -m reflink=1", true),
    ];
    for (make, clones) in makes {
        let script =
            format!("mkdir -p m; rm -f i; truncate -s 400M i; {make} i; mount -o loop i m; $safecp --doctor -v m");
        let output = world.shell_with_mounts(&script);
        let names = output.stdout.lines().any(|line| line.contains("dense file") && line.contains("reflink"));
        assert_eq!(names, clones, "{make}: {output}");
    }
}

/// It is asked to look, by root perhaps, and runs nothing that somebody else may have put in its way.
#[test]
fn programs_of_somebody_else_are_not_run() {
    let runs = "touch $0-ran; echo glibc 2.41";
    let names = ["cp", "getconf", "rsync", "zfs"];
    let world = world_with(&names.map(|name| (name, runs)));
    for (mode, path) in [(0o755, "bin:$PATH"), (0o777, "$PWD/bin:$PATH")] {
        world.chmod("bin", mode);
        let output = world.shell(&format!("PATH={path}; exec $safecp --doctor -v d --try=d"));
        assert_eq!(world.names("bin"), names, "{output}");
        let not_run = |line: &&str| line.contains("bin/") && line.contains("not run: others may put another program");
        assert_eq!(output.stdout.lines().filter(not_run).count(), 2, "{output}");
        assert!(output.stdout.contains("/cp' is left out"), "{output}");
    }
    world.chmod("bin", 0o755);
    doctor(&world, "d");
    assert_eq!(world.names("bin").len(), 8, "they are run otherwise");
}

#[test]
fn a_report_on_standard_output_takes_the_pages_place() {
    let world = World::new();
    let said = world.shell("$safecp --doctor . --report=- >r; $safecp --doctor . --report=s >page; echo $?");
    assert_eq!(
        of_report(&world, "r", "len(d['filesystems']), d['safecp']"),
        of_report(&world, "s", "len(d['filesystems']), d['safecp']"),
        "{said}"
    );
    assert!(!world.read("page").contains('{'), "{said}");
}

#[test]
fn a_report_is_written_to_nothing_of_somebody_else() {
    let Some(world) = World::as_root("links of other users") else { return };
    world.file("secret", "secret").dir("d").fifo("d/fifo").file("d/own", "own").symlink("own", "d/link");
    world.symlink("../secret", "d/planted").symlink("/dev/null", "d/null").tool("chown", ["-h", "1234", "d/planted"]);
    world.cp("--doctor . --report=d/planted").fails_with(&["cannot write 'd/planted'", "link of another user"]);
    assert_eq!(world.read("secret"), "secret");
    // Nobody reads the fifo, and nobody waits for who does.
    world.cp("--doctor . --report=d/fifo").fails_with(&["cannot write 'd/fifo'", "No such device or address"]);
    world.cp("--doctor . --report=d").fails_with(&["cannot write 'd'", "Is a directory"]);
    world.cp("--doctor . --report=d/null");
    world.cp("--doctor . --report=d/link");
    assert!(world.read("d/own").starts_with('{') && world.link_text("d/link") == "own");
    let both =
        world.shell("$safecp --doctor . --report=/dev/stdout; $safecp --doctor . --report=d/fifo & cat d/fifo; wait");
    assert_eq!(both.stdout.matches("\"exit_status\"").count(), 2, "{both}");
    assert_eq!(world.names("d"), ["fifo", "link", "null", "own", "planted"]);
}

/// A store through a mapping raises SIGBUS where the disk has no page for it.
#[test]
fn a_trial_ends_in_order_when_the_disk_is_full() {
    let Some(world) = World::with_mounts("a small disk") else { return };
    let fills = format!(
        "test \"$1\" = --version && {GNU} && exit; cd \"$(dirname \"${{@: -1}}\")/..\" && head -c 400M /dev/zero >filler"
    );
    world.dir("bin").dir("disk").file("bin/cp", format!("#!/bin/bash\n{fills}\n")).chmod("bin/cp", 0o755);
    let script = "mount -t tmpfs -o size=200m none disk; PATH=$PWD/bin:$PATH
                  $safecp --doctor disk --try=disk >page || echo $?; ls -A disk";
    let output = world.shell_with_mounts(script);
    assert_eq!(output.stdout, "1\nfiller\n", "{output}");
    assert!(output.stderr.contains("No space left on device"), "{output}");
}

/// A FUSE filesystem whose daemon reads what it is asked, and never answers.
const SILENT: &str = r#"
import os, struct
fuse = os.open("/dev/fuse", os.O_RDWR)
os.set_inheritable(fuse, True)
os.system(f"mount -i -t fuse -o fd={fuse},rootmode=40000,user_id=0,group_id=0 none m")
asked = os.read(fuse, 1 << 20)
answer = struct.pack("<IIIIHHI", 7, 22, 0, 0, 0, 0, 4096)
os.write(fuse, struct.pack("<IiQ", 16 + len(answer), 0, struct.unpack_from("<Q", asked, 8)[0]) + answer)
open("ready", "w")
while True: os.read(fuse, 1 << 20)
"#;

/// Not even SIGKILL ends who waits for it.
#[test]
fn a_filesystem_that_never_answers_does_not_keep_it() {
    if !has_tool("python3") {
        return;
    }
    let Some(world) = World::with_mounts("a filesystem that never answers") else { return };
    if !Path::new("/dev/fuse").exists() {
        return left_out("needs /dev/fuse");
    }
    world.dir("m").file("silent.py", SILENT);
    let output = world.shell_with_mounts(
        "python3 silent.py & until [ -e ready ]; do sleep 0.05; done
         (exec >&- 2>&-; sleep 100; touch late; kill %1) &
         for words in m --try=m --report=m/x; do $safecp --doctor . $words 2>&1 | grep cannot; done
         PATH=$PATH:$PWD/m $safecp --doctor . 2>&1 | grep cannot
         kill %1 %2; wait; umount -l m",
    );
    for words in ["examine 'm'", "try in 'm'", "write 'm/x'", "/m'"] {
        let line = output.stdout.lines().find(|line| line.contains("cannot ") && line.contains(words));
        assert!(line.is_some_and(|line| line.contains("Connection timed out")), "{words}: {output}");
    }
    assert!(!world.exists("late"), "it waited until the daemon was gone");
}

#[test]
fn a_trial_finds_no_fault_where_there_is_none_and_leaves_nothing() {
    if has_zfs() || !has_tool("python3") {
        return;
    }
    for filesystem in common::filesystems() {
        let world = World::within(&filesystem.path);
        let output = world.dir("d").cp("--doctor d --try=d --report=r");
        output.succeeds();
        assert_eq!(of_report(&world, "r", CORRUPT), "0", "{output}");
        assert_eq!(of_report(&world, "r", &of_copier("safecp")), "44 0 0", "{output}");
        assert_eq!(of_report(&world, "r", &of_copier("cp")), "44 0 0", "{output}");
        assert_eq!(of_report(&world, "r", "d['trial']['wrong_sources']"), "0", "{output}");
        assert!(world.names("d").is_empty() && world.names(".") == ["d", "r"], "{output}");
    }
}

#[test]
fn a_user_without_rights_can_have_a_trial() {
    let world = World::new();
    let output = world.dir("d").cp_as_nobody("--doctor --try=d d");
    assert!(output.stdout.contains("Trial in 'd'") && !output.stdout.contains("failed"), "{output}");
    assert!(world.names("d").is_empty());
}

/// A judge that never finds anything would pass all other tests of trials.
#[test]
fn a_copier_that_lies_is_found_out() {
    if !has_tool("python3") {
        return;
    }
    let last = "for target; do :; done; for source; do test \"$source\" = \"$target\" || from=$source; done";
    let zeros = format!("test \"$1\" = --version && {GNU} && exit; {last}\nhead -c 524288 /dev/zero >\"$target\"");
    let cut = format!("test \"$1\" = --version && {GNU} && exit; {last}\nhead -c 524287 \"$from\" >\"$target\"");
    let longer = format!("test \"$1\" = --version && {GNU} && exit; {last}\n(cat \"$from\"; echo) >\"$target\"");
    for lie in [zeros, cut, longer] {
        let world = world_with(&[("cp", &lie)]);
        let output = doctor(&world, "--try=d --report=r d");
        assert_eq!((output.code(), output.stderr.as_str()), (Some(2), ""), "{output}");
        assert!(output.stdout.contains("RISK\n  cp copied wrongly in 44 of 44 trials\n"), "{output}");
        assert!(output.stdout.lines().any(|line| line.starts_with("  cp ") && line.contains("16/16")), "{output}");
        assert_eq!(of_report(&world, "r", &of_copier("cp")), "44 44 0");
        assert_eq!(of_report(&world, "r", &of_copier("safecp")), "44 0 0");
        assert!(world.names("d").is_empty());
    }
}

/// Nobody knows what it holds.
#[test]
fn a_copy_that_cannot_be_read_is_no_wrong_one() {
    let closes = format!(
        "test \"$1\" = --version && {GNU} && exit; /bin/cp \"$@\"; for target; do :; done; chmod 0 \"$target\""
    );
    let world = world_with(&[("cp", &closes)]);
    let output = world.shell_as_nobody("PATH=$PWD/bin:$PATH exec $safecp --doctor --try=d d");
    output.fails_with(&["a copy by cp cannot be read: Permission denied"]);
    assert!(!output.stdout.contains("copied wrongly"), "{output}");
}

#[test]
fn a_copier_that_hangs_has_had_its_turn() {
    if !has_tool("python3") {
        return;
    }
    let hangs = format!("test \"$1\" = --version && {GNU} && exit; exec sleep 1000");
    let world = world_with(&[("cp", &hangs)]);
    let output = doctor(&world, "--try=d --report=r d");
    assert!(output.stdout.contains("cp did not end within 10 s"), "{output}");
    assert_eq!(of_report(&world, "r", &of_copier("cp")), "0 0 0");
    assert_eq!(of_report(&world, "r", &of_copier("safecp")), "44 0 0");
    assert!(world.names("d").is_empty());
}

#[test]
fn a_copier_that_fails_is_no_liar() {
    let world = world_with(&[("cp", "exit 1")]);
    let output = doctor(&world, "--try=d d");
    assert!(output.stdout.contains("16 failed") && !output.stdout.contains("copied wrongly"), "{output}");
}

/// Every search for data is answered "no more" on a filesystem that safecp believes: who believes it copies wrongly.
#[test]
fn a_wrong_copy_by_safecp_is_said_loudest() {
    if has_zfs() || !has_tool("strace") || !has_tool("python3") {
        return;
    }
    let world = World::new();
    let lie = "strace --follow-forks --quiet=all --output=/dev/null --trace=lseek --inject=lseek:error=ENXIO";
    let output = world.dir("d").shell(&format!("exec {lie} $safecp --doctor --try=d --report=r d"));
    assert_eq!(output.code(), Some(1), "{output}");
    let count = |name: &str| of_report(&world, "r", &of_copier(name));
    for wrong in ["safecp", "SEEK_DATA alone", "cp"] {
        assert!(!count(wrong).contains(" 0 0"), "{wrong}: {output}");
    }
    assert_eq!(count("copy_file_range alone"), "44 0 0", "{output}");
    assert!(output.stderr.starts_with("safecp: SAFECP COPIED WRONGLY in "), "{output}");
    assert!(output.stdout.contains("SEEK_DATA alone copied wrongly in "), "{output}");
    assert!(world.names("d").is_empty());
}

#[test]
fn a_trial_that_cannot_be_made_says_why() {
    let world = World::new();
    world.cp("--doctor . --try=nope").fails("safecp: cannot try in 'nope': No such file or directory (os error 2)\n");
    world.dir("closed").chmod("closed", 0o555);
    world.cp_as_nobody("--doctor . --try=closed").fails_with(&["cannot try in 'closed'", "Permission denied"]);
}

/// Ends it by a signal while a cp hangs, which is to end with it.
#[track_caller]
fn interrupt(signal: Signal) {
    let hangs = format!("test \"$1\" = --version && {GNU} && exit; echo $$ >\"$0-$$.pid\"; exec sleep 1000");
    let world = world_with(&[("cp", &hangs)]);
    let path = format!("PATH={}:{}", world.path("bin").display(), std::env::var("PATH").expect("PATH"));
    let mut command = Command::new("env");
    command.args(["--default-signal", &path]).arg(common::asked::program());
    command.args(["--doctor", "--try=d", "d"]).current_dir(world.path("."));
    let mut running = Running::start(command);
    while world.names("bin").len() < 2 {
        assert!(running.runs(), "it ended before a copy was made");
        thread::sleep(Duration::from_millis(5));
    }
    thread::sleep(Duration::from_millis(100));
    running.signal(signal);
    let output = running.finish();
    assert_eq!(output.signal(), Some(signal.as_raw()), "{output}");
    assert!(world.names("d").is_empty(), "{:?}", world.names("d"));
    for name in world.names("bin").iter().filter(|name| name.to_string_lossy().ends_with(".pid")) {
        let pid = world.read(Path::new("bin").join(name)).trim().parse().expect("a number");
        let is_there = rustix::process::test_kill_process(Pid::from_raw(pid).expect("a process"));
        assert!(is_there.is_err(), "a copier goes on");
    }
}

#[test]
fn an_interrupt_leaves_nothing_of_a_trial() {
    interrupt(Signal::INT);
}

#[test]
fn a_termination_leaves_nothing_of_a_trial() {
    interrupt(Signal::TERM);
}

/// A module that is made up by a mount over /sys/module, behind an overlay, which may lie on it.
fn behind_an_overlay(version: &str, bclone: &str, words: &str) -> Option<Output> {
    let world = World::with_mounts("a module that is not loaded")?;
    world.dir("bin").file("bin/cp", format!("#!/bin/sh\n{GNU}\n")).chmod("bin/cp", 0o755);
    let script = format!(
        "mount -t tmpfs none /sys/module; mkdir -p /sys/module/zfs/parameters; cd /sys/module/zfs
         echo {version} >version; echo {bclone} >parameters/zfs_bclone_enabled; echo 1 >parameters/zfs_dmu_offset_next_sync
         cd - >/dev/null; mkdir l u w m; mount -t overlay overlay -o lowerdir=l,upperdir=u,workdir=w m
         PATH=$PWD/bin; exec $safecp --doctor -v m {words}"
    );
    Some(world.shell_with_mounts(&script))
}

#[test]
fn debian_12_is_at_risk() {
    let Some(output) = behind_an_overlay("2.1.11-1+deb12u1", "0", "") else { return };
    assert_eq!((output.code(), output.stderr.as_str()), (Some(2), ""), "{output}");
    for words in [
        "#15933: a file written through mmap looks like a hole",
        "mended in 2.2.4",
        "beneath it:",
        "/bin/cp' would be misled",
    ] {
        assert!(output.stdout.contains(words), "{words}: {output}");
    }
    assert!(!output.stdout.contains("#16012"), "2.1 clones nothing: {output}");
}

#[test]
fn the_newest_release_is_at_risk_by_clones_alone() {
    let Some(output) = behind_an_overlay("2.4.4-1", "1", "") else { return };
    assert_eq!(output.code(), Some(2), "{output}");
    assert!(output.stdout.contains("#16012") && !output.stdout.contains("#15933"), "{output}");
    let Some(output) = behind_an_overlay("2.4.4-1", "0", "") else { return };
    output.succeeds();
}

#[test]
fn an_error_wins_over_a_risk() {
    let Some(output) = behind_an_overlay("2.1.11-1+deb12u1", "0", "nope") else { return };
    output.fails("safecp: cannot examine 'nope': No such file or directory\n");
    assert!(output.stdout.contains("RISK"), "{output}");
}
