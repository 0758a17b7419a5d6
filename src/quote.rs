//! Names in messages, quoted as GNU's programs do: so that a shell would read them back.
//!
//! A name stands in single quotes; one with a single quote in it and nothing else of interest to a
//! shell in double quotes; control characters and bytes that are no characters of the locale in `$'...'` with escapes.

use std::fmt::Write;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

/// Whether the locale has only the characters of ASCII: then every other byte is escaped.
static IS_ASCII: AtomicBool = AtomicBool::new(false);

/// Tells, before anything is said, whether messages are read in UTF-8.
pub fn speak(is_utf8: bool) {
    IS_ASCII.store(!is_utf8, Ordering::Relaxed);
}

/// One character of a name, or a byte that is none.
enum Unit {
    Plain(char),
    Escaped(String),
}

/// The name in quotes.
#[must_use]
pub fn quoted(path: &Path) -> String {
    quoted_in(path, IS_ASCII.load(Ordering::Relaxed))
}

fn quoted_in(path: &Path, is_ascii: bool) -> String {
    let units = units(path.as_os_str().as_bytes(), is_ascii);
    if fits_double_quotes(&units) {
        return format!("\"{}\"", path.display());
    }
    let mut text = String::from("'");
    let mut escaping = false;
    for unit in units {
        match unit {
            Unit::Escaped(escape) => {
                text.push_str(if escaping { "" } else { "'$'" });
                text.push_str(&escape);
                escaping = true;
            }
            Unit::Plain(c) => {
                match c {
                    // It ends what is quoted, or escaped, and begins it anew.
                    '\'' => text.push_str("'\\''"),
                    c => {
                        text.push_str(if escaping { "''" } else { "" });
                        text.push(c);
                    }
                }
                escaping = false;
            }
        }
    }
    text.push('\'');
    text
}

/// The name as it is where a shell would read it back so, else in quotes.
#[must_use]
pub fn bare(path: &Path) -> String {
    let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"%+,-./@_]".contains(byte) || !byte.is_ascii();
    let text = path.to_string_lossy();
    let bytes = path.as_os_str().as_bytes();
    // A tilde or a number sign means something to a shell only where a word begins.
    let is_plain = |(at, byte): (usize, &u8)| is_plain(byte) || at > 0 && b"~#".contains(byte);
    // Beyond ASCII there are control characters, too; a terminal may obey them.
    let is_told = !IS_ASCII.load(Ordering::Relaxed) || bytes.is_ascii();
    let is_printed = is_told && text.as_bytes() == bytes && !text.chars().any(char::is_control);
    let needs_none = !bytes.is_empty() && bytes.iter().enumerate().all(is_plain) && is_printed;
    if needs_none { text.into_owned() } else { quoted(path) }
}

/// Whether the name has a single quote, and else only what means the same to C and to a shell.
fn fits_double_quotes(units: &[Unit]) -> bool {
    let means_the_same = |c: char| !c.is_ascii() || c.is_ascii_alphanumeric() || " '%+,-./:@_]".contains(c);
    units.iter().any(|unit| matches!(unit, Unit::Plain('\'')))
        && units.iter().all(|unit| matches!(unit, Unit::Plain(c) if means_the_same(*c)))
}

fn units(bytes: &[u8], is_ascii: bool) -> Vec<Unit> {
    if is_ascii {
        let unit = |byte: &u8| match byte {
            0x80.. => Unit::Escaped(octal(*byte)),
            byte => unit(char::from(*byte)),
        };
        return bytes.iter().map(unit).collect();
    }
    let mut units = Vec::new();
    for chunk in bytes.utf8_chunks() {
        units.extend(chunk.valid().chars().map(unit));
        units.extend(chunk.invalid().iter().map(|byte| Unit::Escaped(octal(*byte))));
    }
    units
}

fn octal(byte: u8) -> String {
    format!("\\{byte:03o}")
}

fn unit(c: char) -> Unit {
    let escape = match c {
        '\n' => "\\n",
        '\t' => "\\t",
        '\r' => "\\r",
        '\x07' => "\\a",
        '\x08' => "\\b",
        '\x0b' => "\\v",
        '\x0c' => "\\f",
        c if c.is_control() => {
            let mut text = String::new();
            for byte in c.encode_utf8(&mut [0; 4]).bytes() {
                // Writing to a String does not fail.
                write!(text, "\\{byte:03o}").unwrap_or_default();
            }
            return Unit::Escaped(text);
        }
        c => return Unit::Plain(c),
    };
    Unit::Escaped(escape.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ffi::OsStr;

    /// Expected texts are those of GNU cp 9.10 in a UTF-8 locale. (9.1 begins a name with an empty pair of quotes that has a quote and
    /// ends escaped.)
    #[test]
    fn names_read_as_gnu_writes_them() {
        let table: [(&[u8], &str); 12] = [
            (b"a b", "'a b'"),
            (b"", "''"),
            (b"it's", "\"it's\""),
            (b"it's $x", "'it'\\''s $x'"),
            (b"a\nb", "'a'$'\\n''b'"),
            (b"\n", "''$'\\n'"),
            (b"a\xffb", "'a'$'\\377''b'"),
            (b"\x01\x02", "''$'\\001\\002'"),
            ("ä".as_bytes(), "'ä'"),
            (b"it's\n", "'it'\\''s'$'\\n'"),
            (b"a\n'b", "'a'$'\\n'\\''b'"),
            (b"say \"hi\"", "'say \"hi\"'"),
        ];
        for (name, expected) in table {
            assert_eq!(quoted(Path::new(OsStr::from_bytes(name))), expected);
        }
    }

    /// Those of the same program in the locale C.
    #[test]
    fn beyond_ascii_there_are_no_characters_in_the_locale_c() {
        let table: [(&[u8], &str); 4] = [
            ("ä".as_bytes(), "''$'\\303\\244'"),
            ("rä b".as_bytes(), "'r'$'\\303\\244'' b'"),
            (b"it's\n", "'it'\\''s'$'\\n'"),
            (b"it's", "\"it's\""),
        ];
        for (name, expected) in table {
            assert_eq!(quoted_in(Path::new(OsStr::from_bytes(name)), true), expected);
        }
    }

    #[test]
    fn plain_names_need_no_quotes_where_none_are_asked_for() {
        assert_eq!([bare(Path::new("d/a-b")), bare(Path::new("a b")), bare(Path::new(""))], ["d/a-b", "'a b'", "''"]);
        assert_eq!(bare(Path::new("a\u{9b}2J")), "'a'$'\\302\\233''2J'");
    }
}
