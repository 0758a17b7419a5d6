//! Whether two files hold the same: asked where nothing else tells that an earlier copy is one of this source too.

use super::copier::Copier;
use super::digest::Digests;
use super::outcome::{Special, Thing};
use super::pass::{Digested, End, Holes, Mode, Pass, Position, TargetHoles, Zeros};
use super::sealed::{KnownContent, Sealing};
use super::stopped::Stopped;
use super::types::Source;
use crate::error::{Action, Error};
use crate::kernel::{Kernel, Stat};
use std::path::{Path, PathBuf};

/// What two files hold that hold the same.
pub(crate) struct SameBytes {
    /// BLAKE3 of it, where digests are told, or this one was.
    pub(crate) digests: Option<Digests>,
}

impl SameBytes {
    /// What is told of an old file, as it was found, that holds them already.
    pub(crate) fn already(self, found: &Stat, complaints: Vec<Error>, backup: Option<PathBuf>) -> Special {
        let (identity, size) = ((found.dev, found.ino), found.size);
        let content = self.digests.map(|digests| Box::new(KnownContent { identity, size, digests }));
        Special { content, ..Special::new(Thing::Same, complaints, backup) }
    }
}

impl<K: Kernel> Copier<'_, K> {
    /// Whether two regular files, both open for reading, hold the same bytes; `None` if they do not, or if the source changed while it
    /// was read. Of a source whose digest is told nothing is read.
    pub(crate) fn holds_same_bytes(
        &self,
        source: &Source<'_, K::File>,
        copy: &K::File,
        copy_shown: &Path,
    ) -> Result<Option<SameBytes>, Error> {
        let failed = |errno| Error::call(Action::Read, copy_shown, errno);
        if let Some(digest) = self.kernel.told(source.file) {
            let sealing = Sealing { threads: None, ..self.sealing() };
            let (size, digests) = sealing.content(copy, copy_shown, source.stat.size)?;
            let is_same = size == source.stat.size && *digests.whole.as_bytes() == digest;
            return Ok(is_same.then_some(SameBytes { digests: Some(digests) }));
        }
        self.outwait_times(source)?;
        let following = self.meter.and_then(|meter| meter.follow_reading(source.shown, source.stat.size));
        let pass = Pass {
            kernel: self.kernel,
            source: source.file,
            target: copy,
            size: source.stat.size,
            end: End::ByRead,
            source_position: Position::Any,
            target_position: Position::Any,
            mode: Mode::Compare,
            zeros: Zeros::Written,
            holes: Holes::Unmapped,
            target_holes: TargetHoles::ByBytes,
            digested: if self.options.tells_digests() { Digested::Everything } else { Digested::Nothing },
            geometry: self.geometry,
            threads: self.threads_for(source.stat.size),
            stop: self.stop,
            moving: following.as_ref().map(|following| &*following.moving),
        };
        match pass.run() {
            Ok(passed) => {
                let is_same =
                    self.kernel.stat(copy).map_err(failed)?.size == passed.size && !self.has_changed(source)?;
                Ok(is_same.then_some(SameBytes { digests: passed.digests }))
            }
            Err(Stopped::Different(_) | Stopped::Truncated | Stopped::Longer | Stopped::Nonsense) => Ok(None),
            Err(Stopped::Failed(Action::Read, errno)) => Err(Error::call(Action::Read, source.shown, errno)),
            Err(Stopped::Failed(_, errno)) => Err(failed(errno)),
            Err(Stopped::Interrupted) => Err(Error::Interrupted),
        }
    }
}
