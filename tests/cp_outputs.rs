//! Outputs that take nothing: full, closed, or pipes that nobody reads. What GNU cp 9.10 does there, exit status and all, was
//! looked up by hand.

mod common;
use common::World;

/// Handle 4 is a pipe that nobody reads.
const UNREAD: &str = "exec 4> >(:); wait $!;";

#[test]
fn messages_that_cannot_be_written_change_no_exit_status() {
    let world = World::new();
    world.file("a", "1").dir("d");
    for (words, status) in [
        ("--nonsense", 1),
        ("a", 1),
        ("a nope d", 1),
        ("-r d d/x", 1),
        ("--doctor nope", 1),
        ("--doctor --nonsense", 1),
        ("--guard --nonsense true", 125),
        ("--guard ./nope", 127),
    ] {
        for output in ["2>/dev/full", "2>&-"] {
            assert_eq!(world.shell(&format!("$safecp {words} {output}")).code(), Some(status), "{words} {output}");
        }
    }
    assert_eq!(world.read("d/a"), "1", "the others were not copied");
}

#[test]
fn a_guard_that_cannot_speak_runs_its_command() {
    let world = World::new();
    for output in ["2>/dev/full", "2>&-", "2>&4"] {
        let script = format!("{UNREAD} $safecp --guard echo ran {output}");
        world.shell_as_nobody(&script).succeeds().says("ran\n");
    }
}

#[test]
fn a_warning_that_cannot_be_written_is_a_failure() {
    let world = World::new();
    world.file("a", "1").dir("d");
    let warning = "safecp: warning: source file 'a' specified more than once\n";
    world.cp("a a d").succeeds_saying(warning);
    for output in ["2>/dev/full", "2>&-"] {
        assert_eq!(world.shell(&format!("$safecp a a d {output}")).code(), Some(1), "{output}");
    }
}

#[test]
fn what_cannot_be_said_of_itself_is_a_failure() {
    let world = World::new();
    for words in ["--help", "--version", "--guard --help", "--doctor --help"] {
        let full = world.shell(&format!("$safecp {words} >/dev/full"));
        full.fails("safecp: write error: No space left on device\n");
        world.shell(&format!("$safecp {words} >&-")).fails("safecp: write error: Bad file descriptor\n");
        world.shell(&format!("{UNREAD} $safecp {words} >&4; echo $?")).succeeds().says("141\n");
    }
}

#[test]
fn a_pipe_that_nobody_reads_ends_it() {
    let world = World::new();
    world.dir("s").file("a", "1");
    for index in 0..500 {
        world.file(format!("s/{index}"), "x");
    }
    world.shell(&format!("{UNREAD} $safecp -av s t >&4; echo $?")).succeeds().says("141\n");
    assert!(world.names("t").len() < 500, "it copied on");
    // What it says of failures goes by a pipe as well.
    world.shell(&format!("{UNREAD} $safecp nope s a t 2>&4; echo $?")).succeeds().says("141\n");
    assert!(!world.exists("t/a"), "it copied on");
    world.shell(&format!("{UNREAD} $safecp a /dev/stdout >&4; echo $?")).succeeds().says("141\n");
    world.cp("-a --manifest=list s whole").succeeds();
    for mode in ["--check list whole", "--repair list whole --from=s"] {
        world.shell(&format!("{UNREAD} $safecp {mode} >&4; echo $?")).succeeds().says("141\n");
    }
}

#[test]
fn where_closed_pipes_are_ignored_they_are_errors() {
    let world = World::new();
    world.dir("s").file("s/x", "x").file("s/y", "y");
    let output = world.shell(&format!("{UNREAD} trap '' PIPE; $safecp -av s t >&4; echo $?"));
    output.succeeds_saying("safecp: write error: Broken pipe\n").says("1\n");
    world.assert_same_tree("s", "t");
}

