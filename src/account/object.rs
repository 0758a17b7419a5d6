//! An object of JSON that is written key by key, for the lines that are many: a general serializer looks at each byte of each
//! key and word, which took a third of a microsecond for each file that was copied. Keys and words of ours are put in
//! line, so that the compiler knows their lengths: a line takes 1,810 instructions, and took 3,200.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde::Serialize;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::time::Duration;

/// A key with all that stands around it.
#[derive(Clone, Copy)]
pub(super) struct Key(pub(super) &'static str);

/// The key that is this plain word.
macro_rules! key {
    ($word:literal) => {
        $crate::account::object::Key(concat!(",\"", $word, "\":"))
    };
}
pub(super) use key;

/// An object on its way.
pub(super) struct Object<'b> {
    to: &'b mut Vec<u8>,
    failure: Option<serde_json::Error>,
}

impl<'b> Object<'b> {
    /// One with this for its first value.
    pub(super) fn begin(to: &'b mut Vec<u8>, what: &'static str) -> Self {
        to.extend_from_slice(b"{\"what\":\"");
        to.extend_from_slice(what.as_bytes());
        to.push(b'"');
        Self { to, failure: None }
    }

    /// Ends it; an error is that of a value.
    pub(super) fn end(self) -> Result<(), serde_json::Error> {
        self.to.push(b'}');
        self.failure.map_or(Ok(()), Err)
    }

    #[inline(always)]
    fn key(&mut self, key: Key) {
        self.to.extend_from_slice(key.0.as_bytes());
    }

    /// Any value.
    #[inline(always)]
    pub(super) fn value(&mut self, key: Key, value: &impl Serialize) {
        self.key(key);
        if let Err(error) = serde_json::to_writer(&mut *self.to, value) {
            self.failure.get_or_insert(error);
        }
    }

    #[inline(always)]
    pub(super) fn flag(&mut self, key: Key, flag: bool) {
        self.key(key);
        if flag {
            self.to.extend_from_slice(b"true");
        } else {
            self.to.extend_from_slice(b"false");
        }
    }

    /// A value without anything in it, such as `null` and `[]`.
    #[inline(always)]
    pub(super) fn bare(&mut self, key: Key, value: &'static str) {
        self.key(key);
        self.to.extend_from_slice(value.as_bytes());
    }

    /// A word, or several, that stand in JSON as they are.
    #[inline(always)]
    pub(super) fn word(&mut self, key: Key, word: &'static str) {
        debug_assert!(is_plain(word.as_bytes()), "{word}");
        self.plain(key, word.as_bytes());
    }

    /// Bytes of UTF-8 that are [`is_plain`].
    #[inline(always)]
    fn plain(&mut self, key: Key, bytes: &[u8]) {
        self.key(key);
        self.to.push(b'"');
        self.to.extend_from_slice(bytes);
        self.to.push(b'"');
    }

    /// Seconds, to the nanosecond.
    pub(super) fn seconds(&mut self, key: Key, time: Duration) {
        self.value(key, &time.as_secs());
        let mut digits = *b".000000000";
        let mut rest = time.subsec_nanos();
        for digit in digits[1..].iter_mut().rev() {
            *digit += u8::try_from(rest % 10).unwrap_or(0);
            rest /= 10;
        }
        self.to.extend_from_slice(&digits);
    }

    pub(super) fn text(&mut self, key: Key, text: &str) {
        if is_plain(text.as_bytes()) {
            self.plain(key, text.as_bytes());
        } else {
            self.value(key, &text);
        }
    }

    /// A name: to be read and, where that is not exact, exactly.
    pub(super) fn name(&mut self, key: Key, exact_key: Key, path: &Path) {
        let bytes = path.as_os_str().as_bytes();
        if is_plain(bytes) {
            return self.plain(key, bytes);
        }
        match std::str::from_utf8(bytes) {
            Ok(text) => self.value(key, &text),
            Err(_) => {
                self.value(key, &path.to_string_lossy());
                self.text(exact_key, &BASE64_STANDARD.encode(bytes));
            }
        }
    }
}

/// So many bytes are looked at together.
const BYTES: usize = 16;

/// Whether a text is of ASCII's characters, and stands in JSON as it is. The last bytes of a longer one are looked at twice, so that
/// no few are left to be looked at one by one.
fn is_plain(text: &[u8]) -> bool {
    let are_plain = |bytes: &[u8]| {
        bytes.iter().fold(true, |are, byte| are & matches!(byte, b' '..=b'~') & (*byte != b'"') & (*byte != b'\\'))
    };
    match text.last_chunk::<BYTES>() {
        Some(last) => are_plain(last) && text.chunks_exact(BYTES).all(are_plain),
        None => are_plain(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// What serde_json puts between quotation marks without a change.
    #[test]
    fn plain_is_what_needs_no_escape() {
        for length in 1..40 {
            for at in [0, length / 2, length - 1] {
                for byte in 0..=u8::MAX {
                    let mut text = vec![b'a'; length];
                    text[at] = byte;
                    let written = std::str::from_utf8(&text).map(|text| serde_json::to_string(text).expect("a string"));
                    let is_same = written.is_ok_and(|written| written.as_bytes()[1..written.len() - 1] == text);
                    // The last of ASCII is plain too, and not worth a thought.
                    assert_eq!(is_plain(&text), is_same && byte != 0x7f, "{byte} at {at} of {length}");
                }
            }
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(text in ".{0,40}", number: u64, flag: bool, nanos in 0..1_000_000_000_u32) {
            let mut bytes = Vec::new();
            let mut object = Object::begin(&mut bytes, "it");
            object.text(key!("text"), &text);
            object.name(key!("name"), key!("name_base64"), Path::new(&text));
            object.value(key!("number"), &number);
            object.flag(key!("flag"), flag);
            object.word(key!("word"), "same already");
            object.bare(key!("none"), "null");
            object.seconds(key!("seconds"), Duration::new(number >> 40, nanos));
            object.end().expect("written");
            let mut read: serde_json::Value = serde_json::from_slice(&bytes).expect("JSON");
            // What reads it back rounds to a binary fraction, and not always to the nearest.
            let seconds = read.as_object_mut().and_then(|read| read.remove("seconds"));
            prop_assert!(seconds.is_some_and(|seconds| seconds.is_f64()));
            let digits = format!("\"seconds\":{}.{nanos:09}}}", number >> 40);
            prop_assert!(String::from_utf8_lossy(&bytes).contains(&digits));
            prop_assert_eq!(
                read,
                serde_json::json!({
                    "what": "it", "text": &text, "name": &text, "number": number, "flag": flag,
                    "word": "same already", "none": null
                })
            );
        }
    }
}
