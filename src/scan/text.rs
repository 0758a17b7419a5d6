//! What a scan has found, in words: a line for each file, whatever its name holds.

use super::run::{Finding, Tally};
use super::suspicion::Weight;
use crate::quote::quoted;
use crate::report::{Event, Found, Listener};

/// Tells a finding.
pub fn tell(finding: &Finding, listener: &dyn Listener) {
    let (path, suspicion) = match finding {
        Finding::Failed(error) => return listener.hear(&Event::Failed(error)),
        Finding::Suspect(path, suspicion) => (path, suspicion),
    };
    let (what, detail) = (weight_word(suspicion.weight), printable(&suspicion.why));
    let zeros = Some(&suspicion.zeros).filter(|zeros| !zeros.is_empty());
    let range = zeros.map_or_else(String::new, |zeros| format!("bytes {} to {} are zeros: ", zeros.start, zeros.end));
    let line = format!("{what}: {} ({range}{detail})", quoted(path));
    listener.hear(&Event::Found(&Found { what, path, to: None, detail: &detail, zeros, line: &line }));
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
