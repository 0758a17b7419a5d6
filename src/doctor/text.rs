//! The page for people: the verdict, what to do, and what was found.

use super::places::{Choice, ExaminedFilesystem, Exposure};
use super::programs::Program;
use super::trial::{Tally, Trial};
use super::zfs::Zfs;
use super::{Detail, Findings};
use crate::quote::quoted;
use std::fmt::Write;

/// The whole page.
pub(super) fn page(findings: &Findings, detail: Detail) -> String {
    let mut page = String::new();
    verdict(&mut page, findings);
    if let Some(played) = &findings.trial {
        trial(&mut page, played);
    }
    match detail {
        Detail::Everything => {
            kernel(&mut page, findings);
            filesystems(&mut page, "Filesystems, and what safecp would try there", &findings.filesystems, &about);
            zfs(&mut page, findings.zfs.as_ref());
            programs(&mut page, &findings.programs);
            section(&mut page, "Rights", findings.lacking.iter().cloned());
        }
        Detail::Risks | Detail::Json => {
            filesystems(&mut page, "Filesystems", &findings.filesystems, &|_| Vec::new());
            if !findings.risks.is_empty() && findings.zfs.is_some() {
                zfs(&mut page, findings.zfs.as_ref());
            }
            page.push_str("With -v it tells all that was looked at.\n");
        }
    }
    // The last section needs no blank line behind it.
    page.truncate(page.trim_end().len());
    page.push('\n');
    page
}

/// A heading and lines below it; nothing where there are none. A String takes whatever is written to it.
fn section(page: &mut String, heading: &str, lines: impl IntoIterator<Item = String>) {
    let lines: Vec<String> = lines.into_iter().collect();
    if lines.is_empty() {
        return;
    }
    page.push_str(heading);
    page.push('\n');
    for line in lines {
        page.push_str("  ");
        page.push_str(&line);
        page.push('\n');
    }
    page.push('\n');
}

fn kernel(page: &mut String, findings: &Findings) {
    let kernel = &findings.kernel;
    let library = findings.c_library.version.as_deref().unwrap_or("not known");
    let lines = [
        format!("Linux {}; safecp {}; C library: {library}", kernel.release, findings.safecp),
        format!(
            "cachestat: {}; openat2: {}; seccomp filters: {}",
            kernel.cachestat, kernel.openat2, kernel.seccomp_filters
        ),
    ];
    let counts = (findings.c_library.copy_file_range).map(|effect| format!("its {effect}"));
    section(page, "System", lines.into_iter().chain(counts));
}

/// Filesystems of which the same is to be said are said it of once.
fn filesystems(
    page: &mut String,
    heading: &str,
    places: &[ExaminedFilesystem],
    about: &dyn Fn(&ExaminedFilesystem) -> Vec<String>,
) {
    let mut groups: Vec<(String, Vec<String>, Vec<String>)> = Vec::new();
    for place in places {
        let (word, lines, name) = (word(place), about(place), quoted(&place.mount_point));
        match groups.iter_mut().find(|(known, said, _)| *known == word && *said == lines) {
            // Several paths may lie on it.
            Some((_, _, names)) if names.contains(&name) => {}
            Some((_, _, names)) => names.push(name),
            None => groups.push((word, lines, vec![name])),
        }
    }
    let blocks = groups.into_iter().flat_map(|(word, lines, names)| {
        let (name, word) = word.split_once(": ").unwrap_or((&word, ""));
        std::iter::once(format!("{name} on {}: {word}", names.join(", ")))
            .chain(lines.into_iter().map(|line| format!("  {line}")))
            .collect::<Vec<_>>()
    });
    section(page, heading, blocks);
}

/// What its word is worth.
fn word(place: &ExaminedFilesystem) -> String {
    let word = if place.believed { "believed" } else { "not simply believed" };
    format!("{}: its word about holes and clones is {word}", place.name)
}

fn about(place: &ExaminedFilesystem) -> Vec<String> {
    let mut lines = vec![place.why.clone()];
    lines.extend(place.beneath.as_ref().map(|beneath| format!("beneath it: {beneath}")));
    let choices = &place.would_choose;
    let files = [
        ("dense file", &choices.dense),
        ("sparse file", &choices.sparse),
        ("changed pages", &choices.mapped),
        ("clean pages", &choices.clean_pages),
    ];
    lines.extend(files.map(|(file, choices)| format!("{file:<13} {}", ladder(choices))));
    lines.push(format!("O_TMPFILE     {}", place.o_tmpfile));
    lines
}

/// `reflink (why), else stream (why)`: a reason that is the same as before is not said again.
fn ladder(choices: &[Choice]) -> String {
    let mut text = String::new();
    let mut before = "";
    for choice in choices {
        text.push_str(if text.is_empty() { "" } else { ", else " });
        text.push_str(&choice.strategy);
        if choice.why != before {
            text.push_str(&format!(" ({})", choice.why));
        }
        before = &choice.why;
    }
    text
}

