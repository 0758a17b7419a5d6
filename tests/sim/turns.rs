//! Whose turn it is among the processes of a world: one runs at a time, from one call to the next, and chance picks which.

use super::random::Random;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// A process goes on for so many calls on average before another has its turn.
const CALLS: u32 = 4;

/// The turns of some processes.
pub struct Turns {
    state: Mutex<State>,
    passed: Condvar,
}

struct State {
    random: Random,
    live: Vec<bool>,
    whose: usize,
    /// After how many more calls each is killed.
    left: Vec<Option<u64>>,
}

impl Turns {
    /// Those of processes that are killed after so many calls.
    pub fn new(mut random: Random, left: Vec<Option<u64>>) -> Self {
        let whose = random.index(left.len());
        Self { state: Mutex::new(State { random, live: vec![true; left.len()], whose, left }), passed: Condvar::new() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for a process's first turn.
    pub fn first(&self, process: usize) {
        self.wait(self.state(), process);
    }

    fn wait(&self, mut state: MutexGuard<'_, State>, process: usize) {
        while state.whose != process {
            state = self.passed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// A process is about to make a call. Returns when it may; false if it was killed.
    pub fn call(&self, process: usize) -> bool {
        let mut state = self.state();
        if state.random.once_in(CALLS) {
            self.pass(&mut state);
        }
        self.wait(state, process);
        match &mut self.state().left[process] {
            Some(0) => false,
            Some(left) => {
                *left -= 1;
                true
            }
            None => true,
        }
    }

    /// A process has ended.
    pub fn leave(&self, process: usize) {
        let mut state = self.state();
        state.live[process] = false;
        self.pass(&mut state);
    }

    fn pass(&self, state: &mut State) {
        let live: Vec<usize> = (0..state.live.len()).filter(|process| state.live[*process]).collect();
        if !live.is_empty() {
            state.whose = state.random.pick(&live);
            self.passed.notify_all();
        }
    }
}
