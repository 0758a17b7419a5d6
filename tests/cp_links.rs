//! Links: which symbolic links are followed and which are copied, and that hard links stay hard links.

mod common;
use common::{World, filesystems};
use std::os::unix::fs::MetadataExt;

/// `file`, a link to it, a directory `dir` with a file and a link in it, and a link to that.
fn links() -> World {
    let world = World::new();
    world.file("file", "content").symlink("file", "link").dir("dir").file("dir/x", "x");
    world.symlink("x", "dir/inner").symlink("dir", "dirlink").symlink("nowhere", "dangling");
    world
}

#[test]
fn without_r_a_link_is_followed() {
    let world = links();
    world.cp("link copy").succeeds();
    assert!(world.stat("copy").is_file());
    assert_eq!(world.read("copy"), "content");
}

#[test]
fn without_r_a_link_is_copied_with_capital_p_d_or_a() {
    for option in ["-P", "-d", "-a", "--no-dereference", "-R"] {
        let world = links();
        world.cp(&format!("{option} link copy")).succeeds();
        assert_eq!(world.link_text("copy"), "file", "{option}");
    }
}

#[test]
fn within_a_tree_links_are_copied() {
    let world = links();
    world.cp("-R dir copy").succeeds();
    assert_eq!(world.link_text("copy/inner"), "x");
}

#[test]
fn capital_l_follows_all() {
    let world = links();
    world.cp("-RL dirlink copy").succeeds();
    assert!(world.stat("copy").is_dir() && world.stat("copy/inner").is_file());
    assert_eq!(world.read("copy/inner"), "x");
}

#[test]
fn capital_h_follows_those_named() {
    let world = links();
    world.cp("-RH dirlink copy").succeeds();
    assert!(world.stat("copy").is_dir());
    assert_eq!(world.link_text("copy/inner"), "x");
}

#[test]
fn with_r_a_named_link_is_copied() {
    let world = links();
    world.cp("-R dirlink copy").succeeds();
    assert_eq!(world.link_text("copy"), "dir");
}

#[test]
fn the_last_of_h_l_and_p_counts() {
    let world = links();
    world.cp("-L -P link one").succeeds();
    world.cp("-P -L link two").succeeds();
    assert!(world.stat("one").is_symlink() && world.stat("two").is_file());
}

#[test]
fn a_dangling_link_is_copied_as_it_is() {
    let world = links();
    world.cp("-P dangling copy").succeeds();
    assert_eq!(world.link_text("copy"), "nowhere");
}

#[test]
fn a_dangling_link_cannot_be_followed() {
    let world = links();
    world.cp("dangling copy").fails("safecp: cannot stat 'dangling': No such file or directory\n");
    world.cp("-L dangling copy").fails("safecp: cannot stat 'dangling': No such file or directory\n");
}

#[test]
fn a_dangling_link_in_a_tree_fails_alone_where_all_are_followed() {
    let world = links();
    world.symlink("nowhere", "dir/broken");
    world.cp("-RL dir copy").fails("safecp: cannot stat 'dir/broken': No such file or directory\n");
    assert_eq!(world.names("copy"), ["inner", "x"]);
}

#[test]
fn a_link_may_say_any_bytes() {
    let world = World::new();
    let long = "y".repeat(4000);
    world.dir("s").symlink("a\nb '\"$ \u{1}", "s/odd").symlink(&long, "s/long").cp("-a s t").succeeds();
    assert_eq!(world.link_text("t/odd"), "a\nb '\"$ \u{1}");
    assert_eq!(world.link_text("t/long"), long);
}

#[test]
fn a_link_replaces_an_old_file_or_link() {
    let world = links();
    world.file("old", "old").symlink("elsewhere", "oldlink");
    world.cp("-P link old").succeeds();
    world.cp("-P link oldlink").succeeds();
    assert_eq!((world.link_text("old"), world.link_text("oldlink")), ("file".to_owned(), "file".to_owned()));
    assert_eq!(world.read("file"), "content");
}

