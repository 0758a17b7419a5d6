//! What is refused, as seccomp programs: one for each ABI and error number. Makes no call.
//!
//! The programs are compiled by seccompiler, which knows one ABI for each and kills a process that makes calls of
//! another. Those first three instructions are given the ABI of our own table, and let others pass: another program is
//! there for them. What one program refuses stays refused, whatever the others say.

use crate::known::calls::{Abi, Call, FICLONE, FICLONERANGE, SEEK_DATA, SEEK_HOLE};
use libc::sock_filter;
use rustix::io::Errno;
use seccompiler::{
    BackendError, BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
    SeccompRule, TargetArch,
};
use std::collections::BTreeMap;

/// A way to ask the kernel for something that may be wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shortcut {
    /// FICLONE and FICLONERANGE.
    Clones,
    /// copy_file_range.
    Offload,
    /// lseek with SEEK_DATA and SEEK_HOLE.
    Holes,
}

impl Shortcut {
    /// All of them.
    pub const ALL: [Shortcut; 3] = [Shortcut::Clones, Shortcut::Offload, Shortcut::Holes];

    /// What a program is told that asks for it. Each is what old kernels or other filesystems say as well, so that
    /// programs know what to do: read and write (tests/guard/run has the programs). EXDEV for copy_file_range,
    /// because Python's pathlib (3.14 and later) takes everything else for a failure of the copy.
    #[must_use]
    pub fn refusal(self) -> Errno {
        match self {
            Shortcut::Clones => Errno::OPNOTSUPP,
            Shortcut::Offload => Errno::XDEV,
            Shortcut::Holes => Errno::INVAL,
        }
    }

    /// The argument of `call` that makes it this shortcut, and its values; none where the call always is one, `None`
    /// where it never is.
    fn asked_by(self, call: Call) -> Option<Vec<(u8, u32)>> {
        let either = |argument, values: [u32; 2]| Some(values.map(|value| (argument, value)).to_vec());
        match (self, call) {
            (Shortcut::Clones, Call::Ioctl) => either(1, [FICLONE, FICLONERANGE]),
            (Shortcut::Offload, Call::CopyFileRange) => Some(Vec::new()),
            (Shortcut::Holes, Call::Seek) => either(2, [SEEK_DATA, SEEK_HOLE]),
            (Shortcut::Holes, Call::LongSeek) => either(4, [SEEK_DATA, SEEK_HOLE]),
            (Shortcut::Clones, Call::CopyFileRange | Call::Seek | Call::LongSeek)
            | (Shortcut::Offload, Call::Ioctl | Call::Seek | Call::LongSeek)
            | (Shortcut::Holes, Call::Ioctl | Call::CopyFileRange) => None,
        }
    }
}

/// The program that refuses `shortcut` to calls of `abi` and allows everything else.
pub(super) fn program(shortcut: Shortcut, abi: &Abi) -> Result<Vec<sock_filter>, BackendError> {
    let mut rules = BTreeMap::new();
    for (number, call) in abi.calls {
        if let Some(arguments) = shortcut.asked_by(*call) {
            rules.insert(i64::from(*number), arguments.into_iter().map(rule).collect::<Result<_, _>>()?);
        }
    }
    let refusal = SeccompAction::Errno(shortcut.refusal().raw_os_error().unsigned_abs());
    let filter = SeccompFilter::new(rules, SeccompAction::Allow, refusal, TargetArch::x86_64)?;
    Ok(for_abi(filter.try_into()?, abi))
}

/// The kernel looks at 32 bits of a request or a whence, whatever the others are.
fn rule((argument, value): (u8, u32)) -> Result<SeccompRule, BackendError> {
    let condition = SeccompCondition::new(argument, SeccompCmpArgLen::Dword, SeccompCmpOp::Eq, u64::from(value))?;
    SeccompRule::new(vec![condition])
}

/// The same program for calls of `abi`, which allows those of others.
fn for_abi(program: BpfProgram, abi: &Abi) -> Vec<sock_filter> {
    let mut program: Vec<sock_filter> =
        program.into_iter().map(|of| sock_filter { code: of.code, jt: of.jt, jf: of.jf, k: of.k }).collect();
    program[IS_ABI].k = abi.audit;
    program[OF_OTHERS].k = libc::SECCOMP_RET_ALLOW;
    program
}

