//! --check: every difference is found and rightly named, and lists of other tools are read. The lists come from those tools.

mod common;

use common::{World, has_tool, random_bytes};
use std::collections::BTreeSet;
use std::fs;

/// The lines on standard output.
fn findings(world: &World, words: &str) -> BTreeSet<String> {
    let run = world.cp(words);
    assert_eq!(run.code(), Some(1), "{run}");
    run.stdout.lines().map(str::to_owned).collect()
}

#[test]
fn each_difference_is_named() {
    let world = World::new();
    world.dir("src/d");
    for name in ["same", "gone", "moved", "rotten", "edited", "cut", "mode", "kind", "linked"] {
        world.random(&format!("src/{name}"), 5000 + name.len(), name.len() as u64 + u64::from(name.as_bytes()[0]));
    }
    world.random("src/large", 5_000_000, 9).symlink("same", "src/link").link("src/linked", "src/d/second");
    world.cp("-a --manifest=list src new").succeeds();
    world.cp("--check --strict list new").succeeds();
    fs::remove_file(world.path("new/gone")).expect("rm");
    fs::rename(world.path("new/moved"), world.path("new/d/elsewhere")).expect("mv");
    world.rot("new/rotten", 100, b"other");
    world.random("new/edited", 5006, 77);
    let time = fs::metadata(world.path("new/cut")).and_then(|stat| stat.modified()).expect("a time");
    let cut = fs::OpenOptions::new().write(true).open(world.path("new/cut")).expect("open");
    cut.set_len(10).and_then(|()| cut.set_modified(time)).expect("a cut file");
    world.rot("new/large", 3_500_000, b"x");
    world.chmod("new/mode", 0o600);
    fs::remove_file(world.path("new/kind")).expect("rm");
    world.dir("new/kind").file("new/extra", "extra");
    fs::remove_file(world.path("new/link")).expect("rm");
    world.symlink("other", "new/link");
    world.tool("cp", ["-a", "--no-preserve=links", "new/linked", "new/copy"]);
    fs::rename(world.path("new/copy"), world.path("new/linked")).expect("mv");
    let found = findings(&world, "--check --strict list new");
    let has = |begins: &str, holds: &str| {
        assert!(
            found.iter().any(|line| line.starts_with(begins) && line.contains(holds)),
            "{begins} {holds}: {found:#?}"
        );
    };
    has("missing: 'gone'", "");
    has("moved: 'moved' -> 'd/elsewhere'", "");
    has("damaged: 'rotten' (read again", "the same");
    has("damaged: 'cut' (size 10, was 5003)", "");
    has("damaged: 'large' (at or behind byte 3145728; read again", "the same");
    has("changed: 'edited' (", "");
    has("attributes: 'mode' (mode 0600, was 0644)", "");
    has("kind: 'kind' (is a directory, was a regular file)", "");
    has("not listed: 'extra'", "");
    has("attributes: 'link' (", "link to 'other', was 'same'");
    assert!(found.iter().any(|line| line.contains("no hard link to ")), "{found:#?}");
    assert!(!found.iter().any(|line| line.contains("'same' (") && !line.contains("'link'")), "{found:#?}");
    let lenient = findings(&world, "--check list new");
    assert!(!lenient.iter().any(|line| line.starts_with("not listed")), "{lenient:#?}");
    assert!(lenient.contains("moved: 'moved' -> 'd/elsewhere'"), "{lenient:#?}");
}

