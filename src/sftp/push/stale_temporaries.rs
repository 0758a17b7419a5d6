//! What dead runs left in far directories: looked for while files are sent, and removed.

use super::types::{Push, SearchStep, Tag};
use crate::kernel::Kernel;
use crate::sftp::far_path::{self, join};
use crate::sftp::types::Failure;
use crate::sftp::wire::{Answer, Request};

/// Names of a far directory that are searched for what dead runs left.
const NAMES_SEARCHED_MAX: usize = 20_000;

impl<K: Kernel> Push<'_, K> {
    pub(super) fn search(&mut self, from: usize) -> Result<(), Failure> {
        for number in from..self.searching.len() {
            let search = &mut self.searching[number];
            if !search.is_begun {
                search.is_begun = true;
                let tag = Tag::Search(number, SearchStep::Open);
                self.connection.client.ask(&Request::Opendir(&search.dir), tag)?;
            }
        }
        Ok(())
    }

    /// What cannot be listed or removed stays: nothing of the copy hangs on it.
    pub(super) fn searched(&mut self, number: usize, step: SearchStep, answer: Answer) -> Result<(), Failure> {
        let client = &mut self.connection.client;
        let search = &mut self.searching[number];
        match (step, answer) {
            (SearchStep::Open, Answer::Handle(handle)) => {
                client.ask(&Request::Readdir(&handle), Tag::Search(number, SearchStep::Read))?;
                search.handle = Some(handle);
            }
            (SearchStep::Read, Answer::Names(names)) if search.seen < NAMES_SEARCHED_MAX && !names.is_empty() => {
                search.seen += names.len();
                let rest = Tag::Search(number, SearchStep::Rest);
                for name in names.iter().map(|entry| &entry.name).filter(|name| far_path::is_single(name)) {
                    if self.names.is_left(self.near.kernel, &search.dir, name) {
                        client.ask(&Request::Remove(&join(&search.dir, name)), rest)?;
                    }
                }
                if let Some(handle) = &search.handle {
                    client.ask(&Request::Readdir(handle), Tag::Search(number, SearchStep::Read))?;
                }
            }
            (SearchStep::Read, _) => {
                if let Some(handle) = search.handle.take() {
                    client.ask(&Request::Close(&handle), Tag::Search(number, SearchStep::Rest))?;
                }
            }
            (SearchStep::Open | SearchStep::Rest, _) => {}
        }
        Ok(())
    }
}
