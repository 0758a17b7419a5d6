//! What follows from the facts: errors, risks, and what to do about them. Makes no call.

use super::Findings;
use super::places::{ExaminedFilesystem, Exposure};
use super::programs::Program;
use super::trial::{SAFECP, Trial};
use super::zfs::Zfs;
use crate::known::glibc;
use crate::quote::quoted;

/// Exit statuses.
pub(super) const FAILED: u8 = 1;
const AT_RISK: u8 = 2;

/// Fills in risks, advice and exit status.
pub(super) fn pass(findings: &mut Findings) {
    let (risks, mut advice) = match &findings.zfs {
        Some(zfs) if zfs.is_hidden() => {
            unreadable(&[Exposure::Zfs, Exposure::MayHideZfs], &findings.filesystems, &findings.programs)
        }
        Some(zfs) => of_zfs(zfs, &findings.filesystems, &findings.programs),
        None => unreadable(&[Exposure::Zfs], &findings.filesystems, &findings.programs),
    };
    findings.risks = risks;
    let effect =
        findings.c_library.copy_file_range.filter(|_| may_clone_much(findings.zfs.as_ref(), &findings.filesystems));
    if let (Some(effect), version) = (effect, &findings.c_library.version) {
        findings.risks.push(format!("{}: {effect}", version.as_deref().unwrap_or_default()));
        advice.push(glibc::MITIGATION.to_owned());
    }
    if let Some(trial) = &findings.trial {
        findings.errors.extend(errors_of(trial));
        let corrupt = corrupt_by_others(trial);
        if !corrupt.is_empty() {
            advice.push(
                "Do not copy with the programs that copied wrongly; safecp reads plainly where it matters.".to_owned(),
            );
        }
        findings.risks.extend(corrupt);
    }
    findings.advice = advice;
    findings.exit_status = match (findings.errors.is_empty(), findings.risks.is_empty()) {
        (false, _) => FAILED,
        (true, false) => AT_RISK,
        (true, true) => 0,
    };
}

/// Whether one copy_file_range may do more than 2 GiB: the kernel itself gives no filesystem more at once, but ZFS clones by
/// what it was asked for.
fn may_clone_much(zfs: Option<&Zfs>, places: &[ExaminedFilesystem]) -> bool {
    let is_exposed = |place: &ExaminedFilesystem| match place.exposure {
        Exposure::Zfs => zfs.is_none_or(|zfs| zfs.clones),
        Exposure::MayHideZfs => zfs.is_some_and(|zfs| zfs.clones),
        Exposure::Nothing => false,
    };
    places.iter().any(is_exposed)
}

/// Programs that believe a hint that a known bug of the module makes wrong, where a filesystem that was looked
/// at is ZFS or may lie on it.
fn of_zfs(zfs: &Zfs, places: &[ExaminedFilesystem], programs: &[Program]) -> (Vec<String>, Vec<String>) {
    if !places.iter().any(|place| place.exposure != Exposure::Nothing) {
        return (Vec::new(), Vec::new());
    }
    let mut risks = Vec::new();
    let mut met: Vec<&super::zfs::KnownBug> = Vec::new();
    for program in programs {
        let bugs: Vec<_> = zfs.bugs.iter().filter(|bug| program.believes(bug.hint)).collect();
        if !bugs.is_empty() {
            let mut numbers: Vec<String> = bugs.iter().map(|bug| format!("#{}", bug.number)).collect();
            numbers.dedup();
            risks.push(format!("{} would be misled by OpenZFS {}", quoted(&program.path), numbers.join(", ")));
            met.extend(bugs);
        }
    }
    let mut advice: Vec<String> = Vec::new();
    for sentence in met.iter().map(|bug| format!("#{}: {}", bug.number, bug.mitigation)) {
        if !advice.contains(&sentence) {
            advice.push(sentence);
        }
    }
    (risks, advice)
}

