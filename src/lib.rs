//! safecp: cp whose success means that every file was read back and is the same.
//!
//! # The story of one copy
//!
//! `argv` becomes [`options::Options`] and operands ([`cli`]), operands become names to copy
//! ([`tree`]), and each regular file goes through [`copy`]: its source is probed, a strategy chosen,
//! a nameless temporary filled, its bytes read back and compared, its attributes set, and only then
//! it gets its name. What happened is an outcome, which [`report`] puts into words and an exit status. What each command
//! line does, from the options to that status, is in [`commands`].
//!
//! Why all that: on ZFS the kernel may call written data a hole, or clone old blocks, and say
//! success (OpenZFS #15933, #15526, #16012). What SEEK_HOLE, FICLONE and copy_file_range answer is
//! a hint here; that both files read the same is the proof.
//!
//! With several target directories each has a run of its own, side by side with the others: [`targets`].
//! A tree can be copied by several runs, each its share of it: [`shard`].
//!
//! What a tree is can be written down while it is copied, and be found out again later: [`archive`].
//!
//! Files that a past copy has filled with zeros are looked for by [`scan`].
//!
//! Beside it stand two that copy nothing: [`guard`] runs a command that is refused those hints, and
//! [`doctor`] tells whether programs of this machine would be misled by them.
//!
//! # Vocabulary
//!
//! - *source*, *target*: the two ends of a copy. An *operand* is one that was typed. What has the target's name before the copy is
//!   the *existing* target, or the old file.
//! - *strategy*: reflink, offload, extents or stream; each rung of the *ladder* trusts less. A *fallback* is why one was left.
//! - *hint*: an answer of the kernel about content that is not the content itself.
//! - *settling*: writing a source out before a hint about it is used.
//! - *pass*: one way through both files, moving bytes, comparing them, or both. An *attempt* is a pass by one strategy into one sink.
//! - *sink*: where the bytes of an attempt go: a *temporary*, or the old file. A *stale temporary* is one whose run is dead.
//! - *placement*: how a target arrives: new, in the place of an old file, or written into it. *Commit*: it gets its name.
//! - *inspection*: finding out what a name is and what stands at its target, before anything is changed.
//! - *level*: a directory while its entries are being copied.
//! - *outcome*: what became of a name. An *event* tells it, or that something failed, to the report. A *request* is what a command line
//!   asks of one room: what to check, to move, to scan.
//! - *list*: what another tool or we have written down of a tree; a *manifest* is one of ours. *Sealing* a name is finding out what
//!   stands in it. A *finding* is what a check tells. A *chunk* is a mebibyte of a file, which is mended by itself.
//! - *share*: what one of several runs copies of a tree; its *records* tell what it has verified. A user calls it a shard.
//! - *attributes*: owner, mode, times, access control lists, extended attributes; *lists* alone are access control lists.

pub mod account;
pub mod archive;
pub mod cli;
pub mod commands;
pub mod copy;
pub mod doctor;
pub mod document;
pub mod error;
pub mod exit_code;
pub mod guard;
pub mod host;
pub mod install;
pub mod kernel;
pub mod known;
pub mod mv;
pub mod options;
pub mod path;
pub mod pattern;
pub mod quote;
pub mod remote;
pub mod report;
pub mod scan;
pub mod sftp;
pub mod shard;
pub mod signals;
pub mod targets;
pub mod tree;
