//! Sharing blocks with the source: used where the filesystem can, refused where it cannot, and what is left after that.
//! Whether blocks are shared is what filefrag says, not safecp.

mod common;
use common::{World, has_tool};

/// A world on that filesystem with a file `a` of 4 MiB, where filefrag is there too.
fn on(name: &str) -> Option<World> {
    let world = World::on(name).filter(|_| has_tool("filefrag"))?;
    world.random("a", 4 << 20, 1);
    Some(world)
}

/// Whether all extents of a file are shared with another.
fn shared(world: &World, name: &str) -> bool {
    let extents = world.tool("filefrag", ["-s", "-v", name]);
    let mut flags = extents.lines().filter(|line| line.contains("..")).peekable();
    assert!(flags.peek().is_some(), "no extents: {extents}");
    flags.all(|line| line.contains("shared"))
}

#[test]
fn always_shares_where_it_can() {
    for name in ["btrfs", "xfs"] {
        let Some(world) = on(name) else { continue };
        world.cp("--reflink=always a b").succeeds();
        assert!(world.same_bytes("a", "b") && shared(&world, "b"), "{name}");
    }
}

#[test]
fn auto_shares_where_it_can() {
    for name in ["btrfs", "xfs"] {
        let Some(world) = on(name) else { continue };
        for option in ["", "-a", "--reflink", "--reflink=auto", "--verify=none"] {
            world.cp(&format!("{option} --remove-destination a b")).succeeds();
            assert!(world.same_bytes("a", "b") && shared(&world, "b"), "{name} {option}");
        }
    }
}

#[test]
fn always_shares_with_an_old_file_beside_which_nothing_can_be_made() {
    for name in ["btrfs", "xfs"] {
        let Some(world) = on(name) else { continue };
        world.tool("chmod", ["644", "a"]);
        world.dir("d").file("d/b", "old").chmod("d", 0o555).cp_as_nobody("--reflink=always a d/b").succeeds();
        assert!(world.same_bytes("a", "d/b") && shared(&world, "d/b"), "{name}");
    }
    for name in ["ext4", "tmpfs"] {
        let Some(world) = World::on(name) else { continue };
        world.file("a", "new").dir("d").file("d/b", "old").chmod("d", 0o555);
        world.cp_as_nobody("--reflink=always a d/b").fails_with(&["failed to clone 'd/b' from 'a'"]);
        assert_eq!(world.read("d/b"), "old", "{name}");
    }
}

#[test]
fn never_does_not_share() {
    for name in ["btrfs", "xfs"] {
        let Some(world) = on(name) else { continue };
        for option in ["--reflink=never", "--reflink=never --sparse=always", "--sparse=never"] {
            world.cp(&format!("{option} --remove-destination a b")).succeeds();
            assert!(world.same_bytes("a", "b") && !shared(&world, "b"), "{name} {option}");
        }
    }
}

#[test]
fn a_shared_copy_keeps_what_it_is_when_its_source_changes() {
    for name in ["btrfs", "xfs"] {
        let Some(world) = on(name) else { continue };
        world.cp("--reflink=always a b").succeeds();
        world.random("before", 4 << 20, 1).file("a", "changed");
        assert!(world.same_bytes("before", "b"), "{name}");
    }
}

#[test]
fn sizes_that_are_no_multiple_of_a_block_are_shared_too() {
    for name in ["btrfs", "xfs"] {
        let Some(world) = on(name) else { continue };
        for size in [0, 1, 4095, 4097, 1_000_001] {
            world.random("odd", size, 2).cp("--reflink=always odd copy").succeeds();
            assert!(world.same_bytes("odd", "copy"), "{name} {size}");
        }
    }
}

#[test]
fn always_is_refused_where_it_cannot() {
    for name in ["ext4", "tmpfs"] {
        let Some(world) = World::on(name) else { continue };
        let refused = "safecp: failed to clone 'b' from 'a': Operation not supported\n";
        world.file("a", "content").cp("--reflink=always a b").fails(refused);
        assert!(!world.exists("b"), "{name}");
    }
}

