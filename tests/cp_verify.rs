//! A kernel that fails or lies: strace answers chosen system calls in its place. Whatever it says, exit status 0 means
//! that the bytes are right, and a failure leaves the old target and no temporary (which World looks for).

mod common;
use common::World;

const MIB: usize = 1 << 20;

/// A world with a dense file `a` of 8 MiB and an old target `b`.
fn dense(world: World) -> World {
    world.random("a", 8 * MIB, 1).file("b", "old");
    world
}

/// Exit status 0 and the right bytes, or 1 and the old target.
#[track_caller]
fn assert_all_or_nothing(world: &World, output: &common::Output, what: &str) {
    match output.code() {
        Some(0) => assert!(world.same_bytes("a", "b"), "exit status 0 with wrong bytes, {what}: {output}"),
        Some(1) => assert_eq!(world.read("b"), "old", "{what}: {output}"),
        _ => panic!("{what}: {output}"),
    }
}

#[test]
fn a_clone_that_did_nothing_is_found_out() {
    for name in ["btrfs", "xfs"] {
        let Some(world) = World::on(name).map(dense) else { continue };
        let Some(honest) = world.cp_traced("ioctl", &[], "--jobs=1 a probe") else { return };
        let position = honest.position("ioctl", "FICLONE").unwrap_or_else(|| panic!("{name}: no clone was tried"));
        let fault = format!("ioctl:retval=0:when={position}");
        let Some(lied) = world.cp_traced("ioctl", &[&fault], "--jobs=1 a b") else { return };
        assert_eq!(lied.injected(), 1, "{name}");
        lied.output.succeeds();
        assert!(world.same_bytes("a", "b"), "{name}");
    }
}

#[test]
fn a_clone_that_did_nothing_is_an_error_where_a_clone_is_demanded() {
    for name in ["btrfs", "xfs"] {
        let Some(world) = World::on(name).map(dense) else { continue };
        let Some(lied) = world.cp_traced("ioctl", &["ioctl:retval=0"], "--reflink=always a b") else { return };
        assert!(lied.injected() > 0, "{name}");
        assert_eq!(lied.output.code(), Some(1), "{name}: {}", lied.output);
        assert_eq!(world.read("b"), "old", "{name}");
    }
}

#[test]
fn a_clone_that_fails_in_passing_or_for_good_is_no_wrong_copy() {
    for name in ["btrfs", "xfs"] {
        for errno in
            ["EOPNOTSUPP", "EINVAL", "EXDEV", "ENOTTY", "ETXTBSY", "EIO", "ENOSPC", "EPERM", "EAGAIN", "ENOSYS"]
        {
            let Some(world) = World::on(name).map(dense) else { continue };
            let fault = format!("ioctl:error={errno}");
            let Some(failed) = world.cp_traced("ioctl", &[&fault], "a b") else { return };
            assert!(failed.injected() > 0, "{name} {errno}");
            assert_all_or_nothing(&world, &failed.output, &format!("{name} {errno}"));
            if ["EOPNOTSUPP", "EINVAL", "EXDEV", "ENOTTY"].contains(&errno) {
                assert_eq!(failed.output.code(), Some(0), "{name} {errno} asks for another way: {}", failed.output);
            }
        }
    }
}

#[test]
fn a_write_that_did_nothing_is_found_out() {
    let world = dense(World::new());
    let Some(honest) = world.cp_traced("pwrite64", &[], "--reflink=never --jobs=1 a probe") else { return };
    let sizes = honest.results("pwrite64");
    assert!(!sizes.is_empty(), "nothing was written with pwrite64: {}", honest.output);
    for (index, size) in sizes.iter().enumerate().take(20) {
        let world = dense(World::new());
        let fault = format!("pwrite64:retval={size}:when={}", index + 1);
        let Some(lied) = world.cp_traced("pwrite64", &[&fault], "--reflink=never --jobs=1 a b") else { return };
        assert!(lied.injected() > 0, "{fault}");
        assert_all_or_nothing(&world, &lied.output, &fault);
    }
}

#[test]
fn writes_that_never_do_anything_end_in_an_error() {
    let world = dense(World::new());
    let Some(honest) = world.cp_traced("pwrite64", &[], "--reflink=never --jobs=1 a probe") else { return };
    let size = honest.results("pwrite64").into_iter().max().expect("writes with pwrite64");
    let fault = format!("pwrite64:retval={size}");
    let Some(lied) = world.cp_traced("pwrite64", &[&fault], "--reflink=never --jobs=1 a b") else { return };
    assert!(lied.injected() > 0);
    lied.output.fails_with(&["'b'"]);
    assert_eq!(world.read("b"), "old");
}

