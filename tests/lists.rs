//! Lists as other programs, other systems and accidents leave them: with Windows' ends of lines, with digests that nobody here takes,
//! cut, empty, or of files that were not right any more. What is not proved is not called right, and what is right is not called wrong.

mod common;

use common::{World, has_tool};
use std::fs;

/// A world with a tree of two files, and the first's SHA-256 and MD5.
fn world() -> (World, String, String) {
    let world = World::new();
    world.dir("t").file("t/a", "first").file("t/b", "second");
    let digest = |tool: &str| {
        let said = world.tool(tool, ["t/a"]);
        said.split(' ').next().expect("a digest").to_owned()
    };
    let (sha256, md5) = (digest("sha256sum"), digest("md5sum"));
    (world, sha256, md5)
}

/// As editors and programs of Windows write them. GNU's sha256sum 9.2 and later read these lines, too.
#[test]
fn ends_of_lines_and_marks_of_windows_are_read() {
    let (world, sha256, md5) = world();
    for text in [
        format!("{sha256}  a\r\n"),
        format!("{sha256} *a\r\n"),
        format!("\r\n{sha256}  a\r\n\r\n# end\r\n"),
        format!("\u{feff}; made by a program\r\n\r\n{sha256} *a\r\n"),
        format!("SHA256 (a) = {sha256}\r\n"),
        format!("\u{feff}{sha256}  a\n"),
        format!("\u{feff}{sha256} *a\r\n"),
        format!("\u{feff}#mtree\r\n./a type=file sha256={sha256}\r\n"),
        format!("%%%% HASHDEEP-1.0\r\n%%%% size,md5,sha256,filename\r\n## \r\n5,{md5},{sha256},a\r\n\r\n"),
        format!(
            "\u{feff}<?xml version=\"1.0\"?>\r\n<hashlist><hash><file>t/a</file><md5>{md5}</md5></hash></hashlist>\r\n"
        ),
    ] {
        let place = if text.contains("<hashlist") { "." } else { "t" };
        world.file("list", &text);
        world.cp(&format!("--check list {place}")).succeeds();
        world.rot("t/a", 0, b"F");
        let run = world.cp(&format!("--check list {place}"));
        assert_eq!((run.code(), run.stdout.lines().count()), (Some(1), 1), "{text}: {run}");
        world.rot("t/a", 0, b"f");
    }
}

/// coreutils 9.1 and b3sum 1.2 write a carriage return in a name as it is.
#[test]
fn a_name_that_ends_in_a_carriage_return_is_not_taken_for_another() {
    let (world, _, _) = world();
    world.file("t/a\r", "third");
    let digest = world.shell("sha256sum < $'t/a\\r'");
    world.file("list", format!("{}  a\r\n", digest.stdout.split(' ').next().expect("a digest")));
    world.cp("--check list t").succeeds();
    world.file("t/a\r", "other");
    assert_eq!(world.cp("--check list t").code(), Some(1));
}

#[test]
fn content_that_no_known_digest_proves_is_not_called_right() {
    let (world, sha256, _) = world();
    for text in [
        "#mtree\n./a type=file size=5 cksum=3015617425\n./b type=file\n".to_owned(),
        "#mtree\n./a type=file size=5 rmd160digest=9c1185a5c5e9fc54612808977ee8f548b2258d31\n".to_owned(),
        format!("%%%% HASHDEEP-1.0\n%%%% size,tiger,filename\n5,{},a\n", &sha256[..48]),
        format!("<hashlist><hash><file>t/a</file><size>5</size><c4>c4{sha256}</c4></hash></hashlist>\n"),
    ] {
        let place = if text.contains("<hashlist") { "." } else { "t" };
        let run = world.file("list", &text).cp(&format!("--check list {place}"));
        assert!(run.code() == Some(1) && run.stderr.contains("no digest that is known here"), "{text}: {run}");
    }
    // One that is known is enough.
    world.file("list", format!("#mtree\n./a type=file cksum=1 sha256={sha256}\n"));
    world.cp("--check list t").succeeds();
}

