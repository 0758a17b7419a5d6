//! Files of the far end to this machine.
//!
//! Many files are on their way at once, each through the same steps: it is opened and looked at, read, and read back here; the far
//! end makes a digest of it, or it is read once more; and only then it gets its name. Names that the server sends are single names
//! in directories whose handles are open: nothing is written elsewhere, whatever it says.
//!
//! What all files share is [`Pull`]; its methods stand in the room that they are about.

mod comparison;
mod content;
mod destination;
mod directories;
mod files;
mod names;
mod run;
mod sealing;
mod types;
mod verification;

use super::connection::IdleConnection;
use super::glob;
use super::landing::Landings;
use super::pace::Pace;
use super::reading::Readings;
use super::types::{Failure, Near, Reach, TransferEvent, Wishes};
use crate::copy::stale_temporary::TemporaryNames;
use crate::kernel::{Errno, Kernel};
use destination::Destination;
use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use types::{Operand, Pull};

/// Files that are being read, at most. Each has a handle here and one there.
const FILES_MAX: usize = 128;

/// Copies far files and directories into a local directory, or one to a local name. Patterns in the last names of sources mean what they match.
///
/// On success every file that was told [`TransferEvent::Copied`] was verified as that says and has its name. Of any other the target has
/// what it had.
pub fn pull<K: Kernel>(
    near: &Near<'_, K>,
    reach: &dyn Reach,
    sources: &[PathBuf],
    target: &Path,
    wishes: &Wishes,
    tell: &mut dyn FnMut(&TransferEvent<'_>),
) -> Result<(), Failure> {
    let mut opened = IdleConnection::new(reach, wishes)?;
    tell(&TransferEvent::Verifying(opened.proof()));
    let mut operands = Vec::new();
    for source in sources {
        let found = glob::matches(&mut opened.server, source.as_os_str().as_bytes())?;
        found.refused.iter().for_each(|failure| tell(&TransferEvent::Failed(failure)));
        if found.paths.is_empty() && found.refused.is_empty() {
            let reason = crate::error::reason(Errno::NOENT);
            tell(&TransferEvent::Failed(&Failure::Far {
                action: "cannot stat",
                name: source.as_path().into(),
                reason,
            }));
        }
        for path in found.paths {
            let absolute = opened.absolute(&path)?;
            operands.push(Operand { typed: path, absolute });
        }
    }
    let destination = Destination::find(near.kernel, target, operands.len(), wishes.tree)?;
    let files_max = FILES_MAX.min(opened.server.lengths().handles / 4).max(1);
    let landings = Landings { kernel: near.kernel, names: TemporaryNames::default(), wishes, lacks_links: false };
    let mut pull = Pull {
        near,
        wishes,
        tell,
        connection: opened.begin(),
        landings,
        operands: operands.into_iter(),
        given: BTreeMap::new(),
        base: destination.dir.shown.clone(),
        destination,
        files_max,
        levels: Vec::new(),
        looking: BTreeMap::new(),
        files: BTreeMap::new(),
        next_number: 0,
        readings: Readings::default(),
        digests: BTreeMap::new(),
        waiting: BTreeSet::new(),
        is_over: false,
        has_ended_digests: false,
        pace: Pace::new(wishes.speed_max),
    };
    let done = pull.run();
    if done.is_ok() {
        pull.connection.client.end();
        return done;
    }
    // What is here of files goes; the far end has nothing of ours but open handles.
    for file in pull.files.values_mut() {
        pull.landings.discard(&mut file.landing);
    }
    done
}