fn zfs(page: &mut String, zfs: Option<&Zfs>) {
    let Some(zfs) = zfs else {
        section(page, "OpenZFS", ["its module is not loaded".to_owned()]);
        return;
    };
    let version = zfs.module_version.as_deref().unwrap_or("of unknown version");
    let parameters = zfs.parameters.iter().map(|(name, value)| format!("{name}={}", value.as_deref().unwrap_or("?")));
    let mut lines = vec![format!("module {version}; {}", parameters.collect::<Vec<_>>().join(", "))];
    if zfs.is_hidden() {
        lines = vec!["nobody tells whether its module is loaded, so the worst is assumed".to_owned()];
    }
    if zfs.is_mismatched() {
        let tools = zfs.tools_version.as_deref().unwrap_or_default();
        lines.push(format!("the tools are {tools}: the module's version counts, until it is loaded anew"));
    }
    if !zfs.clones {
        lines.push("it clones nothing, so that bugs of clones are left out".to_owned());
    }
    for bug in &zfs.bugs {
        lines.push(format!("#{}: {}", bug.number, bug.effect));
        lines.push(format!("  when {}; mended in {}", bug.trigger, bug.fixed_in));
        lines.push(format!("  helps: {}", bug.mitigation));
    }
    if zfs.bugs.is_empty() {
        lines.push("no bug is known of it that makes a copy wrong".to_owned());
    }
    section(page, "OpenZFS", lines);
}

fn programs(page: &mut String, programs: &[Program]) {
    section(page, "Programs that copy, and what they believe", programs.iter().map(program));
}

fn program(program: &Program) -> String {
    let what = match (program.believes_holes, program.believes_clones) {
        (true, true) => "believes holes and clones",
        (true, false) => "believes holes",
        (false, true) => "believes clones",
        (false, false) => "reads plainly",
    };
    let version = program.version.as_deref().unwrap_or("version unknown");
    let mut line = format!("{} ({version}): {what}", quoted(&program.path));
    if !program.is_known {
        let trouble = program.trouble.as_deref().unwrap_or("not in the table");
        line.push_str(&format!(": taken for the worst, for it is unknown: {trouble}"));
    } else if !program.asks.is_empty() {
        line.push_str(&format!(" ({})", program.asks.join(", ")));
    }
    if !program.note.is_empty() {
        line.push_str(&format!("; {}", program.note));
    }
    line
}

/// Columns as wide as what stands in them.
fn trial(page: &mut String, trial: &Trial) {
    let pasts = trial.copiers.first().into_iter().flat_map(|row| row.tallies.iter().map(|tally| tally.past.to_owned()));
    let head = std::iter::once(String::new()).chain(pasts).collect();
    let row =
        |row: &super::trial::Row| std::iter::once(row.copier.clone()).chain(row.tallies.iter().map(cell)).collect();
    let mut lines = table(std::iter::once(head).chain(trial.copiers.iter().map(row)).collect());
    if trial.wrong_sources > 0 {
        lines.push(format!("{} sources themselves read wrong: what was written to them is lost", trial.wrong_sources));
    }
    lines.extend(trial.notes.iter().cloned());
    let heading =
        format!("Trial in {} ({}, {:.0} s): corrupt/copies", quoted(&trial.directory), trial.name, trial.seconds);
    section(page, &heading, lines);
}

fn cell(tally: &Tally) -> String {
    let mut text = if tally.copies > 0 { format!("{}/{}", tally.corrupt, tally.copies) } else { String::new() };
    for (count, word) in [(tally.refused, "refused"), (tally.failed, "failed"), (tally.undone, "undone")] {
        if count > 0 {
            let blank = if text.is_empty() { "" } else { " " };
            text.push_str(&format!("{blank}{count} {word}"));
        }
    }
    text
}

fn table(rows: Vec<Vec<String>>) -> Vec<String> {
    let columns = rows.first().map_or(0, Vec::len);
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let line = |row: &Vec<String>| {
        let mut text = String::new();
        for (cell, width) in row.iter().zip(&widths) {
            // Writing to a String does not fail.
            write!(text, "{cell:<width$}  ").unwrap_or(());
        }
        text.trim_end().to_owned()
    };
    rows.iter().map(line).collect()
}

fn verdict(page: &mut String, findings: &Findings) {
    if findings.risks.is_empty() {
        let is_whole = findings.errors.is_empty();
        page.push_str(if is_whole {
            "No risk is known here.\n\n"
        } else {
            "No risk is known of what could be examined.\n\n"
        });
        return section(page, "Errors", findings.errors.iter().cloned());
    }
    let exposed = findings.filesystems.iter().filter(|place| place.exposure != Exposure::Nothing);
    let exposed: Vec<String> = exposed.map(|place| quoted(&place.mount_point)).collect();
    let heading = if exposed.is_empty() { "RISK".to_owned() } else { format!("RISK on {}", exposed.join(", ")) };
    section(page, &heading, findings.risks.iter().cloned());
    section(page, "What to do", findings.advice.iter().cloned());
    page.push_str(
        "safecp knows of these and copies rightly; safecp --guard COMMAND keeps other programs from asking.\n\n",
    );
    section(page, "Errors", findings.errors.iter().cloned());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_said_once() {
        let choice = |strategy: &str, why: &str| Choice { strategy: strategy.to_owned(), why: why.to_owned() };
        let choices = [choice("reflink", "good"), choice("extents", "good"), choice("stream", "dense")];
        assert_eq!(ladder(&choices), "reflink (good), else extents, else stream (dense)");
    }

    #[test]
    fn a_cell_tells_what_there_is_to_tell() {
        let tally = Tally { past: "mapped", copies: 3, corrupt: 1, refused: 2, ..Tally::default() };
        assert_eq!(cell(&tally), "1/3 2 refused");
        assert_eq!(cell(&Tally { undone: 4, ..Tally::default() }), "4 undone");
    }

    #[test]
    fn columns_stand_below_each_other() {
        let rows = [["", "one"], ["copier", "0/3"]].map(|row| row.map(str::to_owned).to_vec()).to_vec();
        assert_eq!(table(rows), ["        one", "copier  0/3"]);
    }
}
