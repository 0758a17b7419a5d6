//! Findings in words: a line each for people, whatever the names hold, and a word for its kind.

use super::chunks::CHUNK;
use super::finding::{Detail, Fault, Finding, Mended, Repaired, SecondReading, Tally};
use crate::kernel::{Kind, Timestamp};
use crate::quote::quoted;
use crate::report::{Event, Found, Listener};
use std::path::Path;

/// Tells a finding, with something before its line.
pub fn tell(finding: &Finding, before: &str, listener: &dyn Listener) {
    let (what, path, to, detail) = match finding {
        Finding::Failed(error) | Finding::Unreadable { error, .. } => return listener.hear(&Event::Failed(error)),
        Finding::Missing(path) => ("missing", path, None, String::new()),
        Finding::Extra(path) => ("not listed", path, None, String::new()),
        Finding::Moved { from, to } => ("moved", from, Some(to.as_path()), String::new()),
        Finding::Content { path, fault, detail } => (fault_word(*fault), path, None, detail_words(*detail)),
        Finding::Attributes { path, differences } => ("attributes", path, None, differences.join("; ")),
        Finding::Kind { path, wanted, found } => ("kind", path, None, kind_words(*found, *wanted)),
    };
    let shown = to.map_or_else(|| quoted(path), |to| format!("{} -> {}", quoted(path), quoted(to)));
    let explained = if detail.is_empty() { String::new() } else { format!(" ({detail})") };
    let line = format!("{before}{what}: {shown}{explained}");
    listener.hear(&Event::Found(&Found { what, path, to, detail: &detail, zeros: None, line: &line }));
}

fn kind_words(found: Kind, wanted: Kind) -> String {
    format!("is a {}, was a {}", kind_word(found), kind_word(wanted))
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

fn again_words(again: SecondReading) -> &'static str {
    match again {
        SecondReading::SameFromDevice => "read again from the device: the same",
        SecondReading::Same => "read again: the same",
        SecondReading::Other => "read again: different once more, so memory, cable or controller are to blame",
        SecondReading::Right => "read again: right, so memory, cable or controller are to blame",
        SecondReading::Written => "it was written while it was read",
        SecondReading::Failed => "it could not be read again",
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
        return format!(
            "{reference}: all {names} names are as listed; {} bytes were read{}{}",
            tally.bytes,
            unread(tally),
            taken_for(tally)
        );
    }
    let differences = tally.in_words().join(", ");
    format!("{reference}: not all of {names} names are as listed: {differences}{}{}", unread(tally), taken_for(tally))
}

/// Whose content nothing was found out about.
fn unread(tally: &Tally) -> String {
    match tally.unread {
        0 => String::new(),
        1 => "; 1 file has no digest in the list, so its content was not read".to_owned(),
        files => format!("; {files} files have no digest in the list, so their content was not read"),
    }
}

/// What the digests of a list were taken for that does not say it.
fn taken_for(tally: &Tally) -> String {
    let algorithms = tally.taken_for.words();
    algorithms
        .map_or_else(String::new, |words| format!("; its digests were taken as {words}, which the list does not say"))
}

/// Tells that a name is right again.
pub fn tell_mended(path: &Path, mended: Mended, listener: &dyn Listener) {
    let shown = quoted(path);
    let (how, line) = match mended {
        Mended::Chunks { taken, of } => ("mended", format!("mended: {shown} ({taken} of {of} chunks from a copy)")),
        Mended::Restored => ("restored", format!("restored: {shown}")),
        Mended::Linked => ("linked", format!("linked: {shown}")),
    };
    listener.hear(&Event::Mended { path, how, line: &line });
}

/// What a repair comes to.
#[must_use]
pub fn repaired(list: &Path, repaired: &Repaired) -> String {
    let (list, names) = (quoted(list), repaired.found.names);
    let Repaired { mended, failed, doubtful, found } = repaired;
    let doubt = match doubtful {
        0 => String::new(),
        _ => format!("; {doubtful} have other content, and nothing tells whether that is damage or a change"),
    };
    format!("{list}: of {names} names {mended} were mended, and {failed} could not be{doubt}{}", taken_for(found))
}

/// What to do about it.
#[must_use]
pub fn advice(tally: &Tally) -> Option<&'static str> {
    if tally.is_elsewhere {
        return Some(
            "none of these names is there: if they begin in another directory, give that as DIR; \
             what is gone comes back from another copy: safecp --repair MANIFEST DIR --from=COPY",
        );
    }
    if tally.fits_nothing {
        return Some("no file has the digest that is listed: the list may be of another algorithm, or of other files");
    }
    match (tally.damaged + tally.missing + tally.unreadable > 0, tally.differing > 0) {
        (true, _) => Some(
            "what is damaged, missing or unreadable can be mended from another copy: safecp --repair MANIFEST DIR --from=COPY",
        ),
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
