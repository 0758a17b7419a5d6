//! Time that is limited: by a deadline, or by a signal that asks the program to end.
//!
//! A filesystem whose server is gone, or a call that a bug keeps from returning, must not keep the doctor. What may not
//! return is done beside, and left alone when the time is over.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How often it is looked whether a signal came.
pub(super) const GLANCE: Duration = Duration::from_millis(5);

/// A deadline, and the flag that a signal raises.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clock<'s> {
    stop: &'s AtomicBool,
    deadline: Instant,
}

impl<'s> Clock<'s> {
    /// So long from now on.
    pub(super) fn new(stop: &'s AtomicBool, limit: Duration) -> Self {
        Self { stop, deadline: Instant::now() + limit }
    }

    /// The same, with a deadline at most so long from now on.
    pub(super) fn at_most(&self, limit: Duration) -> Self {
        Self { stop: self.stop, deadline: self.deadline.min(Instant::now() + limit) }
    }

    /// Whether the time is over.
    pub(super) fn is_over(&self) -> bool {
        self.stop.load(Ordering::Relaxed) || Instant::now() >= self.deadline
    }

    /// Waits so long, less where the time is over before.
    pub(super) fn wait(&self, length: Duration) {
        let until = Instant::now() + length;
        while !self.is_over() && Instant::now() < until {
            std::thread::sleep(GLANCE);
        }
    }

    /// What `work` comes to, or nothing if the time is over before; it goes on by itself then.
    pub(super) fn run_with_deadline<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
        self.hear(&begin(work))
    }

    /// What was begun comes to, or nothing if the time is over before.
    pub(super) fn hear<T>(&self, begun: &Receiver<T>) -> Option<T> {
        loop {
            match begun.recv_timeout(GLANCE) {
                Ok(value) => return Some(value),
                Err(RecvTimeoutError::Disconnected) => return None,
                Err(RecvTimeoutError::Timeout) if self.is_over() => return None,
                Err(RecvTimeoutError::Timeout) => {}
            }
        }
    }
}

/// Begins to work beside; where no thread is to be had, it is done now.
pub(super) fn begin<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Receiver<T> {
    let (answer, answered) = channel();
    // Nobody listens any more where the time was over.
    let work = Arc::new(Mutex::new(Some(move || answer.send(work()).unwrap_or(()))));
    let again = Arc::clone(&work);
    if std::thread::Builder::new().spawn(move || once(&work)).is_err() {
        once(&again);
    }
    answered
}

fn once(work: &Mutex<Option<impl FnOnce()>>) {
    let work = work.lock().unwrap_or_else(PoisonError::into_inner).take();
    work.into_iter().for_each(|work| work());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_does_not_answer_is_not_waited_for() {
        let stop = AtomicBool::new(false);
        let clock = Clock::new(&stop, Duration::from_millis(50));
        assert_eq!(clock.run_with_deadline(|| 7), Some(7));
        assert_eq!(clock.run_with_deadline(|| std::thread::sleep(Duration::from_secs(100))), None);
        assert!(clock.is_over());
    }

    #[test]
    fn a_signal_ends_every_wait() {
        let stop = AtomicBool::new(true);
        let before = Instant::now();
        Clock::new(&stop, Duration::from_secs(100)).wait(Duration::from_secs(100));
        assert!(before.elapsed() < Duration::from_secs(10));
    }
}
