//! A line that is whole or none: words and a check over them.
//!
//! What a killed run has written last may be half a line, and a filesystem after a crash may show zeros or old bytes. A line
//! counts only with its check.

use crate::archive::digest::push_hex;
use xxhash_rust::xxh3::xxh3_64;

/// The words as a line of a file.
pub(super) fn sealed(words: &str) -> String {
    format!("{words} {:08x}\n", check(words.as_bytes()))
}

/// Makes the same of the words from `begin` to the end of a text.
pub(super) fn seal(text: &mut Vec<u8>, begin: usize) {
    let check = check(&text[begin..]);
    text.push(b' ');
    push_hex(text, &check.to_be_bytes());
    text.push(b'\n');
}

/// The words of a line without its end; `None` if it is not whole.
pub(super) fn opened(line: &[u8]) -> Option<&str> {
    let (words, found) = std::str::from_utf8(line).ok()?.rsplit_once(' ')?;
    (found == format!("{:08x}", check(words.as_bytes()))).then_some(words)
}

fn check(words: &[u8]) -> u32 {
    xxh3_64(words) as u32
}

#[cfg(test)]
mod tests {
    use super::{opened, sealed};

    #[test]
    fn a_line_is_whole_or_none() {
        let line = sealed("complete 12 34");
        let bytes = line.trim_end().as_bytes();
        assert_eq!(opened(bytes), Some("complete 12 34"));
        for end in 0..bytes.len() {
            assert_eq!(opened(&bytes[..end]), None, "{end}");
        }
        for at in 0..bytes.len() {
            let mut other = bytes.to_vec();
            other[at] ^= 1;
            assert_eq!(opened(&other), None, "{at}");
        }
    }
}
