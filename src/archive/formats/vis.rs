//! vis(3): names of mtree(5), where any byte can stand as a backslash and three octal digits.

/// Whether a byte means something to some reader of mtree(5): the escape itself, comments, keywords, and patterns.
fn is_special(byte: u8) -> bool {
    matches!(byte, b'\\' | b'#' | b'=' | b'*' | b'?' | b'[')
}

/// The name with everything escaped that is not plain ASCII.
#[must_use]
pub fn escaped(name: &[u8]) -> Vec<u8> {
    let mut text = Vec::with_capacity(name.len());
    push_escaped(&mut text, name);
    text
}

/// Puts the same behind a text.
pub fn push_escaped(text: &mut Vec<u8>, name: &[u8]) {
    text.reserve(name.len());
    for &byte in name {
        if byte.is_ascii_graphic() && !is_special(byte) {
            text.push(byte);
        } else {
            text.extend_from_slice(&[b'\\', b'0' + (byte >> 6), b'0' + (byte >> 3 & 7), b'0' + (byte & 7)]);
        }
    }
}

/// The name that escapes stand for, in any of the styles of vis(3); `None` if one of them is none.
#[must_use]
pub fn unescaped(text: &[u8]) -> Option<Vec<u8>> {
    let mut name = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        if byte != b'\\' {
            name.push(byte);
            continue;
        }
        let (&kind, after) = rest.split_first()?;
        rest = after;
        match kind {
            b'0'..=b'7' => {
                let digits = 1 + rest.iter().take(2).take_while(|byte| (b'0'..=b'7').contains(byte)).count();
                let value = rest[..digits - 1]
                    .iter()
                    .fold(u32::from(kind - b'0'), |value, digit| value * 8 + u32::from(digit - b'0'));
                name.push(u8::try_from(value).ok()?);
                rest = &rest[digits - 1..];
            }
            b'n' => name.push(b'\n'),
            b'r' => name.push(b'\r'),
            b't' => name.push(b'\t'),
            b's' => name.push(b' '),
            b'a' => name.push(7),
            b'b' => name.push(8),
            b'v' => name.push(11),
            b'f' => name.push(12),
            b'E' => name.push(27),
            b'x' => {
                let value = super::super::digest::unhex(rest.get(..2)?)?;
                name.extend(value);
                rest = &rest[2..];
            }
            b'^' => {
                let (&letter, after) = rest.split_first()?;
                name.push(control(letter));
                rest = after;
            }
            b'M' => {
                let (&how, after) = rest.split_first()?;
                let (&letter, after) = after.split_first()?;
                name.push(match how {
                    b'-' => letter | 0x80,
                    b'^' => control(letter) | 0x80,
                    _ => return None,
                });
                rest = after;
            }
            // vis(3)'s mark for nothing.
            b'$' => {}
            letter if letter.is_ascii_alphanumeric() => return None,
            other => name.push(other),
        }
    }
    Some(name)
}

fn control(letter: u8) -> u8 {
    if letter == b'?' { 127 } else { letter & 0x1f }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_comes_back() {
        let all: Vec<u8> = (1..=255).collect();
        let text = escaped(&all);
        assert!(text.iter().all(u8::is_ascii_graphic), "{text:?}");
        assert_eq!(unescaped(&text), Some(all));
        assert_eq!(escaped(b"a b\xff"), b"a\\040b\\377");
    }

    #[test]
    fn other_styles_are_read() {
        let read = |text: &str| unescaped(text.as_bytes()).map(|name| name.escape_ascii().to_string());
        let name = |text: &str| Some(text.to_owned());
        assert_eq!(read(r"a\sb\nc\\\#"), name(r"a b\nc\\#"));
        assert_eq!(read(r"\M-i\M^?\^A\x7e"), name(r"\xe9\xff\x01~"));
        assert_eq!(read(r"\Mx"), None);
        assert_eq!(read("\\"), None);
        assert_eq!(read(r"\400"), None);
    }
}