/// The rest of a list is read behind a record that says nothing.
#[test]
fn a_media_hash_list_is_read_to_its_end() {
    let (world, _, md5) = world();
    let digestless = "<hash><file>t/a</file><c4>c41</c4></hash>";
    world.file("list", format!("<hashlist>{digestless}<hash><file>t/b</file><md5>{md5}</md5></hash></hashlist>"));
    let run = world.cp("--check list .");
    assert!(run.stdout.contains("differs: 't/b'") && run.stderr.contains("'t/a': no digest"), "{run}");
}

/// ASC MHL keeps the digest of a file that had become another, with `action="failed"`.
#[test]
fn a_digest_of_a_failed_verification_proves_nothing() {
    let (world, _, md5) = world();
    let list = |action: &str| {
        format!(
            "<hashlist version=\"2.0\" xmlns=\"urn:ASC:MHL:v2.0\"><hashes><hash><path size=\"5\">a</path>\
             <md5 action=\"{action}\">{md5}</md5></hash></hashes></hashlist>"
        )
    };
    for action in ["original", "verified", "new"] {
        world.file("list", list(action)).cp("--check list t").succeeds();
    }
    let run = world.file("list", list("failed")).cp("--check list t");
    assert!(run.code() == Some(1) && run.stderr.contains("'a': the list itself says"), "{run}");
}

#[test]
fn a_list_that_names_nothing_proves_nothing() {
    let (world, _, _) = world();
    for text in [
        "#mtree\n",
        "#mtree\n# safecp manifest 1\n",
        "%%%% HASHDEEP-1.0\n",
        "<hashlist></hashlist>",
        "#mtree\n/set uid=0\n",
    ] {
        let run = world.file("list", text).cp("--check list t");
        assert!(run.code() == Some(1) && run.stderr.contains("'list' names nothing"), "{text}: {run}");
    }
    // A bag may be empty.
    world.file("manifest-md5.txt", "").cp("--check manifest-md5.txt t").succeeds();
}

/// A backslash at the end of a line of mtree(5) joins it with the next, and two are a name's own.
#[test]
fn a_line_of_mtree_that_goes_on_has_an_end() {
    let (world, sha256, _) = world();
    world.file("list", format!("#mtree\n./b type=file\n./a type=file \\\nsha256={sha256} \\\n"));
    let run = world.cp("--check list t");
    assert!(run.code() == Some(1) && run.stderr.contains("the list was cut off"), "{run}");
    world.file("t/a\\", "first");
    world.file("list", format!("#mtree\n/set type=file sha256={sha256}\n.  type=dir\n    a\\\\\n    a\n..\n"));
    world.cp("--check list t").succeeds();
    fs::remove_file(world.path("t/a\\")).expect("rm");
    assert_eq!(world.cp("--check list t").stdout.lines().collect::<Vec<_>>(), ["missing: 'a\\'"]);
    // NetBSD's mtree has names as they are in comments.
    world.file("t/a\\", "first");
    world.file("list", format!("#mtree\n# ./a\\\n/set type=file sha256={sha256}\n# ./d\\\n./a\\\\\n"));
    world.cp("--check list t").succeeds().says("'list': all 1 names are as listed; 5 bytes were read\n");
}

/// What a list spells in another way than the tree is found by a strict check, and mended.
#[test]
fn names_that_a_bag_escapes_are_listed_and_mended() {
    let world = World::new();
    world
        .dir("bag/data")
        .file("bag/data/new\nline", "one")
        .file("bag/data/cut\r", "two")
        .file("bag/data/100%25", "three");
    let digest = |name: &str| {
        let said = world.shell(&format!("sha256sum < $'bag/data/{name}'"));
        said.stdout.split(' ').next().expect("a digest").to_owned()
    };
    let lines = [("new%0Aline", "new\\nline"), ("cut%0D", "cut\\r"), ("100%25", "100%25")]
        .map(|(listed, name)| format!("{}  data/{listed}\n", digest(name)));
    world.file("manifest-sha256.txt", lines.concat()).tool("cp", ["-a", "bag", "copy"]);
    world.cp("--check --strict manifest-sha256.txt bag").succeeds();
    world.rot("bag/data/new\nline", 0, b"O");
    fs::remove_file(world.path("bag/data/cut\r")).expect("rm");
    world.rot("bag/data/100%25", 0, b"T");
    world.cp("--repair manifest-sha256.txt bag --from=copy").succeeds();
    world.tool("diff", ["-r", "bag", "copy"]);
}

