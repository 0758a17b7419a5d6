//! A full filesystem: GNU's line for each name that found no room, and once how much is missing.
//!
//! What is left is asked of df and stat -f.

mod common;

use common::{World, has_tool};

/// A run in a small filesystem: what it said, without the lines that GNU's cp says too.
fn lines_of_ours(said: &str) -> Vec<&str> {
    said.lines().filter(|line| !line.ends_with(": No space left on device")).collect()
}

#[test]
fn a_full_disk_says_how_much_is_missing() {
    let Some(world) = World::with_mounts("a full disk") else { return };
    world.random("a", 3 << 20, 1);
    let script =
        "mkdir m; mount -t tmpfs -o size=1m none m; df --output=avail m | tail -n 1; $safecp a m/b || echo $?; ls -A m";
    let output = world.shell_with_mounts(script);
    assert_eq!(output.stdout.split_whitespace().collect::<Vec<_>>(), ["1024", "1"], "{output}");
    let said = "safecp: error writing 'm/b': No space left on device
safecp: what was not copied needs 3.0 MiB on the filesystem of 'm', where 1.0 MiB are left: at least 2.0 MiB are missing\n";
    assert_eq!(output.stderr, said);
}

#[test]
fn of_many_files_each_is_named_and_all_are_added_up_once() {
    let Some(world) = World::with_mounts("a full disk") else { return };
    world.dir("s");
    for name in 0..100 {
        world.random(&format!("s/{name}"), 60 << 10, name);
    }
    let script = "mkdir m; mount -t tmpfs -o size=1m none m; $safecp -r s m || echo $?
        ls m/s | wc -l; df --output=avail m | tail -n 1";
    let output = world.shell_with_mounts(script);
    let numbers: Vec<u64> = output.stdout.split_whitespace().map(|word| word.parse().expect("a number")).collect();
    let [status, copied, left] = numbers[..] else { panic!("{output}") };
    assert_eq!(status, 1);
    let named = output.stderr.lines().filter(|line| line.starts_with("safecp: error writing 'm/s/")).count() as u64;
    assert_eq!((named + copied, lines_of_ours(&output.stderr).len()), (100, 1), "{output}");
    let missing = named * 60 - left;
    // In KiB, of which numfmt makes what people say.
    let people = |kib: u64| {
        let number = world
            .tool("numfmt", ["--from-unit=1024", "--to=iec-i", "--round=nearest", "--format=%.1f", &kib.to_string()]);
        let number = number.trim();
        let (digits, unit) =
            number.split_at(number.find(|sign: char| sign.is_ascii_alphabetic()).unwrap_or(number.len()));
        format!("{digits} {unit}B")
    };
    let line = &lines_of_ours(&output.stderr)[0];
    assert!(line.contains(&format!(" needs {} ", people(named * 60))), "{line}");
    assert!(line.contains(&format!(": at least {} ", people(missing))), "{line}");
}

/// Closing takes long, so that the large file keeps all the room while small ones are written beside it.
#[test]
fn what_fits_is_copied_beside_a_file_that_does_not() {
    if !has_tool("strace") {
        return;
    }
    let Some(world) = World::with_mounts("a full disk") else { return };
    world.dir("s").random("s/big", 3 << 20, 1);
    for name in 0..40 {
        world.file(format!("s/{name}"), "small");
    }
    let script = "mkdir m; mount -t tmpfs -o size=1m none m
        for round in 1 2 3 4 5 6; do
            strace -f -qq -o /dev/null -e trace=close -e inject=close:delay_enter=20000 $safecp --jobs=6 -a s m/t && exit 9 || true
            diff -r s m/t || true; rm -r m/t
        done";
    let output = world.shell_with_mounts(script);
    output.says(&"Only in s: big\n".repeat(6));
    let failed = output.stderr.lines().filter(|line| line.ends_with(": No space left on device"));
    assert_eq!(failed.collect::<Vec<_>>(), ["safecp: error writing 'm/t/big': No space left on device"; 6]);
}