/// ZFS whose module does not show itself, as in a container without /sys: the worst is assumed of filesystems that are
/// exposed in one of these ways.
fn unreadable(exposed: &[Exposure], places: &[ExaminedFilesystem], programs: &[Program]) -> (Vec<String>, Vec<String>) {
    if !places.iter().any(|place| exposed.contains(&place.exposure)) {
        return (Vec::new(), Vec::new());
    }
    let believers = programs.iter().filter(|program| program.believes_holes || program.believes_clones);
    let risks = believers
        .map(|program| format!("{} may be misled by a ZFS whose version cannot be read", quoted(&program.path)))
        .collect();
    (risks, vec!["Make /sys/module/zfs readable, or copy with safecp or under safecp --guard.".to_owned()])
}

fn corrupt_by_others(trial: &Trial) -> Vec<String> {
    let others = trial.copiers.iter().filter(|row| row.copier != SAFECP && row.corrupt() > 0);
    others.map(|row| format!("{} copied wrongly in {} of {} trials", row.copier, row.corrupt(), row.copies())).collect()
}

/// What the trial could not do, and what safecp did wrong in it, which is said loudest.
fn errors_of(trial: &Trial) -> Vec<String> {
    let mut errors = trial.errors.clone();
    for row in trial.copiers.iter().filter(|row| row.copier == SAFECP) {
        if row.corrupt() > 0 {
            errors.push(format!(
                "SAFECP COPIED WRONGLY in {} of {} trials, with exit status 0: please report it with --report",
                row.corrupt(),
                row.copies()
            ));
        }
        if row.failed() > 0 {
            errors.push(format!("safecp failed in {} trials", row.failed()));
        }
    }
    errors
}

#[cfg(test)]
mod tests {
    use super::super::machine::Library;
    use super::super::places::on_magic;
    use super::super::programs::tests::found;
    use super::super::trial::{Row, Tally};
    use super::super::zfs::{
        of,
        tests::{hidden, module},
    };
    use super::*;
    use crate::host::Host;
    use crate::host::zfs_module;

    const ZFS: u32 = 0x2fc1_2fc1;
    const OVERLAY: u32 = 0x794c_7630;
    const EXT4: u32 = 0xef53;

    const CP: (&str, &str) = ("cp", "echo 'cp (GNU coreutils) 9.1'");
    const RSYNC: (&str, &str) = ("rsync", "echo 'rsync  version 3.2.7'");
    const CARGO: (&str, &str) = ("cargo", "echo 'cargo 1.95.0'");

    /// The findings on a machine with this module, filesystem and programs.
    fn machine(version: Option<&str>, bclone: &str, magic: u32, programs: &[(&str, &str)]) -> Findings {
        let parameters = [("zfs_bclone_enabled", bclone), ("zfs_dmu_offset_next_sync", "1")];
        let directory = version.map(|version| module(version, &parameters));
        let module = directory.as_ref().map(tempfile::TempDir::path);
        let host = Host { kernel: (6, 12), zfs: module.and_then(zfs_module), ..Host::default() };
        let stop = Default::default();
        let mut findings =
            super::super::look(&super::super::Wanted { paths: vec!["/".into()], ..Default::default() }, &stop);
        findings.errors.clear();
        findings.c_library = Library { version: None, copy_file_range: None };
        findings.filesystems = vec![on_magic(magic, vec![], &host, true)];
        findings.zfs = module.and_then(of);
        findings.programs = found(programs);
        pass(&mut findings);
        findings
    }

    fn status(version: Option<&str>, bclone: &str, magic: u32, programs: &[(&str, &str)]) -> u8 {
        machine(version, bclone, magic, programs).exit_status
    }

    #[test]
    fn debian_12_is_at_risk_by_its_cp() {
        let findings = machine(Some("2.1.11-1+deb12u1"), "0", ZFS, &[CP, RSYNC]);
        assert_eq!((findings.exit_status, findings.risks.len()), (2, 1));
        assert!(findings.risks[0].contains("/cp'") && findings.risks[0].contains("#15933"), "{:?}", findings.risks);
        assert!(findings.advice.iter().any(|line| line.contains("upgrade")), "{:?}", findings.advice);
        let text = super::super::text::page(&findings, super::super::Detail::Risks);
        assert!(text.contains("#15933") && text.contains("RISK"), "{text}");
    }

