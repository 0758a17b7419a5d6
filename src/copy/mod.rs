//! One regular file, from an open source to a target that was read back and has its name.
//!
//! Probe, choose strategies, make a fresh temporary, settle if a hint will be used, transfer, verify;
//! a strategy that is not supported or whose result differs hands over to the next, with a new
//! temporary; then attributes, then the name. [`copy_file`] has the only loop down the ladder.
//!
//! An open source, a target's name and what is known of it enter; a [`Copied`] or an error leaves. Nothing here
//! knows of trees, of operands, or of what is said to the user.

mod attempt;
pub mod attributes;
pub(crate) mod backup;
mod backup_number;
mod block_map;
pub mod commit;
mod copier;
mod copy_file;
pub mod digest;
mod durable;
pub mod extent;
pub mod fallback;
mod finish;
mod flags;
pub(crate) mod growth;
pub mod hole_map;
pub mod ladder;
mod lease;
mod loss;
pub mod meter;
mod mismatch;
mod outcome;
mod own_name;
pub(crate) mod partial;
pub mod pass;
mod precedent;
pub mod probe;
mod question;
mod ranged;
mod refusal;
mod rewrite;
mod same;
mod same_already;
mod seal;
mod sealed;
mod sink;
pub mod stale_temporary;
mod steady;
pub mod stopped;
pub mod strategy;
mod strays;
mod strip;
mod target;
pub mod threads;
mod through;
mod types;
pub mod verify;
mod waiting;

pub use copier::Copier;
pub use outcome::{Copied, Outcome, Probed, Sparseness, Special, Thing, Verified};
pub(crate) use ranged::Part;
pub use sealed::{KnownContent, Sealed, Sealing, View};
pub(crate) use strip::STRIP;
pub use types::{Follow, Geometry, Name, Origin, Placement, Source, Stop, TargetDirectory, TargetFacts};
pub(crate) use waiting::NamingError;
pub use waiting::{Arrival, Waiting};
