//! What a scan has found, in words: a line for each file, whatever its name holds.

use super::run::{Finding, Tally};
use super::suspicion::Weight;
use crate::quote::quoted;

/// The line of a finding, without its end; failures are said elsewhere.
#[must_use]
pub fn line(finding: &Finding) -> Option<String> {
    let Finding::Suspect(path, suspicion) = finding else { return None };
    let (weight, zeros, why) = (weight_word(suspicion.weight), &suspicion.zeros, &suspicion.why);
    let zeros =
        if zeros.is_empty() { String::new() } else { format!("bytes {} to {} are zeros: ", zeros.start, zeros.end) };
    Some(format!("{weight}: {} ({zeros}{})", quoted(path), printable(why)))
}

/// Names that come from a file's content may hold anything.
fn printable(text: &str) -> String {
    text.chars().flat_map(|c| if c.is_control() { c.escape_default().collect::<Vec<_>>() } else { vec![c] }).collect()
}

fn weight_word(weight: Weight) -> &'static str {
    match weight {
        Weight::Damaged => "damaged",
        Weight::Suspicious => "suspicious",
        Weight::Unusual => "unusual",
    }
}

/// What a scan comes to.
#[must_use]
pub fn summary(tally: &Tally) -> String {
    let Tally { files, bytes, .. } = tally;
    if tally.is_clean() {
        return format!("{files} files have no zeros where there should be none; {bytes} bytes were read");
    }
    let kinds = [
        (tally.damaged, "damaged"),
        (tally.suspicious, "suspicious"),
        (tally.unusual, "unusual"),
        (tally.failed, "that could not be read"),
    ];
    let kinds = kinds.iter().filter(|(count, _)| *count > 0).map(|(count, words)| format!("{count} {words}"));
    format!("of {files} files: {}", kinds.collect::<Vec<_>>().join(", "))
}

/// What to do about it.
#[must_use]
pub fn advice(tally: &Tally) -> Option<&'static str> {
    let has_suspects = tally.damaged + tally.suspicious + tally.unusual > 0;
    has_suspects.then_some("compare them with the originals, if there are any: safecp --check DIR --against DIR")
}
