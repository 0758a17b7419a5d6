//! What programs behind FUSE do and filesystems of the kernel do not: no count of links, wrong kinds in listings, modes that are
//! not set, no rename. GNU cp copies there, and so it has to be here; here by a filesystem in user space.

mod common;
#[path = "odd/filesystem.rs"]
mod filesystem;

use common::{Output, World};
use filesystem::{Habit, Mount, exact, mount_with};
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

const KIND: u32 = 0o7777;

/// A world with a tree `s`, and a filesystem at `m` that has the habit.
fn with(habit: Habit) -> Option<(World, Mount)> {
    let world = World::new();
    world.dir("s/d").file("s/a", "1").file("s/d/b", "2").symlink("a", "s/l").random("s/large", 300_000, 1);
    world.chmod("s/a", 0o640).chmod("s/d", 0o750);
    let mount = mount_with(&world, exact, habit)?;
    Some((world, mount))
}

/// A new tree is copied there and back, and an old one is copied over.
#[track_caller]
fn takes_a_tree(world: &World) {
    world.cp("-a s m/new").succeeds();
    world.assert_same_tree("s", "back/new");
    world.cp("-a m/new back-again").succeeds();
    world.assert_same_tree("s", "back-again");
    world.dir("back/old/d").file("back/old/a", "old").file("back/old/d/b", "older and longer");
    world.cp("-aT s m/old").succeeds();
    world.assert_same_tree("s", "back/old");
    world.file("s/a", "changed").cp("s/a m/old/a").succeeds();
    assert_eq!(world.read("back/old/a"), "changed");
}

#[test]
fn a_count_of_no_links_is_not_a_stranger() {
    let Some((world, _mount)) = with(Habit::CountsNoLinks) else { return };
    takes_a_tree(&world);
}

#[test]
fn what_a_listing_calls_a_file_may_be_a_directory() {
    let Some((world, _mount)) = with(Habit::ListsFiles) else { return };
    takes_a_tree(&world);
}

#[test]
fn an_old_file_keeps_a_mode_that_cannot_be_set() {
    let Some((world, _mount)) = with(Habit::IgnoresModes) else { return };
    world.file("back/a", "old").chmod("back/a", 0o664);
    world.cp("s/a m/a").succeeds();
    assert_eq!((world.read("back/a"), world.mode("back/a") & KIND), ("1".to_owned(), 0o664));
}

#[test]
fn an_old_file_is_written_where_nothing_is_renamed_over_it() {
    for habit in [Habit::RenamesOverNothing, Habit::RenamesNothing, Habit::RefusesDots] {
        let Some((world, _mount)) = with(habit) else { return };
        world.file("back/a", "old").file("back/large", "old").chmod("back/a", 0o664);
        world.cp("s/a s/large m").succeeds();
        assert_eq!((world.read("back/a"), world.mode("back/a") & KIND), ("1".to_owned(), 0o664), "{habit:?}");
        assert!(world.same_bytes("s/large", "back/large"), "{habit:?}");
        assert_eq!(world.names("back"), ["a", "large"], "{habit:?}");
    }
}

/// GNU's cp opens the file that is there, and makes none.
#[test]
fn an_old_file_is_written_where_this_user_has_no_files() {
    let Some((world, _mount)) = with(Habit::MapsNoOwner) else { return };
    world.file("back/a", "old").file("back/large", "old").chmod("back/a", 0o664);
    world.cp("s/a s/large m").succeeds();
    assert_eq!((world.read("back/a"), world.mode("back/a") & KIND), ("1".to_owned(), 0o664));
    assert!(world.same_bytes("s/large", "back/large"));
    world.cp("s/a m/new").fails_with(&["cannot create regular file 'm/new': Value too large for defined data type"]);
}

#[test]
fn bytes_go_in_order_where_they_are_not_taken_otherwise() {
    let Some((world, _mount)) = with(Habit::WritesInOrder) else { return };
    world.random("huge", 40_000_000, 2);
    world.cp("--jobs=4 huge m/huge").succeeds();
    assert!(world.same_bytes("huge", "back/huge"));
}

/// Those of which some are found in programs for phones and clouds, and in servers that hide names with a dot.
const NAMES_ARE_FOR_GOOD: [Habit; 4] =
    [Habit::KeepsNames, Habit::KeepsNamesWithoutDots, Habit::RefusesDots, Habit::HidesDots];