#[test]
fn damages_by_chance_are_all_found_and_rightly_named() {
    let world = World::new();
    world.dir("src");
    let size = |number: usize| 1 + number * 7919 % 40_000;
    for number in 0..600 {
        if number % 30 == 0 {
            world.dir(&format!("src/{}", number / 30));
        }
        world.random(&format!("src/{}/{number}", number / 30), size(number), number as u64);
    }
    world.cp("-a --manifest=list src new").succeeds();
    let mut expected = BTreeSet::new();
    let dice = random_bytes(1200, 5);
    for number in 0..600 {
        let name = format!("{}/{number}", number / 30);
        let path = format!("new/{name}");
        let offset = usize::from(dice[number + 600]) * 331 % size(number);
        match dice[number] % 16 {
            0 => {
                let content = fs::read(world.path(&path)).expect("read");
                world.rot(&path, offset as u64, &[content[offset] ^ 4]);
                expected.insert(format!("damaged: '{name}'"));
            }
            1 => {
                let page = 4096.min(size(number) - offset);
                world.rot(&path, offset as u64, &vec![0; page]);
                expected.insert(format!("damaged: '{name}'"));
            }
            2 => {
                fs::remove_file(world.path(&path)).expect("rm");
                expected.insert(format!("missing: '{name}'"));
            }
            3 => {
                fs::rename(world.path(&path), world.path(format!("new/0/renamed {number}"))).expect("mv");
                expected.insert(format!("moved: '{name}' -> '0/renamed {number}'"));
            }
            4 => {
                world.random(&path, size(number), 10_000 + number as u64);
                expected.insert(format!("changed: '{name}'"));
            }
            5 => {
                world.file(format!("new/0/extra {number}"), "extra");
                expected.insert(format!("not listed: '0/extra {number}'"));
            }
            _ => {}
        }
    }
    let found: BTreeSet<String> = findings(&world, "--check --strict list new")
        .into_iter()
        .filter(|line| !line.starts_with("attributes: '") || !line.contains("(time "))
        .map(|line| line.split(" (").next().expect("a finding").to_owned())
        .collect();
    assert_eq!(found, expected);
    assert!(expected.len() > 100);
}

/// Each list is made by its own tool, of a tree that is then damaged in one file and loses another.
#[test]
fn lists_of_other_tools_are_read() {
    let world = World::new();
    world.dir("t/d").file("t/a", "a").file("t/new\nline", "b").file("t/back\\slash", "c").file("t/d/deep", "d");
    world.random("t/large", 2_500_000, 3).file("t/d/gone", "gone");
    let find = "cd t && find . -type f -print0 | xargs -0";
    let mut made = vec![
        format!("{find} md5sum > ../md5"),
        format!("{find} sha1sum > ../sha1"),
        format!("{find} sha224sum > ../sha224"),
        format!("{find} sha256sum > ../sha256"),
        format!("{find} sha384sum > ../sha384"),
        format!("{find} sha512sum > ../sha512"),
        format!("{find} b2sum > ../b2"),
        format!("{find} b2sum -l 256 > ../b2short"),
        format!("{find} b2sum --tag > ../b2tagged"),
        format!("{find} b2sum -l 160 --tag > ../b2tagshort"),
        format!("{find} sha256sum --tag > ../tagged"),
        format!("{find} sha256sum -z > ../zero"),
        format!("{find} md5sum --binary | sed 's, \\*\\./, *,' > ../dpkg"),
    ];
    if has_tool("b3sum") {
        made.push(format!("{find} b3sum > ../b3"));
    }
    if has_tool("bsdtar") {
        made.push("bsdtar -cf mtree --format=mtree --options=mtree:sha256 -C t .".to_owned());
        made.push("bsdtar -czf mtreegz --format=mtree --options=mtree:all -C t .".to_owned());
    }
    for script in &made {
        world.shell(script).succeeds();
    }
    let lists: Vec<String> = made.iter().map(|script| list_of(script)).collect();
    for list in &lists {
        world.cp(&format!("--check {list} t")).succeeds();
    }
    world.rot("t/large", 2_000_000, b"x");
    fs::remove_file(world.path("t/d/gone")).expect("rm");
    for list in &lists {
        let found = findings(&world, &format!("--check {list} t"));
        let word = if list.starts_with("mtree") { "damaged" } else { "differs" };
        assert!(
            found.iter().any(|line| line.starts_with(&format!("{word}: ")) && line.contains("large'")),
            "{list}: {found:?}"
        );
        assert!(found.iter().any(|line| line.starts_with("missing: ") && line.contains("gone'")), "{list}: {found:?}");
        assert_eq!(found.len(), 2, "{list}: {found:?}");
    }
}

fn list_of(script: &str) -> String {
    match script.rsplit_once("> ../") {
        Some((_, list)) => list.to_owned(),
        None => script.split(' ').nth(2).expect("bsdtar's file").to_owned(),
    }
}

#[test]
fn hashdeeps_lists_are_read() {
    if !has_tool("hashdeep") {
        return;
    }
    let world = World::new();
    world.dir("t").file("t/a, b", "a").file("t/c", "c");
    world.shell("cd t && hashdeep -rl . > ../list").succeeds();
    world.cp("--check list t").succeeds();
    world.file("t/c", "d");
    let found = findings(&world, "--check list t");
    assert_eq!(found.len(), 1, "{found:?}");
}

