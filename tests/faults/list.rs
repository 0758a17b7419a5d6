//! A manifest as docs/manifest.md has it, written from what was looked at.

use super::look::{Kind, Seen, Tree};
use blake3::hazmat::HasherExt;
use blake3::{Hash, Hasher};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

const CHUNK: usize = 1 << 20;

/// How a companion begins.
pub(crate) const COMPANION: &str = "\
# safecp chunks 1
# A line 'file BLAKE3 SIZE' for each file longer than 1048576 bytes, and behind it a line for each
# 1048576 bytes of it: the chaining value of that subtree of BLAKE3's tree.
";

/// The list and its companion. Names are plain here.
pub(crate) fn of(top: &Seen, tree: &Tree) -> [Vec<u8>; 2] {
    let mut list = format!("#mtree\n# safecp manifest 1\n.{}\n", words(top));
    let (mut numbers, mut companion) = (BTreeMap::new(), COMPANION.to_owned());
    let mut names: Vec<_> = tree.iter().collect();
    names.sort_by_key(|(path, _)| key(path));
    for (path, seen) in names {
        write!(list, "./{}{}", path.display(), words(seen)).expect("text");
        let is_linked = tree.values().filter(|other| other.inode == seen.inode).count() > 1;
        if is_linked {
            let next = numbers.len() + 1;
            write!(list, ",inode:{}", numbers.entry(seen.inode).or_insert(next)).expect("text");
        }
        list.push('\n');
        if seen.content.len() > CHUNK {
            chunks(&seen.content, &mut companion);
        }
    }
    [list.into_bytes(), companion.into_bytes()]
}

/// `/` comes before every other byte.
fn key(path: &Path) -> Vec<u8> {
    path.as_os_str().as_bytes().iter().map(|byte| if *byte == b'/' { 0 } else { *byte }).collect()
}

fn words(seen: &Seen) -> String {
    let Seen { kind, content, mode, owner: (uid, gid), modified: (seconds, nanos), .. } = seen;
    let name = match kind {
        Kind::File => "file",
        Kind::Directory => "dir",
        Kind::Link => "link",
        Kind::Fifo | Kind::Socket | Kind::CharacterDevice | Kind::BlockDevice => panic!("not in these worlds"),
    };
    let size = if *kind == Kind::File { format!(" size={}", content.len()) } else { String::new() };
    let mut words = format!(" type={name} mode={mode:04o} uid={uid} gid={gid}{size} time={seconds}.{nanos}");
    if *kind == Kind::Link {
        write!(words, " link={}", String::from_utf8_lossy(content)).expect("text");
    }
    let digest = (*kind == Kind::File).then(|| format!("blake3:{}", blake3::hash(content)));
    let xattrs = (!seen.xattrs.is_empty()).then(|| format!("xattr:{}", attributes(seen)));
    let tags: Vec<_> = digest.into_iter().chain(xattrs).collect();
    if !tags.is_empty() {
        write!(words, " tags={}", tags.join(",")).expect("text");
    }
    words
}

fn attributes(seen: &Seen) -> Hash {
    let mut hasher = Hasher::new();
    for (name, value) in &seen.xattrs {
        hasher.update(name.as_bytes()).update(&[0]).update(&(value.len() as u64).to_le_bytes()).update(value);
    }
    hasher.finalize()
}

fn chunks(content: &[u8], companion: &mut String) {
    writeln!(companion, "file {} {}", blake3::hash(content), content.len()).expect("text");
    for (number, chunk) in (0..).zip(content.chunks(CHUNK)) {
        let value = Hasher::new().set_input_offset(number * CHUNK as u64).update(chunk).finalize_non_root();
        writeln!(companion, "{}", Hash::from(value)).expect("text");
    }
}