#[test]
fn a_new_file_is_made_where_it_can_have_no_other_name() {
    for habit in NAMES_ARE_FOR_GOOD {
        let Some((world, _mount)) = with(habit) else { return };
        world.file("s/large", "smaller").file("s/c", "3");
        world.cp("-a s m/new").succeeds();
        world.assert_same_tree("s", "back/new");
        world.dir("back/old/d").file("back/old/a", "old").file("back/old/d/b", "older and longer");
        world.cp("-aT s m/old").succeeds();
        world.assert_same_tree("s", "back/old");
        world.file("x", "x").chmod("x", 0o640);
        let told = world.cp("--debug x m/x");
        assert!(told.succeeds().stdout.contains("target: written under its own name"), "{habit:?}: {told}");
        assert_eq!((world.read("back/x"), world.mode("back/x") & KIND), ("x".to_owned(), 0o640), "{habit:?}");
        world.shell("printf stream | $safecp /dev/stdin m/stream").succeeds();
        assert_eq!(world.read("back/stream"), "stream", "{habit:?}");
        world.cp("--attributes-only -p x m/empty").succeeds();
        assert_eq!((world.read("back/empty"), world.mode("back/empty") & KIND), (String::new(), 0o640), "{habit:?}");
        assert_eq!(world.names("back"), ["empty", "new", "old", "stream", "x"], "{habit:?}");
    }
}

#[test]
fn what_was_begun_under_its_own_name_goes_if_it_fails() {
    let Some((world, _mount)) = with(Habit::KeepsNames) else { return };
    for _ in 0..2 {
        world.cp("s/a s/large m").fails_with(&["error writing 'm/large': No space left on device"]);
        assert_eq!(world.names("back"), ["a"]);
    }
}

#[test]
fn what_cannot_be_removed_is_told() {
    let Some((world, _mount)) = with(Habit::KeepsNamesForGood) else { return };
    // Nothing but the filesystem itself takes the temporary away again.
    let copy = |words: &str| world.shell(&format!("$safecp {words}; status=$?; rm -f back/.safecp-*; exit $status"));
    copy("s/a m/a").fails_with(&["cannot remove 'm/.safecp-", "a temporary of 'm/a': Function not implemented"]);
    assert_eq!(world.read("back/a"), "1");
    copy("s/d/b s/large m").fails_with(&["cannot remove 'm/large', which is incomplete: Function not implemented"]);
    assert_eq!((world.mode("back/large") & KIND, world.read("back/b")), (0o600, "2".to_owned()));
}

#[test]
fn what_is_to_be_removed_makes_room_for_a_verified_copy() {
    for habit in [Habit::RenamesOverNothing, Habit::RenamesNothing].into_iter().chain(NAMES_ARE_FOR_GOOD) {
        let Some((world, _mount)) = with(habit) else { return };
        world.file("new", "new").symlink("new", "link");
        for words in
            ["--remove-destination new", "--remove-destination -p new", "--remove-destination -P link", "-fP link"]
        {
            world.file("back/t", "old");
            world.cp(&format!("{words} m/t")).succeeds();
            if words.ends_with("link") {
                assert_eq!(world.link_text("back/t"), "new", "{habit:?} {words}");
                std::fs::remove_file(world.path("back/t")).expect("a link");
            } else {
                assert_eq!(world.read("back/t"), "new", "{habit:?} {words}");
            }
            assert!(world.names("back").into_iter().all(|name| name == "t"), "{habit:?} {words}: a name stayed");
        }
    }
}

#[test]
fn what_failed_leaves_what_was_to_be_removed() {
    let Some((world, _mount)) = with(Habit::KeepsNames) else { return };
    world.file("back/t", "old");
    world.cp("--remove-destination s/large m/t").fails_with(&["error writing 'm/t': No space left on device"]);
    assert_eq!((world.read("back/t"), world.names("back").len()), ("old".to_owned(), 1));
}

/// Copies, and takes what has a temporary name then to `kept`, under a name without a dot.
fn copy_and_keep(world: &World, words: &str) -> Output {
    let keeps = "for name in back/.safecp-*; do [ ! -e $name ] && [ ! -L $name ] || mv $name kept/${name#back/.}; done";
    world.shell(&format!("mkdir kept; $safecp {words}; status=$?; {keeps}; exit $status"))
}

/// Where that is of which a message tells that it was verified or made, and could not have the target's name.
#[track_caller]
fn kept(world: &World, said: &str) -> PathBuf {
    let before =
        ["a verified copy of 's/large' is '", "a verified copy of 'new' is '", "what was to be 'm/t' is left as '"];
    let (_, name) = before.iter().find_map(|before| said.split_once(before)).expect("a name that is told");
    let (name, _) = name.split_once('\'').expect("a quoted name");
    world.path(name.replace("m/.", "kept/"))
}

