//! The man page and the completions are what the definition of the command line makes of them, and what is checked in.
//!
//! SAFECP_GENERATE=1 cargo test --test generated    writes them anew

mod common;

#[path = "generated/bash.rs"]
mod bash;
#[path = "generated/fish.rs"]
mod fish;
#[path = "generated/personality.rs"]
mod personality;
#[path = "generated/zsh.rs"]
mod zsh;

use clap::Command;
use common::{asked::project, has_tool};
use std::fs;

fn command() -> Command {
    let mut command = safecp::cli::command("safecp").bin_name("safecp");
    command.build();
    command
}

/// Writes the file if that is asked for; else it must be there, and the same.
#[track_caller]
fn check(name: &str, generated: &str) {
    let path = project(name);
    if std::env::var_os("SAFECP_GENERATE").is_some() {
        fs::write(&path, generated).expect("a written file");
    }
    let there = fs::read_to_string(&path).unwrap_or_default();
    assert!(there == generated, "{name} is stale: SAFECP_GENERATE=1 cargo test --test generated");
}

/// The section of the options, by clap_mangen.
fn options(command: Command) -> String {
    // The page has one list; help has a list for each kind.
    let command = command.mut_args(|argument| argument.help_heading(None::<&'static str>));
    let mut roff = Vec::new();
    clap_mangen::Man::new(command).render_options_section(&mut roff).expect("a rendered section");
    let roff = String::from_utf8(roff).expect("roff is text");
    // The page has its own preamble.
    let start = roff.find(OPTIONS).expect("a section of options");
    // Nor has it clap_mangen's string for an apostrophe.
    roff[start..].trim_end().replace("\\*(Aq", "\\(aq")
}

const OPTIONS: &str = ".SH OPTIONS\n";

/// The options of a mode, for a section that is there.
fn options_of_mode(command: Command) -> String {
    options(command)[OPTIONS.len()..].to_owned()
}

fn page() -> String {
    let template = fs::read_to_string(project("man/safecp.1.in")).expect("the page's template");
    template
        .replace("@OPTIONS@", &options(command()))
        .replace("@CHECK@", &options_of_mode(safecp::cli::check_command("safecp")))
        .replace("@REPAIR@", &options_of_mode(safecp::cli::repair_command("safecp")))
        .replace("@SERVER@", &options_of_mode(safecp::cli::server_command("safecp")))
        .replace("@SCAN@", &options_of_mode(safecp::cli::scan_command("safecp")))
        .replace("@FINISH@", &options_of_mode(safecp::cli::finish_command("safecp")))
        .replace("@STATUS@", &options_of_mode(safecp::cli::status_command("safecp")))
        .replace("@GUARD@", &options_of_mode(safecp::cli::guard_command("safecp")))
        .replace("@DOCTOR@", &options_of_mode(safecp::cli::doctor_command("safecp")))
        .replace("@VERSION@", env!("CARGO_PKG_VERSION"))
}

#[test]
fn the_man_page_is_fresh() {
    check("man/safecp.1", &page());
}

/// The pages of the programs that it stands in for, which have names of their own.
fn pages_of_stand_ins() -> Vec<(&'static str, String, Command)> {
    let page = |name: &'static str, command: fn(&str) -> Command| {
        let mut command = command(&format!("safecp --as={}", name.trim_start_matches("safecp-")));
        command.build();
        let template = fs::read_to_string(project(&format!("man/{name}.1.in"))).expect("the page's template");
        let page = template.replace("@OPTIONS@", &options(command.clone()));
        (name, page.replace("@VERSION@", env!("CARGO_PKG_VERSION")), command)
    };
    vec![
        page("safecp-install", safecp::cli::install_command),
        page("safecp-mv", safecp::cli::mv_command),
        page("safecp-scp", safecp::cli::scp_command),
    ]
}

#[test]
fn the_man_pages_of_stand_ins_are_fresh_and_have_every_option() {
    for (name, page, command) in pages_of_stand_ins() {
        check(&format!("man/{name}.1"), &page);
        has_every_option(&page, &command);
    }
}

#[test]
fn the_man_page_has_every_option() {
    has_every_option(&page(), &command());
}

fn has_every_option(page: &str, command: &Command) {
    let page = page.replace('\\', "");
    for argument in command.get_arguments().filter(|argument| !argument.is_hide_set()) {
        let names = argument.get_short().map(|short| format!("-{short}")).into_iter();
        for name in names.chain(argument.get_long().map(|long| format!("--{long}"))) {
            assert!(page.contains(&name), "{name} is not in the man page");
        }
    }
}

#[test]
fn the_man_page_and_the_completions_have_the_options_of_the_modes() {
    let page = page().replace('\\', "");
    let completion = fs::read_to_string(project("completions/safecp.bash")).expect("a completion");
    for option in ["--guard", "--allow", "--all-sums", "--doctor", "--report", "--try"] {
        assert!(page.contains(option) && completion.contains(option), "{option}");
    }
    assert!(!page.contains("--copier") && !completion.contains("--copier"), "the trial's own use");
}

#[test]
fn completions_are_fresh() {
    let personalities = personality::all();
    check("completions/safecp.bash", &bash::script(&personalities));
    check("completions/_safecp", &zsh::script(&personalities));
    check("completions/safecp.fish", &fish::script(&personalities));
}

/// Whoever adds a first argument adds its command line to the completions.
#[test]
fn completions_know_every_first_argument() {
    let known: Vec<String> = personality::all().into_iter().filter_map(|personality| personality.first).collect();
    let command = command();
    let first = command.get_arguments().filter(|argument| argument.get_help_heading() == Some("First arguments"));
    let mut count = 0;
    for argument in first {
        let word = format!("--{}", argument.get_long().expect("a word"));
        assert!(known.iter().any(|known| known.split('=').next() == Some(&word)), "{word}");
        count += 1;
    }
    assert!(count >= 5, "{count}");
}

#[test]
fn the_man_pages_render_without_warnings() {
    if !has_tool("man") {
        return;
    }
    let stand_ins = pages_of_stand_ins().into_iter().map(|(name, ..)| (format!("man/{name}.1"), "EXIT STATUS"));
    for (name, heading) in stand_ins.chain([("man/safecp.1".to_owned(), "THE PROMISE")]) {
        let mut man = std::process::Command::new("man");
        man.args(["--warnings", "--local-file"]).arg(project(&name)).env("LC_ALL", "C.UTF-8").env("MANWIDTH", "80");
        let rendered = man.output().expect("man runs");
        assert_eq!(String::from_utf8_lossy(&rendered.stderr), "", "{name}");
        assert!(String::from_utf8_lossy(&rendered.stdout).contains(heading), "{name}");
    }
}
