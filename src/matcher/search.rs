//! The search for needles: as fast as memory where there are vectors for it.

use aho_corasick::AhoCorasick;
use aho_corasick::BuildError;
use aho_corasick::Input;
use aho_corasick::MatchKind as AutomatonKind;
use aho_corasick::packed;
use aho_corasick::packed::MatchKind as PackedKind;

/// Finds needles of which none holds another.
#[derive(Debug)]
pub(super) enum Search {
    /// A few needles, and vectors of 64 bytes with a look-up for each.
    #[cfg(target_arch = "x86_64")]
    Wide(Box<wide::Wide>),
    /// A few needles, and vectors of 16 or 32 bytes.
    Packed(packed::Searcher),
    /// Many needles, or a machine without the instructions.
    Automaton(Box<AhoCorasick>),
    Nothing,
}

impl Search {
    pub(super) fn new(needles: &[Vec<u8>]) -> Result<Self, BuildError> {
        #[cfg(target_arch = "x86_64")]
        if let Some(wide) = wide::Wide::new(needles) {
            return Ok(Self::Wide(Box::new(wide)));
        }
        Self::portable(needles)
    }

    /// The same on any processor.
    fn portable(needles: &[Vec<u8>]) -> Result<Self, BuildError> {
        if needles.is_empty() {
            return Ok(Self::Nothing);
        }
        let packed = packed::Config::new()
            .match_kind(PackedKind::LeftmostFirst)
            .builder()
            .extend(needles)
            .build();
        if let Some(searcher) = packed {
            return Ok(Self::Packed(searcher));
        }
        AhoCorasick::builder()
            // The default kind knows no vectorized prefilter and is twenty times slower.
            .match_kind(AutomatonKind::LeftmostFirst)
            .build(needles)
            .map(|automaton| Self::Automaton(Box::new(automaton)))
    }

    /// The first needle from `at` on: where it begins, and its number.
    pub(super) fn next(&self, text: &[u8], at: usize) -> Option<(usize, usize)> {
        let found = match self {
            #[cfg(target_arch = "x86_64")]
            Self::Wide(wide) => return wide.next(text, at),
            Self::Packed(searcher) => searcher.find_in(text, (at..text.len()).into()),
            Self::Automaton(automaton) => automaton.find(Input::new(text).range(at..)),
            Self::Nothing => None,
        }?;
        Some((found.start(), found.pattern().as_usize()))
    }
}

/// With AVX-512, a byte's value among 128 is looked up in one instruction, for 64 bytes at once. So
/// three of them tell exactly which places have for their first, second and third byte what any needle
/// of a group has there: there are far fewer than by the halves of bytes, which is what narrower
/// vectors can look up, and half as many steps are made.
#[cfg(target_arch = "x86_64")]
mod wide {
    use std::arch::x86_64::__m512i;
    use std::arch::x86_64::_mm512_and_si512;
    use std::arch::x86_64::_mm512_setzero_si512;
    use std::arch::x86_64::_mm512_test_epi8_mask;

    use crate::avx512;
    use crate::avx512::Table;
    use crate::avx512::WIDTH;

    /// Bytes of a needle that are looked up.
    const LOOKED_AT: usize = 3;
    /// Bytes that are looked at for all places in a vector.
    const SEEN: usize = WIDTH + LOOKED_AT - 1;
    /// Groups of needles: bits of what is looked up.
    const GROUPS: usize = 8;
    /// More needles make too many places look like one.
    const MAX_NEEDLES: usize = 64;

    #[derive(Debug)]
    pub(in crate::matcher) struct Wide {
        /// For each of the first bytes of a needle, the groups that have a byte there, by their bits.
        tables: [Table; LOOKED_AT],
        needles: Vec<Vec<u8>>,
    }

    impl Wide {
        /// `None` if the processor cannot, or the needles are none for it.
        pub(super) fn new(needles: &[Vec<u8>]) -> Option<Self> {
            let fits = |needle: &Vec<u8>| needle.len() >= LOOKED_AT;
            let few = (1..=MAX_NEEDLES).contains(&needles.len());
            if !avx512::is_there() || !few || !needles.iter().all(fits) {
                return None;
            }
            let mut tables = [[[0; WIDTH]; 2]; LOOKED_AT];
            for (number, needle) in needles.iter().enumerate() {
                for (table, byte) in tables.iter_mut().zip(needle) {
                    let (half, at) = avx512::place(*byte);
                    table[half][at] |= 1 << (number % GROUPS);
                }
            }
            Some(Self {
                tables,
                needles: needles.to_vec(),
            })
        }