/// A directory that had a history of its own before has its names there, and the list above only names that.
#[test]
fn lists_that_a_media_hash_list_refers_to_are_told_of() {
    let (world, _, md5) = world();
    world.file(
        "list",
        format!(
            "<hashlist version=\"2.0\"><hashes><hash><path>a</path><md5>{md5}</md5></hash></hashes><references><hashlistreference>\
             <path>day/ascmhl/0001_day.mhl</path><c4>c4</c4></hashlistreference></references></hashlist>"
        ),
    );
    let run = world.cp("--check list t");
    assert!(run.code() == Some(1) && run.stderr.contains("'day/ascmhl/0001_day.mhl' has the names beneath"), "{run}");
}

/// A directory may have been moved to another disk, with a link that begins at `/` in its place.
#[test]
fn beneath_the_root_of_all_a_link_may_begin_there() {
    let (world, _, _) = world();
    world.symlink(world.path("t").to_str().expect("UTF-8"), "moved");
    let name = world.path("moved/a");
    let name = name.to_str().expect("UTF-8");
    world
        .shell(&format!("md5sum {name} >list; cd / && md5sum .{name} >{}", world.path("relative").display()))
        .succeeds();
    let md5 = world.tool("md5sum", [name]);
    let time = std::os::unix::fs::MetadataExt::mtime(&fs::metadata(name).expect("stat"));
    world.file("CONTENTS", format!("obj {name} {} {time}\n", md5.split(' ').next().expect("a digest")));
    for list in ["list", "relative /", "CONTENTS"] {
        world.cp(&format!("--check {list}")).succeeds();
    }
    world.rot("t/a", 0, b"F");
    for list in ["list", "relative /", "CONTENTS"] {
        assert_eq!(world.cp(&format!("--check {list}")).stdout.lines().count(), 1, "{list}");
    }
}

/// Of a list that is packed, why it cannot be read is said by who unpacks it: the kernel has no part in it.
#[test]
fn a_packed_list_that_was_cut_is_said_to_end() {
    let (world, _, _) = world();
    world.cp("--manifest=list t").succeeds();
    world.shell("gzip -c list >whole; head -c -9 whole >cut").succeeds();
    world.cp("--check whole t").succeeds();
    let run = world.cp("--check cut t");
    assert!(run.code() == Some(1) && run.stderr.contains("'cut'") && !run.stderr.contains("Invalid argument"), "{run}");
}

/// gzip passes over zeros, with which tapes fill their blocks, and not over anything else.
#[test]
fn zeros_behind_a_packed_list_are_none_of_it() {
    let (world, _, _) = world();
    world.cp("--manifest=list t").succeeds();
    world.shell("{ gzip -c list; head -c 10000 /dev/zero; } >padded; gzip -dc padded | cmp - list").succeeds();
    world.cp("--check --strict padded t").succeeds();
    world.shell("head -1 list | gzip -c >parts; sed 1d list | gzip -c >>parts; gzip -dc parts | cmp - list").succeeds();
    world.cp("--check --strict parts t").succeeds();
    for behind in ["xyz", "\\0x"] {
        world.shell(&format!("{{ gzip -c list; printf '{behind}'; }} >odd")).succeeds();
        assert_eq!(world.shell("gzip -dc odd >odd.text").code(), Some(2), "gzip warns");
        assert_eq!(world.cp("--check odd t").code(), Some(1));
    }
}

