//! Where a copy goes: what cp makes of its last operand, of -t and -T, of trailing slashes and of targets that are in
//! the way. Expected messages are those of GNU cp 9.10.

mod common;
use common::World;

#[test]
fn a_file_is_copied_to_a_new_name() {
    let world = World::new();
    world.file("a", "content").cp("a b").succeeds().says("");
    assert_eq!(world.read("b"), "content");
}

#[test]
fn a_file_goes_into_a_directory_under_its_own_name() {
    let world = World::new();
    world.file("a", "content").dir("d").cp("a d").succeeds();
    assert_eq!(world.read("d/a"), "content");
}

#[test]
fn a_file_goes_through_a_link_to_a_directory() {
    let world = World::new();
    world.file("a", "content").dir("d").symlink("d", "link").cp("a link").succeeds();
    assert_eq!(world.read("d/a"), "content");
    assert_eq!(world.link_text("link"), "d");
}

#[test]
fn many_files_go_into_a_directory() {
    let world = World::new();
    world.dir("from").file("from/a", "1").file("from/b", "2").dir("d").cp("from/a from/b d").succeeds();
    assert_eq!(world.names("d"), ["a", "b"]);
}

#[test]
fn many_files_do_not_go_into_a_file() {
    let world = World::new();
    world.file("a", "1").file("b", "2").file("c", "3").cp("a b c").fails("safecp: target 'c': Not a directory\n");
    assert_eq!(world.read("c"), "3");
}

#[test]
fn many_files_do_not_go_into_what_is_not_there() {
    let world = World::new();
    world.file("a", "1").file("b", "2").cp("a b c").fails("safecp: target 'c': No such file or directory\n");
    assert_eq!(world.names("."), ["a", "b"]);
}

#[test]
fn the_target_directory_may_be_named_first() {
    let world = World::new();
    world.file("a", "1").file("b", "2").dir("d").cp("-t d a b").succeeds();
    world.dir("e").cp("--target-directory=e a").succeeds();
    assert_eq!(world.names("d"), ["a", "b"]);
    assert_eq!(world.names("e"), ["a"]);
}

#[test]
fn the_target_directory_must_be_there() {
    let world = World::new();
    world.file("a", "1").cp("-t d a").fails("safecp: target directory 'd': No such file or directory\n");
    world.file("f", "2").cp("-t f a").fails("safecp: target directory 'f': Not a directory\n");
    assert_eq!(world.read("f"), "2");
}

#[test]
fn the_target_itself_is_meant_with_capital_t() {
    let world = World::new();
    world.file("a", "1").dir("d").cp("-T a d").fails("safecp: cannot overwrite directory 'd' with non-directory 'a'\n");
    world.dir("s").file("s/x", "x").dir("t").cp("-RT s t").succeeds();
    assert_eq!(world.read("t/x"), "x");
    assert!(!world.exists("t/s"));
}

#[test]
fn capital_t_takes_two_operands() {
    let world = World::new();
    let words = "safecp: extra operand 'c'\nTry 'safecp --help' for more information.\n";
    world.file("a", "1").file("b", "2").dir("c").cp("-T a b c").fails(words);
    assert_eq!(world.read("b"), "2");
}

#[test]
fn operands_must_not_be_missing() {
    let world = World::new();
    let help = "Try 'safecp --help' for more information.\n";
    world.cp("").fails(&format!("safecp: missing file operand\n{help}"));
    world.cp("a").fails(&format!("safecp: missing destination file operand after 'a'\n{help}"));
    world.dir("d").cp("-t d").fails(&format!("safecp: missing file operand\n{help}"));
}

#[test]
fn a_trailing_slash_asks_for_a_directory() {
    let world = World::new();
    world.file("a", "1").cp("a b/").fails("safecp: cannot create regular file 'b/': Not a directory\n");
    world.cp("a/ b").fails("safecp: cannot stat 'a/': Not a directory\n");
    assert_eq!(world.names("."), ["a"]);
    world.dir("d").cp("a d/").succeeds();
    assert_eq!(world.read("d/a"), "1");
}

