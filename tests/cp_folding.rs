//! Targets that take two names of the source for one: exFAT, NTFS, SMB, and others that fold case or normalise characters.
//! What this run has made there is not made again under another spelling, whatever it is; here by a filesystem in user space.

mod common;
#[path = "odd/filesystem.rs"]
mod filesystem;

use common::World;
use filesystem::{Fold, Habit, Mount, accents, case, exact, mount, mount_with};

fn on(fold: Fold) -> Option<(World, Mount)> {
    let world = World::new();
    let mount = mount(&world, fold)?;
    Some((world, mount))
}

const REFUSED: &str = "safecp: will not overwrite just-created";

/// One of two names was made, whole, and the other is an error.
#[track_caller]
fn makes_one_of(world: &World, words: &str, [one, other]: [&str; 2]) {
    let output = world.cp(words);
    assert_eq!(output.code(), Some(1), "{words}: {output}");
    assert_eq!(output.stderr.matches(REFUSED).count(), 1, "{words}: {output}");
    assert_eq!(output.stderr.lines().count(), 1, "{words}: {output}");
    let is_made = |name: &str| output.stderr.contains(&format!("with '{name}'"));
    assert!(is_made(one) != is_made(other), "{words}: {output}");
}

#[test]
fn a_file_is_not_replaced_by_one_that_differs_in_case() {
    for words in ["-a s/. m", "-r --jobs=4 s/. m", "-a s m/new", "-r --remove-destination s/. m", "-r --in-place s/. m"]
    {
        let Some((world, _mount)) = on(case) else { return };
        world.dir("s").file("s/A", "upper").file("s/a", "lower").file("s/b", "b");
        let names = if words.contains("new") { ["s/A", "s/a"] } else { ["s/./A", "s/./a"] };
        makes_one_of(&world, words, names);
        let target = if words.contains("new") { "m/new" } else { "m" };
        let held = world.read(format!("{target}/a"));
        assert!(["upper", "lower"].contains(&held.as_str()) && world.read(format!("{target}/b")) == "b", "{words}");
    }
}

/// Servers that hide what begins with a dot fold case as well.
#[test]
fn names_are_told_apart_where_none_begins_with_a_dot() {
    for habit in [Habit::RefusesDots, Habit::HidesDots] {
        let world = World::new();
        let Some(_mount) = mount_with(&world, case, habit) else { return };
        world.dir("s").file("s/A", "upper").file("s/a", "lower").dir("s/D").file("s/D/x", "x").file("s/b", "b");
        makes_one_of(&world, "-a s/. m", ["s/./A", "s/./a"]);
        assert!(["upper", "lower"].contains(&world.read("m/a").as_str()), "{habit:?}");
        assert_eq!((world.read("m/b"), world.read("m/d/x")), ("b".to_owned(), "x".to_owned()), "{habit:?}");
        assert_eq!(world.names("back").len(), 3, "{habit:?}");
        let world = World::new();
        let Some(_mount) = mount_with(&world, accents, habit) else { return };
        world.dir("s").file("s/\u{e9}\u{e9}", "one").file("s/e\u{301}e\u{301}", "other");
        world.file("back/e\u{301}\u{e9}", "old");
        makes_one_of(&world, "-a s/. m", ["s/./\u{e9}\u{e9}", "s/./e\u{301}e\u{301}"]);
        assert_ne!(world.read("m/\u{e9}\u{e9}"), "old", "{habit:?}");
    }
}

/// A target that stands there already is replaced by one of both, once.
#[test]
fn an_old_file_is_replaced_by_one_of_two() {
    let Some((world, _mount)) = on(case) else { return };
    world.dir("s").file("s/A", "upper").file("s/a", "lower").file("back/a", "old");
    makes_one_of(&world, "-a --jobs=4 s/. m", ["s/./A", "s/./a"]);
    assert_ne!(world.read("back/a"), "old");
}

/// As with every cp: who has README there gets a readme over it.
#[test]
fn an_old_file_of_another_spelling_is_replaced() {
    let Some((world, _mount)) = on(case) else { return };
    world.dir("s").file("s/readme", "new").file("back/README", "old").cp("-a s/. m").succeeds();
    assert_eq!(world.read("m/readme"), "new");
}

#[test]
fn directories_do_not_merge() {
    for words in ["-r s/. m", "-r s m/new"] {
        let Some((world, _mount)) = on(case) else { return };
        world.dir("s/D").dir("s/d").file("s/D/x", "x").file("s/d/y", "y");
        let at = if words.contains("new") { "s" } else { "s/." };
        makes_one_of(&world, words, [&format!("{at}/D"), &format!("{at}/d")]);
    }
}

