//! Where progress is shown: a bar and a name at the bottom of a terminal, or a line now and then.
//!
//! What else is written to the terminal goes above the bar ([`Display::above`]).

use super::status::Status;
use crate::report::Output;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::Write;

/// Columns from which on there is room for a bar.
const BAR_MIN: usize = 60;

/// Columns that stay free at the end of a line, so that a ^C that the terminal shows there makes no further line of it.
const SPARE: usize = 3;

/// A terminal at whose bottom progress is shown.
#[derive(Clone)]
pub(super) struct Display(ProgressBar);

impl Display {
    /// Standard error, which has to be a terminal.
    #[must_use]
    pub(super) fn on_terminal() -> Self {
        let bar = ProgressBar::with_draw_target(Some(1000), ProgressDrawTarget::hidden());
        // Whoever writes above it draws it anew, which nothing has to be before it is shown.
        bar.finish_and_clear();
        bar.set_draw_target(ProgressDrawTarget::stderr());
        Self(bar)
    }

    /// Shows how far it is, in so many columns.
    pub(super) fn show(&self, status: &Status, columns: usize) {
        let bar = if columns >= BAR_MIN && status.total.is_some() { "{bar:12} " } else { "" };
        let columns = columns.saturating_sub(SPARE);
        let room = columns.saturating_sub(if bar.is_empty() { 0 } else { 13 });
        // A template of ours has no error.
        let style = ProgressStyle::with_template(&format!("{bar}{{prefix}}\n{{msg}}"));
        self.0.set_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()).progress_chars("=> "));
        self.0.set_prefix(status.numbers(room));
        self.0.set_message(cut(&status.name(), columns));
        // This draws it, and so comes when it is what it is to be.
        if self.0.is_finished() {
            self.0.reset();
        }
        self.0.set_position(status.thousandths().unwrap_or(0));
        self.0.force_draw();
    }

    /// Takes the bar away, until it is shown again.
    pub(super) fn clear(&self) {
        if !self.0.is_finished() {
            self.0.finish_and_clear();
        }
    }

    /// Does something with the terminal while the bar is not there.
    pub(super) fn without<T>(&self, work: impl FnOnce() -> T) -> T {
        self.0.suspend(work)
    }

    /// A place for lines that writes them above the bar.
    #[must_use]
    pub(super) fn above(&self, sink: Output) -> Output {
        Box::new(Above { display: self.clone(), sink })
    }
}

/// As much of a text as has room. A character that is not ASCII may take two columns.
fn cut(text: &str, columns: usize) -> String {
    let mut room = columns;
    let fits = |c: &char| {
        let width = if c.is_ascii() { 1 } else { 2 };
        let fits = width <= room;
        room = room.saturating_sub(width);
        fits
    };
    text.chars().take_while(fits).collect()
}

struct Above {
    display: Display,
    sink: Output,
}

impl Write for Above {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.display.0.suspend(|| self.sink.write(bytes))
    }

    fn write_all(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.display.0.suspend(|| self.sink.write_all(bytes))
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.sink.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_never_makes_a_second_line() {
        assert_eq!((cut("'name'", 6), cut("'name'", 5), cut("x", 0)), ("'name'".into(), "'name".into(), String::new()));
        assert_eq!(cut("\u{65e5}\u{672c}", 3), "\u{65e5}", "two columns each");
    }
}
