//! The words that all of a file's copying shares: its two ends, how it arrives, and when to stop.

use crate::kernel::{Errno, Kernel, Kind, Mode, OFlags, ResolveFlags, Stat};
use crate::known::filesystems::{Honesty, Keeping};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

/// More hole bytes than this are not hashed where the map is believed: the file then has no digest.
/// Hashing so many zeros takes some hundredths of a second.
pub(super) const HOLES_HASHED_MAX: u64 = 256 << 20;

/// The sizes a file is cut into, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Geometry {
    /// One read and one write; at most this much memory for each of two buffers per thread.
    pub slice: usize,
    /// What is hashed by itself and handed to one thread: 1024 times a power of two, and a multiple
    /// of the slice.
    pub piece: u64,
    /// The smallest hole that is made.
    pub block: usize,
    /// The largest file that is small: to prove its clone costs more than to copy it (docs/design/small-files.md).
    pub small: u64,
    /// The shortest range of a file that several runs share: a power of two times the piece.
    pub range: u64,
}

impl Default for Geometry {
    fn default() -> Self {
        Self { slice: 128 << 10, piece: 1 << 20, block: 4096, small: 16 << 10, range: 64 << 20 }
    }
}

/// Which symbolic links a look-up goes through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Follow {
    /// None in the last component, which is the only one inside a tree.
    No,
    /// Those that stay beneath the directory.
    Beneath,
    /// All: the user named it.
    Yes,
}

/// A name in a directory, and what the user would call it.
#[derive(Debug)]
pub struct Name<'a, F> {
    /// The directory that `name` is looked up in; `None` is the working directory.
    pub dir: Option<&'a F>,
    /// One component within a tree; a path for an operand of the command line.
    pub name: &'a Path,
    /// For messages.
    pub shown: &'a Path,
    /// Which links count.
    pub follow: Follow,
}

impl<F> Clone for Name<'_, F> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<F> Copy for Name<'_, F> {}

impl<'a, F> Name<'a, F> {
    /// A single component in an open directory.
    #[must_use]
    pub fn within(dir: &'a F, name: &'a Path, shown: &'a Path) -> Self {
        Self { dir: Some(dir), name, shown, follow: Follow::No }
    }

    /// The same name with another rule about links.
    #[must_use]
    pub fn following(self, follow: Follow) -> Self {
        Self { follow, ..self }
    }

    /// The directory's handle. Targets have one; without it the answer is EBADF.
    pub fn directory(&self) -> crate::kernel::Result<&'a F> {
        self.dir.ok_or(Errno::BADF)
    }

    /// Opens it.
    pub fn open<K: Kernel<File = F>>(&self, kernel: &K, flags: OFlags) -> crate::kernel::Result<F> {
        let (extra, resolve) = match self.follow {
            Follow::No => (OFlags::NOFOLLOW, ResolveFlags::empty()),
            Follow::Beneath => (OFlags::empty(), ResolveFlags::BENEATH),
            Follow::Yes => (OFlags::empty(), ResolveFlags::empty()),
        };
        // openat2 takes no other flags beside O_PATH than those about the look-up.
        let terminal = if flags.contains(OFlags::PATH) { OFlags::empty() } else { OFlags::NOCTTY };
        kernel.open(self.dir, self.name, flags | extra | terminal, Mode::empty(), resolve)
    }
}

/// An open source.
pub struct Source<'a, F> {
    /// Open for reading.
    pub file: &'a F,
    /// As it was when it was opened.
    pub stat: &'a Stat,
    /// For messages.
    pub shown: &'a Path,
    /// The filesystem of the directory it was found in, if that directory's handle is still open.
    pub origin: Option<Origin>,
}

impl<F> Source<'_, F> {
    /// Whether it can be read from the beginning again. What a pipe or a device has given is gone, or another place is reached: a second
    /// copy of it would be what was left, and equal to that.
    pub(crate) fn can_be_read_again(&self) -> bool {
        self.stat.kind == Kind::File
    }
}

/// The filesystem of an open directory: asked once for all names in it. A file with the same device lies on it,
/// since the handle keeps that number from being given to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Origin {
    /// The directory's device.
    pub dev: u64,
    /// The filesystem's magic number.
    pub magic: u32,
}

/// How a regular file arrives at its target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Placement {
    /// Under a name that is free.
    New,
    /// Under a name that is free, from the beginning: it could be given none later.
    Own,
    /// In the place of an old file that looks the same afterwards but for content and inode number.
    Replace,
    /// In the place of whatever is there, as a new file.
    Supplant,
    /// Into the old file, from a verified copy beside it.
    Rewrite,
    /// Into the old file, which is emptied first.
    InPlace,
    /// Into something that is not a regular file: written, never read back.
    Through,
    /// Onto a block device.
    BlockDevice,
    /// Into a value that the kernel shows as a file: written at once, never read back.
    Value,
}

impl Placement {
    /// Whether a file is made anew in an old one's place.
    pub(crate) fn supplants(self) -> bool {
        matches!(self, Self::Supplant | Self::Own)
    }
}

/// What is known of a target's directory: asked once for all names in it.
#[derive(Clone, Copy, Debug)]
pub struct TargetDirectory {
    /// What is made in it may inherit an access control list.
    pub inherits: bool,
    /// What hints of its filesystem are worth.
    pub honesty: Honesty,
    /// Its device; `None` if it could not be told.
    pub dev: Option<u64>,
    /// Its inode number; `None` if it could not be told.
    pub ino: Option<u64>,
    /// Where its files are when they are written out.
    pub keeping: Keeping,
    /// What holds for every name in it, its flags and whether it lets names go, is nobody's to change but root's and this user's.
    pub is_steady: bool,
}

impl TargetDirectory {
    /// Whether an inode number is known to stand for one file there.
    pub(crate) fn numbers_files(&self) -> bool {
        self.honesty.is_known()
    }
}

/// What a regular file is to meet at its target, found out before anything is opened there.
#[derive(Clone, Copy, Debug)]
pub struct TargetFacts {
    /// How it arrives.
    pub placement: Placement,
    /// The target's directory.
    pub target_directory: TargetDirectory,
    /// What has the target's name, links followed as far as they are written through.
    pub found: Option<Stat>,
    /// As far as its number tells, that was written of another source already, under another of its names: it keeps those,
    /// and loses this one.
    pub is_another: bool,
    /// Its name may wait until what replaces old files has been written out for many at once.
    pub may_wait: bool,
    /// Once it has its name nobody looks at it again, so that it is on disk before, attributes and all.
    pub is_last_look: bool,
    /// A fifo's reader is waited for: the user named it. Elsewhere somebody may have put it there.
    pub waits: bool,
}

/// Asked between steps: whether a signal wants the run to end.
#[derive(Clone, Copy)]
pub struct Stop<'a>(pub &'a AtomicBool);

impl Stop<'_> {
    /// Whether it does.
    #[must_use]
    pub fn is_asked(self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}
