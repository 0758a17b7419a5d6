//! Many names: what the operands mean, the walk through a source, and the order of the work.
//!
//! The walk proposes names; every one is opened again beneath the handle of the directory it was
//! found in, so that a tree that changes under the walk gives errors, never other files.

mod after;
mod collision;
mod commit_group;
mod crowded;
mod cut;
mod descent;
mod ending;
mod entered;
pub mod entries;
pub mod entry;
pub mod entry_context;
mod further;
mod groups;
mod handles;
pub mod inspect;
pub mod inspected;
mod installed;
pub mod level;
pub mod links;
mod name;
mod operand;
pub mod overwrite;
mod parents;
pub mod plan;
pub mod portion;
mod ranges;
mod reopen;
pub mod root;
pub mod run;
mod same;
mod seal;
mod share;
mod shortages;
pub mod special;
mod spellings;
mod unwritten;
pub mod walk;
mod work;
mod write_out;

pub(crate) use operand::OperandHistory;
