//! The numbers of the calls by which a program asks for holes, clones and copies, in every ABI of a machine.
//!
//! A process may make calls of several ABIs in turn: on x86-64 also those of i386 (int 0x80, 32-bit programs) and
//! of x32, whose numbers have a bit of their own. Sources: Linux 6.18, arch/x86/entry/syscalls, scripts/syscall.tbl,
//! include/uapi/linux/audit.h, fs.h.

/// The kind of call a number stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Call {
    /// ioctl(2), whose request is the second argument.
    Ioctl,
    /// copy_file_range(2).
    CopyFileRange,
    /// lseek(2), whose whence is the third argument.
    Seek,
    /// _llseek(2) of 32-bit ABIs, whose whence is the fifth argument.
    LongSeek,
}

/// A set of calls that the kernel keeps apart from others, by what it calls an audit architecture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Abi {
    /// Its name.
    pub name: &'static str,
    /// What seccomp_data has in `arch` for a call of it.
    pub audit: u32,
    /// Numbers and what they stand for.
    pub calls: &'static [(u32, Call)],
}

/// ioctl request: share all blocks of another file. btrfs and XFS had it under names of their own.
pub const FICLONE: u32 = 0x4004_9409;
/// ioctl request: share a range of them.
pub const FICLONERANGE: u32 = 0x4020_940d;
/// lseek's whence for the next data.
pub const SEEK_DATA: u32 = 3;
/// lseek's whence for the next hole.
pub const SEEK_HOLE: u32 = 4;

/// The bit that makes a number one of x32, under the audit architecture of x86-64.
const X32: u32 = 0x4000_0000;

/// x32 has another number for ioctl, 514. Linux before 5.4 also took 514 without the bit, and 16 with it.
const X86_64: Abi = Abi {
    name: "x86-64 and x32",
    audit: 0xc000_003e,
    calls: &[
        (8, Call::Seek),
        (16, Call::Ioctl),
        (326, Call::CopyFileRange),
        (514, Call::Ioctl),
        (X32 | 8, Call::Seek),
        (X32 | 16, Call::Ioctl),
        (X32 | 326, Call::CopyFileRange),
        (X32 | 514, Call::Ioctl),
    ],
};

const I386: Abi = Abi {
    name: "i386",
    audit: 0x4000_0003,
    calls: &[(19, Call::Seek), (54, Call::Ioctl), (140, Call::LongSeek), (377, Call::CopyFileRange)],
};

const AARCH64: Abi = Abi {
    name: "aarch64",
    audit: 0xc000_00b7,
    calls: &[(29, Call::Ioctl), (62, Call::Seek), (285, Call::CopyFileRange)],
};

const ARM: Abi = Abi {
    name: "arm",
    audit: 0x4000_0028,
    calls: &[(19, Call::Seek), (54, Call::Ioctl), (140, Call::LongSeek), (391, Call::CopyFileRange)],
};

/// Every ABI in which a process of a kernel for `architecture` can make calls; `None` if nobody wrote them down.
///
/// `architecture` is the one that this program was built for: one of 64 bits runs on no other kernel, while what
/// uname(2) says can be changed by setarch.
#[must_use]
pub fn abis(architecture: &str) -> Option<&'static [Abi]> {
    match architecture {
        "x86_64" => Some(&[X86_64, I386]),
        "aarch64" => Some(&[AARCH64, ARM]),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The numbers that the C library's headers have, for the architecture that the test runs on.
    #[test]
    fn the_numbers_are_those_of_the_headers() {
        let of = |call| {
            let own = &abis(std::env::consts::ARCH).expect("known")[0];
            own.calls.iter().filter(move |row| row.1 == call).map(|row| libc::c_long::from(row.0)).collect::<Vec<_>>()
        };
        assert!(of(Call::Ioctl).contains(&libc::SYS_ioctl));
        assert!(of(Call::Seek).contains(&libc::SYS_lseek));
        assert!(of(Call::CopyFileRange).contains(&libc::SYS_copy_file_range));
        assert_eq!((SEEK_DATA, SEEK_HOLE), (libc::SEEK_DATA as u32, libc::SEEK_HOLE as u32));
    }

    #[test]
    fn a_machine_that_nobody_wrote_down_has_no_table() {
        assert!(abis("riscv64").is_none() && abis("x86").is_none());
    }
}
