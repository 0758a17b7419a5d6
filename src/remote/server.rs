//! `safecp --server`: the far end, on standard input and output.
//!
//! It does one request and ends. A forced command of ssh gives it a directory beneath which everything lies, and may
//! keep it from writing.

use super::awaited::Awaited;
use super::connection::{Role, greet, meet, receive, strange, streams, words};
use super::kernel::World;
use super::message::{Message, ServerRequest, Sources, Verdict};
use super::operand::{from_home, label, unlike_labels};
use super::pattern::expand;
use super::receiver::Receiver;
use super::sender::Sender;
use super::terms::Tell;
use crate::error::{Action, Error};
use crate::host::{self, Host};
use crate::kernel::{Kernel, Mode, OFlags, ResolveFlags};
use crate::options::{Record, TargetRule, Verbosity};
use crate::report::{Event, Listener, Report};
use crate::tree::plan::Operands;
use std::fs::File;
use std::io::sink;
use std::os::fd::AsFd;
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};

/// What the server may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Send and receive.
    Full,
    /// Send (--read-only).
    ReadOnly,
}

/// A server as it was called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    /// What every path lies beneath.
    pub root: Option<PathBuf>,
    /// What it may do.
    pub access: Access,
}

/// What the client's files are called in messages of the server.
const CLIENT: &str = "local";

/// Does one request. Messages go to standard error, which ssh hands on. False if anything failed.
pub fn serve<K: Kernel>(server: &Server, kernel: &K, host: &Host, stop: &Arc<AtomicBool>) -> bool {
    let early = Report::new("safecp", crate::options::Verbosity::Quiet, host::messages(), host::messages());
    let refuse = |text: &str| {
        early.hear(&Event::Failed(&Error::Refused(text.to_owned())));
        false
    };
    let own = || std::io::stdout().as_fd().try_clone_to_owned().map(File::from);
    let (mut input, mut output) = match own() {
        Ok(output) => {
            host::widen(std::io::stdin());
            host::widen(&output);
            streams(std::io::stdin(), output)
        }
        Err(error) => return refuse(&words(&error)),
    };
    let met = greet(&mut output, Role::Server).and_then(|()| meet(&mut input));
    let request = met.and_then(|features| receive(&mut input).map(|(request, _)| (request, features)));
    let (wish, terms, speaker, features) = match request {
        Ok((Message::Request { wish, terms, speaker }, features)) => (wish, terms, speaker, features),
        Ok(_) => return refuse(&strange().to_string()),
        Err(error) => return refuse(&words(&error)),
    };
    // What a client calls itself goes back to it.
    let speaker: String = speaker.to_string_lossy().chars().filter(|sign| !sign.is_control()).take(256).collect();
    let report = Report::new(&speaker, terms.verbosity, host::messages(), host::messages());
    let failed = |error: &Error| {
        report.hear(&Event::Failed(error));
        false
    };
    let flags = OFlags::PATH | OFlags::DIRECTORY;
    let open = |path: &PathBuf| {
        let opened = kernel.open(None, path, flags, Mode::empty(), ResolveFlags::empty());
        opened.map_err(|errno| Error::call(Action::Access, path, errno))
    };
    let root = match server.root.as_ref().map(open).transpose() {
        Ok(root) => root,
        Err(error) => return failed(&error),
    };
    let verdict = match wish {
        ServerRequest::Receive { .. } if server.access == Access::ReadOnly => {
            return failed(&Error::Refused("this server only sends (--read-only)".to_owned()));
        }
        ServerRequest::Receive { target, sources } => {
            let target = unlike_labels(&from_home(&target));
            let rule = match sources {
                Sources::One => TargetRule::Last,
                Sources::Several => TargetRule::Directory,
            };
            // What the client says is not said here.
            let silent = Report::new(&speaker, Verbosity::Quiet, Box::new(sink()), Box::new(sink()));
            let (report, kept) = match terms.tell {
                Tell::There => (&report, (Record::No, false)),
                Tell::Outcomes => (&silent, (Record::Kept, false)),
                Tell::Lists => (&silent, (Record::Kept, true)),
            };
            let stop = Arc::clone(stop);
            let receiver =
                Receiver { local: kernel, root, terms, host, report, listener: report, meter: None, kept, stop };
            let awaited = |sent_as: PathBuf| Some(Awaited { shown: label(CLIENT, &sent_as), sent_as });
            receiver.run((input, output, features), awaited, |sources| Operands {
                sources,
                target,
                rule,
                strips: false,
            })
        }
        ServerRequest::Send { patterns } => {
            let world = World { local: kernel, root, intake: None, part: Mutex::default() };
            let tell = |error: &Error| report.hear(&Event::Failed(error));
            let expanded = patterns.iter().flat_map(|pattern| expand(&world, &from_home(pattern), &tell));
            let paths: Vec<PathBuf> = expanded.collect();
            Sender::new(&world, terms, (input, output, features), &report, stop).run(&paths)
        }
    };
    let is_told = report.finish();
    verdict == Verdict::Well && is_told
}
