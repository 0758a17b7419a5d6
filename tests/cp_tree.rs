//! Whole trees: every kind of entry, on each filesystem and from one to another, compared with tests/compare; and trees
//! that are deep, that cross mounts, or that someone rearranges while they are copied.

mod common;
use common::{World, filesystems, meanwhile};
use rustix::fs::{CWD, RenameFlags, renameat_with};
use std::fs;

#[test]
fn every_kind_of_entry_is_copied_on_each_filesystem() {
    for filesystem in filesystems() {
        let world = World::within(&filesystem.path);
        world.every_kind("s").cp("-a s t").succeeds();
        world.assert_same_tree("s", "t");
    }
}

#[test]
fn every_kind_of_entry_is_copied_from_each_filesystem_to_each() {
    let here = World::new();
    here.every_kind("s");
    for source in filesystems() {
        let one = World::within(&source.path);
        one.every_kind("s");
        for target in filesystems().into_iter().filter(|target| target.name != source.name) {
            let other = World::within(&target.path);
            let (source, target) = (one.path("s"), other.path("t"));
            one.cp_args(["-a".as_ref(), source.as_os_str(), target.as_os_str()]).succeeds();
            one.assert_same_tree("s", &target.to_string_lossy());
        }
    }
}

#[test]
fn a_second_copy_of_a_tree_changes_nothing() {
    let world = World::new();
    world.every_kind("s").cp("-a s t").succeeds();
    // Not every file may be written to, unless by root.
    world.cp("-af s/. t").succeeds();
    world.assert_same_tree("s", "t");
}

#[test]
fn a_tree_of_an_ordinary_user_is_copied() {
    let world = World::new();
    world
        .dir("s")
        .shell_as_nobody("cp -a /etc/skel/. s/; mkdir -p s/d/e; echo 1 > s/d/e/f; chmod 500 s/d/e")
        .succeeds();
    world.cp_as_nobody("-a s t").succeeds();
    world.assert_same_tree("s", "t");
}

#[test]
fn an_empty_tree_is_copied() {
    let world = World::new();
    world.dir("s/a/b").cp("-a s t").succeeds();
    world.assert_same_tree("s", "t");
}

#[test]
fn a_tree_on_another_filesystem_is_left_out_with_x() {
    let Some(world) = World::with_mounts("mounting") else { return };
    world.dir("s/mnt").dir("s/d").file("s/d/x", "x").file("s/mnt/under", "hidden");
    let script = "mount -t tmpfs -o mode=711 none s/mnt; touch s/mnt/inside; mkdir s/mnt/dir
        $safecp -ax s t; ls -A t/mnt | wc -l; stat -c %a t/mnt; cat t/d/x
        $safecp -a s u; ls -A u/mnt";
    world.shell_with_mounts(script).succeeds().says("0\n711\nxdir\ninside\n");
}

#[test]
fn a_file_mounted_over_is_copied_as_it_reads() {
    let Some(world) = World::with_mounts("mounting") else { return };
    world.dir("s").file("s/x", "under").file("over", "over").file("t", "old").file("a", "new");
    let script = "mount --bind over s/x; $safecp -a s copy; cat copy/x; mount --bind over t; $safecp a t; cat over";
    world.shell_with_mounts(script).succeeds().says("overnew");
    assert_eq!(world.read("t"), "old", "what is mounted on a name is written to, the name stays");
}

#[test]
fn a_tree_of_2000_levels_is_copied() {
    let world = World::new();
    let mut path = "s".to_owned();
    for _ in 0..1999 {
        path.push_str("/d");
    }
    world.dir(&path).file(format!("{path}/bottom"), "deep").cp("-a s t").succeeds();
    world.assert_same_tree("s", "t");
    assert_eq!(world.read(format!("t{}/bottom", &path[1..])), "deep");
}

/// The hard links wait for each other, so that many directories are being copied at once.
#[test]
fn a_wide_tree_takes_few_descriptors() {
    let world = World::new();
    for number in 0..400 {
        world.dir(&format!("s/{number}")).file(format!("s/{number}/f"), number.to_string());
    }
    for number in 0..400 {
        world.link(&format!("s/{number}/f"), &format!("s/{}/g", (number * 7 + 3) % 400));
    }
    for (limit, jobs) in [(256, 1), (1024, 32), (64, 8), (20, 2), (13, 1)] {
        world.shell(&format!("ulimit -n {limit}; $safecp -a --jobs={jobs} s t{limit}")).succeeds();
        world.assert_same_tree("s", &format!("t{limit}"));
    }
}

