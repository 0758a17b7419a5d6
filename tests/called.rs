//! What safecp is by the name that it is called, or by `--as`.

mod common;

use common::World;

/// Runs the program under another name in a world with a file `a`.
fn called(world: &World, name: &str, words: &str) -> common::Output {
    world.shell(&format!("mkdir -p bin; ln -sf \"$safecp\" bin/{name}; PATH=$PWD/bin:$PATH; {name} {words}"))
}

#[test]
fn a_link_that_is_called_cp_is_cp() {
    let world = World::new();
    world.file("a", "one");
    called(&world, "cp", "a b").succeeds();
    assert_eq!(world.read("b"), "one");
    let said = called(&world, "cp", "--guard true");
    said.fails("cp: unrecognized option '--guard'\nTry 'cp --help' for more information.\n");
}

#[test]
fn a_link_that_is_called_as_another_program_copies_nothing() {
    let world = World::new();
    world.file("a", "one");
    for name in ["ln", "rsync", "mycp"] {
        let said = called(&world, name, "a b");
        let words =
            format!("safecp: '{name}' is none of the programs that safecp stands in for: cp, install, mv and scp\n");
        said.fails(&words);
        assert!(!world.exists("b"), "{name} copied");
    }
}

#[test]
fn its_own_name_may_have_a_release_behind_it() {
    let world = World::new();
    world.file("a", "one");
    called(&world, "safecp-0.1", "a b").succeeds();
    assert_eq!(world.read("b"), "one");
}

#[test]
fn as_cp_it_is_cp() {
    let world = World::new();
    world.file("a", "one");
    world.cp("--as=cp a b").succeeds();
    assert_eq!(world.read("b"), "one");
    let said = world.cp("--as=cp a");
    let words = "cp: missing destination file operand after 'a'\nTry 'safecp --as=cp --help' for more information.\n";
    said.fails(words);
    let said = world.cp("--as=cp missing c");
    assert_eq!(said.stderr, "cp: cannot stat 'missing': No such file or directory\n");
}

/// The words are getopt's; options that GNU's program has not are none of the possibilities.
#[test]
fn wrong_options_are_told_as_they_were_typed() {
    let world = World::new();
    world.file("a", "one");
    let first = |words: &str| world.cp(words).stderr.lines().next().unwrap_or_default().to_owned();
    for name in ["mv", "install"] {
        let said = first(&format!("--as={name} --su=.x --foo=bar a b"));
        assert_eq!(said, format!("safecp --as={name}: unrecognized option '--foo=bar'"));
    }
    let said = first("--as=mv --s=.x a b");
    let possible = "'--strip-trailing-slashes' '--suffix'";
    assert_eq!(said, format!("safecp --as=mv: option '--s=.x' is ambiguous; possibilities: {possible}"));
    let said = first("--as=cp --s=.x a b");
    let possible = "'--sparse' '--strip-trailing-slashes' '--suffix' '--symbolic-link'";
    assert_eq!(said, format!("safecp --as=cp: option '--s=.x' is ambiguous; possibilities: {possible}"));
}

/// No line ends before the next word would be too long for it.
#[test]
fn help_is_folded_by_paragraphs() {
    if !common::has_tool("script") {
        return;
    }
    for line in ["--help", "--as=install --help", "--as=mv --help", "--as=scp --help", "--doctor --help"] {
        let help = World::new().shell(&format!("script -qec \"stty rows 24 cols 40; $safecp {line}\" /dev/null"));
        let text = help.stdout.replace('\r', "");
        let is_prose =
            |paragraph: &&str| !paragraph.starts_with(' ') && !paragraph.contains(':') && !paragraph.contains("\n  ");
        let paragraphs: Vec<&str> = text.trim_end().split("\n\n").filter(is_prose).collect();
        assert!(!paragraphs.is_empty(), "{line}: {text}");
        for lines in paragraphs.iter().map(|paragraph| paragraph.lines().collect::<Vec<_>>()) {
            for pair in lines.windows(2) {
                let word = pair[1].split(' ').next().unwrap_or_default();
                assert!(pair[0].len() <= 40 && pair[0].len() + 1 + word.len() > 40, "{line}: {pair:?}");
            }
        }
    }
}

#[test]
fn as_nothing_that_it_can_be_it_copies_nothing() {
    let world = World::new();
    world.file("a", "one");
    for name in ["ln", ""] {
        let said = world.cp_args([&format!("--as={name}"), "a", "b"]);
        let words =
            format!("safecp: '{name}' is none of the programs that safecp stands in for: cp, install, mv and scp\n");
        said.fails(&words);
    }
    let said = world.cp("a b --as=cp");
    assert!(said.stderr.starts_with("safecp: --as must be the first argument\n"), "{said}");
    assert!(!world.exists("b"));
}

/// Called safecp, for cp's own words stay cp's.
#[test]
fn a_name_that_scp_would_take_for_another_machines_is_told() {
    let world = World::new();
    let hint = "is taken for a name on this machine; to copy to or from another, use --as=scp\n";
    world.file("a", "1").cp("a backup:a").succeeds_saying(&format!("safecp: warning: 'backup:a' {hint}"));
    assert_eq!(world.read("backup:a"), "1");
    // It is there now.
    world.cp("backup:a b").succeeds();
    let missing = world.cp("user@host:none c");
    missing.fails(&format!(
        "safecp: warning: 'user@host:none' {hint}safecp: cannot stat 'user@host:none': No such file or directory\n"
    ));
    world.cp("--as=cp a ./x:y").succeeds();
    world.cp("--as=cp a x:z").succeeds();
}