/// What has 128 digits is sha512sum's or b2sum's, and no list says which: the first file that is right does.
#[test]
fn digests_without_a_name_are_what_a_file_is_right_by() {
    let (world, _, _) = world();
    world.shell("cd t && b2sum a b > ../b2 && b2sum -l 256 a b > ../short && sha512sum a b > ../sha512").succeeds();
    world.shell("(cd t && b2sum a; sha256sum b) > mixed").succeeds();
    for (list, algorithm) in
        [("b2", "BLAKE2b-512"), ("short", "BLAKE2b-256"), ("sha512", "SHA-512"), ("mixed", "SHA-256 and BLAKE2b-512")]
    {
        let said = world.cp(&format!("--check {list} t"));
        said.succeeds();
        assert!(
            said.stdout.contains(&format!("; its digests were taken as {algorithm}, which the list does not say\n")),
            "{said}"
        );
        // The first is wrong, so that the second has to tell.
        world.rot("t/a", 0, b"F");
        let run = world.cp(&format!("--check {list} t"));
        let found: Vec<_> = run.stdout.lines().map(|line| line.split(" (").next().expect("a finding")).collect();
        assert_eq!((run.code(), found), (Some(1), vec!["differs: 'a'"]), "{list}: {run}");
        assert!(!run.stderr.contains("another algorithm"), "{list}: {run}");
        world.rot("t/a", 0, b"f");
    }
    world.shell("cp -a t other").succeeds();
    world.rot("t/b", 0, b"S");
    world.cp("--repair b2 t --from=other").succeeds();
    world.cp("--check b2 t").succeeds();
}

/// Lists that were put together of several tools' lines: each file is right by what it is right by, and one that is wrong by all.
#[test]
fn lines_of_several_algorithms_stand_in_one_list() {
    let (world, _, _) = world();
    for name in ["c", "d", "e", "f"] {
        world.random(&format!("t/{name}"), 300_000, u64::from(name.as_bytes()[0]));
    }
    world.shell("cd t && (sha512sum a b; b2sum c d; sha512sum e; b2sum f) >../of-64").succeeds();
    world.shell("cd t && (sha256sum a b; b2sum -l 256 c d; sha256sum e f) >../of-32").succeeds();
    world.shell("cp -a t other").succeeds();
    for (list, words) in [("of-64", "SHA-512 and BLAKE2b-512"), ("of-32", "SHA-256 and BLAKE2b-256")] {
        let words = format!("; its digests were taken as {words}, which the list does not say\n");
        for jobs in ["1", "3"] {
            let said = world.cp(&format!("--check {list} t --jobs={jobs}"));
            assert!(said.code() == Some(0) && said.stdout.ends_with(&words), "{list}: {said}");
        }
        for wrong in ["a", "d", "e", "f"] {
            let path = format!("t/{wrong}");
            world.rot(&path, 1, b"~~~");
            let run = world.cp(&format!("--check {list} t"));
            let found: Vec<_> = run.stdout.lines().map(|line| line.split(" (").next().expect("a finding")).collect();
            assert_eq!((run.code(), found), (Some(1), vec![format!("differs: '{wrong}'").as_str()]), "{list}: {run}");
            assert!(!run.stdout.contains("memory"), "{list}: {run}");
            let run = world.cp(&format!("--repair {list} t --from=other"));
            assert!(run.code() == Some(0) && run.stdout.ends_with(&words), "{list}: {run}");
            assert!(world.same_bytes(&path, &format!("other/{wrong}")), "{list}");
        }
        // What was renamed is found by what its line is right by, and there is one reading for that.
        world.shell("mv t/d t/moved").succeeds();
        let run = world.cp(&format!("--check {list} t"));
        assert_eq!((run.code(), run.stdout.as_str()), (Some(1), "moved: 'd' -> 'moved'\n"), "{list}: {run}");
        let traced = world.cp_traced_on(Some("t/moved"), "pread64", &[], &format!("--check {list} t --jobs=1"));
        if let Some(traced) = traced {
            assert!(traced.count("pread64") <= 5, "{}", traced.count("pread64"));
        }
        world.shell("mv t/moved t/d").succeeds();
    }
}

/// A list of which nothing is where it was, but under other names, is of no other algorithm.
#[test]
fn what_was_moved_tells_the_algorithm_as_well() {
    let (world, _, _) = world();
    world.shell("cd t && sha256sum a b >../list && mv a c && mv b d").succeeds();
    let run = world.cp("--check list t");
    assert!(run.code() == Some(1) && run.stderr.contains("taken as SHA-256"), "{run}");
    assert!(!run.stderr.contains("another algorithm"), "{run}");
}