        /// The first needle from `at` on: where it begins, and its number.
        pub(super) fn next(&self, text: &[u8], at: usize) -> Option<(usize, usize)> {
            #[expect(unsafe_code, reason = "safe once the processor is known to have it")]
            // SAFETY: it is made only where the processor has the instructions.
            unsafe {
                self.next_wide(text, at)
            }
        }

        #[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
        fn next_wide(&self, text: &[u8], mut at: usize) -> Option<(usize, usize)> {
            let [first, second, third] = &self.tables;
            let places = |bytes: &[u8; SEEN]| {
                let first = look_up(first, bytes, 0);
                let both = _mm512_and_si512(first, look_up(second, bytes, 1));
                _mm512_test_epi8_mask(both, look_up(third, bytes, 2))
            };
            while let Some(bytes) = text.get(at..).and_then(<[u8]>::first_chunk) {
                let places = places(bytes);
                if places != 0
                    && let Some(found) = self.first(text, at, places)
                {
                    return Some(found);
                }
                at += WIDTH;
            }
            let rest = text.get(at..)?;
            let mut bytes = [0; SEEN];
            bytes[..rest.len()].copy_from_slice(rest);
            self.first(text, at, places(&bytes))
        }

        /// The first needle at any of the places from `at` on whose bits are set.
        fn first(&self, text: &[u8], at: usize, mut places: u64) -> Option<(usize, usize)> {
            while places != 0 {
                let start = at + places.trailing_zeros() as usize;
                places &= places - 1;
                let rest = text.get(start..)?;
                let known = self.tables.iter().zip(rest);
                let groups = known.fold(!0, |groups, (table, byte)| {
                    let (half, at) = avx512::place(*byte);
                    groups & table[half][at]
                });
                let numbered = self.needles.iter().enumerate();
                let of_groups = numbered.filter(|(number, _)| groups >> (number % GROUPS) & 1 != 0);
                let mut found = of_groups.filter(|(_, needle)| rest.starts_with(needle));
                if let Some((number, _)) = found.next() {
                    return Some((start, number));
                }
            }
            None
        }
    }

    /// What is in a table for each byte from `from` on.
    #[target_feature(enable = "avx512f,avx512vbmi")]
    #[inline]
    fn look_up(table: &Table, bytes: &[u8; SEEN], from: usize) -> __m512i {
        let bytes = bytes[from..].first_chunk();
        avx512::look_up(
            table,
            bytes.map_or(_mm512_setzero_si512(), |b| avx512::load(b)),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All places of needles, one byte after the other.
    fn all(search: &Search, text: &[u8]) -> Vec<(usize, usize)> {
        let mut at = 0;
        std::iter::from_fn(|| {
            let found = search.next(text, at)?;
            at = found.0 + 1;
            Some(found)
        })
        .collect()
    }

    #[test]
    fn every_processor_finds_the_same_needles() {
        let needles: Vec<Vec<u8>> = [
            "abc",
            "bcd\u{e9}",
            "ca\0\0",
            "dddd",
            "ccb",
            "-=-",
            "cab",
            "bbb",
            "a=a=a",
        ]
        .map(|needle| needle.as_bytes().to_vec())
        .to_vec();
        let fast = Search::new(&needles).unwrap();
        let portable = Search::portable(&needles).unwrap();
        let mut state = 1_u32;
        let mut next = |below: usize| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) as usize % below
        };
        let mut found = 0;
        for _ in 0..3000 {
            let kinds = "abcd\0-=\u{e9}Ca".as_bytes();
            let text: Vec<u8> = (0..next(200)).map(|_| kinds[next(kinds.len())]).collect();
            let expected: Vec<(usize, usize)> = (0..text.len())
                .filter_map(|at| {
                    let here = needles.iter().position(|n| text[at..].starts_with(n))?;
                    Some((at, here))
                })
                .collect();
            assert_eq!(all(&fast, &text), expected);
            assert_eq!(all(&portable, &text), expected);
            found += expected.len();
        }
        assert!(found > 1000, "{found}");
    }

    #[test]
    fn a_needle_is_found_at_each_place_of_a_text_of_each_length() {
        let needles = [b"needle".to_vec(), b"nee\xff".to_vec()];
        let search = Search::new(&needles).unwrap();
        for length in 6..200 {
            for at in 0..=length - 6 {
                let mut text = vec![b'n'; length];
                text[at..at + 6].copy_from_slice(b"needle");
                assert_eq!(all(&search, &text), [(at, 0)]);
                assert_eq!(all(&search, &text[..at + 5]), []);
            }
        }
        for (needles, text) in [(&[][..], &b"x"[..]), (&[b"ab".to_vec()][..], b"xab")] {
            let search = Search::new(needles).unwrap();
            assert_eq!(all(&search, text).len(), needles.len());
            assert_eq!(search.next(text, text.len()), None);
        }
    }
}
