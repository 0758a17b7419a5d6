//! Work that is done side by side, in a thread for each piece of it as far as threads are to be had.

use crate::copy::threads::are_free;
use std::thread::{Builder, scope};

/// Does the work of each, and returns when all is done. The first is done in this thread; after it comes what no
/// thread could be begun for, one after the other.
pub(super) fn side_by_side<T: Sync>(works: &[T], work: &(impl Fn(&T) + Sync)) {
    let Some((first, others)) = works.split_first() else { return };
    scope(|scope| {
        let mut left = Vec::new();
        for other in others {
            if !are_free() || Builder::new().spawn_scoped(scope, move || work(other)).is_err() {
                left.push(other);
            }
        }
        work(first);
        left.into_iter().for_each(work);
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Barrier;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[test]
    fn all_are_done_once_and_at_the_same_time() {
        let (meet, done) = (Barrier::new(3), [const { AtomicUsize::new(0) }; 3]);
        side_by_side(&[0, 1, 2], &|at: &usize| {
            meet.wait();
            done[*at].fetch_add(1, Ordering::Relaxed);
        });
        assert_eq!(done.map(AtomicUsize::into_inner), [1, 1, 1]);
        side_by_side(&[], &|_: &usize| panic!("there is nothing to do"));
    }
}
