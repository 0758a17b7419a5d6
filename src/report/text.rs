//! The lines of -v and --debug.

use crate::copy::fallback::Fallback;
use crate::copy::strategy::{Cloning, Strategy, Why};
use crate::copy::{Copied, Placement, Special, Verified};
use crate::error::reason;
use crate::quote::quoted;
use std::fmt::Write;
use std::path::Path;

/// `'source' -> 'target'`, and the name that an old target keeps.
pub(super) fn arrow(source: &Path, target: &Path, backup: Option<&Path>) -> String {
    let backup = backup.map_or_else(String::new, |backup| format!(" (backup: {})", quoted(backup)));
    format!("{} -> {}{backup}\n", quoted(source), quoted(target))
}

/// mv's line for a name that was renamed.
pub(super) fn renamed(source: &Path, target: &Path, backup: Option<&Path>) -> String {
    format!("renamed {}", arrow(source, target, backup))
}

/// mv's line for two names that were exchanged.
pub(super) fn exchanged(source: &Path, target: &Path) -> String {
    format!("exchanged {} <-> {}\n", quoted(source), quoted(target))
}

/// mv's line for a name that was copied to another filesystem.
pub(super) fn moved(source: &Path, target: &Path, backup: Option<&Path>) -> String {
    format!("copied {}", arrow(source, target, backup))
}

/// mv's line for a directory that it made on another filesystem.
pub(super) fn moved_directory(target: &Path) -> String {
    format!("created directory {}\n", quoted(target))
}

/// mv's line for a source that is gone.
pub(super) fn source_removed(source: &Path, is_directory: bool) -> String {
    let what = if is_directory { "removed directory" } else { "removed" };
    format!("{what} {}\n", quoted(source))
}

/// GNU's line for a directory of --parents, which alone has no quotes.
pub(super) fn parent(source: &Path, target: &Path) -> String {
    format!("{} -> {}\n", source.display(), target.display())
}

/// install's line for a directory that it made, in which it names itself.
pub(super) fn created(program: &str, directory: &Path) -> String {
    format!("{program}: creating directory {}\n", quoted(directory))
}

/// GNU's line for an old target that is gone.
pub(super) fn removed(target: &Path) -> String {
    format!("removed {}\n", quoted(target))
}

/// GNU's line for a target that was left alone.
pub(super) fn skipped(target: &Path) -> String {
    format!("skipped {}\n", quoted(target))
}

/// The warning about a source that did not hold still.
pub(super) fn changed(source: &Path) -> String {
    format!("{} changed while being copied", quoted(source))
}

/// GNU's line on how a file was copied, and ours on why and with what proof.
pub(super) fn decisions(copied: &Copied) -> String {
    let mut text = format!(
        "copy offload: {}, reflink: {}, sparse detection: {}\n",
        offload(copied),
        reflink(copied),
        sparse_detection(copied)
    );
    let fallbacks: Vec<String> =
        copied.fallbacks.iter().map(|(strategy, fallback)| format!("{strategy}: {fallback}")).collect();
    let fallbacks = if fallbacks.is_empty() { String::from("none") } else { fallbacks.join("; ") };
    let digest = copied.digest().map_or_else(|| String::from("not all read"), |digest| digest.to_string());
    let (strategy, why, verified) = (copied.strategy, copied.why, verified(copied.verified));
    let unsynced = copied.unsynced.map_or_else(String::new, |errno| format!(", not synced: {}", reason(errno)));
    let continued = if copied.continued { ", continued from an earlier run" } else { "" };
    let placement = format!("{}{continued}{unsynced}", placement(copied.placement));
    // Writing to a String does not fail.
    writeln!(
        text,
        "strategy: {strategy} ({why}), fallbacks: {fallbacks}, target: {placement}, verified: {verified}, {} bytes, blake3: {digest}",
        copied.size
    )
    .unwrap_or_default();
    text
}

/// The same of a file that holds what its source holds.
pub(super) fn same_already(made: &Special) -> String {
    let content = made
        .content
        .as_ref()
        .map_or_else(String::new, |content| format!(", {} bytes, blake3: {}", content.size, content.digests.whole));
    format!(
        "copy offload: no, reflink: no, sparse detection: no\n\
         same already: every byte of both was read and compared, nothing was written{content}\n"
    )
}

/// In GNU's words; "avoided" is said where an option forbids it, as GNU's tests want it.
fn offload(copied: &Copied) -> &'static str {
    match (copied.strategy, copied.why) {
        (Strategy::Offload, _) => "yes",
        (_, Why::Asked) => "avoided",
        (Strategy::Reflink | Strategy::Extents | Strategy::Stream, _) => "no",
    }
}

fn reflink(copied: &Copied) -> &'static str {
    let refused = |(strategy, fallback): &(Strategy, Fallback)| {
        *strategy == Strategy::Reflink && matches!(fallback, Fallback::Unsupported(_))
    };
    if copied.strategy == Strategy::Reflink {
        "yes"
    } else if copied.cloning == Cloning::Refused || copied.fallbacks.iter().any(refused) {
        "unsupported"
    } else if matches!(copied.why, Why::Mapped(_) | Why::ResidencyUnknown(_) | Why::Bug(_) | Why::Emptied) {
        "avoided"
    } else {
        "no"
    }
}

fn sparse_detection(copied: &Copied) -> &'static str {
    match (copied.sparse.by_map, copied.sparse.by_zeros) {
        (true, true) => "SEEK_HOLE + zeros",
        (true, false) => "SEEK_HOLE",
        (false, true) => "zeros",
        (false, false) => "no",
    }
}

fn placement(placement: Placement) -> &'static str {
    match placement {
        Placement::New => "new",
        Placement::Own => "written under its own name",
        Placement::Replace | Placement::Supplant => "replaced",
        Placement::Rewrite | Placement::InPlace => "written in place",
        Placement::Through | Placement::BlockDevice | Placement::Value => "written through",
    }
}

fn verified(verified: Verified) -> &'static str {
    match verified {
        Verified::Content => "content",
        Verified::FarDigest => "digest of the far end",
        Verified::Blocks => "blocks",
        Verified::Device => "device",
        Verified::Digests => "blake3",
        Verified::No => "no",
        Verified::Impossible => "no, not a regular file",
        Verified::MadeUp => "no, made up by the kernel when it is read",
    }
}
