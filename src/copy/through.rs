//! Targets that are written through and keep their inode, because they are no files on a disk: devices, fifos, and the
//! values that the kernel shows as files in /proc and /sys.
//!
//! A block device is read back as a file is, from itself. Of a value nothing can be: its size says nothing, one write(2)
//! decides what becomes of it, and what a read gives is made up by the kernel.

use super::copier::{Copier, Job};
use super::sink::{Sink, cannot_create};
use super::types::Placement;
use super::verify::cannot_prove;
use crate::error::Error;
use crate::kernel::{Kernel, Kind, OFlags};
use crate::known::filesystems::Honesty;
use crate::options::{Product, Verify};

/// The most of a value that is handed over at once: as much as GNU cp does.
pub(super) const VALUE_SLICE: usize = 256 << 10;

impl<K: Kernel> Copier<'_, K> {
    /// What is no regular file. A fifo that nobody reads, or that is full, is an error where it is not waited for.
    pub(super) fn device<'j>(&'j self, job: &Job<'j, K::File>) -> Result<Sink<'j, K>, Error> {
        let is_block = job.facts.found.is_some_and(|found| found.kind == Kind::BlockDevice);
        if !is_block {
            self.must_not_be_proven(job, "it is no file on a disk")?;
        }
        let reads_back = is_block && self.options.verify != Verify::Nothing && self.makes_data();
        let access = if reads_back { OFlags::RDWR } else { OFlags::WRONLY };
        let waits = if job.facts.waits { OFlags::empty() } else { OFlags::NONBLOCK };
        let file = job.target.open(self.kernel, access | waits).map_err(|errno| cannot_create(job, errno))?;
        self.expected(job, &file)?;
        Ok(Sink::old(if is_block { Placement::BlockDevice } else { Placement::Through }, file))
    }

    /// Whether the target is a value of /proc, /sys or the like; what cannot be told is none, and fails when it is opened.
    pub(super) fn is_value(&self, job: &Job<'_, K::File>) -> bool {
        let target_directory = job.facts.target_directory;
        match job.facts.found {
            Some(found) if found.kind != Kind::File => false,
            Some(found) if target_directory.dev == Some(found.dev) => target_directory.honesty == Honesty::Pseudo,
            Some(_) => {
                let file = job.target.open(self.kernel, OFlags::PATH);
                file.is_ok_and(|file| self.honesty_of(&file) == Honesty::Pseudo)
            }
            None => false,
        }
    }

    /// Opens a value as cp does: it is told that it is emptied, which some of tracefs heed.
    pub(super) fn value<'j>(&'j self, job: &Job<'j, K::File>) -> Result<Sink<'j, K>, Error> {
        self.must_not_be_proven(job, "the kernel makes it up when it is read")?;
        let empties = if self.makes_data() { OFlags::TRUNC } else { OFlags::empty() };
        let file = self.open(job.target, OFlags::WRONLY | empties).map_err(|errno| cannot_create(job, errno))?;
        self.expected(job, &file)?;
        Ok(Sink::old(Placement::Value, file))
    }

    fn makes_data(&self) -> bool {
        self.options.product != Product::Attributes
    }

    /// --verify=device cannot be had of what is not on a device.
    fn must_not_be_proven(&self, job: &Job<'_, K::File>, why: &str) -> Result<(), Error> {
        if self.options.verify != Verify::Device || !self.makes_data() {
            return Ok(());
        }
        Err(cannot_prove(job.target.shown, why))
    }
}
