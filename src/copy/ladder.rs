//! The strategies for one file, best first, and how far down it went.

use super::fallback::Fallback;
use super::probe::Probe;
use super::strategy::{Cloning, Rung, Strategy, Why, rungs};
use crate::options::Options;

/// How often a strategy is begun again after an interrupted clone.
const INTERRUPTIONS_MAX: usize = 8;

/// How often the source's blocks are waited for before a clone is given up.
const WAITS_MAX: usize = 3;

/// The strategies for one source, best first, and how far down it went.
#[derive(Debug)]
pub struct Ladder {
    rungs: Vec<Rung>,
    cloning: Cloning,
    at: usize,
    fallbacks: Vec<(Strategy, Fallback)>,
    /// Nothing is tried after the first try.
    is_once: bool,
}

impl Ladder {
    /// The ladder for a regular file. With `--reflink=always` it has that one rung, or none but the
    /// reason in `Err`.
    pub fn new(probe: &Probe, options: &Options, cloning: Cloning) -> Result<Self, Why> {
        Ok(Self { rungs: rungs(probe, options, cloning)?, cloning, at: 0, fallbacks: Vec::new(), is_once: false })
    }

    /// The ladder for what can only be read and written from end to end.
    #[must_use]
    pub fn only_stream(why: Why) -> Self {
        let rungs = vec![Rung { strategy: Strategy::Stream, why, settling: None }];
        Self { rungs, cloning: Cloning::IntoNew, at: 0, fallbacks: Vec::new(), is_once: false }
    }

    /// The ladder for a source that can be read only once.
    #[must_use]
    pub fn only_once(why: Why) -> Self {
        Self { is_once: true, ..Self::only_stream(why) }
    }

    /// The strategies that may be tried, best first.
    #[must_use]
    pub fn rungs(&self) -> &[Rung] {
        &self.rungs
    }

    /// The strategy to try now.
    #[must_use]
    pub fn rung(&self) -> Rung {
        self.rungs[self.at]
    }

    /// What was known of cloning when the ladder was made.
    #[must_use]
    pub fn cloning(&self) -> Cloning {
        self.cloning
    }

    /// What was tried before, and why it was left.
    #[must_use]
    pub fn fallbacks(&self) -> &[(Strategy, Fallback)] {
        &self.fallbacks
    }

    /// Goes to the strategy that `fallback` leaves, or gives it back if there is none.
    ///
    /// A difference, or a source that would not settle, leaves only the last rung, where every byte
    /// is read and written; the last rung itself is tried once more after a first difference. Of what can be read only once nothing
    /// is left.
    pub fn step_down(&mut self, fallback: Fallback) -> Result<(), Fallback> {
        if self.is_once {
            return Err(fallback);
        }
        let last = self.rungs.len() - 1;
        let count =
            |counted: fn(&Fallback) -> bool| self.fallbacks.iter().filter(|(_, fallback)| counted(fallback)).count();
        let next = match &fallback {
            Fallback::Interrupted if count(|f| matches!(f, Fallback::Interrupted)) < INTERRUPTIONS_MAX => Some(self.at),
            Fallback::NotYetOnDisk if count(|f| matches!(f, Fallback::NotYetOnDisk)) < WAITS_MAX => Some(self.at),
            Fallback::Different(_) if count(|f| matches!(f, Fallback::Different(_))) == 0 => {
                (self.rungs[last].strategy == Strategy::Stream).then_some(last)
            }
            Fallback::Different(_) => None,
            Fallback::Unsettled => (self.at < last).then_some(last),
            Fallback::Unsupported(_)
            | Fallback::Nonsense
            | Fallback::Longer
            | Fallback::Changed
            | Fallback::Interrupted
            | Fallback::NotYetOnDisk => (self.at < last).then_some(self.at + 1),
        };
        let Some(next) = next else { return Err(fallback) };
        self.fallbacks.push((self.rungs[self.at].strategy, fallback));
        self.at = next;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::copy::probe::Residency;
    use crate::error::Difference;
    use crate::known::filesystems::Filesystem;
    use crate::known::zfs::{Module, Version};
    use crate::options::Reflink;

    const ZFS: u32 = 0x2fc1_2fc1;
    const EXT4: u32 = 0xef53;

    fn probe(magic: u32) -> Probe {
        let zfs = Module { version: Version::parse("2.3.2-2"), offset_next_sync: Some(1) };
        let filesystem = Filesystem::new(magic);
        let honesty = filesystem.honesty((6, 1));
        Probe { filesystem, honesty, residency: Residency::Nothing, size: 1 << 20, blocks: 0, zfs: Some(zfs) }
    }

    fn difference() -> Fallback {
        let difference =
            Difference { offset: 0, range: 0..1, source_digest: String::new(), target_digest: String::new() };
        Fallback::Different(Box::new(difference))
    }

    #[test]
    fn after_a_difference_every_byte_is_read_and_a_second_one_is_the_end() {
        let mut ladder = Ladder::new(&probe(EXT4), &Options::plain(), Cloning::IntoNew).expect("a ladder");
        assert_eq!(ladder.rung().strategy, Strategy::Reflink);
        ladder.step_down(difference()).expect("a stream is left");
        assert_eq!(ladder.rung().strategy, Strategy::Stream);
        assert!(ladder.step_down(difference()).is_err());
    }

    #[test]
    fn a_stream_that_differs_is_tried_once_more() {
        let mut ladder = Ladder::only_stream(Why::NotRegular);
        ladder.step_down(difference()).expect("once more");
        assert!(ladder.step_down(difference()).is_err());
    }

    #[test]
    fn what_can_be_read_only_once_is_not_tried_again() {
        let mut ladder = Ladder::only_once(Why::NotRegular);
        assert!(ladder.step_down(difference()).is_err());
    }

    #[test]
    fn an_interrupted_clone_is_begun_again_but_not_for_ever() {
        let options = Options { reflink: Reflink::Always, ..Options::plain() };
        let mut ladder = Ladder::new(&probe(EXT4), &options, Cloning::IntoNew).expect("a ladder");
        let steps = (0..100).take_while(|_| ladder.step_down(Fallback::Interrupted).is_ok()).count();
        assert_eq!(steps, INTERRUPTIONS_MAX);
    }

    #[test]
    fn blocks_on_their_way_to_disk_are_waited_for_but_not_for_ever() {
        let options = Options { reflink: Reflink::Always, ..Options::plain() };
        let mut ladder = Ladder::new(&probe(ZFS), &options, Cloning::IntoNew).expect("a ladder");
        let steps = (0..100).take_while(|_| ladder.step_down(Fallback::NotYetOnDisk).is_ok()).count();
        assert_eq!(steps, WAITS_MAX);
    }
}