#[test]
fn a_new_directory_may_be_named_with_a_trailing_slash() {
    let world = World::new();
    world.dir("s").file("s/x", "x").cp("-R s t/").succeeds();
    world.cp("-R s/ u").succeeds();
    assert_eq!((world.read("t/x"), world.read("u/x")), ("x".to_owned(), "x".to_owned()));
}

#[test]
fn a_directory_becomes_the_target_or_goes_into_it() {
    let world = World::new();
    world.dir("s").file("s/x", "x").cp("-R s t").succeeds();
    assert_eq!(world.read("t/x"), "x");
    world.cp("-R s t").succeeds();
    assert_eq!(world.read("t/s/x"), "x");
}

#[test]
fn a_dot_copies_what_is_in_a_directory() {
    let world = World::new();
    world.dir("s/sub").file("s/.hidden", "h").file("s/sub/x", "x").dir("t").cp("-R s/. t").succeeds();
    assert_eq!(world.names("t"), [".hidden", "sub"]);
    world.cp("-R s/. new").succeeds();
    assert_eq!(world.read("new/sub/x"), "x");
}

#[test]
fn dots_in_operands_lead_where_they_say() {
    let world = World::new();
    world.dir("s/sub").file("s/x", "x").dir("t").cp("-R s/sub/.. t").succeeds();
    assert_eq!(world.read("t/x"), "x");
    world.file("a", "1").cp("a ./s/../t/./b").succeeds();
    assert_eq!(world.read("t/b"), "1");
}

#[test]
fn a_directory_is_left_out_without_r() {
    let world = World::new();
    world.dir("s").cp("s t").fails("safecp: -r not specified; omitting directory 's'\n");
    world.file("a", "1").dir("d").cp("s a d").fails("safecp: -r not specified; omitting directory 's'\n");
    assert_eq!(world.names("d"), ["a"]);
}

#[test]
fn a_directory_does_not_take_a_files_place() {
    let world = World::new();
    world.dir("s").file("f", "1").cp("-R s f").fails("safecp: cannot overwrite non-directory 'f' with directory 's'\n");
    assert_eq!(world.read("f"), "1");
}

#[test]
fn a_file_does_not_take_a_directorys_place() {
    let world = World::new();
    world.file("a", "1").dir("d/a/in");
    world.cp("a d").fails("safecp: cannot overwrite directory 'd/a' with non-directory 'a'\n");
    assert!(world.exists("d/a/in"));
}

#[test]
fn within_a_tree_too_types_do_not_replace_each_other() {
    let world = World::new();
    world.dir("s/one").file("s/two", "2").file("s/three", "3");
    world.dir("t/s/two").file("t/s/one", "1");
    let output = world.cp("-R s t");
    output.fails_with(&["cannot overwrite directory 't/s/two' with non-directory 's/two'"]);
    output.fails_with(&["cannot overwrite non-directory 't/s/one' with directory 's/one'"]);
    assert_eq!((world.read("t/s/one"), world.read("t/s/three")), ("1".to_owned(), "3".to_owned()));
}

#[test]
fn trees_are_merged() {
    let world = World::new();
    world.dir("s/d").file("s/d/new", "new").file("s/d/both", "from s").dir("t/s/d").file("t/s/d/both", "old");
    world.file("t/s/d/other", "other").cp("-R s t").succeeds();
    assert_eq!(world.names("t/s/d"), ["both", "new", "other"]);
    assert_eq!(world.read("t/s/d/both"), "from s");
}

#[test]
fn a_directory_is_not_copied_into_itself() {
    let world = World::new();
    world.dir("d").file("d/x", "x").cp("-R d d").fails_with(&["cannot copy a directory, 'd', into itself, 'd/d'"]);
    world.cp("-R d d/new").fails_with(&["cannot copy a directory, 'd', into itself, 'd/new'"]);
    world.dir("d/sub").cp("-R d d/sub").fails_with(&["cannot copy a directory, 'd', into itself, 'd/sub/d'"]);
    assert_eq!(world.read("d/x"), "x");
    assert!(!world.exists("d/d/d/d"), "it went on and on");
}

#[test]
fn a_directory_is_not_copied_into_itself_through_a_link() {
    let world = World::new();
    world.dir("d/sub").file("d/x", "x").symlink("d/sub", "link");
    world.cp("-R d link").fails_with(&["cannot copy a directory, 'd', into itself, 'link/d'"]);
    assert!(!world.exists("d/sub/d/sub/d/sub"), "it went on and on");
}

