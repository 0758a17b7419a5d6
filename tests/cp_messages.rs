//! What is said: GNU cp's words, to the letter, with its way to quote names; the lines of -v and --debug; help and
//! version. The expected words were taken from GNU cp 9.10 under the name safecp.

mod common;
use common::{World, has_tool};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

const HELP: &str = "Try 'safecp --help' for more information.\n";

#[test]
fn names_are_quoted_as_a_shell_would_read_them() {
    let world = World::new();
    let quotings: [(&[u8], &str); 12] = [
        (b"plain", "'plain'"),
        (b"a b", "'a b'"),
        (b"it's", r#""it's""#),
        (br#"it's "q""#, r#"'it'\''s "q"'"#),
        (b"\"q\"", r#"'"q"'"#),
        (b"a\nb", r"'a'$'\n''b'"),
        (b"\xffx", r"''$'\377''x'"),
        (b"x\xc3", r"'x'$'\303'"),
        ("é".as_bytes(), "'é'"),
        (b"a$b", "'a$b'"),
        (b"\x01\t\x7f", r"''$'\001\t\177'"),
        (b"back\\slash", r"'back\slash'"),
    ];
    for (name, quoted) in quotings {
        let output = world.cp_args([OsStr::from_bytes(name), OsStr::new("b")]);
        output.fails(&format!("safecp: cannot stat {quoted}: No such file or directory\n"));
    }
}

#[test]
fn names_are_quoted_in_what_verbose_says() {
    let world = World::new();
    world.file("a\nb", "1").cp_args(["-v", "a\nb", "it's"]).succeeds().says("'a'$'\\n''b' -> \"it's\"\n");
}

#[test]
fn verbose_says_each_name_of_a_tree() {
    let world = World::new();
    world.dir("s/d").file("s/d/x", "x").symlink("x", "s/d/link").fifo("s/d/fifo");
    let output = world.cp("-av --jobs=1 s t");
    let mut lines: Vec<_> = output.succeeds().stdout.lines().collect();
    assert_eq!(lines[..2], ["'s' -> 't'", "'s/d' -> 't/d'"]);
    lines.sort_unstable();
    assert_eq!(lines[2..], ["'s/d/fifo' -> 't/d/fifo'", "'s/d/link' -> 't/d/link'", "'s/d/x' -> 't/d/x'"]);
}

#[test]
fn verbose_says_no_directory_that_was_there() {
    let world = World::new();
    world.dir("s").file("s/x", "x").dir("t/s").cp("-Rv s t").succeeds().says("'s/x' -> 't/s/x'\n");
}

#[test]
fn verbose_says_what_was_removed() {
    let world = World::new();
    world.file("a", "1").file("b", "2").cp("-v --remove-destination a b").succeeds().says("removed 'b'\n'a' -> 'b'\n");
    for words in ["-vf a b", "-vf --attributes-only a b"] {
        world.chmod("b", 0o444).cp_as_nobody(words).succeeds().says("'a' -> 'b'\nremoved 'b'\n");
        world.chmod("b", 0o666).cp_as_nobody(words).succeeds().says("'a' -> 'b'\n");
        world.file("b", "2");
    }
}

#[test]
fn verbose_says_what_was_done_and_not_what_failed() {
    let world = World::new();
    world.file("a", "1").chmod("a", 0).file("b", "2").dir("d");
    let output = world.cp_as_nobody("-v a b d");
    // GNU cp says `'a' -> 'd/a'` before it tries.
    output.fails("safecp: cannot open 'a' for reading: Permission denied\n").says("'b' -> 'd/b'\n");
}

#[test]
fn debug_says_what_was_skipped_and_verbose_does_not() {
    let world = World::new();
    world.file("a", "1").file("b", "2").cp("--debug -n a b").succeeds().says("skipped 'b'\n");
    world.cp("-v -n a b").succeeds().says("");
}

#[test]
fn debug_says_how_a_file_was_copied() {
    let world = World::new();
    let output = world.random("a", 100_000, 1).cp("--debug a b");
    let lines: Vec<_> = output.succeeds().stdout.lines().collect();
    assert_eq!((lines.len(), lines[0]), (3, "'a' -> 'b'"), "{output}");
    let words: Vec<_> = lines[1].split(", ").map(|part| part.split_once(": ").expect("a colon")).collect();
    assert_eq!(
        words.iter().map(|(question, _)| *question).collect::<Vec<_>>(),
        ["copy offload", "reflink", "sparse detection"]
    );
    for (_, answer) in &words[..2] {
        assert!(["unknown", "no", "yes", "avoided", "unsupported"].contains(answer), "{output}");
    }
    assert!(["unknown", "no", "zeros", "SEEK_HOLE", "SEEK_HOLE + zeros"].contains(&words[2].1), "{output}");
    assert!(lines[2].contains("strategy:"), "{output}");
}

#[test]
fn debug_says_the_digest_that_b3sum_finds() {
    if !has_tool("b3sum") {
        return;
    }
    let world = World::new();
    world.sparse("holes", 10 << 20, &[(3 << 20, b"island"), (7 << 20, b"another")]).file("empty", "").file("one", "1");
    for size in [1023, 1024, 1025, 65536, (1 << 20) - 1, 1 << 20, (1 << 20) + 1, 10_000_019] {
        world.random(&size.to_string(), size, 1);
    }
    for name in ["holes", "empty", "one", "1023", "1024", "1025", "65536", "1048575", "1048576", "1048577", "10000019"]
    {
        let output = world.cp(&format!("--debug {name} copy"));
        let said = output.succeeds().stdout.split("blake3:").nth(1).expect("a digest").trim_start();
        let sum = world.tool("b3sum", ["--no-names", name]);
        assert_eq!((said.get(..64), sum.trim().len()), (Some(sum.trim()), 64), "{name} {output}");
    }
}

#[test]
fn several_failures_are_said_each() {
    let world = World::new();
    let words =
        "safecp: cannot stat 'x': No such file or directory\nsafecp: cannot stat 'y': No such file or directory\n";
    world.file("a", "1").dir("d").cp("x a y d").fails(words);
    assert_eq!(world.read("d/a"), "1");
}

#[test]
fn a_directory_that_is_missing_is_named() {
    let world = World::new();
    world.file("a", "1").dir("s");
    world.cp("a no/b").fails("safecp: cannot create regular file 'no/b': No such file or directory\n");
    world.cp("-R s no/t").fails("safecp: cannot create directory 'no/t': No such file or directory\n");
}

#[test]
fn a_directory_that_cannot_be_written_is_named() {
    let world = World::new();
    world.file("a", "1").dir("d").dir("s").file("s/x", "x").chmod("d", 0o555);
    world.cp_as_nobody("a d").fails("safecp: cannot create regular file 'd/a': Permission denied\n");
    world.cp_as_nobody("-R s d").fails("safecp: cannot create directory 'd/s': Permission denied\n");
    world.cp_as_nobody("-a /dev/null d").fails_with(&["cannot create special file 'd/null'"]);
}

#[test]
fn unknown_options_are_named() {
    let world = World::new();
    world.cp("--bogus a b").fails(&format!("safecp: unrecognized option '--bogus'\n{HELP}"));
    world.cp("-y a b").fails(&format!("safecp: invalid option -- 'y'\n{HELP}"));
    world.cp("-ay a b").fails(&format!("safecp: invalid option -- 'y'\n{HELP}"));
}

#[test]
fn unknown_values_are_named_with_those_there_are() {
    let world = World::new();
    let values = [
        ("sparse", "  - 'never'\n  - 'auto'\n  - 'always'\n"),
        ("reflink", "  - 'auto'\n  - 'always'\n  - 'never'\n"),
        (
            "preserve",
            "  - 'mode'\n  - 'timestamps'\n  - 'ownership'\n  - 'links'\n  - 'context'\n  - 'xattr'\n  - 'all'\n",
        ),
    ];
    for (option, valid) in values {
        // In other locales GNU cp has other quotation marks here.
        let output = world.shell(&format!("LC_ALL=C $safecp --{option}=foo a b"));
        let words = format!("safecp: invalid argument 'foo' for '--{option}'\nValid arguments are:\n{valid}{HELP}");
        output.fails(&words);
    }
}

#[test]
fn options_may_be_cut_short() {
    let world = World::new();
    world.dir("s").file("s/x", "x").cp("--rec --verb s t").succeeds().says("'s' -> 't'\n's/x' -> 't/x'\n");
    world.cp("--re s t").fails_with(&["option '--re' is ambiguous"]);
}

#[test]
fn help_and_version_are_on_standard_output() {
    let world = World::new();
    let help = world.cp("--help").succeeds().stdout.clone();
    for option in ["--verify", "--in-place", "--durable", "--require-stable", "--jobs", "--sparse", "--reflink", "-a"] {
        assert!(help.contains(option), "{option} is not in the help");
    }
    let version = world.cp("--version").succeeds().stdout.clone();
    assert!(version.starts_with("safecp") && version.contains(env!("CARGO_PKG_VERSION")), "{version}");
}

#[test]
fn what_cannot_be_said_is_a_failure() {
    let world = World::new();
    let output = world.file("a", "1").shell("$safecp -v a b > /dev/full");
    output.fails("safecp: write error: No space left on device\n");
    assert_eq!(world.read("b"), "1");
}

/// The long options of GNU's programs, as their --help names them.
const GNU_CP: [&str; 30] = [
    "archive",
    "attributes-only",
    "backup=",
    "copy-contents",
    "debug",
    "force",
    "interactive",
    "link",
    "dereference",
    "no-clobber",
    "no-dereference",
    "preserve=",
    "no-preserve=",
    "parents",
    "recursive",
    "reflink=",
    "remove-destination",
    "sparse=",
    "strip-trailing-slashes",
    "symbolic-link",
    "suffix=",
    "target-directory=",
    "no-target-directory",
    "update=",
    "verbose",
    "keep-directory-symlink",
    "one-file-system",
    "context=",
    "help",
    "version",
];
const GNU_INSTALL: [&str; 18] = [
    "backup=",
    "compare",
    "directory",
    "debug",
    "group=",
    "mode=",
    "owner=",
    "preserve-timestamps",
    "strip",
    "strip-program=",
    "suffix=",
    "target-directory=",
    "no-target-directory",
    "verbose",
    "preserve-context",
    "context=",
    "help",
    "version",
];
const GNU_MV: [&str; 16] = [
    "backup=",
    "debug",
    "exchange",
    "force",
    "interactive",
    "no-clobber",
    "no-copy",
    "strip-trailing-slashes",
    "suffix=",
    "target-directory=",
    "no-target-directory",
    "update=",
    "verbose",
    "context",
    "help",
    "version",
];

#[test]
fn what_is_one_option_to_gnu_cut_short_is_that_option() {
    let world = World::new();
    let mut cut_short = 0;
    for (program, options) in [("cp", &GNU_CP[..]), ("install", &GNU_INSTALL[..]), ("mv", &GNU_MV[..])] {
        for option in options {
            let name = option.trim_end_matches('=');
            for length in 1..name.len() {
                let begin = &name[..length];
                let is_exact = options.iter().any(|other| other.trim_end_matches('=') == begin);
                if is_exact || options.iter().any(|other| other != option && other.starts_with(begin)) {
                    continue;
                }
                let value = if option.ends_with('=') { "=x" } else { "" };
                let words = format!("--as={program} --{begin}{value} --no-such-option");
                let said = world.cp(&words).stderr.clone();
                assert!(said.contains(": unrecognized option '--no-such-option'\n"), "{words}: {said}");
                cut_short += 1;
            }
        }
    }
    assert!(cut_short > 200, "{cut_short}");
    let said = world.cp("--as=cp --s a b").stderr.clone();
    let (own, gnu) = ("'--sync'", "'--sparse' '--strip-trailing-slashes' '--s");
    assert!(said.contains(gnu) && !said.contains(own), "{said}");
}

#[test]
fn letters_are_named_as_they_were_typed() {
    let world = World::new();
    let help = |program: &str| format!("Try 'safecp --as={program} --help' for more information.\n");
    for (words, program, told) in [
        ("-a=b x y", "cp", "invalid option -- '='"),
        ("x y -S", "cp", "option requires an argument -- 'S'"),
        ("x y -bt", "cp", "option requires an argument -- 't'"),
        ("-m", "install", "option requires an argument -- 'm'"),
        ("x --suffix", "mv", "option '--suffix' requires an argument"),
    ] {
        world
            .cp(&format!("--as={program} {words}"))
            .fails(&format!("safecp --as={program}: {told}\n{}", help(program)));
    }
}

/// What bytes are characters the locale says.
#[test]
fn names_are_escaped_where_the_locale_has_only_ascii() {
    let world = World::new();
    world.file("a", "1").dir("d");
    let told = "safecp: cannot stat ''$'\\303\\244': No such file or directory\n";
    for locale in ["LC_ALL=C", "LC_ALL= LC_CTYPE=POSIX LANG=C.UTF-8", "LC_ALL= LC_CTYPE= LANG="] {
        world.shell(&format!("{locale} $safecp ä d")).fails(told);
    }
    for locale in ["LC_ALL=C.UTF-8", "LC_ALL= LC_CTYPE= LANG=de_DE.utf8"] {
        world.shell(&format!("{locale} $safecp ä d")).fails("safecp: cannot stat 'ä': No such file or directory\n");
    }
    world.shell("LC_ALL=C $safecp -v a \"rä's\"").says("'a' -> 'r'$'\\303\\244'\\''s'\n");
}

#[test]
fn of_a_source_and_a_target_that_cannot_be_looked_at_the_source_is_told() {
    let world = World::new();
    world.dir("s").file("s/f", "1").dir("t").file("t/f", "2").chmod("s", 0o444).chmod("t", 0o444);
    world.cp_as_nobody("-rT s t").fails("safecp: cannot stat 's/f': Permission denied\n");
    world.chmod("s", 0o755).chmod("t", 0o755);
}
