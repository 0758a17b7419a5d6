//! What is not a regular file: fifos, sockets and devices as entries of a tree and as operands, and files of /proc, whose
//! size says nothing. Device nodes are made inside the test's own directory; none of /dev is written to by root.

mod common;
use common::{World, has_tool, left_out};
use rustix::fs::{FileType, makedev};
use std::fs;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::os::unix::net::UnixListener;
use std::process::Command;

#[test]
fn a_fifo_is_made_anew() {
    let world = World::new();
    world.fifo("fifo").chmod("fifo", 0o640).cp("-R fifo copy").succeeds();
    world.dir("s").fifo("s/f").cp("-a s t").succeeds();
    assert!(world.stat("copy").file_type().is_fifo() && world.stat("t/f").file_type().is_fifo());
    assert_eq!(world.mode("copy"), 0o640);
}

#[test]
fn a_fifo_is_read_without_r() {
    let world = World::new();
    let script = "timeout 20 sh -c 'printf through > fifo' & $safecp fifo copy; wait $!";
    world.fifo("fifo").shell(script).succeeds();
    assert!(world.stat("copy").is_file());
    assert_eq!(world.read("copy"), "through");
}

#[test]
fn more_than_a_pipe_holds_is_read_from_a_fifo() {
    let world = World::new();
    let script = "timeout 20 sh -c 'cat a > fifo' & $safecp fifo copy; wait $!";
    world.random("a", 5_000_001, 1).fifo("fifo").shell(script).succeeds();
    assert!(world.same_bytes("a", "copy"));
}

#[test]
fn a_fifo_is_written_through() {
    let world = World::new();
    let script = "timeout 20 cat fifo & $safecp a fifo; wait $!";
    world.file("a", "content\n").fifo("fifo").shell(script).succeeds().says("content\n");
    assert!(world.stat("fifo").file_type().is_fifo());
}

#[test]
fn a_socket_is_made_anew() {
    let world = World::new();
    world.dir("s");
    let listener = UnixListener::bind(world.path("s/socket")).expect("bind");
    world.cp("-a s t").succeeds();
    assert!(world.stat("t/socket").file_type().is_socket());
    drop(listener);
}

#[test]
fn device_nodes_are_made_anew() {
    let Some(world) = World::as_root("device nodes") else { return };
    world.dir("s").node("s/char", FileType::CharacterDevice, makedev(1, 3)).chmod("s/char", 0o620);
    world.node("s/block", FileType::BlockDevice, makedev(259, 70_000)).cp("-a s t").succeeds();
    for name in ["char", "block"] {
        let (source, target) = (world.stat(&format!("s/{name}")), world.stat(&format!("t/{name}")));
        assert_eq!((source.rdev(), source.mode()), (target.rdev(), target.mode()), "{name}");
    }
    assert_eq!(world.stat("t/block").rdev(), makedev(259, 70_000));
}

#[test]
fn a_device_node_cannot_be_made_by_just_anyone() {
    let world = World::new();
    let refused = "safecp: cannot create special file 'copy': Operation not permitted\n";
    world.cp_as_nobody("-a /dev/null copy").fails(refused);
    assert!(!world.exists("copy"));
}

#[test]
fn a_device_is_written_through() {
    let Some(world) = World::as_root("a device node") else { return };
    world.node("null", FileType::CharacterDevice, makedev(1, 3)).node("full", FileType::CharacterDevice, makedev(1, 7));
    if fs::OpenOptions::new().write(true).open(world.path("null")).is_err() {
        return left_out("temporary files are on a filesystem without devices");
    }
    world.random("a", 3_000_000, 1).cp("a null").succeeds();
    world.cp("a full").fails("safecp: error writing 'full': No space left on device\n");
    assert!(world.stat("null").file_type().is_char_device() && world.stat("full").file_type().is_char_device());
}

