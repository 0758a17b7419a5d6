//! Options and the host, where this process is what it is.

use crate::host::{self, Host};
use crate::options::Options;
use crate::report::{Event, Listener, Report};
use std::path::Path;

/// The options where this process is what it is.
pub(super) fn of_this_process(options: Options, umask: u32) -> Options {
    let (user, group) = (host::user(), host::group());
    let keeps_set_ids = host::keeps_set_ids();
    Options { umask, user, group, privileged: user == 0, keeps_set_ids, ..options }.within(host::allow_many_files())
}

/// What is known of the machine, with what its administrator has said of extended attributes, if those are carried.
pub(super) fn this_host(options: &Options, report: &Report) -> Host {
    let mut host = host::this_host();
    if options.preserve.mode.wanted() || options.preserve.xattr.wanted() {
        let (attributes, unused) = host::attribute_rules(Path::new(host::ATTRIBUTE_RULES));
        unused.iter().for_each(|warning| report.hear(&Event::Warned(warning)));
        host.attributes = attributes;
    }
    host
}