#[test]
fn a_read_error_is_an_error_wherever_it_strikes() {
    let world = dense(World::new());
    let Some(honest) = world.cp_traced_on(Some("a"), "pread64,read", &[], "--reflink=never --jobs=1 a b") else {
        return;
    };
    let count = honest.count("pread64");
    assert!(count > 1, "the source was not read with pread64:\n{}", honest.calls);
    for position in 1..=count.min(20) {
        let world = dense(World::new());
        let fault = format!("pread64:error=EIO:when={position}");
        let words = "--reflink=never --jobs=1 a b";
        let Some(failed) = world.cp_traced_on(Some("a"), "pread64", &[&fault], words) else { return };
        assert_eq!(failed.injected(), 1, "{fault}");
        failed.output.fails("safecp: error reading 'a': Input/output error\n");
        assert_eq!(world.read("b"), "old", "{fault}");
    }
}

#[test]
fn an_error_of_reading_back_is_an_error() {
    let world = dense(World::new());
    let words = "--reflink=never --jobs=1 a b";
    let Some(honest) = world.cp_traced("pread64", &[], &words.replace(" b", " probe")) else { return };
    let count = honest.count("pread64");
    for position in 1..=count.min(40) {
        let world = dense(World::new());
        let fault = format!("pread64:error=EIO:when={position}");
        let Some(failed) = world.cp_traced("pread64", &[&fault], words) else { return };
        // Where the fault strikes the loading of the program, the status is the loader's.
        assert_ne!((failed.injected() > 0, failed.output.code()), (true, Some(0)), "{fault}: {}", failed.output);
        assert!(failed.injected() == 0 || world.read("b") == "old", "{fault}");
    }
}

#[test]
fn a_read_that_ends_early_is_no_end_of_file() {
    for position in 1..=6 {
        let world = dense(World::new());
        let fault = format!("pread64:retval=0:when={position}");
        let words = "--reflink=never --jobs=1 a b";
        let Some(lied) = world.cp_traced_on(Some("a"), "pread64", &[&fault], words) else { return };
        assert_eq!(lied.injected(), 1, "{fault}");
        assert_all_or_nothing(&world, &lied.output, &fault);
    }
}

#[test]
fn an_interrupted_call_is_made_again() {
    for call in ["pread64", "pwrite64"] {
        let world = dense(World::new());
        let fault = format!("{call}:error=EINTR:when=1+2");
        // Reads of the source alone, for the loader of programs does not ask again.
        let file = (call == "pread64").then_some("a");
        let Some(interrupted) = world.cp_traced_on(file, call, &[&fault], "--reflink=never a b") else { return };
        assert!(interrupted.injected() > 1, "{call}");
        interrupted.output.succeeds();
        assert!(world.same_bytes("a", "b"), "{call}");
    }
}

/// Sources are opened with O_NONBLOCK, which some files of FUSE and tracefs heed.
#[test]
fn a_read_that_would_have_to_wait_waits() {
    let world = dense(World::new());
    let words = "--reflink=never --jobs=1 a b";
    let Some(traced) = world.cp_traced_on(Some("a"), "pread64", &["pread64:error=EAGAIN:when=2"], words) else {
        return;
    };
    assert_eq!(traced.injected(), 1);
    traced.output.succeeds();
    assert!(world.same_bytes("a", "b"));
}

#[test]
fn a_full_device_is_named_and_leaves_the_old_target() {
    for errno in [("ENOSPC", "No space left on device"), ("EDQUOT", "Disk quota exceeded"), ("EFBIG", "File too large")]
    {
        let world = dense(World::new());
        let fault = format!("pwrite64:error={}:when=3+", errno.0);
        let Some(failed) = world.cp_traced("pwrite64", &[&fault], "--reflink=never --jobs=1 a b") else { return };
        assert!(failed.injected() > 0, "{fault}");
        let quota =
            "safecp: what was not copied needs 8.0 MiB on the filesystem of '.', more than a disk quota leaves\n";
        let more = if errno.0 == "EDQUOT" { quota } else { "" };
        failed.output.fails(&format!("safecp: error writing 'b': {}\n{more}", errno.1));
        assert_eq!(world.read("b"), "old");
    }
}

