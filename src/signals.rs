//! SIGINT, SIGTERM, SIGHUP and whatever else ends a process that does not heed it: the run ends, takes its temporaries along, and
//! dies of the signal. So does one that writes to a pipe which nobody reads any more (SIGPIPE), or beyond the size that
//! its files may have (SIGXFSZ).
//!
//! A signal sets a flag that is looked at between slices, so that temporaries are removed on the
//! ordinary way out. A call that does not return, such as the opening of a fifo that nobody writes
//! to, is waited for a while, [`GRACE`] in a copy; after that, or at a second signal, the process ends at once. Then a
//! temporary name can stay only on filesystems without O_TMPFILE.
//!
//! A thread takes the signals, and all others have them blocked: one that waits for a filesystem which does not answer
//! takes none, and the kernel would choose just that one. Where no thread is to be had, and where
//! none can wait, handlers do the same. A run that only gives one small new file its name needs neither.

use crate::kernel::deferred::defer;
use crate::kernel::process::{block, end_later, started_without_heeding, unblock, wait_for};
use rustix::io::Errno;
use signal_hook::consts::{
    SIGALRM, SIGHUP, SIGINT, SIGIO, SIGPIPE, SIGPROF, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGVTALRM, SIGXCPU, SIGXFSZ,
};
use signal_hook::flag;
use std::ffi::c_int;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

/// How long a copy may take to end after a signal.
pub const GRACE: Duration = Duration::from_secs(2);

/// What the thread that waits needs of the address space, which may be limited.
const STACK: usize = 128 << 10;

/// How soon signals are waited for again where that failed.
const AGAIN: Duration = Duration::from_millis(100);

/// What asks a run to end: a user, a limit of processor time, a timer that whoever started it had set.
const ENDING: [c_int; 10] = [SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGXCPU, SIGALRM, SIGVTALRM, SIGPROF, SIGUSR2, SIGIO];

/// What the kernel sends to a thread for its own write, which fails then.
const OF_A_WRITE: [c_int; 2] = [SIGPIPE, SIGXFSZ];

/// What has come so far.
#[derive(Clone, Debug, Default)]
pub struct Watch {
    /// True once a signal asked the run to end.
    pub stop: Arc<AtomicBool>,
    /// The signal; 0 before there is one.
    received: Arc<AtomicUsize>,
}

/// What is done when SIGUSR1 comes: it tells how far the run is. dd does so too; GNU's cp dies of it.
pub type Tell = Box<dyn Fn() + Send>;

/// Begins to watch, with nothing to tell.
pub fn watch(grace: Duration) -> std::io::Result<Watch> {
    watch_telling(grace, None)
}

/// Begins to watch. A signal that is ignored, as nohup does with SIGHUP, stays ignored. After a signal the run has
/// `grace` to end.
pub fn watch_telling(grace: Duration, tell: Option<Tell>) -> std::io::Result<Watch> {
    let watch = Watch::default();
    watch.begin(grace, tell)?;
    Ok(watch)
}

/// Begins to watch as soon as the run could leave something behind or take long (kernel/deferred.rs). Until then a signal ends the process at
/// once, as it ends cp, and SIGUSR1 waits. To be called before any thread begins.
#[must_use]
pub fn watch_when_needed(grace: Duration, tell: Tell) -> Watch {
    let watch = Watch::default();
    if !started_without_heeding(SIGUSR1) {
        block(&[SIGUSR1]);
    }
    let begun = watch.clone();
    defer(move || {
        if begun.begin(grace, Some(tell)).is_err() {
            // They go on to end the process.
            unblock(&ENDING);
        }
    });
    watch
}

/// Whether a pipe that nobody reads ends the process, as it does unless whoever started it has SIGPIPE ignored.
#[must_use]
pub fn dies_of_closed_pipes() -> bool {
    !started_without_heeding(SIGPIPE)
}

impl Watch {
    /// Ends the process by the signal that was received, if there was one.
    pub fn die_if_asked(&self) {
        match self.received.load(Ordering::Relaxed) {
            0 => {}
            signal => die_of(c_int::try_from(signal).unwrap_or(SIGTERM)),
        }
    }

    /// Whether a signal asked the run to end.
    #[must_use]
    pub fn is_asked(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    fn begin(&self, grace: Duration, tell: Option<Tell>) -> std::io::Result<()> {
        for signal in OF_A_WRITE.into_iter().filter(|signal| !started_without_heeding(*signal)) {
            // Its handler runs in the thread that writes, before the write has failed.
            self.note(signal)?;
        }
        let heeded: Vec<c_int> = ENDING.into_iter().filter(|signal| !started_without_heeding(*signal)).collect();
        let tells = tell.is_some() && !started_without_heeding(SIGUSR1);
        let awaited: Vec<c_int> = heeded.iter().copied().chain(tells.then_some(SIGUSR1)).collect();
        block(&awaited);
        let seen = self.clone();
        let thread = std::thread::Builder::new().name("signals".into()).stack_size(STACK);
        // An empty set only asks whether there is such a wait.
        let can_wait = matches!(wait_for(&[], Some(Duration::ZERO)), Err(Errno::AGAIN | Errno::INTR));
        if !can_wait || thread.spawn(move || seen.wait(&awaited, grace, tell.as_ref())).is_err() {
            // SIGALRM is what ends the process later there; another's does so at once.
            let noted: Vec<c_int> = heeded.iter().copied().filter(|signal| *signal != SIGALRM).collect();
            self.handle(&noted, grace)?;
            // SIGUSR1 stays blocked: nobody tells, and nobody dies of it.
            unblock(&heeded);
        }
        Ok(())
    }

    /// What the thread does.
    fn wait(&self, signals: &[c_int], grace: Duration, tell: Option<&Tell>) {
        let signal = loop {
            match wait_for(signals, None) {
                Ok(SIGUSR1) => tell.iter().for_each(|tell| tell()),
                Ok(signal) => break signal,
                // For a handler, or for a debugger.
                Err(Errno::INTR) => {}
                Err(_) => std::thread::sleep(AGAIN),
            }
        };
        self.received.store(signal.unsigned_abs() as usize, Ordering::Relaxed);
        self.stop.store(true, Ordering::Relaxed);
        let ending: Vec<c_int> = signals.iter().copied().filter(|signal| *signal != SIGUSR1).collect();
        die_of(wait_for(&ending, Some(grace)).unwrap_or(signal));
    }

    /// What handlers do: the second signal ends the process, the first is noted.
    fn handle(&self, signals: &[c_int], grace: Duration) -> std::io::Result<()> {
        for signal in signals {
            flag::register_conditional_default(*signal, Arc::clone(&self.stop))?;
            self.note(*signal)?;
        }
        end_later(signals, u32::try_from(grace.as_secs()).unwrap_or(u32::MAX), Arc::clone(&self.received))
    }

    fn note(&self, signal: c_int) -> std::io::Result<()> {
        flag::register_usize(signal, Arc::clone(&self.received), signal.unsigned_abs() as usize)?;
        flag::register(signal, Arc::clone(&self.stop))?;
        Ok(())
    }
}

/// Ends the process as the signal itself would have; 128 and its number if that does not work.
fn die_of(signal: c_int) -> ! {
    match signal_hook::low_level::emulate_default_handler(signal) {
        Ok(()) | Err(_) => std::process::exit(128 + signal),
    }
}