/// NetBSD's mtree(8): what is optional may lack, and what is beneath an ignored directory is nobody's business. FreeBSD's: of what is
/// `nochange` only its being there counts.
#[test]
fn keywords_of_mtree_that_ask_for_less_are_heeded() {
    let (world, sha256, _) = world();
    world.dir("t/sub/deep").file("t/sub/x", "x").file("t/sub/deep/y", "y").file("t/extra", "z");
    let list = format!(
        "#mtree\n/set type=file\n. type=dir\n    a sha256={sha256}\n    b size=99 mode=0 nochange\n    gone sha256={sha256} optional\n\
         sub type=dir ignore\n..\n..\n"
    );
    world.file("list", &list);
    world.cp("--check list t").succeeds();
    let run = world.cp("--check --strict list t");
    assert_eq!((run.code(), run.stdout.as_str()), (Some(1), "not listed: 'extra'\n"), "{run}");
    if has_tool("mtree") {
        // The other tool's word, but for FreeBSD's keyword.
        world.file("theirs", list.replace(" size=99 mode=0 nochange", "")).file("t/gone", "first");
        world.shell("rm t/extra && mtree -f theirs -p t && rm t/gone && mtree -f theirs -p t").succeeds();
    }
    // They ask for no more, either.
    fs::remove_file(world.path("t/b")).expect("rm");
    world.file("t/gone", "other");
    let run = world.cp("--check list t");
    let found: Vec<_> = run.stdout.lines().map(|line| line.split(" (").next().expect("a finding")).collect();
    assert_eq!((run.code(), found.len()), (Some(1), 2), "{run}");
    assert!(found.contains(&"missing: 'b'") && found.contains(&"differs: 'gone'"), "{run}");
}

/// mtree lists sizes and times alone if it is not asked for digests.
#[test]
fn content_that_has_no_digest_is_said_to_be_unread() {
    let (world, sha256, _) = world();
    world.file("t/empty", "");
    world.file(
        "list",
        format!("#mtree\n./a type=file sha256={sha256}\n./b type=file size=6\n./empty type=file size=0\n"),
    );
    let said = world.cp("--check list t");
    let words = "; 1 file has no digest in the list, so its content was not read";
    assert!(said.code() == Some(0) && said.stdout.contains(words), "{said}");
    world.file("list", "#mtree\n./a type=file size=5\n./b type=file size=6\n");
    let said = world.cp("--check list t");
    let words = "; 2 files have no digest in the list, so their content was not read";
    assert!(said.code() == Some(0) && said.stdout.contains(words), "{said}");
}

/// By what a list is right the check finds out, and the repair need not do so again.
#[test]
fn a_repair_reads_a_wrong_file_no_more_often_by_a_list_without_words() {
    let (world, _, _) = world();
    world.shell("cd t && b2sum b a >../bare && b2sum --tag b a >../tagged && cp -a . ../other").succeeds();
    let reads = |list: &str| {
        world.rot("t/a", 0, b"F");
        let words = format!("--repair {list} t --from=other --jobs=1");
        let traced = world.cp_traced_on(Some("t/a"), "pread64", &[], &words)?;
        traced.output.succeeds();
        Some(traced.count("pread64"))
    };
    let (Some(bare), Some(tagged)) = (reads("bare"), reads("tagged")) else { return };
    assert!(tagged > 0 && bare == tagged, "{bare} and {tagged}");
}

/// b3sum makes digests of any length; those of usual lengths are told apart as others are.
#[test]
fn lists_of_b3sum_with_other_lengths_are_read() {
    if !has_tool("b3sum") {
        return;
    }
    let (world, _, _) = world();
    for length in ["16", "20", "28", "48", "64"] {
        world.shell(&format!("cd t && b3sum -l {length} b a >../list")).succeeds();
        let said = world.cp("--check list t");
        said.succeeds();
        assert!(said.stdout.contains(&format!("taken as BLAKE3 of {length} bytes")), "{said}");
        world.rot("t/a", 0, b"F");
        assert_eq!(world.cp("--check list t").stdout.lines().count(), 1, "{length}");
        world.rot("t/a", 0, b"f");
    }
    // With a tag, as b3sum 1.5 and later write them, any length is told.
    world.shell("cd t && b3sum -l 100 a | sed 's/\\(.*\\)  \\(.*\\)/BLAKE3 (\\2) = \\1/' >../list").succeeds();
    world.cp("--check list t").succeeds();
    world.rot("t/a", 0, b"F");
    assert_eq!(world.cp("--check list t").code(), Some(1));
    world.shell("cd t && b3sum -l 40 a >../list").succeeds();
    let run = world.cp("--check list t");
    assert!(run.code() == Some(1) && run.stderr.contains("`b3sum --length`"), "{run}");
}

