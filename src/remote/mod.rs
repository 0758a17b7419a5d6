//! A copy whose one end is another machine: operands such as `host:path`, and the talk with safecp over there.
//!
//! One side sends a tree, the other receives it; either may be the one that was typed at. The receiver runs the same
//! engine as a local copy, in a world whose sources are what the peer sends ([`kernel`]): so names, placement, reading
//! back, attributes and messages are those of cp. The system's ssh carries the bytes. Neither side believes the other:
//! what comes in is checked where it is read ([`message`], [`intake`]), and nothing here encrypts, waits asynchronously
//! or decides how a file is copied.
//!
//! Where there is no safecp, this one is sent there and started ([`upload`]); where that cannot be, files go over SFTP
//! ([`over_sftp`]).

mod answers;
mod awaited;
#[cfg(test)]
mod both_ends;
pub mod client;
mod connection;
mod far_copy;
mod fields;
mod fill;
mod flow;
pub mod frame;
mod intake;
mod kernel;
#[cfg(test)]
mod lies;
pub mod message;
pub mod operand;
mod over_sftp;
mod paced;
mod pattern;
mod received;
mod receiver;
pub mod receiver_event;
mod relay;
mod sender;
pub mod server;
pub mod ssh;
mod teller;
pub mod terms;
pub mod transport;
mod unanswered;
pub mod upload;
