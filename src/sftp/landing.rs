//! A local file that is being received: a temporary of the same kind as those of local copies, which gets its name when it was
//! read back and is what the far end has.

use super::hashing::Hashing;
use super::local_directory::LocalDirectory;
use super::types::{Attributes, KEPT_BITS, Wishes, Writing};
use super::wire::{self, Attrs};
use crate::copy::Placement;
use crate::copy::attributes::mode_after_writing;
use crate::copy::commit::{Claim, Detached, Spot, Temporary};
use crate::copy::stale_temporary::TemporaryNames;
use crate::error::{Action, Error};
use crate::host;
use crate::kernel::{Errno, Kernel, Kind, Mode, OFlags, ResolveFlags, Stat, Timestamp};
use crate::quote::quoted;
use std::path::{Path, PathBuf};
use std::rc::Rc;

/// How much is read back at once.
const SLICE: usize = 256 << 10;

impl<F> Landing<F> {
    /// Bytes of the file that has the name already.
    pub(super) fn old_size(&self) -> Option<u64> {
        self.old.map(|old| old.size)
    }

    /// How it takes its place.
    pub(super) fn placement(&self) -> Placement {
        if self.old.is_some() { Placement::Replace } else { Placement::New }
    }
}

/// What new local files share.
pub(super) struct Landings<'a, K: Kernel> {
    pub(super) kernel: &'a K,
    pub(super) names: TemporaryNames,
    pub(super) wishes: &'a Wishes,
    /// A file without a name could not be given one: they have one from the beginning.
    pub(super) lacks_links: bool,
}

/// How a file failed to get its name.
pub(super) enum NamingError {
    /// It has none and cannot be given one: it is to be received again, under one.
    Again,
    Failed(Error),
}

/// A file that is being received.
pub(super) struct Landing<F> {
    pub(super) dir: Rc<LocalDirectory<F>>,
    name: PathBuf,
    pub(super) shown: PathBuf,
    temporary: Option<Detached<F>>,
    old: Option<Stat>,
}

