//! A copy that is stripped before it has its name (install -s).
//!
//! Strip programs write into a file, or put another in its place, and say little of what they did. So one gets a verified
//! copy to work on, in a directory of its own beside the target; what it leaves is then copied to the target like any
//! other source, verified as well. What is proved is that strip was given what the source holds, and that the target
//! holds what strip left. The old target stays until then, whatever strip does. What strip leaves beside the file, such as
//! tables for debuggers, comes to stand beside the target.

use super::copier::Copier;
use super::types::{Name, Placement, Source, TargetFacts};
use super::waiting::Arrival;
use crate::error::{Action, Error, reason};
use crate::kernel::process::run_beside;
use crate::kernel::{Errno, Kernel, Kind, Mode, OFlags, RenameFlags, ResolveFlags};
use crate::options::{Given, Options};
use crate::quote::quoted;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

/// The program that is meant where none is named.
pub(crate) const STRIP: &str = "strip";

/// A directory in which a copy is stripped. Dropping it removes it, with what is in it.
struct Bench<'a, K: Kernel> {
    kernel: &'a K,
    above: &'a K::File,
    name: PathBuf,
    /// Its path as the user would write it.
    shown: PathBuf,
    dir: K::File,
}

impl<K: Kernel> Drop for Bench<'_, K> {
    fn drop(&mut self) {
        // What the run came to is on its way already; what cannot be removed has nothing to add to it.
        clear(self.kernel, &self.dir);
        self.kernel.rmdir(self.above, &self.name).unwrap_or(());
    }
}

impl<K: Kernel> Copier<'_, K> {
    /// Copies an open source to `target`, and strips it on the way if the options say so; see [`Self::copy_file`].
    pub(crate) fn copy_or_strip(
        &self,
        source: &Source<'_, K::File>,
        target: &Name<'_, K::File>,
        facts: &TargetFacts,
    ) -> Result<Arrival<K::File>, Error> {
        let Some(program) = &self.options.strip else { return self.copy_file(source, target, facts) };
        let bench = self.bench(target, facts)?;
        let shown = bench.shown.join(target.name);
        let work = Name::within(&bench.dir, target.name, &shown);
        let before = self.copy_to_bench(source, &work, facts)?;
        run_strip(program, &shown)?;
        let failed = |errno| Error::call(Action::OpenSource, &shown, errno);
        let stripped = work.open(self.kernel, OFlags::RDONLY).map_err(failed)?;
        // A target that keeps times keeps the source's.
        self.kernel.set_times(&stripped, source.stat.atime, source.stat.mtime).map_err(failed)?;
        let stat = self.kernel.stat(&stripped).map_err(failed)?;
        if stat.kind != Kind::File {
            return Err(Error::Refused(format!(
                "{} left no regular file at {}",
                quoted(Path::new(program)),
                quoted(&shown)
            )));
        }
        let left = Source { file: &stripped, stat: &stat, shown: source.shown, origin: None };
        let mut arrival = self.copy_file(&left, target, facts)?;
        arrival.copied().changed |= before;
        self.hand_over(&bench, target)?;
        Ok(arrival)
    }

    /// Gives what strip has left beside the file, such as its tables for debuggers, the place that it would have if the target
    /// itself had been stripped.
    fn hand_over(&self, bench: &Bench<'_, K>, target: &Name<'_, K::File>) -> Result<(), Error> {
        let failed = |errno| Error::call(Action::Remove, &bench.shown.join(target.name), errno);
        self.kernel.unlink(&bench.dir, target.name).map_err(failed)?;
        let beside = target.shown.parent().unwrap_or(Path::new(""));
        move_all(self.kernel, &bench.dir, (bench.above, beside))
    }

    fn bench<'s>(&'s self, target: &Name<'s, K::File>, facts: &TargetFacts) -> Result<Bench<'s, K>, Error> {
        let failed = |errno| Error::call(Action::CreateFile, target.shown, errno);
        let above = target.directory().map_err(failed)?;
        let spot = self.spot_in(above, &facts.target_directory);
        let make = |name: &Path| self.kernel.mkdir(above, name, Mode::RWXU);
        let (name, ()) = spot.with_plain_name(make).map_err(failed)?;
        let dir = open_directory(self.kernel, above, &name).map_err(|errno| {
            // The reason is on its way; an empty directory that cannot be removed has nothing to add to it.
            self.kernel.rmdir(above, &name).unwrap_or(());
            failed(errno)
        })?;
        let shown = beside(target.shown, &name);
        Ok(Bench { kernel: self.kernel, above, name, shown, dir })
    }

    /// Copies the source to where it is stripped, with nothing of its attributes: strip has to write it. Returns whether it
    /// changed meanwhile.
    fn copy_to_bench(
        &self,
        source: &Source<'_, K::File>,
        work: &Name<'_, K::File>,
        facts: &TargetFacts,
    ) -> Result<bool, Error> {
        let Options { verify, sparse, reflink, require_stable, jobs, jobs_max, .. } = *self.options;
        let Options { umask, privileged, user, group, .. } = *self.options;
        let options = Options {
            given: Given { mode: Some(0o600), ..Given::default() },
            verify,
            sparse,
            reflink,
            require_stable,
            jobs,
            jobs_max,
            umask,
            privileged,
            user,
            group,
            ..Options::plain()
        };
        let mut copier = Copier::new(self.kernel, &options, self.host, self.stop.0);
        copier.geometry = self.geometry;
        let facts =
            TargetFacts { placement: Placement::New, found: None, is_another: false, may_wait: false, ..*facts };
        Ok(copier.copy_file(source, work, &facts)?.copied().changed)
    }
}

