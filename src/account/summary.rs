//! The numbers of a run in words.

use super::counts::Counts;
use crate::options::Work;
use crate::report::short_size;
use std::time::Duration;

/// The lines of --summary.
pub(super) fn lines(counts: &Counts, work: Work, took: Duration) -> Vec<String> {
    let done = match work {
        Work::Copy | Work::Install | Work::Move => made(counts),
        Work::Examine => examined(counts),
    };
    let mut lines = vec![format!("{done} in {} seconds{}", seconds(took), rate(counts.bytes, took))];
    let found: Vec<String> = counts.found.iter().map(|(what, count)| format!("{count} {what}")).collect();
    lines.extend((!found.is_empty()).then(|| format!("found {}", found.join(", "))));
    lines.extend(how(counts));
    lines.extend(fallbacks(counts));
    let left = listed(&[
        (counts.renamed, "renamed", "renamed"),
        (counts.mended, "mended", "mended"),
        (counts.same, "file held the same already", "files held the same already"),
        (counts.attributes, "file got attributes alone", "files got attributes alone"),
        (counts.skipped, "skipped", "skipped"),
        (counts.declined, "declined", "declined"),
        (counts.warned, "warning", "warnings"),
        (counts.failed, "failure", "failures"),
    ]);
    lines.extend(left);
    lines.extend(counts.failures.iter().map(|failure| format!("  {failure}")));
    let rest = counts.failed - counts.failures.len() as u64;
    lines.extend((rest > 0).then(|| format!("  and {rest} more")));
    lines
}

/// What is there now that was not before.
fn made(counts: &Counts) -> String {
    let rest = listed(&[
        (counts.directories, "directory", "directories"),
        (counts.symlinks, "symbolic link", "symbolic links"),
        (counts.hard_links, "hard link", "hard links"),
        (counts.nodes, "special file", "special files"),
    ]);
    let files = counted(counts.files, "file", "files");
    let rest = rest.map_or_else(String::new, |rest| format!(", {rest}"));
    format!("copied {files}{rest}, {}", size(counts.bytes))
}

/// What was looked at.
fn examined(counts: &Counts) -> String {
    format!("examined {}, {}", counted(counts.examined, "name", "names"), size(counts.bytes))
}

/// How the files were copied.
fn how(counts: &Counts) -> Option<String> {
    let mut parts: Vec<String> = listed(&[(counts.clones, "clone", "clones")]).into_iter().collect();
    parts.extend(
        listed(&[(counts.sparse, "file with holes", "files with holes")])
            .map(|files| format!("{files} ({} without blocks)", short_size(counts.unallocated))),
    );
    if counts.files > 0 {
        parts.insert(0, format!("verified {} of {}", counts.verified, counts.files));
    }
    (!parts.is_empty()).then(|| parts.join(", "))
}

fn fallbacks(counts: &Counts) -> Vec<String> {
    let line = |(why, count): (&String, &u64)| format!("fell back {}: {why}", counted(*count, "time", "times"));
    counts.fallbacks.iter().map(line).collect()
}

/// What is not nothing, with commas in between.
fn listed(counts: &[(u64, &str, &str)]) -> Option<String> {
    let parts: Vec<String> =
        counts.iter().filter(|(count, ..)| *count > 0).map(|(count, one, many)| counted(*count, one, many)).collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}

/// A number of things.
pub(super) fn counted(count: u64, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

/// Bytes, exactly and as people say it.
pub(super) fn size(bytes: u64) -> String {
    let exact = counted(bytes, "byte", "bytes");
    if bytes < 1024 { exact } else { format!("{exact} ({})", short_size(bytes)) }
}

/// Seconds with a tenth, as long as a tenth matters.
fn seconds(took: Duration) -> String {
    format!("{:.1}", took.as_secs_f64())
}

/// Bytes a second; nothing where that says nothing.
fn rate(bytes: u64, took: Duration) -> String {
    if bytes == 0 || took.is_zero() {
        return String::new();
    }
    #[allow(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "three digits are shown"
    )]
    let each = (bytes as f64 / took.as_secs_f64()) as u64;
    format!(", {}/s", short_size(each))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Expected sizes are those of `numfmt --to=iec-i`, with a blank.
    #[test]
    fn sizes_have_three_digits_at_most() {
        let table = [(0, "0 B"), (1023, "1023 B"), (1024, "1.0 KiB"), (1536, "1.5 KiB"), (102_400, "100 KiB")];
        for (bytes, text) in table {
            assert_eq!(short_size(bytes), text);
        }
        assert_eq!(short_size(5 << 30), "5.0 GiB");
        assert_eq!(short_size(u64::MAX), "16.0 EiB");
    }

    #[test]
    fn what_is_nothing_is_not_said() {
        let counts = Counts { files: 1, verified: 1, bytes: 5, symlinks: 2, ..Counts::default() };
        let lines = lines(&counts, Work::Copy, Duration::ZERO);
        assert_eq!(lines, ["copied 1 file, 2 symbolic links, 5 bytes in 0.0 seconds", "verified 1 of 1"]);
    }
}