impl<K: Kernel> Landings<'_, K> {
    fn spot<'s>(&'s self, dir: &'s K::File) -> Spot<'s, K> {
        // Whether locks hold for everyone is not asked: leftovers go whose process is gone.
        Spot { kernel: self.kernel, names: &self.names, dir, here: None, is_local: false }
    }

    /// Makes a temporary for a name in the directory, unless what has the name cannot be replaced by a file.
    pub(super) fn land(
        &self,
        dir: &Rc<LocalDirectory<K::File>>,
        name: &Path,
        shown: PathBuf,
    ) -> Result<Landing<K::File>, Error> {
        let old = match self.kernel.stat_at(Some(&dir.file), name, false) {
            Ok(stat) => Some(stat),
            Err(Errno::NOENT) => None,
            Err(errno) => return Err(Error::call(Action::StatTarget, &shown, errno)),
        };
        match old.map(|old| old.kind) {
            None | Some(Kind::File) => {}
            Some(Kind::Directory) => {
                let target = quoted(&shown);
                return Err(Error::Refused(format!("cannot overwrite directory {target} with non-directory")));
            }
            Some(Kind::Symlink) => {
                return Err(Error::Refused(format!("not writing through symbolic link {}", quoted(&shown))));
            }
            Some(Kind::Fifo | Kind::Socket | Kind::CharDevice | Kind::BlockDevice) => {
                return Err(Error::Refused(format!("cannot replace {}: it is not a regular file", quoted(&shown))));
            }
        }
        let mode = Mode::from_raw_mode(0o600);
        let made = Temporary::create(self.spot(&dir.file), mode, (!self.lacks_links).then_some(mode));
        let temporary = made.map_err(|errno| Error::call(Action::CreateFile, &shown, errno))?.detach();
        Ok(Landing { dir: Rc::clone(dir), name: name.to_owned(), shown, temporary: Some(temporary), old })
    }

    /// Writes all bytes at the offset.
    pub(super) fn write(&self, landing: &Landing<K::File>, mut bytes: &[u8], mut offset: u64) -> Result<(), Error> {
        let failed = |errno| Error::call(Action::Write, &landing.shown, errno);
        let temporary = landing.temporary.as_ref().ok_or_else(|| failed(Errno::BADF))?;
        while !bytes.is_empty() {
            let count = self.kernel.pwrite(&temporary.file, bytes, offset).map_err(failed)?;
            if count == 0 {
                return Err(failed(Errno::IO));
            }
            bytes = &bytes[count..];
            offset += count as u64;
        }
        Ok(())
    }

    /// Hashes what the temporary holds now.
    pub(super) fn read_back(&self, landing: &Landing<K::File>, hashing: Hashing) -> Result<Hashing, Error> {
        let failed = |errno| Error::call(Action::Read, &landing.shown, errno);
        let temporary = landing.temporary.as_ref().ok_or_else(|| failed(Errno::BADF))?;
        self.hash(&temporary.file, &landing.shown, hashing).map(|(hashing, _)| hashing)
    }

    fn hash(&self, file: &K::File, shown: &Path, mut hashing: Hashing) -> Result<(Hashing, u64), Error> {
        let failed = |errno| Error::call(Action::Read, shown, errno);
        let (mut buffer, mut offset) = (vec![0; SLICE], 0);
        loop {
            let count = self.kernel.pread(file, &mut buffer, offset).map_err(failed)?;
            if count == 0 {
                return Ok((hashing, offset));
            }
            hashing.update(&buffer[..count]);
            offset += count as u64;
        }
    }

    /// Opens the file that has the name already, if it is still that one.
    fn open_old(&self, landing: &Landing<K::File>) -> Result<K::File, Error> {
        let failed = |errno| Error::call(Action::CreateFile, &landing.shown, errno);
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK;
        let opened =
            self.kernel.open(Some(&landing.dir.file), &landing.name, flags, Mode::empty(), ResolveFlags::empty());
        let file = opened.map_err(failed)?;
        let stat = self.kernel.stat(&file).map_err(failed)?;
        let is_same = landing.old.is_some_and(|old| old.is_same_file(&stat));
        if is_same { Ok(file) } else { Err(failed(Errno::STALE)) }
    }

    /// Hashes what has the name already, and tells how long it is.
    pub(super) fn hash_old(&self, landing: &Landing<K::File>, hashing: Hashing) -> Result<(Hashing, u64), Error> {
        self.hash(&self.open_old(landing)?, &landing.shown, hashing)
    }

    /// Gives the file that has the name already its attributes, as they are kept.
    pub(super) fn keep(&self, landing: &Landing<K::File>, attrs: Attrs) -> Result<(), Error> {
        if self.wishes.attributes != Attributes::Kept {
            return Ok(());
        }
        let complaint = self.set_attributes(&self.open_old(landing)?, None, attrs, &landing.shown)?;
        complaint.map_or(Ok(()), Err)
    }

    /// Gives the file its attributes and then its name. On an error the name has what it had. What is returned could not be set.
    pub(super) fn name(&self, landing: &mut Landing<K::File>, attrs: Attrs) -> Result<Option<Error>, NamingError> {
        let shown = &landing.shown;
        let failed = |action, errno| NamingError::Failed(Error::call(action, shown, errno));
        let Some(detached) = landing.temporary.take() else {
            return Err(failed(Action::CreateFile, Errno::BADF));
        };
        let mut temporary = Temporary::attach(self.spot(&landing.dir.file), detached);
        let complaint =
            self.set_attributes(temporary.file(), landing.old.as_ref(), attrs, shown).map_err(NamingError::Failed)?;
        let claim = if landing.old.is_some() { Claim::Over } else { Claim::New };
        if self.wishes.writing == Writing::Durable || claim == Claim::Over {
            // An old file's content is gone when the new one has its name.
            self.kernel.fsync(temporary.file()).map_err(|errno| failed(Action::Sync, errno))?;
        } else {
            self.kernel.flush(temporary.file()).map_err(|errno| failed(Action::Close, errno))?;
        }
        temporary.commit(&landing.name, claim).map_err(|errno| {
            if temporary.lacks_link(errno) { NamingError::Again } else { failed(Action::CreateFile, errno) }
        })?;
        if self.wishes.writing == Writing::Durable {
            self.kernel.fsync(&landing.dir.file).map_err(|errno| failed(Action::Sync, errno))?;
        }
        Ok(complaint)
    }

    /// Owner, mode and times; an old file's successor has its owner, or is none.
    fn set_attributes(
        &self,
        file: &K::File,
        old: Option<&Stat>,
        attrs: Attrs,
        shown: &Path,
    ) -> Result<Option<Error>, Error> {
        if let Some(old) = old {
            let failed = |errno| Error::call(Action::PreserveOwnership, shown, errno);
            let new = self.kernel.stat(file).map_err(failed)?;
            if (new.uid, new.gid) != (old.uid, old.gid) {
                self.kernel.chown(file, Some(old.uid), Some(old.gid)).map_err(failed)?;
            }
        }
        let keeps = self.wishes.attributes == Attributes::Kept;
        let mode = match (attrs.mode, old) {
            (Some(mode), _) if keeps => mode & KEPT_BITS,
            (_, Some(old)) if host::user() == 0 => old.mode,
            (_, Some(old)) => mode_after_writing(old.mode),
            (mode, None) => mode.unwrap_or(0o666) & 0o777 & !self.wishes.umask,
        };
        let set = self.kernel.chmod(file, mode).map_err(|errno| Error::call(Action::PreserveMode, shown, errno));
        let times = attrs.times.filter(|_| keeps).map_or(Ok(()), |(atime, mtime)| {
            let set = self.kernel.set_times(file, timestamp(atime), timestamp(mtime));
            set.map_err(|errno| Error::call(Action::PreserveTimes, shown, errno))?;
            sure_times((atime, mtime), shown)
        });
        Ok(set.and(times).err())
    }

    /// Takes away what is there of it.
    pub(super) fn discard(&self, landing: &mut Landing<K::File>) {
        if let Some(detached) = landing.temporary.take() {
            drop(Temporary::attach(self.spot(&landing.dir.file), detached));
        }
    }
}

/// Complains of times that may be others at the far end.
pub(super) fn sure_times(times: (u32, u32), shown: &Path) -> Result<(), Error> {
    if wire::are_times_sure(times) {
        return Ok(());
    }
    let why = "SFTP does not tell those before 1970 from those after 2038";
    Err(Error::Refused(format!("preserving times for {}: {why}", quoted(shown))))
}

/// Whole seconds, as SFTP version 3 has them.
pub(super) fn timestamp(seconds: u32) -> Timestamp {
    Timestamp { seconds: seconds.into(), nanos: 0 }
}

/// Opens the last name of a path as a directory; no link in its place is followed.
pub(super) fn open_directory<K: Kernel>(kernel: &K, dir: &K::File, name: &Path) -> crate::kernel::Result<K::File> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW;
    kernel.open(Some(dir), name, flags, Mode::empty(), ResolveFlags::empty())
}
