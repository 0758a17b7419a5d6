//! Lists of every kind: any text is read or refused, in as many steps as it has lines; and what we write comes back.

use super::input::Input;
use safecp::archive::chunks::{self, CHUNK};
use safecp::archive::digest::{Algorithm, Digest};
use safecp::archive::format::Format;
use safecp::archive::formats::sums::{self, Ending};
use safecp::archive::formats::{bagit, mtree, vis};
use safecp::archive::list::List;
use safecp::archive::record::Record;
use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

const FORMATS: [Format; 8] = [
    Format::Ours,
    Format::Mtree,
    Format::Sums(Ending::Line),
    Format::Sums(Ending::Zero),
    Format::Hashdeep,
    Format::Contents,
    Format::Bagit(Algorithm::Sha256),
    Format::Mhl,
];

pub(crate) fn check(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    let format = FORMATS[usize::from(input.byte()) % FORMATS.len()];
    let text = bytes.get(1..).unwrap_or_default();
    // What a list is said to be does not depend on what it is called, but for BagIt.
    let told = Format::of(text, Path::new("list"));
    assert!(!matches!(told, Some(Format::Bagit(_))));
    for format in told.into_iter().chain([format]) {
        let records = List::new(format, Box::new(text), Path::new("list"));
        let lines = text.iter().filter(|byte| matches!(byte, b'\n' | 0 | b'>')).count();
        let mut count = 0;
        for record in records {
            count += 1;
            assert!(count <= lines + 2, "{format:?} goes on for ever");
            if let Ok(record) = record {
                assert!(!record.path.as_os_str().is_empty() || format == Format::Mhl, "{format:?}");
            }
        }
    }
    companion(text);
    comes_back(text);
    if let Some(name) = bagit::decoded(OsString::from_vec(text.to_vec()).as_os_str()) {
        assert!(name.as_os_str().len() < text.len());
    }
}

/// A companion is believed only if what it has of a file adds up to the file's digest.
fn companion(text: &[u8]) {
    let words = text.split(|byte| *byte == b'\n').filter_map(|line| line.strip_prefix(b"file "));
    let words = words.filter_map(|line| std::str::from_utf8(line).ok()?.split_once(' '));
    let files = words.filter_map(|(digest, size)| Some((blake3::Hash::from_hex(digest).ok()?, size.parse().ok()?)));
    for (whole, size) in files.take(8) {
        if let Some(digests) = chunks::find_in(text, &whole, size) {
            assert_eq!((digests.whole, digests.pieces.len() as u64), (whole, size.div_ceil(CHUNK)));
            assert!(digests.are_consistent(CHUNK, size));
        }
    }
}

/// A name of any bytes is read from the lines that we write of it.
fn comes_back(bytes: &[u8]) {
    let name: Vec<u8> = bytes.iter().copied().filter(|byte| *byte != 0 && *byte != b'/').collect();
    assert_eq!(vis::unescaped(&vis::escaped(&name)).as_deref(), Some(&name[..]));
    if name.is_empty() || name == b"." {
        return;
    }
    let digest = Digest::blake3(&blake3_of(&name));
    let line = sums::line(&name, &digest.value);
    assert_eq!(line.iter().filter(|byte| **byte == b'\n').count(), 1);
    let read = sums::parse(&line[..line.len() - 1], Ending::Line).expect("our own line").expect("a name");
    assert_eq!(read.path.as_os_str().as_bytes(), name);
    let record = Record {
        digest: Some(digest),
        ..Record { path: PathBuf::from(OsString::from_vec(name)), ..Record::default() }
    };
    let line = mtree::line(&record);
    assert!(line.is_ascii());
    let read = mtree::Reader::default().line(&line[..line.len() - 1]);
    assert_eq!(read, Ok(Some(record)));
}

/// Any 32 bytes that hang on the name.
fn blake3_of(name: &[u8]) -> blake3::Hash {
    blake3::hash(name)
}
