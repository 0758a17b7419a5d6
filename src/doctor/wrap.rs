//! Lines that fit into a terminal.

/// The text with no line wider than `width` where a blank allows that; what goes on stands two columns further in. Tables
/// stay as they are.
#[must_use]
pub fn wrapped(text: &str, width: usize) -> String {
    text.lines().map(|line| if is_row(line) { format!("{line}\n") } else { folded(line, width) }).collect()
}

/// Only a table has blanks side by side.
fn is_row(line: &str) -> bool {
    line.trim().contains("  ")
}

fn folded(line: &str, width: usize) -> String {
    let indent = line.len() - line.trim_start().len();
    let (mut folded, mut column) = (" ".repeat(indent), indent);
    for (number, word) in line.split_whitespace().enumerate() {
        let length = word.chars().count();
        if number > 0 && column + 1 + length > width {
            folded.push('\n');
            folded.push_str(&" ".repeat(indent + 2));
            column = indent + 2;
        } else if number > 0 {
            folded.push(' ');
            column += 1;
        }
        folded.push_str(word);
        column += length;
    }
    folded.push('\n');
    folded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lines_go_on_further_in() {
        let text = "Heading\n  one two three four\n\n";
        assert_eq!(wrapped(text, 12), "Heading\n  one two\n    three\n    four\n\n");
        assert_eq!(wrapped(text, 80), text);
    }

    #[test]
    fn a_word_that_is_too_long_stands_alone() {
        assert_eq!(wrapped("a '/a/very/long/name' b\n", 10), "a\n  '/a/very/long/name'\n  b\n");
    }

    #[test]
    fn a_table_stays_as_it_is() {
        let row = "  cp   0/16   0/16   0/4\n";
        assert_eq!(wrapped(row, 10), row);
    }
}