#[test]
fn a_clone_in_its_sources_blocks_is_proved_without_being_read() {
    for name in ["btrfs", "xfs"] {
        let Some(world) = on(name) else { continue };
        world.sparse("holes", 64 << 20, &[(0, &[1; 100_000]), (32 << 20, &[2; 100_000])]);
        for source in ["a", "holes"] {
            let Some(traced) = world.cp_traced("pread64,ioctl", &[], &format!("--verify=map --debug {source} b"))
            else {
                return;
            };
            traced.output.succeeds();
            assert!(traced.output.stdout.contains("verified: blocks"), "{name}: {}", traced.output);
            // The dynamic loader reads a little.
            assert!(traced.results("pread64").iter().sum::<u64>() < 10_000, "{name}: {}", traced.calls);
            assert!(world.same_bytes(source, "b") && shared(&world, "b"), "{name}");
        }
    }
}

#[test]
fn a_clone_in_other_blocks_is_read() {
    for name in ["btrfs", "xfs"] {
        let Some(world) = on(name) else { continue };
        for target in ["old", "new"] {
            let old = |target: &str| {
                if target == "old" {
                    world.random("other", 4 << 20, 2).cp(&format!("--reflink=always other {target}")).succeeds();
                }
            };
            old(target);
            let Some(honest) = world.cp_traced("ioctl", &[], &format!("--verify=map --debug a {target}")) else {
                return;
            };
            let position = honest.position("ioctl", "FICLONE").expect("a clone");
            world.tool("rm", [target]);
            old(target);
            // It says that it was done, and nothing was.
            let fault = format!("ioctl:retval=0:when={position}");
            let words = format!("--verify=map --debug a {target}");
            let Some(lied) = world.cp_traced("ioctl", &[&fault], &words) else { return };
            assert!(lied.injected() > 0, "{name}");
            lied.output.succeeds();
            assert!(lied.output.stdout.contains("verified: content"), "{name}: {}", lied.output);
            assert!(world.same_bytes("a", target), "{name}");
        }
    }
}

#[test]
fn blocks_that_do_not_say_what_they_hold_are_read() {
    let Some(world) = World::on("btrfs").filter(|_| has_tool("btrfs")) else { return };
    // A compressed extent's place is that of the whole, of which a file may have any part.
    world.file("packed", "").tool("btrfs", ["property", "set", "packed", "compression", "zstd"]);
    world.tool("bash", ["-c", "yes compressible | head -c 4000000 >packed; sync packed"]);
    assert!(world.tool("filefrag", ["-v", "packed"]).contains("encoded"), "it is compressed");
    let said = world.cp("--verify=map --debug packed b").succeeds().stdout.clone();
    assert!(said.contains("reflink") && said.contains("verified: content"), "{said}");
    assert!(world.same_bytes("packed", "b"));
}

#[test]
fn what_waits_to_be_written_out_has_its_place_before_maps_are_compared() {
    for name in ["btrfs", "xfs"] {
        let Some(world) = on(name) else { continue };
        world.cp("--reflink=always a b").succeeds();
        // Written just now, over blocks that are shared.
        world.tool("bash", ["-c", "printf new | dd of=a bs=1 seek=1000000 conv=notrunc status=none"]);
        let said = world.cp("--verify=map --debug a c").succeeds().stdout.clone();
        assert!(said.contains("verified: blocks"), "{name}: {said}");
        assert!(world.same_bytes("a", "c") && !world.same_bytes("a", "b"), "{name}");
    }
}

#[test]
fn a_refused_clone_leaves_the_old_target() {
    for name in ["ext4", "tmpfs"] {
        let Some(world) = World::on(name) else { continue };
        world
            .file("a", "content")
            .file("b", "old")
            .cp("--reflink=always a b")
            .fails_with(&["failed to clone 'b' from 'a'"]);
        assert_eq!(world.read("b"), "old", "{name}");
    }
}

#[test]
fn auto_copies_where_it_cannot() {
    for name in ["ext4", "tmpfs"] {
        let Some(world) = World::on(name) else { continue };
        world.random("a", 3_000_000, 3).cp("--reflink=auto a b").succeeds();
        assert!(world.same_bytes("a", "b"), "{name}");
    }
}

