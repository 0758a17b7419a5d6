//! Ends programs that run for too long, each by its own process id.

use rustix::process::{Pid, Signal, kill_process};
use std::collections::BTreeMap;
use std::process::Child;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Nobody waits longer for one copy.
const PATIENCE: Duration = Duration::from_secs(10);

/// The programs that run.
#[derive(Default)]
pub(crate) struct Watch {
    running: Mutex<BTreeMap<i32, (Instant, bool)>>,
    over: AtomicBool,
}

impl Watch {
    /// Begins to watch over a program.
    pub(crate) fn over(&self, child: &Child) -> Pid {
        let pid = Pid::from_child(child);
        self.running.lock().expect("a sound watch").insert(pid.as_raw_nonzero().get(), (Instant::now(), false));
        pid
    }

    /// The program has ended; whether it was ended.
    pub(crate) fn done(&self, pid: Pid) -> bool {
        let watched = self.running.lock().expect("a sound watch").remove(&pid.as_raw_nonzero().get());
        watched.is_some_and(|(_, killed)| killed)
    }

    /// Watches until the campaign is over.
    pub(crate) fn stand(&self) {
        while !self.over.load(Ordering::Relaxed) {
            std::thread::sleep(Duration::from_millis(50));
            for (pid, (started, killed)) in self.running.lock().expect("a sound watch").iter_mut() {
                if started.elapsed() > PATIENCE && !*killed {
                    let pid = Pid::from_raw(*pid).expect("a process id");
                    // It may have ended by itself just now.
                    *killed = kill_process(pid, Signal::KILL).is_ok();
                }
            }
        }
    }

    /// Ends the watch.
    pub(crate) fn end(&self) {
        self.over.store(true, Ordering::Relaxed);
    }
}
