//! What was typed: the definition of the command line, and its reading into options and operands.
//!
//! [`command`] is the one source of help, man page and completions. Options of cp are read in the
//! order they were typed, since later ones take back what earlier ones said.

mod read;

pub use read::{Typed, Usage, read};

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
    Command::new("safecp")
        .version(env!("CARGO_PKG_VERSION"))
        .about(ABOUT)
        .override_usage(format!(
            "{name} [OPTION]... [-T] SOURCE DEST\n       {name} [OPTION]... SOURCE... DIRECTORY\n       {name} [OPTION]... -t DIRECTORY SOURCE..."
        ))
        .after_help(AFTER_HELP)
        .infer_long_args(true)
        .args_override_self(true)
        .disable_help_flag(true)
        .disable_version_flag(true)
        .arg(Arg::new("operands").num_args(0..).value_name("SOURCE... DEST").value_hint(ValueHint::AnyPath).value_parser(clap::value_parser!(std::ffi::OsString)).hide(true))
        .args(cp_arguments())
        .args(own_arguments())
        .arg(flag("help", None, "display this help and exit"))
        .arg(flag("version", None, "output version information and exit"))
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
        flag("archive", Some('a'), "same as -dR --preserve=all"),
        flag("attributes-only", None, "copy no content, just the attributes"),
        optional("backup", "CONTROL", "", "give each existing target a backup name"),
        Arg::new("backup-default")
            .short('b')
            .action(ArgAction::SetTrue)
            .help("like --backup but does not accept an argument"),
        flag("copy-contents", None, "copy contents of special files when recursive"),
        flag("debug", None, "explain how a file is copied and why, with its digest; implies -v"),
        Arg::new("links").short('d').action(ArgAction::SetTrue).help("same as --no-dereference --preserve=links"),
        flag("force", Some('f'), "if an existing target cannot be opened, replace it by a new file"),
        flag("interactive", Some('i'), "prompt before overwrite"),
        Arg::new("follow-operands").short('H').action(ArgAction::SetTrue).help("follow symbolic links named as SOURCE"),
        flag("keep-directory-symlink", None, "follow existing symbolic links to directories in the target"),
        flag("link", Some('l'), "hard link files instead of copying"),
        flag("dereference", Some('L'), "always follow symbolic links in SOURCE"),
        flag("no-clobber", Some('n'), "silently skip existing targets"),
        flag("no-dereference", Some('P'), "never follow symbolic links in SOURCE"),
        Arg::new("preserve-default")
            .short('p')
            .action(ArgAction::SetTrue)
            .help("same as --preserve=mode,ownership,timestamps"),
        optional("preserve", "ATTR_LIST", "mode,ownership,timestamps", "preserve the specified attributes"),
        valued("no-preserve", "ATTR_LIST", "do not preserve the specified attributes"),
        flag("parents", None, "use full source file name under DIRECTORY"),
        flag("recursive", Some('R'), "copy directories recursively").visible_short_alias('r'),
        optional("reflink", "WHEN", "always", "share blocks with the source: auto (default), always, never"),
        flag("remove-destination", None, "replace each existing target by a new file, never write into it"),
        valued("sparse", "WHEN", "make holes: auto (default), always, never"),
        flag("strip-trailing-slashes", None, "remove any trailing slashes from each SOURCE argument"),
        flag("symbolic-link", Some('s'), "make symbolic links instead of copying"),
        valued("suffix", "SUFFIX", "override the usual backup suffix")
            .short('S')
            .value_parser(clap::value_parser!(std::ffi::OsString)),
        valued("target-directory", "DIRECTORY", "copy all SOURCE arguments into DIRECTORY")
            .short('t')
            .value_hint(ValueHint::DirPath)
            .value_parser(clap::value_parser!(std::ffi::OsString)),
        flag("no-target-directory", Some('T'), "treat DEST as a normal file"),
        optional("update", "UPDATE", "older", "replace existing targets: all (default), none, none-fail, older"),
        Arg::new("update-older").short('u').action(ArgAction::SetTrue).help("same as --update=older"),
        flag("verbose", Some('v'), "explain what is being done"),
        flag("one-file-system", Some('x'), "stay on this file system"),
        Arg::new("default-context")
            .short('Z')
            .action(ArgAction::SetTrue)
            .help("set the security context of targets to the default type"),
        optional("context", "CTX", "", "like -Z, or set the security context to CTX")
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

#[cfg(test)]
mod tests {
    #[test]
    fn the_definition_is_sound() {
        super::command("safecp").debug_assert();
    }
}