#[test]
fn a_durable_copy_fails_where_any_sync_does() {
    const SYNCS: &str = "fsync,fdatasync,syncfs,sync_file_range";
    let world = dense(World::new());
    let Some(honest) = world.cp_traced(SYNCS, &[], "--durable --jobs=1 a probe") else { return };
    honest.output.succeeds();
    let mut struck = 0;
    for call in SYNCS.split(',') {
        for position in 1..=honest.count(call) {
            let world = dense(World::new());
            let fault = format!("{call}:error=EIO:when={position}");
            let Some(failed) = world.cp_traced(SYNCS, &[&fault], "--durable --jobs=1 a b") else { return };
            struck += failed.injected();
            assert_eq!(failed.output.code(), Some(1), "{fault}: {}", failed.output);
            assert!(world.read("b") == "old" || world.same_bytes("a", "b"), "{fault}");
        }
    }
    assert!(struck >= 2, "a durable copy syncs the file and its directory");
}

#[test]
fn a_durable_copy_syncs_before_it_takes_the_name() {
    let world = dense(World::new());
    let calls = "fsync,fdatasync,syncfs,rename,renameat,renameat2,linkat";
    let Some(traced) = world.cp_traced(calls, &[], "--durable --jobs=1 a b") else { return };
    traced.output.succeeds();
    let is_sync = |line: &&str| line.contains("sync(") || line.contains("syncfs(");
    let named = traced.calls.lines().position(|line| line.contains("rename") && line.contains("\"b\""));
    let named = named.unwrap_or_else(|| panic!("b was not replaced whole:\n{}", traced.calls));
    assert!(traced.calls.lines().take(named).any(|line| is_sync(&line)), "{}", traced.calls);
    assert!(traced.calls.lines().skip(named).any(|line| is_sync(&line)), "{}", traced.calls);
}

#[test]
fn a_hole_that_is_none_is_found_out_on_a_filesystem_we_do_not_trust() {
    let Some(world) = World::on("overlay") else { return };
    let island = common::random_bytes(MIB, 2);
    let islands: Vec<_> = (0..6).map(|index| (index * 4 * MIB as u64 + 1, island.as_slice())).collect();
    world.sparse("a", 24 * MIB as u64, &islands);
    for errno in ["ENXIO", "EIO", "EINVAL"] {
        for position in 1..=14 {
            let fault = format!("lseek:error={errno}:when={position}");
            // Where a file tells its extents through the overlay, the layer that it lies on may be trusted.
            let faults = [fault.as_str(), "ioctl:error=EOPNOTSUPP"];
            world.file("b", "old");
            let words = "--reflink=never --jobs=1 a b";
            let Some(lied) = world.cp_traced_on(Some("a"), "lseek,ioctl", &faults, words) else { return };
            assert_all_or_nothing(&world, &lied.output, &format!("{fault}, {} injected", lied.injected()));
        }
    }
}

#[test]
fn a_dense_file_is_copied_whole_though_its_hole_map_lies() {
    for name in ["ext4", "xfs", "btrfs", "tmpfs", "overlay"] {
        let Some(world) = World::on(name).map(dense) else { continue };
        for answer in ["error=ENXIO", "error=EIO", "retval=0", "retval=4194304", "retval=8388608"] {
            let fault = format!("lseek:{answer}");
            world.file("b", "old");
            let Some(lied) = world.cp_traced_on(Some("a"), "lseek", &[&fault], "--reflink=never a b") else { return };
            assert_all_or_nothing(&world, &lied.output, &format!("{name} {fault}, {} injected", lied.injected()));
        }
    }
}

#[test]
fn a_copy_that_the_kernel_says_it_made_is_not_believed() {
    for (answer, name) in
        [("retval=8388608", "ext4"), ("retval=0", "xfs"), ("error=EINVAL", "btrfs"), ("error=EXDEV", "tmpfs")]
    {
        let Some(world) = World::on(name).map(dense) else { continue };
        let fault = format!("copy_file_range:{answer}");
        let Some(lied) = world.cp_traced("copy_file_range", &[&fault], "a b") else { return };
        lied.output.succeeds();
        assert!(world.same_bytes("a", "b"), "{name} {answer}");
    }
}

#[test]
fn the_engine_never_lets_the_kernel_move_bytes_unseen() {
    let world = dense(World::new());
    let Some(traced) = world.cp_traced("sendfile,splice,tee,vmsplice", &[], "--reflink=never a b") else { return };
    traced.output.succeeds();
    assert_eq!(traced.calls, "", "GNU's lesson: what did not pass through our hands cannot be hashed");
}