#[test]
fn portages_contents_are_read() {
    let world = World::new();
    world.dir("root/usr/bin").file("root/usr/bin/a b", "content").symlink("a b", "root/usr/bin/link");
    world.times("root/usr/bin/a b", (5, 0), (1_700_000_000, 123)).times(
        "root/usr/bin/link",
        (5, 0),
        (1_700_000_001, 5),
    );
    let md5 = world.tool("md5sum", ["root/usr/bin/a b"]);
    let md5 = md5.split(' ').next().expect("a digest");
    world.file(
        "CONTENTS",
        format!("dir /usr\ndir /usr/bin\nobj /usr/bin/a b {md5} 1700000000\nsym /usr/bin/link -> a b 1700000001\n"),
    );
    world.cp("--check CONTENTS root").succeeds();
    world.rot("root/usr/bin/a b", 0, b"d");
    let found = findings(&world, "--check CONTENTS root");
    assert!(found.iter().any(|line| line.starts_with("damaged: 'usr/bin/a b'")), "{found:?}");
}

#[test]
fn bagits_manifests_are_read_with_and_without_their_escapes() {
    let world = World::new();
    world.dir("bag/data").file("bag/data/per%25cent", "1").file("bag/data/new\nline", "2").file("bag/data/a", "3");
    let digest = |name: &str| {
        let said = world.shell(&format!("sha256sum < $'bag/data/{name}'"));
        said.stdout.split(' ').next().expect("a digest").to_owned()
    };
    let lines =
        [("data/per%25cent", digest("per%25cent")), ("data/new%0Aline", digest("new\\nline")), ("data/a", digest("a"))];
    let text: String = lines.iter().map(|(name, digest)| format!("{digest}  {name}\n")).collect();
    world.file("bag/manifest-sha256.txt", text).file("bag/bagit.txt", "BagIt-Version: 1.0\n");
    world.cp("--check bag/manifest-sha256.txt").succeeds();
    world.file("bag/data/a", "4");
    assert_eq!(findings(&world, "--check bag/manifest-sha256.txt").len(), 1);
}

#[test]
fn media_hash_lists_are_read() {
    let world = World::new();
    world.dir("card/ascmhl").dir("card/CLIP").file("card/CLIP/a & b.mov", "frames");
    let md5 = world.tool("md5sum", ["card/CLIP/a & b.mov"]);
    let md5 = md5.split(' ').next().expect("a digest");
    let old = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<hashlist version=\"1.1\">\n <creatorinfo><name>x</name></creatorinfo>\n <hash>\n  \
         <file>CLIP/a &amp; b.mov</file>\n  <size>6</size>\n  <md5>{md5}</md5>\n </hash>\n</hashlist>\n"
    );
    let asc = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<hashlist version=\"2.0\" xmlns=\"urn:ASC:MHL:v2.0\">\n <hashes>\n  <hash>\n   \
         <path size=\"6\" lastmodificationdate=\"2020-01-15T13:00:00+00:00\">CLIP/a &#38; b.mov</path>\n   \
         <md5 action=\"original\">{md5}</md5>\n  </hash>\n  <directoryhash><path>CLIP</path><content><md5>0</md5></content></directoryhash>\n \
         </hashes>\n</hashlist>\n"
    );
    world.file("card/list.mhl", old).file("card/ascmhl/0001_card.mhl", asc);
    world.cp("--check card/list.mhl").succeeds();
    world.cp("--check card/ascmhl/0001_card.mhl").succeeds();
    world.file("card/CLIP/a & b.mov", "framez");
    assert_eq!(findings(&world, "--check card/list.mhl").len(), 1);
    assert_eq!(findings(&world, "--check card/ascmhl/0001_card.mhl").len(), 1);
}

/// XXH64 and XXH3 by their authors' own examples: of no bytes, with seed 0.
#[test]
fn xxhash_is_that_of_its_authors() {
    let world = World::new();
    world.file("empty", "");
    for (name, digest) in [
        ("xxhash64be", "ef46db3751d8e999"),
        ("xxh64", "ef46db3751d8e999"),
        ("xxh3", "2d06800538d394c2"),
        ("xxh128", "99aa06d3014798d86001c324468d497f"),
    ] {
        world
            .file("list.mhl", format!("<hashlist><hash><file>empty</file><{name}>{digest}</{name}></hash></hashlist>"));
        world.cp("--check list.mhl").succeeds();
    }
}

