//! The command line of scp: OpenSSH's letters, and words for what they cannot say.

use super::definition::{flag, help, letter, line, operands, paths, valued};
use super::draft::Draft;
use super::invocation::{Invocation, parse_program};
use super::option::{CommandOption, Meaning, apply, option};
use super::usage_error::{ParseError, Result};
use crate::account::{ReportTo, Summary};
use crate::archive::manifest::Form;
use crate::host::Environment;
use crate::options::{Options, TargetRule, Unfinished, Verbosity, Verify};
use crate::quote::quoted;
use crate::remote::client::Request;
use crate::remote::operand::Place;
use crate::remote::ssh::Ssh;
use crate::remote::terms::{Carried, Depth, Lasting, Start, Tell, Terms};
use crate::remote::transport::Transport;
use crate::remote::upload::Upload;
use crate::sftp::ListDigests;
use crate::tree::plan::Operands;
use clap::{Arg, ArgAction, ArgMatches, Command, ValueHint};
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

const ABOUT: &str = "\
Copy SOURCE to TARGET, or several SOURCEs into the directory TARGET, from or to another machine over
ssh. Every file is read back where it was written, and compared with what was sent";

const AFTER_HELP: &str = "\
SOURCE and TARGET are paths of this machine, [user@]host:path, or scp://[user@]host[:port]/path. A
path with a slash before its first colon is one of this machine: ./a:b. Patterns in a remote SOURCE
are for the far end: host:'*.c'.

Where no safecp is at the far end, this one is sent there and started, and removed again. Where it
cannot run, files go over SFTP; a program there makes their digests, or they are read back. -3, -T
and -A say what is done anyway, or is not needed. -D, -O, -R and -X are refused: they ask for what
cannot be verified, or is not there.

Exit status: 0 if everything was copied and reads the same at the far end, 1 otherwise.";

/// What was typed so far.
struct ScpDraft {
    /// What cp has as well.
    common: Draft,
    terms: Terms,
    way: Transport,
    program: OsString,
    far_program: OsString,
    upload: Upload,
    speed_max: Option<u64>,
    arguments: Vec<OsString>,
}

/// The command line of scp, of a program that is called `name`.
#[must_use]
pub fn scp_command(name: &str) -> Command {
    let usage = format!("{name} [OPTION]... SOURCE... TARGET");
    line("scp", ABOUT, usage, AFTER_HELP)
        .version(env!("CARGO_PKG_VERSION"))
        .arg(operands("SOURCE... TARGET"))
        .args(options().into_iter().map(CommandOption::into_arg))
        .arg(help())
        .arg(flag("version", None, "print the version"))
}

/// A letter with a value.
fn lettered(id: &'static str, letter: char, value: &'static str, help: &'static str) -> Arg {
    Arg::new(id).short(letter).value_name(value).action(ArgAction::Append).allow_hyphen_values(true).help(help)
}

