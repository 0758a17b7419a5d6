//! Media hash lists: MHL 1.1 and ASC MHL 2.0, which are XML. Read as a stream, an element at a time.

use super::mtree::{UNKNOWN_DIGEST, note_digest};
use crate::archive::digest::{Algorithm, Digest};
use crate::archive::record::Record;
use crate::kernel::Kind;
use crate::quote::quoted;
use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};
use std::io::BufRead;
use std::path::{Path, PathBuf};

/// What an element tells: a record, or why it is none.
type Told = Result<Record, String>;

/// ASC MHL keeps the digest that a file had when it was not right any more.
const FAILED: &str = "the list itself says that its verification failed";

/// The records of a list, in its order.
pub struct Records<R: BufRead> {
    reader: Reader<R>,
    buffer: Vec<u8>,
    /// Elements that have begun, outermost first.
    open: Vec<String>,
    /// The text of the innermost.
    text: String,
    record: Record,
    /// What is wrong with the record, if something is.
    fault: Option<String>,
    /// The little-endian XXH64 of MHL 1.0, which is written backwards.
    has_ended: bool,
}

impl<R: BufRead> Records<R> {
    /// Those of this text.
    pub fn new(text: R) -> Self {
        let reader = Reader::from_reader(text);
        let (buffer, open, text) = (Vec::new(), Vec::new(), String::new());
        Self { reader, buffer, open, text, record: Record::default(), fault: None, has_ended: false }
    }

    /// Where the reader stands, in bytes.
    #[must_use]
    pub fn offset(&self) -> u64 {
        self.reader.buffer_position()
    }

    fn begin(&mut self, element: &BytesStart<'_>) -> Result<(), String> {
        let name = String::from_utf8_lossy(element.local_name().as_ref()).into_owned();
        self.text.clear();
        if name == "hash" {
            self.record = Record { kind: Some(Kind::File), ..Record::default() };
            self.fault = None;
        }
        if name == "path" && self.open.last().is_some_and(|above| above == "hash") {
            let size = element.try_get_attribute("size").map_err(|error| error.to_string())?;
            if let Some(size) = size {
                let text = String::from_utf8_lossy(&size.value).into_owned();
                self.record.size = Some(text.parse().map_err(|_| "a size that is none".to_owned())?);
            }
        }
        let action = element.try_get_attribute("action").map_err(|error| error.to_string())?;
        if action.is_some_and(|action| *action.value == *b"failed") {
            self.fault.get_or_insert_with(|| FAILED.to_owned());
        }
        self.open.push(name);
        Ok(())
    }

    /// An element has ended; a record, if it was one's.
    fn end(&mut self) -> Result<Option<Told>, String> {
        let Some(name) = self.open.pop() else { return Err("an element ends that has not begun".to_owned()) };
        let text = std::mem::take(&mut self.text);
        if name == "hash" {
            let record = std::mem::take(&mut self.record);
            let name = quoted(&record.path);
            return Ok(Some(match (record.path.as_os_str().is_empty(), &record.digest, self.fault.take()) {
                (true, ..) => Err("a hash without a name".to_owned()),
                (false, _, Some(fault)) => Err(format!("{name}: {fault}")),
                (false, None, None) => Err(format!("{name}: {UNKNOWN_DIGEST}")),
                (false, Some(_), None) => Ok(record),
            }));
        }
        if name == "path" && self.open.last().is_some_and(|above| above == "hashlistreference") {
            let list = quoted(Path::new(&text));
            return Ok(Some(Err(format!("{list} has the names beneath its directory, and is to be checked as well"))));
        }
        if self.open.last().is_none_or(|above| above != "hash") {
            return Ok(None);
        }
        match name.as_str() {
            "file" | "path" => self.record.path = PathBuf::from(text),
            "size" => match text.trim().parse() {
                Ok(size) => self.record.size = Some(size),
                Err(_) => self.fault = Some("a size that is none".to_owned()),
            },
            // XXH32 and C4 are not known here; most lists that have them have others as well.
            name => {
                if let Some(algorithm) = Algorithm::named(name) {
                    let digest = Digest::parse(algorithm, text.trim().as_bytes());
                    match digest {
                        Some(digest) => note_digest(&mut self.record, digest),
                        None => self.fault = Some("a digest that is none".to_owned()),
                    }
                }
            }
        }
        Ok(None)
    }

    fn step(&mut self) -> Result<Option<Told>, String> {
        self.buffer.clear();
        let mut buffer = std::mem::take(&mut self.buffer);
        let event = self.reader.read_event_into(&mut buffer).map_err(|error| error.to_string())?.into_owned();
        self.buffer = buffer;
        match event {
            Event::Start(element) => self.begin(&element).map(|()| None),
            Event::Empty(element) => {
                self.begin(&element)?;
                self.end()
            }
            Event::End(_) => self.end(),
            Event::Text(text) => {
                self.text.push_str(&text.decode().map_err(|error| error.to_string())?);
                Ok(None)
            }
            Event::GeneralRef(reference) => {
                let name = reference.decode().map_err(|error| error.to_string())?;
                let resolved = match reference.resolve_char_ref().map_err(|error| error.to_string())? {
                    Some(character) => character.to_string(),
                    None => quick_xml::escape::resolve_predefined_entity(&name)
                        .ok_or_else(|| format!("an entity that is none: {name}"))?
                        .to_owned(),
                };
                self.text.push_str(&resolved);
                Ok(None)
            }
            Event::CData(text) => {
                self.text.push_str(&String::from_utf8_lossy(&text));
                Ok(None)
            }
            Event::Eof => {
                self.has_ended = true;
                if self.open.is_empty() { Ok(None) } else { Err("the list ends within an element".to_owned()) }
            }
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) | Event::DocType(_) => Ok(None),
        }
    }
}

impl<R: BufRead> Iterator for Records<R> {
    type Item = Result<Record, String>;

    fn next(&mut self) -> Option<Self::Item> {
        while !self.has_ended {
            match self.step() {
                Ok(None) => {}
                Ok(Some(told)) => return Some(told),
                Err(error) => {
                    // XML that is broken once means nothing from there on.
                    self.has_ended = true;
                    return Some(Err(error));
                }
            }
        }
        None
    }
}
