//! The side that receives: a run of the engine whose sources are what the peer sends.

use super::answers::Answers;
use super::awaited::Awaited;
use super::connection::{Features, Input, Output, receive, strange, words};
use super::intake::Intake;
use super::kernel::World;
use super::message::{Message, Verdict};
use super::teller::Teller;
use super::terms::Terms;
use crate::copy::meter::Meter;
use crate::error::Error;
use crate::host::{self, Host};
use crate::kernel::Kernel;
use crate::options::{Hints, Options, Record, Reflink};
use crate::report::{Event, Listener, Report};
use crate::tree::plan::{Operands, Plan};
use crate::tree::root::Root;
use crate::tree::run::Run;
use std::io::Result;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// A level of a tree that is received holds a directory open, and none is closed before its end: names come once.
const DIRECTORIES_MAX: usize = 1024;

/// More names of sources than so many bytes are not kept.
const OPERANDS_MAX: u64 = 64 << 20;

/// Where what is sent goes.
pub(super) struct Receiver<'a, K: Kernel> {
    /// The files of this machine.
    pub(super) local: &'a K,
    /// What they lie beneath.
    pub(super) root: Option<K::File>,
    /// What is agreed.
    pub(super) terms: Terms,
    /// What is known of this machine.
    pub(super) host: &'a Host,
    /// Who is told.
    pub(super) report: &'a Report,
    /// Who is told first, and tells it.
    pub(super) listener: &'a dyn Listener,
    /// Where large files are followed.
    pub(super) meter: Option<&'a Meter>,
    /// What is found out of each file, and whether that is what a manifest takes.
    pub(super) kept: (Record, bool),
    /// Set where the run is to end.
    pub(super) stop: Arc<AtomicBool>,
}

impl<K: Kernel> Receiver<'_, K> {
    /// Receives everything that is sent by a sender that knows these features. `awaited` tells what an operand is called here,
    /// `None` if it was not asked for; `operands` makes of these names what is to be copied where.
    pub(super) fn run(
        self,
        (mut input, output, features): (Input, Output, Features),
        awaited: impl Fn(PathBuf) -> Option<Awaited>,
        operands: impl FnOnce(Vec<PathBuf>) -> Operands,
    ) -> Verdict {
        let sent = match receive_operands(&mut input) {
            Ok(sent) => sent.into_iter().map(awaited).collect::<Option<Vec<_>>>(),
            Err(error) => return self.broken(&words(&error)),
        };
        let Some(sent) = sent.filter(|sent| !sent.is_empty()) else { return self.broken(&strange().to_string()) };
        let operands = operands(sent.iter().map(|operand| operand.shown.clone()).collect());
        let options = self.options();
        let called: Vec<_> = sent.iter().map(|operand| (operand.shown.clone(), operand.sent_as.clone())).collect();
        let intake =
            Mutex::new(Intake::new((input, output, features.clone()), sent, self.terms, Arc::clone(&self.stop)));
        let world = World { local: self.local, root: self.root, intake: Some(&intake), part: Mutex::default() };
        let plan = Plan::new(&world, &operands);
        let root = match &plan {
            Ok(plan) if !plan.is_into_directory() => Root::Target,
            Ok(_) | Err(_) => Root::Targets,
        };
        let teller = Teller::new((self.terms.tell, features), root, called.into_iter());
        let answers = Answers { listener: self.listener, intake: &intake, teller };
        let mut run = Run::new(&world, &options, self.host, &self.stop, &answers, &|_| false);
        if let Some(meter) = self.meter {
            run.measure(meter);
        }
        // What a second look would find is not where the names of a list lie.
        match plan {
            Ok(_) => run.operands(&operands),
            Err(error) => answers.hear(&Event::Failed(&error)),
        }
        answers.say_notes();
        let verdict = if self.report.is_well() { Verdict::Well } else { Verdict::Failed };
        let mut intake = intake.lock().unwrap_or_else(PoisonError::into_inner);
        let finished = intake.finish(verdict);
        match (intake.broken(), finished) {
            (Some(why), _) => {
                self.listener.hear(&Event::Failed(&Error::Refused(why.to_owned())));
                Verdict::Failed
            }
            (None, Err(_)) => Verdict::Failed,
            (None, Ok(())) => verdict,
        }
    }

    fn broken(&self, why: &str) -> Verdict {
        // Whoever asked the run to end knows why.
        if !self.stop.load(Ordering::Relaxed) {
            self.listener.hear(&Event::Failed(&Error::Refused(why.to_owned())));
        }
        Verdict::Failed
    }

    /// The options of the engine. What is sent has no map and no clone.
    fn options(&self) -> Options {
        let (user, group, umask) = (host::user(), host::group(), host::umask());
        let options = Options { umask, user, group, privileged: user == 0, ..self.terms.options() };
        let options = options.within(host::allow_many_files());
        let (record, seals) = self.kept;
        Options {
            record,
            seals,
            directories_max: DIRECTORIES_MAX,
            reflink: Reflink::Never,
            hints: Hints::Never,
            ..options
        }
    }
}

/// The names of all sources.
fn receive_operands(input: &mut Input) -> Result<Vec<PathBuf>> {
    let (mut all, mut size) = (Vec::new(), 0);
    loop {
        let (message, length) = receive(input)?;
        size += length;
        match message {
            Message::Operands(sent) => {
                all.extend(sent);
                return Ok(all);
            }
            Message::MoreOperands(sent) if size <= OPERANDS_MAX && !sent.is_empty() => all.extend(sent),
            _ => return Err(strange()),
        }
    }
}