#[test]
fn a_device_is_read_without_r() {
    let world = World::new();
    world.file("b", "old").cp("/dev/null copy").succeeds();
    world.cp("/dev/null b").succeeds();
    assert_eq!((world.stat("copy").len(), world.stat("b").len()), (0, 0));
    assert!(world.stat("copy").is_file());
}

#[test]
fn standard_output_is_written_through() {
    let world = World::new();
    // As an ordinary user, who can do no harm to /dev.
    world.file("a", "content\n").shell_as_nobody("$safecp a /dev/stdout | cat").succeeds().says("content\n");
    let appended = "exec >> out; echo before; $safecp a /dev/stdout; echo after";
    world.shell_as_nobody(appended).succeeds();
    assert_eq!(world.read("out"), "content\nafter\n", "opening a file to write it empties it, as cp does");
}

#[test]
fn standard_input_is_read() {
    let world = World::new();
    world.shell("printf content | $safecp /dev/stdin b").succeeds();
    assert_eq!(world.read("b"), "content");
}

/// Runs what is read from a pipe under strace with a fault; `None`, which has been said, where there is no strace.
fn piped(world: &World, fault: &str, words: &str) -> Option<common::Output> {
    let trace = fault.split(':').next().unwrap_or_default();
    let strace = format!("strace -f -qq -o /dev/null -e trace={trace} -e inject={fault}");
    has_tool("strace").then(|| world.shell(&format!("cat bytes | {strace} $safecp {words}")))
}

/// What was read from a pipe is gone: a temporary that cannot have its name is not made anew from what is left.
#[test]
fn a_pipe_is_copied_whole_where_links_are_refused() {
    for error in ["EPERM", "EOPNOTSUPP"] {
        let world = World::new();
        world
            .random("bytes", 300_000, 1)
            .file("old", "old")
            .file("gone", "gone")
            .file("f", "f")
            .dir("d")
            .file("d/f", "old");
        let fault = format!("linkat:error={error}");
        for words in ["/dev/stdin new", "/dev/stdin old", "--remove-destination /dev/stdin gone", "f /dev/stdin d"] {
            let Some(copied) = piped(&world, &fault, words) else { return };
            copied.succeeds();
            let target = if words.ends_with(" d") { "d/stdin" } else { words.rsplit(' ').next().expect("a word") };
            assert!(world.same_bytes("bytes", target), "{error} {words}");
        }
    }
}

/// GNU's cp says so as well where it notices.
#[test]
fn a_pipe_whose_copy_was_wrong_is_not_copied_from_its_middle() {
    let world = World::new();
    world.random("bytes", 300_000, 1).file("old", "old");
    for target in ["new", "old"] {
        let words = format!("/dev/stdin {target}");
        let Some(copied) = piped(&world, "pwrite64:retval=131072:when=1", &words) else { return };
        copied.fails_with(&["verification failed", "differs from '/dev/stdin'"]);
    }
    assert_eq!((world.exists("new"), world.read("old")), (false, "old".to_owned()));
}

/// A file that waits for its name lies on disk twice; when it has it, what found no room is tried again.
#[test]
fn a_pipe_that_found_no_room_is_not_tried_again() {
    let world = World::new();
    world.random("bytes", 300_000, 1).file("f", "new").dir("d").file("d/f", "old");
    let Some(copied) = piped(&world, "pwrite64:error=ENOSPC:when=3", "--jobs=1 f /dev/stdin d") else { return };
    copied.fails_with(&["error writing 'd/stdin': No space left on device"]);
    assert_eq!((world.exists("d/stdin"), world.read("d/f")), (false, "new".to_owned()));
}

#[test]
fn files_of_proc_are_copied_though_their_size_is_0() {
    let world = World::new();
    for name in ["/proc/filesystems", "/proc/version", "/proc/self/mountinfo"] {
        let expected = Command::new("cat").arg(name).output().expect("cat").stdout;
        assert!(!expected.is_empty() && fs::metadata(name).expect("stat").len() == 0, "{name}");
        world.cp(&format!("--remove-destination {name} copy")).succeeds();
        assert_eq!(fs::read(world.path("copy")).expect("read"), expected, "{name}");
    }
}

