//! --repair: what is damaged or missing is made right from a copy that is damaged elsewhere, and nothing else is touched. That it
//! is right again is seen by cmp and stat, against the source.

mod common;

use common::{World, has_tool, left_out, random_bytes};
use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::MetadataExt;

#[test]
fn two_copies_that_are_damaged_in_different_places_make_one_that_is_whole() {
    let world = World::new();
    world.dir("src/d").random("src/large", 9_000_000, 1).random("src/d/small", 3000, 2).file("src/edited", "1");
    world.times("src/large", (5, 6), (1_600_000_000, 7)).chmod("src/large", 0o640);
    world.cp("-a --manifest=list src new").succeeds().says("");
    world.cp("-a src other").succeeds();
    world.rot("new/large", 0, b"x");
    world.rot("new/large", 5_000_000, b"x");
    world.rot("new/d/small", 5, b"x");
    world.file("new/edited", "2").file("new/added", "3");
    // The other one lacks what this one has.
    world.rot("other/large", 3_000_000, &[0; 4096]);
    world.rot("other/large", 8_999_999, b"!");
    let run = world.cp("--repair list new --from=other");
    assert_eq!(run.code(), Some(0), "{run}");
    assert!(run.stdout.contains("mended: 'large' (2 of 9 chunks from a copy)\n"), "{run}");
    assert!(run.stdout.contains("left alone: changed: 'edited' ("), "{run}");
    assert!(world.same_bytes("src/large", "new/large") && world.same_bytes("src/d/small", "new/d/small"));
    let stat = |name: &str| {
        let stat = fs::metadata(world.path(name)).expect("stat");
        (stat.mode(), stat.uid(), stat.gid(), stat.mtime(), stat.mtime_nsec())
    };
    assert_eq!(stat("src/large"), stat("new/large"));
    assert_eq!(stat("src/d"), stat("new/d"));
    assert_eq!(fs::read(world.path("new/edited")).expect("read"), b"2");
    assert_eq!(fs::read(world.path("new/added")).expect("read"), b"3");
}

#[test]
fn what_is_right_nowhere_is_said_and_stays_as_it_is() {
    let world = World::new();
    world.dir("src").random("src/large", 4_000_000, 1).random("src/small", 100, 2);
    world.cp("-a --manifest=list src new").succeeds();
    world.cp("-a src other").succeeds();
    for copy in ["new", "other"] {
        world.rot(&format!("{copy}/large"), 2_500_000, copy.as_bytes());
        world.rot(&format!("{copy}/small"), 5, copy.as_bytes());
    }
    let before = fs::read(world.path("new/large")).expect("read");
    let run = world.cp("--repair list new --from=other");
    assert_eq!(run.code(), Some(1), "{run}");
    assert!(run.stderr.contains("safecp: cannot mend 'new/large': 1 of its 4 chunks are right nowhere\n"), "{run}");
    assert!(run.stderr.contains("safecp: cannot mend 'new/small': its content is right nowhere\n"), "{run}");
    assert_eq!(fs::read(world.path("new/large")).expect("read"), before);
}

#[test]
fn what_is_missing_comes_back_with_what_the_list_says_of_it() {
    let world = World::new();
    world.every_kind("src").cp("-a --manifest=list src new").succeeds();
    world.tool("rm", ["-rf", "new/dir", "new/link", "new/fifo", "new/short", "new/empty", "new/sparse", "new/closed"]);
    let run = world.cp("--repair list new --from=src");
    assert_eq!((run.code(), run.stderr.as_str()), (Some(0), ""), "{run}");
    world.cp("--check list new").succeeds();
    world.cp("--check src --against new").succeeds();
    assert_eq!(
        fs::metadata(world.path("new/short")).expect("stat").ino(),
        fs::metadata(world.path("new/third")).expect("stat").ino()
    );
}

