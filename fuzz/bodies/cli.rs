//! Any command line in any environment: options or an error, the same ones again, and nothing that contradicts itself.

use super::input::Input;
use safecp::cli::{Invocation, read};
use safecp::host::{CalledAs, Environment};
use safecp::options::{Backup, Options, Reflink, Sparse, Verify};
use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};

/// Words that bytes alone would take long to find.
const WORDS: [&str; 84] = [
    "a",
    "b",
    "dir/",
    "",
    "-",
    "--",
    "-a",
    "-b",
    "-d",
    "-f",
    "-i",
    "-H",
    "-l",
    "-L",
    "-n",
    "-P",
    "-p",
    "-R",
    "-r",
    "-s",
    "-S",
    "-S.old",
    "-t",
    "-tdir",
    "-T",
    "-u",
    "-v",
    "-x",
    "-Z",
    "-rlP",
    "-abi",
    "-tT",
    "--archive",
    "--attributes-only",
    "--backup",
    "--backup=",
    "--backup=numb",
    "--backup=none",
    "--backup=x",
    "--copy-contents",
    "--debug",
    "--force",
    "--interactive",
    "--keep-directory-symlink",
    "--link",
    "--dereference",
    "--no-clobber",
    "--no-dereference",
    "--preserve",
    "--preserve=mode,links",
    "--preserve=all,",
    "--preserve=context",
    "--no-preserve",
    "--no-preserve=all",
    "--parents",
    "--recursive",
    "--reflink",
    "--reflink=never",
    "--reflink=always",
    "--refl=au",
    "--remove-destination",
    "--sparse",
    "--sparse=always",
    "--sparse=ne",
    "--strip-trailing-slashes",
    "--symbolic-link",
    "--suffix=~",
    "--suffix=a/b",
    "--target-directory=d",
    "--no-target-directory",
    "--update",
    "--update=none-fail",
    "--verbose",
    "--one-file-system",
    "--context",
    "--context=c",
    "--verify=device",
    "--verify=none",
    "--verify",
    "--in-place",
    "--durable",
    "--require-stable",
    "--jobs=2",
    "--jobs=0",
];

pub(crate) fn check(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    let environment = environment(&mut input);
    let mut words = Vec::new();
    while !input.is_empty() && words.len() < 40 {
        words.push(word(&mut input));
    }
    let once = outcome(&words, &environment);
    assert_eq!(said(&once), said(&outcome(&words, &environment)), "{words:?} is read in two ways");
    let Ok(Invocation::Copy { options, operands, .. }) = once else { return };
    assert!(!operands.sources.is_empty(), "{words:?} has no source");
    contradicts_nothing(&options);
    let mut louder = words;
    louder.insert(0, OsString::from("--verbose"));
    let Ok(Invocation::Copy { operands: same, .. }) = outcome(&louder, &environment) else {
        panic!("{louder:?} is wrong")
    };
    assert_eq!(format!("{same:?}"), format!("{operands:?}"));
}

fn environment(input: &mut Input<'_>) -> Environment {
    let bits = input.byte();
    let is = |bit: u8| bits & (1 << bit) != 0;
    let mut variable = |bit: u8| is(bit).then(|| OsString::from_vec(input.until(0).to_vec()));
    let called_as = if is(0) { CalledAs::Cp } else { CalledAs::Safecp };
    Environment {
        called_as,
        program: if is(0) { "cp" } else { "safecp" },
        called: if is(0) { "/bin/cp" } else { "safecp" }.to_owned(),
        posixly_correct: is(1),
        version_control: variable(2),
        backup_suffix: variable(3),
        is_utf8: is(4),
        context_attribute: is(5).then_some("security.selinux"),
    }
}

/// One of the words, or any bytes up to a zero, as in the system's own list of arguments.
fn word(input: &mut Input<'_>) -> OsString {
    match usize::from(input.byte()) {
        known if known < WORDS.len() => OsString::from(WORDS[known]),
        known if known < 2 * WORDS.len() => {
            OsString::from_vec([WORDS[known - WORDS.len()].as_bytes(), input.until(0)].concat())
        }
        _ => OsString::from_vec(input.until(0).to_vec()),
    }
}

fn outcome(words: &[OsString], environment: &Environment) -> Result<Invocation, String> {
    let all = std::iter::once(OsString::from("safecp")).chain(words.iter().cloned());
    read(all, environment).map_err(|error| format!("{error:#}"))
}

fn said(outcome: &Result<Invocation, String>) -> String {
    format!("{outcome:?}")
}

fn contradicts_nothing(options: &Options) {
    assert!(options.reflink != Reflink::Always || options.sparse == Sparse::Auto, "clones have the source's holes");
    assert!(options.verify != Verify::Device || options.durable, "what is read from the device is on it");
    assert!(options.backup == Backup::No || options.may_replace(), "a backup of what stays");
    let suffix = options.backup_suffix.as_bytes();
    assert!(!suffix.is_empty() && !suffix.contains(&b'/'), "a backup's name leads nowhere else");
}
