//! What kind of list a text is, told by how it begins; where that is not enough, by its name.

use super::digest::Algorithm;
use super::formats::sums::Ending;
use super::formats::{bagit, contents, hashdeep, mtree, sums};
use super::open::Links;
use crate::path::directory_of;
use std::path::Path;

/// A kind of list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// mtree(5) as we write it: what is not said of a name is not there.
    Ours,
    /// mtree(5) of others: bsdtar, pacman, the BSDs.
    Mtree,
    /// md5sum, sha256sum, b3sum and their like, dpkg's md5sums among them.
    Sums(Ending),
    /// hashdeep.
    Hashdeep,
    /// Portage's CONTENTS.
    Contents,
    /// BagIt's manifests.
    Bagit(Algorithm),
    /// MHL 1.1 and ASC MHL.
    Mhl,
}

/// What programs of Windows begin a text in UTF-8 with.
pub const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// So much of a text tells what it is.
pub const HEAD_BYTES: usize = 16 << 10;

impl Format {
    /// The kind of a list that begins so and has this name; `None` if it is none that is known.
    #[must_use]
    pub fn of(head: &[u8], name: &Path) -> Option<Self> {
        let head = head.strip_prefix(BYTE_ORDER_MARK).unwrap_or(head);
        let mut lines = head.split(|byte| *byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line));
        let first = lines.next().unwrap_or_default();
        if first.starts_with(mtree::SIGNATURE) {
            let is_ours = lines.next() == Some(mtree::OURS);
            return Some(if is_ours { Format::Ours } else { Format::Mtree });
        }
        if first.starts_with(hashdeep::SIGNATURE) {
            return Some(Format::Hashdeep);
        }
        if head.trim_ascii_start().starts_with(b"<") {
            let is_list = head.windows(9).any(|word| word == b"<hashlist");
            return is_list.then_some(Format::Mhl);
        }
        if contents::begins(first) {
            return Some(Format::Contents);
        }
        if let Some(algorithm) = name.file_name().and_then(bagit::algorithm) {
            return Some(Format::Bagit(algorithm));
        }
        let record = head.split(|byte| *byte == 0).next().unwrap_or_default();
        if head.contains(&0) && matches!(sums::parse(record, Ending::Zero), Ok(Some(_))) {
            return Some(Format::Sums(Ending::Zero));
        }
        // A line that says nothing tells nothing of what the list is.
        let said = head.split(|byte| *byte == b'\n').map(|line| (line, sums::parse(line, Ending::Line)));
        let (spoken, read) = said.into_iter().find(|(_, read)| *read != Ok(None))?;
        if read.is_ok() {
            return Some(Format::Sums(Ending::Line));
        }
        // mtree(5) needs no signature: the older style begins with /set, what NetBSD's mtree makes of a list (-C) with the top.
        (spoken.starts_with(b"/set ") || spoken.starts_with(b". type=")).then_some(Format::Mtree)
    }

    /// Whether what the list does not say of a name's attributes is not there.
    #[must_use]
    pub fn is_ours(self) -> bool {
        self == Format::Ours
    }

    /// Whether it lists directories as well, so that one that it does not list is another's.
    #[must_use]
    pub fn lists_directories(self) -> bool {
        match self {
            Format::Ours | Format::Mtree | Format::Contents => true,
            Format::Sums(_) | Format::Hashdeep | Format::Bagit(_) | Format::Mhl => false,
        }
    }

    /// Whether it is a list of everything beneath its root. The others may be of a few files somewhere beneath it, as that of a
    /// package beneath `/`.
    #[must_use]
    pub fn lists_whole_trees(self) -> bool {
        match self {
            Format::Ours | Format::Bagit(_) | Format::Mhl => true,
            Format::Mtree | Format::Sums(_) | Format::Hashdeep | Format::Contents => false,
        }
    }

    /// Whether one that names nothing may be whole: a bag may be empty (RFC 8493).
    #[must_use]
    pub fn may_be_empty(self) -> bool {
        matches!(self, Format::Bagit(_))
    }

    /// Where names lie that do not say it, nor the user.
    #[must_use]
    pub fn root(self, list: &Path) -> &Path {
        let place = directory_of(list);
        match self {
            Format::Bagit(_) => place,
            Format::Mhl if place.file_name().is_some_and(|name| name == "ascmhl") => directory_of(place),
            Format::Mhl => place,
            Format::Ours | Format::Mtree | Format::Sums(_) | Format::Hashdeep | Format::Contents => Path::new("."),
        }
    }

    /// Which links lead to what was listed.
    #[must_use]
    pub fn links(self) -> Links {
        match self {
            Format::Ours => Links::None,
            // The way to a name may lead through links that a distribution made since, as /bin.
            Format::Mtree | Format::Contents => Links::OnTheWay,
            // Whoever makes a list of contents follows links.
            Format::Sums(_) | Format::Hashdeep | Format::Bagit(_) | Format::Mhl => Links::Beneath,
        }
    }

    /// Whether its times are whole seconds.
    #[must_use]
    pub fn rounds_times(self) -> bool {
        matches!(self, Format::Mtree | Format::Contents)
    }
}