#[test]
fn files_of_proc_and_sys_are_copied_in_a_tree() {
    let world = World::new();
    world.dir("d").cp("-R /proc/sys/kernel/ostype /proc/cmdline /sys/kernel/uevent_seqnum d").succeeds();
    assert_eq!(world.read("d/ostype"), "Linux\n");
    assert_eq!(world.read("d/cmdline"), fs::read_to_string("/proc/cmdline").expect("read"));
    // Its size is a page, its content is short.
    assert!(world.stat("d/uevent_seqnum").len() < 100);
}

#[test]
fn a_fifo_replaces_an_old_file() {
    let world = World::new();
    world.dir("s").fifo("s/x").dir("t").file("t/x", "old").cp("-a s/. t").succeeds();
    assert!(world.stat("t/x").file_type().is_fifo());
}

#[test]
fn a_fifo_where_a_file_was_is_written_through_and_stays() {
    let world = World::new();
    let script = "exec 3<>t/x; $safecp -R s/. t; timeout 20 head -n 1 <&3";
    world.dir("s").file("s/x", "content\n").dir("t").fifo("t/x").shell(script).succeeds().says("content\n");
    assert!(world.stat("t/x").file_type().is_fifo());
}

/// Whoever can plant a fifo in a target would make a copy wait for ever.
#[test]
fn a_fifo_in_a_target_directory_that_nobody_reads_is_not_waited_for() {
    let world = World::new();
    world.dir("s").file("s/x", "content").dir("t").fifo("t/x");
    for words in ["-R s/. t", "-a --attributes-only s/. t", "s/x t", "-t t s/x"] {
        world.cp(words).fails_with(&["cannot create regular file 't/", "x'", "No such device or address"]);
    }
}

/// The target has one name when it is looked at, and is a further name of another file when it is opened.
#[test]
fn what_became_another_files_name_meanwhile_is_not_written_to() {
    for options in ["-a --in-place", "-a"] {
        let world = World::new();
        world.dir("s").file("s/f", "new").dir("t").file("t/f", "old").file("victim", "victim").chmod("victim", 0o600);
        if !has_tool("strace") {
            return;
        }
        world.file("slowly", "exec strace -D -f -qq -o /dev/null -P f -e trace=openat \\\n -e inject=openat:delay_enter=700000 -- \"$@\"\n");
        let swap = "ln victim t/g; mv t/g t/f";
        let output = world.shell(&format!("sh slowly $safecp {options} s/. t & sleep 0.3; {swap}; wait $!"));
        assert_eq!(world.read("victim"), "victim", "{options}: {output}");
        assert_eq!(world.mode("victim"), 0o600, "{options}: {output}");
    }
}

/// The filesystem of a directory is asked once for what lies in it; this file lies on another, where a size of 0 means nothing.
#[test]
fn a_file_that_is_mounted_into_a_directory_is_one_of_another_filesystem() {
    let Some(world) = World::with_mounts("mounts a file of /proc into a tree") else { return };
    world.dir("src").file("src/a", "").file("src/b", "text");
    let script = "mount --bind /proc/version src/a; $safecp -r src dst; cat dst/a; cat dst/b";
    let version = std::fs::read_to_string("/proc/version").expect("a file of /proc");
    world.shell_with_mounts(script).succeeds().says(&format!("{version}text"));
}

