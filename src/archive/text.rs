//! Findings in words: a line each, whatever the names hold.

use super::chunks::CHUNK;
use super::finding::{Again, Detail, Fault, Finding, Mended, Repaired, Tally};
use crate::kernel::{Kind, Timestamp};
use crate::quote::quoted;
use std::path::Path;

/// The line of a finding, without its end; failures are said elsewhere.
#[must_use]
pub fn line(finding: &Finding) -> Option<String> {
    Some(match finding {
        Finding::Missing(path) => format!("missing: {}", quoted(path)),
        Finding::Extra(path) => format!("not listed: {}", quoted(path)),
        Finding::Moved { from, to } => format!("moved: {} -> {}", quoted(from), quoted(to)),
        Finding::Content { path, fault, detail } => {
            format!("{}: {} ({})", fault_word(*fault), quoted(path), detail_words(*detail))
        }
        Finding::Attributes { path, differences } => {
            format!("attributes: {} ({})", quoted(path), differences.join("; "))
        }
        Finding::Kind { path, wanted, found } => {
            format!("kind: {} (is a {}, was a {})", quoted(path), kind_word(*found), kind_word(*wanted))
        }
        Finding::Failed(_) => return None,
    })
}

fn fault_word(fault: Fault) -> &'static str {
    match fault {
        Fault::Damage => "damaged",
        Fault::Change => "changed",
        Fault::Unknown => "differs",
    }
}

fn detail_words(detail: Detail) -> String {
    match detail {
        Detail::Size { wanted, found } => format!("size {found}, was {wanted}"),
        Detail::Bytes { chunk, again } => {
            let chunk = chunk.map_or_else(String::new, |chunk| format!("at or behind byte {}; ", chunk * CHUNK));
            format!("{chunk}{}", again_words(again))
        }
    }
}

fn again_words(again: Again) -> &'static str {
    match again {
        Again::SameFromDevice => "read again from the device: the same",
        Again::Same => "read again: the same",
        Again::Other => "read again: different once more, so memory, cable or controller are to blame",
        Again::Right => "read again: right, so memory, cable or controller are to blame",
        Again::Failed => "it could not be read again",
    }
}

/// A word for what a name is.
#[must_use]
pub fn kind_word(kind: Kind) -> &'static str {
    match kind {
        Kind::File => "regular file",
        Kind::Directory => "directory",
        Kind::Symlink => "symbolic link",
        Kind::Fifo => "fifo",
        Kind::Socket => "socket",
        Kind::CharDevice => "character device",
        Kind::BlockDevice => "block device",
    }
}

/// What a check comes to. `reference` is the list, or the other tree.
#[must_use]
pub fn summary(reference: &Path, tally: &Tally) -> String {
    let (reference, names) = (quoted(reference), tally.names);
    if tally.is_clean() {
        return format!("{reference}: all {names} names are as listed; {} bytes were read", tally.bytes);
    }
    format!("{reference}: not all of {names} names are as listed: {}", tally.in_words().join(", "))
}

/// The line of a name that is right again.
#[must_use]
pub fn mended(path: &Path, mended: Mended) -> String {
    let path = quoted(path);
    match mended {
        Mended::Chunks { taken, of } => format!("mended: {path} ({taken} of {of} chunks from a copy)"),
        Mended::Restored => format!("restored: {path}"),
        Mended::Linked => format!("linked: {path}"),
    }
}

/// What a repair comes to.
#[must_use]
pub fn repaired(list: &Path, repaired: &Repaired) -> String {
    let (list, names) = (quoted(list), repaired.found.names);
    let Repaired { mended, failed, .. } = repaired;
    format!("{list}: of {names} names {mended} were mended, and {failed} could not be")
}

/// What to do about it.
#[must_use]
pub fn advice(tally: &Tally) -> Option<&'static str> {
    match (tally.damaged + tally.missing > 0, tally.differing > 0) {
        (true, _) => {
            Some("what is damaged or missing can be mended from another copy: safecp --repair MANIFEST DIR --from=COPY")
        }
        (false, true) => Some("the list has no times: whether this is damage or a change, it cannot tell"),
        (false, false) => None,
    }
}

/// A time as people read it.
#[must_use]
pub fn time(time: Timestamp) -> String {
    let (days, rest) = (time.seconds.div_euclid(86_400), time.seconds.rem_euclid(86_400));
    let (year, month, day) = date(days);
    let (hour, minute, second) = (rest / 3600, rest / 60 % 60, rest % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{:09}Z", time.nanos)
}

/// Year, month and day of a day since 1970, in the calendar that is counted back before its beginning.
fn date(days: i64) -> (i64, i64, i64) {
    // Years begin in March here, so that the day that leaps is their last.
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let (month, later) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    (year_of_era + era * 400 + later, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By `date -u -d @SECONDS`.
    #[test]
    fn times_read_as_date_writes_them() {
        let read = |seconds| time(Timestamp { seconds, nanos: 7 });
        assert_eq!(read(0), "1970-01-01T00:00:00.000000007Z");
        assert_eq!(read(951_782_400), "2000-02-29T00:00:00.000000007Z");
        assert_eq!(read(-1), "1969-12-31T23:59:59.000000007Z");
        assert_eq!(read(4_107_542_399), "2100-02-28T23:59:59.000000007Z");
    }
}
