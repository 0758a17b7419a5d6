//! The report and the summary: that each line has the form of the schema, that names survive, that the numbers are right. What is
//! expected comes from find, b3sum and Python; jq reads what it does in docs/report.md.

mod common;

use common::asked::project;
use common::{Output, World, has_tool};
use rustix::process::Signal;
use serde_json::Value;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// The lines of a report.
fn lines(text: &str) -> Vec<Value> {
    assert!(text.ends_with('\n'), "the last line is whole");
    text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))).collect()
}

fn report(world: &World) -> Vec<Value> {
    lines(&world.read("report"))
}

/// The lines of one kind.
fn of<'l>(lines: &'l [Value], what: &str) -> Vec<&'l Value> {
    lines.iter().filter(|line| line["what"] == what).collect()
}

fn end(lines: &[Value]) -> &Value {
    let end = lines.last().expect("a line");
    assert_eq!(end["what"], "end");
    end
}

const VALIDATE: &str = "\
import json, sys
import jsonschema
schema = json.load(open(sys.argv[1]))
jsonschema.Draft202012Validator.check_schema(schema)
validator = jsonschema.Draft202012Validator(schema)
lines = [json.loads(line) for line in open(sys.argv[2])]
bad = [(line, error.message) for line in lines for error in validator.iter_errors(line)]
print(len(lines), bad[:3])
sys.exit(bool(bad))
";

/// What jsonschema says of the file; nothing where it is not there.
fn validated(world: &World, file: &str) -> Option<Output> {
    if !has_tool("python3") {
        return None;
    }
    world.file("validate.py", VALIDATE);
    if world.shell("python3 -c 'import jsonschema'").code() != Some(0) {
        common::left_out("needs python3-jsonschema");
        return None;
    }
    let schema = project("docs/report.schema.json");
    Some(world.shell(&format!("python3 validate.py {} {file}", common::asked::as_a_word(&schema).display())))
}

/// A tree of every kind, and a run over it in which something fails, is skipped, backed up and removed.
fn eventful(world: &World) -> Output {
    world.every_kind("src");
    world.dir("dst/src").file("dst/src/short", "old and longer").file("dst/src/empty", "old");
    world.symlink("elsewhere", "dst/src/script");
    world.shell("printf x >src/unreadable; mkdir -p dst/src/closed/in dst/src/unreadable");
    world.cp("-a --backup=numbered --report=report src dst")
}

#[test]
fn every_line_has_the_form_of_the_schema() {
    let world = World::new();
    let said = eventful(&world);
    assert_eq!(said.code(), Some(1), "{said}");
    let lines = report(&world);
    for what in ["copied", "made", "directory", "failed", "end"] {
        assert!(!of(&lines, what).is_empty(), "no line of {what}");
    }
    let Some(said) = validated(&world, "report") else { return };
    assert_eq!((said.code(), said.stderr.as_str()), (Some(0), ""), "{said}");
    assert!(said.stdout.starts_with(&format!("{} ", lines.len())), "{said}");
    // The net has to catch: a number that is a word, a key too many, a line of no kind.
    for line in [
        r#"{"what":"directory","source":"a","target":1}"#,
        r#"{"what":"directory","source":"a","target":"b","more":1}"#,
        r#"{"what":"else"}"#,
        "{}",
    ] {
        world.file("wrong", format!("{line}\n"));
        assert_eq!(validated(&world, "wrong").expect("as above").code(), Some(1), "{line}");
    }
}

/// One line for each name that was made, whatever it is.
#[test]
fn each_name_has_a_line() {
    let world = World::new();
    world.every_kind("src");
    world.cp("-a --report=report src dst").succeeds();
    let lines = report(&world);
    let all = world.tool("find", ["src", "-printf", "x\\n"]).lines().count();
    let told = lines.iter().filter(|line| line["target"].is_string()).count();
    assert_eq!((told, lines.len()), (all, all + 1));
    let count = |test: &str| world.shell(&format!("find src {test} -printf x | wc -c")).stdout.trim().parse::<u64>();
    let end = end(&lines);
    assert_eq!(end["directories"].as_u64(), count("-type d").ok());
    assert_eq!(end["symbolic_links"].as_u64(), count("-type l").ok());
    assert_eq!(end["special_files"].as_u64(), count("! -type d ! -type l ! -type f").ok());
    let inodes = world.shell("find src -type f -printf '%i\\n' | sort -u | wc -l").stdout.trim().parse().ok();
    assert_eq!(end["files"].as_u64(), inodes);
    assert_eq!(end["hard_links"].as_u64(), Some(2), "short has three names");
    let bytes = world.shell("find src -type f -printf '%i %s\\n' | sort -u | awk '{ s += $2 } END { print s }'");
    assert_eq!(end["bytes"].as_u64(), bytes.stdout.trim().parse().ok());
    assert_eq!((&end["succeeded"], &end["failed"]), (&Value::from(true), &Value::from(0)));
    assert_eq!(end["verified"], end["files"]);
}

