//! How fast bytes may go: who is ahead of that waits.

use std::time::{Duration, Instant};

/// How many bytes may go at once before anybody waits.
const BURST: u64 = 64 << 10;

/// A limit, or none.
pub struct Pace {
    limit: Option<(u64, Instant)>,
    passed: u64,
}

impl Pace {
    /// So many bytes a second, from now on.
    #[must_use]
    pub fn new(speed_max: Option<u64>) -> Self {
        let limit = speed_max.filter(|speed| *speed > 0).map(|speed| (speed, Instant::now()));
        Self { limit, passed: 0 }
    }

    /// Whether anybody ever waits.
    #[must_use]
    pub fn is_limited(&self) -> bool {
        self.limit.is_some()
    }

    /// Waits until so many more bytes may have gone.
    pub fn keep(&mut self, bytes: u64) {
        let Some((speed, began)) = self.limit else { return };
        self.passed += bytes;
        let earliest = due(self.passed.saturating_sub(BURST), speed);
        if let Some(early) = earliest.checked_sub(began.elapsed()) {
            std::thread::sleep(early);
        }
    }
}

/// When so many bytes have gone at that speed.
fn due(bytes: u64, speed: u64) -> Duration {
    let nanoseconds = u128::from(bytes) * 1_000_000_000 / u128::from(speed);
    Duration::from_nanos(u64::try_from(nanoseconds).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_take_their_time() {
        assert_eq!(due(1500, 1000), Duration::from_millis(1500));
        assert_eq!(due(u64::MAX, u64::MAX), Duration::from_secs(1));
    }
}
