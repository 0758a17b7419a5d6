//! Names of far temporaries: 128 bits that nobody knows beforehand, who made it, and a check over that and the directory.
//!
//! So a later run on this machine knows what a dead one left there, from a living one's work and from files that only look like
//! it. What another machine left cannot be told from what it still works on, and stays.

use super::far_path;
use crate::copy::stale_temporary::{Author, Fate, TEMPORARY_PREFIX};
use crate::kernel::Kernel;

/// Digits of a name: what is random, the author's boot, machine, process and beginning, the check.
const FIELDS: [usize; 6] = [32, 8, 16, 8, 8, 16];

/// Makes names, and knows old ones.
pub(super) struct Names {
    secret: [u8; 32],
    count: u64,
    author: Option<Author>,
}

impl Names {
    pub(super) fn new<K: Kernel>(kernel: &K) -> Self {
        let mut secret = [0; 32];
        secret.chunks_exact_mut(8).for_each(|chunk| chunk.copy_from_slice(&kernel.random().to_ne_bytes()));
        Self { secret, count: 0, author: Author::of_this_process(kernel) }
    }

    /// The path of a new temporary in the directory.
    pub(super) fn next(&mut self, dir: &[u8]) -> Vec<u8> {
        self.count += 1;
        let random = blake3::keyed_hash(&self.secret, &self.count.to_ne_bytes()).to_hex();
        let Author { boot, machine, pid, start } =
            self.author.unwrap_or(Author { boot: 0, machine: 0, pid: 0, start: 0 });
        let fields = format!("{}{boot:08x}{machine:016x}{pid:08x}{start:08x}", &random[..FIELDS[0]]);
        far_path::join(dir, format!("{TEMPORARY_PREFIX}{fields}{}", check(&fields, dir)).as_bytes())
    }

    /// Whether a name in the directory is one that a dead run of this machine left.
    pub(super) fn is_left<K: Kernel>(&self, kernel: &K, dir: &[u8], name: &[u8]) -> bool {
        let author = author_of(dir, name).filter(|author| author.machine != 0);
        author.is_some_and(|author| author.fate(kernel, self.author) == Fate::Dead)
    }
}

fn author_of(dir: &[u8], name: &[u8]) -> Option<Author> {
    let digits = std::str::from_utf8(name.strip_prefix(TEMPORARY_PREFIX.as_bytes())?).ok()?;
    let is_ours = digits.len() == FIELDS.iter().sum::<usize>() && digits.is_ascii();
    let (fields, last) = digits.split_at_checked(digits.len().checked_sub(FIELDS[5])?).filter(|_| is_ours)?;
    let mut at = FIELDS[0];
    let mut next = |length: usize| {
        at += length;
        u64::from_str_radix(&fields[at - length..at], 16).ok()
    };
    let author =
        Author { boot: next(FIELDS[1])?, machine: next(FIELDS[2])?, pid: next(FIELDS[3])?, start: next(FIELDS[4])? };
    (last == check(fields, dir)).then_some(author)
}

/// The digits that bind a name to its directory.
fn check(fields: &str, dir: &[u8]) -> String {
    let mut hasher = blake3::Hasher::new();
    hasher.update(fields.as_bytes()).update(b"/").update(dir);
    hasher.finalize().to_hex()[..FIELDS[5]].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::linux::Linux;

    #[test]
    fn only_a_dead_run_leaves_names() {
        let kernel = Linux::new();
        let mut names = Names::new(&kernel);
        let living = names.next(b"/d");
        assert_ne!(living, names.next(b"/d"));
        assert!(!names.is_left(&kernel, b"/d", &living[3..]), "it is this process's own");
        let author = names.author.expect("an author");
        names.author = Some(Author { start: author.start ^ 1, ..author });
        let dead = names.next(b"/d");
        names.author = Some(author);
        assert!(names.is_left(&kernel, b"/d", &dead[3..]));
        assert!(!names.is_left(&kernel, b"/e", &dead[3..]), "a copy of it elsewhere");
        let mut changed = dead.clone();
        *changed.last_mut().expect("a digit") ^= 1;
        assert!(!names.is_left(&kernel, b"/d", &changed[3..]));
        names.author = Some(Author { machine: author.machine ^ 1, boot: author.boot ^ 1, ..author });
        let other = names.next(b"/d");
        names.author = Some(author);
        assert!(!names.is_left(&kernel, b"/d", &other[3..]), "another machine's");
    }
}