/// Their size says nothing, and one write decides: u-root#1259, rsyslog#5403.
#[test]
fn a_value_of_proc_is_written_once() {
    let world = World::new();
    world.file("v", "500\n").symlink("v", "link");
    let own = "value=/proc/$$/oom_score_adj";
    for options in ["", "--in-place", "--verify=none", "--sparse=always", "-f"] {
        let script = format!("{own}; $safecp {options} v $value && cat $value");
        world.shell(&script).succeeds().says("500\n");
    }
    world.shell(&format!("{own}; ln -s $value through; $safecp v through && cat $value")).succeeds().says("500\n");
    let debug = world.shell(&format!("{own}; $safecp --debug v $value"));
    assert!(debug.succeeds().stdout.contains("verified: no, made up by the kernel when it is read"), "{debug}");
    let refused = "cannot prove that '/proc/";
    world.shell(&format!("{own}; $safecp --verify=device v $value")).fails_with(&[refused]);
    world.shell(&format!("{own}; $safecp --durable v $value")).fails_with(&["durable: proc keeps it in memory"]);
    if has_tool("strace") {
        let traced =
            "strace -f -qq -o calls -e trace=write,pwrite64,ftruncate -P $value -- $safecp v $value; wc -l < calls";
        world.shell(&format!("{own}; {traced}")).succeeds().says("1\n");
    }
}

#[test]
fn a_value_that_the_kernel_refuses_is_an_error() {
    let world = World::new();
    let script = "value=/proc/$$/oom_score_adj; code=0; $safecp v $value || code=$?; cat $value; exit $code";
    let refused = world.file("v", "5000\n").shell(script);
    refused.fails_with(&["error writing '/proc/", "Invalid argument"]);
    assert_eq!(refused.stdout, "0\n");
}

/// What stands in for a lease: open with O_NONBLOCK fails with EAGAIN until the holder has given it back.
#[test]
fn a_leased_file_is_waited_for() {
    if !has_tool("strace") {
        return;
    }
    for (leased, words) in [("a", "a b"), ("b", "a b"), ("b", "--in-place a b"), ("x", "-r s t")] {
        let world = World::new();
        world.file("a", "new").file("b", "old").dir("s").file("s/x", "in a tree");
        let fault = "-e trace=openat -e inject=openat:error=EAGAIN:when=1..3";
        let script = format!(
            "strace -f -qq -o calls -P {leased} {fault} -- $safecp {words}; code=$?; grep -c INJECTED calls; exit $code"
        );
        let output = world.shell(&script);
        assert_eq!((output.code(), output.stdout.as_str()), (Some(0), "3\n"), "{words}: {output}");
        let (source, copy) = if words.starts_with("-r") { ("s/x", "t/x") } else { ("a", "b") };
        assert!(world.same_bytes(source, copy), "{words}");
    }
}

#[test]
fn a_signal_ends_the_wait_for_a_lease() {
    let world = World::new();
    world.file("a", "new");
    if !has_tool("strace") {
        return;
    }
    let leased = "strace -D -f -qq -o /dev/null -P a -e inject=openat:error=EAGAIN -- $safecp a b";
    let script = format!("{leased} & sleep 0.5; kill -TERM $!; wait $!");
    let started = std::time::Instant::now();
    assert_eq!(world.shell(&script).code(), Some(128 + 15));
    assert!(started.elapsed() < std::time::Duration::from_secs(10));
}

/// Nobody can open one, and what cannot be opened goes with -f. What a link leads to is not removed.
#[test]
fn a_socket_gives_way_with_f() {
    let world = World::new();
    world.file("a", "1").dir("s").file("s/socket", "2").dir("t");
    let listeners = ["socket", "t/socket", "far"].map(|name| UnixListener::bind(world.path(name)).expect("bind"));
    world.symlink("far", "link");
    let told = "safecp: cannot create regular file 'socket': No such device or address\n";
    world.cp("a socket").fails(told);
    world.cp("-f a socket").succeeds();
    world.cp("-rfT s t").succeeds();
    assert_eq!((world.read("socket"), world.read("t/socket")), ("1".to_owned(), "2".to_owned()));
    world.cp("-f a link").fails_with(&["'link': No such device or address"]);
    assert!(world.stat("link").is_symlink() && world.stat("far").file_type().is_socket());
    drop(listeners);
}