#[test]
fn a_link_is_not_copied_onto_itself() {
    let world = links();
    world.cp("-P link link").fails("safecp: 'link' and 'link' are the same file\n");
    assert_eq!(world.link_text("link"), "file");
}

#[test]
fn a_circle_of_links_is_an_error() {
    let world = World::new();
    world.dir("d").symlink("loop", "d/loop").file("d/x", "x");
    world.cp("d/loop copy").fails("safecp: cannot stat 'd/loop': Too many levels of symbolic links\n");
    world.cp("-RL d copy").fails("safecp: cannot stat 'd/loop': Too many levels of symbolic links\n");
    assert_eq!(world.names("copy"), ["x"]);
}

#[test]
fn a_link_to_a_directory_above_ends_the_descent() {
    let world = World::new();
    world.dir("d/sub").symlink("..", "d/sub/up").file("d/x", "x");
    world.cp("-RL d copy").fails("safecp: cannot copy cyclic symbolic link 'd/sub/up'\n");
    assert_eq!(world.read("copy/x"), "x");
    assert!(!world.exists("copy/sub/up/sub/up"), "it went on and on");
}

#[test]
fn hard_links_stay_together() {
    for option in ["-a", "-dR", "-R --preserve=links"] {
        let world = World::new();
        world.dir("s/sub").file("s/one", "1").link("s/one", "s/two").link("s/one", "s/sub/three").file("s/single", "1");
        world.cp(&format!("{option} s t")).succeeds();
        let inode = world.inode("t/one");
        assert_eq!([world.inode("t/two"), world.inode("t/sub/three")], [inode, inode], "{option}");
        assert_eq!((world.stat("t/one").nlink(), world.stat("t/single").nlink()), (3, 1), "{option}");
    }
}

#[test]
fn hard_links_become_files_of_their_own_unless_preserved() {
    for option in ["-R", "-Rp", "-a --no-preserve=links"] {
        let world = World::new();
        world.dir("s").file("s/one", "1").link("s/one", "s/two").cp(&format!("{option} s t")).succeeds();
        assert_eq!((world.stat("t/one").nlink(), world.read("t/two")), (1, "1".to_owned()), "{option}");
    }
}

#[test]
fn hard_links_among_operands_stay_together() {
    let world = World::new();
    world.dir("d").file("one", "1").link("one", "two").cp("-a one two d").succeeds();
    assert_eq!(world.inode("d/one"), world.inode("d/two"));
}

#[test]
fn hard_links_of_links_and_fifos_stay_together() {
    let world = World::new();
    world.dir("s").symlink("text", "s/link").link("s/link", "s/link2").fifo("s/fifo").link("s/fifo", "s/fifo2");
    world.cp("-a s t").succeeds();
    assert_eq!(world.inode("t/link"), world.inode("t/link2"));
    assert_eq!(world.inode("t/fifo"), world.inode("t/fifo2"));
}

#[test]
fn a_hard_link_replaces_what_is_there() {
    let world = World::new();
    world.dir("s").file("s/one", "new").link("s/one", "s/two").dir("t").file("t/one", "old").file("t/two", "old");
    world.cp("-a s/. t").succeeds();
    assert_eq!(world.inode("t/one"), world.inode("t/two"));
    assert_eq!(world.read("t/two"), "new");
}

/// It takes the link's place, and nothing is written through that: where it leads does not matter.
#[test]
fn a_hard_link_replaces_a_link_that_leads_nowhere_or_out() {
    for (words, link, leads_to, told) in [
        ("-av one two d", "d/two", "nowhere", "removed 'd/two'\n"),
        ("-a --attributes-only one two d", "d/two", "nowhere", ""),
        ("-aP one s d", "d/s/two", "../../out", ""),
        ("-auv one s d", "d/s/two", "../../none", "removed 'd/s/two'\n"),
    ] {
        let world = World::new();
        world.dir("s").file("one", "1").link("one", "two").link("one", "s/two").dir("d/s").file("out", "outside");
        let output = world.symlink(leads_to, link).cp(words);
        assert!(output.succeeds().stdout.contains(told), "{words}: {output}");
        assert_eq!(world.inode("d/one"), world.inode(link), "{words}");
        assert_eq!((world.stat(link).nlink(), world.read("out")), (2, "outside".to_owned()), "{words}");
    }
    // What is asked is asked, and what has no earlier copy is refused.
    let world = World::new();
    world
        .dir("s")
        .file("one", "1")
        .link("one", "s/two")
        .dir("d/s")
        .file("out", "outside")
        .symlink("../../out", "d/s/two");
    world.cp_answered("-ai one s d", "n\n").fails("safecp: overwrite 'd/s/two'? ");
    assert_eq!(world.link_text("d/s/two"), "../../out");
    let refused = "safecp: not writing through symlink 'd/s/two', which leads out of the target\n";
    world.cp("-a s d").fails(refused);
}

