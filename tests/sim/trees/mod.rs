//! Worlds in which a whole run copies trees: operands, directories, links, and what strangers do to them meanwhile.
//!
//! The kernel is the one that single files are copied on. From the bottom up: class (what may go wrong in a
//! world), order (what is asked for, and which name goes where), still (what stands where at one
//! moment), grow (the trees), stranger, scenario (a world from a seed), drive (the run in it), judge
//! (what must be true then), campaign.

pub mod campaign;
pub mod class;
pub mod drive;
pub mod grow;
pub mod judge;
pub mod order;
pub mod scenario;
pub mod still;
pub mod stranger;
