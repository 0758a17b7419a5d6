//! What a filesystem can lie about, and the liar that decides when it does.
//!
//! A lie strikes by its rate and by how often it was asked for before, not by time: the same calls in the same order
//! are answered in the same way. A lie that strikes every time is a consistent one; all others flip.

use super::random::spread;

/// One way of not telling the truth.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Lie {
    /// SEEK_DATA: nothing but a hole from here on.
    AllHole,
    /// SEEK_DATA: data from here on; SEEK_HOLE: up to the end.
    AllData,
    /// The map of a file that is some blocks off.
    ShiftedMap,
    /// Any offset at all.
    RandomMap,
    /// An offset before the one that was asked about.
    BackwardMap,
    /// An offset far behind the end.
    FarMap,
    /// lseek fails.
    SeekError,
    /// st_blocks is 0.
    NoBlocks,
    /// st_blocks is any number.
    AnyBlocks,
    /// st_size is larger than what there is.
    LargerSize,
    /// st_size is smaller.
    SmallerSize,
    /// st_size is 0.
    NoSize,
    /// st_size is beyond everything.
    HugeSize,
    /// A read gives fewer bytes than there are.
    ShortRead,
    /// A read fails.
    ReadError,
    /// A read gives other bytes, the same ones whenever it is asked.
    OtherBytes,
    /// A read gives other bytes than the one before.
    ChangingBytes,
    /// A read gives what the file held before it was last written.
    StaleBytes,
    /// A read gives nothing, as if the file ended.
    EarlyEnd,
    /// A write takes fewer bytes than it was given, and says so.
    ShortWrite,
    /// A write takes nothing, and says so.
    NoWrite,
    /// A write fails.
    WriteError,
    /// A write finds no space.
    NoSpace,
    /// A write says that it took everything, and took nothing.
    DroppedWrite,
    /// A write says that it took everything, and took a half.
    TornWrite,
    /// A write takes everything but for a bit.
    SpoiledWrite,
    /// A write goes to another place of the file.
    StrayWrite,
    /// A truncation says that it is done, and is not.
    DroppedTruncate,
    /// A truncation fails.
    TruncateError,
    /// fsync fails.
    SyncError,
    /// close fails.
    CloseError,
    /// A rename fails.
    RenameError,
    /// copy_file_range says that it copied everything, and copied nothing.
    ClaimedRange,
    /// copy_file_range copies a half, and says so.
    ShortRange,
    /// copy_file_range copies nothing, and says so.
    NoRange,
    /// copy_file_range fails.
    RangeError,
}

use Lie::*;

/// What a source can lie about.
pub(crate) const OF_SOURCES: &[Lie] = &[
    AllHole,
    AllData,
    ShiftedMap,
    RandomMap,
    BackwardMap,
    FarMap,
    SeekError,
    NoBlocks,
    AnyBlocks,
    LargerSize,
    SmallerSize,
    NoSize,
    HugeSize,
    ShortRead,
    ReadError,
    OtherBytes,
    ChangingBytes,
    StaleBytes,
    EarlyEnd,
    ClaimedRange,
    ShortRange,
    NoRange,
    RangeError,
    SyncError,
];

/// What a target can lie about.
pub(crate) const OF_TARGETS: &[Lie] = &[
    NoBlocks,
    AnyBlocks,
    LargerSize,
    SmallerSize,
    NoSize,
    ShortRead,
    ReadError,
    OtherBytes,
    ChangingBytes,
    StaleBytes,
    EarlyEnd,
    ShortWrite,
    NoWrite,
    WriteError,
    NoSpace,
    DroppedWrite,
    TornWrite,
    SpoiledWrite,
    StrayWrite,
    DroppedTruncate,
    TruncateError,
    SyncError,
    CloseError,
    RenameError,
];

/// Lies about what a file holds, told to who reads it.
pub(crate) const ABOUT_CONTENT: &[Lie] = &[ShortRead, OtherBytes, ChangingBytes, StaleBytes, EarlyEnd];

/// Lies about a file's size.
pub(crate) const ABOUT_SIZE: &[Lie] = &[LargerSize, SmallerSize, NoSize, HugeSize];

/// Failures to keep what was written that only a read from the filesystem itself can find.
pub(crate) const SILENT_LOSSES: &[Lie] = &[DroppedWrite, TornWrite, SpoiledWrite, StrayWrite, DroppedTruncate];

/// Lies about where holes are, which nobody has to believe.
pub(crate) const HINTS: &[Lie] =
    &[AllHole, AllData, ShiftedMap, RandomMap, BackwardMap, FarMap, NoBlocks, AnyBlocks, ClaimedRange, NoRange];

/// Lies of copy_file_range, which safecp never asks of a filesystem that it does not know.
pub(crate) const OF_RANGES: &[Lie] = &[ClaimedRange, ShortRange, NoRange, RangeError];

/// How many lies there are.
pub(crate) const COUNT: usize = RangeError as usize + 1;

/// Every lie, by its number.
pub(crate) fn all() -> Vec<Lie> {
    let mut all: Vec<Lie> = OF_SOURCES.iter().chain(OF_TARGETS).copied().collect();
    all.sort_unstable();
    all.dedup();
    all
}

/// How often a lie is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Told {
    pub(crate) lie: Lie,
    /// Once in so many calls that it could be told to.
    pub(crate) once_in: u64,
}

/// Decides, for one file, which calls are lied to.
#[derive(Clone, Debug)]
pub(crate) struct Liar {
    seed: u64,
    told: Vec<Told>,
    asked: [u64; COUNT],
    /// How often each lie was told.
    pub(crate) struck: [u64; COUNT],
}

impl Liar {
    pub(crate) fn new(seed: u64, told: &[Told]) -> Self {
        Self { seed, told: told.to_vec(), asked: [0; COUNT], struck: [0; COUNT] }
    }

    /// A number for the lie to use, if it is told to this call.
    pub(crate) fn strikes(&mut self, lie: Lie) -> Option<u64> {
        let rate = self.told.iter().find(|told| told.lie == lie)?.once_in;
        let number = lie as usize;
        self.asked[number] += 1;
        let chance = self.constant(lie).wrapping_add(self.asked[number]);
        let (mut first, mut second) = (chance, chance ^ 0x5555);
        let strikes = spread(&mut first) % rate == 0;
        self.struck[number] += u64::from(strikes);
        strikes.then(|| spread(&mut second))
    }

    /// A number in `1..length`, if the lie is told to this call of so many bytes; there has to be such a number.
    pub(crate) fn strikes_within(&mut self, lie: Lie, length: usize) -> Option<usize> {
        if length < 2 {
            return None;
        }
        self.strikes(lie).map(|number| 1 + (number % (length as u64 - 1)) as usize)
    }

    /// A number that is the same for this lie whenever it is told.
    pub(crate) fn constant(&self, lie: Lie) -> u64 {
        let mut state = self.seed ^ ((lie as u64) << 40);
        spread(&mut state)
    }
}
