//! A deterministic simulator: a kernel in memory that lies, fails and crashes on a seed.
//!
//! [`kernel::Sim`] implements the engine's one boundary, `safecp::kernel::Kernel`. From the bottom
//! up: random, content (one file's bytes in layers), tree (names and inodes), system (which
//! filesystem does what), faults (what can go wrong), intruder, world (state and what happens around
//! a call), transfer and kernel (the calls). On it stand scenario (a world from a seed), drive (one
//! copy in it), oracle (what must be true then) and campaign (many worlds); other kinds of worlds add up in tally. tests/README.md tells how
//! to run and replay them.

#![allow(dead_code, unreachable_pub, reason = "shared by several test programs, each of which uses a part")]

pub mod call;
pub mod content;
pub mod faults;
pub mod intruder;
pub mod kernel;
pub mod lists;
pub mod random;
pub mod system;
pub mod tally;
pub mod targets;
pub mod transfer;
pub mod tree;
pub mod trees;
pub mod turns;
pub mod world;

pub mod campaign;
pub mod drive;
pub mod oracle;
pub mod scenario;
pub mod shards;