/// Where a link finds no room while others are at work, it is made when they are done: once more a link, and no copy.
#[test]
fn a_further_name_that_found_no_room_becomes_a_link_later() {
    let world = World::new();
    world.dir("s");
    for number in 0..6 {
        let first = format!("s/{number}");
        world.random(&first, 3000, number).link(&first, &format!("s/{number}-too"));
    }
    let mut struck = 0;
    for at in 2..9 {
        let fault = format!("linkat:error=ENOSPC:when={at}");
        let Some(traced) = world.cp_traced("linkat", &[&fault], "-aT --jobs=2 s t") else { return };
        let succeeds = traced.output.code() == Some(0);
        // strace counts the calls of each thread: that which makes it later may be struck as well.
        if !succeeds {
            traced.output.fails_with(&["No space left on device"]);
            std::fs::remove_dir_all(world.path("t")).expect("rm");
            continue;
        }
        struck += traced.injected();
        world.assert_same_tree("s", "t");
        for number in 0..6 {
            assert_eq!(
                world.inode(&format!("t/{number}")),
                world.inode(&format!("t/{number}-too")),
                "{}",
                traced.calls
            );
        }
        std::fs::remove_dir_all(world.path("t")).expect("rm");
    }
    assert!(struck > 0, "no link was refused");
}

/// A link or fifo has its name before it has its attributes: the other try must not find that taken.
#[test]
fn a_link_that_could_not_be_finished_for_want_of_a_descriptor_is_made_later() {
    let world = World::new();
    for number in 0..60 {
        let directory = format!("s/{}", number % 3);
        world.dir(&directory).symlink("somewhere", &format!("{directory}/l{number}"));
        world.tool("mkfifo", [&*format!("{directory}/f{number}")]);
    }
    let mut struck = 0;
    for (error, at) in ["EMFILE", "ENOSPC", "EDQUOT"].iter().flat_map(|error| (20..28).map(move |at| (error, at))) {
        let fault = format!("openat:error={error}:when={at}");
        let Some(traced) = world.cp_traced("openat", &[&fault], "-aT --jobs=2 s t") else { return };
        assert_eq!(traced.output.code(), Some(0), "{fault}: {}", traced.output);
        struck += traced.injected();
        world.assert_same_tree("s", "t");
        std::fs::remove_dir_all(world.path("t")).expect("rm");
    }
    assert!(struck > 0, "no call was struck");
}

/// close(2) tells that what was written found no place, and the file has its name by then: that is said, and nothing else.
#[test]
fn what_close_tells_of_a_file_that_has_its_name_is_said() {
    let world = World::new();
    world.dir("s");
    for number in 0..6 {
        world.random(&format!("s/{number}"), 3000, number);
    }
    let mut told = 0;
    for at in 5..12 {
        let fault = format!("close:error=ENOSPC:when={at}+");
        let Some(traced) = world.cp_traced("close", &[&fault], "-aT --jobs=2 s t") else { return };
        let output = &traced.output;
        let is_about_room = |line: &str| line.ends_with(": No space left on device");
        let lines: Vec<_> = output.stderr.lines().filter(|line| line.contains("'t/")).collect();
        assert!(lines.iter().all(|line| is_about_room(line)), "{output}");
        told += lines.len();
        std::fs::remove_dir_all(world.path("t")).expect("rm");
    }
    assert!(told > 0, "nothing was told of any file");
}

#[test]
fn what_only_root_may_use_is_not_left_to_others() {
    let Some(world) = World::with_mounts("a full disk") else { return };
    world.random("a", 60 << 20, 1);
    // A tenth is root's.
    let script = "mkdir m; truncate -s 40M i; mkfs.ext4 -q -F -m 10 i; mount -o loop i m; chmod 777 m; chmod 755 .
        stat -f -c '%f %a %S' m
        $safecp a m/b || setpriv --reuid=65534 --regid=65534 --clear-groups $safecp a m/b || echo failed";
    let output = world.shell_with_mounts(script);
    let words: Vec<&str> = output.stdout.split_whitespace().collect();
    let [free, free_to_users, unit, "failed"] = words[..] else { panic!("{output}") };
    let lines = lines_of_ours(&output.stderr);
    assert_eq!(lines.len(), 2, "{output}");
    for (line, blocks) in lines.iter().zip([free, free_to_users]) {
        let bytes: u64 = blocks.parse::<u64>().expect("a number") * unit.parse::<u64>().expect("a number");
        let left = format!(" where {:.1} MiB are left:", bytes as f64 / 1_048_576.0);
        assert!(line.contains(&left) && line.contains(" needs 60.0 MiB "), "{left}: {output}");
    }
    assert_ne!(lines[0], lines[1]);
}

