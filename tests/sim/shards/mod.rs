//! Worlds in which several runs share a tree: they take turns, are killed and started again, and a last one finishes.
//!
//! The kernel is the one that single files are copied on, and turns (who runs). From the bottom up: grove (the source), play (one
//! run), judge (what must be true), campaign.

pub mod campaign;
pub mod grove;
pub mod judge;
pub mod play;
