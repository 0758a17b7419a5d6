//! How far a run is, in a line.

use super::summary::counted;
use super::totals::Total;
use crate::quote::quoted;
use crate::report::short_size;
use std::path::PathBuf;
use std::time::Duration;

/// How far a run is.
#[derive(Clone, Debug, Default)]
pub struct Status {
    /// Names that are done and no directories.
    pub names: u64,
    /// Bytes that are done, of files on their way too.
    pub bytes: u64,
    /// What there is to do.
    pub total: Option<Total>,
    /// Whether some names took no copying, so that bytes do not tell how far it is.
    pub has_skipped: bool,
    /// Since when it runs.
    pub took: Duration,
    /// Bytes a second, of late.
    pub rate: u64,
    /// A file that is on its way, or the last one that was done.
    pub current: Option<Current>,
}

/// A file on its way.
#[derive(Clone, Debug)]
pub struct Current {
    /// Its name.
    pub shown: PathBuf,
    /// Per cent of it that is done, if that is known.
    pub percent: Option<u64>,
    /// It is written, and read once more.
    pub is_verified_now: bool,
}

impl Status {
    /// Parts in a thousand that are done.
    pub(super) fn thousandths(&self) -> Option<u64> {
        let total = self.total?;
        let by_names = self.has_skipped || total.bytes == 0;
        let (done, all) = if by_names { (self.names, total.names) } else { (self.bytes, total.bytes) };
        let parts = u128::from(done) * 1000 / u128::from(all.max(1));
        Some(u64::try_from(parts).unwrap_or(1000).min(1000))
    }

    /// How long it still takes if it goes on like this.
    fn left(&self) -> Option<Duration> {
        let done = self.thousandths().filter(|done| *done > 0)?;
        let took = self.took.as_secs_f64();
        #[allow(clippy::cast_precision_loss, reason = "at most 1000")]
        Some(Duration::from_secs_f64(took * (1000 - done) as f64 / done as f64))
    }

    /// The numbers in a line of so many columns; what has no room is left out.
    pub(super) fn numbers(&self, columns: usize) -> String {
        let per_cent = self.thousandths().map(|parts| format!("{}%", parts / 10));
        let bytes = short_size(self.bytes);
        let rate = format!("{}/s", short_size(self.rate));
        let left = self.left().map(|left| format!("{} left", clock(left)));
        let (names, sizes) = match self.total {
            Some(total) if total.bytes == 0 => {
                (format!("{} of {}", self.names, counted(total.names, "file", "files")), bytes.clone())
            }
            Some(total) => (
                format!("{} of {}", self.names, counted(total.names, "file", "files")),
                format!("{bytes} of {}", short_size(total.bytes)),
            ),
            None => (counted(self.names, "file", "files"), format!("{bytes} (total not yet known)")),
        };
        let short = if self.total.is_some() { sizes.clone() } else { format!("{bytes} of ?") };
        let left = left.as_deref().unwrap_or_default();
        let per_cent = per_cent.as_deref().unwrap_or_default();
        let choices =
            [[per_cent, &names, &sizes, &rate, left], [per_cent, "", &short, "", left], [per_cent, "", &bytes, "", ""]];
        let fitting =
            choices.map(|parts| parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(", "));
        let [first, second, third] = fitting;
        [first, second].into_iter().find(|line| line.chars().count() <= columns).unwrap_or(third)
    }

    /// The name of a file that is on its way.
    pub(super) fn name(&self) -> String {
        let Some(current) = &self.current else { return String::new() };
        let doing = if current.is_verified_now { "verifying " } else { "" };
        let percent = current.percent.map_or_else(String::new, |percent| format!(" ({percent}%)"));
        format!("{doing}{}{percent}", quoted(&current.shown))
    }

    /// All of it in one line, of any length.
    #[must_use]
    pub fn line(&self) -> String {
        let name = self.name();
        let name = if name.is_empty() { name } else { format!(", now {name}") };
        format!("{} after {}{name}", self.numbers(usize::MAX), clock(self.took))
    }
}

/// Hours, minutes and seconds.
fn clock(time: Duration) -> String {
    let seconds = time.as_secs();
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    if hours > 0 { format!("{hours}:{minutes:02}:{seconds:02}") } else { format!("{minutes}:{seconds:02}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status() -> Status {
        let total = Some(Total { names: 20_000, bytes: 4 << 30 });
        let took = Duration::from_secs(10);
        Status { names: 5_000, bytes: 1 << 30, total, took, rate: 100 << 20, ..Status::default() }
    }

    #[test]
    fn what_has_no_room_is_left_out() {
        let whole = "25%, 5000 of 20000 files, 1.0 GiB of 4.0 GiB, 100 MiB/s, 0:30 left";
        assert_eq!(status().numbers(80), whole);
        assert_eq!(status().numbers(40), "25%, 1.0 GiB of 4.0 GiB, 0:30 left");
        assert_eq!(status().numbers(20), "25%, 1.0 GiB");
    }

    #[test]
    fn a_total_that_is_not_known_is_said_to_be() {
        let status = Status { total: None, ..status() };
        assert_eq!(status.numbers(80), "5000 files, 1.0 GiB (total not yet known), 100 MiB/s");
        assert_eq!(status.numbers(40), "1.0 GiB of ?");
    }

    #[test]
    fn where_names_were_skipped_names_tell_how_far_it_is() {
        let status = Status { has_skipped: true, bytes: 0, ..status() };
        assert_eq!(status.thousandths(), Some(250));
        let nothing = Status { total: Some(Total { names: 0, bytes: 0 }), ..Status::default() };
        assert_eq!(nothing.thousandths(), Some(0));
    }

    #[test]
    fn names_are_quoted() {
        let current = Current { shown: PathBuf::from("a\x1b[31m"), percent: Some(7), is_verified_now: true };
        let status = Status { current: Some(current), ..status() };
        assert_eq!(status.name(), "verifying 'a'$'\\033''[31m' (7%)");
        assert!(
            status.line().ends_with("0:30 left after 0:10, now verifying 'a'$'\\033''[31m' (7%)"),
            "{}",
            status.line()
        );
    }
}
