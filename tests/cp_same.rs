//! An old file that is what its copy would be stays, and gets new times. What is replaced all the same is told by the inode number,
//! while the old file is open so that its number is nobody else's; what the file is in the end, by GNU's cp.

mod common;
use common::{World, has_tool, left_out};
use std::fs::File;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// Where temporary files lie if that is a filesystem that is known, else in memory.
fn place() -> Option<World> {
    let known = |path: &Path| {
        let magic = rustix::fs::statfs(path).map(|told| told.f_type as u32);
        magic.is_ok_and(|magic| [0xef53, 0x5846_5342, 0x9123_683e, 0x0102_1994].contains(&magic))
    };
    let places = [std::env::temp_dir(), "/dev/shm".into(), "/run".into()];
    let found = places.into_iter().find(|path| known(path)).map(|path| World::within(&path));
    if found.is_none() {
        left_out("needs ext4, XFS, btrfs or tmpfs");
    }
    found
}

/// A source `a` and what an earlier `cp -p` has made of it, `b`.
fn copied() -> Option<World> {
    let world = place()?;
    world.random("a", 5000, 1);
    world.shell("touch -d 2020-02-02T02:02:02.123456789 a; cp -p a b").succeeds();
    Some(world)
}

/// Whether `options a b` leaves the inode of `b`, which has the bytes of `a` in the end.
fn leaves(world: &World, options: &str) -> bool {
    let inode = world.inode("b");
    let open = File::open(world.path("b")).expect("open");
    world.cp(&format!("{options} a b")).succeeds();
    drop(open);
    world.shell("cmp a b").succeeds();
    world.inode("b") == inode
}

#[test]
fn a_second_copy_leaves_the_file_and_writes_nothing() {
    let Some(world) = copied() else { return };
    let Some(traced) = world.cp_traced_on(None, "pwrite64,write,ftruncate,openat,fsync,syncfs", &[], "-p a b") else {
        return;
    };
    traced.output.succeeds();
    assert!(!traced.calls.contains("pwrite64(") && !traced.calls.contains("O_TMPFILE"), "{}", traced.calls);
    assert!(!traced.calls.contains("sync"), "{}", traced.calls);
    assert!(leaves(&world, "-p"));
    assert!(leaves(&world, "-a"));
    assert!(leaves(&world, ""));
    assert!(leaves(&world, "-f"));
}

#[test]
fn its_times_are_those_of_a_copy() {
    let Some(world) = copied() else { return };
    world.shell("touch -a -d 2021-01-01 a").succeeds();
    let source = world.stat("a");
    world.cp("-p a b").succeeds();
    let kept = world.stat("b");
    assert_eq!((kept.mtime(), kept.mtime_nsec()), (source.mtime(), source.mtime_nsec()));
    assert!(kept.atime() >= 1_609_455_600, "the source's, or of the reading since then");
    // Without -p it was changed now, by the clock of the kernel: what is made next is not older.
    world.cp("a b").succeeds();
    world.shell("touch later").succeeds();
    let (now, later) = (world.stat("b"), world.stat("later"));
    assert!((now.mtime(), now.mtime_nsec()) > (kept.mtime(), kept.mtime_nsec()));
    assert!((now.mtime(), now.mtime_nsec()) <= (later.mtime(), later.mtime_nsec()));
}

