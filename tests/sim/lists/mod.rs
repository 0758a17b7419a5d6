//! Worlds in which a tree is written down, harmed, checked and repaired, while calls fail, runs are killed and the power goes.
//!
//! The kernel is the one that single files are copied on. From the bottom up: play (one run), harm (what happens to the tree between
//! runs), judge (what must be true), campaign.

pub mod campaign;
pub mod harm;
pub mod judge;
pub mod play;
