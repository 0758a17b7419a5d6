//! A case: one file, what its filesystem and its target's lie about, and a command line. Made from a seed.

use super::lies::{Lie, OF_SOURCES, OF_TARGETS, Told};
use super::random::{Random, spread};
use super::store::{BLOCK, Caching, Manner};
use std::fmt;

/// Where a file lies.
#[derive(Clone, Debug)]
pub(crate) enum Ground {
    /// On a filesystem that tells the truth.
    Plain,
    /// On the one that does not.
    Lying(Manner),
}

/// Everything that a run depends on.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    /// What it was made from.
    pub(crate) seed: u64,
    /// What the source holds in truth.
    pub(crate) bytes: Vec<u8>,
    /// What the target held before, if it was there.
    pub(crate) old: Option<Vec<u8>>,
    pub(crate) source: Ground,
    pub(crate) target: Ground,
    pub(crate) options: Vec<&'static str>,
}

/// Options that GNU's cp has as well, and what else safecp has.
const OF_CP: [&str; 8] = [
    "-a",
    "-p",
    "-f",
    "--remove-destination",
    "--sparse=always",
    "--sparse=never",
    "--reflink=never",
    "--reflink=always",
];
const OF_OURS: [&str; 6] =
    ["--in-place", "--durable", "--verify=device", "--verify=none", "--jobs=2", "--require-stable"];

/// The case of this seed; for GNU's cp the same one without our options.
pub(crate) fn generate(seed: u64, for_gnu: bool) -> Case {
    let mut random = Random::new(seed);
    let bytes = content(&mut random);
    let old = random.once_in(2).then(|| content(&mut random));
    let (source_lies, target_lies) = random.pick(&[(true, false), (true, false), (false, true), (true, true)]);
    let source = ground(&mut random, source_lies, OF_SOURCES);
    let target = ground(&mut random, target_lies, OF_TARGETS);
    let mut options = options(&mut random);
    options.retain(|option| !for_gnu || OF_CP.contains(option));
    Case { seed, bytes, old, source, target, options }
}

fn content(random: &mut Random) -> Vec<u8> {
    let size = match random.below(16) {
        0 => 0,
        1..=4 => random.below(BLOCK as u64),
        5..=7 => random.below(16) * BLOCK as u64,
        15 => (1 << 20) + random.below(5 << 18),
        _ => random.below(200_000),
    };
    let mut bytes = vec![0; usize::try_from(size).expect("a small file")];
    let mut block = [0; BLOCK];
    random.fill(&mut block);
    let is_sparse = random.once_in(2);
    for (number, piece) in (1_u64..).zip(bytes.chunks_mut(BLOCK * 4)) {
        if !(is_sparse && random.once_in(2)) {
            fill(piece, &mut block, number);
        }
    }
    bytes
}

/// Blocks that all differ: filling them with chance takes too long without optimisation.
fn fill(piece: &mut [u8], block: &mut [u8; BLOCK], number: u64) {
    for (count, target) in (number << 8..).zip(piece.chunks_mut(BLOCK)) {
        block[..8].copy_from_slice(&count.to_le_bytes());
        block[BLOCK - 8..].copy_from_slice(&count.to_le_bytes());
        target.copy_from_slice(&block[..target.len()]);
    }
}

fn ground(random: &mut Random, lies: bool, choice: &[Lie]) -> Ground {
    if !lies {
        return Ground::Plain;
    }
    let caching = random.pick(&[Caching::Direct, Caching::Direct, Caching::Through, Caching::Back]);
    let count = random.pick(&[0, 1, 1, 1, 2, 3]);
    let told = (0..count).map(|_| Told { lie: random.pick(choice), once_in: random.pick(&[1, 1, 2, 3, 8]) }).collect();
    Ground::Lying(Manner { caching, seed: random.next(), told })
}

fn options(random: &mut Random) -> Vec<&'static str> {
    let mut options = Vec::new();
    for _ in 0..random.below(3) {
        options.push(random.pick(&OF_CP));
    }
    for _ in 0..random.below(2) {
        options.push(random.pick(&OF_OURS));
    }
    let clones = options.contains(&"--reflink=always");
    options.retain(|option| !(clones && option.starts_with("--sparse")));
    options
}

/// The seed of a case in a campaign.
pub(crate) fn seed_of(base: u64, number: u64) -> u64 {
    let mut state = base ^ number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    spread(&mut state)
}

impl Case {
    pub(crate) fn has(&self, option: &str) -> bool {
        self.options.contains(&option)
    }
}

impl Ground {
    pub(crate) fn manner(&self) -> Option<&Manner> {
        match self {
            Ground::Plain => None,
            Ground::Lying(manner) => Some(manner),
        }
    }
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Case { seed, bytes, old, source, target, options } = self;
        let old = old.as_ref().map_or_else(|| "new".to_owned(), |old| format!("over {} bytes", old.len()));
        write!(f, "case {seed}: {} bytes {source} -> {old} {target}, {}", bytes.len(), options.join(" "))
    }
}

impl fmt::Display for Ground {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Ground::Lying(manner) = self else { return f.write_str("(plain)") };
        write!(f, "({:?}", manner.caching)?;
        for told in &manner.told {
            write!(f, ", {:?} once in {}", told.lie, told.once_in)?;
        }
        f.write_str(")")
    }
}