/// A sparse file that was restored dense would not fit on the disk that it came from.
#[test]
fn holes_come_back_as_holes_and_zeros_that_were_written_stay() {
    let world = World::new();
    let make = "mkdir src; truncate -s 300M src/missing src/damaged; head -c 3M /dev/zero >src/dense; \
        for name in missing damaged; do head -c 5000 /dev/urandom | dd of=src/$name bs=1M seek=100 conv=notrunc status=none; done";
    world.shell(make).succeeds();
    for (format, list) in [("mtree", "list"), ("sha256sum", "sums")] {
        world.shell("rm -rf new other").succeeds();
        world.cp(&format!("-a --manifest={list} --manifest-format={format} src new")).succeeds();
        world.cp("-a src other").succeeds();
        world.rot("new/damaged", 100 << 20, b"x");
        world.shell("rm new/missing new/dense").succeeds();
        world.cp(&format!("--repair {list} new --from=other")).succeeds();
        for name in ["missing", "damaged", "dense"] {
            assert!(world.same_bytes(&format!("src/{name}"), &format!("new/{name}")), "{format}: {name}");
            let sectors = |place: &str| fs::metadata(world.path(format!("{place}/{name}"))).expect("stat").blocks();
            assert_eq!(sectors("new"), sectors("src"), "{format}: {name}");
        }
    }
}

/// A companion that was damaged itself proves nothing, and so is not used.
#[test]
fn a_damaged_companion_mends_nothing_wrongly() {
    let world = World::new();
    world.dir("src").random("src/large", 4_000_000, 1);
    world.cp("-a --manifest=list src new").succeeds();
    let text = fs::read_to_string(world.path("list.chunks")).expect("a companion");
    let last = text.trim_end().rsplit('\n').next().expect("a line").to_owned();
    world.file("list.chunks", text.replace(&last, &"0".repeat(64)));
    world.rot("new/large", 0, b"x");
    world.rot("src/large", 3_999_999, b"!");
    let run = world.cp("--repair list new --from=src");
    assert_eq!(run.code(), Some(1), "{run}");
    assert!(run.stderr.contains("its content is right nowhere"), "{run}");
    world.cp("--repair list src --from=new").fails_with(&["right nowhere"]);
}

#[test]
fn without_times_only_what_a_twin_shows_to_be_damaged_is_mended() {
    let world = World::new();
    world.dir("src").file("src/rotten", "right").file("src/edited", "right").file("src/gone", "right");
    world.cp("-a --manifest=list --manifest-format=sha256sum src new").succeeds();
    world.rot("new/rotten", 0, b"w");
    world.file("new/edited", "wrong");
    fs::remove_file(world.path("new/gone")).expect("rm");
    // What may be damage as well stays, and is no success.
    let repair = world.cp("--repair list new --from=src");
    assert_eq!(repair.code(), Some(1), "{repair}");
    let read = |name: &str| fs::read_to_string(world.path("new").join(name)).expect("read");
    assert_eq!((read("rotten"), read("edited"), read("gone")), ("right".into(), "wrong".into(), "right".into()));
}

/// What cannot be looked at is not known to be what was damaged.
#[test]
fn a_failed_look_before_the_name_is_taken_is_an_error() {
    let world = World::new();
    world.dir("src").file("src/rotten", "right");
    world.cp("-a --manifest=list src new").succeeds();
    world.rot("new/rotten", 0, b"w");
    world.tool("cp", ["-a", "new", "other"]);
    let Some(traced) = world.cp_traced_on(Some("other"), "newfstatat", &[], "--repair list other --from=src") else {
        return;
    };
    let Some(look) = traced.position("newfstatat", "\"rotten\"") else {
        return left_out("needs an architecture that has newfstatat");
    };
    let fault = format!("newfstatat:error=EIO:when={look}");
    let repair = "--repair list new --from=src";
    let traced = world.cp_traced_on(Some("new"), "newfstatat", &[&fault], repair).expect("strace");
    assert_eq!(traced.injected(), 1, "{}", traced.calls);
    traced.output.fails_with(&["cannot stat 'new/rotten': Input/output error"]);
    assert_eq!(world.read("new/rotten"), "wight");
}

/// Somebody puts another file in the place of a damaged one, between the last look and the rename.
#[test]
fn what_comes_in_between_gets_its_name_back() {
    if !has_tool("strace") {
        return;
    }
    let world = World::new();
    world.dir("src").file("src/rotten", "right").file("mine", "somebody's");
    world.cp("-a --manifest=list src new").succeeds();
    world.rot("new/rotten", 0, b"w");
    let run = world.shell(
        "strace -f -qq -o calls -e trace=renameat2 -e inject=renameat2:delay_enter=3000000 \
            $safecp --repair list new --from=src & repair=$!
        until ls -A new | grep -q safecp-; do sleep 0.02; done
        sleep 1; mv mine new/rotten; wait $repair",
    );
    assert_eq!(run.code(), Some(1), "{run}");
    assert!(run.stderr.contains("not mending 'new/rotten', as it was changed since it was checked\n"), "{run}");
    assert_eq!(world.read("new/rotten"), "somebody's");
}