#[test]
fn a_deep_tree_takes_few_descriptors() {
    let world = World::new();
    let mut path = "s".to_owned();
    for number in 0..300 {
        path.push_str("/d");
        // Names that come up on the way back.
        world.dir(&path).file(format!("{path}/before"), number.to_string()).dir(&format!("{path}/z"));
    }
    // With 12 a file in a directory far down is the last that can be open; replacing one takes another.
    for (jobs, limit) in [(1, 24), (4, 24), (1, 13)] {
        let target = format!("t{jobs}.{limit}");
        world.shell(&format!("ulimit -n {limit}; $safecp -a --jobs={jobs} s {target}")).succeeds();
        world.assert_same_tree("s", &target);
        world.shell(&format!("ulimit -n {limit}; $safecp -a --jobs={jobs} s/. {target}")).succeeds();
    }
}

/// With whole paths kept for each level it took more than a GiB.
#[test]
fn memory_does_not_grow_with_the_square_of_the_depth() {
    let world = World::new();
    let script =
        "perl -e 'mkdir \"s\"; chdir \"s\"; for (1..1500) { mkdir \"d\" x 250; chdir \"d\" x 250 } open F, \">f\"'
        (ulimit -d 65536; exec $safecp -a --jobs=1 s t) || exit
        find t -printf . | wc -c; rm -r s t";
    world.shell(script).succeeds().says("1502\n");
}

#[test]
fn a_directory_of_many_names_is_copied() {
    let world = World::new();
    world.dir("s");
    for index in 0..5000 {
        world.file(format!("s/{index:0100}"), "");
    }
    world.cp("-a s t").succeeds();
    assert_eq!(world.names("t").len(), 5000);
}

/// As a filesystem in user space may show itself, without an end. The messages are GNU cp's.
#[test]
fn a_directory_that_shows_one_above_it_is_not_entered() {
    let Some(world) = World::with_mounts("mounting") else { return };
    world.dir("s/x").dir("s/d/y").file("s/f", "1");
    let script = "mount --bind s s/x; $safecp -a s t 2>&1 || echo $?; ls t
        umount s/x; mount --bind s/d s/d/y; $safecp -a s u 2>&1 || echo $?; ls -A u/d";
    let says = "safecp: will not create hard link 't/x' to directory 't'\n1\nd\nf\n\
        safecp: cannot copy cyclic symbolic link 's/d/y'\n1\n";
    world.shell_with_mounts(script).succeeds().says(says);
}

/// Swaps two names again and again while `copy` runs some hundred times.
fn while_swapping(world: &World, one: &str, other: &str, copy: impl Fn()) {
    let (one, other) = (world.path(one), world.path(other));
    let swap = || renameat_with(CWD, &one, CWD, &other, RenameFlags::EXCHANGE).expect("swap");
    meanwhile(swap, || (0..300).for_each(|_| copy()));
}

#[test]
fn a_directory_swapped_for_a_link_leads_nowhere_outside_the_source() {
    let world = World::new();
    world
        .dir("secret")
        .file("secret/f", "SECRET")
        .dir("s/sub")
        .file("s/sub/f", "public")
        .symlink("../secret", "s/evil");
    while_swapping(&world, "s/sub", "s/evil", || {
        let output = world.cp("-a s t");
        assert!(output.code().is_some_and(|code| code <= 1), "{output}");
        for name in ["sub", "evil"] {
            let copy = world.path("t").join(name);
            if fs::symlink_metadata(&copy).is_ok_and(|copy| copy.is_dir()) {
                let content = fs::read_to_string(copy.join("f")).unwrap_or_default();
                assert_ne!(content, "SECRET", "{output}");
            }
        }
        fs::remove_dir_all(world.path("t")).expect("rm");
    });
}

#[test]
fn a_file_swapped_for_a_link_is_not_followed() {
    let world = World::new();
    world.file("secret", "SECRET").dir("s").file("s/f", "public").symlink("../secret", "s/evil");
    while_swapping(&world, "s/f", "s/evil", || {
        let output = world.cp("-a s t");
        for name in ["f", "evil"] {
            let copy = world.path("t").join(name);
            if fs::symlink_metadata(&copy).is_ok_and(|copy| copy.is_file()) {
                assert_eq!(fs::read_to_string(copy).expect("read"), "public", "{output}");
            }
        }
        fs::remove_dir_all(world.path("t")).expect("rm");
    });
}

#[test]
fn a_target_directory_swapped_for_a_link_lets_nothing_be_written_outside() {
    let world = World::new();
    world.dir("outside").dir("s/sub").file("s/sub/f", "content").dir("t/s/sub").symlink("../../outside", "t/evil");
    while_swapping(&world, "t/s/sub", "t/evil", || {
        let output = world.cp("-a s t");
        assert!(output.code().is_some_and(|code| code <= 1), "{output}");
        assert_eq!(world.names("outside").len(), 0, "{output}");
    });
}
