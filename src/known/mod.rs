//! What the world taught us, as data: nothing here makes a system call or decides for the engine.

pub mod attributes;
pub mod calls;
pub mod filesystems;
pub mod glibc;
pub mod programs;
pub mod zfs;