#[test]
fn a_file_is_not_copied_onto_itself() {
    let world = World::new();
    world.file("a", "1").cp("a a").fails("safecp: 'a' and 'a' are the same file\n");
    world.cp("a ./a").fails("safecp: 'a' and './a' are the same file\n");
    world.cp("a .").fails("safecp: 'a' and './a' are the same file\n");
    world.cp("-f -a a a").fails("safecp: 'a' and 'a' are the same file\n");
    world.cp("--remove-destination a a").fails("safecp: 'a' and 'a' are the same file\n");
    assert_eq!(world.read("a"), "1");
}

#[test]
fn a_file_is_not_copied_onto_another_name_of_itself() {
    let world = World::new();
    world.file("a", "1").link("a", "hard").symlink("a", "soft");
    world.cp("a hard").fails("safecp: 'a' and 'hard' are the same file\n");
    world.cp("a soft").fails("safecp: 'a' and 'soft' are the same file\n");
    world.cp("soft a").fails("safecp: 'soft' and 'a' are the same file\n");
    world.cp("--in-place a hard").fails("safecp: 'a' and 'hard' are the same file\n");
    assert_eq!((world.read("a"), world.link_text("soft")), ("1".to_owned(), "a".to_owned()));
}

#[test]
fn another_name_of_a_file_may_be_removed_and_made_anew() {
    let world = World::new();
    world.file("a", "1").link("a", "hard").symlink("a", "soft");
    world.cp("--remove-destination a hard").succeeds();
    world.cp("--remove-destination a soft").succeeds();
    assert_eq!((world.read("hard"), world.read("soft")), ("1".to_owned(), "1".to_owned()));
    assert!(world.inode("hard") != world.inode("a") && world.inode("soft") != world.inode("a"));
}

#[test]
fn what_was_just_made_is_not_overwritten() {
    let world = World::new();
    world.dir("p").dir("q").dir("d").file("p/x", "p").file("q/x", "q");
    world.cp("p/x q/x d").fails("safecp: will not overwrite just-created 'd/x' with 'q/x'\n");
    assert_eq!(world.read("d/x"), "p");
}

/// `cp -u */x t`, where the newest is to have the name in the end.
#[test]
fn a_target_that_was_left_alone_is_not_just_made() {
    let world = World::new();
    world.dir("p").dir("q").dir("d").file("p/x", "p").file("q/x", "q").file("d/x", "d");
    world.times("p/x", (1, 0), (1_000, 0)).times("d/x", (1, 0), (2_000, 0)).times("q/x", (1, 0), (3_000, 0));
    for options in ["-u", "-au", "-u --remove-destination"] {
        world.file("d/x", "d").times("d/x", (1, 0), (2_000, 0));
        world.cp(&format!("{options} p/x q/x d")).succeeds();
        assert_eq!(world.read("d/x"), "q", "{options}");
    }
    // What was made is kept, and what is newer than that has another name to go to.
    world.file("d/x", "d").times("d/x", (1, 0), (500, 0));
    world.cp("-pu p/x q/x d").fails("safecp: will not overwrite just-created 'd/x' with 'q/x'\n");
    assert_eq!(world.read("d/x"), "p");
}

/// What replaces an old file waits for its name beside others.
#[test]
fn what_an_operand_has_made_is_looked_at_for_the_next_one() {
    let world = World::new();
    world.dir("p").dir("q").dir("d").file("p/x", "p").file("q/x", "q");
    world.times("p/x", (1, 0), (3_000, 0)).times("q/x", (1, 0), (2_000, 0));
    for options in ["-u", "-pu", "-au"] {
        world.file("d/x", "old").times("d/x", (1, 0), (1_000, 0));
        world.cp(&format!("{options} p/x q/x d")).succeeds();
        assert_eq!(world.read("d/x"), "p", "{options}");
    }
    // Nor does it matter that the old file has another name.
    world.file("d/x", "old").times("d/x", (1, 0), (1_000, 0)).link("d/x", "d/y");
    world.cp("-pu p/x q/x d").succeeds();
    assert_eq!(world.read("d/x"), "p");
}

