//! What --durable and --verify=device promise: every target that they are said of was written out, on something that
//! keeps it, and came back from there. Where that cannot be had the exit status is 1.

mod common;
use common::{World, has_tool, left_out};

/// A block device of 16 MiB in a file, of which `room` can be kept; `$device` in the script.
fn on_a_device(world: &World, room: &str, script: &str) -> Option<common::Output> {
    let attach = format!(
        "mkdir full; mount -t tmpfs -o size={room} none full; truncate -s 16M full/disk; \
         device=$(losetup -f --show full/disk) || exit 77; trap 'losetup -d $device' EXIT; {script}"
    );
    let output = world.shell_with_mounts(&attach);
    if output.code() == Some(77) {
        left_out("needs loop devices");
        return None;
    }
    Some(output)
}

#[test]
fn a_block_device_that_loses_what_it_took_is_an_error() {
    for options in ["", "--durable", "--verify=device", "--durable --verify=none"] {
        let Some(world) = World::with_mounts("a loop device") else { return };
        world.random("a", 8 << 20, 1);
        let Some(output) = on_a_device(&world, "2m", &format!("$safecp {options} a $device")) else { return };
        output.fails_with(&["cannot fsync '/dev/loop", "Input/output error"]);
    }
}

#[test]
fn a_block_device_is_read_back() {
    if !has_tool("strace") {
        return;
    }
    // A write says that all of it was taken, and nothing arrives: once, which is mended, and each time.
    for (when, code) in [("when=2", 0), ("when=1+", 1)] {
        let lied = format!(
            "strace -f -qq -o /dev/null -P $device -e inject=write,pwrite64:retval=131072:{when} -- $safecp a $device"
        );
        let script =
            format!("code=0; {lied} || code=$?; test $code = {code}; test $code = 1 || cmp -n 1048576 a $device");
        let Some(world) = World::with_mounts("a loop device") else { return };
        world.random("a", 1 << 20, 1);
        let Some(output) = on_a_device(&world, "32m", &script) else { return };
        assert_eq!(output.code(), Some(0), "{when}: {output}");
        let is_said = output.stderr.contains("verification failed: '/dev/loop");
        assert_eq!(is_said, code == 1, "{when}: {output}");
    }
}

#[test]
fn a_block_device_holds_the_file_after_each_kind_of_verification() {
    for options in ["", "--verify=device", "--durable", "--sparse=always", "--verify=none"] {
        let Some(world) = World::with_mounts("a loop device") else { return };
        world.sparse("a", 5_000_001, &[(0, b"head"), (4_000_000, b"island")]);
        let script = format!(
            "tr '\\0' x < /dev/zero | head -c 16M > $device; $safecp {options} --debug a $device; cmp -n 5000001 a $device"
        );
        let Some(output) = on_a_device(&world, "32m", &script) else { return };
        assert_eq!(output.code(), Some(0), "{options}: {output}");
        let verified = match options {
            "--verify=device" => "verified: device",
            "--verify=none" => "verified: no,",
            _ => "verified: content",
        };
        assert!(output.stdout.contains(verified), "{options}: {output}");
    }
}

#[test]
fn what_is_no_file_on_a_disk_is_neither_durable_nor_proved() {
    let world = World::new();
    world
        .file("a", "content")
        .cp("--durable a /dev/null")
        .fails("safecp: cannot fsync '/dev/null': Invalid argument\n");
    world.cp("--verify=device a /dev/null").fails_with(&["cannot prove that '/dev/null' is read back from its device"]);
}

#[test]
fn a_filesystem_in_memory_makes_nothing_durable() {
    let Some(world) = World::with_mounts("tmpfs and ramfs") else { return };
    world.file("a", "new").dir("m").dir("s").fifo("s/fifo").dir("empty");
    for kind in ["tmpfs", "ramfs"] {
        for words in
            ["a m/b", "-l m/old m/link", "-s $PWD/a m/link", "-r empty m/d", "-a s/fifo m/f", "--in-place a m/old"]
        {
            let script = format!(
                "mount -t {kind} none m; echo old > m/old; status=0; $safecp --durable {words} || status=$?; cat m/old; exit $status"
            );
            let output = world.shell_with_mounts(&script);
            output.fails_with(&["cannot make 'm/", &format!("durable: {kind} keeps it in memory")]);
            assert_eq!(output.stdout, "old\n", "{kind} {words}");
        }
    }
}

#[test]
fn an_overlay_that_writes_nothing_out_makes_nothing_durable() {
    let Some(world) = World::with_mounts("overlayfs") else { return };
    world.file("a", "new").dir("lower").dir("m").dir("memory");
    let overlay = |options: &str, upper: &str| {
        format!(
            "layers=$(mktemp -d {upper}/XXXX); mkdir $layers/upper $layers/work; \
             mount -t overlay -o {options}lowerdir=lower,upperdir=$layers/upper,workdir=$layers/work none m || exit 77"
        )
    };
    // One that was volatile is not mounted again.
    let run = |before: &str, overlay: String, words: &str| {
        world.shell_with_mounts(&format!("{before}; {overlay}; exec $safecp --durable {words}"))
    };
    let probe = run("true", overlay("volatile,", "."), "--help");
    if probe.code() == Some(77) {
        return left_out("needs an overlay on the filesystem of the temporary files");
    }
    for words in ["a m/b", "-s $PWD/a m/link"] {
        let why = "durable: overlayfs is mounted there with 'volatile'";
        run("true", overlay("volatile,", "."), words).fails_with(&["cannot make 'm/", why]);
        let why = "durable: what the upper layer of overlayfs lies on cannot be told";
        run("mount -t tmpfs none memory", overlay("", "memory"), words).fails_with(&["cannot make 'm/", why]);
    }
}

