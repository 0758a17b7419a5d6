//! SIGINT, SIGTERM and SIGHUP: the run ends, takes its temporaries along, and dies of the signal.
//!
//! A signal sets a flag that is looked at between slices, so that temporaries are removed on the
//! ordinary way out. A call that does not return, such as the opening of a fifo that nobody writes
//! to, is waited for a while, [`GRACE`] in a copy; after that, or at a second signal, the process ends at once. Then a
//! temporary name can stay only on filesystems without O_TMPFILE.

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};
use std::time::Duration;

/// How long a copy may take to end after a signal.
pub const GRACE: Duration = Duration::from_secs(2);

/// What has come so far.
#[derive(Clone, Debug, Default)]
pub struct Watch {
    /// True once a signal asked the run to end.
    pub stop: Arc<AtomicBool>,
    /// The signal; 0 before there is one.
    received: Arc<AtomicI32>,
}

/// Begins to watch. A signal that is ignored, as nohup does with SIGHUP, stays ignored. After a signal the run has
/// `grace` to end.
pub fn watch(grace: Duration) -> std::io::Result<Watch> {
    let watch = Watch::default();
    let ignored = ignored();
    let is_heeded = |signal: &i32| ignored & (1 << (signal - 1)) == 0;
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP].into_iter().filter(is_heeded))?;
    let seen = watch.clone();
    std::thread::Builder::new().name("signals".into()).spawn(move || {
        let mut arrivals = signals.forever();
        if let Some(signal) = arrivals.next() {
            seen.received.store(signal, Ordering::Relaxed);
            seen.stop.store(true, Ordering::Relaxed);
            let timer = std::thread::Builder::new().spawn(move || {
                std::thread::sleep(grace);
                die_of(signal);
            });
            drop(timer);
            if let Some(second) = arrivals.next() {
                die_of(second);
            }
        }
    })?;
    Ok(watch)
}

impl Watch {
    /// Ends the process by the signal that was received, if there was one.
    pub fn die_if_asked(&self) {
        match self.received.load(Ordering::Relaxed) {
            0 => {}
            signal => die_of(signal),
        }
    }
}

/// The signals that the process was started with ignored, a bit for each; the first is signal 1.
fn ignored() -> u64 {
    let field = std::fs::read_to_string("/proc/self/status").ok().and_then(|status| {
        let line = status.lines().find_map(|line| line.strip_prefix("SigIgn:"))?;
        u64::from_str_radix(line.trim(), 16).ok()
    });
    field.unwrap_or(0)
}

/// Ends the process as the signal itself would have; 128 and its number if that does not work.
fn die_of(signal: i32) -> ! {
    match signal_hook::low_level::emulate_default_handler(signal) {
        Ok(()) | Err(_) => std::process::exit(128 + signal),
    }
}