#[test]
fn always_is_refused_from_one_filesystem_to_another() {
    let (Some(one), Some(other)) = (World::on("btrfs"), World::on("xfs")) else { return };
    let target = other.path("b");
    one.file("a", "content");
    let output = one.cp_args(["--reflink=always".as_ref(), "a".as_ref(), target.as_os_str()]);
    output.fails(&format!("safecp: failed to clone '{}' from 'a': Invalid cross-device link\n", target.display()));
    assert!(!target.exists());
    one.cp_args(["--reflink=auto".as_ref(), "a".as_ref(), target.as_os_str()]).succeeds();
    assert_eq!(other.read("b"), "content");
}

#[test]
fn holes_are_kept_in_a_shared_copy() {
    for name in ["btrfs", "xfs"] {
        let Some(world) = on(name) else { continue };
        world.sparse("holes", 64 << 20, &[(32 << 20, b"island")]).cp("--reflink=always holes b").succeeds();
        assert!(world.same_bytes("holes", "b") && world.allocated("b") < 1 << 20, "{name}");
    }
}

#[test]
fn always_does_not_go_with_sparse() {
    let world = World::new();
    let words = "safecp: --reflink can be used only with --sparse=auto\nTry 'safecp --help' for more information.\n";
    world.file("a", "1").cp("--reflink=always --sparse=always a b").fails(words);
    assert!(!world.exists("b"));
}

#[test]
fn a_file_that_is_mapped_and_written_to_is_copied_as_it_reads() {
    // What real ZFS gets wrong, #15526 and #15933; the filesystems here must not, whatever strategy is taken.
    for name in ["btrfs", "xfs", "ext4"] {
        let Some(world) = World::on(name) else { continue };
        if !has_tool("xfs_io") {
            return;
        }
        let write = "mmap -w 0 8m";
        world.sparse("a", 8 << 20, &[]);
        world.tool("xfs_io", ["-c", write, "-c", "mwrite -S 0x61 1m 64k", "-c", "mwrite -S 0x62 7m 4k", "a"]);
        world.cp("a b").succeeds();
        assert!(world.same_bytes("a", "b"), "{name}");
        assert_eq!(world.read("b").matches('a').count(), 65536, "{name}");
    }
}

/// To prove the clone of a small file takes longer than to copy it (docs/design/small-files.md).
#[test]
fn a_small_file_is_copied_and_not_cloned_unless_that_is_asked_for() {
    let Some(world) = World::on("btrfs") else { return };
    world.random("small", 16 << 10, 1).random("large", (16 << 10) + 1, 2);
    let says = |words: &str, strategy: &str| {
        let output = world.cp(&format!("--debug {words}"));
        let found = output.succeeds().stdout.contains(&format!("strategy: {strategy} ("));
        assert!(found, "{words}: {strategy}; {output}");
    };
    says("small a", "stream");
    says("large b", "reflink");
    says("--reflink=always small c", "reflink");
    says("--verify=none small d", "reflink");
    for (source, target) in [("small", "a"), ("large", "b"), ("small", "c"), ("small", "d")] {
        assert!(world.same_bytes(source, target), "{target}");
    }
}

/// GNU cp stops at these alone: after them the page cache may hold what the disk does not.
const TERMINAL: [&str; 4] = ["EIO", "ENOMEM", "ENOSPC", "EDQUOT"];

#[test]
fn a_clone_or_a_copy_by_the_kernel_that_cannot_be_had_is_read_and_written() {
    let others = ["EISDIR", "EOVERFLOW", "EROFS", "EREMOTEIO", "ETXTBSY", "ENOENT", "EFBIG"];
    for (call, name, options) in [("ioctl", "btrfs", ""), ("copy_file_range", "ext4", "--verify=none")] {
        for errno in others.into_iter().chain(TERMINAL) {
            let Some(world) = World::on(name) else { continue };
            world.random("a", 100_000, 1);
            let fault = format!("{call}:error={errno}");
            let Some(failed) = world.cp_traced(call, &[&fault], &format!("{options} a b")) else { return };
            assert!(failed.injected() > 0, "{call} {errno}");
            let code = i32::from(TERMINAL.contains(&errno));
            assert_eq!(failed.output.code(), Some(code), "{call} {errno}: {}", failed.output);
            assert!(code == 1 || world.same_bytes("a", "b"), "{call} {errno}");
        }
    }
}
