//! What is to be sent where: each source with the far directory and the name that it gets there.

use crate::error::Error;
use crate::sftp::far_path::{join, shown, split};
use crate::sftp::types::{Failure, TransferEvent};
use std::collections::BTreeSet;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// A source, the far directory that it goes to, and its name there.
pub(super) type Operand = (PathBuf, Vec<u8>, Vec<u8>);

/// Operands without those that would take the place of another; of a tree's content nothing does.
pub(super) fn without_doubles(operands: Vec<Operand>, tell: &mut dyn FnMut(&TransferEvent<'_>)) -> Vec<Operand> {
    let mut targets = BTreeSet::new();
    let mut is_new = |operand: &Operand| {
        let (source, dir, name) = operand;
        let is_new = name == b"." || targets.insert((dir.clone(), name.clone()));
        if !is_new {
            tell(&TransferEvent::Failed(&Failure::Here(Error::just_created(&shown(&join(dir, name)), source))));
        }
        is_new
    };
    operands.into_iter().filter(|operand| is_new(operand)).collect()
}

/// What a source is called in the directory that it is copied into.
pub(super) fn near_name(source: &Path) -> Vec<u8> {
    let name = split(source.as_os_str().as_bytes()).1;
    // As cp: the content of `..` goes into the directory itself.
    if matches!(name, b".." | b"." | b"") { b".".to_vec() } else { name.to_vec() }
}
