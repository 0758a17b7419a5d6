//! What the C library does wrong in copying, by its version.
//!
//! safecp does not copy by it, but most other programs do.

/// A fault of a range of releases.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The first release that has it, and the first that has not.
    pub affected: ((u32, u32), (u32, u32)),
    /// What happens.
    pub effect: &'static str,
}

/// glibc bug 33245; on ZFS it was OpenZFS #17629, in coreutils it is worked round since 9.8.
const COPY_FILE_RANGE_CUT: Fault = Fault {
    affected: ((2, 41), (2, 43)),
    effect: "copy_file_range of more than 2 GiB at once, which ZFS clones, returns a wrong count (glibc bug 33245, \
             OpenZFS #17629): GNU cp before 9.8, and others that ask for so much, may write wrong copies",
};

/// The first package of an affected release in which it is mended, as `ldd --version` names it.
const MENDED: (&str, u32) = ("Debian GLIBC 2.41-", 12);

/// What helps, in a sentence.
pub const MITIGATION: &str = "Upgrade the C library to 2.43, or to a package of it in which bug 33245 is mended; until then copy \
                              files of more than 2 GiB with safecp, or under safecp --guard.";

/// What is known of copy_file_range in this release of glibc.
#[must_use]
pub fn fault(version: (u32, u32)) -> Option<Fault> {
    let (first, fixed_in) = COPY_FILE_RANGE_CUT.affected;
    (first..fixed_in).contains(&version).then_some(COPY_FILE_RANGE_CUT)
}

/// Whether the package that ldd(1) names has it mended: Debian's since 2.41-12+deb13u1.
#[must_use]
pub fn is_mended(ldd: &str) -> bool {
    let Some((_, rest)) = ldd.split_once(MENDED.0) else { return false };
    let revision = rest.split(')').next().unwrap_or_default();
    let (number, update) = revision.split_once("+deb13u").unwrap_or((revision, ""));
    number.parse() == Ok(MENDED.1) && update.parse::<u32>().is_ok_and(|update| update >= 1)
}

#[cfg(test)]
mod tests {
    use super::{fault, is_mended};

    #[test]
    fn debian_13_has_mended_its_2_41() {
        for (ldd, wanted) in [
            ("ldd (Debian GLIBC 2.41-12+deb13u1) 2.41", true),
            ("ldd (Debian GLIBC 2.41-12+deb13u5) 2.41", true),
            ("ldd (Debian GLIBC 2.41-12) 2.41", false),
            ("ldd (Debian GLIBC 2.42-1) 2.42", false),
            ("ldd (GNU libc) 2.41", false),
        ] {
            assert_eq!(is_mended(ldd), wanted, "{ldd}");
        }
    }

    #[test]
    fn two_releases_cut_large_answers() {
        assert_eq!(
            [(2, 36), (2, 40), (2, 41), (2, 42), (2, 43)].map(|of| fault(of).is_some()),
            [false, false, true, true, false]
        );
    }
}
