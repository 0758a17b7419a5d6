//! The words that options take, and what they stand for.

use crate::archive::manifest::Form;
use crate::options::{Backup, Hints, Reflink, Sparse, Sync, Update, Verify};

/// The attributes of --preserve.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Attribute {
    Mode,
    Timestamps,
    Ownership,
    Links,
    Context,
    Xattr,
    All,
}

pub(super) const ATTRIBUTES: [(&str, Attribute); 7] = [
    ("mode", Attribute::Mode),
    ("timestamps", Attribute::Timestamps),
    ("ownership", Attribute::Ownership),
    ("links", Attribute::Links),
    ("context", Attribute::Context),
    ("xattr", Attribute::Xattr),
    ("all", Attribute::All),
];
/// The words of --update.
pub(super) const UPDATES: [(&str, Update); 4] =
    [("all", Update::All), ("none", Update::Nothing), ("none-fail", Update::NothingFail), ("older", Update::Older)];
pub(super) const SPARSE: [(&str, Sparse); 3] =
    [("never", Sparse::Never), ("auto", Sparse::Auto), ("always", Sparse::Always)];
pub(super) const REFLINK: [(&str, Reflink); 3] =
    [("auto", Reflink::Auto), ("always", Reflink::Always), ("never", Reflink::Never)];
pub(super) const BACKUPS: [(&str, Backup); 8] = [
    ("none", Backup::No),
    ("off", Backup::No),
    ("simple", Backup::Simple),
    ("never", Backup::Simple),
    ("existing", Backup::Existing),
    ("nil", Backup::Existing),
    ("numbered", Backup::Numbered),
    ("t", Backup::Numbered),
];
pub(super) const HINTS: [(&str, Hints); 2] = [("auto", Hints::Auto), ("never", Hints::Never)];
pub(super) const SYNC: [(&str, Sync); 2] = [("auto", Sync::Auto), ("never", Sync::Never)];
pub(super) const FORMS: [(&str, Form); 3] =
    [("mtree", Form::Mtree), ("b3sum", Form::B3sum), ("sha256sum", Form::Sha256sum)];

pub(super) const VERIFY: [(&str, Verify); 5] = [
    ("content", Verify::Content),
    ("map", Verify::Map),
    ("blake3", Verify::Blake3),
    ("device", Verify::Device),
    ("none", Verify::Nothing),
];
