//! The campaigns' only source of chance, and their seeds: xoshiro256**, seeded by splitmix64.
//!
//! Both are Blackman and Vigna's, in the public domain. The same seed gives the same world on every
//! machine and in every release, which a library's generator would not promise.

/// A stream of numbers that its seed determines.
#[derive(Clone, Debug)]
pub struct Random([u64; 4]);

/// One step of splitmix64: spreads `seed` so that neighbouring seeds share nothing.
pub fn spread(seed: &mut u64) -> u64 {
    *seed = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut mixed = *seed;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

/// The seed of the `number`th world, or case, of a campaign.
pub fn seed_of(base: u64, number: u64) -> u64 {
    let mut state = base ^ number.wrapping_mul(0xd605_bbb5_8c8a_bc03);
    spread(&mut state)
}

/// A seed as people write it: a number, or a commit's hash.
pub fn parse_seed(text: &str) -> u64 {
    text.parse().unwrap_or_else(|_| {
        text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
    })
}

impl Random {
    pub fn new(mut seed: u64) -> Self {
        Self(std::array::from_fn(|_| spread(&mut seed)))
    }

    pub fn next(&mut self) -> u64 {
        let state = &mut self.0;
        let result = state[1].wrapping_mul(5).rotate_left(7).wrapping_mul(9);
        let shifted = state[1] << 17;
        state[2] ^= state[0];
        state[3] ^= state[1];
        state[1] ^= state[2];
        state[0] ^= state[3];
        state[2] ^= shifted;
        state[3] = state[3].rotate_left(45);
        result
    }

    /// A number in `0..end`, 0 if there is none; the bias of the remainder does not matter here.
    pub fn below(&mut self, end: u64) -> u64 {
        if end == 0 { 0 } else { self.next() % end }
    }

    /// A number in `0..end` as an index.
    pub fn index(&mut self, end: usize) -> usize {
        self.below(end as u64) as usize
    }

    /// True once in `times` calls on average; never for 0.
    pub fn once_in(&mut self, times: u32) -> bool {
        times != 0 && self.below(times.into()) == 0
    }

    /// One of the choices, which must not be empty.
    pub fn pick<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.index(choices.len())]
    }

    /// Fills the buffer with bytes that are not all zero.
    pub fn fill(&mut self, buffer: &mut [u8]) {
        for chunk in buffer.chunks_mut(8) {
            let bytes = (self.next() | 1).to_le_bytes();
            chunk.copy_from_slice(&bytes[..chunk.len()]);
        }
    }
}