/// Killed before and after the names are exchanged, a repair leaves one of the two files under a temporary name, and the next one
/// removes it.
#[test]
fn what_a_killed_repair_leaves_goes_with_the_next() {
    if !has_tool("strace") {
        return;
    }
    // Renames without flags are made by renameat: the first renameat2 is the exchange.
    for (call, left) in [("renameat2", "right\nwight\n"), ("unlinkat", "wight\nright\n")] {
        let world = World::new();
        world.dir("src/d").file("src/d/rotten", "right");
        world.cp("-a --manifest=list src new").succeeds();
        if world.tool("stat", ["--format=%W", "new/d/rotten"]).trim() == "0" {
            return left_out("needs a filesystem that tells when a file was made");
        }
        world.rot("new/d/rotten", 0, b"w");
        let run = world.shell(&format!(
            "strace -f -qq -o calls -e trace={call} -e inject={call}:signal=KILL \
                $safecp --repair list new --from=src >/dev/null
            cat new/d/.safecp-*; echo; cat new/d/rotten; echo; $safecp --repair list new --from=src
            ls -A new/d; rm -f new/d/.safecp-*"
        ));
        assert!(run.stdout.starts_with(left), "{call}: {run}");
        assert!(run.stdout.ends_with("\nrotten\n"), "{call}: {run}");
        assert_eq!(world.read("new/d/rotten"), "right");
    }
}

/// What a killed run was about to give a name has its content under a temporary one: it is not taken for moved.
#[test]
fn what_a_killed_repair_was_about_to_restore_comes_back_with_the_next() {
    if !has_tool("strace") {
        return;
    }
    let world = World::new();
    world.dir("src/d/empty").file("src/d/gone", "right");
    world.cp("-a --manifest=list src new").succeeds();
    for name in ["new/d/gone", "new/d/empty"] {
        world.tool("rm", ["-r", name]);
        let run = world.shell(
            "strace -f -qq -o calls -e trace=renameat2 -e inject=renameat2:signal=KILL \
                $safecp --repair list new --from=src >/dev/null
            ls -A new/d | grep -c safecp-; $safecp --repair list new --from=src",
        );
        assert!(run.stdout.starts_with("1\nrestored: 'd/"), "{name}: {run}");
        // The time of the directory is that of the removal, which no repair takes back.
        world.tool("diff", ["-r", "src", "new"]);
    }
}

#[test]
fn damages_by_chance_are_all_mended_from_a_copy_that_is_damaged_elsewhere() {
    let world = World::new();
    let size = |number: usize| if number % 40 == 0 { 3_500_000 } else { 1 + number * 7919 % 30_000 };
    for number in 0..400 {
        if number % 20 == 0 {
            world.dir(&format!("src/{}", number / 20));
        }
        world.random(&format!("src/{}/{number}", number / 20), size(number), number as u64);
    }
    world.cp("-a --manifest=list src new").succeeds();
    world.cp("-a src other").succeeds();
    let dice = random_bytes(4000, 8);
    let mut changed = BTreeSet::new();
    for number in 0..400 {
        let name = format!("{}/{number}", number / 20);
        let (new, other) = (format!("new/{name}"), format!("other/{name}"));
        let offset = usize::from(dice[number + 400]) * 331 % size(number);
        match dice[number] % 8 {
            0 => world.rot(&new, offset as u64, &[fs::read(world.path(&new)).expect("read")[offset] ^ 1]),
            1 => fs::remove_file(world.path(&new)).expect("rm"),
            2 => {
                let time = fs::metadata(world.path(&new)).and_then(|stat| stat.modified()).expect("a time");
                let file = fs::OpenOptions::new().write(true).open(world.path(&new)).expect("open");
                file.set_len(offset as u64).and_then(|()| file.set_modified(time)).expect("cut");
            }
            3 => {
                world.random(&new, size(number), 50_000 + number as u64);
                changed.insert(name);
            }
            4 => world.rot(&other, offset as u64, &[fs::read(world.path(&other)).expect("read")[offset] ^ 1]),
            5 => fs::remove_file(world.path(&other)).expect("rm"),
            // Both, in different chunks.
            6 if size(number) > 3_000_000 => {
                world.rot(&new, 5, b"new");
                world.rot(&other, 2_000_000, b"other");
            }
            _ => {}
        }
    }
    let run = world.cp("--repair list new --from=other");
    assert_eq!((run.code(), run.stderr.as_str()), (Some(0), ""), "{run}");
    for number in 0..400 {
        let name = format!("{}/{number}", number / 20);
        let is_same = world.same_bytes(&format!("src/{name}"), &format!("new/{name}"));
        assert_eq!(is_same, !changed.contains(&name), "{name}");
    }
    let after = world.cp("--check list new");
    assert_eq!(after.stdout.lines().filter(|line| !line.starts_with("changed: ")).count(), 0, "{after}");
    assert!(changed.len() > 20);
}

