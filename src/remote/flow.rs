//! How far a sender may run ahead of its receiver: so that latency costs once, and memory is bounded at both ends.

use std::io::Result;

use super::connection::strange;

/// So many bytes may be on their way or in the receiver's hands. At 100 ms it lets 160 MiB/s through; ssh's own window is
/// smaller.
pub(super) const WINDOW: u64 = 16 << 20;

/// So many bytes until the receiver has taken something: a target that cannot be made is known by then. It is what ssh's own window
/// begins with.
const WINDOW_FIRST: u64 = 2 << 20;

/// The receiver tells that it has taken so much.
pub(super) const CREDIT_BYTES: u64 = 256 << 10;

/// Or that it has taken so many entries.
pub(super) const CREDIT_ENTRIES: u64 = 64;

/// Of so many entries the sender keeps the files open at most, since chunks of them may be asked for.
pub(super) const OPEN_MAX: usize = 4096;

/// What is on its way.
pub(super) struct Flow {
    in_flight: u64,
    window: u64,
}

impl Flow {
    /// Nothing so far.
    pub(super) fn new() -> Self {
        Self { in_flight: 0, window: WINDOW_FIRST }
    }

    /// Whether so many bytes more may be sent.
    pub(super) fn has_room(&self, bytes: u64) -> bool {
        self.in_flight == 0 || self.in_flight + bytes <= self.window
    }

    /// They were.
    pub(super) fn sent(&mut self, bytes: u64) {
        self.in_flight += bytes;
    }

    /// The receiver has taken them. It cannot have taken more than there was.
    pub(super) fn taken(&mut self, bytes: u64) -> Result<()> {
        self.in_flight = self.in_flight.checked_sub(bytes).ok_or_else(strange)?;
        self.window = WINDOW;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_takes_what_was_not_sent() {
        let mut flow = Flow::new();
        assert!(flow.has_room(WINDOW * 2), "something always goes");
        flow.sent(1);
        assert!(flow.has_room(WINDOW_FIRST - 1) && !flow.has_room(WINDOW_FIRST));
        flow.taken(1).expect("it was sent");
        assert!(flow.has_room(WINDOW_FIRST));
        flow.sent(WINDOW);
        assert!(!flow.has_room(1));
        flow.taken(1).expect("it was sent");
        assert!(flow.has_room(1) && flow.taken(WINDOW).is_err());
    }
}
