//! One run in a world with trees, through the engine's own door, with what it says kept in memory.

use super::super::kernel::Sim;
use super::super::world::World;
use super::scenario::Scenario;
use safecp::host::Host;
use safecp::kernel::retry::Retrying;
use safecp::report::Report;
use safecp::tree::run::Run;
use std::io::Write;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError};

/// What came of a run.
pub struct Driven {
    /// Exit status 0.
    pub succeeded: bool,
    /// Standard error.
    pub messages: String,
    pub sim: Sim,
}

/// What is written to it is kept.
#[derive(Clone, Default)]
pub struct Kept(Arc<Mutex<Vec<u8>>>);

impl Kept {
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap_or_else(PoisonError::into_inner)).into_owned()
    }
}

impl Write for Kept {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Carries the scenario's order out.
pub fn drive(scenario: &mut Scenario) -> Driven {
    let sim = Sim::new(std::mem::replace(&mut scenario.world, World::new(0, Vec::new())));
    let kernel = Retrying(sim.clone());
    let (host, stop) = (Host { kernel: (6, 12), ..Host::default() }, AtomicBool::new(false));
    let messages = Kept::default();
    let report =
        Report::new("safecp", scenario.options.verbosity, Box::new(std::io::sink()), Box::new(messages.clone()));
    let mut run = Run::new(&kernel, &scenario.options, &host, &stop, &report, &|_| true);
    run.cut(scenario.geometry);
    run.operands(&scenario.order.operands());
    drop(run);
    let succeeded = report.finish();
    Driven { succeeded, messages: messages.text(), sim }
}