#[test]
fn a_line_that_cannot_be_read_is_an_error_with_its_number() {
    let world = World::new();
    world.file("a", "a");
    world.shell("md5sum a > list; echo nonsense >> list; md5sum a >> list").succeeds();
    let run = world.cp("--check list");
    assert_eq!(run.code(), Some(1));
    assert!(run.stderr.contains("safecp: 'list': line 2: neither a digest nor a name\n"), "{run}");
    world.file("none", "just text\n").cp("--check none").fails("safecp: 'none' is no list that is known\n");
    world.file("empty", "").cp("--check empty").fails("safecp: 'empty' is no list that is known\n");
}

#[test]
fn a_list_that_was_cut_is_not_all_right() {
    let world = World::new();
    world.dir("src").file("src/a", "a").file("src/b", "b").cp("--manifest=list src").succeeds();
    let text = fs::read(world.path("list")).expect("a list");
    for length in [text.len() - 1, text.len() - 20] {
        world.file("cut", &text[..length]);
        assert_eq!(world.cp("--check cut src").code(), Some(1), "{length} bytes");
    }
}

#[test]
fn two_trees_are_compared_without_a_list() {
    let world = World::new();
    world.every_kind("a").tool("cp", ["-a", "a", "b"]);
    world.cp("--check a --against b").succeeds();
    world.rot("b/dir/long", 2_000_000, b"x");
    world.file("b/extra", "x");
    fs::remove_file(world.path("b/empty")).expect("rm");
    let found = findings(&world, "--check a --against b");
    let begins = |begin: &str| assert!(found.iter().any(|line| line.starts_with(begin)), "{begin}: {found:#?}");
    begins("damaged: 'dir/long'");
    begins("not listed: 'extra'");
    begins("missing: 'empty'");
}

