//! A manifest of a copy, made in passing: a listener that hands every event on.

use super::digest::Digest;
use super::manifest::{Extent, Manifest, Written};
use super::open::{Links, beneath, sha256_of_known};
use crate::copy::Sealed;
use crate::error::{Action, Error};
use crate::kernel::{Kernel, Kind, OFlags};
use crate::path::directory_of;
use crate::report::{Event, Listener};
use crate::tree::root::Root;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

/// Listens to a run and makes a manifest of it.
pub struct Recorder<'a, K: Kernel> {
    kernel: &'a K,
    next: &'a dyn Listener,
    manifest: Manifest<'a, K>,
    root: Root,
    /// The directory of all targets, if it could be opened.
    base: Option<K::File>,
    /// What a record failed of first.
    failure: Mutex<Option<Error>>,
    /// Whether anything failed of the run, so that names may be missing.
    has_failed: AtomicBool,
}

impl<'a, K: Kernel> Recorder<'a, K> {
    /// One that hands events on to `next`.
    pub fn new(
        kernel: &'a K,
        next: &'a dyn Listener,
        manifest: Manifest<'a, K>,
        root: Root,
        base: Option<K::File>,
    ) -> Self {
        Self { kernel, next, manifest, root, base, failure: Mutex::default(), has_failed: AtomicBool::default() }
    }

    fn note(&self, path: &Path, sealed: &Sealed) {
        if let Err(error) = self.record(path, sealed) {
            self.failure.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
        }
    }

    /// Whether a name that was copied belongs to the manifest, which will take its place.
    fn is_own(&self, path: &Path) -> bool {
        let (Some(base), Some(name)) = (&self.base, path.file_name().map(Path::new)) else { return false };
        let dir = || self.kernel.stat_at(Some(base), directory_of(path), true);
        self.manifest.may_be_own(name) && dir().is_ok_and(|dir| self.manifest.is_own(&dir, name))
    }

    fn record(&self, path: &Path, sealed: &Sealed) -> Result<(), Error> {
        if self.is_own(path) {
            return Ok(());
        }
        let name = self.root.name_of(path, sealed.stat.kind);
        let is_asked = self.manifest.takes_sha256() && sealed.stat.kind == Kind::File;
        let sha256 = match (&sealed.digests, &self.base) {
            _ if sealed.sha256.is_some() => sealed.sha256.as_ref().map(Digest::sha256),
            (Some(digests), Some(base)) if is_asked => {
                let file = beneath(self.kernel, base, path, OFlags::RDONLY | OFlags::NONBLOCK, Links::None);
                let file = file.map_err(|errno| Error::call(Action::OpenSource, path, errno))?;
                Some(sha256_of_known(self.kernel, &file, path, &digests.whole)?)
            }
            (Some(_) | None, _) => None,
        };
        self.manifest.add(&name, sealed, sha256)
    }

    /// The run has failed in a way that was told elsewhere.
    pub fn has_failed(&self) {
        self.has_failed.store(true, Ordering::Relaxed);
    }

    /// Writes the manifest, unless a record of it failed, and tells where it is if not under its name.
    pub fn finish(&self) -> Result<Written, Error> {
        if let Some(error) = self.failure.lock().unwrap_or_else(PoisonError::into_inner).take() {
            return Err(error);
        }
        let extent = if self.has_failed.load(Ordering::Relaxed) { Extent::Partial } else { Extent::Whole };
        let written = self.manifest.finish(extent)?;
        self.manifest.note(&written).iter().for_each(|note| self.next.hear(&Event::Noted(note)));
        Ok(written)
    }
}

impl<K: Kernel> Listener for Recorder<'_, K> {
    fn hear(&self, event: &Event<'_>) {
        match event {
            Event::Finished { path, sealed: Some(sealed), .. } => self.note(path, sealed),
            Event::DirectoryFinished { path, sealed } => self.note(path, sealed),
            Event::Failed(Error::Noted(_)) => {}
            Event::Failed(_) | Event::Misused(_) => self.has_failed(),
            Event::Finished { sealed: None, .. }
            | Event::DirectoryMade { .. }
            | Event::ParentMade { .. }
            | Event::DirectoryCreated { .. }
            | Event::Examined { .. }
            | Event::Found(_)
            | Event::Mended { .. }
            | Event::Noted(_)
            | Event::Removed { .. }
            | Event::Full(_)
            | Event::Warned(_)
            | Event::Renamed { .. }
            | Event::Exchanged { .. }
            | Event::SourceRemoved { .. } => {}
        }
        self.next.hear(event);
    }
}
