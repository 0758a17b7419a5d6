//! A target that has lost its old content and not got its new one: the copy that was verified stays, and the message tells where.
//!
//! It gets a name, or keeps the one that it has. Where a file that is open can be given none, as a filter refuses linkat, its bytes go
//! into another one that is made with a name.

use super::commit::{ELSEWHERE, Temporary};
use super::copier::{Copier, Job};
use super::sink::Content;
use crate::error::Error;
use crate::kernel::{Kernel, Mode, OFlags, ResolveFlags};
use crate::path::beside;
use crate::quote::quoted;
use std::path::{Path, PathBuf};

impl<K: Kernel> Copier<'_, K> {
    /// What is said of an old file that had to be emptied or removed, and has not got its new content, which is in `copy`. What failed
    /// and what is left at the target come before.
    pub(super) fn lost(
        &self,
        job: &Job<'_, K::File>,
        mut copy: Temporary<'_, K>,
        content: Option<Content<'_>>,
        (error, left): (&Error, &str),
    ) -> Error {
        let (source, target) = (quoted(job.source.shown), quoted(job.target.shown));
        let kept = copy.keep().or_else(|| self.copied_again(job, &copy, content));
        let kept = kept.map(|name| beside(job.target.shown, name));
        Error::Refused(match kept {
            Some(kept) => format!("{error}; {target} {left}, a verified copy of {source} is {}", quoted(&kept)),
            None => format!("{error}; {target} {left}, and no copy of {source} could be kept"),
        })
    }

    /// Copies what can have no name into a file that has one: beside the target, or in a directory for temporary files, by whose path it
    /// is told then.
    fn copied_again(
        &self,
        job: &Job<'_, K::File>,
        copy: &Temporary<'_, K>,
        content: Option<Content<'_>>,
    ) -> Option<PathBuf> {
        let beside = job.target.directory().ok().and_then(|dir| self.copied_into(job, dir, copy, content));
        beside.or_else(|| {
            ELSEWHERE.into_iter().find_map(|path| {
                let flags = OFlags::PATH | OFlags::DIRECTORY;
                // Where there is no such directory the next may do.
                let dir = self.kernel.open(None, Path::new(path), flags, Mode::empty(), ResolveFlags::empty()).ok()?;
                self.copied_into(job, &dir, copy, content).map(|name| Path::new(path).join(name))
            })
        })
    }

    fn copied_into(
        &self,
        job: &Job<'_, K::File>,
        dir: &K::File,
        copy: &Temporary<'_, K>,
        content: Option<Content<'_>>,
    ) -> Option<PathBuf> {
        // Whatever fails, there are other places; why the target is lost is on its way.
        let named = Temporary::create_plain(self.spot(dir, self.honesty_of(dir))).ok()?;
        if let Some(content) = content {
            self.move_into(job, copy.file(), named.file(), content, false).ok()?;
        }
        self.report_writes(job, named.file()).ok()?;
        named.stay()
    }
}