#[test]
fn a_further_name_is_durable_with_the_file_that_has_it() {
    let world = World::new();
    world.file("a", "content");
    let Some(honest) = world.cp_traced("fsync,syncfs", &[], "-l --durable a probe") else { return };
    honest.output.succeeds();
    assert!(honest.count("fsync") >= 2, "the file and its directory:\n{}", honest.calls);
    let Some(failed) = world.cp_traced("fsync", &["fsync:error=EIO:when=1"], "-l --durable a b") else { return };
    failed.output.fails("safecp: cannot fsync 'b': Input/output error\n");
}

#[test]
fn links_and_nodes_are_durable_with_their_filesystem() {
    let world = World::new();
    world.file("a", "content").symlink("a", "link").fifo("fifo");
    for words in ["-s --durable a b", "-a --durable link b", "-a --durable fifo b"] {
        let Some(failed) = world.cp_traced("syncfs", &["syncfs:error=EIO"], words) else { return };
        assert_eq!(failed.injected(), 1, "{words}: {}", failed.output);
        failed.output.fails("safecp: cannot fsync 'b': Input/output error\n");
        std::fs::remove_file(world.path("b")).expect("what was made stays");
        world.cp(words).succeeds();
        std::fs::remove_file(world.path("b")).expect("what was made");
    }
}

#[test]
fn a_filesystem_without_fsync_takes_copies_that_need_not_be_durable() {
    for (errno, reason) in [
        ("ENOSYS", "Function not implemented"),
        ("EINVAL", "Invalid argument"),
        ("EOPNOTSUPP", "Operation not supported"),
    ] {
        let world = World::new();
        world.file("a", "new").file("b", "old");
        let fault = format!("fsync:error={errno}");
        let Some(refused) = world.cp_traced("fsync", &[&fault], "--durable a b") else { return };
        refused.output.fails(&format!("safecp: cannot fsync 'b': {reason}\n"));
        assert_eq!(world.read("b"), "old", "{errno}");
        let Some(done) = world.cp_traced("fsync", &[&fault], "--debug a b") else { return };
        assert_eq!(done.output.code(), Some(0), "{errno}: {}", done.output);
        assert!(done.output.stdout.contains(&format!("replaced, not synced: {reason},")), "{}", done.output);
        assert_eq!(world.read("b"), "new", "{errno}");
    }
}

/// btrfs keeps a file of up to 2,048 bytes in its metadata, which no request drops from memory.
#[test]
fn a_small_file_is_read_back_from_the_device() {
    let Some(world) = World::on("btrfs") else { return };
    let is_inline = |name: &str| world.tool("filefrag", ["-sv", name]).contains("inline");
    world.random("a", 1000, 1).cp("a plain").succeeds();
    assert!(is_inline("plain"), "btrfs does not keep this file in its metadata");
    for options in ["", "--in-place", "--reflink=never"] {
        world.file("b", "old").cp(&format!("--verify=device {options} a b")).succeeds();
        assert!(world.same_bytes("a", "b") && !is_inline("b"), "{options}");
    }
    world.file("several", "old").link("several", "names").cp("--verify=device a several").succeeds();
    assert!(world.same_bytes("a", "names") && !is_inline("names"));
    let Some(refused) = world.cp_traced("fallocate", &["fallocate:error=EOPNOTSUPP"], "--verify=device a c") else {
        return;
    };
    refused
        .output
        .fails("safecp: cannot prove that 'c' is read back from its device: btrfs keeps it within its metadata\n");
    assert!(!world.exists("c"));
}

#[test]
fn directories_are_written_out_together_and_the_right_one_fails() {
    const DIRECTORIES: usize = 10;
    let Some(world) = World::on("ext4") else { return };
    world.dir("s");
    for number in 0..DIRECTORIES {
        world.dir(&format!("s/{number}")).file(format!("s/{number}/f"), "content");
    }
    let words = |target: &str| format!("-r --durable --jobs=1 s {target}");
    let Some(together) = world.cp_traced("fsync,syncfs", &[], &words("a")) else { return };
    together.output.succeeds();
    // The files, the directories; and the one that all lie in.
    assert_eq!((together.count("syncfs"), together.count("fsync")), (2, 1), "{}", together.calls);
    // What a filesystem does not tell is asked of each: ten files, eleven directories, and the one that all lie in.
    let each = world.cp_traced("fsync,syncfs", &["syncfs:error=EIO"], &words("b")).expect("strace");
    each.output.succeeds();
    assert_eq!(each.count("fsync"), 2 * DIRECTORIES + 2, "{}", each.calls);
    let faults = ["syncfs:error=EIO", "fsync:error=EIO:when=12"];
    let one = world.cp_traced("fsync,syncfs", &faults, &words("c")).expect("strace");
    assert_eq!(one.injected(), 3, "{}", one.calls);
    let said: Vec<&str> = one.output.stderr.lines().collect();
    assert_eq!(one.output.code(), Some(1), "{}", one.output);
    assert!(matches!(said[..], [line] if line.starts_with("safecp: cannot fsync 'c/")), "{}", one.output);
}