#[test]
fn a_link_outside_the_set_makes_no_group() {
    let world = World::new();
    world.dir("s").file("s/one", "1").link("s/one", "outside").cp("-a s t").succeeds();
    assert_eq!(world.stat("t/one").nlink(), 1);
}

/// RESOLVE_BENEATH gives up at `..` while anything at all is renamed on the machine; other answers come from filters and old kernels.
#[test]
fn links_are_kept_and_written_through_where_openat2_cannot_be_had() {
    for errno in ["EAGAIN", "ENOSYS", "EPERM", "EINVAL", "E2BIG"] {
        let world = World::new();
        world.dir("s/d").file("s/d/x", "new").dir("t/d").file("t/end", "old").symlink("../end", "t/d/x");
        world.file("s/one", "1").link("s/one", "s/two");
        let fault = format!("openat2:error={errno}");
        let Some(traced) = world.cp_traced("openat2", &[&fault], "-a s/. t") else { return };
        assert!(traced.injected() > 0, "{errno}: {}", traced.output);
        traced.output.succeeds();
        assert_eq!((world.read("t/end"), world.link_text("t/d/x")), ("new".to_owned(), "../end".to_owned()), "{errno}");
        assert_eq!(world.inode("t/one"), world.inode("t/two"), "{errno}");
        let outside = world.file("out", "old").dir("u").symlink("../out", "u/x").file("s/x", "new");
        let Some(traced) = outside.cp_traced("openat2", &[&fault], "-r s/. u") else { return };
        assert_eq!((traced.output.code(), world.read("out")), (Some(1), "old".to_owned()), "{errno}");
    }
}

/// The first name is looked up again from the top.
#[test]
fn hard_links_are_kept_where_openat2_cannot_be_had() {
    for errno in ["EAGAIN", "ENOSYS", "EPERM", "EINVAL", "E2BIG"] {
        let world = World::new();
        world.dir("s/one/deep").file("s/one/deep/x", "x").dir("s/two").link("s/one/deep/x", "s/two/y");
        let fault = format!("openat2:error={errno}");
        let Some(traced) = world.cp_traced("openat2", &[&fault], "-a s t") else { return };
        assert!(traced.injected() > 0, "{errno}: {}", traced.output);
        traced.output.succeeds();
        assert_eq!(world.inode("t/one/deep/x"), world.inode("t/two/y"), "{errno}");
    }
}

/// Linux before 5.8 answers so.
#[test]
fn a_links_times_are_kept_where_utimensat_takes_no_empty_path() {
    let world = World::new();
    world.symlink("nowhere", "link").times("link", (1_000_000_000, 1), (1_100_000_000, 2));
    let Some(honest) = world.cp_traced("utimensat", &[], "-a link probe") else { return };
    let position = honest.position("utimensat", "AT_EMPTY_PATH").expect("the times are set by an O_PATH handle");
    let fault = format!("utimensat:error=EINVAL:when={position}");
    let Some(traced) = world.cp_traced("utimensat", &[&fault], "-a link copy") else { return };
    assert_eq!(traced.injected(), 1);
    traced.output.succeeds();
    assert_eq!((world.stat("copy").mtime(), world.stat("copy").mtime_nsec()), (1_100_000_000, 2));
}

