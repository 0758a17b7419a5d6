//! Sources that keep their path (--parents), and links to directories that stand in the target (--keep-directory-symlink).

mod common;
use common::World;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

#[test]
fn parents_makes_the_directories_of_the_path() {
    let world = World::new();
    world.dir("a/b").file("a/b/x", "x").chmod("a", 0o751).chmod("a/b", 0o711).dir("d");
    world.cp("--parents -v a/b/x d").succeeds().says("a -> d/a\na/b -> d/a/b\n'a/b/x' -> 'd/a/b/x'\n");
    assert_eq!((world.read("d/a/b/x"), world.mode("d/a"), world.mode("d/a/b")), ("x".to_owned(), 0o751, 0o711));
}

/// Its old name, which GNU's cp takes without a word and does not document.
#[test]
fn path_is_parents() {
    for word in ["--path", "--pat"] {
        let world = World::new();
        world.dir("a").file("a/x", "x").dir("d").cp(&format!("{word} a/x d")).succeeds().says("");
        assert_eq!(world.read("d/a/x"), "x");
    }
}

#[test]
fn parents_of_an_absolute_path_lie_in_the_directory() {
    let world = World::new();
    world.dir("a").file("a/x", "x").dir("d");
    let source = world.path("a/x");
    world.cp_args(["--parents".as_ref(), source.as_os_str(), "d".as_ref()]).succeeds();
    let below = Path::new("d").join(source.strip_prefix("/").expect("an absolute path"));
    assert_eq!(world.read(below), "x");
}

#[test]
fn parents_keep_their_attributes_where_those_are_preserved() {
    let world = World::new();
    world.dir("a/b").file("a/b/x", "x").chmod("a/b", 0o500).times("a/b", (1, 2), (3, 4)).times("a", (5, 6), (7, 8));
    world.dir("d").cp_as_nobody("-p --parents a/b/x d").succeeds();
    assert_eq!((world.mode("d/a/b"), world.stat("d/a/b").mtime(), world.stat("d/a").mtime_nsec()), (0o500, 3, 8));
    world.chmod("a/b", 0o700).chmod("d/a/b", 0o700);
}

#[test]
fn parents_that_are_there_stay_as_they_are() {
    let world = World::new();
    world
        .dir("a")
        .file("a/x", "x")
        .chmod("a", 0o700)
        .dir("d/a")
        .chmod("d/a", 0o755)
        .cp("-p --parents a/x d")
        .succeeds();
    assert_eq!(world.mode("d/a"), 0o755);
}

#[test]
fn parents_of_trees_and_links_are_made_as_well() {
    let world = World::new();
    world.dir("a/s").file("a/s/x", "x").symlink("a", "link").dir("d").cp("-r --parents link/s d").succeeds();
    assert_eq!(world.read("d/link/s/x"), "x");
    assert!(!world.stat("d/link").file_type().is_symlink());
}

#[test]
fn parents_fail_by_their_names() {
    let world = World::new();
    world.dir("a").file("a/x", "x").dir("d").file("d/a", "in the way");
    world.cp("--parents nope/x d").fails("safecp: failed to get attributes of 'nope': No such file or directory\n");
    world.cp("--parents a/x d").fails("safecp: 'd/a' exists but is not a directory\n");
    // Where a link leads out of the target, too; GNU cp says the same.
    world.dir("e").file("f", "a file").symlink("../f", "e/a");
    world.cp("--parents a/x e").fails("safecp: 'e/a' exists but is not a directory\n");
    let words =
        "safecp: with --parents, the destination must be a directory\nTry 'safecp --help' for more information.\n";
    world.cp("--parents a/x new").fails(words);
    assert_eq!(world.read("d/a"), "in the way");
}

#[test]
fn hard_links_are_kept_beneath_parents() {
    let world = World::new();
    world.dir("a/b").file("a/b/x", "x").link("a/b/x", "a/b/y").dir("d").cp("-a --parents a/b/x a/b/y d").succeeds();
    assert_eq!(world.stat("d/a/b/x").ino(), world.stat("d/a/b/y").ino());
}

