//! A look that failed says nothing: it is not "no such name" and not "another file", and nothing is made by it.

mod common;
use common::World;
use std::path::PathBuf;

/// A file, a link to it, a further name of it, and one that a backup of `t` would take.
fn world() -> World {
    let world = World::new();
    world.file("a", "the only copy").symlink("a", "l").link("a", "b").file("t", "old").file("t~", "source");
    world
}

/// Refused by every cp: whichever look fails, it is not done.
#[track_caller]
fn stays_refused(words: &str) {
    let Some(plain) = world().cp_traced("newfstatat,statx", &[], words) else { return };
    assert_eq!(plain.output.code(), Some(1), "{words}: {}", plain.output);
    let looks = plain.count("newfstatat");
    assert!(looks > 2, "{words}: {}", plain.calls);
    for look in 1..=looks {
        let world = world();
        let fault = format!("newfstatat:error=EIO:when={look}");
        let Some(traced) = world.cp_traced("newfstatat", &[&fault], words) else { return };
        assert_ne!(traced.output.code(), Some(0), "{words}: look {look} failed: {}", traced.calls);
        let held = ["a", "t", "t~"].map(|name| world.read(name));
        assert_eq!(held, ["the only copy", "old", "source"], "{words}: look {look} failed: {}", traced.calls);
        assert!(!world.stat("a").is_symlink() && world.link_text("l") == "a", "{words}: look {look} failed");
    }
}

#[test]
fn no_link_takes_the_place_of_what_it_leads_to() {
    stays_refused("-P l a");
    stays_refused("-a l a");
}

#[test]
fn nothing_is_written_onto_itself() {
    stays_refused("l a");
    stays_refused("a a");
    stays_refused("-a a b");
    stays_refused("--in-place a b");
}

#[test]
fn no_backup_takes_its_source_away() {
    stays_refused("--backup=simple t~ t");
    stays_refused("--backup=existing t~ t");
}

/// Where the target operand is a directory, a tree goes into it, and where none, it becomes it.
#[test]
fn a_target_that_cannot_be_looked_at_is_no_new_name() {
    let world = World::new();
    world.dir("s").file("s/x", "x").dir("d");
    let Some(plain) = world.cp_traced("newfstatat", &[], "-r s d") else { return };
    let look = plain.position("newfstatat", "\"d\"").expect("the target is looked at");
    std::fs::remove_dir_all(world.path("d/s")).expect("rm");
    let fault = format!("newfstatat:error=EIO:when={look}");
    let Some(traced) = world.cp_traced("newfstatat", &[&fault], "-r s d") else { return };
    traced.output.fails("safecp: cannot stat 'd': Input/output error\n");
    assert_eq!(world.names("d"), Vec::<PathBuf>::new());
}

#[test]
fn a_target_of_parents_that_cannot_be_looked_at_is_said_to_be_that() {
    let world = World::new();
    world.dir("s").file("s/x", "x").dir("d");
    let Some(plain) = world.cp_traced("newfstatat", &[], "--parents s/x d") else { return };
    let look = plain.position("newfstatat", "\"d\"").expect("the target is looked at");
    let fault = format!("newfstatat:error=EIO:when={look}");
    let Some(traced) = world.cp_traced("newfstatat", &[&fault], "--parents s/x d") else { return };
    traced.output.fails("safecp: cannot stat 'd': Input/output error\n");
}

/// A relative link is made in the working directory and nowhere else.
#[test]
fn a_working_directory_that_cannot_be_looked_at_is_no_other() {
    let world = World::new();
    world.file("f", "f").dir("d");
    let words = "safecp: d/l: can make relative symbolic links only in current directory\n";
    let Some(plain) = world.cp_traced("newfstatat", &[], "-s f d/l") else { return };
    plain.output.fails(words);
    let look = plain.position("newfstatat", "\".\"").expect("the working directory is looked at");
    let fault = format!("newfstatat:error=EIO:when={look}");
    let Some(traced) = world.cp_traced("newfstatat", &[&fault], "-s f d/l") else { return };
    traced.output.fails("safecp: cannot stat '.': Input/output error\n");
    assert!(!world.exists("d/l"));
}