#[test]
fn a_name_that_cannot_be_given_leaves_the_old_target() {
    let naming = "linkat,link,rename,renameat,renameat2";
    let faults: Vec<_> = naming.split(',').map(|call| format!("{call}:error=EIO")).collect();
    let faults: Vec<_> = faults.iter().map(String::as_str).collect();
    for target in ["b", "new"] {
        let world = dense(World::new());
        let Some(failed) = world.cp_traced(naming, &faults, &format!("a {target}")) else { return };
        assert!(failed.injected() > 0);
        failed.output.fails_with(&[&format!("'{target}'"), "Input/output error"]);
        assert_eq!((world.read("b"), world.exists("new")), ("old".to_owned(), false));
    }
}

#[test]
fn a_filesystem_without_nameless_files_gets_a_temporary_name() {
    for target in ["b", "new"] {
        let world = dense(World::new());
        let Some(honest) = world.cp_traced("openat,openat2", &[], &format!("--jobs=1 a {target}")) else { return };
        honest.output.succeeds();
        let world = dense(World::new());
        let calls = ["openat", "openat2"].map(|call| (call, honest.position(call, "O_TMPFILE")));
        let Some((call, position)) = calls.into_iter().find_map(|(call, position)| Some((call, position?))) else {
            assert!(honest.calls.contains(".safecp-"), "neither O_TMPFILE nor a temporary name:\n{}", honest.calls);
            continue;
        };
        let fault = format!("{call}:error=EOPNOTSUPP:when={position}");
        let Some(traced) = world.cp_traced("openat,openat2", &[&fault], &format!("--jobs=1 a {target}")) else {
            return;
        };
        assert_eq!(traced.injected(), 1);
        traced.output.succeeds();
        assert!(traced.calls.contains(".safecp-"), "{}", traced.calls);
        assert!(world.same_bytes("a", target));
    }
}

#[test]
fn whatever_call_fails_of_a_tree_nothing_is_wrong_in_silence() {
    let world = World::new();
    let make = |world: &World| {
        world
            .dir("s/d")
            .random("s/d/dense", 300_000, 1)
            .file("s/d/second", "2")
            .symlink("second", "s/d/link")
            .fifo("s/d/f");
        world.sparse("s/d/holes", 1 << 20, &[(500_000, b"island")]).link("s/d/second", "s/hard");
    };
    make(&world);
    // Not asked of getxattr and its kind, whose failure -a takes in silence, nor of unlinkat, which removes temporaries.
    let calls = "openat,openat2,statx,newfstatat,fstat,fstatfs,lseek,fallocate,ftruncate,pread64,pwrite64,read,fchmod,\
                 fchmodat,fchown,fchownat,utimensat,linkat,renameat2,renameat,rename,close,getdents64,copy_file_range,\
                 readlinkat,symlinkat,mkdirat,mknodat,ioctl,fsync,fadvise64";
    let Some(honest) = world.cp_traced(calls, &[], "-a --jobs=1 s probe") else { return };
    honest.output.succeeds();
    world.assert_same_tree("s", "probe");
    for call in calls.split(',') {
        let count = honest.count(call);
        // The first and the last calls, and some between.
        let mut positions: Vec<_> = (1..=count.min(12)).chain((13..=count).step_by(7)).collect();
        positions.truncate(30);
        for position in positions {
            let target = format!("t-{call}-{position}");
            let fault = format!("{call}:error=EIO:when={position}");
            let Some(failed) = world.cp_traced(call, &[&fault], &format!("-a --jobs=1 s {target}")) else { return };
            if failed.output.code() == Some(0) {
                world.assert_same_tree("s", &target);
            } else {
                assert!(failed.output.stderr.contains(": "), "{fault}: it says nothing: {}", failed.output);
            }
        }
    }
}

#[test]
fn verify_none_and_device_copy_the_same_bytes() {
    for verify in ["none", "content", "device"] {
        let world = World::new();
        world.every_kind("s").cp(&format!("-a --verify={verify} s t")).succeeds();
        world.assert_same_tree("s", "t");
    }
}

#[test]
fn verify_content_reads_the_target_back_and_none_does_not() {
    let world = dense(World::new());
    let read = |verify: &str| -> Option<u64> {
        let words = format!("--reflink=never --jobs=1 --remove-destination --verify={verify} a b");
        let traced = world.cp_traced("pread64,preadv,preadv2,read", &[], &words)?;
        traced.output.succeeds();
        Some(["pread64", "preadv", "preadv2", "read"].iter().flat_map(|call| traced.results(call)).sum())
    };
    let (Some(content), Some(none)) = (read("content"), read("none")) else { return };
    let size = 8 * MIB as u64;
    assert!(content >= 2 * size, "{content} bytes were read of source and target");
    assert!((size..size + MIB as u64).contains(&none), "{none} bytes were read of the source alone");
}

