//! The command line of `--server`: what the far end of a copy may do.

use super::definition::{flag, help, line, path, valued};
use super::invocation::{Invocation, parse_with};
use super::usage_error::{Result, Syntax};
use crate::host::Environment;
use crate::remote::server::{Access, Server};
use clap::{ArgMatches, Command, ValueHint};
use std::ffi::OsString;
use std::path::PathBuf;

/// The option that it begins with.
pub(super) const MODE: &str = "server";

pub(super) const SYNTAX: Syntax = Syntax { help: "--server --help", status: 1 };

const ABOUT: &str = "Be the far end of a copy: standard input and output are the connection";

const AFTER_HELP: &str = "\
It is started over ssh, by safecp --as=scp. As a forced command it serves who may nothing else:

    command=\"safecp --server --root=/srv/in\",restrict ssh-ed25519 ...

Exit status: 0 if everything was done, 1 otherwise.";

/// The command line of `NAME --server`.
#[must_use]
pub fn server_command(name: &str) -> Command {
    let usage = format!("{name} --server [--root=DIR] [--read-only]");
    line("safecp --server", ABOUT, usage, AFTER_HELP)
        .arg(flag(MODE, None, "be the far end").hide(true))
        .arg(path(
            valued("root", "DIR", "every path begins at this directory, and nothing leads out of it")
                .value_hint(ValueHint::DirPath),
        ))
        .arg(flag("read-only", None, "send, and receive nothing"))
        .arg(help())
}

/// What it asks for; `--server` is the first of the arguments after the name.
pub(super) fn parse(arguments: Vec<OsString>, environment: &Environment) -> Result<Invocation> {
    parse_with(server_command(&environment.called), arguments, |matches, _| Ok(Invocation::Serve(server(matches))))
}

fn server(matches: &ArgMatches) -> Server {
    let root = matches.get_many::<OsString>("root").into_iter().flatten().last().map(PathBuf::from);
    let access = if matches.get_flag("read-only") { Access::ReadOnly } else { Access::Full };
    Server { root, access }
}

#[cfg(test)]
mod tests {
    use super::super::{Invocation, read};
    use crate::host::environment;
    use crate::remote::server::{Access, Server};
    use std::ffi::OsString;
    use std::path::PathBuf;

    #[test]
    fn a_root_and_no_writing_may_be_asked_for() {
        let typed = |line: &str| {
            let arguments = ["safecp", "--server"].into_iter().chain(line.split_whitespace()).map(OsString::from);
            match read(arguments, &environment()) {
                Ok(Invocation::Serve(server)) => server,
                other => panic!("{other:?}"),
            }
        };
        assert_eq!(typed(""), Server { root: None, access: Access::Full });
        let root = Some(PathBuf::from("d"));
        assert_eq!(typed("--root=d --read-only"), Server { root, access: Access::ReadOnly });
    }
}