/// Nothing can be renamed over an old file, so that it is removed first. GNU's cp, which does so always, has lost both then.
#[test]
fn what_was_verified_stays_if_the_old_file_has_gone_and_its_name_cannot_be_had() {
    for habit in [Habit::KeepsNamesOnce, Habit::KeepsNamesWithoutDotsOnce, Habit::RenamesOverNothingOnce] {
        let Some((world, _mount)) = with(habit) else { return };
        world.file("new", "new").chmod("new", 0o644).file("back/t", "old");
        let told = copy_and_keep(&world, "--remove-destination new m/t");
        told.fails_with(&["cannot create regular file 'm/t': No space left on device; 'm/t' is missing, "]);
        let kept = kept(&world, &told.stderr);
        let found = fs::read_to_string(&kept).expect("what was kept");
        fs::remove_file(&kept).expect("what was kept");
        assert_eq!(found, "new", "{habit:?} {told}");
        assert!(world.names("back").is_empty(), "{habit:?}");
    }
}

#[test]
fn what_was_verified_elsewhere_stays_if_it_finds_no_room_in_the_end() {
    for words in ["", "--remove-destination"] {
        let Some((world, _mount)) = with(Habit::KeepsNamesWithoutDots) else { return };
        world.file("back/t", "old");
        let told = copy_and_keep(&world, &format!("{words} s/large m/t"));
        let left = if words.is_empty() { "incomplete" } else { "missing" };
        let said = format!("error writing 'm/t': No space left on device; 'm/t' is {left}, a verified copy of");
        told.fails_with(&[&said]);
        let kept = kept(&world, &told.stderr);
        let found = fs::read(&kept).expect("what was kept");
        let mode = fs::metadata(&kept).expect("what was kept").mode();
        fs::remove_file(&kept).expect("what was kept");
        assert!(found == fs::read(world.path("s/large")).expect("the source"), "{words}: {told}");
        assert_eq!(mode & KIND, 0o600, "{words}");
    }
}

#[test]
fn what_was_verified_stays_if_the_old_file_finds_no_room_when_it_is_closed() {
    let Some((world, _mount)) = with(Habit::FillsAtClose) else { return };
    world.file("new", "new").file("back/t", "old").link("back/t", "back/u");
    let told = copy_and_keep(&world, "new m/t");
    told.fails_with(&[
        "'m/t': No space left on device; 'm/t' may be incomplete, a verified copy of 'new' is 'm/.safecp-",
    ]);
    assert_eq!(fs::read_to_string(kept(&world, &told.stderr)).expect("what was kept"), "new");
}

#[test]
fn a_link_stays_under_another_name_if_the_old_file_has_gone_and_its_name_cannot_be_had() {
    for habit in [Habit::KeepsNamesOnce, Habit::RenamesOverNothingOnce] {
        let Some((world, _mount)) = with(habit) else { return };
        world.symlink("new", "link").file("back/t", "old");
        let told = copy_and_keep(&world, "--remove-destination -P link m/t");
        told.fails_with(&[
            "cannot create symbolic link 'm/t': No space left on device; what was to be 'm/t' is left as ",
        ]);
        assert_eq!(fs::read_link(kept(&world, &told.stderr)).expect("a link"), Path::new("new"), "{habit:?}");
        assert!(world.names("back").is_empty(), "{habit:?}");
    }
}

/// GNU's cp renames what gets a backup name, and so can none where nothing is renamed.
#[test]
fn an_old_file_gets_its_backup_name_where_nothing_is_renamed_over_it() {
    for habit in [Habit::RenamesOverNothing, Habit::RenamesNothing, Habit::RefusesDots, Habit::HidesDots] {
        let Some((world, _mount)) = with(habit) else { return };
        world.file("new", "new").symlink("new", "link").file("back/t", "old").file("back/u", "older");
        world.cp("-b new m/t").succeeds();
        world.cp("--backup=numbered -P link m/u").succeeds();
        assert_eq!((world.read("back/t"), world.read("back/t~")), ("new".to_owned(), "old".to_owned()), "{habit:?}");
        assert_eq!(
            (world.link_text("back/u"), world.read("back/u.~1~")),
            ("new".to_owned(), "older".to_owned()),
            "{habit:?}"
        );
        assert_eq!(world.names("back"), ["t", "t~", "u", "u.~1~"], "{habit:?}");
    }
    let Some((world, _mount)) = with(Habit::KeepsNames) else { return };
    world.file("new", "new").file("back/t", "old");
    world.cp("-b new m/t").fails_with(&["cannot backup 'm/t': Function not implemented"]);
    assert_eq!((world.read("back/t"), world.names("back").len()), ("old".to_owned(), 1));
}