#[test]
fn verify_device_is_refused_or_done_on_each_filesystem() {
    for filesystem in common::filesystems() {
        let world = dense(World::within(&filesystem.path));
        let output = world.cp("--verify=device a b");
        // tmpfs has no device to read from, and overlayfs does not tell what it keeps: there it may say so.
        if ["tmpfs", "overlay"].contains(&filesystem.name.as_str()) && output.code() == Some(1) {
            output.fails_with(&["cannot prove that 'b' is read back from its device"]);
            assert_eq!(world.read("b"), "old");
        } else {
            assert_eq!(output.code(), Some(0), "{}: {output}", filesystem.name);
            assert!(world.same_bytes("a", "b"), "{}", filesystem.name);
        }
    }
}

#[test]
fn verification_takes_only_its_three_words() {
    let world = dense(World::new());
    world.cp("--verify=bogus a b").fails_with(&["bogus", "--verify"]);
    assert_eq!(world.read("b"), "old");
}

/// A filter of system calls may keep a filesystem from being asked for: its hints are those of an unknown one then.
#[test]
fn a_filesystem_that_cannot_be_asked_for_is_copied_from() {
    let world = World::new();
    world.dir("s").random("s/a", 300_000, 1).sparse("s/b", 1 << 20, &[(500_000, b"data")]).link("s/a", "s/c");
    for error in ["EPERM", "ENOSYS"] {
        let fault = format!("fstatfs:error={error}:when=1+");
        let Some(traced) = world.cp_traced("fstatfs", &[&fault], "-a s d") else { return };
        assert!(traced.injected() > 0);
        traced.output.succeeds();
        world.tool("bash", ["-c", "set -e; diff -r s d; test d/a -ef d/c; rm -r d"]);
    }
}

#[test]
fn digests_are_those_of_source_and_target_read_again_when_everything_is_written() {
    if !common::has_tool("b3sum") {
        return;
    }
    let world = World::new();
    world.random("a", 3 << 20, 1).sparse("s", 2 << 20, &[(1 << 20, b"an island")]).file("e", "");
    for name in ["a", "s", "e"] {
        let said = world.cp(&format!("--verify=blake3 --debug {name} copy")).succeeds().stdout.clone();
        let sum = world.tool("b3sum", ["--no-names", name]);
        assert!(said.contains("verified: blake3") && said.contains(sum.trim()), "{sum}{said}");
        assert!(world.same_bytes(name, "copy"));
    }
    // The last write is answered before the first of both is read again.
    let Some(traced) = world.cp_traced("pwrite64,pread64", &[], "--verify=blake3 --jobs=1 a b") else { return };
    let calls: Vec<&str> = traced.calls.lines().collect();
    let last = calls.iter().rposition(|line| line.contains("pwrite64")).expect("writes");
    let again: u64 = traced.results("pread64").iter().sum();
    assert!(again >= 9 << 20, "the source twice, and the target once:\n{}", traced.calls);
    assert!(calls[last..].iter().filter(|line| line.contains("pread64")).count() >= 48, "{}", traced.calls);
}

#[test]
fn what_differs_by_its_digest_is_found_out() {
    let world = World::new();
    world.random("a", 1 << 20, 1);
    // A write that says it was done and was not.
    let fault = "pwrite64:retval=131072:when=3";
    let Some(lied) = world.cp_traced("pwrite64", &[fault], "--verify=blake3 --jobs=1 a b") else { return };
    lied.output.succeeds();
    assert!(world.same_bytes("a", "b"));
    let Some(lied) = world.cp_traced("pwrite64", &["pwrite64:retval=131072:when=3+"], "--verify=blake3 --jobs=1 a c")
    else {
        return;
    };
    lied.output.fails_with(&["verification failed: 'c' differs from 'a'", "; 'c' was not created. Copy it again"]);
    assert!(!world.exists("c"));
}

#[test]
fn a_wrong_copy_is_said_to_leave_what_it_leaves() {
    let world = World::new();
    world.random("a", 1 << 20, 1).file("old", "old");
    let fault = "pwrite64:retval=131072:when=3+";
    let Some(lied) = world.cp_traced("pwrite64", &[fault], "--jobs=1 a old") else { return };
    lied.output.fails_with(&["; 'old' is what it was before. Copy it again"]);
    assert_eq!(world.read("old"), "old");
    let Some(lied) = world.cp_traced("pwrite64", &[fault], "--in-place --jobs=1 a old") else { return };
    lied.output.fails_with(&["; 'old' was written in place and holds wrong bytes. Copy it again"]);
    assert!(!world.same_bytes("a", "old"));
}