/// What is opened first takes the number of a handle that was closed.
#[test]
fn nothing_is_written_into_a_file_that_took_the_place_of_an_output() {
    let world = World::new();
    world.random("a", 300_000, 1).dir("d").file("d/x", "x");
    for closed in ["0<&-", "1>&-", "2>&-", "0<&- 1>&- 2>&-"] {
        world.shell(&format!("$safecp -a a d new {closed}; echo $? >status; rm -rf new"));
        assert_eq!(world.read("status"), "1\n", "there is no directory new: {closed}");
        world.dir("new").shell(&format!("$safecp -a nope a d new {closed}; echo $? >status"));
        assert_eq!(world.read("status"), "1\n", "{closed}");
        assert!(world.same_bytes("a", "new/a") && world.read("new/d/x") == "x", "{closed}");
        world.shell(&format!("$safecp -a a d new {closed}; echo $? >status; rm -rf new"));
        assert_eq!(world.read("status"), "0\n", "{closed}");
    }
    world.shell("$safecp -v a b >&-").fails("safecp: write error: Bad file descriptor\n");
    assert!(world.same_bytes("a", "b"));
}

/// What stands in the place of a handle that was closed has a link in /proc, which is not the user's.
#[test]
fn what_was_closed_is_not_there() {
    let world = World::new();
    world.symlink("/dev/fd/0", "link").file("a", "1");
    for words in [
        "-r /dev/fd/0 z <&-",
        "-P /proc/self/fd/1 z >&-",
        "-a /dev/fd/2 z 2>&-",
        "-s /dev/fd/0 z <&-",
        "/dev/stdin z <&-",
    ] {
        let copied = world.shell(&format!("$safecp {words}"));
        assert_eq!((copied.code(), world.exists("z")), (Some(1), false), "{words}: {copied}");
    }
    world.shell("$safecp -r /dev/fd/0 z <&-").fails("safecp: cannot stat '/dev/fd/0': No such file or directory\n");
    world.shell("$safecp -P link z <&-").succeeds();
    assert_eq!(world.link_text("z"), "/dev/fd/0");
    world.shell("$safecp -r /dev/fd/0 y <a").succeeds();
    assert!(world.stat("y").is_symlink());
}

/// As in a chroot. Rust's runtime ends itself there.
#[test]
fn without_dev_null_handles_may_be_closed() {
    let Some(world) = World::with_mounts("a system without /dev") else { return };
    world.random("a", 300_000, 1);
    world.shell_with_mounts("mount -t tmpfs none /dev; exec $safecp a b <&- >&- 2>&-").succeeds();
    assert!(world.same_bytes("a", "b"));
}

/// A filter of system calls that refuses fcntl has not said that a handle is closed: messages still come out.
#[test]
fn where_it_cannot_be_asked_whether_handles_are_open_they_are() {
    let world = World::new();
    for error in ["EPERM", "ENOSYS"] {
        let fault = format!("fcntl:error={error}");
        let Some(traced) = world.cp_traced("fcntl", &[&fault], "nope t") else { return };
        assert!(traced.injected() >= 3, "{}", traced.calls);
        traced.output.fails("safecp: cannot stat 'nope': No such file or directory\n");
    }
}

/// What is opened in the place of a handle that was closed is no file of anybody's: an empty source, or a target that takes all.
#[test]
fn what_was_closed_is_neither_a_source_nor_a_target() {
    let world = World::new();
    world.file("a", "1").file("old", "old").dir("d");
    for source in ["/dev/stdin", "/dev/fd/0", "/proc/self/fd/0"] {
        for words in ["", "-p", "-f", "--as=install", "--remove-destination"] {
            for target in ["old", "d"] {
                let copied = world.shell(&format!("$safecp {words} {source} {target} <&-"));
                assert_eq!(copied.code(), Some(1), "{words} {source} {target}");
            }
        }
    }
    assert_eq!((world.read("old"), world.names("d").len()), ("old".to_owned(), 0));
    for words in [
        "a /dev/stdout >&-",
        "-f a /proc/self/fd/1 >&-",
        "a /dev/fd/1 >&-",
        "a /proc/self/fd/1 >&-",
        "a /dev/fd/2 2>&-",
    ] {
        assert_eq!(world.shell(&format!("$safecp {words}")).code(), Some(1), "{words}");
    }
    assert!(world.stat("/dev/stdout").is_symlink(), "-f does not remove what leads to what was closed");
    world.shell("$safecp -i a old <&-").fails_with(&["overwrite 'old'?"]);
    assert_eq!(world.read("old"), "old", "a question that cannot be answered is not answered by yes");
}
