//! What the receiver still wants: of an entry of which it has said that this is enough, nothing more is sent, nor of what is in it.

/// What the receiver still wants of the names that are being sent; see the head of this file.
pub(super) struct Wanted {
    /// The numbers of the directories that the sender is in, and of the file; outermost 0, for all there is.
    within: Vec<u64>,
    /// The outermost of them of which nothing more is wanted.
    enough: Option<usize>,
}

impl Wanted {
    /// Everything.
    pub(super) fn new() -> Self {
        Self { within: vec![0], enough: None }
    }

    /// What comes now is in this entry.
    pub(super) fn enter(&mut self, id: u64) {
        self.within.push(id);
    }

    /// It is done, whether it was wanted or not.
    pub(super) fn leave(&mut self) {
        self.within.pop();
        self.enough = self.enough.filter(|place| *place < self.within.len());
    }

    /// The receiver has enough of an entry. If that was sent already, there is nothing to leave out.
    pub(super) fn spare(&mut self, id: u64) {
        let place = self.within.iter().position(|entered| *entered == id);
        self.enough = [self.enough, place].into_iter().flatten().min();
    }

    /// Whether what would come now is not wanted.
    pub(super) fn is_over(&self) -> bool {
        self.enough.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_out_ends_with_the_entry() {
        let mut wanted = Wanted::new();
        for id in [3, 5, 9] {
            wanted.enter(id);
        }
        wanted.spare(4);
        assert!(!wanted.is_over(), "it is done");
        wanted.spare(5);
        wanted.spare(9);
        wanted.leave();
        assert!(wanted.is_over());
        wanted.leave();
        assert!(!wanted.is_over());
        wanted.spare(0);
        wanted.leave();
        assert!(wanted.is_over(), "of all there is");
    }
}