/// U+FFFD is for people; the bytes are in base64, which Python reads.
#[test]
fn names_that_are_not_utf8_are_not_lost() {
    let world = World::new();
    let names: [&[u8]; 6] = [b"caf\xe9", b"\xff\xfe", b"new\nline", b"\"quote\\", b"\xf0\x9f\x98\x80", b"\x1b[31m"];
    world.dir("src");
    for name in names {
        world.file(Path::new("src").join(OsStr::from_bytes(name)), name);
    }
    world.cp("-r --report=report src dst").succeeds();
    if !has_tool("python3") {
        return;
    }
    let script = "import base64, json, os, sys
for line in open('report'):
    line = json.loads(line)
    if line['what'] == 'copied':
        exact = line.get('target_base64')
        name = base64.b64decode(exact) if exact else line['target'].encode()
        assert open(name, 'rb').read() == os.path.basename(name), name
        os.unlink(name)
print(os.listdir(b'dst'))
";
    world.file("read.py", script);
    world.shell("python3 read.py").succeeds().says("[]\n");
    let lines = report(&world);
    let exact = lines.iter().filter(|line| line.get("source_base64").is_some()).count();
    assert_eq!(exact, 2, "only where it is needed");
    assert!(!world.read("report").contains('\x1b'));
}

#[test]
fn digests_are_those_of_b3sum() {
    if !has_tool("b3sum") {
        return;
    }
    let world = World::new();
    world.file("empty", "").random("small", 5000, 1).random("large", 3_000_001, 2);
    world.sparse("holes", 8 << 20, &[(5 << 20, b"island")]).dir("d");
    world.cp("--report=report empty small large holes d").succeeds();
    let lines = report(&world);
    let mut copied = of(&lines, "copied");
    copied.sort_by_key(|line| line["target"].to_string());
    let told: String = copied
        .iter()
        .map(|line| {
            format!("{}  {}\n", line["blake3"].as_str().expect("a digest"), line["target"].as_str().expect("a name"))
        })
        .collect();
    assert_eq!(told, world.tool("b3sum", ["d/empty", "d/holes", "d/large", "d/small"]));
}

#[test]
fn what_fails_is_told_with_its_number() {
    let world = World::new();
    world.file("a", "one").dir("d");
    let said = world.cp("--report=report missing a d");
    said.fails("safecp: cannot stat 'missing': No such file or directory\n");
    let lines = report(&world);
    let failed = of(&lines, "failed");
    assert_eq!(failed.len(), 1);
    assert_eq!((failed[0]["errno"].as_i64(), failed[0]["path"].as_str()), (Some(2), Some("missing")));
    assert_eq!(failed[0]["message"], "cannot stat 'missing': No such file or directory");
    assert_eq!((&end(&lines)["failed"], &end(&lines)["succeeded"]), (&Value::from(1), &Value::from(false)));
    assert_eq!(world.read("d/a"), "one");
}

#[test]
fn standard_output_is_a_place_for_it() {
    let world = World::new();
    world.file("a", "one");
    let said = world.cp("--report=- a b");
    said.succeeds();
    assert_eq!(lines(&said.stdout).len(), 2);
    let words = "safecp: --report=- cannot be used with -v or --debug, which write to standard output too\n";
    let said = world.cp("-v --report=- a c");
    assert!(said.stderr.starts_with(words) && said.code() == Some(1), "{said}");
    assert!(!world.exists("c"));
    world.cp("-v --report=report a c").succeeds().says("'a' -> 'c'\n");
}

#[test]
fn a_report_that_cannot_be_written_is_a_failure() {
    let world = World::new();
    world.file("a", "one");
    world
        .cp("--report=missing/report a b")
        .fails("safecp: cannot create regular file 'missing/report': No such file or directory\n");
    assert!(!world.exists("b"), "found out before anything is copied");
    if Path::new("/dev/full").exists() {
        let full = world.cp("--report=/dev/full a b");
        full.fails("safecp: error writing '/dev/full': No space left on device\n");
        assert_eq!(world.read("b"), "one");
        world.shell("$safecp --report=- a b >/dev/full").fails("safecp: error writing '-': No space left on device\n");
    }
}

#[test]
fn a_report_is_of_use_only_with_a_copy() {
    let world = World::new();
    world.dir("d");
    let said = world.cp("--manifest=m --report=r d");
    assert!(
        said.stderr.starts_with("safecp: --report, --summary and --progress are of use only with a copy\n"),
        "{said}"
    );
    assert!(!world.exists("m") && !world.exists("r"));
}

/// What a strategy left behind, skipped names, and old targets.
#[test]
fn what_was_there_is_told() {
    let world = World::new();
    world.file("a", "new").dir("d").file("d/a", "old");
    world.cp("-b --report=report a d").succeeds();
    let lines = report(&world);
    assert_eq!(of(&lines, "copied")[0]["backup"], "d/a~");
    world.cp("-n --report=report a d").succeeds();
    let lines = report(&world);
    assert_eq!((lines.len(), of(&lines, "skipped").len()), (2, 1));
    world.cp("--resume --report=report a d").succeeds();
    let lines = report(&world);
    assert_eq!(of(&lines, "made")[0]["thing"], "same already");
    world.cp("--attributes-only -p --report=report a d").succeeds();
    assert_eq!(of(&report(&world), "made")[0]["thing"], "attributes");
    world.cp("-s --report=report a link").succeeds();
    assert_eq!(of(&report(&world), "made")[0]["thing"], "symbolic link");
    world.cp("-l --report=report a hard").succeeds();
    assert_eq!(of(&report(&world), "made")[0]["thing"], "hard link");
}