#[test]
fn nothing_is_written_through_a_link_that_was_made() {
    let Some((world, _mount)) = on(case) else { return };
    world.dir("s").symlink("victim", "s/A").file("s/a", "evil").file("back/victim", "victim");
    makes_one_of(&world, "-a s/. m", ["s/./A", "s/./a"]);
    assert_eq!(world.read("back/victim"), "victim");
    let Some((world, _mount)) = on(case) else { return };
    world.dir("s/a").symlink("victim", "s/A").file("s/a/x", "evil").dir("back/victim");
    makes_one_of(&world, "-a --keep-directory-symlink s/. m", ["s/./A", "s/./a"]);
    assert!(!world.exists("back/victim/x"));
}

#[test]
fn links_and_fifos_are_not_made_twice() {
    let Some((world, _mount)) = on(case) else { return };
    world.dir("s").symlink("one", "s/L").symlink("two", "s/l");
    makes_one_of(&world, "-a s/. m", ["s/./L", "s/./l"]);
}

#[test]
fn accents_are_not_told_apart_where_they_are_not() {
    let Some((world, _mount)) = on(accents) else { return };
    world.dir("s").file("s/\u{e9}", "one").file("s/e\u{301}", "other").file("s/A", "A").file("s/a", "a");
    makes_one_of(&world, "-a s/. m", ["s/./\u{e9}", "s/./e\u{301}"]);
    assert_eq!((world.read("m/A"), world.read("m/a")), ("A".to_owned(), "a".to_owned()));
}

/// Most filesystems: all names arrive, also in a directory that has them all.
#[test]
fn names_are_told_apart_where_they_are() {
    let Some((world, _mount)) = on(exact) else { return };
    world
        .dir("s")
        .file("s/\u{e9}", "1")
        .file("s/e\u{301}", "2")
        .file("s/A", "3")
        .file("s/a", "4")
        .dir("s/D")
        .dir("s/d");
    world.cp("-a s/. m").succeeds();
    world.cp("-a s/. m").succeeds();
    world.assert_same_tree("s", "back");
    let world = World::new();
    world.dir("s/D").dir("s/d").file("s/A", "1").file("s/a", "2").cp("-a s t").succeeds();
    world.assert_same_tree("s", "t");
}

/// Two operands, and what lies in them.
#[test]
fn an_operand_does_not_make_again_what_another_has_made() {
    for (words, names) in [
        ("-a x/F y/f m", ["x/F", "y/f"]),
        ("-a x/D y/d m", ["x/D", "y/d"]),
        ("-a x/. y/. m", ["x/./same", "y/./SAME"]),
        ("--parents x/F X/f m", ["x/F", "X"]),
    ] {
        let Some((world, _mount)) = on(case) else { return };
        world
            .dir("x/same")
            .dir("y/SAME")
            .dir("x/D")
            .dir("y/d")
            .file("x/F", "1")
            .file("y/f", "2")
            .dir("X")
            .file("X/f", "3");
        if words.contains("/.") {
            world.tool("rm", ["-r", "x/D", "y/d", "x/F", "y/f"]);
        }
        makes_one_of(&world, words, names);
    }
}

#[test]
fn operands_of_one_name_are_merged_as_before() {
    let Some((world, _mount)) = on(case) else { return };
    world.dir("x/d").dir("y/d").file("x/d/f", "1").file("y/d/f", "2").file("y/d/g", "3");
    world.cp("-a x/d y/d m").succeeds();
    assert_eq!((world.read("m/d/f"), world.read("m/d/g")), ("2".to_owned(), "3".to_owned()));
}

/// GNU's cp refuses that for operands, and writes through the link beneath them.
#[test]
fn an_operand_writes_through_no_link_that_another_has_made() {
    let world = World::new();
    world
        .dir("x/d")
        .dir("y/d")
        .symlink("victim", "x/d/l")
        .file("y/d/l", "evil")
        .dir("t/d")
        .file("t/d/victim", "victim");
    world.cp("-a x/d y/d t").fails("safecp: will not copy 'y/d/l' through just-created symlink 't/d/l'\n");
    world.cp("-a x/d/l y/d/l t").fails("safecp: will not copy 'y/d/l' through just-created symlink 't/l'\n");
    assert_eq!(world.read("t/d/victim"), "victim");
}

/// Hard links where numbers go by names (sshfs, mergerfs).
#[test]
fn hard_links_are_made_where_numbers_go_by_names() {
    let Some((world, _mount)) = on(exact) else { return };
    world.dir("s").file("s/a", "1").link("s/a", "s/b").cp("-a s m/t").succeeds();
    world.cp("-a s/. m/t").succeeds();
    assert_eq!(world.inode("back/t/a"), world.inode("back/t/b"));
}