/// It was renamed, since the verified copy lies on another filesystem and cannot be renamed over it.
#[test]
fn an_old_file_gets_its_name_back_from_its_backup_if_the_new_one_finds_no_room() {
    let Some((world, _mount)) = with(Habit::RefusesDotsInLittleRoom) else { return };
    world.file("back/t", "old").file("back/t~", "older");
    for words in ["--backup=simple", "--backup=numbered", "-b -S ~~"] {
        let told = world.cp(&format!("{words} s/large m/t"));
        told.fails_with(&["error writing 'm/t': No space left on device"]);
        assert_eq!((world.read("back/t"), world.read("back/t~")), ("old".to_owned(), "older".to_owned()), "{words}");
        assert_eq!(world.names("back"), ["t", "t~"], "{words}");
    }
    world.cp("-b s/a m/t").succeeds();
    assert_eq!((world.read("back/t"), world.read("back/t~")), ("1".to_owned(), "old".to_owned()));
}

/// Where others may write to the directory, the name that was free has to be held for a moment.
#[test]
fn directories_get_their_names_where_a_rename_takes_no_flags() {
    let Some((world, _mount)) = with(Habit::RenamesWithoutFlags) else { return };
    world.chmod("s", 0o777).cp("-a --manifest=list s m/new").succeeds();
    world.shell("rm -r m/new/d").succeeds();
    world.cp("--repair list m/new --from=s").succeeds();
    world.assert_same_tree("s/d", "back/new/d");
    world.shell("chmod 777 m; mkdir m/d; $safecp --as=mv --backup=numbered -T m/d m/new").succeeds();
    world.assert_same_tree("s/d", "back/new.~1~/d");
    assert_eq!(world.shell("ls -A back/new").stdout, "");
}

/// A filesystem that shows another's directory (sshfs to the same machine, bindfs, a pool of mergerfs) has a device number of its own. GNU's
/// mv removes the file and then finds no source.
#[test]
fn a_file_is_not_moved_onto_itself_through_another_filesystem() {
    let Some((world, _mount)) = with(Habit::TellsNoChange) else { return };
    world.file("back/a", "the only copy").dir("back/e").dir("back/d/deep").file("back/d/deep/b", "another");
    let refused = |from: &str, to: &str, source: &str, target: &str| {
        let why = format!("'{from}' shows what is made in '{to}', and the copy would be removed with the source");
        format!("mv: cannot move '{source}' to '{target}': {why}\n")
    };
    for options in ["", "-f", "-b", "-u --update=all"] {
        world.cp(&format!("--as=mv {options} m/a back/a")).fails(&refused("m", "back", "m/a", "back/a"));
        world.cp(&format!("--as=mv {options} back/a m")).fails(&refused("back", "m", "back/a", "m/a"));
        world.cp(&format!("--as=mv {options} -T m/e back/e")).fails(&refused("m", "back", "m/e", "back/e"));
        world.cp(&format!("--as=mv {options} m/d/deep/b back/d/deep/")).fails(&refused(
            "m/d/deep",
            "back/d/deep",
            "m/d/deep/b",
            "back/d/deep/b",
        ));
    }
    assert_eq!((world.read("back/a"), world.read("back/d/deep/b")), ("the only copy".to_owned(), "another".to_owned()));
    assert_eq!((world.names("back").len(), world.temporaries().len()), (3, 0));
    // Another name is another file.
    world.cp("--as=mv m/d back/c").succeeds();
    world.cp("--as=mv back/c/deep/b m/b").succeeds();
    assert_eq!((world.read("back/b"), world.exists("back/d")), ("another".to_owned(), false));
    // What lies elsewhere comes and goes.
    world.cp("--as=mv s m/a back/e").succeeds();
    assert_eq!((world.read("back/e/a"), world.read("back/e/s/d/b")), ("the only copy".to_owned(), "2".to_owned()));
    assert!(!world.exists("s") && !world.exists("back/a"));
    for habit in [Habit::RefusesDots, Habit::HidesDots] {
        let Some((world, _mount)) = with(habit) else { return };
        world.file("back/a", "the only copy");
        world.cp("--as=mv back/a m").fails(&refused("back", "m", "back/a", "m/a"));
        assert_eq!((world.read("back/a"), world.names("back").len()), ("the only copy".to_owned(), 1), "{habit:?}");
    }
}
