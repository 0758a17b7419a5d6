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

#[track_caller]
fn says_first(said: &Output, begin: &str) {
    assert!(said.code() == Some(0) && said.stderr.starts_with(begin), "{said}");
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
    world.cp("--report=report --digests empty small large holes d").succeeds();
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

/// A digest costs more than the copy of a small file.
#[test]
fn digests_are_taken_where_they_are_asked_for() {
    let world = World::new();
    world.file("a", "one");
    world.cp("--report=report a b").succeeds();
    assert_eq!(of(&report(&world), "copied")[0]["blake3"], Value::Null);
    for asks in ["--digests", "--manifest=m", "--verify=blake3", "--debug"] {
        world.file("b", "old");
        assert_eq!(world.cp(&format!("--report=report {asks} a b")).code(), Some(0));
        assert!(of(&report(&world), "copied")[0]["blake3"].is_string(), "{asks}");
    }
    let said = world.cp("--digests a b");
    assert!(said.stderr.starts_with("safecp: --digests is of use only with --report\n"), "{said}");
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

/// A list that is made without a copy: what could not be listed, and the numbers, which are those of find.
#[test]
fn a_list_without_a_copy_has_a_report() {
    let world = World::new();
    world.dir("d/e").random("d/a", 70_000, 1).random("d/e/b", 3000, 2).symlink("a", "d/link").file("d/m", "old");
    let names = || world.shell("find d ! -path d/m | wc -l").stdout.trim().parse::<u64>().expect("a number");
    let (listed, of_files) = (names(), 73_000);
    let said = world.cp("--manifest=d/m --summary --report=report d");
    assert_eq!((said.code(), said.stdout.as_str()), (Some(0), ""), "{said}");
    let lines = report(&world);
    let numbers = end(&lines);
    assert_eq!((lines.len(), numbers["succeeded"].as_bool()), (1, Some(true)));
    assert_eq!((numbers["examined"].as_u64(), numbers["bytes"].as_u64()), (Some(listed), Some(of_files)));
    assert!(said.stderr.contains(&format!("safecp: examined {listed} names, 73000 bytes (71.3 KiB) in ")), "{said}");
    let manifest = world.read("d/m");
    assert_eq!(manifest.lines().filter(|line| line.starts_with('.')).count() as u64, listed);
    world.cp("--manifest=one --report=report d/a").succeeds();
    let lines = report(&world);
    assert_eq!((end(&lines)["examined"].as_u64(), end(&lines)["bytes"].as_u64()), (Some(1), Some(70_000)));

    // A link that leads nowhere can be listed, a name that is not there cannot.
    let said = world.cp("--manifest=m --report=report missing");
    assert_eq!(said.code(), Some(1), "{said}");
    let lines = report(&world);
    assert_eq!((of(&lines, "failed").len(), of(&lines, "failed")[0]["path"].as_str()), (1, Some("missing")));
    assert_eq!(end(&lines)["succeeded"].as_bool(), Some(false));
    validated(&world, "report").iter().for_each(|said| assert_eq!(said.code(), Some(0), "{said}"));
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
    let said = world.shell("$safecp --report=report --digests missing a b caf? d");
    assert_eq!(said.code(), Some(1), "{said}");
    let page = fs::read_to_string(project("docs/report.md")).expect("the page");
    let commands: Vec<&str> =
        page.lines().filter_map(|line| line.strip_prefix("    ")).filter(|line| line.starts_with("jq ")).collect();
    let answers: Vec<Output> = commands.iter().map(|command| world.shell(command)).collect();
    let answer = |at: usize| answers[at].stdout.as_str();
    assert_eq!(commands.len(), 8, "{commands:?}");
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
    assert_eq!((answer(5), answer(6)), ("", ""), "no check, and one target");
    assert_eq!((answers[7].code(), answer(7)), (Some(1), "false\n"), "a name failed");
    world.cp("--report=report a e").succeeds();
    assert_eq!(world.shell(commands[7]).code(), Some(0));
    world.cp("--manifest=list d").succeeds();
    world.rot("d/a", 0, b"!!");
    assert_eq!(world.cp("--check --report=report list d").code(), Some(1));
    assert_eq!(world.shell(commands[5]).stdout, "damaged\ta\n");
    world.dir("one").dir("other").dir("other/a");
    assert_eq!(world.cp("--report=report -t one -t other a").code(), Some(1));
    assert_eq!(world.shell(commands[6]).stdout, "other\t1\n");
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

/// Each line says which target it is about, and each target has a line of its own with its numbers.
#[test]
fn each_of_several_targets_is_told() {
    let world = World::new();
    world.dir("src").file("src/x", "one").file("src/y", "three").dir("a").dir("b").dir("b/src").dir("b/src/x");
    let said = world.cp("-a --report=report --summary -t a -t b src missing");
    assert_eq!(said.code(), Some(1), "{said}");
    let lines = report(&world);
    let of_target = |name: &str, what: &str| {
        of(&lines, what).into_iter().filter(|line| line["target_directory"] == name).cloned().collect::<Vec<_>>()
    };
    assert_eq!((of_target("a", "copied").len(), of_target("b", "copied").len()), (2, 1));
    // What is said once of both is a failure of each.
    assert_eq!((of_target("a", "failed").len(), of_target("b", "failed").len()), (1, 2));
    let (a, b) = (&of_target("a", "target")[0], &of_target("b", "target")[0]);
    assert_eq!((a["files"].as_u64(), a["bytes"].as_u64(), a["failed"].as_u64()), (Some(2), Some(8), Some(1)));
    assert_eq!((b["files"].as_u64(), b["bytes"].as_u64(), b["failed"].as_u64()), (Some(1), Some(5), Some(2)));
    assert_eq!((&a["complete"], &b["complete"]), (&Value::from(false), &Value::from(false)));
    assert_eq!((end(&lines)["files"].as_u64(), &end(&lines)["succeeded"]), (Some(3), &Value::from(false)));
    assert!(said.stderr.contains("safecp: target directory 'a': copied 2 files, 1 directory, 8 bytes in 0."), "{said}");
    assert!(said.stderr.contains("safecp: target directory 'b': copied 1 file, 5 bytes in 0."), "{said}");
    let missing = "cannot stat 'missing': No such file or directory\n";
    assert_eq!(said.stderr.matches(&format!("safecp: {missing}")).count(), 1, "as it happens: {said}");
    assert_eq!(said.stderr.matches(&format!("safecp:   {missing}")).count(), 2, "once more for each: {said}");
    if let Some(said) = validated(&world, "report") {
        assert_eq!((said.code(), said.stderr.as_str()), (Some(0), ""), "{said}");
    }
    let odd = OsStr::from_bytes(b"caf\xe9");
    fs::create_dir(world.path(odd)).expect("a directory");
    world.shell("$safecp --report=report -t a -t caf? src/y").succeeds();
    let lines = report(&world);
    let exact: Vec<&str> = lines.iter().filter_map(|line| line["target_directory_base64"].as_str()).collect();
    assert_eq!(exact, ["Y2Fm6Q==", "Y2Fm6Q=="], "by base64(1)");
    assert!(of(&lines, "target").iter().all(|line| line["complete"] == true), "{lines:?}");
}

/// Programs that stand in for others have the same report.
#[test]
fn install_and_mv_have_a_report() {
    let world = World::new();
    world.file("a", "one").file("b", "two").dir("d");
    says_first(
        &world.cp("--as=install -D --report=report --summary a new/deep/a"),
        "install: copied 1 file, 2 directories, 3 bytes in 0.",
    );
    let lines = report(&world);
    assert_eq!((of(&lines, "created").len(), of(&lines, "copied").len(), lines.len()), (2, 1, 4));
    world.cp("--as=install -d --report=report new/other").succeeds();
    assert_eq!((of(&report(&world), "created").len(), world.mode("report")), (1, 0o644), "it has no mode of install's");
    says_first(&world.cp("--as=mv --report=report --summary a b d"), "mv: copied 0 files, 0 bytes in 0.");
    let lines = report(&world);
    assert_eq!((of(&lines, "renamed").len(), end(&lines)["renamed"].as_u64()), (2, Some(2)));
    assert!(world.cp("--as=mv --report=- d/a c").stdout.ends_with("}\n"));
    for (words, made) in [("--as=install --su=.o -b c d", "d/c"), ("--as=mv --su=.o -b d/c d/b", "d/b.o")] {
        assert!(world.cp(words).succeeds().stderr.is_empty() && world.exists(made), "GNU's abbreviation of --suffix");
    }
    if let Some(said) = validated(&world, "report") {
        assert_eq!((said.code(), said.stderr.as_str()), (Some(0), ""), "{said}");
    }
    if let Some(other) = World::on("ext4").or_else(|| World::on("xfs")) {
        let target = other.dir("d").path("d");
        world.dir("t").file("t/x", "one").file("t/y", "two").symlink("x", "t/l");
        let target = target.to_str().expect("a name");
        says_first(
            &world.cp_args(["--as=mv", "--report=report", "--progress", "t", target]),
            "mv: copied 2 files, 1 directory, 1 symbolic link, 6 bytes in 0.",
        );
        let lines = report(&world);
        assert_eq!((of(&lines, "copied").len(), of(&lines, "source_removed").len()), (2, 4));
        assert!(!world.exists("t") && other.exists("d/t/x"));
    }
}

/// What is there, and nothing of what is right.
#[test]
fn checks_repairs_and_scans_have_a_report() {
    let world = World::new();
    let odd = Path::new("src").join(OsStr::from_bytes(b"caf\xe9"));
    world.dir("src").random("src/a", 70_000, 1).random("src/b", 3000, 2).file("src/gone", "12345").file(odd, "x");
    world.cp("-a --manifest=list src new").succeeds();
    world.rot("new/a", 5, b"!!");
    world.shell("rm new/gone new/caf?; mv new/b new/c").succeeds();
    let valid = |world: &World| {
        let said = validated(world, "report");
        said.iter().for_each(|said| assert_eq!((said.code(), said.stderr.as_str()), (Some(0), ""), "{said}"));
    };
    let said = world.cp("--check --summary --report=report list new");
    assert_eq!(said.code(), Some(1), "{said}");
    let lines = report(&world);
    let mut found: Vec<String> = of(&lines, "found").iter().map(|line| format!("{}", line["finding"])).collect();
    found.sort();
    assert_eq!(found, ["\"damaged\"", "\"missing\"", "\"missing\"", "\"moved\""]);
    let of_finding = |what: &str| lines.iter().find(|line| line["finding"] == what).expect("a line").clone();
    assert_eq!((of_finding("moved")["path"].as_str(), of_finding("moved")["to"].as_str()), (Some("b"), Some("c")));
    assert_eq!(lines.iter().filter(|line| line["path_base64"] == "Y2Fm6Q==").count(), 1);
    let numbers = end(&lines);
    let listed = world.read("list").lines().filter(|line| line.starts_with('.')).count() as u64;
    assert_eq!((numbers["examined"].as_u64(), numbers["succeeded"].as_bool()), (Some(listed), Some(false)));
    assert_eq!(numbers["found"], serde_json::json!({"damaged": 1, "missing": 2, "moved": 1}));
    assert!(said.stderr.contains("\nsafecp: found 1 damaged, 2 missing, 1 moved\n"), "{said}");
    assert!(said.stderr.contains(&format!("safecp: examined {listed} names, 140000 bytes (137 KiB) in ")), "{said}");
    valid(&world);
    let said = world.cp("--check --report=- list new");
    assert_eq!(self::lines(&said.stdout).len(), 5, "nothing else: {said}");

    world.cp("--repair --report=report list new --from=src").succeeds();
    let lines = report(&world);
    let mut hows: Vec<&str> = of(&lines, "mended").iter().filter_map(|line| line["how"].as_str()).collect();
    hows.sort_unstable();
    assert_eq!((hows.len(), end(&lines)["mended"].as_u64()), (3, Some(3)), "{lines:?}");
    valid(&world);

    world.file("new/photo.jpg", [0; 20_000]);
    assert_eq!(world.cp("--scan --report=report new").code(), Some(1));
    let lines = report(&world);
    assert_eq!((of(&lines, "found").len(), of(&lines, "found")[0]["path"].as_str()), (1, Some("new/photo.jpg")));
    assert_eq!(of(&lines, "found")[0]["zeros"], serde_json::json!({"start": 0, "end": 20_000}));
    assert_eq!(end(&lines)["examined"].as_u64(), Some(world.names("new").len() as u64));
    valid(&world);
}

/// A reader of the name finds a whole report or the old one, whoever has put something there.
#[test]
fn a_report_takes_its_name_when_it_is_whole() {
    let world = World::new();
    world.file("report", "old").dir("src").dir("dst").sparse("large", 8 << 30, &[]);
    for number in 0..400 {
        world.file(format!("src/{number}"), "x");
    }
    let mut copy = world.start("-r --jobs=1 --sparse=never --report=report src large dst");
    copy.wait_for_bytes_written(64 << 20);
    assert_eq!(world.read("report"), "old");
    copy.signal(Signal::KILL);
    copy.finish();
    assert_eq!(world.read("report"), "old");
    let left = world.names(".").into_iter().filter(|name| name.as_bytes().starts_with(b".safecp-report-"));
    let left: Vec<_> = left.collect();
    assert_eq!(left.len(), 1);
    let text = world.read(&left[0]);
    let whole = &text[..=text.rfind('\n').expect("a line")];
    assert!(of(&lines(whole), "copied").len() > 100 && of(&lines(whole), "end").is_empty());
}

#[test]
fn what_is_refused_leaves_the_old_report() {
    let world = World::new();
    world.file("report", "old").file("a", "1").dir("d");
    world.cp("--report=report -t d -t d a").fails_with(&["specified more than once"]);
    assert_eq!((world.read("report"), world.temporaries().len()), ("old".to_owned(), 0));
    world.chmod("report", 0o640).link("report", "other");
    world.cp("--report=report a d").succeeds();
    assert_eq!((world.mode("report"), world.read("other")), (0o640, "old".to_owned()));
}

/// A report takes the place of an old file in the end. That must be none that the run reads, or makes.
#[test]
fn a_report_takes_the_place_of_nothing_that_the_run_needs() {
    let world = World::new();
    world.dir("src").file("src/a", "1").file("src/b", "2").dir("dst").dir("one").dir("two");
    world.cp("-a --manifest=list src dst").succeeds();
    let (list, chunks) = (world.read("list"), world.read("list.chunks"));
    world.shell("ln -s list link; ln list hard").succeeds();
    for words in [
        "--check list dst --report=list",
        "--check list dst --report=./dst/../list",
        "--check list dst --report=link",
        "--check list dst --report=hard",
        "--check list dst --report=list.chunks",
        "--check list dst --report=list.incomplete",
        "--repair list dst --from=src --report=list",
        "-a --manifest=list --report=list src dst",
        "-a --manifest=list --report=list.chunks src dst",
        "-a --manifest=list --report=list -t one -t two src",
        "--manifest=list --report=list src",
        "-a --report=src/a src/a dst",
        "-a --manifest=src/a src/a dst",
        "-a --report=src/a -t one -t two src/a",
        "--as=mv --report=src/a src/a dst",
        "--scan --report=src/a src/a",
    ] {
        let run = world.cp(words);
        assert!(run.code() == Some(1) && run.stderr.contains(" would take the place of "), "{words}: {run}");
        let now = (world.read("list"), world.read("list.chunks"), world.read("src/a"));
        assert_eq!(now, (list.clone(), chunks.clone(), "1".to_owned()), "{words}");
        assert!(world.temporaries().is_empty() && !world.exists("list.incomplete"), "{words}");
    }
    assert!(world.names("one").is_empty() && world.names("two").is_empty());
    // A copy has got the name meanwhile.
    fs::remove_dir_all(world.path("dst")).expect("rm");
    world.dir("dst/src");
    for (words, name) in [("--report=dst/src/a", "the report"), ("--manifest=dst/src/b", "the list")] {
        // What was written of the report stays, and is seen.
        let run = world
            .shell(&format!("$safecp -a {words} src dst; status=$?; rm -f dst/src/.safecp-report-*; exit $status"));
        let said = format!("safecp: {name} does not take the name");
        assert!(run.code() == Some(1) && run.stderr.contains(&said), "{words}: {run}");
        assert!(world.same_bytes("src/a", "dst/src/a") && world.same_bytes("src/b", "dst/src/b"), "{words}");
        world.shell("rm -r dst && mkdir -p dst/src").succeeds();
    }
}

/// A list has no names of lists of that name in it, so that it may replace a copy of one. A report may not: that would not be what was
/// listed.
#[test]
fn a_backup_of_a_backup_has_a_list_and_a_report_of_its_own() {
    let world = World::new();
    world.dir("src").file("src/a", "1").random("src/b", 3_000_000, 1).dir("one").dir("two");
    world.cp("-a --manifest=one/list --report=one/report src one").succeeds();
    for _ in 0..2 {
        world.cp("-aT --manifest=two/list --report=report one two").succeeds();
        world.cp("--check --strict two/list two").succeeds();
        assert!(world.same_bytes("one/report", "two/report"));
    }
    world.file("one/report", "{}");
    let run = world.shell("$safecp -aT --report=two/report one two; status=$?; rm two/.safecp-report-*; exit $status");
    assert!(run.code() == Some(1) && run.stderr.contains("does not take the name"), "{run}");
    assert!(world.same_bytes("one/report", "two/report"));
}

/// While a run is on its way its report has another name. What is in that is in no tree.
#[test]
fn a_report_on_its_way_is_in_no_tree() {
    let world = World::new();
    world.dir("src").dir("dst").dir("one").dir("two");
    for number in 0..50 {
        world.file(format!("src/{number}"), "x");
    }
    let is_own = |name: &std::ffi::OsString| name.as_bytes().starts_with(b".safecp");
    world.cp("-a --report=src/report --manifest=list src dst").succeeds();
    world.cp("-a --report=src/report -t one -t two src").succeeds();
    for directory in ["dst/src", "one/src", "two/src"] {
        assert!(!world.names(directory).iter().any(is_own), "{directory}");
    }
    assert!(!world.read("list").contains(".safecp"));
    world.cp("--manifest=list --report=src/report src").succeeds();
    assert!(!world.read("list").contains(".safecp"));
    fs::remove_file(world.path("src/report")).expect("rm");
    world.cp("--manifest=list src").succeeds();
    // That it came and went its directory's time tells.
    let is_told = |words: &str| world.cp(words).stdout.lines().any(|line| !line.starts_with("attributes: '.'"));
    assert!(!is_told("--check --strict list src --report=src/new"));
    fs::remove_file(world.path("src/new")).expect("rm");
    fs::remove_dir_all(world.path("dst/src")).expect("rm");
    world.cp("-a src dst").succeeds();
    world.cp("--check src --against dst/src --report=dst/src/new").succeeds();
    fs::remove_file(world.path("dst/src/new")).expect("rm");
    world.cp("--check src --against dst/src --report=src/new").succeeds();
}

#[test]
fn a_report_is_written_to_nothing_of_somebody_else() {
    let Some(world) = World::as_root("links of other users") else { return };
    world.file("a", "1").file("secret", "secret").symlink("secret", "planted").fifo("fifo");
    world.tool("chown", ["-h", "1234", "planted", "fifo"]);
    let link = "safecp: cannot create regular file 'planted': it is a symbolic link of another user\n";
    world.cp("--report=planted a b").fails(link);
    world.cp("--report=fifo a b").fails("safecp: cannot create regular file 'fifo': No such device or address\n");
    assert_eq!((world.read("secret"), world.exists("b")), ("secret".to_owned(), false));
}

/// A fifo is waited for; what a shell has opened is written to, behind what is there.
#[test]
fn an_output_that_has_a_name_is_written_to() {
    let world = World::new();
    world.file("a", "1").fifo("fifo").file("log", "old\n");
    let copy = world.start("--report=fifo a b");
    assert_eq!(lines(&world.tool("cat", ["fifo"])).len(), 2);
    assert_eq!(copy.finish().code(), Some(0));
    let said = world.shell("$safecp --report=/dev/stdout a b | cat; $safecp --report=/dev/fd/5 a b 5>>log; cat log");
    let text = said.succeeds().stdout.replace("old\n", "");
    assert_eq!((lines(&text).len(), text.matches("\"end\"").count()), (4, 2), "{said}");
    assert!(said.stdout.contains("old\n"), "{said}");
    world.symlink("log", "link").cp("--report=link a b").succeeds();
    assert_eq!((lines(&world.read("log")).len(), world.link_text("link").as_str()), (2, "log"));
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
