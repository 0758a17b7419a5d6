//! Several targets (`-t DIR1 -t DIR2`): each gets everything and is right by itself, and what fails in one stops no other.

mod common;

use common::{Output, World, filesystems, has_tool, left_out};
use rustix::process::Signal;
use std::fs;
use std::os::unix::fs::MetadataExt;

/// `b` is an ext4 of 64 MiB in a file on a tmpfs of this size; `$device` is its loop device.
fn with_a_disk(world: &World, room: &str, script: &str) -> Option<Output> {
    if !has_tool("mkfs.ext4") {
        left_out("needs mkfs.ext4");
        return None;
    }
    let attach = format!(
        "mkdir store; mount -t tmpfs -o size={room} none store; truncate -s 64M store/image
         mkfs.ext4 -qF -E nodiscard,lazy_itable_init=1 store/image
         device=$(losetup -f --show store/image) || exit 77; trap 'umount b || true; losetup -d $device' EXIT
         mount $device b || exit 77; {script}"
    );
    let output = world.shell_with_mounts(&attach);
    if output.code() == Some(77) {
        left_out("needs loop devices");
        return None;
    }
    Some(output)
}

/// Of some directories, some files in each, and a large one.
fn tree(world: &World) -> &World {
    world.dir("s/0").dir("s/1").dir("s/2").random("s/large", 3_000_001, 7);
    for number in 0..30 {
        world.random(&format!("s/{}/{number}", number % 3), 5000, number);
    }
    world
}

#[test]
fn every_target_gets_every_kind_of_entry() {
    for filesystem in filesystems() {
        let world = World::within(&filesystem.path);
        world.every_kind("s").dir("a").dir("b").dir("c");
        world.cp("-a -t a --target-directory=b --targ c s").succeeds();
        for target in ["a/s", "b/s", "c/s"] {
            world.assert_same_tree("s", target);
        }
    }
}

/// One clones where the other streams.
#[test]
fn targets_may_lie_on_different_filesystems() {
    for filesystem in filesystems() {
        let (world, here) = (World::within(&filesystem.path), World::new());
        world.every_kind("s").random("s/whole", 1 << 20, 3).dir("a");
        let there = here.dir("b").path("b");
        for option in ["--jobs=2", "--verify=blake3", "--hints=never", "--jobs=1"] {
            world.cp_args(["-a", option, "-t", "a", "-t", &there.to_string_lossy(), "s"]).succeeds();
            world.assert_same_tree("s", "a/s");
            world.assert_same_tree("s", &there.join("s").to_string_lossy());
            fs::remove_dir_all(world.path("a/s")).expect("rm");
            fs::remove_dir_all(there.join("s")).expect("rm");
        }
    }
}

#[test]
fn hard_links_are_kept_in_each() {
    let world = World::new();
    world.dir("s").dir("a").dir("b").file("s/one", "1").link("s/one", "s/two").link("s/one", "three");
    world.cp("-a -t a -t b s three").succeeds();
    for target in ["a", "b"] {
        let inode = world.inode(&format!("{target}/s/one"));
        for name in ["s/two", "three"] {
            assert_eq!(world.inode(&format!("{target}/{name}")), inode, "{target}/{name}");
        }
        assert_eq!(world.stat(&format!("{target}/three")).nlink(), 3);
    }
}

#[test]
fn what_is_said_names_the_target() {
    let world = World::new();
    world.dir("a").dir("b").file("x", "1");
    let said = world.cp("-v -t a -t b x");
    let mut lines: Vec<&str> = said.succeeds().stdout.lines().collect();
    lines.sort_unstable();
    assert_eq!(lines, ["'x' -> 'a/x'", "'x' -> 'b/x'"]);
}

#[test]
fn each_target_is_asked_about() {
    let world = World::new();
    world.dir("a").dir("b").file("x", "new").file("a/x", "old").file("b/x", "old");
    let asked = world.cp_answered("-i -t a -t b x", "n\nn\n");
    assert!(asked.stderr.contains("safecp: overwrite 'a/x'? ") && asked.stderr.contains("safecp: overwrite 'b/x'? "));
    assert_eq!((asked.code(), world.read("a/x"), world.read("b/x")), (Some(1), "old".into(), "old".into()));
    assert_eq!(world.cp_answered("-i -t a -t b x", "y\ny\n").code(), Some(0));
    assert_eq!((world.read("a/x"), world.read("b/x")), ("new".into(), "new".into()));
}

#[test]
fn a_source_that_cannot_be_copied_is_told_once_and_fails_in_all() {
    let world = World::new();
    world.dir("a").dir("b").file("x", "1");
    world.cp("-t a -t b gone x").fails(
        "safecp: cannot stat 'gone': No such file or directory\n\
         safecp: target directory 'a' is incomplete: 1 failure\n\
         safecp: target directory 'b' is incomplete: 1 failure\n",
    );
    assert!(world.same_bytes("x", "a/x") && world.same_bytes("x", "b/x"));
}

