//! A search for victims of past copies.

use super::apart::must_be_apart;
use super::failure::Failure;
use super::lists::{conclude, with_list};
use crate::account::{Telling, Total};
use crate::exit_code::ExitCode;
use crate::host::Environment;
use crate::kernel::linux::Linux;
use crate::options::{Verbosity, Work};
use crate::report::{Event, Listener};
use crate::scan::{self, Scan};
use std::path::Path;

/// Looks for victims of past copies, and tells each.
pub(super) fn scan(environment: &Environment, request: &scan::Request) -> Result<ExitCode, Failure> {
    must_be_apart(&Linux::new(), &request.accounts, None, &request.operands)?;
    let telling = Telling::begin(environment, &request.accounts, Verbosity::Quiet)?.of(Work::Examine);
    let count = |kernel: &_, is_over: &_| scan::count(kernel, request, is_over).map(Total::of_names);
    with_list(&telling, request.jobs, count, |(sealing, threads), account| {
        let hear = |finding: &scan::Finding| scan::text::tell(finding, account);
        let examined = |path: &Path, bytes| account.hear(&Event::Examined { path, bytes });
        let (kernel, stop, meter) = (sealing.kernel, sealing.stop, sealing.meter);
        let tally = Scan { kernel, threads, stop, hear: &hear, examined: &examined, meter }.run(request)?;
        let (summary, advice) = (scan::text::summary(&tally), scan::text::advice(&tally));
        conclude(&telling.report, tally.is_clean(), &summary, advice);
        Ok(tally.is_clean())
    })
}
