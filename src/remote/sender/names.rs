//! Names, each with what stat(2) says of it, and all that is in a directory.

use super::{Here, Sender};
use crate::copy::{Follow, Name};
use crate::kernel::{Errno, Kernel, Kind, OFlags, Stat};
use crate::remote::frame::HEAD_MAX;
use crate::remote::message::{Content, Entry, FileHead, Message};
use crate::remote::terms::{Carried, Depth};
use crate::remote::unanswered::Named;
use crate::tree::plan::joined;
use crate::tree::walk::Listing;
use std::ffi::{OsStr, OsString};
use std::io::Result;
use std::path::Path;

/// A tree that is deeper is refused: each level holds a directory open.
const DEPTH_MAX: usize = 1000;

/// More extended attributes do not fit into a message.
const ATTRIBUTES_MAX: usize = HEAD_MAX / 2;

impl<K: Kernel> Sender<'_, K> {
    /// A name, with all that is in it.
    pub(super) fn name(&mut self, here: &Here<'_, K::File>) -> Result<()> {
        let Here { name, sent_as } = here;
        let stat = match self.kernel.stat_at(name.dir, name.name, self.follows()) {
            Ok(stat) => stat,
            Err(errno) => return self.entry(sent_as, Err(errno)).map(drop),
        };
        if self.above.is_empty() {
            let is_new = self.operands.insert((stat.dev, stat.ino));
            self.named = if is_new { Named::First } else { Named::Again };
        }
        if self.wanted.is_over() {
            self.owed.lack(name.shown, self.named);
            return Ok(());
        }
        match stat.kind {
            Kind::File => self.file(here, stat),
            Kind::Directory => self.directory(here, stat),
            Kind::Symlink | Kind::Fifo | Kind::Socket | Kind::CharDevice | Kind::BlockDevice => self.other(here, stat),
        }
    }

    /// Sends what a name is. Returns its number.
    pub(super) fn entry(&mut self, sent_as: &OsStr, found: std::result::Result<FileHead, Errno>) -> Result<u64> {
        let id = self.next_id;
        self.next_id += 1;
        self.owed.enter();
        self.say(&Message::Entry(Entry { id, name: sent_as.to_owned(), found }))?;
        Ok(id)
    }

    /// Opens a name that was looked at; it must be what it was.
    pub(super) fn opened(
        &self,
        name: &Name<'_, K::File>,
        stat: &Stat,
        flags: OFlags,
    ) -> crate::kernel::Result<(K::File, Stat)> {
        let file = name.open(self.kernel, flags | OFlags::NONBLOCK)?;
        let opened = self.kernel.stat(&file)?;
        if opened.is_same_file(stat) && opened.kind == stat.kind { Ok((file, opened)) } else { Err(Errno::STALE) }
    }

    /// Extended attributes and lists, if they go along.
    pub(super) fn attributes(&self, handle: &K::File) -> crate::kernel::Result<Vec<(OsString, Vec<u8>)>> {
        if self.terms.carried != Carried::Everything {
            return Ok(Vec::new());
        }
        let names = match self.kernel.list_xattr(handle) {
            Err(Errno::OPNOTSUPP | Errno::NOSYS) => Vec::new(),
            names => names?,
        };
        let mut attributes = Vec::new();
        let mut size = 0;
        for name in names {
            match self.kernel.get_xattr(handle, &name) {
                // It was removed since it was listed.
                Err(Errno::NODATA) => {}
                value => attributes.push((name, value?)),
            }
            size += attributes.last().map_or(0, |(name, value)| name.len() + value.len() + 8);
        }
        if size > ATTRIBUTES_MAX { Err(Errno::TOOBIG) } else { Ok(attributes) }
    }

    fn other(&mut self, here: &Here<'_, K::File>, stat: Stat) -> Result<()> {
        let found = here.name.open(self.kernel, OFlags::PATH | OFlags::NOFOLLOW).and_then(|handle| {
            let text = (stat.kind == Kind::Symlink).then(|| self.kernel.readlink(&handle)).transpose()?;
            let attributes = self.attributes(&handle)?;
            Ok(FileHead { stat, text, attributes, refusal: None, content: Content::Nothing })
        });
        self.entry(here.sent_as, found).map(drop)
    }

    fn directory(&mut self, here: &Here<'_, K::File>, stat: Stat) -> Result<()> {
        if self.above.contains(&(stat.dev, stat.ino)) || self.above.len() >= DEPTH_MAX {
            let errno = if self.above.len() >= DEPTH_MAX { Errno::NAMETOOLONG } else { Errno::LOOP };
            return self.entry(here.sent_as, Err(errno)).map(drop);
        }
        let opened = self.opened(&here.name, &stat, OFlags::RDONLY | OFlags::DIRECTORY);
        let opened = opened.and_then(|(dir, stat)| self.attributes(&dir).map(|attributes| (dir, stat, attributes)));
        let (dir, stat, attributes, refusal) = match opened {
            Ok((dir, stat, attributes)) => (Some(dir), stat, attributes, None),
            Err(errno) => (None, stat, Vec::new(), Some(errno)),
        };
        let found = FileHead { stat, text: None, attributes, refusal, content: Content::Nothing };
        let id = self.entry(here.sent_as, Ok(found))?;
        self.above.push((stat.dev, stat.ino));
        self.wanted.enter(id);
        let listed = match dir.filter(|_| self.terms.depth == Depth::Trees) {
            Some(dir) => self.names(&dir, here.name.shown)?,
            None => refusal,
        };
        self.above.pop();
        self.wanted.leave();
        self.say(&Message::Leave(listed))
    }

    /// All names in a directory; why they could not be read to the end.
    fn names(&mut self, dir: &K::File, shown: &Path) -> Result<Option<Errno>> {
        let mut listing = Listing::default();
        loop {
            while let Some(listed) = listing.take() {
                if self.wanted.is_over() {
                    self.owed.lack(shown, self.named);
                    return Ok(None);
                }
                let name = Path::new(&listed.name);
                let shown = joined(shown, name);
                let follow = if self.follows() { Follow::Yes } else { Follow::No };
                self.name(&Here { name: Name { dir: Some(dir), name, shown: &shown, follow }, sent_as: &listed.name })?;
            }
            match listing.has_ended() {
                Ok(true) => return Ok(None),
                Err(errno) => return Ok(Some(errno)),
                Ok(false) => {}
            }
            if let Err(errno) = listing.read(self.kernel, dir) {
                return Ok(Some(errno));
            }
        }
    }
}
