//! A regular file: whether its bytes follow, went before, or only their digest is told.

use super::content::Read;
use super::{Here, OpenSource, Sender};
use crate::kernel::{Kernel, OFlags, Stat};
use crate::known::filesystems::Filesystem;
use crate::options::Unfinished;
use crate::remote::message::{Content, FileHead, Message, PARTED_MIN, Steadiness, VALUES_AT_ONCE, VALUES_MAX, Values};
use crate::remote::terms::{Carried, Start, Tell};
use crate::remote::unanswered::UnansweredFile;
use std::io::Result;
use std::path::Path;

/// A smaller file is sent whether it is there already or not: to ask takes longer over a long way.
const TOLD_MIN: u64 = 64 << 10;

impl<K: Kernel> Sender<'_, K> {
    /// Sends a regular file.
    pub(super) fn file(&mut self, here: &Here<'_, K::File>, stat: Stat) -> Result<()> {
        let nothing = |errno| FileHead {
            stat,
            text: None,
            attributes: Vec::new(),
            refusal: Some(errno),
            content: Content::Nothing,
        };
        let opened = self.opened(&here.name, &stat, OFlags::RDONLY);
        let opened = opened.and_then(|(file, stat)| self.attributes(&file).map(|attributes| (file, stat, attributes)));
        let (file, stat, attributes) = match opened {
            Ok(opened) => opened,
            Err(errno) => return self.entry(here.sent_as, Ok(nothing(errno))).map(drop),
        };
        let keeps_links = self.terms.carried == Carried::Everything && stat.has_other_names();
        let before = self.sent.get(&(stat.dev, stat.ino)).copied().filter(|_| keeps_links);
        let told = match before {
            None if self.tells_first(&stat) => self.told(&file, stat.size)?,
            None | Some(_) => None,
        };
        let content = match (before, &told) {
            (Some(_), _) => Content::Before,
            (None, Some(read)) => Content::Told(*read.digests.whole.as_bytes()),
            (None, None) => Content::Follows,
        };
        let stat_told = self.stat_told(&file, stat);
        let found = FileHead { stat: stat_told, text: None, attributes, refusal: None, content };
        let id = self.entry(here.sent_as, Ok(found))?;
        self.open.insert(id, OpenSource { file, shown: here.name.shown.to_owned() });
        if before.is_some() {
            return Ok(());
        }
        if let Some(read) = told.as_ref().filter(|_| self.may_have_part(&stat)) {
            self.values(id, &read.values)?;
        }
        let digest = match told {
            Some(read) => Some(self.expect(id, here.name.shown, (&stat, stat.size, Steadiness::Same), read)),
            None => self.content(id, &stat, here.name.shown)?,
        };
        if let Some(digest) = digest.filter(|_| keeps_links) {
            self.sent.insert((stat.dev, stat.ino), digest);
            self.owed.expect_further(digest);
        }
        Ok(())
    }

    /// What is told of a file. One that is made up when it is read, as those in /sys, says that it has a page, whatever it has: it is told to
    /// have nothing, as those in /proc, so that nobody misses the rest.
    fn stat_told(&self, file: &K::File, stat: Stat) -> Stat {
        let is_made_up = || self.kernel.filesystem(file).is_ok_and(|magic| Filesystem::new(magic).is_pseudo());
        let is_guess = stat.size > 0 && stat.blocks == 0 && is_made_up();
        Stat { size: if is_guess { 0 } else { stat.size }, ..stat }
    }

    /// Whether a file's digest goes before its bytes: the receiver may have it, or a part of it.
    fn tells_first(&self, stat: &Stat) -> bool {
        (self.terms.start == Start::Resumed && stat.size >= TOLD_MIN) || self.may_have_part(stat)
    }

    fn may_have_part(&self, stat: &Stat) -> bool {
        self.terms.unfinished == Unfinished::Kept && stat.size > PARTED_MIN
    }

    /// What each chunk of a file is, for a receiver that has some of them.
    fn values(&mut self, id: u64, values: &[[u8; 32]]) -> Result<()> {
        for values in values[..values.len().min(VALUES_MAX)].chunks(VALUES_AT_ONCE) {
            self.say(&Message::Values(Values { id, values: values.to_vec() }))?;
        }
        Ok(())
    }

    /// Expects an answer for a file; returns the digest that it is to have.
    pub(super) fn expect(&mut self, id: u64, shown: &Path, as_it_is: (&Stat, u64, Steadiness), read: Read) -> [u8; 32] {
        let (Read { mut digests, sha256, .. }, (stat, size, steadiness)) = (read, as_it_is);
        if self.terms.tell != Tell::Lists {
            digests.pieces = Vec::new();
        }
        let digest = *digests.whole.as_bytes();
        let changed = steadiness == Steadiness::Changed;
        let (shown, stat, named) = (shown.to_owned(), *stat, self.named);
        self.owed.expect(id, UnansweredFile { shown, stat, size, digests, sha256, changed, named });
        digest
    }
}