#[test]
fn what_can_be_read_once_is_not_shared_out() {
    let world = World::new();
    world.dir("a").dir("b").fifo("p");
    let script =
        "exec 3<>p; echo whole >&3; $safecp -t a -t b p; status=$?; read -r line <&3; echo $status $line; ls a b";
    let refused = world.shell(script);
    refused.says("1 whole\na:\n\nb:\n");
    let words = "safecp: cannot copy 'p' to several targets: it can be read only once\n";
    assert!(refused.stderr.starts_with(words), "{refused}");
    world.shell("echo whole | $safecp -t a -t b /dev/stdin").fails_with(&["'/dev/stdin'", "read only once"]);
    // A file is read by each from its beginning, and a fifo of a tree is made, not read.
    world.file("f", "all of it").shell("$safecp -t a -t b /dev/stdin <f; $safecp -a -t a -t b p").succeeds();
    assert_eq!((world.read("a/stdin"), world.read("b/stdin")), ("all of it".into(), "all of it".into()));
    assert!(world.exists("a/p") && world.exists("b/p"));
}

#[test]
fn targets_that_meet_are_refused_and_nothing_is_copied() {
    let world = World::new();
    world.dir("a/deep/er").dir("b").dir("c").symlink("a", "l").file("x", "1");
    for (second, sentence) in [
        ("a", "target directory 'a' specified more than once"),
        ("a//", "target directory 'a' specified more than once"),
        ("./a", "target directories 'a' and './a' are the same"),
        ("l", "target directories 'a' and 'l' are the same"),
        ("a/deep/er", "target directory 'a/deep/er' lies within target directory 'a'"),
    ] {
        world.cp(&format!("-t b -t a -t {second} x")).fails(&format!("safecp: {sentence}\n"));
        assert!(!world.exists("a/x") && !world.exists("b/x"), "{second}");
    }
    world.cp("-t . -t a x").fails("safecp: target directory 'a' lies within target directory '.'\n");
    world.cp("-t gone -t gone x").fails("safecp: target directory 'gone' specified more than once\n");
    // A source's own directory is a target like any other.
    let script = "cd c && mv ../x . && $safecp -t . -t ../b x";
    world.shell(script).fails_with(&["'x' and './x' are the same file"]);
    assert!(world.same_bytes("c/x", "b/x"));
}

#[test]
fn gnus_errors_stay() {
    let world = World::new();
    world.dir("a").dir("b").file("x", "1");
    let combined = "cannot combine --target-directory (-t) and --no-target-directory (-T)\n";
    world.cp("-t a -t b -T x").fails(&format!("safecp: {combined}"));
    for program in ["cp", "mv", "install"] {
        let refused = world.shell(&format!("exec -a {program} $safecp -t a -t b x"));
        let said = format!("{program}: multiple target directories specified\n");
        assert!(refused.code() == Some(1) && refused.stderr.starts_with(&said), "{refused}");
    }
    world.cp("-t a x").succeeds();
    assert_eq!((world.exists("a/x"), world.exists("b/x")), (true, false));
}

#[test]
fn a_target_that_is_gone_leaves_the_others_right() {
    let world = World::new();
    tree(&world).dir("a").file("no", "directory");
    world.cp("-a -t gone -t a -t no s").fails_with(&["target directory 'gone': No such file or directory"]);
    world.assert_same_tree("s", "a/s");
    fs::remove_dir_all(world.path("a/s")).expect("rm");
    let output = world.cp("-a -t no -t a s");
    output.fails(
        "safecp: target directory 'no': Not a directory\n\
         safecp: target directory 'no' is incomplete: 1 failure\n\
         safecp: target directory 'a' is complete\n",
    );
    world.assert_same_tree("s", "a/s");
}

#[test]
fn a_target_that_is_full_leaves_the_others_right() {
    let Some(world) = World::with_mounts("mounting a small filesystem") else { return };
    tree(&world).dir("a").dir("b").dir("c");
    let script = "mount -t tmpfs -o size=1m none b; status=0; $safecp -a --jobs=1 -t a -t b -t c s || status=$?
        diff -r s a/s && diff -r s c/s && echo status $status; [[ ! -e b/s/large ]] && cmp s/0/0 b/s/0/0";
    let output = world.shell_with_mounts(script);
    output.says("status 1\n");
    let words = "safecp: error writing 'b/s/large': No space left on device\n\
                 safecp: target directory 'a' is complete\n\
                 safecp: target directory 'b' is incomplete: 1 failure\n\
                 safecp: target directory 'c' is complete\n";
    let (missing, said): (Vec<&str>, Vec<&str>) =
        output.stderr.lines().partition(|line| line.contains(" on the filesystem of 'b/s', where "));
    assert_eq!((said.join("\n") + "\n", missing.len()), (words.to_owned(), 1), "{output}");
}

