//! An object of JSON that is written key by key, for the lines that are many: a general serializer looks at each byte of each
//! key and word, which took a third of a microsecond for each file that was copied.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde::Serialize;
use std::fmt::Display;
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// An object on its way; its keys are plain words.
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

    fn key(&mut self, key: &'static str) {
        self.to.extend_from_slice(b",\"");
        self.to.extend_from_slice(key.as_bytes());
        self.to.extend_from_slice(b"\":");
    }

    /// Any value.
    pub(super) fn value(&mut self, key: &'static str, value: &impl Serialize) {
        self.key(key);
        if let Err(error) = serde_json::to_writer(&mut *self.to, value) {
            self.failure.get_or_insert(error);
        }
    }

    pub(super) fn flag(&mut self, key: &'static str, flag: bool) {
        self.key(key);
        self.to.extend_from_slice(if flag { b"true" } else { b"false" });
    }

    pub(super) fn text(&mut self, key: &'static str, text: &str) {
        if is_plain(text.as_bytes()) {
            self.key(key);
            self.to.push(b'"');
            self.to.extend_from_slice(text.as_bytes());
            self.to.push(b'"');
        } else {
            self.value(key, &text);
        }
    }

    /// What has words for people.
    pub(super) fn shown(&mut self, key: &'static str, shown: &impl Display) {
        let before = self.to.len();
        self.key(key);
        self.to.push(b'"');
        let begin = self.to.len();
        let written = write!(self.to, "{shown}");
        if written.is_ok() && is_plain(&self.to[begin..]) {
            self.to.push(b'"');
        } else {
            self.to.truncate(before);
            self.value(key, &shown.to_string());
        }
    }

    /// A name: to be read and, where that is not exact, exactly.
    pub(super) fn name(&mut self, key: &'static str, exact_key: &'static str, path: &Path) {
        let bytes = path.as_os_str().as_bytes();
        match std::str::from_utf8(bytes) {
            Ok(text) => self.text(key, text),
            Err(_) => {
                self.value(key, &path.to_string_lossy());
                self.text(exact_key, &BASE64_STANDARD.encode(bytes));
            }
        }
    }
}

/// Whether a text stands in JSON as it is. All bytes are looked at, which goes many at a time.
fn is_plain(text: &[u8]) -> bool {
    text.iter().fold(true, |is_plain, byte| is_plain & (*byte >= 0x20 && *byte != b'"' && *byte != b'\\'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_written_is_read_back(text in ".{0,40}", number: u64, flag: bool) {
            let mut bytes = Vec::new();
            let mut object = Object::begin(&mut bytes, "it");
            object.text("text", &text);
            object.shown("shown", &text);
            object.value("number", &number);
            object.flag("flag", flag);
            object.end().expect("written");
            let read: serde_json::Value = serde_json::from_slice(&bytes).expect("JSON");
            prop_assert_eq!(
                read,
                serde_json::json!({"what": "it", "text": &text, "shown": &text, "number": number, "flag": flag})
            );
        }
    }
}
