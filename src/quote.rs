//! Names in messages, quoted as GNU's programs do: so that a shell would read them back.
//!
//! A name stands in single quotes; one with a single quote in it and nothing else of interest to a
//! shell in double quotes; control characters and bytes that are no UTF-8 in `$'...'` with escapes.

use std::fmt::Write;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// One character of a name, or a byte that is none.
enum Unit {
    Plain(char),
    Escaped(String),
}

/// The name in quotes.
#[must_use]
pub fn quoted(path: &Path) -> String {
    let units = units(path.as_os_str().as_bytes());
    if fits_double_quotes(&units) {
        return format!("\"{}\"", path.display());
    }
    let has_quote = units.iter().any(|unit| matches!(unit, Unit::Plain('\'')));
    let ends_escaped = matches!(units.last(), Some(Unit::Escaped(_)));
    // GNU looks for a shorter form first where there is a quote, and starts over in the state it
    // ended in: an empty pair of quotes comes of it.
    let mut text = String::from(if has_quote && ends_escaped { "'''" } else { "'" });
    let mut escaping = false;
    for unit in units {
        match unit {
            Unit::Escaped(escape) => {
                text.push_str(if escaping { "" } else { "'$'" });
                text.push_str(&escape);
                escaping = true;
            }
            Unit::Plain(c) => {
                text.push_str(if escaping { "''" } else { "" });
                match c {
                    '\'' => text.push_str("'\\''"),
                    c => text.push(c),
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
    let is_printed = text.as_bytes() == bytes && !text.chars().any(char::is_control);
    let needs_none = !bytes.is_empty() && bytes.iter().enumerate().all(is_plain) && is_printed;
    if needs_none { text.into_owned() } else { quoted(path) }
}

/// Whether the name has a single quote, and else only what means the same to C and to a shell.
fn fits_double_quotes(units: &[Unit]) -> bool {
    let means_the_same = |c: char| !c.is_ascii() || c.is_ascii_alphanumeric() || " '%+,-./:@_]".contains(c);
    units.iter().any(|unit| matches!(unit, Unit::Plain('\'')))
        && units.iter().all(|unit| matches!(unit, Unit::Plain(c) if means_the_same(*c)))
}

fn units(bytes: &[u8]) -> Vec<Unit> {
    let mut units = Vec::new();
    for chunk in bytes.utf8_chunks() {
        units.extend(chunk.valid().chars().map(unit));
        units.extend(chunk.invalid().iter().map(|byte| Unit::Escaped(format!("\\{byte:03o}"))));
    }
    units
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

    /// Expected texts are those of GNU ls --quoting-style=shell-escape-always in a UTF-8 locale.
    #[test]
    fn names_read_as_gnu_writes_them() {
        let table: [(&[u8], &str); 11] = [
            (b"a b", "'a b'"),
            (b"", "''"),
            (b"it's", "\"it's\""),
            (b"it's $x", "'it'\\''s $x'"),
            (b"a\nb", "'a'$'\\n''b'"),
            (b"\n", "''$'\\n'"),
            (b"a\xffb", "'a'$'\\377''b'"),
            (b"\x01\x02", "''$'\\001\\002'"),
            ("ä".as_bytes(), "'ä'"),
            (b"it's\n", "'''it'\\''s'$'\\n'"),
            (b"say \"hi\"", "'say \"hi\"'"),
        ];
        for (name, expected) in table {
            assert_eq!(quoted(Path::new(OsStr::from_bytes(name))), expected);
        }
    }

    #[test]
    fn plain_names_need_no_quotes_where_none_are_asked_for() {
        assert_eq!([bare(Path::new("d/a-b")), bare(Path::new("a b")), bare(Path::new(""))], ["d/a-b", "'a b'", "''"]);
        assert_eq!(bare(Path::new("a\u{9b}2J")), "'a'$'\\302\\233''2J'");
    }
}
