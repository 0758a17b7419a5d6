//! Bytes in and out of a file, whatever counts the kernel answers with, and the memory that they go through.

use super::types::Position;
use crate::kernel::{Errno, Kernel, Result};
use std::cell::RefCell;

/// An open file, and where in it bytes are read and written.
pub(crate) struct Bytes<'a, K: Kernel> {
    pub(super) kernel: &'a K,
    pub(super) file: &'a K::File,
    pub(super) position: Position,
}

/// Two slices: the source's bytes and the target's.
pub(super) struct Buffers<'b> {
    pub(super) source: &'b mut [u8],
    pub(super) target: &'b mut [u8],
}

/// What buffers are aligned to: copying between the page cache and memory that is not aligned took
/// several times as long on the machine this was measured on.
const PAGE: usize = 4096;

thread_local! {
    static BUFFERS: RefCell<Vec<u8>> = RefCell::default();
}

impl<'a, K: Kernel> Bytes<'a, K> {
    /// Those of a regular file.
    pub(crate) fn of(kernel: &'a K, file: &'a K::File) -> Self {
        Self { kernel, file, position: Position::Any }
    }

    /// Writes all of `bytes`, going on after short counts. A count of 0 is a failure, not progress.
    pub(crate) fn write_full(&self, mut bytes: &[u8], mut offset: u64) -> Result<()> {
        while !bytes.is_empty() {
            let written = match self.position {
                Position::Any => self.kernel.pwrite(self.file, bytes, offset),
                Position::Here => self.kernel.write(self.file, bytes),
            };
            match written {
                Ok(0) => return Err(Errno::NOSPC),
                Ok(count) => {
                    bytes = bytes.get(count..).unwrap_or_default();
                    offset += count as u64;
                }
                Err(errno) => return Err(errno),
            }
        }
        Ok(())
    }

    /// Reads until the buffer is full or a read returns 0, which alone is the end of the file.
    pub(crate) fn read_full(&self, buffer: &mut [u8], offset: u64) -> Result<usize> {
        let (mut count, mut waits) = (0, false);
        while count < buffer.len() {
            let rest = &mut buffer[count..];
            let read = match self.position {
                Position::Any => self.kernel.pread(self.file, rest, offset + count as u64),
                Position::Here => self.kernel.read(self.file, rest),
            };
            let read = match read {
                // It was opened with O_NONBLOCK, in case that it was a fifo: some files of FUSE and tracefs heed that.
                Err(Errno::AGAIN) if !waits => {
                    self.kernel.wait_from_now_on(self.file)?;
                    waits = true;
                    continue;
                }
                read => read?,
            };
            if read == 0 {
                break;
            }
            if read > buffer.len() - count {
                // No kernel gives more than was asked for; what is in the buffer then, nobody knows.
                return Err(Errno::IO);
            }
            count += read;
        }
        Ok(count)
    }
}

/// Calls with two slices of `slice` bytes, which are this thread's and hold whatever was in them last.
pub(super) fn with_buffers<T>(slice: usize, work: impl FnOnce(&mut Buffers<'_>) -> T) -> T {
    BUFFERS.with_borrow_mut(|memory| {
        let wanted = 2 * slice + PAGE;
        if memory.len() < wanted {
            // Pages that no byte comes to are never touched: to fill 66 of them was a tenth of a small copy's time.
            *memory = vec![0; wanted];
        }
        let start = memory.as_ptr().align_offset(PAGE).min(PAGE);
        let (source, target) = memory[start..start + 2 * slice].split_at_mut(slice);
        work(&mut Buffers { source, target })
    })
}