/// Each filesystem counts its inodes for itself.
#[test]
fn hard_links_of_several_filesystems_are_told_apart() {
    let Some(world) = World::with_mounts("two filesystems in a tree") else { return };
    let script = "mkdir -p a/1 a/2; for n in 1 2; do mount -t tmpfs none a/$n; echo $n >a/$n/f; ln a/$n/f a/$n/g; done
        stat -c %i a/*/f | uniq | wc -l; cp -a a b; $safecp --check a --against b; echo $?
        cp -p b/2/f b/2/apart; mv b/2/apart b/2/f; $safecp --check a --against b | grep -c 'no hard link'";
    let run = world.shell_with_mounts(script);
    let lines: Vec<_> = run.stdout.lines().collect();
    assert!(lines.first() == Some(&"1") && lines[2..] == ["0", "1"], "{run}");
}

#[test]
fn nothing_outside_of_the_tree_is_read() {
    let world = World::new();
    world.dir("t").file("secret", "s").symlink("../secret", "t/link");
    let md5 = world.tool("md5sum", ["secret"]);
    let digest = md5.split(' ').next().expect("a digest").to_owned();
    world.file("list", format!("{digest}  link\n{digest}  ../secret\n"));
    let run = world.cp("--check list t");
    assert_eq!((run.code(), run.stdout.as_str()), (Some(1), ""), "{run}");
    assert_eq!(run.stderr.matches("cannot open").count(), 2, "{run}");
}

#[test]
fn what_cannot_be_read_is_said_and_the_rest_is_checked() {
    let world = World::new();
    world.dir("t").file("t/a", "a").file("t/b", "b").cp("--manifest=list t").succeeds();
    world.file("t/a", "changed").chmod("t/b", 0).chmod("list", 0o644);
    let run = world.shell_as_nobody("chmod 0 t/b; $safecp --check list t");
    assert_eq!(run.code(), Some(1), "{run}");
    assert!(
        run.stdout.contains("changed: 'a'") && run.stderr.contains("cannot open 't/b' for reading: Permission denied"),
        "{run}"
    );
}

/// As makepkg writes it: compressed, with what is in the package and not installed.
#[test]
fn pacmans_lists_are_read() {
    let world = World::new();
    world.dir("root/usr/bin").file("root/usr/bin/tool", "tool").times(
        "root/usr/bin/tool",
        (5, 0),
        (1_700_000_000, 999),
    );
    world.chmod("root/usr/bin/tool", 0o755);
    let sha256 = world.tool("sha256sum", ["root/usr/bin/tool"]);
    let sha256 = sha256.split(' ').next().expect("a digest");
    let owner = fs::metadata(world.path("root"))
        .map(|stat| (std::os::unix::fs::MetadataExt::uid(&stat), std::os::unix::fs::MetadataExt::gid(&stat)));
    let (uid, gid) = owner.expect("stat");
    world.file(
        "text",
        format!(
            "#mtree\n/set type=file uid={uid} gid={gid} mode=755\n./.PKGINFO time=1700000000.0 mode=644 size=3 sha256digest={sha256}\n\
             ./usr time=1700000000.0 type=dir\n./usr/bin/tool time=1700000000.0 size=4 sha256digest={sha256}\n"
        ),
    );
    world.shell("gzip -c text > mtree").succeeds();
    world.cp("--check mtree root").succeeds();
    world.rot("root/usr/bin/tool", 0, b"x");
    let found = findings(&world, "--check mtree root");
    assert!(found.len() == 1 && found.iter().all(|line| line.starts_with("damaged: 'usr/bin/tool'")), "{found:?}");
}

/// A list of a few files says nothing of what else lies beneath the same directory, which may be `/`.
#[test]
fn what_is_missing_is_looked_for_where_the_list_has_files() {
    let world = World::new();
    world.dir("t/usr/bin").dir("t/srv");
    for name in ["stays", "beside", "away"] {
        world.random(&format!("t/usr/bin/{name}"), 3000, name.len() as u64);
    }
    world.shell("cd t && sha256sum usr/bin/* > ../list").succeeds();
    world.tool("mv", ["t/usr/bin/beside", "t/usr/bin/other"]);
    world.tool("mv", ["t/usr/bin/away", "t/srv/away"]);
    let found = findings(&world, "--check list t");
    assert_eq!(
        found,
        ["missing: 'usr/bin/away'", "moved: 'usr/bin/beside' -> 'usr/bin/other'"].map(str::to_owned).into()
    );
    let strict = findings(&world, "--check --strict list t");
    assert!(strict.contains("moved: 'usr/bin/away' -> 'srv/away'"), "{strict:?}");
}

/// Where nothing of a list is, and nobody said where to look, it is the wrong directory, however large.
#[test]
fn another_directory_is_not_searched() {
    let world = World::new();
    world.dir("t").random("t/a", 3000, 1).cp("--manifest=list t").succeeds();
    world.dir("elsewhere/deep").tool("cp", ["t/a", "elsewhere/deep/b"]);
    let run = world.shell("cd elsewhere && $safecp --check ../list");
    assert_eq!((run.code(), run.stdout.lines().any(|line| line == "missing: 'a'")), (Some(1), true), "{run}");
    assert!(findings(&world, "--check list elsewhere").contains("moved: 'a' -> 'deep/b'"));
}

/// A list and a tree that lie a directory further up or down: nothing is where it is sought, which is no reason to restore it there.
#[test]
fn a_directory_that_names_do_not_begin_in_is_said_to_be_another() {
    let world = World::new();
    world.dir("backup").dir("photos/d").random("photos/a", 3000, 1).random("photos/d/b", 3000, 2);
    world.cp("-a --manifest=backup/list photos backup").succeeds();
    let advice = "safecp: none of these names is there: if they begin in another directory, give that as DIR;";
    for words in ["--check backup/list backup/photos", "--check backup/list photos"] {
        let run = world.cp(words);
        assert!(run.code() == Some(1) && run.stderr.contains(advice), "{words}: {run}");
    }
    world.dir("up").shell("mv backup up").succeeds();
    let before = world.names("up");
    let run = world.cp("--repair up/backup/list up --from=photos");
    assert!(run.code() == Some(1) && run.stderr.contains("safecp: nothing is mended: none of the names"), "{run}");
    assert_eq!(world.names("up"), before);
    // What is gone comes back, however much it is.
    world
        .shell("rm -r up/backup/photos && cp -a photos up/copy && mkdir up/second && mv up/copy up/second/photos")
        .succeeds();
    world.cp("--repair up/backup/list up/backup --from=up/second").succeeds();
    world.cp("--check up/backup/list up/backup").succeeds();
    world.rot("up/backup/photos/a", 0, b"#");
    let run = world.cp("--check up/backup/list up/backup");
    assert!(run.code() == Some(1) && !run.stderr.contains(advice), "{run}");
}

/// A link has taken a directory's name. What was in it is not there any more, whatever the link leads to.
#[test]
fn beneath_a_link_in_a_directorys_place_names_are_missing() {
    let world = World::new();
    world.dir("t/d").file("t/d/a", "1").file("t/b", "2").cp("--manifest=list t").succeeds();
    world.shell("mv t/d d && ln -s ../d t/d").succeeds();
    let found: BTreeSet<_> = findings(&world, "--check list t").into_iter().collect();
    assert!(found.contains("missing: 'd/a'") && found.iter().any(|line| line.starts_with("kind: 'd'")), "{found:?}");
    assert!(!world.cp("--check list t").stderr.contains("Too many levels"));
}

/// A directory of many files has another name: each is found, and is read once.
#[test]
fn a_renamed_directory_is_found_file_by_file() {
    let world = World::new();
    world.dir("t/before");
    for number in 0..3000 {
        world.random(&format!("t/before/{number}"), 100, number);
    }
    world.cp("--manifest=list t").succeeds();
    world.tool("mv", ["t/before", "t/after"]);
    let found = findings(&world, "--check list t");
    let moved = (0..3000).map(|number| format!("moved: 'before/{number}' -> 'after/{number}'"));
    let expected: BTreeSet<_> = moved.chain(["missing: 'before'".to_owned()]).collect();
    let found: BTreeSet<_> = found.into_iter().filter(|line| !line.starts_with("attributes: ")).collect();
    assert_eq!(found, expected);
}

/// A list may come by a pipe, as b3sum and sha256sum have it. What is read several times may not.
#[test]
fn a_list_comes_by_standard_input() {
    let world = World::new();
    world.dir("d").file("d/a", "1").file("d/b", "2");
    world.cp("--manifest=list d").succeeds();
    let summary = "'/dev/stdin': all 3 names are as listed; 2 bytes were read\n";
    world.shell("cat list | $safecp --check - d").succeeds().says(summary);
    world.shell("cd d && sha256sum a b | $safecp --check -").succeeds();
    world.rot("d/b", 0, b"3");
    assert_eq!(world.shell("cat list | $safecp --check - d").code(), Some(1));
    let repaired = world.shell("cat list | $safecp --repair /dev/stdin d --from=d");
    repaired.fails("safecp: '/dev/stdin' is read several times to repair by it, and is no regular file\n");
    let refused = world.cp("--manifest=- d");
    assert!(refused.code() == Some(1) && refused.stderr.contains("'./-' is one, '-' is not"), "{refused}");
}

/// Nobody's disk is to blame for what somebody writes while it is read, and it is no damage, whatever the times were before.
#[test]
fn what_is_written_while_it_is_read_is_changed() {
    let world = World::new();
    if !has_tool("strace") {
        return;
    }
    world.dir("t").random("t/live", 3_000_000, 1).cp("--manifest=list t").succeeds();
    // Each read is held up, and the file's end is another when it comes to it.
    let run = world.shell(
        "strace -D -f -qq -o /dev/null -P t/live -e trace=pread64 -e inject=pread64:delay_enter=200000 $safecp --check --jobs=1 list t & run=$!
        until readlink /proc/$run/fd/* | grep -q '/t/live$'; do kill -0 $run || exit 99; done
        sleep 0.2; printf changed | dd of=t/live bs=1 seek=2999900 conv=notrunc status=none; wait $run",
    );
    assert_eq!(run.code(), Some(1), "{run}");
    assert!(run.stdout.starts_with("changed: 'live' ("), "{run}");
    assert!(run.stdout.contains("it was written while it was read"), "{run}");
}

/// While a large file is read twice, a small one tells that digests of 64 digits are BLAKE3: the second reading was by another
/// algorithm than the first, and a disk was said to give other bytes each time.
#[test]
fn both_readings_are_by_one_algorithm() {
    if !has_tool("b3sum") {
        return;
    }
    let world = World::new();
    world.dir("t").random("t/large", 100_000_000, 1).file("t/small", "small");
    world.shell("b3sum t/large t/small > list").succeeds();
    world.rot("t/large", 50_000_000, b"x");
    let run = world.cp("--check --jobs=2 list");
    assert!(run.stdout.contains("differs: 't/large'") && run.stdout.contains("the same)"), "{run}");
}
