//! What is to be sent where: each source with the far directory and the name that it gets there.

use crate::kernel::Kernel;
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
    let mut targets: BTreeMap<Vec<u8>, PathBuf> = BTreeMap::new();
    // What cannot be looked at fails by itself.
    let look = |source: &Path| kernel.stat_at(None, source, true).ok();
    let mut is_new = |(source, dir, name): &Operand| {
        let target = join(dir, name);
        let Some(first) = targets.get(&target).filter(|_| name != b".") else {
            targets.insert(target, source.clone());
            return true;
        };
        match look(first).zip(look(source)).filter(|(first, stat)| first.is_same_file(stat)) {
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
