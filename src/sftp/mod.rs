//! Copies to and from a host that has nothing but SFTP, verified: version 3 of the protocol over a child's pipes.
//!
//! Files go to temporaries with names that nobody knows beforehand. What was sent is compared with digests that one command at
//! the far end makes of all files, or, where the account has no shell, with what is read back. Only then a temporary gets
//! its name. The far end is not trusted: what it says can make a transfer fail, not write elsewhere or use up memory.
//!
//! Nothing here knows of ssh: whoever calls says how the two channels are started ([`Reach`]).

mod client;
mod connection;
mod far_digest;
mod far_path;
mod glob;
mod hashing;
mod incoming;
mod landing;
mod listing;
mod local_directory;
mod local_tree;
mod pace;
mod pull;
mod push;
mod reading;
mod status;
mod temporary;
mod types;
pub mod wire;

pub use pace::Pace;
pub use pull::pull;
pub use push::push;
pub use types::{
    Attributes, Failure, ListDigests, Near, Proof, Reach, Start, TransferEvent, Tree, Verify, Wishes, Writing,
};
