//! A search for victims of past copies.

use super::failure::{Failure, complain};
use super::lists::with_list;
use crate::host::Environment;
use crate::report::{Event, Listener};
use crate::scan::{self, Scan};
use std::process::ExitCode;

/// Looks for victims of past copies, and tells each.
pub(super) fn scan(environment: &Environment, request: &scan::Request) -> Result<ExitCode, Failure> {
    with_list(environment, request.jobs, |(sealing, threads, report)| {
        let hear = |finding: &scan::Finding| match (finding, scan::text::line(finding)) {
            (scan::Finding::Failed(error), _) => report.hear(&Event::Failed(error)),
            (scan::Finding::Suspect(..), line) => line.iter().for_each(|line| report.line(line)),
        };
        let tally = Scan { kernel: sealing.kernel, threads, stop: sealing.stop, hear: &hear }.run(request)?;
        if tally.is_clean() {
            report.line(&scan::text::summary(&tally));
        } else {
            complain(environment.program, &scan::text::summary(&tally));
            scan::text::advice(&tally).into_iter().for_each(|advice| complain(environment.program, advice));
        }
        Ok(tally.is_clean())
    })
}
