//! The end that was typed at: which machine is asked for what, over one connection for each of them.

use super::awaited::Awaited;
use super::connection::{
    Feature, Features, Input, Output, Role, agree, await_greeting, greet, has_ended, send, streams, words,
};
use super::kernel::World;
use super::message::{Message, ServerRequest, Sources, Verdict};
use super::operand::{Host, Place, from_home, label, unlike_labels};
use super::over_sftp::OverSftp;
use super::paced::Paced;
use super::pattern::{Asked, has_pattern};
use super::receiver::Receiver;
use super::relay::relay;
use super::sender::Sender;
use super::ssh::{FAILED, NOT_FOUND, Ssh};
use super::terms::Terms;
use super::transport::{NoSafecp, Transport};
use super::upload::{Parcel, Unfit, Upload};
use crate::account::Running;
use crate::error::Error;
use crate::host;
use crate::kernel::Kernel;
use crate::options::{Record, TargetRule, Unfinished, Verbosity, Verify};
use crate::quote::quoted;
use crate::report::{Event, Listener, Report};
use crate::sftp::ListDigests;
use crate::tree::plan::{Operands, Plan};
use std::ffi::{OsStr, OsString};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::Child;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

/// A copy to or from another machine.
#[derive(Clone, Debug)]
pub struct Request {
    /// What is copied; at least one.
    pub sources: Vec<Place>,
    /// Where to.
    pub target: Place,
    /// How.
    pub terms: Terms,
    /// Which way.
    pub way: Transport,
    /// How ssh is called.
    pub ssh: Ssh,
    /// What safecp is called at the far end, in the words of its shell.
    pub far_program: OsString,
    /// What is sent there if it is not.
    pub upload: Upload,
    /// So many bytes a second go at most (-l).
    pub speed_max: Option<u64>,
    /// What is found out of the files that arrive here.
    pub record: Record,
    /// What a manifest takes of files, wherever they go.
    pub listed: ListDigests,
}

impl Request {
    /// The sources that are files of this machine.
    #[must_use]
    pub fn local_sources(&self) -> Vec<PathBuf> {
        self.sources.iter().filter_map(local).collect()
    }
}

/// What all connections of a run share.
pub struct Client<'a, K: Kernel> {
    /// The files of this machine.
    pub kernel: &'a K,
    /// What is asked for.
    pub request: &'a Request,
    /// What this program is called in messages.
    pub program: &'a str,
    /// What is known of this machine.
    pub host: &'a host::Host,
    /// Who is told.
    pub report: &'a Report,
    /// Who is told first, and tells it.
    pub listener: &'a dyn Listener,
    /// How far the run is, for whoever looks on.
    pub running: &'a Running,
    /// Set where the run is to end.
    pub stop: &'a Arc<AtomicBool>,
}

/// A far end that was reached.
struct FarEnd {
    child: Child,
    input: Input,
    output: Output,
    features: Features,
}

/// Which safecp a far end runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Origin {
    /// The one that is installed there.
    There,
    /// One that was sent.
    Here,
}

/// What came of calling safecp at a far end.
enum Answer {
    /// It answers.
    Safecp(FarEnd),
    /// It does not. SFTP may.
    Lacking(NoSafecp),
    /// There is no connection, or no peer of ours; it was told.
    Failed,
}

/// What copies between two other machines need.
const BOTH: &str = "copies between two other machines need safecp at both";

