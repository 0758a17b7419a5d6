//! What is to be sent where: each source with the far directory and the name that it gets there.

use crate::kernel::{Kernel, Stat};
use crate::quote::quoted;
use crate::sftp::far_path::{TypedDirectory, join, split};
use crate::sftp::types::{Failure, TransferEvent};
use std::collections::BTreeMap;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// A source, the far directory that it goes to, and its name there.
pub(super) type Operand = (PathBuf, Vec<u8>, Vec<u8>);

/// Operands without those that would take the place of another; of a tree's content nothing does. What is named twice is copied once.
pub(super) fn without_doubles<K: Kernel>(
    kernel: &K,
    operands: Vec<Operand>,
    home: &TypedDirectory,
    tell: &mut dyn FnMut(&TransferEvent<'_>),
) -> Vec<Operand> {
    let mut targets: BTreeMap<Vec<u8>, Option<Stat>> = BTreeMap::new();
    let mut is_new = |(source, dir, name): &Operand| {
        // What cannot be looked at fails by itself.
        let (target, stat) = (join(dir, name), kernel.stat_at(None, source, true).ok());
        let first = match targets.get(&target).filter(|_| name != b".") {
            None => {
                targets.insert(target, stat);
                return true;
            }
            Some(first) => first.zip(stat).filter(|(first, stat)| first.is_same_file(stat)),
        };
        match first {
            Some((stat, _)) => tell(&TransferEvent::Twice { source, kind: stat.kind }),
            None => {
                let after = format!(" with {}", quoted(source));
                let failure = Failure::of_far("will not overwrite just-created ", &home.shown(&target), &after);
                tell(&TransferEvent::Failed(&failure));
            }
        }
        false
    };
    operands.into_iter().filter(|operand| is_new(operand)).collect()
}

/// What a source is called in the directory that it is copied into.
pub(super) fn near_name(source: &Path) -> Vec<u8> {
    let name = split(source.as_os_str().as_bytes()).1;
    // As cp: the content of `..` goes into the directory itself.
    if matches!(name, b".." | b"." | b"") { b".".to_vec() } else { name.to_vec() }
}
