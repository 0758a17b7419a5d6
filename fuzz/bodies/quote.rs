//! Names in messages: a shell reads back the name, and no character of it can do anything to a terminal.

use safecp::quote::{bare, quoted};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

pub(crate) fn check(bytes: &[u8]) {
    let name: Vec<u8> = bytes.iter().copied().filter(|byte| *byte != 0).collect();
    let path = Path::new(OsStr::from_bytes(&name));
    for text in [quoted(path), bare(path)] {
        assert!(!text.chars().any(char::is_control), "{text:?} reaches the terminal");
        assert_eq!(unquoted(&text).as_deref(), Some(&name[..]), "{text}");
    }
}

/// What a shell makes of a word, if it is one word that means nothing else.
fn unquoted(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        if let Some(inside) = rest.strip_prefix("$'") {
            rest = dollar_quoted(inside, &mut bytes)?;
        } else if let Some(inside) = rest.strip_prefix('\'') {
            let (plain, after) = inside.split_once('\'')?;
            bytes.extend(plain.as_bytes());
            rest = after;
        } else if let Some(inside) = rest.strip_prefix('"') {
            let (plain, after) = inside.split_once('"')?;
            if plain.contains(['$', '`', '\\', '!']) {
                return None;
            }
            bytes.extend(plain.as_bytes());
            rest = after;
        } else if let Some(escaped) = rest.strip_prefix('\\') {
            let next = escaped.chars().next()?;
            bytes.extend(next.to_string().as_bytes());
            rest = &escaped[next.len_utf8()..];
        } else {
            if is_special(c, bytes.is_empty()) {
                return None;
            }
            bytes.extend(c.to_string().as_bytes());
            rest = &rest[c.len_utf8()..];
        }
    }
    (!text.is_empty()).then_some(bytes)
}

/// Whether a shell does something about this character outside of quotes.
fn is_special(c: char, is_first: bool) -> bool {
    c.is_ascii_whitespace() || "|&;<>()$`\\\"'*?[!{".contains(c) || is_first && "~#=".contains(c)
}

/// What stands in `$'...'`; returns what comes behind it.
fn dollar_quoted<'t>(mut rest: &'t str, bytes: &mut Vec<u8>) -> Option<&'t str> {
    loop {
        let c = rest.chars().next()?;
        rest = &rest[c.len_utf8()..];
        match c {
            '\'' => return Some(rest),
            '\\' => {
                let octal: String = rest.chars().take(3).take_while(|c| c.is_digit(8)).collect();
                if octal.is_empty() {
                    bytes.push(named(rest.chars().next()?)?);
                    rest = &rest[1..];
                } else {
                    bytes.push(u8::from_str_radix(&octal, 8).ok()?);
                    rest = &rest[octal.len()..];
                }
            }
            c => bytes.extend(c.to_string().as_bytes()),
        }
    }
}

fn named(letter: char) -> Option<u8> {
    let names = "abtnvfr".bytes().zip([7, 8, 9, 10, 11, 12, 13]);
    names.chain([(b'\\', b'\\'), (b'\'', b'\'')]).find(|(name, _)| char::from(*name) == letter).map(|(_, byte)| byte)
}