#[test]
fn where_writing_in_place_would_fit_that_is_said_and_true() {
    let Some(world) = World::with_mounts("a full disk") else { return };
    world.random("a", 2 << 20, 1).random("old", 2 << 20, 2);
    let script = "mkdir m; mount -t tmpfs -o size=3m none m; cp old m/b
        $safecp a m/b || echo $?; cmp old m/b && $safecp --in-place a m/b && cmp a m/b && echo fits";
    let output = world.shell_with_mounts(script);
    assert_eq!(output.stdout, "1\nfits\n", "{output}");
    let said = "safecp: error writing 'm/b': No space left on device
safecp: what was not copied needs 2.0 MiB on the filesystem of 'm', where 1.0 MiB are left: at least 1.0 MiB are missing; \
                --in-place would fit, which writes into the old files\n";
    assert_eq!(output.stderr, said);
}

#[test]
fn where_writing_in_place_would_not_fit_either_it_is_not_named() {
    let Some(world) = World::with_mounts("a full disk") else { return };
    world.random("a", 4 << 20, 1).random("old", 2 << 20, 2);
    let script =
        "mkdir m; mount -t tmpfs -o size=3m none m; cp old m/b; $safecp a m/b || $safecp --in-place a m/b || echo $?";
    let output = world.shell_with_mounts(script);
    assert!(output.stdout == "1\n" && !output.stderr.contains("--in-place"), "{output}");
}

#[test]
fn inodes_run_out_as_well() {
    let Some(world) = World::with_mounts("no inodes") else { return };
    world.dir("s");
    for name in 0..20 {
        world.file(format!("s/{name}"), "");
    }
    let script = "mkdir m; mount -t tmpfs -o nr_inodes=11 none m; $safecp -r s m || echo $?; ls m/s | wc -l";
    let output = world.shell_with_mounts(script);
    let made: usize = output.stdout.split_whitespace().nth(1).expect("a count").parse().expect("a number");
    let missing = 20 - made;
    let line = format!("safecp: no inodes are left on the filesystem of 'm/s', and at least {missing} are missing");
    assert!(made > 5 && lines_of_ours(&output.stderr) == [line], "{output}");
}

#[test]
fn a_sparse_file_needs_what_it_holds() {
    let Some(world) = World::with_mounts("a full disk") else { return };
    let script = "mkdir m; mount -t tmpfs -o size=1m none m; truncate -s 1G a; head -c 2M /dev/urandom | dd of=a conv=notrunc status=none
        $safecp a m/b || echo $?";
    let output = world.shell_with_mounts(script);
    assert!(output.stderr.contains(" needs 2.0 MiB "), "{output}");
}

#[test]
fn mv_and_install_say_it_too_and_have_no_such_option() {
    let Some(world) = World::with_mounts("a full disk") else { return };
    world.random("a", 2 << 20, 1).random("old", 2 << 20, 2);
    let script = "mkdir m; mount -t tmpfs -o size=3m none m; cp old m/b
        $safecp --as=mv a m/b || $safecp --as=install a m/b || echo $?";
    let output = world.shell_with_mounts(script);
    let lines: Vec<&str> = output.stderr.lines().filter(|line| line.contains("are missing")).collect();
    assert!(output.stdout == "1\n" && lines.len() == 2, "{output}");
    assert!(lines.iter().all(|line| line.ends_with("at least 1.0 MiB are missing")), "{output}");
}

#[test]
fn a_quota_of_btrfs_is_told_as_one() {
    let Some(world) = World::with_mounts("a quota") else { return };
    world.random("a", 20 << 20, 1);
    let script = "mkdir m; truncate -s 600M i; mkfs.btrfs -q -f i >/dev/null; mount -o loop i m; btrfs quota enable m
        btrfs subvolume create m/s >/dev/null; btrfs qgroup limit 8M m/s; $safecp a m/s/b || echo $?";
    let output = world.shell_with_mounts(script);
    let said = "safecp: error writing 'm/s/b': Disk quota exceeded
safecp: what was not copied needs 20.0 MiB on the filesystem of 'm/s', more than a disk quota leaves\n";
    assert_eq!((output.stdout.as_str(), output.stderr.as_str()), ("1\n", said));
}