/// What a link in the tree leads to is written where the link is the user's, and stays beneath the operand's target.
#[test]
fn links_in_a_target_lead_no_further_than_the_operands_target() {
    for (words, top) in [("-aT s t", "t"), ("-a s/. t", "t"), ("-a s t", "t/s"), ("-r s/d t", "t/d")] {
        let world = World::new();
        world.dir("s/d").file("s/d/f", "new").file("s/d/g", "new").dir(&format!("{top}/d")).file("t/out", "outside");
        let dir = if words.contains("s/d") { top.to_owned() } else { format!("{top}/d") };
        let up = "../".repeat(dir.split('/').count());
        world.file(format!("{dir}/end"), "old").file("outside", "outside");
        world.symlink("end", &format!("{dir}/f")).symlink(&format!("{up}outside"), &format!("{dir}/g"));
        let output = world.cp(words);
        assert!(output.stderr.contains("which leads out of the target\n"), "{words}: {output}");
        assert_eq!((world.read("outside"), world.read(format!("{dir}/end"))), ("outside".to_owned(), "new".to_owned()));
    }
}

/// The name beside the operand's target is outside, too.
#[test]
fn links_in_a_target_lead_not_beside_it() {
    let world = World::new();
    world.dir("s").file("s/f", "new").dir("t/s").file("t/f", "beside").symlink("../f", "t/s/f");
    let words = "safecp: not writing through symlink 't/s/f', which leads out of the target\n";
    world.cp("-a s t").fails(words);
    assert_eq!(world.read("t/f"), "beside");
}

/// What takes its target's name with -P does so with -H beneath an operand, where no link is followed.
#[test]
fn names_within_a_tree_are_taken_with_h_as_without() {
    let world = World::new();
    world.dir("s").symlink("a", "s/l").tool("mkfifo", ["s/p", "q"]);
    for words in ["-rH s/. t", "-aH s/. t", "-rHf s/. t"] {
        world.cp(words).succeeds();
        world.cp(words).succeeds();
    }
    assert_eq!(world.link_text("t/l"), "a");
    world.cp("-rH q t/p").fails("safecp: cannot create fifo 't/p': File exists\n");
}

/// -n, -u and --update=none are no orders to write there. GNU's cp says nothing of these, and this is what it says with none-fail.
#[test]
fn a_link_that_leads_out_is_no_failure_where_it_is_left_alone() {
    let world = World::new();
    world.dir("s").file("s/f", "new").dir("t").symlink("../out", "t/f").file("out", "old").times("out", (9, 0), (9, 0));
    world.cp("-rn s/. t").succeeds().says("");
    world.cp("-r --update=none s/. t").succeeds();
    world.cp("-r --update=none-fail s/. t").fails("safecp: not replacing 't/./f'\n");
    let refused = "safecp: not writing through symlink 't/./f', which leads out of the target\n";
    world.cp("-ru s/. t").fails(refused);
    world.times("s/f", (8, 0), (8, 0)).cp("-ru s/. t").succeeds();
    // GNU's cp fails as well, for a link that leads nowhere or to the source itself.
    world.symlink("../none", "t/g").file("s/g", "new").cp("-rn s/. t").fails(&refused.replace("/f", "/g"));
    world.dir("u").symlink("../s/f", "u/f").cp("-ru s/. u").fails(&refused.replace("t/", "u/"));
    assert_eq!((world.read("out"), world.link_text("t/f")), ("old".to_owned(), "../out".to_owned()));
}

#[test]
fn a_link_of_somebody_else_is_not_written_through() {
    for (links, words) in [
        (&[("end", "t/f")][..], "'t/./f', which belongs to user 1234"),
        (&[("way", "t/f"), ("end", "t/way")][..], "'t/./f', which belongs to user 1234"),
        (&[("way/end", "t/f"), (".", "t/way")][..], "'t/./f', which belongs to user 1234"),
    ] {
        let Some(world) = World::as_root("links of others") else { return };
        world.dir("s").file("s/f", "secret").dir("t").file("t/end", "old");
        links.iter().for_each(|(text, name)| _ = world.symlink(text, name));
        let (_, theirs) = links.last().expect("a link");
        world.tool("chown", ["-h", "1234:1234", theirs]);
        world.cp("-a s/. t").fails(&format!("safecp: not writing through symlink {words}\n"));
        world.cp("-a --in-place s/. t").fails(&format!("safecp: not writing through symlink {words}\n"));
        assert_eq!(world.read("t/end"), "old");
        world.cp("-a --remove-destination s/. t").succeeds();
        assert!(world.stat("t/f").is_file());
    }
}