/// The name has what was damaged until what is mended is there: a run that cannot write changes nothing.
#[test]
fn a_repair_that_cannot_write_leaves_what_is_there() {
    let world = World::new();
    world.dir("src").random("src/a", 5000, 1).cp("-a --manifest=list src new").succeeds();
    world.rot("new/a", 0, b"x");
    let before = fs::read(world.path("new/a")).expect("read");
    let run = world.shell("ulimit -f 1; trap '' XFSZ; exec $safecp --repair list new --from=src");
    assert_eq!(run.code(), Some(1), "{run}");
    assert_eq!(fs::read(world.path("new/a")).expect("read"), before);
}

/// A list may be anybody's: a name that leads out of the tree, by dots, by a link or from the root, is neither read nor mended.
#[test]
fn no_name_of_a_list_leads_out_of_the_tree() {
    let world = World::new();
    world.dir("good/in").dir("tree/in").dir("away");
    world.file("good/in/file", "right").file("tree/in/file", "wrong");
    world.file("right", "right").file("away/file", "wrong").symlink("../away", "tree/link").symlink("in", "good/link");
    let sum = world.tool("sh", ["-c", "sha256sum < right | cut -c 1-64"]);
    let away = world.path("away/file");
    let absolute = away.display();
    for name in ["../away/file", "in/../../away/file", "link/file", &absolute.to_string()] {
        world.file("list", format!("{}  {name}\n", sum.trim()));
        let check = world.cp("--check list tree");
        assert_eq!(check.code(), Some(1), "{name}: {check}");
        // One from the root is taken for one beneath the tree, as in packages' lists.
        let why = if name.starts_with('/') { "1 missing" } else { "it leads out of the tree" };
        assert!(check.stderr.contains(why), "{name}: {check}");
        assert!(!check.stdout.contains("changed") && !check.stdout.contains("damaged"), "{name}: {check}");
        let repair = world.cp("--repair list tree --from=good");
        assert_eq!(repair.code(), Some(1), "{name}: {repair}");
        assert_eq!(world.read("away/file"), "wrong", "{name}: {repair}");
    }
    assert_eq!(world.tool("ls", ["-A", "away"]), "file\n");
    // The names beneath are mended beside one that is not: by a copy with the same time, for this list has none.
    world.file("list", format!("{0}  ../away/file\n{0}  in/file\n", sum.trim()));
    world.tool("touch", ["-d", "@1500000001", "good/in/file"]);
    let repair = world.cp("--repair list tree --from=good");
    assert_eq!((repair.code(), world.read("tree/in/file").as_str()), (Some(1), "wrong"), "{repair}");
    assert!(repair.stdout.contains("left alone: differs: 'in/file'"), "{repair}");
    world.tool("touch", ["-d", "@1500000001", "tree/in/file"]);
    let repair = world.cp("--repair list tree --from=good");
    assert_eq!((repair.code(), world.read("tree/in/file").as_str()), (Some(1), "right"), "{repair}");
}

