//! What was typed: the definition of the command line, and its reading into options and operands.
//!
//! [`command`] is the one source of help, man page and completions. Options of cp are read in the
//! order they were typed, since later ones take back what earlier ones said.

mod doctor;
mod guard;
mod read;
mod wrong;

pub use doctor::doctor_command;
pub use guard::guard_command;
pub use read::{Typed, read};
pub use wrong::Usage;

use clap::{Arg, ArgAction, Command, ValueHint};

const ABOUT: &str = "Copy files and directories, read every copy back, and say success only if it is the same";

const AFTER_HELP: &str = "\
CONTROL is none or off (no backups, even if --backup is given), numbered or t, existing or nil
(numbered if numbered backups exist, simple otherwise; the default), simple or never. The
suffix of simple backups is '~', unless set with --suffix or SIMPLE_BACKUP_SUFFIX; CONTROL
may be set with VERSION_CONTROL as well.

ATTR_LIST is a comma-separated list of attributes: mode (permission bits and access
control lists), ownership, timestamps, links, context, xattr, all.

By default holes are made in the target where the source seems to have them
(--sparse=auto), blocks are shared with the source where the filesystem can and its word
is good (--reflink=auto), and what was written is read back through the page cache and
compared with what was read (--verify=content). --verify=device reads it back from the
device and fails where it cannot prove that it did; it implies --durable.

Exit status: 0 if everything was copied and verified, 1 otherwise; a run that a signal
ended dies of that signal.";

/// The command line of a program that is called `name`.
#[must_use]
pub fn command(name: &str) -> Command {
    define([cp_usage(name), guard::usage(name), doctor::usage(name)].join("\n       "), modes())
}

/// The same where it is called cp: then it is cp, and nothing else.
#[must_use]
pub fn cp_command(name: &str) -> Command {
    define(cp_usage(name), Vec::new())
}

fn cp_usage(name: &str) -> String {
    format!(
        "{name} [OPTION]... [-T] SOURCE DEST\n       {name} [OPTION]... SOURCE... DIRECTORY\n       {name} [OPTION]... -t DIRECTORY SOURCE..."
    )
}

fn define(usage: String, modes: Vec<Arg>) -> Command {
    line("safecp", ABOUT, usage, AFTER_HELP)
        .version(env!("CARGO_PKG_VERSION"))
        .arg(
            Arg::new("operands")
                .num_args(0..)
                .value_name("SOURCE... DEST")
                .value_hint(ValueHint::AnyPath)
                .value_parser(clap::value_parser!(std::ffi::OsString))
                .hide(true),
        )
        .args(cp_arguments())
        .args(own_arguments())
        .args(modes)
        .arg(help())
        .arg(flag("version", None, "print the version"))
}

/// What every command line of ours has: options are abbreviated, and said again, as getopt has it.
fn line(name: &'static str, about: &'static str, usage: String, after_help: &'static str) -> Command {
    Command::new(name)
        .about(about)
        .override_usage(usage)
        .after_help(after_help)
        .infer_long_args(true)
        .args_override_self(true)
        .disable_help_flag(true)
        .disable_version_flag(true)
}

/// What [`read::by`] answers.
fn help() -> Arg {
    flag("help", None, "print this help")
}

fn flag(name: &'static str, short: Option<char>, help: &'static str) -> Arg {
    let arg = Arg::new(name).long(name).action(ArgAction::SetTrue).help(help);
    match short {
        Some(short) => arg.short(short),
        None => arg,
    }
}

/// An option with a value that may be left out: then it is `default`.
fn optional(name: &'static str, value: &'static str, default: &'static str, help: &'static str) -> Arg {
    Arg::new(name)
        .long(name)
        .value_name(value)
        .num_args(0..=1)
        .require_equals(true)
        .default_missing_value(default)
        .action(ArgAction::Append)
        .help(help)
}

fn valued(name: &'static str, value: &'static str, help: &'static str) -> Arg {
    Arg::new(name).long(name).value_name(value).action(ArgAction::Append).allow_hyphen_values(true).help(help)
}