/// Where seccompiler compares the ABI, and where it says what becomes of calls of another.
const IS_ABI: usize = 1;
const OF_OTHERS: usize = 2;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::known::calls::abis;
    use seccompiler::sock_filter as compiled;

    /// A call as seccomp sees it.
    struct Made {
        audit: u32,
        number: u32,
        arguments: [u64; 6],
    }

    const REFUSED: u32 = libc::SECCOMP_RET_ERRNO;

    /// What the program returns for the call: the few instructions of classic BPF that it may consist of.
    fn returned(program: &[sock_filter], made: &Made) -> u32 {
        let mut words = vec![made.number, made.audit, 0, 0];
        words.extend(made.arguments.iter().flat_map(|argument| [*argument as u32, (argument >> 32) as u32]));
        let (mut accumulator, mut at) = (0, 0);
        loop {
            let sock_filter { code, jt, jf, k } = program[at];
            at += 1;
            match code {
                0x20 => accumulator = words[k as usize / 4],
                0x05 => at += k as usize,
                0x15 => at += usize::from(if accumulator == k { jt } else { jf }),
                0x06 => return k,
                _ => panic!("instruction {code:#x}"),
            }
        }
    }

    fn outcome(architecture: &str, made: &Made) -> Option<u32> {
        let abis = abis(architecture).expect("a known machine");
        let programs = abis.iter().flat_map(|abi| Shortcut::ALL.map(|shortcut| program(shortcut, abi).expect("sound")));
        let refused: Vec<u32> =
            programs.map(|program| returned(&program, made)).filter(|said| *said != libc::SECCOMP_RET_ALLOW).collect();
        assert!(refused.len() <= 1, "two programs refuse the same call: {refused:x?}");
        refused.first().map(|said| said & 0xffff)
    }

    /// The heads that are changed are there: an update of the crate that begins in another way fails here.
    #[test]
    fn programs_begin_as_they_are_taken_to() {
        let filter =
            SeccompFilter::new(BTreeMap::new(), SeccompAction::Allow, SeccompAction::Errno(1), TargetArch::x86_64);
        let program: BpfProgram = filter.expect("sound").try_into().expect("sound");
        let head = |code, jt, k| compiled { code, jt, jf: 0, k };
        let expected = [head(0x20, 0, 4), head(0x15, 1, 0xc000_003e), head(0x06, 0, libc::SECCOMP_RET_KILL_PROCESS)];
        assert_eq!(program[..3], expected);
    }

    #[test]
    fn each_shortcut_is_refused_in_each_abi_and_nothing_else_is() {
        let of = |audit, number, arguments| Made { audit, number, arguments };
        let (x86, i386, arm64, arm) = (0xc000_003e, 0x4000_0003, 0xc000_00b7, 0x4000_0028);
        let cases = [
            ("x86_64", of(x86, 16, [3, 0x4004_9409, 4, 0, 0, 0]), Some(95)),
            ("x86_64", of(x86, 16, [3, 0xffff_ffff_4004_9409, 4, 0, 0, 0]), Some(95)),
            ("x86_64", of(x86, 16, [3, 0x4020_940d, 4, 0, 0, 0]), Some(95)),
            ("x86_64", of(x86, 16, [3, 0xc018_9436, 4, 0, 0, 0]), None),
            ("x86_64", of(x86, 0x4000_0202, [3, 0x4004_9409, 4, 0, 0, 0]), Some(95)),
            ("x86_64", of(x86, 326, [0; 6]), Some(18)),
            ("x86_64", of(x86, 0x4000_0146, [0; 6]), Some(18)),
            ("x86_64", of(x86, 8, [3, 0, 3, 0, 0, 0]), Some(22)),
            ("x86_64", of(x86, 8, [3, 0, 4, 0, 0, 0]), Some(22)),
            ("x86_64", of(x86, 8, [3, 4, 2, 0, 4, 0]), None),
            ("x86_64", of(x86, 0, [3, 0x4004_9409, 3, 0, 3, 0]), None),
            ("x86_64", of(x86, 377, [0; 6]), None),
            ("x86_64", of(i386, 377, [0; 6]), Some(18)),
            ("x86_64", of(i386, 326, [0; 6]), None),
            ("x86_64", of(i386, 54, [3, 0x4004_9409, 4, 0, 0, 0]), Some(95)),
            ("x86_64", of(i386, 19, [3, 0, 4, 0, 0, 0]), Some(22)),
            ("x86_64", of(i386, 140, [3, 0, 0, 9, 3, 0]), Some(22)),
            ("x86_64", of(i386, 140, [3, 4, 3, 9, 0, 0]), None),
            ("aarch64", of(arm64, 29, [3, 0x4004_9409, 4, 0, 0, 0]), Some(95)),
            ("aarch64", of(arm64, 62, [3, 0, 3, 0, 0, 0]), Some(22)),
            ("aarch64", of(arm64, 285, [0; 6]), Some(18)),
            ("aarch64", of(arm, 391, [0; 6]), Some(18)),
            ("aarch64", of(arm, 140, [3, 0, 0, 9, 4, 0]), Some(22)),
        ];
        for (number, (architecture, made, expected)) in cases.into_iter().enumerate() {
            assert_eq!(outcome(architecture, &made), expected, "case {number}");
        }
        assert_eq!(REFUSED, 0x0005_0000);
    }
}