#[test]
fn what_is_said_of_it_is_what_is_said_of_a_copy() {
    let Some(world) = copied() else { return };
    world.cp("-pv a b").says("'a' -> 'b'\n");
    let debug = world.cp("-p --debug a b");
    debug.succeeds();
    let digest = world.shell("b3sum --no-names a").stdout;
    if has_tool("b3sum") {
        assert!(debug.stdout.contains(&format!("same already: every byte of both was read and compared, nothing was written, 5000 bytes, blake3: {digest}")), "{debug}");
        world.cp("-p --report=digests --digests a b").succeeds();
        assert!(world.read("digests").contains(&format!(r#""blake3":"{}""#, digest.trim_end())));
    }
    world.cp("-p --report=lines a b").succeeds();
    let lines = world.read("lines");
    assert!(lines.contains(r#""thing":"same already""#) && lines.contains(r#""same_already":1"#), "{lines}");
}

/// What looks the same by size and time is compared.
#[test]
fn bytes_that_differ_are_copied_whatever_the_times_say() {
    let Some(world) = copied() else { return };
    for at in [0, 2500, 4999] {
        let mut bytes = std::fs::read(world.path("a")).expect("read");
        bytes[at] ^= 1;
        std::fs::write(world.path("b"), bytes).expect("write");
        world.shell("touch -r a b").succeeds();
        assert!(!leaves(&world, "-p"), "{at}");
        world.shell("touch -d 2030-01-01 b").succeeds();
    }
}

/// What would not be the same afterwards is made anew: by GNU's cp the other copy.
#[test]
fn what_has_other_attributes_is_as_gnus_copy_in_the_end() {
    let differences = [
        ("chmod 600 b", "-p"),
        ("chmod 600 b", "-a"),
        ("chmod 6755 a b", "-p"),
        ("chown 12:34 b", "-p"),
        ("setfattr -n user.one -v 1 a", "-a"),
        ("setfattr -n user.one -v 2 b", "-a"),
        ("setfattr -n user.one -v 1 a; setfattr -n user.one -v 2 b", "-a"),
        ("setfacl -m u:77:rw a", "-p"),
        ("setfacl -m u:77:rw b", "-p"),
        ("touch -d 2001-01-01 b", "-p"),
        ("touch -d 2001-01-01 b", ""),
    ];
    if !["setfattr", "setfacl"].into_iter().all(has_tool) || !common::is_root() {
        return left_out("attributes: setfattr, setfacl and root are needed");
    }
    for (difference, options) in differences {
        let Some(world) = copied() else { return };
        world.shell("cp -p b c").succeeds();
        let both = format!("{difference}; {}", difference.replace(" b", " c"));
        world.shell(&both).succeeds();
        world.cp(&format!("{options} a b")).succeeds();
        // With -p the list is the source's. Debian 13's cp (9.7) leaves an old file the one it had: there a new file shows it.
        let new = if difference.starts_with("setfacl") { "rm c;" } else { "" };
        world.shell(&format!("{new} cp {options} a c")).succeeds();
        world.shell("cmp b c").succeeds();
        let looks = |name: &str| {
            let told = |command: &str| world.shell(&format!("{command} {name} | tail -n +2")).stdout;
            let stat = world.stat(name);
            (stat.mode(), stat.uid(), stat.gid(), told("getfattr -d -m - --absolute-names"), told("getfacl -cp"))
        };
        assert_eq!(looks("b"), looks("c"), "{difference}, {options}");
        if options == "-p" || options == "-a" {
            assert_eq!(world.stat("b").mtime(), world.stat("c").mtime(), "{difference}, {options}");
        }
    }
}

#[test]
fn who_says_how_it_is_to_be_made_has_it_made() {
    for options in [
        "-p --durable",
        "-p --remove-destination",
        "-p --sparse=never",
        "-p --sparse=always",
        "-p --reflink=never",
        "-p --verify=none",
        "-p --verify=device",
        "-p --verify=blake3",
        "-p --backup=simple",
    ] {
        let Some(world) = copied() else { return };
        let made = world.cp(&format!("{options} a other"));
        // tmpfs has no device to read back from.
        if options.contains("device") && made.code() != Some(0) {
            continue;
        }
        assert!(!leaves(&world, options), "{options}");
    }
}

#[test]
fn install_and_mv_make_new_files() {
    let Some(world) = copied() else { return };
    world.shell("chmod 755 a b").succeeds();
    let inode = world.inode("b");
    let open = File::open(world.path("b")).expect("open");
    world.cp("--as=install -p a b").succeeds();
    assert_ne!(world.inode("b"), inode);
    drop(open);
}

/// A file with several names would be written in place.
#[test]
fn a_file_with_other_names_stays_with_them() {
    let Some(world) = copied() else { return };
    world.link("b", "second");
    let Some(traced) = world.cp_traced_on(None, "pwrite64,ftruncate", &[], "-p a b") else { return };
    traced.output.succeeds();
    assert!(!traced.calls.contains("pwrite64("), "{}", traced.calls);
    assert_eq!(world.inode("b"), world.inode("second"));
}

/// The bytes of a second name, and of the end of a link, are those of a file that stays.
#[test]
fn what_a_link_leads_to_stays_too() {
    let Some(world) = copied() else { return };
    world.symlink("b", "link");
    let inode = world.inode("b");
    let open = File::open(world.path("b")).expect("open");
    world.cp("-p a link").succeeds();
    drop(open);
    assert_eq!(world.inode("b"), inode);
    assert!(world.path("link").is_symlink());
}

/// GNU's cp writes to a file that its user may write and not read.
#[test]
fn what_cannot_be_read_is_copied() {
    let Some(world) = copied() else { return };
    world.chmod("b", 0o200);
    world.cp_as_nobody("a b").succeeds();
    world.chmod("b", 0o600);
    world.shell("cmp a b").succeeds();
}

/// A large file is gone through by several threads, and is the same all the same.
#[test]
fn a_large_file_stays_and_one_whose_last_byte_differs_does_not() {
    let Some(world) = place() else { return };
    world.random("a", 9 << 20, 3);
    world.shell("cp -p a b").succeeds();
    assert!(leaves(&world, "-p"));
    let mut bytes = std::fs::read(world.path("a")).expect("read");
    *bytes.last_mut().expect("a byte") ^= 0x80;
    std::fs::write(world.path("b"), bytes).expect("write");
    world.shell("touch -r a b").succeeds();
    assert!(!leaves(&world, "-p"));
}