#[rustfmt::skip]
fn options() -> Vec<CommandOption<ScpDraft>> {
    use Meaning::{Flag, Refused, Value, Word};
    vec![
        option(letter("through-here", '3', "copy between two other machines through this one, which is always done"),
            Flag(|_| {})),
        option(letter("ipv4", '4', "use IPv4 addresses only"),
            Flag(|draft| draft.tell("-4"))),
        option(letter("ipv6", '6', "use IPv6 addresses only"),
            Flag(|draft| draft.tell("-6"))),
        option(letter("agent", 'A', "forward the authentication agent"),
            Flag(|draft| draft.tell("-A"))),
        option(letter("batch", 'B', "never ask for passwords or passphrases"),
            Flag(|draft| draft.tell("-oBatchMode=yes"))),
        option(letter("compress", 'C', "compress what is sent"),
            Flag(|draft| draft.tell("-C"))),
        option(lettered("cipher", 'c', "CIPHER", "encrypt with this cipher; see ssh -Q cipher"),
            Value(|draft, value| draft.tell_value("-c", value))),
        option(lettered("sftp-path", 'D', "PATH", "refused: what stays on this machine needs no server"),
            Word(|_, _| refused("-D", "what stays on this machine needs no server"))),
        option(lettered("config", 'F', "FILE", "use this configuration of ssh"),
            Value(|draft, value| draft.tell_value("-F", value))),
        option(lettered("identity", 'i', "FILE", "log in with this key"),
            Value(|draft, value| draft.tell_value("-i", value))),
        option(lettered("jump", 'J', "DESTINATION", "go by way of this machine"),
            Value(|draft, value| draft.tell_value("-J", value))),
        option(lettered("limit", 'l', "KBIT", "send and receive so many kilobits a second at most"),
            Word(|draft, number| draft.limit(number))),
        option(lettered("ssh-option", 'o', "OPTION", "an option of ssh_config(5)"),
            Value(|draft, value| draft.tell_value("-o", value))),
        option(letter("original", 'O', "refused: the original protocol verifies nothing"),
            Refused(|| refused("-O", "the original protocol verifies nothing"))),
        option(lettered("port", 'P', "PORT", "the port of the ssh server"),
            Value(|draft, value| draft.tell_value("-p", value))),
        option(letter("preserve", 'p', "preserve times and permission bits"),
            Flag(|draft| draft.carry_times())),
        option(letter("quiet", 'q', "no messages of ssh"),
            Flag(|draft| draft.tell("-q"))),
        option(letter("remote-to-remote", 'R', "refused: the far end does not run scp"),
            Refused(|| refused("-R", "the far end does not run scp; copies between two other machines go through this one"))),
        option(letter("recursive", 'r', "copy directories with what is in them; links are followed"),
            Flag(|draft| draft.terms.depth = Depth::Trees)),
        option(lettered("ssh-program", 'S', "PROGRAM", "connect with this program in the place of ssh"),
            Value(|draft, value| { draft.program = value.to_owned(); Ok(()) })),
        option(letter("sftp", 's', "copy over SFTP at once, as where no safecp is at the far end"),
            Flag(|draft| draft.way = Transport::Sftp)),
        option(letter("trust", 'T', "without effect: names that were not asked for are never made"),
            Flag(|_| {})),
        option(letter("verbose", 'v', "say what is done, and let ssh do so"),
            Flag(|draft| { draft.terms.verbosity = Verbosity::Names; draft.tell("-v"); })),
        option(lettered("sftp-option", 'X', "OPTION", "refused: requests over SFTP are as many as the far end takes"),
            Word(|_, _| refused("-X", "requests over SFTP are as many as the far end takes"))),
        option(flag("archive", None, "copy as cp -a does: trees, links as links, owners by number, lists, attributes, holes"),
            Flag(|draft| { draft.terms.depth = Depth::Trees; draft.terms.carried = Carried::Everything; })),
        option(flag("durable", None, "say success only of what a power loss cannot take back"),
            Flag(|draft| draft.terms.lasting = Lasting::Durable)),
        option(valued("far-program", "PROGRAM", "what safecp is called at the far end (default: safecp)"),
            Value(|draft, value| { draft.far_program = value.to_owned(); Ok(()) })),
        option(valued("manifest", "FILE", "write down what was copied, to be checked later where it is").value_hint(ValueHint::FilePath),
            Value(|draft, file| draft.common.manifest(file))),
        option(valued("manifest-format", "FORMAT", "write it as mtree (default), b3sum or sha256sum has it"),
            Word(|draft, word| draft.common.manifest_format(word))),
        option(flag("names", None, "print each name that is copied"),
            Flag(|draft| draft.terms.verbosity = Verbosity::Names)),
        option(flag("partial", None, "keep what was copied of a large file if the run is interrupted; the next run sends the rest"),
            Flag(|draft| draft.terms.unfinished = Unfinished::Kept)),
        option(flag("progress", None, "show on standard error how far the run is, and --summary in the end"),
            Flag(|draft| draft.common.progress())),
        option(valued("report", "FILE", "write a line of JSON to FILE for each name, and one at the end")
                .value_hint(ValueHint::FilePath),
            Value(|draft, file| draft.common.report(file))),
        option(flag("resume", None, "do not copy again what is there and holds the same bytes: digests are compared where it is"),
            Flag(|draft| draft.terms.start = Start::Resumed)),
        option(valued("sparse", "WHEN", "make holes in the target: auto (default), always, never"),
            Word(|draft, word| draft.common.sparse(word))),
        option(flag("summary", None, "say on standard error in the end what the run came to"),
            Flag(|draft| draft.common.accounts.summary = Summary::AtEnd)),
        option(valued("upload", "WHICH", "where no safecp is, send and start: own (this program, default), PATH (with a slash), never"),
            Value(|draft, which| draft.upload(which))),
        option(valued("verify", "HOW", "read every copy back: content (default), device, none"),
            Word(|draft, how| draft.common.verify(how))),
    ]
}

fn refused(option: &str, why: &str) -> Result<()> {
    Err(ParseError::last(format!("{option} is refused: {why}")))
}

/// What it asks for.
pub(super) fn parse(arguments: Vec<OsString>, environment: &Environment) -> Result<Invocation> {
    let command = scp_command(&environment.called);
    parse_program(command, arguments, environment, |matches| invocation(matches, environment))
}

fn invocation(matches: &ArgMatches, environment: &Environment) -> Result<Invocation> {
    let mut draft = ScpDraft {
        common: Draft::new(),
        terms: Terms::plain(),
        way: Transport::Safecp,
        program: OsString::from("ssh"),
        far_program: OsString::from("safecp"),
        upload: Upload::Own,
        speed_max: None,
        arguments: Vec::new(),
    };
    apply(&options(), matches, &mut draft)?;
    draft.decide(&paths(matches), environment)
}