/// Removes what is in a directory, as far as that can be done.
fn clear<K: Kernel>(kernel: &K, dir: &K::File) {
    for name in kernel.list(dir).unwrap_or_default() {
        let name = Path::new(&name);
        // It may be a directory.
        if kernel.unlink(dir, name).is_err() {
            if let Ok(beneath) = open_directory(kernel, dir, name) {
                clear(kernel, &beneath);
                kernel.rmdir(dir, name).unwrap_or(());
            }
        }
    }
}

/// Moves what is in a directory to another one of the same filesystem. It replaces what has its name there; a directory
/// that is there takes what is in its namesake.
fn move_all<K: Kernel>(kernel: &K, from: &K::File, (to, shown): (&K::File, &Path)) -> Result<(), Error> {
    let failed = |errno| Error::call(Action::CreateFile, shown, errno);
    for name in kernel.list(from).map_err(failed)? {
        let name = Path::new(&name);
        let shown = shown.join(name);
        let failed = |errno| Error::call(Action::CreateFile, &shown, errno);
        match kernel.rename(from, name, to, name, RenameFlags::empty()) {
            Err(Errno::NOTEMPTY | Errno::EXIST) => {
                let directory = |dir| open_directory(kernel, dir, name).map_err(failed);
                move_all(kernel, &directory(from)?, (&directory(to)?, &shown))?;
            }
            moved => moved.map_err(failed)?,
        }
    }
    Ok(())
}

/// Opens a directory that is no link to one.
fn open_directory<K: Kernel>(kernel: &K, dir: &K::File, name: &Path) -> crate::kernel::Result<K::File> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW;
    kernel.open(Some(dir), name, flags, Mode::empty(), ResolveFlags::empty())
}

/// The path of a name beside a target, which no program takes for an option.
fn beside(target: &Path, name: &Path) -> PathBuf {
    match target.parent().filter(|above| !above.as_os_str().is_empty()) {
        Some(above) if above.as_os_str().as_encoded_bytes().starts_with(b"-") => Path::new(".").join(above).join(name),
        Some(above) => above.join(name),
        None => Path::new(".").join(name),
    }
}

/// Strips the file of that name, or says in install's words why not.
fn run_strip(program: &OsStr, file: &Path) -> Result<(), Error> {
    match run_beside(program, file) {
        Ok(status) if status.success() => Ok(()),
        Ok(_) => Err(Error::Refused("strip process terminated abnormally".to_owned())),
        Err(error) => {
            let what = if program == STRIP { "cannot run" } else { "cannot run strip program" };
            let reason = reason(Errno::from_io_error(&error).unwrap_or(Errno::NOEXEC));
            Err(Error::Refused(format!("{what} {}: {reason}", quoted(Path::new(program)))))
        }
    }
}