/// Every command of docs/report.md, on a report of a run in which a name fails; its expected answer by another way.
#[test]
fn the_examples_of_the_page_work() {
    if !has_tool("jq") || !has_tool("b3sum") {
        return;
    }
    let world = World::new();
    world.random("a", 70_000, 1).random("b", 9, 2).dir("d");
    world.file(OsStr::from_bytes(b"caf\xe9"), "x");
    let said = world.shell("$safecp --report=report missing a b caf? d");
    assert_eq!(said.code(), Some(1), "{said}");
    let page = fs::read_to_string(project("docs/report.md")).expect("the page");
    let commands: Vec<&str> =
        page.lines().filter_map(|line| line.strip_prefix("    ")).filter(|line| line.starts_with("jq ")).collect();
    let answers: Vec<Output> = commands.iter().map(|command| world.shell(command)).collect();
    let answer = |at: usize| answers[at].stdout.as_str();
    assert_eq!(commands.len(), 6, "{commands:?}");
    answers.iter().for_each(|answer| assert_eq!(answer.stderr, "", "{answer}"));
    assert_eq!(answer(0), "cannot stat 'missing': No such file or directory\n");
    world.file(
        "sums",
        answer(1).lines().filter(|line| line.is_ascii()).map(|line| format!("{line}\n")).collect::<String>(),
    );
    assert_eq!(world.tool("b3sum", ["--check", "sums"]), "d/a: OK\nd/b: OK\n");
    assert_eq!(answer(2), "70000\td/a\n9\td/b\n1\td/caf\u{fffd}\n");
    assert_eq!(answer(3), "stream\t70010\n", "on the filesystem of temporary files");
    assert_eq!(answers[4].stdout.lines().count(), 1);
    let exact = world.shell(&format!("{} | od -An -c", commands[4]));
    assert_eq!(exact.stdout.split_whitespace().collect::<Vec<_>>(), ["c", "a", "f", "351", "\\n"]);
    assert_eq!((answers[5].code(), answer(5)), (Some(1), "false\n"), "a name failed");
    world.cp("--report=report a e").succeeds();
    assert_eq!(world.shell(commands[5]).code(), Some(0));
}

/// What GNU's cp writes with -v is what is written with a summary as well.
#[test]
fn a_summary_leaves_standard_output_alone() {
    let world = World::new();
    world.dir("src/d").file("src/d/a", "12345").file("src/b", "123").symlink("b", "src/l");
    let plain = world.cp("-av src plain").stdout.replace("plain", "dst");
    let said = world.cp("-av --summary src dst");
    assert_eq!((said.code(), &said.stdout), (Some(0), &plain), "{said}");
    let expected = "safecp: copied 2 files, 2 directories, 1 symbolic link, 8 bytes in 0.";
    assert!(said.stderr.starts_with(expected), "{said}");
    assert!(said.stderr.ends_with("\nsafecp: verified 2 of 2\n"), "{said}");
    assert!(world.cp("-av src again").stderr.is_empty(), "nothing without it");
}

#[test]
fn a_summary_has_failures_once_more_the_first_twenty() {
    let world = World::new();
    world.file("a", "1").dir("d");
    let missing: Vec<String> = (0..22).map(|number| format!("m{number}")).collect();
    let said = world.cp(&format!("--summary a {} d", missing.join(" ")));
    assert_eq!(said.code(), Some(1));
    let once_more: Vec<&str> = said.stderr.lines().filter(|line| line.starts_with("safecp:   ")).collect();
    assert_eq!(once_more.len(), 21, "{said}");
    assert_eq!(once_more[19], "safecp:   cannot stat 'm19': No such file or directory");
    assert_eq!(once_more[20], "safecp:   and 2 more");
    assert!(said.stderr.contains("\nsafecp: 22 failures\n"), "{said}");
}

/// A run that a signal ends has a last line that says so.
#[test]
fn an_interrupted_run_has_an_end() {
    let world = World::new();
    world.sparse("a", 8 << 30, &[]);
    let mut copy = world.start("--sparse=never --report=report a b");
    copy.wait_for_bytes_written(1 << 20);
    copy.signal(Signal::TERM);
    assert_eq!(copy.finish().signal(), Some(Signal::TERM.as_raw()));
    let lines = report(&world);
    assert_eq!((&end(&lines)["interrupted"], &end(&lines)["succeeded"]), (&Value::from(true), &Value::from(false)));
    assert_eq!(of(&lines, "failed")[0]["message"], "interrupted");
}