/// cp's options, with GNU's meaning.
fn cp_arguments() -> Vec<Arg> {
    vec![
        flag("archive", Some('a'), "recursively, keeping links as links and every attribute: -dR --preserve=all"),
        flag("attributes-only", None, "carry attributes over and leave content alone"),
        optional("backup", "CONTROL", "", "let an existing target keep a name of its own"),
        Arg::new("backup-default")
            .short('b')
            .action(ArgAction::SetTrue)
            .help("the same, with the kind of name left to VERSION_CONTROL"),
        flag("copy-contents", None, "read fifos and devices within a tree as if they were files"),
        flag("debug", None, "explain how a file is copied and why, with its digest; implies -v"),
        Arg::new("links")
            .short('d')
            .action(ArgAction::SetTrue)
            .help("keep symbolic and hard links as what they are: -P --preserve=links"),
        flag("force", Some('f'), "if an existing target cannot be opened, replace it by a new file"),
        flag("interactive", Some('i'), "ask before a target is replaced"),
        Arg::new("follow-operands")
            .short('H')
            .action(ArgAction::SetTrue)
            .help("follow symbolic links that are operands"),
        flag("keep-directory-symlink", None, "go into a target that is a symbolic link to a directory"),
        flag("link", Some('l'), "make hard links to the sources, not copies of them"),
        flag("dereference", Some('L'), "follow every symbolic link in the source"),
        flag("no-clobber", Some('n'), "leave existing targets alone, and say nothing of it"),
        flag("no-dereference", Some('P'), "follow no symbolic link in the source"),
        Arg::new("preserve-default")
            .short('p')
            .action(ArgAction::SetTrue)
            .help("keep mode, owner and times: --preserve=mode,ownership,timestamps"),
        optional(
            "preserve",
            "ATTR_LIST",
            "mode,ownership,timestamps",
            "keep these attributes (default: mode,ownership,timestamps)",
        ),
        valued("no-preserve", "ATTR_LIST", "do not keep these attributes"),
        flag("parents", None, "recreate the path of each source beneath DIRECTORY"),
        flag("recursive", Some('R'), "copy directories with all that is in them").visible_short_alias('r'),
        optional("reflink", "WHEN", "always", "share blocks with the source: auto (default), always, never"),
        flag("remove-destination", None, "replace each existing target by a new file, never write into it"),
        valued("sparse", "WHEN", "make holes: auto (default), always, never"),
        flag("strip-trailing-slashes", None, "take slashes off the end of each source"),
        flag("symbolic-link", Some('s'), "make symbolic links to the sources, not copies of them"),
        valued("suffix", "SUFFIX", "what the names of simple backups end in (default: ~)")
            .short('S')
            .value_parser(clap::value_parser!(std::ffi::OsString)),
        valued("target-directory", "DIRECTORY", "copy every operand into DIRECTORY")
            .short('t')
            .value_hint(ValueHint::DirPath)
            .value_parser(clap::value_parser!(std::ffi::OsString)),
        flag("no-target-directory", Some('T'), "take DEST for the new name itself, even if it is a directory"),
        optional("update", "UPDATE", "older", "replace existing targets: all (default), none, none-fail, older"),
        Arg::new("update-older")
            .short('u')
            .action(ArgAction::SetTrue)
            .help("replace only targets that are older: --update=older"),
        flag("verbose", Some('v'), "name each file as it is copied"),
        flag("one-file-system", Some('x'), "do not enter other filesystems"),
        Arg::new("default-context")
            .short('Z')
            .action(ArgAction::SetTrue)
            .help("give targets the security context of the kernel's policy"),
        optional("context", "CTX", "", "the same, or the context CTX")
            .value_parser(clap::value_parser!(std::ffi::OsString)),
    ]
}

/// Our own options: long only, so that none takes a letter from cp.
fn own_arguments() -> Vec<Arg> {
    vec![
        valued("verify", "HOW", "read every copy back: content (default), device, none"),
        flag("in-place", None, "write into existing files rather than replace them whole"),
        flag("durable", None, "say success only of what a power loss cannot take back"),
        flag("require-stable", None, "fail for a source that changed while it was read"),
        valued(
            "jobs",
            "N",
            "work on N files, or pieces of a large file, at once (default: one per processor; 1 with -v or -i)",
        ),
    ]
}

/// What is no copy: each is the first argument, and has a command line of its own behind it.
fn modes() -> Vec<Arg> {
    vec![
        flag(
            guard::MODE,
            None,
            "as the first argument: run a command that can use no clone, no hole and no copy by the kernel",
        ),
        flag(doctor::MODE, None, "as the first argument: tell whether programs of this machine can copy wrongly here"),
    ]
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_definitions_are_sound() {
        super::command("safecp").debug_assert();
        super::cp_command("cp").debug_assert();
        super::guard_command("safecp").debug_assert();
        super::doctor_command("safecp").debug_assert();
    }
}
