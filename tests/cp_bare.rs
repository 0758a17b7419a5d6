//! Copies in bare surroundings: without /proc, on kernels without the newer calls, with umasks that take rights from the
//! owner.

mod common;

use common::{Output, World};
use rustix::io::Errno;
use safecp::kernel::process::filter_calls;

/// Which call is answered in the kernel's place: all of them, or those with a bit in an argument.
struct Lacking {
    call: i64,
    bit: Option<(u32, u32)>,
    errno: Errno,
}

/// fchmodat2 (Linux 6.6) and the calls for attributes by directory and name (6.13): the same numbers everywhere.
const NEWER: [i64; 5] = [452, 463, 464, 465, 466];

fn newer() -> Vec<Lacking> {
    NEWER.map(|call| Lacking { call, bit: None, errno: Errno::NOSYS }).into()
}

/// What Linux before 5.8 answers an ordinary user of: handles that have no name, by an empty path.
fn empty_paths() -> Vec<Lacking> {
    let empty = libc::AT_EMPTY_PATH as u32;
    let times = Lacking { call: libc::SYS_utimensat, bit: Some((3, empty)), errno: Errno::INVAL };
    let links = Lacking { call: libc::SYS_linkat, bit: Some((4, empty)), errno: Errno::NOENT };
    newer().into_iter().chain([times, links]).collect()
}

/// exFAT and VFAT let nobody but the owner of the mount change a mode.
fn changes_of_mode() -> Vec<Lacking> {
    let fchmodat2 = NEWER[0];
    let calls = [libc::SYS_fchmod, libc::SYS_fchmodat, fchmodat2];
    calls.map(|call| Lacking { call, bit: None, errno: Errno::PERM }).into()
}

/// A seccomp program that answers these calls: seccomp(2).
fn program(lacking: &[Lacking]) -> Vec<libc::sock_filter> {
    const LOAD: u16 = 0x20;
    const IF_EQUAL: u16 = 0x15;
    const IF_ANY: u16 = 0x45;
    const RETURN: u16 = 0x06;
    let step = |code, k, jf| libc::sock_filter { code, jt: 0, jf, k };
    let mut steps = Vec::new();
    for Lacking { call, bit, errno } in lacking {
        let refused = step(RETURN, libc::SECCOMP_RET_ERRNO | errno.raw_os_error() as u32, 0);
        steps.push(step(LOAD, 0, 0));
        match bit {
            None => steps.extend([step(IF_EQUAL, *call as u32, 1), refused]),
            Some((argument, bit)) => {
                let low_half = 16 + 8 * argument + if cfg!(target_endian = "big") { 4 } else { 0 };
                steps.extend([
                    step(IF_EQUAL, *call as u32, 3),
                    step(LOAD, low_half, 0),
                    step(IF_ANY, *bit, 1),
                    refused,
                ]);
            }
        }
    }
    steps.push(step(RETURN, libc::SECCOMP_RET_ALLOW, 0));
    steps
}

/// Does something in a thread whose programs lack these calls.
fn without<T: Send>(lacking: Vec<Lacking>, work: impl FnOnce() -> T + Send) -> T {
    std::thread::scope(|scope| {
        let thread = scope.spawn(move || {
            filter_calls(&program(&lacking)).expect("a filter");
            work()
        });
        thread.join().expect("what was done there")
    })
}

/// A world with one of every kind of entry, with lists and attributes, in `s`.
fn every_kind(what_for: &str) -> Option<World> {
    let world = World::with_mounts(what_for)?;
    world.every_kind("s").set_xattr("s/short", "user.one", b"1").set_xattr("s/link", "trusted.two", b"2");
    world.tool("setfacl", ["-m", "u:1234:rw", "s/short", "s/fifo", "s/char"]);
    world.tool("setfacl", ["-m", "u:1234:rx,d:u:4321:r", "s/dir"]);
    world.times("s/fifo", (1_000_000_000, 1), (1_000_000_001, 2));
    Some(world)
}