impl ScpDraft {
    fn tell(&mut self, argument: &str) {
        self.arguments.push(OsString::from(argument));
    }

    #[allow(clippy::unnecessary_wraps, reason = "what all meanings of values return")]
    fn tell_value(&mut self, option: &str, value: &OsStr) -> Result<()> {
        self.arguments.extend([OsString::from(option), value.to_owned()]);
        Ok(())
    }

    /// --archive says more, wherever it stands.
    fn carry_times(&mut self) {
        if self.terms.carried == Carried::Nothing {
            self.terms.carried = Carried::Times;
        }
    }

    /// As scp has it: so many times 1024 bits.
    fn limit(&mut self, number: &str) -> Result<()> {
        let kilobits: Option<u64> = number.parse().ok().filter(|number| (1..=100 << 20).contains(number));
        let kilobits = kilobits.ok_or_else(|| ParseError::new(format!("invalid bandwidth limit '{number}'")))?;
        self.speed_max = Some(kilobits * 1024 / 8);
        Ok(())
    }

    fn upload(&mut self, which: &OsStr) -> Result<()> {
        self.upload = match which.as_encoded_bytes() {
            b"own" => Upload::Own,
            b"never" => Upload::Never,
            path if path.contains(&b'/') => Upload::Program(PathBuf::from(which)),
            _ => {
                let which = quoted(Path::new(which));
                return Err(ParseError::new(format!(
                    "invalid argument {which} for '--upload': own, never, or a path with a slash"
                )));
            }
        };
        Ok(())
    }

