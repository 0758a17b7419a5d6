//! What a client asks of the server.

use crate::remote::fields::{Malformed, Reader, Result, Writer, at, place, read_path, write_strings};
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

/// What is asked of the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ServerRequest {
    /// To receive what the client sends, at this target; with several sources it is a directory.
    Receive {
        /// As typed; empty for the directory of the login.
        target: PathBuf,
        /// How many sources there are.
        sources: Sources,
    },
    /// To send what these patterns stand for.
    Send {
        /// As typed.
        patterns: Vec<PathBuf>,
    },
}

/// How many sources there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sources {
    /// One: the target may be its new name.
    One,
    /// More: the target is a directory.
    Several,
}

const SOURCES: [Sources; 2] = [Sources::One, Sources::Several];

impl ServerRequest {
    /// Writes it down.
    pub(super) fn write(&self, head: &mut Writer) {
        match self {
            ServerRequest::Receive { target, sources } => {
                head.u8(0).bytes(target.as_os_str().as_bytes()).u8(place(&SOURCES, sources));
            }
            ServerRequest::Send { patterns } => {
                head.u8(1);
                write_strings(head, patterns.iter().map(|pattern| pattern.as_os_str()));
            }
        }
    }

    /// Reads what was written.
    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self> {
        match reader.u8()? {
            0 => Ok(ServerRequest::Receive { target: read_path(reader)?, sources: at(&SOURCES, reader)? }),
            1 => Ok(ServerRequest::Send { patterns: reader.several(read_path)? }),
            _ => Err(Malformed),
        }
    }
}
