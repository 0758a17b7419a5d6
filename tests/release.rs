//! What a release says of itself: the licences of what is linked into it, and what `make install` puts where.

mod common;

use common::World;
use common::asked::project;
use std::collections::BTreeMap;
use std::process::Command;

/// Licences that allow what MIT OR Apache-2.0 allows, alone or as a choice.
const ALLOWED: [&str; 7] =
    ["BSL-1.0", "MIT", "Apache-2.0", "Apache-2.0 WITH LLVM-exception", "BSD-3-Clause", "Unicode-3.0", "Zlib"];

fn metadata() -> serde_json::Value {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["metadata", "--format-version=1", "--offline", "--locked", "--filter-platform=x86_64-unknown-linux-gnu"])
        .current_dir(project("."))
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("JSON")
}

/// The crates that are linked into the program: dependencies of dependencies, but those for tests and builds.
fn linked(metadata: &serde_json::Value) -> Vec<String> {
    let nodes = metadata["resolve"]["nodes"].as_array().expect("nodes");
    let nodes: BTreeMap<&str, &serde_json::Value> =
        nodes.iter().map(|node| (node["id"].as_str().expect("an id"), node)).collect();
    let root = metadata["resolve"]["root"].as_str().expect("a root");
    let (mut linked, mut open) = (Vec::new(), vec![root]);
    while let Some(id) = open.pop() {
        if linked.contains(&id.to_owned()) {
            continue;
        }
        linked.push(id.to_owned());
        for dependency in nodes[id]["deps"].as_array().expect("dependencies") {
            let is_linked = |kind: &serde_json::Value| kind["kind"].is_null();
            if dependency["dep_kinds"].as_array().expect("kinds").iter().any(is_linked) {
                open.push(dependency["pkg"].as_str().expect("an id"));
            }
        }
    }
    linked
}

#[test]
fn everything_linked_may_be_linked() {
    let metadata = metadata();
    let packages = metadata["packages"].as_array().expect("packages");
    let linked = linked(&metadata);
    assert!(linked.len() > 10, "{linked:?}");
    for package in packages.iter().filter(|package| linked.iter().any(|id| package["id"] == **id)) {
        let licence = package["license"].as_str().unwrap_or_default().replace('/', " OR ");
        // Each side of an AND has a choice that is allowed.
        let is_allowed = |choice: &str| ALLOWED.contains(&choice.trim().trim_matches(['(', ')']));
        let sound = licence.split(" AND ").all(|part| part.split(" OR ").any(is_allowed));
        assert!(sound, "{} is under '{licence}'", package["name"]);
    }
    let ours = packages.iter().find(|package| package["name"] == "safecp").expect("this package");
    assert_eq!(ours["license"], "MIT OR Apache-2.0");
    let said = std::fs::read_to_string(project("LICENSE")).expect("a licence");
    assert!(said.contains("SPDX-License-Identifier: MIT OR Apache-2.0"));
    let changes = std::fs::read_to_string(project("CHANGELOG.md")).expect("changes");
    assert!(changes.contains(&format!("## {}", ours["version"].as_str().expect("a version"))));
}

#[test]
fn make_installs_and_uninstalls() {
    if !common::has_tool("make") {
        return;
    }
    let world = World::new();
    let make = |goal: &str| {
        let place = format!("DESTDIR={}", world.path("root").display());
        let project = project(".");
        // What the tests have built is what is installed.
        let words =
            ["-C", project.to_str().expect("a name"), "-o", "target/release/safecp", goal, "PREFIX=/usr", &place];
        world.tool("make", words);
    };
    let built = project("target/release/safecp");
    if !built.exists() {
        return common::left_out("needs the program of a release build");
    }
    make("install");
    let files = [
        "bin/safecp",
        "share/man/man1/safecp.1",
        "share/bash-completion/completions/safecp",
        "share/zsh/site-functions/_safecp",
    ];
    files.iter().for_each(|file| assert!(world.exists(format!("root/usr/{file}")), "{file}"));
    assert_eq!(world.mode("root/usr/bin/safecp") & 0o777, 0o755);
    assert_eq!(world.tool("find", ["root", "-name", "cp"]), "", "nothing takes the place of another program");
    make("uninstall");
    assert_eq!(world.tool("find", ["root", "-type", "f"]), "");
}

/// What a package manager or a build left in the checkout is committed by one careless `git add`.
#[test]
fn nothing_but_text_and_fuzz_inputs_is_committed() {
    let listed = Command::new("git").args(["ls-files", "-z"]).current_dir(project(".")).output();
    let Some(listed) = listed.ok().filter(|listed| listed.status.success()) else {
        return common::left_out("this is no checkout");
    };
    let names = String::from_utf8(listed.stdout).expect("names of this project");
    let mut looked_at = 0;
    for name in names.split_terminator('\0').filter(|name| !name.starts_with("fuzz/corpus/")) {
        let path = project(name);
        if path.is_symlink() || !path.exists() {
            continue;
        }
        let content = std::fs::read(&path).expect("a file of this project");
        assert!(!content.contains(&0) && std::str::from_utf8(&content).is_ok(), "{name} is no text");
        looked_at += 1;
    }
    assert!(looked_at > 500, "only {looked_at} files");
}

/// A terminal of 40 columns breaks no word of the help: only one that is longer than a line stands alone.
#[test]
fn help_fits_a_narrow_terminal() {
    for words in
        ["--help", "--as=install --help", "--as=mv --help", "--as=scp --help", "--guard --help", "--doctor --help"]
    {
        let world = World::new();
        let output = world.shell(&format!("script -qec \"stty rows 24 cols 40; $safecp {words}\" /dev/null"));
        assert!(output.stdout.contains("Usage: safecp"), "{output}");
        let is_long = |line: &&str| line.chars().count() > 40 && line.split_whitespace().count() > 1;
        assert_eq!(output.stdout.lines().map(str::trim_end).find(is_long), None, "{words}");
    }
}