impl<K: Kernel> Client<'_, K> {
    /// Copies all sources; what fails is told.
    pub fn run(&self) {
        let sources = &self.request.sources;
        match &self.request.target {
            Place::Remote { host, path } => {
                let paths = self.request.local_sources();
                if !paths.is_empty() {
                    self.push(host, path, &paths);
                }
                by_host(sources).into_iter().for_each(|from| self.relay(from, (host, path)));
            }
            // What is known before anybody has to log in.
            Place::Local(target) if self.lacks_directory(target) => {}
            Place::Local(target) => {
                by_host(sources).into_iter().for_each(|(host, patterns)| self.pull(host, patterns, target));
            }
        }
    }

    /// Whether several sources have a target here that is no directory; then that was told.
    fn lacks_directory(&self, target: &Path) -> bool {
        let (target, rule) = (unlike_labels(target), TargetRule::Directory);
        let operands = Operands { sources: Vec::new(), target, rule, strips: false };
        let planned = (self.sources() == Sources::Several).then(|| Plan::new(self.kernel, &operands));
        let failure = planned.and_then(Result::err);
        failure.iter().for_each(|error| self.listener.hear(&Event::Failed(error)));
        failure.is_some()
    }

    fn failed(&self, text: String) {
        if !self.stop.load(Ordering::Relaxed) {
            self.listener.hear(&Event::Failed(&Error::Refused(text)));
        }
    }

    /// Whether the target has to be a directory.
    fn sources(&self) -> Sources {
        if self.request.sources.len() > 1 { Sources::Several } else { Sources::One }
    }

    /// Calls safecp at the far end, and says what is wanted of it. Until that answers, or SFTP in its place, the terminal is ssh's.
    fn reach(&self, host: &Host, wish: ServerRequest) -> Answer {
        self.running.lend_terminal();
        let answer = self.called(host, wish);
        if !matches!(answer, Answer::Lacking(_)) {
            self.running.take_terminal_back();
        }
        answer
    }

    fn called(&self, host: &Host, wish: ServerRequest) -> Answer {
        if self.request.way == Transport::Sftp {
            return Answer::Lacking(NoSafecp::Asked);
        }
        let command = [self.request.far_program.as_os_str(), OsStr::new(" --server")].into_iter().collect::<OsString>();
        let Some(mut reached) = self.call(host, &command) else { return Answer::Failed };
        let greeted = greet(&mut reached.output, Role::Client).and_then(|()| await_greeting(&mut reached.input));
        match greeted {
            Ok(()) => self.ask(reached, host, wish, Origin::There),
            Err(error) => match self.unmet(reached, host, &error) {
                Answer::Lacking(NoSafecp::NotFound(far)) => self.bring(host, wish, far),
                answer => answer,
            },
        }
    }

    /// Sends a safecp there, and says what is wanted of it.
    fn bring(&self, host: &Host, wish: ServerRequest, far: String) -> Answer {
        let parcel = match Parcel::of(self.kernel, &self.request.upload) {
            Ok(Some(parcel)) => parcel,
            Ok(None) => return Answer::Lacking(NoSafecp::NotFound(far)),
            Err(unfit) => return Answer::Lacking(NoSafecp::Unfit(far, unfit)),
        };
        let Some(mut reached) = self.call(host, &parcel.command()) else { return Answer::Failed };
        let (input, output) = (&mut reached.input, &mut reached.output);
        let sent = parcel.send(input, output).and_then(|()| await_greeting(input));
        match sent.and_then(|()| greet(output, Role::Client)) {
            Ok(()) => self.ask(reached, host, wish, Origin::Here),
            Err(error) => match status(reached) {
                Some(status) if status != FAILED => Answer::Lacking(NoSafecp::Unfit(far, Unfit::by_status(status))),
                Some(_) | None => self.lost(host, &error),
            },
        }
    }

    /// Starts a command at the far end.
    fn call(&self, host: &Host, command: &OsStr) -> Option<FarEnd> {
        let mut child = match self.request.ssh.run(host, command) {
            Ok(child) => child,
            Err(error) => {
                let program = quoted(Path::new(&self.request.ssh.program));
                self.failed(format!("cannot run {program}: {}", words(&error)));
                return None;
            }
        };
        let (stdout, stdin, speed_max) = (child.stdout.take()?, child.stdin.take()?, self.request.speed_max);
        host::widen(&stdout);
        host::widen(&stdin);
        let (input, output) = streams(Paced::new(stdout, speed_max), Paced::new(stdin, speed_max));
        Some(FarEnd { child, input, output, features: Features::default() })
    }

    /// Says what is wanted of a far end that has greeted.
    fn ask(&self, mut reached: FarEnd, host: &Host, wish: ServerRequest, origin: Origin) -> Answer {
        let speaker = OsString::from(format!("{}: {host}", self.program));
        let hello = Message::Request { wish, terms: self.request.terms, speaker };
        let met = agree(&mut reached.input, Role::Server).and_then(|features| {
            if self.request.terms.unfinished == Unfinished::Kept && !features.has(Feature::Partial) {
                return Err(io::Error::new(io::ErrorKind::Unsupported, "the safecp there is too old for --partial"));
            }
            send(&mut reached.output, &hello)?;
            reached.output.flush().map(|()| features)
        });
        match met {
            Ok(features) => {
                self.note(host, origin);
                Answer::Safecp(FarEnd { features, ..reached })
            }
            Err(error) => {
                // How it ended says no more than that.
                status(reached);
                self.lost(host, &error)
            }
        }
    }

    fn lost(&self, host: &Host, error: &io::Error) -> Answer {
        self.failed(format!("{host}: {}", words(error)));
        Answer::Failed
    }

    /// What it means that nothing of ours has greeted.
    fn unmet(&self, reached: FarEnd, host: &Host, error: &io::Error) -> Answer {
        let far = self.request.far_program.to_string_lossy().into_owned();
        match status(reached) {
            Some(NOT_FOUND) => Answer::Lacking(NoSafecp::NotFound(far)),
            // A shell that lets nobody in, or a forced command, which SFTP may be: it ends at what is no packet.
            Some(status) if status != FAILED && has_ended(error) => Answer::Lacking(NoSafecp::Silent(far)),
            Some(_) | None => self.lost(host, error),
        }
    }

    /// Says which way was taken (-v).
    fn note(&self, host: &Host, origin: Origin) {
        if self.request.terms.verbosity >= Verbosity::Names {
            let proof = if self.request.terms.verify == Verify::Nothing {
                "not verified"
            } else {
                "verified where it is written"
            };
            let far = self.request.far_program.to_string_lossy();
            let by = match origin {
                Origin::There => format!("by {far} there"),
                Origin::Here => format!("no {far} there: by this one, sent there and checked"),
            };
            self.report.hear(&Event::Noted(&format!("{host}: {by}, {proof}")));
        }
    }

    fn over_sftp<'a>(&'a self, host: &'a Host, lack: NoSafecp) -> OverSftp<'a, K> {
        let Request { ssh, terms, speed_max, listed, .. } = self.request;
        let (kernel, report, listener) = (self.kernel, self.report, self.listener);
        let (running, stop) = (self.running, self.stop);
        let (terms, speed_max, listed) = (*terms, *speed_max, *listed);
        OverSftp { kernel, ssh, host, terms, speed_max, lack, report, listener, running, listed, stop }
    }

    /// What became of both ends.
    fn end(&self, mut child: Child, host: &Host, verdict: Verdict) {
        let is_well = child.wait().is_ok_and(|status| status.success());
        if verdict == Verdict::Failed || !is_well {
            // The far end has said why on its standard error, or this one has.
            self.report.has_failed();
            if verdict == Verdict::Well {
                self.failed(format!("{host}: the far end did not end well"));
            }
        }
    }

    /// Sends files of this machine.
    fn push(&self, host: &Host, target: &Path, paths: &[PathBuf]) {
        let wish = ServerRequest::Receive { target: target.to_owned(), sources: self.sources() };
        let FarEnd { child, input, output, features } = match self.reach(host, wish) {
            Answer::Safecp(reached) => reached,
            Answer::Lacking(lack) => {
                let over_sftp = self.over_sftp(host, lack);
                let is_all = paths.len() == self.request.sources.len();
                return if is_all { over_sftp.push(paths, target) } else { over_sftp.refuse(BOTH) };
            }
            Answer::Failed => return,
        };
        let world = World { local: self.kernel, root: None, intake: None, part: Mutex::default() };
        let streams = (input, output, features);
        let mut sender = Sender::new(&world, self.request.terms, streams, self.listener, self.stop);
        sender.tell_of(self.running);
        sender.write_down(host.to_string(), self.request.listed);
        let verdict = sender.run(paths);
        self.end(child, host, verdict);
    }

    /// Receives files of another machine: those that were asked for, under names that these patterns stand for.
    fn pull(&self, host: &Host, patterns: Vec<PathBuf>, target: &Path) {
        let FarEnd { child, input, output, features } =
            match self.reach(host, ServerRequest::Send { patterns: patterns.clone() }) {
                Answer::Safecp(reached) => reached,
                Answer::Lacking(lack) => return self.over_sftp(host, lack).pull(&patterns, target, self.sources()),
                Answer::Failed => return,
            };
        let receiver = Receiver {
            local: self.kernel,
            root: None,
            terms: self.request.terms,
            host: self.host,
            report: self.report,
            listener: self.listener,
            meter: Some(&self.running.meter),
            kept: (self.request.record, self.request.listed.is_made()),
            stop: Arc::clone(self.stop),
        };
        let name = host.to_string();
        let asked = Asked::by(patterns.iter().map(|pattern| from_home(pattern)));
        let awaited =
            |sent_as: PathBuf| asked.has(&sent_as).then(|| Awaited { shown: label(&name, &sent_as), sent_as });
        let target = unlike_labels(target);
        let several = self.sources();
        let verdict = receiver.run((input, output, features), awaited, |sources| {
            let is_one = several == Sources::One && sources.len() == 1;
            let rule = if is_one { TargetRule::Last } else { TargetRule::Directory };
            Operands { sources, target, rule, strips: false }
        });
        self.end(child, host, verdict);
    }

    /// The same where nothing else will do.
    fn reach_safecp(&self, host: &Host, wish: ServerRequest) -> Option<FarEnd> {
        match self.reach(host, wish) {
            Answer::Safecp(reached) => Some(reached),
            Answer::Lacking(lack) => {
                self.over_sftp(host, lack).refuse(BOTH);
                None
            }
            Answer::Failed => None,
        }
    }

    /// Sends files of another machine to a third, through this one.
    fn relay(&self, (from, patterns): (&Host, Vec<PathBuf>), (to, target): (&Host, &Path)) {
        let several = self.sources() == Sources::Several || patterns.iter().any(|pattern| has_pattern(pattern));
        let sources = if several { Sources::Several } else { Sources::One };
        let wish = ServerRequest::Receive { target: target.to_owned(), sources };
        let Some(sender) = self.reach_safecp(from, ServerRequest::Send { patterns: patterns.clone() }) else { return };
        let Some(receiver) = self.reach_safecp(to, wish) else {
            drop((sender.input, sender.output));
            return self.end(sender.child, from, Verdict::Failed);
        };
        let streams =
            ((sender.input, sender.output, sender.features), (receiver.input, receiver.output, receiver.features));
        let asked = Asked::by(patterns.iter().map(|pattern| from_home(pattern)));
        let verdict = relay(streams, &|path| asked.has(path)).unwrap_or_else(|error| {
            self.failed(words(&error));
            Verdict::Failed
        });
        self.end(sender.child, from, verdict);
        self.end(receiver.child, to, verdict);
    }
}

/// How a far end has ended that is listened to no more.
fn status(reached: FarEnd) -> Option<i32> {
    let FarEnd { mut child, input, output, .. } = reached;
    drop((input, output));
    child.wait().ok().and_then(|status| status.code())
}

fn local(place: &Place) -> Option<PathBuf> {
    match place {
        Place::Local(path) => Some(path.clone()),
        Place::Remote { .. } => None,
    }
}

/// The paths that are asked of each machine: one connection serves all of them.
fn by_host(sources: &[Place]) -> Vec<(&Host, Vec<PathBuf>)> {
    let mut hosts: Vec<(&Host, Vec<PathBuf>)> = Vec::new();
    for source in sources {
        let Place::Remote { host, path } = source else { continue };
        match hosts.iter_mut().find(|(known, _)| *known == host) {
            Some((_, paths)) => paths.push(path.clone()),
            None => hosts.push((host, vec![path.clone()])),
        }
    }
    hosts
}