/// rhash fills the names of algorithms up with blanks.
#[test]
fn lists_of_rhash_are_read() {
    if !has_tool("rhash") {
        return;
    }
    let (world, _, _) = world();
    world.file("t/b (c) = d", "odd").shell("mkdir other && cp -a t/. other").succeeds();
    for algorithms in ["md5", "sha1", "sha224", "sha256", "sha384", "sha512", "blake2b", "md5 --sha1 --sha512"] {
        world.shell(&format!("cd t && rhash --bsd --{algorithms} -- * >../list")).succeeds();
        world.cp("--check list t").succeeds();
        world.rot("t/a", 0, b"F");
        let found = world.cp("--check list t");
        assert!(found.stdout.lines().all(|line| line.starts_with("differs: 'a'")), "{found}");
        assert_eq!(found.code(), Some(1));
        world.rot("t/a", 0, b"f");
    }
    for algorithm in ["tiger", "sha3-256", "blake2s"] {
        world.shell(&format!("cd t && rhash --bsd --{algorithm} -- * >../list")).succeeds();
        let run = world.cp("--check list t");
        assert!(run.code() == Some(1) && run.stderr.contains("of an algorithm that is not read here"), "{run}");
    }
}

/// A digest that no algorithm gives is no proof that a file is damaged.
#[test]
fn digests_that_fit_no_file_may_be_of_another_algorithm() {
    let (world, _, _) = world();
    world.shell("cd t && openssl dgst -r -sha3-512 a b > ../sha3").succeeds();
    let run = world.cp("--check sha3 t");
    assert!(run.code() == Some(1) && run.stderr.contains("the list may be of another algorithm"), "{run}");
}

/// openssl writes `SHA2-512(a)= digest`.
#[test]
fn lists_of_openssl_are_read() {
    let (world, _, _) = world();
    for algorithm in ["md5", "sha1", "sha256", "sha512", "blake2b512"] {
        world.shell(&format!("cd t && openssl dgst -{algorithm} a b > ../list")).succeeds();
        world.cp("--check list t").succeeds();
        world.rot("t/b", 0, b"S");
        assert_eq!(world.cp("--check list t").stdout.lines().count(), 1, "{algorithm}");
        world.rot("t/b", 0, b"s");
    }
}

#[test]
fn a_list_that_is_not_read_is_told_by_its_kind() {
    let (world, sha256, _) = world();
    world.shell("cksum t/a > cksum && openssl dgst -sha3-256 t/a > sha3").succeeds();
    world
        .file("sm3", format!("SM3 (t/a) = {sha256}\n"))
        .file("later", format!("{sha256}  t/a\nSM3 (t/b) = {sha256}\n"));
    world.file("sfv", "; Generated by cfv\n;\nt/a 1b2c3d4e\n").file("xxh", "ef46db3751d8e999  t/a\n");
    world.file("signed", format!("-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\n{sha256}  t/a\n"));
    for (list, words) in [
        ("cksum", "CRC sums of 32 bits"),
        ("sfv", "CRC sums of 32 bits"),
        ("sha3", "of an algorithm that is not read here"),
        ("sm3", "of an algorithm that is not read here"),
        ("later", "line 2: its digests are of an algorithm that is not read here"),
        ("xxh", "`xxhsum --tag` names them"),
        ("signed", "gpg --decrypt"),
    ] {
        let run = world.cp(&format!("--check {list}"));
        assert!(run.code() == Some(1) && run.stderr.contains(words), "{list}: {run}");
    }
}