#[test]
fn a_directory_goes_through_no_link_of_somebody_else() {
    let Some(world) = World::as_root("links of others") else { return };
    world.dir("s/lib").file("s/lib/x", "x").dir("t/usr/lib").symlink("usr/lib", "t/lib");
    world.tool("chown", ["-h", "1234:1234", "t/lib"]);
    let words = "safecp: not writing through symlink 't/./lib', which belongs to user 1234\n";
    world.cp("-r --keep-directory-symlink s/. t").fails(words);
    world.dir("d/real").symlink("real", "d/s").tool("chown", ["-h", "1234:1234", "d/s"]);
    world.cp("--parents s/lib/x d").fails("safecp: not writing through symlink 'd/s', which belongs to user 1234\n");
    assert!(!world.exists("t/usr/lib/x") && !world.exists("d/real/lib"));
}

/// The user's own links, and those of an operand's target, are followed as by every cp.
#[test]
fn a_chain_of_own_links_is_followed() {
    let world = World::new();
    world.dir("s/d").file("s/d/f", "new").dir("t/d/deep").file("t/end", "old");
    world.symlink("deep/../way", "t/d/f").symlink("../to//./end", "t/d/way").symlink(".", "t/to");
    world.cp("-r s/. t").succeeds();
    assert_eq!((world.read("t/end"), world.link_text("t/d/f")), ("new".to_owned(), "deep/../way".to_owned()));
    world.file("one", "one").symlink("../elsewhere", "t/one").file("elsewhere", "old").cp("one t").succeeds();
    assert_eq!(world.read("elsewhere"), "one");
}

/// Inode numbers of overlayfs may say nothing, and there is no content to compare.
#[test]
fn files_without_content_are_linked_on_every_filesystem() {
    for filesystem in filesystems() {
        let world = World::within(&filesystem.path);
        world.dir("s").file("s/a", "1").link("s/a", "s/b").cp("-a --attributes-only s t").succeeds();
        assert_eq!(world.inode("t/a"), world.inode("t/b"), "{}", filesystem.name);
    }
}

/// A name of `a` was left alone for its age: it says nothing of `b`, and GNU's cp makes that a further name of it.
#[test]
fn a_link_by_name_is_none_to_a_target_that_was_left_alone() {
    for what in ["-s", "--attributes-only"] {
        let world = World::new();
        world.dir("s").file("s/a", "source").times("s/a", (1000, 0), (1000, 0)).link("s/a", "s/b").file("a", "newer");
        world.cp(&format!("{what} -u --preserve=links s/a s/b .")).succeeds();
        assert_eq!(world.read("a"), "newer", "{what}");
        assert_ne!(world.inode("a"), world.inode("b"), "{what}");
        assert_eq!(world.stat("b").is_symlink(), what == "-s", "{what}");
    }
}

/// As GNU cp 9.10 does: the link is removed, and what it led to keeps its content.
#[test]
fn a_link_at_the_target_to_a_file_with_further_names_is_replaced_where_links_are_preserved() {
    for options in ["-a", "-p --preserve=links", "-P --preserve=links"] {
        let world = World::new();
        world.file("n", "new").file("x", "old");
        world.tool("sh", ["-c", "ln x y && ln -s x l"]);
        world.cp(&format!("{options} n l")).succeeds();
        assert_eq!(world.read("x"), "old", "{options}");
        world.tool("sh", ["-c", "test ! -L l && test x -ef y && cmp l n"]);
    }
    // Without it, and where it has no other, it is written.
    let world = World::new();
    world.file("n", "new").file("x", "old");
    world.tool("sh", ["-c", "ln -s x l"]);
    world.cp("-a n l").succeeds();
    assert_eq!(world.read("x"), "new");
}