#[test]
fn a_target_that_is_read_only_leaves_the_others_right() {
    let Some(world) = World::with_mounts("mounting a read-only filesystem") else { return };
    tree(&world).dir("a").dir("b");
    let script = "mount -t tmpfs -o ro none b; status=0; $safecp -a --durable -t b -t a s || status=$?
        diff -r s a/s && echo status $status";
    let output = world.shell_with_mounts(script);
    output.says("status 1\n");
    let words = "safecp: cannot create directory 'b/s': Read-only file system\n\
                 safecp: target directory 'b' is incomplete: 1 failure\n\
                 safecp: target directory 'a' is complete\n";
    assert_eq!(output.stderr, words);
}

/// The run of `b` waits for an answer while its disk goes.
#[test]
fn a_target_that_is_unplugged_meanwhile_leaves_the_others_right() {
    let Some(world) = World::with_mounts("a disk in a file") else { return };
    tree(&world).dir("a").dir("b");
    let script = "mkdir -p b/s/0; echo old >b/s/0/0; status=0
        answer() { until diff -rq s a/s >/dev/null 2>&1; do sleep 0.1; done; mount -o remount,abort b; echo y; }
        answer | $safecp -ai -t b -t a s || status=$?
        diff -r s a/s; echo status $status; cat b/s/0/0";
    let Some(output) = with_a_disk(&world, "80m", script) else { return };
    output.says("status 1\nold\n");
    assert!(output.stderr.contains("safecp: target directory 'b' is incomplete: "), "{output}");
    assert!(output.stderr.ends_with("safecp: target directory 'a' is complete\n"), "{output}");
}

#[test]
fn a_disk_that_keeps_nothing_is_told_of_by_its_own_target() {
    let Some(world) = World::with_mounts("a disk in a file") else { return };
    tree(&world).random("s/more", 8 << 20, 9).dir("a").dir("b");
    let script = "sync -f b; head -c 200M /dev/zero >store/rest 2>&- || true; status=0
        $safecp -a --durable -t b -t a s || status=$?; diff -r s a/s && echo status $status";
    let Some(output) = with_a_disk(&world, "16m", script) else { return };
    output.says("status 1\n");
    assert!(output.stderr.contains("safecp: target directory 'b' is incomplete: "), "{output}");
}

/// A frozen filesystem lets nobody write until it is thawed.
#[test]
fn a_slow_target_holds_no_other() {
    let Some(world) = World::with_mounts("a disk in a file") else { return };
    tree(&world).dir("a").dir("b");
    let script = "fsfreeze -f b; trap 'fsfreeze -u b 2>&- || true; umount b || true; losetup -d $device' EXIT
        $safecp -a -t b -t a s & copy=$!
        for try in {1..300}; do ! diff -rq s a/s >/dev/null 2>&1 || break; sleep 0.1; done
        diff -r s a/s; ls b; kill -0 $copy && echo it waits; fsfreeze -u b
        wait $copy; diff -r s b/s && echo both are right";
    let Some(output) = with_a_disk(&world, "80m", script) else { return };
    output.succeeds().says("lost+found\nit waits\nboth are right\n");
}

