//! What a target's attributes are to be: its source's, some that were given, or what they are. How they are set, and in
//! which order, is told in mod.rs.

use crate::kernel::{Stat, Timestamp};
use crate::options::{Keep, Options};

/// Attributes that are to be set. What is `None` is left alone.
#[derive(Clone, Copy)]
pub(super) struct Wanted {
    pub(super) uid: Option<u32>,
    pub(super) gid: Option<u32>,
    /// Last access and last change of the content.
    pub(super) times: Option<(Timestamp, Timestamp)>,
}

impl Wanted {
    /// What the options ask for where this is the source.
    pub(super) fn new(options: &Options, source: &Stat) -> Self {
        let (preserve, given) = (&options.preserve, &options.given);
        let owner = |given: Option<u32>, of_source| given.or(kept(preserve.ownership, of_source));
        Self {
            uid: owner(given.uid, source.uid),
            gid: owner(given.gid, source.gid),
            times: kept(preserve.timestamps, (source.atime, source.mtime)),
        }
    }

    /// Whether a file with this owner and group is to get another one; one whose owner is not known may be.
    pub(super) fn gives_away(&self, owner: Option<(u32, u32)>) -> bool {
        let differs = |wanted: Option<u32>, has: Option<u32>| wanted.is_some() && wanted != has;
        differs(self.uid, owner.map(|(uid, _)| uid)) || differs(self.gid, owner.map(|(_, gid)| gid))
    }
}

fn kept<T>(keep: Keep, of_source: T) -> Option<T> {
    keep.wanted().then_some(of_source)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::Given;

    fn wanted(uid: Option<u32>, gid: Option<u32>) -> Wanted {
        Wanted { uid, gid, times: None }
    }

    #[test]
    fn only_what_is_wanted_can_differ() {
        assert!(!wanted(None, None).gives_away(None));
        assert!(!wanted(Some(1), None).gives_away(Some((1, 7))));
        assert!(wanted(Some(1), None).gives_away(Some((2, 7))));
        assert!(wanted(None, Some(3)).gives_away(Some((2, 7))));
        assert!(wanted(None, Some(3)).gives_away(None), "it may be another's");
    }

    #[test]
    fn what_was_given_comes_before_what_the_source_has() {
        let time = Timestamp::default();
        let source = Stat {
            dev: 1,
            ino: 1,
            kind: crate::kernel::Kind::File,
            mode: 0o644,
            nlink: 1,
            uid: 5,
            gid: 6,
            rdev: 0,
            size: 0,
            blocks: 0,
            atime: time,
            mtime: time,
            ctime: time,
        };
        let mut options = Options { given: Given { uid: Some(9), ..Given::default() }, ..Options::plain() };
        assert_eq!((Wanted::new(&options, &source).uid, Wanted::new(&options, &source).gid), (Some(9), None));
        options.preserve.ownership = Keep::Must;
        assert_eq!((Wanted::new(&options, &source).uid, Wanted::new(&options, &source).gid), (Some(9), Some(6)));
    }
}
