//! Several targets (`-t DIR1 -t DIR2`): a run for each, side by side, over the same sources.
//!
//! Each run verifies its target by itself against what it read of the source, and none waits for another. The page cache
//! joins them: what one has read from the device the others find there (docs/design/several-targets.md). What fails in
//! one target stops no other.

mod apart;
mod listener;
mod side_by_side;

use crate::account::{Account, Accounts, Part};
use crate::archive::manifest::ManifestDirectory;
use crate::archive::recorder::Recorder;
use crate::archive::{Manifest, Wanted, Written};
use crate::copy::meter::Meter;
use crate::error::Error;
use crate::host::Host;
use crate::kernel::Kernel;
use crate::options::Options;
use crate::quote::quoted;
use crate::report::{Event, Listener};
use crate::tree::overwrite::Ask;
use crate::tree::plan::{Operands, Plan};
use crate::tree::root::Root;
use crate::tree::run::Run;
use listener::{MessagesOfAll, TargetListener};
use side_by_side::side_by_side;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

/// What a command line with several targets asks for.
#[derive(Debug)]
pub struct Request {
    /// How.
    pub options: Options,
    /// What, for each target: the same sources, into a directory.
    pub operands: Vec<Operands>,
    /// The manifest that is made of one of them.
    pub manifest: Option<Wanted>,
    /// What is told of it beside its messages.
    pub accounts: Accounts,
    /// What there is to say beforehand.
    pub warnings: Vec<String>,
}

/// When the runs go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// All at once, as far as there are threads.
    SideBySide,
    /// One after the other, so that what happens can be repeated.
    InTurn,
}

/// What the runs share.
pub struct Targets<'a, K: Kernel> {
    /// The system calls.
    pub kernel: &'a K,
    /// How.
    pub options: &'a Options,
    /// The machine.
    pub host: &'a Host,
    /// True once a signal asked all to end.
    pub stop: &'a AtomicBool,
    /// Who is told what happens.
    pub listener: &'a dyn Listener,
    /// Where it is written down and counted.
    pub account: &'a Account<'a>,
    /// How far large files are.
    pub meter: &'a Meter,
    /// A name that is in no tree.
    pub left_out: Option<&'a Path>,
    /// Puts -i's question.
    pub ask: Ask<'a>,
    /// When the runs go.
    pub order: Order,
}

impl<K: Kernel> Targets<'_, K> {
    /// Copies into each target. What fails there is told; an error is what forbids to begin.
    pub fn copy(&self, operands: &[Operands], wanted: Option<&Wanted>) -> Result<(), Error> {
        apart::check(self.kernel, operands)?;
        let directory = wanted.map(|wanted| ManifestDirectory::open(self.kernel, wanted)).transpose()?;
        let told = MessagesOfAll::default();
        let heard: Vec<_> = operands.iter().map(|_| TargetListener::new(self.listener, &told)).collect();
        let both = operands.iter().zip(&heard);
        let parts: Vec<Part<'_>> =
            both.map(|(operands, heard)| Part::begin(self.account, &operands.target, heard)).collect();
        match wanted.zip(directory.as_ref()) {
            None => self.runs(operands, &parts, &parts.iter().map(|part| part as &dyn Listener).collect::<Vec<_>>()),
            Some((wanted, directory)) => self.runs_with_manifest(operands, (&heard, &parts), (wanted, directory)),
        }
        if !self.is_stopped() {
            self.conclude(operands, &heard);
        }
        let is_complete = |heard: &TargetListener<'_>| heard.failures() == 0 && !self.is_stopped();
        parts.iter().zip(&heard).for_each(|(part, heard)| part.finish(is_complete(heard)));
        Ok(())
    }

    /// A run for each, to its end.
    fn runs(&self, operands: &[Operands], parts: &[Part<'_>], listeners: &[&dyn Listener]) {
        let turn = Mutex::new(());
        let ask = |question: &str| {
            let _turn = turn.lock().unwrap_or_else(PoisonError::into_inner);
            (self.ask)(question)
        };
        let run = |((operands, part), listener): &((&Operands, &Part<'_>), &&dyn Listener)| {
            let mut run = Run::new(self.kernel, self.options, self.host, self.stop, **listener, &ask);
            run.measure(self.meter);
            run.leave_out(self.left_out);
            run.operands(operands);
            part.is_over();
        };
        let works: Vec<_> = operands.iter().zip(parts).zip(listeners).collect();
        match self.order {
            Order::SideBySide => side_by_side(&works, &run),
            Order::InTurn => works.iter().for_each(run),
        }
    }

    /// The same, with a list of what is in the first target that has the fewest failures.
    fn runs_with_manifest(
        &self,
        operands: &[Operands],
        (heard, parts): (&[TargetListener<'_>], &[Part<'_>]),
        (wanted, directory): (&Wanted, &ManifestDirectory<K>),
    ) {
        let recorder = |(operands, part)| {
            let base = Plan::new(self.kernel, operands).ok().and_then(|plan| plan.open_base(self.kernel).ok());
            let (has_base, manifest) = (base.is_some(), Manifest::begin(self.kernel, wanted, directory));
            let recorder = Recorder::new(self.kernel, part, manifest, Root::Targets, base);
            if !has_base {
                // The run says why. What a second look would let it copy is not where the list would say.
                recorder.has_failed();
            }
            recorder
        };
        let recorders: Vec<_> =
            operands.iter().zip(parts.iter().map(|part| part as &dyn Listener)).map(recorder).collect();
        self.runs(operands, parts, &recorders.iter().map(|recorder| recorder as &dyn Listener).collect::<Vec<_>>());
        let of_each = operands.iter().zip(heard.iter().zip(parts)).zip(recorders).enumerate();
        let Some((number, ((operands, (_, part)), recorder))) =
            of_each.min_by_key(|(_, ((_, (heard, _)), _))| heard.failures())
        else {
            return;
        };
        if self.is_stopped() {
            return;
        }
        match recorder.finish() {
            Err(error) => part.hear(&Event::Failed(&error)),
            Ok(Written::Manifest) if number > 0 => {
                let (list, target) = (quoted(&wanted.file), quoted(&operands.target));
                self.listener.hear(&Event::Noted(&format!("{list} lists what is in target directory {target}")));
            }
            Ok(Written::Incomplete(list)) => {
                let (list, target) = (quoted(&list), quoted(&operands.target));
                self.listener.hear(&Event::Noted(&format!("{list} lists what is in target directory {target}")));
            }
            Ok(Written::Manifest | Written::Nothing) => {}
        }
    }

    /// Says of each target whether it has everything, if one has not.
    fn conclude(&self, operands: &[Operands], heard: &[TargetListener<'_>]) {
        if heard.iter().all(|heard| heard.failures() == 0) {
            return;
        }
        for (operands, heard) in operands.iter().zip(heard) {
            let target = quoted(&operands.target);
            let is = match heard.failures() {
                0 => "is complete".to_owned(),
                1 => "is incomplete: 1 failure".to_owned(),
                failures => format!("is incomplete: {failures} failures"),
            };
            self.listener.hear(&Event::Noted(&format!("target directory {target} {is}")));
        }
    }

    fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }
}