const COPIES: &str = "
    mount -t tmpfs none /proc
    $as $safecp -a s t
    $as $safecp -a --remove-destination --jobs=2 s/. t
    $as $safecp -a --backup=numbered s/. backed
    $as $safecp -a --backup=numbered s/. backed
    find backed -name '*~' -delete
    $as $safecp -af s/. backed
    $as $safecp -rp s p
    $as $safecp -al s linked";

#[track_caller]
fn assert_copied(world: &World, output: &Output) {
    output.succeeds();
    world.tool("rm", ["-r", "linked"]);
    for copy in ["t", "backed"] {
        world.assert_same_tree("s", copy);
    }
    for name in ["short", "fifo", "char", "dir"] {
        assert_eq!(world.acl(&format!("p/{name}")), world.acl(&format!("s/{name}")), "{name}");
    }
    assert_eq!(world.mode("p/script"), 0o4751);
}

/// cp needs less than 16 KiB, beside what the kernel puts there at random.
#[test]
fn with_a_narrow_stack_a_tree_is_copied_and_a_signal_ends_it() {
    let world = World::new();
    world.dir("s/d/e/f").file("s/d/e/f/x", "1").random("s/large", 3_000_000, 1).symlink("x", "s/l");
    for kibibytes in [28, 64, 128] {
        let narrow = format!("ulimit -s {kibibytes}; ");
        for words in ["-a s t", "-a --jobs=4 s/. t", "-ab s/. t", "--as=mv t u", "--as=mv u t"] {
            world.shell(&format!("{narrow}$safecp {words}")).succeeds();
        }
        world.shell(&format!("{narrow}$safecp --help >said && grep -q Usage said")).succeeds();
        world.tool("bash", ["-c", "find t -name '*~' -delete; diff -r --no-dereference s t"]);
        let ended = format!(
            "mkfifo p; ({narrow}exec $safecp --copy-contents p u) & sleep 0.3; kill -TERM $!; wait $!; echo $?; rm p"
        );
        world.shell(&ended).says("143\n");
        world.tool("rm", ["-rf", "t"]);
    }
}

#[test]
fn without_proc_every_kind_is_copied_with_its_attributes() {
    let Some(world) = every_kind("a place without /proc") else { return };
    assert_copied(&world, &world.shell_with_mounts(&format!("as=; {COPIES}")));
}

#[test]
fn without_proc_and_the_newer_calls_every_kind_is_copied_with_its_attributes() {
    let Some(world) = every_kind("a place without /proc") else { return };
    let output = without(empty_paths(), || world.shell_with_mounts(&format!("as=; {COPIES}")));
    assert_copied(&world, &output);
}

#[test]
fn without_proc_an_ordinary_user_copies_every_kind() {
    let Some(world) = World::with_mounts("a place without /proc") else { return };
    world.every_kind("s").tool("rm", ["s/char", "s/block"]);
    world.tool("setfacl", ["-m", "u:1234:rw", "s/short", "s/fifo"]);
    world.tool("chown", ["-hR", "65534:65534", "."]);
    world.chmod("s/script", 0o4751).chmod("s/closed", 0o755).dir("bin");
    let script = "cp $safecp bin/safecp
        as='setpriv --reuid 65534 --regid 65534 --clear-groups'; safecp=bin/safecp";
    for lacking in [Vec::new(), newer(), empty_paths()] {
        let output = without(lacking, || world.shell_with_mounts(&format!("{script}; {COPIES}")));
        output.succeeds();
        world.tool("rm", ["-r", "linked"]);
        world.assert_same_tree("s", "t");
        world.assert_same_tree("s", "backed");
        world.tool("rm", ["-r", "t", "backed", "p"]);
    }
}

#[test]
fn without_proc_a_directory_that_hands_down_a_list_is_known_for_one() {
    let Some(world) = World::with_mounts("a place without /proc") else { return };
    world.dir("d").tool("setfacl", ["-d", "-m", "u:1234:rwx", "d"]);
    world.file("a", "secret").chmod("a", 0o640);
    world.node("fifo", rustix::fs::FileType::Fifo, 0).chmod("fifo", 0o640);
    let script = "mount -t tmpfs none /proc; $safecp -a a fifo d";
    without(newer(), || world.shell_with_mounts(script)).succeeds();
    assert_eq!((world.acl("d/a"), world.acl("d/fifo")), (world.acl("a"), world.acl("fifo")));
}