#[test]
fn with_no_dereference_what_is_no_regular_file_takes_a_links_name() {
    let world = World::new();
    world.file("e", "content");
    if !common::is_root() {
        return;
    }
    world.tool("sh", ["-c", "mknod null c 1 3 && ln -s e f && ln -s nowhere dangling"]);
    world.cp("-P null f").succeeds();
    assert_eq!(world.read("e"), "content");
    world.tool("sh", ["-c", "test ! -L f && test -f f && test ! -s f"]);
    world.cp("-P null dangling").fails("safecp: not writing through dangling symlink 'dangling'\n");
}

/// As in `cp -aT new/ /srv/www/`: with a slash behind it, a link is the directory that it leads to.
#[test]
fn a_target_that_is_a_link_with_a_slash_is_what_it_leads_to() {
    for options in ["-rT", "-aT", "-rbT", "-rfT", "-r --remove-destination -T"] {
        let world = World::new();
        world.dir("d").file("d/old", "1").dir("s").file("s/new", "2").symlink("d", "l");
        world.cp(&format!("{options} s l/")).succeeds();
        assert_eq!(world.names("."), ["d", "l", "s"], "{options}");
        assert_eq!(world.names("d"), ["new", "old"], "{options}");
        assert!(world.path("l").is_symlink(), "{options}");
    }
    for options in ["-T", "-bT", "-fT", "--remove-destination -T", "-lT", "-sT", "--as=install -T", "--as=install -bT"]
    {
        let world = World::new();
        world.dir("d").file("a", "1").symlink("d", "l");
        let (name, options) =
            options.strip_prefix("--as=install ").map_or(("safecp", options), |rest| ("install", rest));
        let said = world.cp(&format!("--as={name} {options} a l/"));
        said.fails(&format!("{name}: cannot overwrite directory 'l/' with non-directory 'a'\n"));
        assert_eq!(world.names("."), ["a", "d", "l"], "{options}");
        assert!(world.path("l").is_symlink(), "{options}");
    }
}

/// As GNU's cp, which removes the name that it was given, and not what is behind it.
#[test]
fn force_replaces_a_link_to_a_file_that_may_not_be_written() {
    for words in ["-fv d/l t/l", "-rfv d/. t"] {
        let world = World::new();
        world.dir("d").file("d/l", "new").dir("t").file("t/closed", "closed").chmod("t/closed", 0o444);
        world.symlink("closed", "t/l");
        let told = world.cp_as_nobody(words);
        assert!(told.succeeds().stdout.contains("removed 't/"), "{told}");
        assert_eq!((world.read("t/closed"), world.read("t/l")), ("closed".to_owned(), "new".to_owned()), "{words}");
        assert!(!world.path("t/l").is_symlink(), "{words}");
        // What may be written is, through the link.
        world.file("t/open", "open").shell("rm t/l; ln -s open t/l").succeeds();
        world.cp_as_nobody(words).succeeds();
        assert_eq!(world.read("t/open"), "new", "{words}");
        assert!(world.path("t/l").is_symlink(), "{words}");
    }
}

/// What stands at the target has a further name in the source: nobody reads it there while it is written. cp, which makes one name
/// after the other, copies it as it was before or as it is after that.
#[test]
fn a_source_that_the_run_itself_writes_is_copied_whole() {
    for round in 0..20 {
        let world = World::new();
        world.dir("s").random("s/big", 3_000_001, 1).file("s/a", "small").dir("t").link("s/big", "t/a");
        let before = std::fs::read(world.path("s/big")).expect("the source");
        world.cp("-r --jobs=4 s/. t").succeeds();
        let copied = std::fs::read(world.path("t/big")).expect("a copy");
        assert!(copied == before || copied == b"small", "round {round}: {} bytes", copied.len());
        assert_eq!((world.read("t/a"), world.read("s/big")), ("small".to_owned(), "small".to_owned()), "round {round}");
    }
}