    fn decide(self, typed: &[PathBuf], environment: &Environment) -> Result<Invocation> {
        let (common, _) = self.common.decide(environment)?;
        let (manifest, accounts) = (self.common.wanted()?, self.common.wanted_accounts()?);
        let Options { sparse, verify, record, seals, .. } = common;
        let listed = match manifest.as_ref().map(|wanted| wanted.form) {
            None => ListDigests::Nothing,
            Some(Form::Mtree | Form::B3sum) => ListDigests::Blake3,
            Some(Form::Sha256sum) => ListDigests::Sha256,
        };
        if accounts.report == Some(ReportTo::Output) && self.terms.verbosity > Verbosity::Quiet {
            return Err(ParseError::new(
                "--report=- cannot be used with -v or --names, which write to standard output too",
            ));
        }
        if verify == Verify::Blake3 {
            return Err(ParseError::new("--verify=blake3 is what is always done between two machines"));
        }
        if verify == Verify::Map {
            return Err(ParseError::new("--verify=map is for clones, and nothing is cloned between two machines"));
        }
        let place = |typed: &PathBuf| {
            let strange = |why| ParseError::last(format!("{}: {why}", quoted(typed)));
            Place::parse(typed.as_os_str()).map_err(strange)
        };
        let mut sources = typed.iter().map(place).collect::<Result<Vec<_>>>()?;
        let target = sources.pop().ok_or_else(|| ParseError::new("missing file operand"))?;
        if sources.is_empty() {
            let missing = format!("missing destination file operand after {}", quoted(Path::new(&typed[0])));
            return Err(ParseError::new(missing));
        }
        let is_remote = |place: &Place| matches!(place, Place::Remote { .. });
        let tell = match (listed, &accounts.report) {
            _ if !is_remote(&target) => Tell::There,
            (ListDigests::Nothing, None) => Tell::There,
            (ListDigests::Nothing, Some(_)) => Tell::Outcomes,
            (ListDigests::Blake3 | ListDigests::Sha256, _) => Tell::Lists,
        };
        if tell != Tell::There && sources.iter().any(is_remote) {
            let why = "--manifest and --report tell of what goes from here or comes here, and not of copies between two other machines";
            return Err(ParseError::last(why));
        }
        let terms = Terms { sparse, verify, tell, ..self.terms };
        if is_remote(&target) || sources.iter().all(is_remote) {
            let ssh = Ssh { program: self.program, arguments: self.arguments };
            let Self { way, far_program, upload, speed_max, .. } = self;
            let request = Request { sources, target, terms, way, ssh, far_program, upload, speed_max, record, listed };
            return Ok(Invocation::Transfer { request: Box::new(request), manifest, accounts });
        }
        if sources.iter().any(is_remote) {
            return Err(ParseError::last("sources of this machine and of others go to a third one only"));
        }
        let local = |place: Place| match place {
            Place::Local(path) | Place::Remote { path, .. } => path,
        };
        let operands = Operands {
            sources: sources.into_iter().map(local).collect(),
            target: local(target),
            rule: TargetRule::Last,
            strips: false,
        };
        Ok(Invocation::Copy {
            options: Box::new(Options { record, seals, ..terms.options() }),
            operands,
            manifest,
            accounts,
            warnings: Vec::new(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Invocation, as_named, read};
    use crate::host::environment;
    use crate::remote::client::Request;
    use crate::remote::operand::Place;
    use crate::remote::terms::{Carried, Depth, Lasting, Tell};
    use crate::remote::transport::Transport;
    use crate::remote::upload::Upload;
    use crate::sftp::ListDigests;
    use std::ffi::OsString;
    use std::path::PathBuf;

    fn typed(line: &str) -> Result<Invocation, String> {
        let arguments = ["safecp", "--as=scp"].into_iter().chain(line.split_whitespace());
        let (arguments, environment) = as_named(arguments.map(OsString::from).collect(), environment());
        read(arguments, &environment).map_err(|error| error.to_string())
    }

    fn transfer(line: &str) -> Request {
        match typed(line) {
            Ok(Invocation::Transfer { request, .. }) => *request,
            other => panic!("{line}: {other:?}"),
        }
    }

    #[test]
    fn what_is_ssh_s_is_handed_to_it_in_its_words() {
        let request = transfer("-4 -B -C -q -P 22 -i key -o A=b -F conf -J jump -c aes -S prog a h:b");
        let arguments = "-4 -oBatchMode=yes -C -q -p 22 -i key -o A=b -F conf -J jump -c aes";
        assert_eq!(request.ssh.arguments, arguments.split(' ').map(OsString::from).collect::<Vec<_>>());
        assert_eq!(request.ssh.program, "prog");
        assert!(matches!(&request.target, Place::Remote { host, .. } if host.name == "h"));
    }

    #[test]
    fn attributes_and_trees_are_asked_for() {
        let of = |line| {
            let terms = transfer(line).terms;
            (terms.depth, terms.carried, terms.lasting)
        };
        assert_eq!(of("h:a b"), (Depth::Names, Carried::Nothing, Lasting::Named));
        assert_eq!(of("-rp h:a b"), (Depth::Trees, Carried::Times, Lasting::Named));
        assert_eq!(of("--archive -p --durable h:a b"), (Depth::Trees, Carried::Everything, Lasting::Durable));
    }

    #[test]
    fn sftp_is_asked_for() {
        assert_eq!((transfer("a h:b").way, transfer("-s a h:b").way), (Transport::Safecp, Transport::Sftp));
    }

    #[test]
    fn what_is_sent_to_a_host_without_safecp_is_chosen() {
        let of = |line| transfer(line).upload;
        assert_eq!((of("a h:b"), of("--upload=never a h:b")), (Upload::Own, Upload::Never));
        assert_eq!(of("--upload=./other a h:b"), Upload::Program(PathBuf::from("./other")));
        assert!(typed("--upload=other a h:b").is_err());
    }

    #[test]
    fn what_cannot_be_done_is_refused_with_its_reason() {
        for line in ["-O a h:b", "-R h:a g:b", "-D x a h:b", "-X n=1 a h:b"] {
            assert!(typed(line).expect_err(line).contains(" is refused: "), "{line}");
        }
        for how in ["map", "blake3"] {
            assert!(typed(&format!("--verify={how} a h:b")).expect_err(how).contains("between two machines"));
        }
        assert!(typed("a h:b c").is_err() && typed("h:a").is_err() && typed("").is_err());
        assert!(typed("-- -x@h:a b").expect_err("an option").contains("cannot begin with '-'"));
    }

    #[test]
    fn a_rate_is_limited_in_kilobits() {
        assert_eq!((transfer("-l 8 a h:b").speed_max, transfer("a h:b").speed_max), (Some(1024), None));
        assert!(["0", "-1", "x", "999999999"].iter().all(|number| typed(&format!("-l {number} a h:b")).is_err()));
    }

    #[test]
    fn what_is_written_down_is_what_comes_here_or_goes_from_here() {
        for (option, tell) in [("--manifest=m", Tell::Lists), ("--report=r", Tell::Outcomes)] {
            assert_eq!(transfer(&format!("{option} h:a b")).terms.tell, Tell::There, "{option}");
            assert_eq!(transfer(&format!("{option} a h:b")).terms.tell, tell, "{option}");
            let refused = typed(&format!("{option} g:a h:b")).expect_err(option);
            assert!(refused.contains("between two other machines"), "{option}");
        }
        let listed = |format| transfer(&format!("--manifest=m --manifest-format={format} a h:b")).listed;
        assert_eq!((listed("b3sum"), listed("sha256sum")), (ListDigests::Blake3, ListDigests::Sha256));
        assert!(typed("--progress --resume a h:b").is_ok() && typed("--report=- -v h:a b").is_err());
    }

    #[test]
    fn what_stays_here_is_a_copy() {
        assert!(matches!(typed("a ./h:b"), Ok(Invocation::Copy { .. })));
    }
}
