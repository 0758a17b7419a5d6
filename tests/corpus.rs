//! The fuzz targets without a fuzzer: the corpus that is checked in (fuzz/corpus), and chance.
//!
//! SAFECP_FUZZ_SEED (a number) says which chance, SAFECP_FUZZ_INPUTS how much of it.

#[path = "../fuzz/bodies/mod.rs"]
mod bodies;
mod common;
#[path = "sim/random.rs"]
#[allow(dead_code, unreachable_pub, reason = "the simulator's; this program uses a part")]
mod random;

use common::asked::{fresh_seed, number, project};
use random::Random;
use safecp::quote::quoted;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::process::Command;

/// Inputs by chance for each target.
const INPUTS: u64 = 2000;

/// Every file of the target's corpus, then chance.
fn check(target: &str, body: fn(&[u8])) {
    let corpus = project("fuzz/corpus").join(target);
    let files = std::fs::read_dir(&corpus).unwrap_or_else(|error| panic!("{}: {error}", corpus.display()));
    let mut count = 0;
    for file in files {
        let path = file.expect("an entry").path();
        println!("{}", path.display());
        body(&std::fs::read(&path).expect("a file of the corpus"));
        count += 1;
    }
    assert!(count > 0, "{target} has no corpus");
    let seed = number("SAFECP_FUZZ_SEED").unwrap_or_else(fresh_seed);
    println!("{target}: {count} files; then SAFECP_FUZZ_SEED={seed}");
    let mut random = Random::new(seed);
    for _ in 0..number("SAFECP_FUZZ_INPUTS").unwrap_or(INPUTS) {
        body(&chance(&mut random));
    }
}

/// Some bytes: any, or of a few kinds, so that the same ones meet.
fn chance(random: &mut Random) -> Vec<u8> {
    const COMMON: &[u8] = b"'\"$\\ \n\0-=.,09az~#\xff\xc3\xa9\x01";
    let mut bytes = vec![0; random.index(200)];
    let is_common = random.once_in(2);
    bytes.iter_mut().for_each(|byte| *byte = if is_common { random.pick(COMMON) } else { random.next() as u8 });
    bytes
}

#[test]
fn ranges_are_sets_of_numbers() {
    check("extent", bodies::extent::check);
}

#[test]
fn what_an_sftp_server_sends_is_read_or_refused() {
    check("sftp", bodies::sftp::check);
}

#[test]
fn a_map_of_anything_covers_the_file_or_is_nonsense() {
    check("map", bodies::map::check);
}

#[test]
fn any_command_line_is_read_or_refused() {
    check("cli", bodies::cli::check);
}

#[test]
fn a_version_that_says_nothing_is_not_trusted() {
    check("version", bodies::version::check);
}

#[test]
fn any_list_is_read_or_refused_and_ours_come_back() {
    check("lists", bodies::lists::check);
}

#[test]
fn what_a_peer_says_is_read_or_refused() {
    check("message", bodies::message::check);
}

#[test]
fn any_content_is_judged() {
    check("scan", bodies::scan::check);
}

#[test]
fn quoted_names_are_names() {
    check("quote", bodies::quote::check);
}

/// The reader of quotes that the target has is our own; here bash says whether it is right.
#[test]
fn bash_reads_quoted_names_back() {
    if !common::has_tool("bash") {
        return;
    }
    let mut random = Random::new(fresh_seed());
    let names: Vec<Vec<u8>> =
        (0..300).map(|_| chance(&mut random).into_iter().filter(|byte| *byte != 0).collect()).collect();
    let words: Vec<String> = names.iter().map(|name| quoted(Path::new(OsStr::from_bytes(name)))).collect();
    let script = format!("printf '%s\\0' {}", words.join(" "));
    let output = Command::new("bash").args(["-c", &script]).env("LC_ALL", "C.UTF-8").output().expect("bash");
    let read: Vec<&[u8]> = output.stdout.split(|byte| *byte == 0).collect();
    for (name, read) in names.iter().zip(read) {
        assert_eq!(OsStr::from_bytes(name), OsStr::from_bytes(read));
    }
}