/// rustix takes umask(2) for a call that cannot fail: the error's number was taken for a mask, and every directory had mode 0.
/// /proc tells the mask, and the kernel goes on masking where that is not to be had either.
#[test]
fn a_umask_that_cannot_be_asked_for_is_looked_up() {
    let Some(world) = World::with_mounts("a place without /proc") else { return };
    world.dir("s/d").file("s/d/f", "1").chmod("s/d", 0o777).chmod("s/d/f", 0o666).chmod("s", 0o777);
    for (target, before) in [("t", "true"), ("u", "mount -t tmpfs none /proc")] {
        let refused = vec![Lacking { call: libc::SYS_umask, bit: None, errno: Errno::PERM }];
        without(refused, || world.shell_with_mounts(&format!("{before}; $safecp -r s {target}"))).succeeds();
        for (name, mode) in [("", 0o755), ("/d", 0o755), ("/d/f", 0o644)] {
            assert_eq!(world.mode(&format!("{target}{name}")), mode, "{name} after {before}");
        }
    }
}

#[test]
fn a_umask_that_takes_the_owners_rights_takes_them_in_the_end() {
    for umask in [0o700, 0o277, 0o777] {
        let world = World::new();
        world.dir("s/d/e").file("s/d/f", "1").file("s/g", "2").fifo("s/p").set_xattr("s/g", "user.one", b"1");
        world.chmod("s/d", 0o755).chmod("s/d/e", 0o751).chmod("s/d/f", 0o640).chmod("s/g", 0o444);
        let script = format!("umask {umask:03o}; $safecp -a s t && $safecp -r s u && $safecp -r --preserve=xattr s x");
        world.shell_as_nobody(&script).succeeds();
        world.assert_same_tree("s", "t");
        world.tool("chmod", ["-R", "u+rwX", "x"]);
        assert_eq!((world.read("x/d/f"), world.xattr("x/g", "user.one")), ("1".to_owned(), Some(b"1".to_vec())));
        for name in ["d/e", "d/f", "d", "p", "g", ""] {
            let mode = world.mode(&format!("s/{name}")) & !umask;
            assert_eq!(world.mode(&format!("u/{name}")), mode, "{name:?} under {umask:o}");
        }
    }
}

/// That the file has other rights than were asked for is no success.
#[test]
fn a_mode_that_install_cannot_have_is_a_failure() {
    let world = World::new();
    world.file("a", "secret");
    for mode in ["400", "644"] {
        let failed = without(changes_of_mode(), || world.cp(&format!("--as=install -m {mode} a {mode}")));
        failed.fails(&format!("install: cannot change permissions of '{mode}': Operation not permitted\n"));
        assert_eq!(world.mode(mode), 0o600);
    }
}

/// As GNU's mv does: who moves to such a filesystem knows that it has no modes.
#[test]
fn a_mode_that_mv_cannot_keep_is_said() {
    let Some(world) = World::with_mounts("a second filesystem") else { return };
    world.file("a", "1").chmod("a", 0o4755).dir("d").file("d/b", "2").dir("o").chmod("d", 0o750);
    let script = "mount -t tmpfs none o; $safecp --as=mv a d o; echo $?; ls; cat o/a o/d/b";
    let said = without(changes_of_mode(), || world.shell_with_mounts(script));
    let words = |name: &str| format!("mv: preserving permissions for '{name}': Operation not permitted\n");
    assert_eq!(said.stderr, words("o/a") + &words("o/d"), "{said}");
    said.says("0\no\n12");
}

/// GNU's cp does not ask which filesystem a file lies on.
#[test]
fn a_filesystem_that_cannot_be_told_is_one_that_nobody_knows() {
    for errno in ["EPERM", "ENOSYS", "EIO"] {
        let world = World::new();
        world.dir("s").file("s/a", "1").link("s/a", "s/b").file("s/old", "new").dir("t/s").file("t/s/old", "old");
        let Some(traced) = world.cp_traced("fstatfs", &[&format!("fstatfs:error={errno}")], "-a s t") else { return };
        traced.output.succeeds();
        world.assert_same_tree("s", "t/s");
    }
}