/// A tree on a disk, of which a mebibyte of a large file and a small one cannot be read. btrfs knows what it wrote, and says
/// EIO where it reads something else. The tree is bad/new.
const FAILING_DISK: &str = "
set -e
truncate -s 256M image && mkfs.btrfs -q -f -d single -m dup image
mkdir bad && mount -o loop image bad || exit 77
trap 'umount bad' EXIT
$safecp -a --manifest=list src bad/new && sync
umount bad
for marker in large small; do
    at=$(grep -obaF \"this is the $marker one\" image | cut -d: -f1 | tail -n 1)
    printf rotten | dd of=image bs=1 seek=$at conv=notrunc status=none
done
mount -o loop image bad
";

/// Both are told by a check, mended from another copy, and right on the disk.
#[test]
fn what_a_disk_cannot_read_is_mended_from_another_copy() {
    let Some(world) = World::with_mounts("a disk") else { return };
    if !has_tool("mkfs.btrfs") {
        return;
    }
    world.dir("src").file("src/right", "right");
    for (name, length) in [("large", 3_000_000), ("small", 9000)] {
        let mut bytes = random_bytes(length, 1);
        let marker = format!("this is the {name} one");
        let at = length * 2 / 3;
        bytes[at..at + marker.len()].copy_from_slice(marker.as_bytes());
        world.file(format!("src/{name}"), bytes);
    }
    let run = world.shell_with_mounts(&format!(
        "{FAILING_DISK}
        ls -i bad/new/right >before
        $safecp --check list bad/new >>said 2>&1 && exit 9
        echo --- >>said
        $safecp --repair list bad/new --from=src >>said 2>&1
        umount bad; mount -o loop image bad
        cmp src/large bad/new/large && cmp src/small bad/new/small
        $safecp --check list bad/new && ls -i bad/new/right | cmp - before"
    ));
    if run.code() == Some(77) {
        return left_out("needs btrfs and loop devices");
    }
    assert_eq!(run.code(), Some(0), "{run} {}", world.read("said"));
    let said = world.read("said");
    let (checked, repaired) = said.split_once("---\n").expect("both");
    for name in ["large", "small"] {
        assert!(checked.contains(&format!("safecp: error reading 'bad/new/{name}': Input/output error\n")), "{said}");
    }
    assert!(checked.contains("not all of 4 names are as listed: 2 that cannot be read\n"), "{said}");
    assert!(checked.contains("unreadable can be mended from another copy"), "{said}");
    let mut repaired: Vec<_> = repaired.lines().collect();
    repaired.sort_unstable();
    let wanted = [
        "'list': of 4 names 2 were mended, and 0 could not be",
        "mended: 'large' (1 of 3 chunks from a copy)",
        "mended: 'small' (1 of 1 chunks from a copy)",
    ];
    assert_eq!(repaired, wanted, "{said}");
}

/// Both copies lie on failing disks: what is right in one of them is used, each reason is told once, and what cannot be mended
/// stays.
#[test]
fn what_no_copy_can_read_is_said_and_stays() {
    let Some(world) = World::with_mounts("a disk") else { return };
    if !has_tool("mkfs.btrfs") {
        return;
    }
    world.dir("src").file("src/small", format!("{}this is the small one", "x".repeat(5000)));
    world.file("src/large", format!("{}this is the large one", "y".repeat(2_500_000)));
    let run = world.shell_with_mounts(&format!(
        "{FAILING_DISK}
        cp -a src other
        # The same disk twice: nothing of it is right twice.
        ls -i bad/new >before
        $safecp --repair list bad/new --from=bad/new >said 2>&1 || echo $? >status
        ls -i bad/new | cmp - before && test -z \"$(ls -A bad/new | grep safecp)\"
        $safecp --repair list bad/new --from=bad/new --from=other"
    ));
    if run.code() == Some(77) {
        return left_out("needs btrfs and loop devices");
    }
    assert_eq!((run.code(), world.read("status").as_str()), (Some(0), "1\n"), "{run} {}", world.read("said"));
    let said = world.read("said");
    let mut said: Vec<_> = said.lines().collect();
    said.sort_unstable();
    let wanted = [
        "'list': of 3 names 0 were mended, and 2 could not be",
        "safecp: cannot mend 'bad/new/large': 1 of its 3 chunks are right nowhere",
        "safecp: cannot mend 'bad/new/small': its content is right nowhere",
        "safecp: error reading 'bad/new/large': Input/output error",
        "safecp: error reading 'bad/new/small': Input/output error",
    ];
    assert_eq!(said, wanted);
}

/// Without times a file that cannot be read is damaged if a twin has its size and time, and cannot be mended otherwise.
#[test]
fn an_unreadable_file_in_a_list_without_times_is_mended_from_its_twin() {
    let world = World::new();
    world.dir("src").file("src/a", "right");
    world.cp("-a --manifest=list --manifest-format=sha256sum src new").succeeds();
    let fault = "pread64:error=EIO";
    let repair = "--repair list new --from=other";
    world.dir("other").file("other/a", "right");
    let Some(traced) = world.cp_traced_on(Some("new/a"), "pread64", &[fault], repair) else { return };
    traced.output.fails_with(&["error reading 'new/a': Input/output error"]);
    let inode = || fs::metadata(world.path("new/a")).expect("stat").ino();
    let before = inode();
    world.tool("cp", ["-a", "src/a", "other/a"]);
    let traced = world.cp_traced_on(Some("new/a"), "pread64", &[fault], repair).expect("strace");
    traced.output.succeeds();
    assert!(traced.injected() > 0 && inode() != before && world.read("new/a") == "right", "{}", traced.output);
}

/// What somebody has written since cannot be read: nothing is known of it, and it stays.
#[test]
fn an_unreadable_file_that_was_changed_stays() {
    let world = World::new();
    world.dir("src").file("src/a", "right");
    world.cp("-a --manifest=list src new").succeeds();
    world.file("new/a", "wrote");
    let Some(traced) =
        world.cp_traced_on(Some("new/a"), "pread64", &["pread64:error=EIO"], "--repair list new --from=src")
    else {
        return;
    };
    traced.output.fails_with(&["error reading 'new/a': Input/output error"]);
    assert_eq!(world.read("new/a"), "wrote");
}

/// Of attributes a list has digests only: those of a copy that has others are not taken, though its content is.
#[test]
fn attributes_come_from_the_copy_that_has_those_that_are_listed() {
    let world = World::new();
    world.dir("t/d").file("t/a", "content").set_xattr("t/a", "user.k", b"right").set_xattr("t/d", "user.k", b"right");
    world.cp("--manifest=list t").succeeds();
    world.tool("cp", ["-a", "t", "one"]);
    world.tool("cp", ["-a", "t", "two"]);
    world
        .set_xattr("one/a", "user.k", b"wrong")
        .set_xattr("one/a", "user.more", b"")
        .set_xattr("one/d", "user.k", b"wrong");
    world.tool("rm", ["-r", "t/a", "t/d"]);
    let run = world.cp("--repair list t --from=one --from=two");
    assert_eq!((run.code(), run.stderr.as_str()), (Some(0), ""), "{run}");
    world.cp("--check list t").succeeds();
    world.cp("--check t --against two").succeeds();
    // With that copy alone they are lost, and that is said.
    world.tool("rm", ["-r", "t/a", "t/d"]);
    let run = world.cp("--repair list t --from=one");
    for name in ["a", "d"] {
        let lacks = format!("left alone: attributes: '{name}' (extended attributes none, was ");
        assert!(run.code() == Some(1) && run.stdout.contains(&lacks), "{run}");
    }
    assert_eq!(fs::read(world.path("t/a")).expect("read"), b"content");
}

/// Whom a directory's default list lets in to what is made in it was not let in to what is mended.
#[test]
fn what_is_mended_inherits_no_access_list() {
    if !has_tool("setfacl") {
        return left_out("needs setfacl");
    }
    let world = World::new();
    world.dir("t/d").file("t/gone", "1").file("t/rotten", "2").chmod("t/gone", 0o640).chmod("t/rotten", 0o640);
    world.tool("setfacl", ["-d", "-m", "u:65534:rwx", "t"]);
    world.cp("--manifest=list t").succeeds();
    world.tool("cp", ["-a", "t", "copy"]);
    world.tool("rm", ["-r", "t/gone", "t/d"]);
    world.rot("t/rotten", 0, b"x");
    world.cp("--repair list t --from=copy").succeeds();
    let lists = |tree: &str| world.shell(&format!("cd {tree} && getfacl -R .")).stdout;
    assert!(!lists("copy").contains("\nuser:65534:") && !lists("copy").contains("\nuser:nobody:"));
    assert_eq!(lists("t"), lists("copy"));
    world.cp("--check list t").succeeds();
}

/// Where a list says nothing of modes and times, they are those of the copy whose content was taken.
#[test]
fn what_is_not_listed_comes_from_the_copy_that_was_right() {
    let world = World::new();
    world.dir("t").file("t/a", "content").chmod("t/a", 0o600).times("t/a", (5, 0), (1_600_000_000, 0));
    world.shell("cd t && sha256sum a > ../list").succeeds();
    world.tool("cp", ["-a", "t", "other"]);
    world.dir("edited").file("edited/a", "edited").chmod("edited/a", 0o666);
    fs::remove_file(world.path("t/a")).expect("rm");
    world.cp("--repair list t --from=edited --from=other").succeeds();
    world.tool("touch", ["-r", "other", "t"]);
    world.assert_same_tree("t", "other");
}

/// Two lists in one file count from 1 each. What has the same number need not be one file.
#[test]
fn a_number_of_two_lists_makes_no_hard_link_of_two_files() {
    let world = World::new();
    world.dir("src/a").dir("src/b").file("src/a/1", "one").file("src/b/1", "two");
    world.shell("ln src/a/1 src/a/2; ln src/b/1 src/b/2").succeeds();
    world.cp("--manifest=list src").succeeds();
    world.shell("sed -i 's/inode:2/inode:1/' list; grep -c inode:1 list").succeeds().says("4\n");
    world.tool("cp", ["-a", "src", "new"]);
    world.shell("rm new/*/*").succeeds();
    world.cp("--repair list new --from=src").succeeds();
    for name in ["a/1", "a/2", "b/1", "b/2"] {
        assert!(world.same_bytes(&format!("src/{name}"), &format!("new/{name}")), "{name}");
    }
    assert_eq!(world.inode("new/a/1"), world.inode("new/a/2"));
    assert_eq!(world.inode("new/b/1"), world.inode("new/b/2"));
}

/// A list that does not tell which names are one file's.
#[test]
fn names_of_one_file_stay_names_of_one_file() {
    let world = World::new();
    world.dir("src").random("src/one", 5000, 1).shell("ln src/one src/two; cp -p src/one src/alone").succeeds();
    world.cp("-a --manifest=list --manifest-format=sha256sum src new").succeeds();
    world.cp("-a src other").succeeds();
    world.rot("new/one", 7, b"wrong");
    world.rot("new/alone", 7, b"wrong");
    world.cp("--repair list new --from=other").succeeds();
    for name in ["one", "two", "alone"] {
        assert!(world.same_bytes("src/one", &format!("new/{name}")), "{name}");
    }
    assert_eq!(world.inode("new/one"), world.inode("new/two"));
    assert_ne!(world.inode("new/one"), world.inode("new/alone"));
}

/// What no list of `sha256sum` tells. Closed to everybody, it would keep its own user out.
#[test]
fn a_directory_that_is_not_listed_comes_back_as_a_copy_has_it() {
    let world = World::new();
    world.dir("src/open/closed").dir("src/open/full").file("src/open/closed/a", "1").file("src/open/full/b", "2");
    world.chmod("src/open", 0o755).chmod("src/open/closed", 0o550).chmod("src/open/full", 0o1777);
    world.shell("touch -d 2020-01-02 src/open/* src/open; [ $UID != 0 ] || chown 5:6 src/open").succeeds();
    world.cp("-a --manifest=list --manifest-format=sha256sum src new").succeeds();
    world.shell("chmod -R u+w new; rm -r new/open").succeeds();
    world.cp("--repair list new --from=src").succeeds();
    let of = |place: &str| world.shell(&format!("cd {place}; find open -printf '%p %m %U:%G %T+\\n' | sort")).stdout;
    assert_eq!(of("new"), of("src"));
    world.shell("chmod -R u+w new src").succeeds();
}

/// However deep: a list is not ours alone.
#[test]
fn no_directory_is_made_for_what_no_copy_has() {
    let world = World::new();
    world.dir("new").dir("copy").file("new/a", "1");
    let digest = "0".repeat(64);
    world.file("list", format!("{digest}  d/e/f\n{digest}  {}f\n", "x/".repeat(20_000)));
    let run = world.cp("--repair list new --from=copy");
    assert_eq!((run.code(), run.stderr.matches("its content is right nowhere").count()), (Some(1), 2), "{run}");
    assert_eq!(world.shell("ls -A new").stdout, "a\n");
}

/// A list without times does not tell damage from a change, and success would say that there is none.
#[test]
fn what_may_be_damage_and_is_left_is_no_success() {
    let world = World::new();
    world.dir("good").dir("tree").file("good/a", "right").file("tree/a", "wrong");
    world.times("good/a", (1, 2), (3, 4)).shell("cd good && sha256sum a > ../list").succeeds();
    let repair = world.cp("--repair list tree --from=good");
    assert_eq!((repair.code(), world.read("tree/a").as_str()), (Some(1), "wrong"), "{repair}");
    assert!(repair.stdout.contains("1 have other content"), "{repair}");
    world.tool("cp", ["-p", "good/a", "tree/a"]);
    world.cp("--repair list tree --from=good").succeeds();
}