/// As with cp, what comes last stays where a link brings two to one file.
#[test]
fn a_link_at_the_target_leads_to_what_an_operand_before_has_made() {
    let world = World::new();
    world.dir("p").dir("d").file("p/a", "a").file("p/b", "b");
    world.times("p/a", (1, 0), (3_000, 0)).times("p/b", (1, 0), (2_000, 0)).symlink("a", "d/b");
    for (options, last) in [("", "b"), ("-f", "b"), ("-a", "b"), ("-u", "a"), ("-pu", "a")] {
        world.file("d/a", "old").times("d/a", (1, 0), (1_000, 0));
        world.cp(&format!("{options} p/a p/b d")).succeeds();
        assert_eq!((world.read("d/a").as_str(), world.link_text("d/b").as_str()), (last, "a"), "{options}");
    }
}

#[test]
fn a_source_is_what_an_operand_before_has_made_of_it() {
    for options in ["", "-a -L", "--durable"] {
        let world = World::new();
        world.dir("p").dir("d").dir("t/p").file("p/a", "new").file("d/a", "old").file("t/p/a", "old");
        world.symlink("../d/a", "p/b").symlink("../d/c", "p/e").file("p/c", "made");
        world.cp(&format!("{options} p/a p/b p/c p/e d")).succeeds();
        assert_eq!((world.read("d/a"), world.read("d/b")), ("new".to_owned(), "new".to_owned()), "{options}");
        assert_eq!(world.read("d/e"), "made", "{options}");
        world.cp(&format!("{options} --parents p/a t/p/a t")).succeeds();
        assert_eq!((world.read("t/p/a"), world.read("t/t/p/a")), ("new".to_owned(), "new".to_owned()), "{options}");
    }
}

/// It is its own target, and nothing was made.
#[test]
fn a_target_that_is_the_source_is_not_just_made() {
    let world = World::new();
    world.dir("d").file("d/x", "old").file("x", "new");
    world.cp("-l --remove-destination d/x x d").succeeds();
    assert_eq!((world.read("d/x"), world.inode("d/x")), ("new".to_owned(), world.inode("x")));
}

#[test]
fn what_was_just_made_in_a_tree_is_not_overwritten() {
    let world = World::new();
    world.dir("p/s").dir("q/s").dir("d").file("p/s/x", "p").file("q/s/x", "q").file("q/s/y", "y");
    let output = world.cp("-R p/s q/s d");
    // GNU cp looks at files named on the command line alone, and lets the second one win here.
    assert!(["p", "q"].contains(&world.read("d/s/x").as_str()), "{output}");
    assert_eq!(world.read("d/s/y"), "y");
}

#[test]
fn a_source_named_twice_is_copied_once() {
    let world = World::new();
    world.dir("s").dir("d").file("s/x", "x").file("a", "1");
    world.cp("-R s s d").succeeds_saying("safecp: warning: source directory 's' specified more than once\n");
    world.cp("a a d").succeeds_saying("safecp: warning: source file 'a' specified more than once\n");
    assert_eq!(world.names("d"), ["a", "s"]);
}

#[test]
fn a_target_is_not_written_through_a_link_just_made() {
    let world = World::new();
    world.dir("p").dir("q").dir("d").file("victim", "old").symlink("../victim", "p/x").file("q/x", "new");
    world.cp("-R p/x q/x d").fails("safecp: will not copy 'q/x' through just-created symlink 'd/x'\n");
    assert_eq!(world.read("victim"), "old");
}

#[test]
fn a_source_with_several_names_is_not_written_through_a_link_just_made() {
    let world = World::new();
    world.dir("p").dir("q").dir("d").file("victim", "old").symlink("../victim", "p/x").file("q/x", "new");
    world
        .link("q/x", "q/y")
        .cp("-a p/x q/x d")
        .fails("safecp: will not copy 'q/x' through just-created symlink 'd/x'\n");
    assert_eq!(world.read("victim"), "old");
}

#[test]
fn what_was_just_made_is_no_backup_of_a_directory() {
    let world = World::new();
    world.dir("p").dir("q/x").dir("d").file("p/x", "p");
    world.cp("-rb p/x q/x d").fails("safecp: will not overwrite just-created 'd/x' with 'q/x'\n");
    assert_eq!(world.read("d/x"), "p");
}