#[test]
fn a_directory_goes_through_a_link_to_one_only_where_told() {
    let world = World::new();
    world.dir("s/lib").file("s/lib/x", "x").dir("t/usr/lib").symlink("usr/lib", "t/lib");
    world.cp("-r s/. t").fails("safecp: cannot overwrite non-directory 't/./lib' with directory 's/./lib'\n");
    world.cp("-r --keep-directory-symlink s/. t").succeeds();
    assert_eq!((world.read("t/usr/lib/x"), world.link_text("t/lib")), ("x".to_owned(), "usr/lib".to_owned()));
}

#[test]
fn posix_has_its_file_at_the_end_of_a_dangling_link() {
    let world = World::new();
    world.file("a", "1").symlink("end", "b").cp("a b").fails("safecp: not writing through dangling symlink 'b'\n");
    world.shell("POSIXLY_CORRECT=1 $safecp a b").succeeds();
    assert_eq!((world.read("end"), world.link_text("b")), ("1".to_owned(), "end".to_owned()));
}

#[test]
fn a_durable_copy_syncs_every_directory_it_put_a_name_into() {
    let world = World::new();
    world.dir("a/b").file("a/b/x", "x").dir("d");
    let Some(traced) = world.cp_traced("fsync,syncfs", &[], "--durable --parents --jobs=1 a/b/x d") else { return };
    traced.output.succeeds();
    // The file, d/a/b for its name, d/a for that of b, and d for that of a. Directories that were made are written out together, where
    // that tells what could not be.
    assert!(traced.count("fsync") + traced.count("syncfs") >= 4, "{}", traced.calls);
}

/// The way back is taken in the target as well.
#[test]
fn parents_may_go_up_again() {
    let world = World::new();
    world.dir("a/b").file("a/b/f", "1").link("a/b/f", "a/b/g").dir("d");
    world
        .cp("-v --parents a/../a/b/f d")
        .succeeds()
        .says("a -> d/a\na/../a/b -> d/a/../a/b\n'a/../a/b/f' -> 'd/a/../a/b/f'\n");
    assert_eq!(world.read("d/a/b/f"), "1");
    world.dir("e").cp("-r --parents a/b/.. e").succeeds();
    assert_eq!(
        (world.names("e"), world.names("e/a"), world.read("e/a/b/f")),
        (vec!["a".into()], vec!["b".into()], "1".to_owned())
    );
    world.dir("h").cp("-a --parents a/../a/b/f a/b/g h").succeeds();
    assert_eq!(world.inode("h/a/b/f"), world.inode("h/a/b/g"));
    world.dir("deep/t").shell("cd deep && $safecp --parents ../a/b/f t").succeeds();
    assert_eq!(world.read("deep/a/b/f"), "1");
}

/// GNU's cp has other words for it.
#[test]
fn parents_do_not_copy_a_directory_out_of_the_target() {
    let world = World::new();
    world
        .dir("in/d")
        .cp("-r --parents in/../.. in/d")
        .fails("safecp: cannot create directory 'in/d/in/../..': File exists\n");
    world.shell("cd in && $safecp -r --parents .. d").fails("safecp: cannot create directory 'd/..': File exists\n");
}

/// Another run makes it between the look and the call.
#[test]
fn a_directory_that_another_run_makes_meanwhile_is_there() {
    for (words, name) in [("--parents a/x t", "\"a\""), ("-r a t", "\"a\"")] {
        let world = World::new();
        world.dir("a").file("a/x", "x").dir("t/a");
        let Some(plain) = world.cp_traced("newfstatat", &[], words) else { return };
        plain.output.succeeds();
        let lines = plain.calls.lines().filter(|line| line.contains("newfstatat("));
        let look = 1 + lines
            .clone()
            .position(|line| line.contains(name) && line.contains("SYMLINK_NOFOLLOW") && !line.contains("AT_FDCWD"))
            .expect("a look");
        let Some(traced) = world.cp_traced("newfstatat", &[&format!("newfstatat:error=ENOENT:when={look}")], words)
        else {
            return;
        };
        traced.output.succeeds();
        assert_eq!(world.read("t/a/x"), "x", "{words}");
    }
}