/// What one has read from the device the other finds in the page cache.
#[test]
fn sources_are_read_from_their_device_once() {
    let Some(world) = World::with_mounts("a disk in a file") else { return };
    world.dir("a").dir("b").dir("c");
    let script = "mkdir b/s; for number in {1..200}; do head -c 100000 /dev/urandom >b/s/$number; done
        head -c 20000000 /dev/urandom >b/s/large; sectors() { read -r _ _ count _ <${device/dev/sys\\/block}/stat; }
        mount -t tmpfs none a; mount -t tmpfs none c
        again() { umount b; blockdev --flushbufs $device; mount $device b; sectors; echo $count; }
        again; cat b/s/* >/dev/null; sectors; echo $count
        again; $safecp -a -t a -t c b/s; sectors; echo $count; diff -r b/s a/s; diff -r b/s c/s";
    let Some(output) = with_a_disk(&world, "80m", script) else { return };
    let counts: Vec<f64> =
        output.succeeds().stdout.lines().map(|line| line.parse().expect("a number of sectors")).collect();
    let [before, after, again, last] = counts[..] else { panic!("{output}") };
    assert!(after - before > 70_000.0, "cat reads all: {output}");
    assert!(last - again < 1.1 * (after - before), "once, and not twice: {output}");
}

#[test]
fn a_manifest_lists_the_first_target_that_is_right() {
    let world = World::new();
    tree(&world).dir("a").dir("b").dir("single");
    world.cp("-a --manifest=expected -t single s").succeeds();
    for format in ["mtree", "b3sum", "sha256sum"] {
        world.cp(&format!("-a --manifest=expected --manifest-format={format} -t single s")).succeeds();
        world.cp(&format!("-a --manifest=list --manifest-format={format} -t a -t b s")).succeeds();
        world.tool("cmp", ["expected", "list"]);
        fs::remove_file(world.path("list")).expect("rm");
        let output = world.cp(&format!("-a --manifest=list --manifest-format={format} -t gone -t b s"));
        output.fails(
            "safecp: target directory 'gone': No such file or directory\n\
             safecp: 'list' lists what is in target directory 'b'\n\
             safecp: target directory 'gone' is incomplete: 1 failure\n\
             safecp: target directory 'b' is complete\n",
        );
        world.tool("cmp", ["expected", "list"]);
    }
    let world = World::new();
    tree(&world).dir("a").dir("b").cp("-a --manifest=list -t a -t b s").succeeds();
    for target in ["a", "b"] {
        assert_eq!(world.cp(&format!("--check list {target}")).code(), Some(0));
    }
}

#[test]
fn what_was_interrupted_goes_on_in_each() {
    let world = World::new();
    tree(&world).dir("a").dir("b");
    world.tool("cp", ["-a", "s", "a"]);
    world.tool("cp", ["-a", "s", "b"]);
    world.rot("a/s/large", 2_000_000, b"rot");
    fs::remove_file(world.path("b/s/1/1")).expect("rm");
    let (whole, rotten) = (world.inode("b/s/large"), world.inode("a/s/large"));
    world.cp("-a --resume --durable -t a -t b s").succeeds();
    world.assert_same_tree("s", "a/s");
    world.assert_same_tree("s", "b/s");
    assert_eq!(world.inode("b/s/large"), whole, "it was right");
    assert_ne!(world.inode("a/s/large"), rotten, "it was not");
}

#[test]
fn each_is_verified_from_its_own_device() {
    let Some(world) = World::with_mounts("a disk in a file") else { return };
    tree(&world).dir("a").dir("b");
    let script = "mkdir b/1; mount -t tmpfs none a; status=0
        $safecp -a --verify=device -t b/1 -t a s || status=$?; diff -r s b/1/s && echo status $status";
    let Some(output) = with_a_disk(&world, "80m", script) else { return };
    // A tmpfs has no device.
    output.says("status 1\n");
    assert!(output.stderr.contains("safecp: target directory 'b/1' is complete\n"), "{output}");
    assert!(output.stderr.contains("safecp: target directory 'a' is incomplete: "), "{output}");
}

#[test]
fn a_signal_ends_all_runs() {
    let world = World::new();
    world.dir("s").dir("a").dir("b");
    for number in 0..4 {
        world.random(&format!("s/{number}"), 40 << 20, number);
    }
    let mut running = world.start("-a --hints=never -t a -t b s");
    running.wait_for_bytes_written(1 << 20);
    running.signal(Signal::INT);
    let output = running.finish();
    assert_eq!((output.signal(), output.stderr.as_str()), (Some(2), ""), "{output}");
    assert!(world.temporaries().is_empty());
}

/// Without threads one target comes after the other.
#[test]
fn little_memory_and_no_threads_are_enough() {
    let world = World::new();
    tree(&world).dir("a").dir("b").dir("c");
    for limit in ["-v 400000", "-u 1"] {
        let script = format!("ulimit {limit}; exec $safecp -a --jobs=4 -t a -t b -t c s");
        world.shell(&script).succeeds();
        for target in ["a/s", "b/s", "c/s"] {
            world.assert_same_tree("s", target);
            fs::remove_dir_all(world.path(target)).expect("rm");
        }
    }
}

/// The runs share what handles there are.
#[test]
fn few_handles_are_enough_for_all() {
    let world = World::new();
    let targets: Vec<String> = (0..6).map(|number| format!("t{number}")).collect();
    let mut path = "s".to_owned();
    for level in 0..40 {
        path.push_str("/d");
        world.dir(&path);
        for number in 0..4 {
            world.file(format!("{path}/{number}"), format!("{level} {number}"));
        }
    }
    let words: Vec<String> = targets.iter().map(|target| format!("-t {target}")).collect();
    targets.iter().for_each(|target| _ = world.dir(target));
    for limit in [100, 200] {
        let script = format!("ulimit -n {limit}; exec $safecp -a --durable --jobs=8 {} s", words.join(" "));
        world.shell(&script).succeeds();
        for target in &targets {
            world.assert_same_tree("s", &format!("{target}/s"));
            fs::remove_dir_all(world.path(target).join("s")).expect("rm");
        }
    }
}