#[test]
fn a_dangling_link_is_not_written_through() {
    let world = World::new();
    world.file("a", "1").symlink("nowhere", "link");
    world.cp("a link").fails("safecp: not writing through dangling symlink 'link'\n");
    assert_eq!(world.names("."), ["a", "link"]);
}

#[test]
fn a_link_to_a_file_is_written_through() {
    let world = World::new();
    world.file("a", "new").file("real", "old").symlink("real", "link").cp("a link").succeeds();
    assert_eq!((world.read("real"), world.link_text("link")), ("new".to_owned(), "real".to_owned()));
}

#[test]
fn an_empty_name_is_no_name() {
    let world = World::new();
    world.file("a", "1");
    world.cp_args(["a", ""]).fails("safecp: cannot create regular file '': No such file or directory\n");
    world.cp_args(["", "b"]).fails("safecp: cannot stat '': No such file or directory\n");
}

#[test]
fn options_may_follow_operands_and_end_at_two_dashes() {
    let world = World::new();
    world.dir("s").file("s/x", "x").cp("s t -R").succeeds();
    assert_eq!(world.read("t/x"), "x");
    world.file("-R", "dash").cp("-- -R plain").succeeds();
    assert_eq!(world.read("plain"), "dash");
}

#[test]
fn a_large_file_is_copied_whole() {
    let world = World::new();
    world.random("a", 33_333_333, 7).cp("a b").succeeds();
    assert!(world.same_bytes("a", "b"));
}

#[test]
fn files_of_every_size_near_a_power_of_two_are_copied_whole() {
    let world = World::new();
    world.dir("s");
    for size in (8..24).flat_map(|power: u32| [(1_usize << power) - 1, 1 << power, (1 << power) + 1]) {
        world.random(&format!("s/{size}"), size, size as u64);
    }
    world.cp("-a s t").succeeds();
    world.assert_same_tree("s", "t");
}

#[test]
fn a_link_that_was_just_made_is_not_written_through_wherever_it_leads() {
    let world = World::new();
    world.dir("a").dir("b").dir("c").symlink("../elsewhere", "a/1").file("b/1", "1");
    world.cp("-d a/1 b/1 c").fails("safecp: will not copy 'b/1' through just-created symlink 'c/1'\n");
    world.file("elsewhere", "kept").dir("d").cp("-d a/1 b/1 d").fails_with(&["just-created symlink 'd/1'"]);
    assert_eq!(world.read("elsewhere"), "kept");
}

/// FAT by FUSE, rclone, Android and filters refuse RENAME_NOREPLACE, links, or both.
#[test]
fn a_new_file_finds_a_name_whatever_is_refused() {
    for directory_mode in [0o755, 0o777] {
        for (rename, link) in [("EINVAL", "EPERM"), ("ENOSYS", "EOPNOTSUPP"), ("EPERM", "EACCES"), ("EACCES", "ENOSYS")]
        {
            let world = World::new();
            world.file("a", "new").dir("d").chmod("d", directory_mode);
            let faults = [format!("renameat2:error={rename}"), format!("linkat:error={link}")];
            let faults = faults.each_ref().map(String::as_str);
            let Some(traced) = world.cp_traced("renameat2,linkat", &faults, "-a a d/b") else { return };
            traced.output.succeeds();
            assert_eq!((world.read("d/b"), world.names("d").len()), ("new".to_owned(), 1), "{}", traced.calls);
        }
    }
}

/// Before Linux 6.10 linkat of a file without a name goes through /proc, which need not be there.
#[test]
fn a_new_file_that_cannot_be_linked_gets_a_name_from_the_beginning() {
    for error in ["ENOENT", "EPERM", "ENOSYS", "EXDEV"] {
        let world = World::new();
        world.dir("s").random("s/a", 200_000, 1).file("s/b", "b");
        let fault = format!("linkat:error={error}");
        let Some(traced) = world.cp_traced("linkat,openat", &[&fault], "-a --jobs=1 s d") else { return };
        traced.output.succeeds();
        world.assert_same_tree("s", "d");
        assert!(traced.count("linkat") <= 2, "it is asked once:\n{}", traced.calls);
    }
}