    #[test]
    fn the_newest_is_at_risk_by_its_clones_and_by_nothing_else() {
        let findings = machine(Some("2.4.4-1"), "1", ZFS, &[CP, RSYNC, CARGO]);
        assert_eq!((findings.exit_status, findings.risks.len()), (2, 2));
        assert!(findings.risks.iter().all(|risk| risk.ends_with("#16012")), "{:?}", findings.risks);
        assert_eq!(status(Some("2.4.4-1"), "0", ZFS, &[CP, RSYNC, CARGO]), 0, "nothing is cloned");
        assert_eq!(status(Some("2.4.4-1"), "1", ZFS, &[RSYNC]), 0, "nobody believes it");
    }

    #[test]
    fn the_module_counts_only_where_its_files_may_be() {
        assert_eq!(status(Some("2.1.11-1"), "0", EXT4, &[CP]), 0);
        assert_eq!(status(Some("2.1.11-1"), "0", OVERLAY, &[CP]), 2);
        assert_eq!(status(None, "", OVERLAY, &[CP]), 0, "there is no ZFS to stand in front of");
        assert_eq!(status(None, "", ZFS, &[CP]), 2, "its module cannot be read");
    }

    #[test]
    fn a_module_that_cannot_be_ruled_out_is_a_risk_where_it_may_lie_beneath() {
        let mut findings = machine(None, "", OVERLAY, &[CP, RSYNC]);
        findings.zfs = Some(hidden());
        pass(&mut findings);
        assert_eq!((findings.exit_status, findings.risks.len()), (2, 1), "{:?}", findings.risks);
        findings.filesystems = vec![on_magic(EXT4, vec![], &Host { kernel: (6, 12), ..Host::default() }, true)];
        pass(&mut findings);
        assert_eq!(findings.exit_status, 0);
    }

    #[test]
    fn a_c_library_that_counts_wrongly_is_a_risk_where_zfs_clones() {
        let mut findings = machine(Some("2.4.4-1"), "1", ZFS, &[RSYNC]);
        findings.c_library =
            Library { version: Some("glibc 2.41".to_owned()), copy_file_range: Some("counts wrongly") };
        pass(&mut findings);
        assert_eq!(
            (findings.exit_status, findings.risks.as_slice()),
            (2, &["glibc 2.41: counts wrongly".to_owned()][..])
        );
        let text = super::super::text::page(&findings, super::super::Detail::Risks);
        assert!(text.contains("RISK on") && text.contains("What to do") && !text.contains("No risk"), "{text}");
        let library = findings.c_library;
        for (version, clones, magic) in [(None, "", EXT4), (Some("2.4.4-1"), "0", ZFS), (Some("2.4.4-1"), "1", EXT4)] {
            let mut findings = machine(version, clones, magic, &[RSYNC]);
            findings.c_library = library.clone();
            pass(&mut findings);
            assert_eq!(findings.exit_status, 0, "{version:?} {clones}");
        }
    }

    #[test]
    fn an_error_wins_over_a_risk() {
        let mut findings = machine(Some("2.1.11-1"), "0", ZFS, &[CP]);
        findings.errors.push("cannot examine 'x'".to_owned());
        pass(&mut findings);
        assert_eq!((findings.exit_status, findings.risks.len()), (1, 1));
    }

    fn trial(copier: &str, corrupt: usize) -> Trial {
        let tally = Tally { past: "mapped", copies: 4, corrupt, ..Tally::default() };
        Trial { copiers: vec![Row { copier: copier.to_owned(), tallies: vec![tally] }], ..Trial::default() }
    }

    #[test]
    fn a_wrong_copy_is_a_risk_and_one_by_safecp_an_error() {
        let mut findings = machine(None, "", EXT4, &[CP]);
        for (copier, corrupt, status) in [("cp", 0, 0), ("cp", 1, 2), (SAFECP, 0, 0), (SAFECP, 1, 1)] {
            findings.errors.clear();
            findings.trial = Some(trial(copier, corrupt));
            pass(&mut findings);
            assert_eq!(findings.exit_status, status, "{copier} {corrupt}");
        }
        assert!(findings.errors[0].contains("SAFECP COPIED WRONGLY"), "{:?}", findings.errors);
    }
}
