//! A source of another machine, or for one, that becomes longer while it is read. Some of what it grows by is read with it, as
//! by cp. Somebody may write faster than the line carries: whoever follows such a file to its end never comes there.

/// How many bytes are read behind the size that a file had, before somebody looks whether it grows, and between two looks.
const LOOK: u64 = 16 << 20;

/// Whether somebody is to look how long a file is that had `size` bytes, after what was read from `before` to `read`. Where it is longer
/// than what was read by then, it grows faster than it is read, and its copy ends there. Files whose size says nothing, as those of
/// /proc, go on.
pub(crate) fn is_look_due(size: u64, before: u64, read: u64) -> bool {
    let looks = |read: u64| read.saturating_sub(size) / LOOK;
    looks(before) != looks(read)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_look_is_due_now_and_then_behind_the_size() {
        assert!(!is_look_due(100 << 20, 0, 100 << 20));
        assert!(!is_look_due(100, 0, LOOK + 99));
        assert!(is_look_due(100, LOOK + 99, LOOK + 100));
        assert!(!is_look_due(100, LOOK + 100, 2 * LOOK + 99));
        assert!(is_look_due(0, 2 * LOOK - 1, 2 * LOOK + 5));
    }
}
