//! What README.md says can be done: its commands are run here, word for word, and their output is what it shows.
//!
//! On a fresh system, with the lines that install, tests/readme/run does the same.

mod common;

use common::World;
use common::asked::{program, project};
use std::collections::BTreeSet;
use std::fs;

/// Options that other programs have: cargo, and scripts of ours.
const OF_OTHERS: [&str; 5] = ["--locked", "--path", "--release", "--quick", "--full"];

fn readme() -> String {
    fs::read_to_string(project("README.md")).expect("README.md")
}

/// The lines of code of a section.
fn code(section: &str) -> Vec<String> {
    let text = readme();
    let heading = format!("## {section}\n");
    let (_, rest) = text.split_once(&heading).unwrap_or_else(|| panic!("no section {section}"));
    let rest = rest.split("\n## ").next().unwrap_or_default();
    rest.lines().filter_map(|line| line.strip_prefix("    ").map(str::to_owned)).collect()
}

/// Each command of the section, and what it is to say.
fn commands() -> Vec<(String, String)> {
    let mut commands: Vec<(String, String)> = Vec::new();
    for line in code("Use") {
        match (line.strip_prefix("$ "), commands.last_mut()) {
            (Some(command), _) => commands.push((command.to_owned(), String::new())),
            (None, Some((_, said))) => *said += &format!("{line}\n"),
            (None, None) => panic!("{line}: the output of nothing"),
        }
    }
    commands
}

#[test]
fn its_commands_say_what_it_shows() {
    let world = World::new();
    // As many names and bytes as its list has.
    world.dir("SRC/directory").random("SRC/directory/large", 3_145_734, 1);
    world.file("SRC/one", "").file("SRC/two", "").file("SRC/three", "").dir("bin");
    world
        .file("bin/make", "#!/bin/sh\n[ \"$*\" = install ] && grep -q 'Seccomp:.*2' /proc/self/status\n")
        .chmod("bin/make", 0o755);
    std::os::unix::fs::symlink(program(), world.path("bin/safecp")).expect("a link");
    let commands = commands();
    assert_eq!(commands.len(), 3);
    for (command, said) in commands {
        let output = world.shell(&format!("PATH=$PWD/bin:$PATH; {command}"));
        assert_eq!((output.code(), output.stdout.as_str()), (Some(0), said.as_str()), "{command}: {output}");
    }
}

#[test]
fn its_lines_that_install_are_those_of_cargo_and_the_makefile() {
    let lines = code("Install");
    assert_eq!(lines.len(), 3, "{lines:?}");
    let make = lines.iter().find_map(|line| line.strip_prefix("sudo make ")).expect("a line for make");
    let words: Vec<&str> = make.split(' ').collect();
    let mut arguments = vec!["-n", "-C"];
    let here = project(".").display().to_string();
    arguments.push(&here);
    arguments.extend(words);
    let said = World::new().tool("make", arguments);
    assert!(said.contains(" /usr/local/bin/safecp"), "{said}");
    for line in lines.iter().filter(|line| line.starts_with("cargo ")) {
        // Options that cargo does not know end it with a usage.
        let known = World::new().tool("cargo", [line.split(' ').nth(1).expect("a command"), "--help"]);
        for option in line.split(' ').filter(|word| word.starts_with("--")) {
            assert!(known.contains(option), "{line}");
        }
    }
}

/// Long options in a text.
fn options(text: &str) -> BTreeSet<String> {
    let is_part = |sign: char| sign.is_ascii_lowercase() || sign.is_ascii_digit() || sign == '-';
    let starts = text
        .match_indices("--")
        .filter(|(at, _)| !text[..*at].ends_with(|sign: char| sign == '-' || sign.is_alphanumeric()));
    let word = |(at, _): (usize, &str)| text[at..].chars().take_while(|sign| is_part(*sign)).collect::<String>();
    starts.map(word).filter(|word| word.len() > 3 && !word.starts_with("---")).collect()
}

#[test]
fn every_option_that_it_names_is_there() {
    let mut known = BTreeSet::new();
    for words in [
        "",
        "--as=install",
        "--as=mv",
        "--as=scp",
        "--check",
        "--repair",
        "--guard",
        "--doctor",
        "--scan",
        "--shard=1/2",
    ] {
        let output = World::new().cp(&format!("{words} --help"));
        known.extend(options(&output.stdout));
    }
    assert!(known.len() > 40, "{known:?}");
    let named: Vec<String> =
        options(&readme()).into_iter().filter(|option| !OF_OTHERS.contains(&option.as_str())).collect();
    let missing: Vec<&String> = named.iter().filter(|option| !known.contains(*option)).collect();
    assert!(named.len() > 15 && missing.is_empty(), "{missing:?} of {named:?}");
}

#[test]
fn it_fits_on_a_few_screens() {
    assert!(readme().lines().count() <= 120);
}
