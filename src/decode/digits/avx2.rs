//! Runs of digits with vectors of 32 bytes.

use std::arch::x86_64::__m256i;
use std::arch::x86_64::_mm256_adds_epi8;
use std::arch::x86_64::_mm256_and_si256;
use std::arch::x86_64::_mm256_cmpeq_epi8;
use std::arch::x86_64::_mm256_loadu_si256;
use std::arch::x86_64::_mm256_movemask_epi8;
use std::arch::x86_64::_mm256_or_si256;
use std::arch::x86_64::_mm256_set1_epi8;
use std::arch::x86_64::_mm256_setzero_si256;
use std::arch::x86_64::_mm256_shuffle_epi8;
use std::arch::x86_64::_mm256_srli_epi16;

use crate::decode::digits::GROUPS;
use crate::decode::digits::PROBE;
use crate::decode::digits::STRIDE;

/// Bytes of a vector.
const WIDTH: usize = 32;
/// From so many digits on, several vectors are looked at together.
const LONG: usize = 4 * WIDTH;
/// The bytes of a vector that a probe looks at, by their bits.
const PROBED: u32 = (1 << PROBE) - 1;
/// The first bytes of a vector. A run that neither these nor the last, as many of a vector, are all
/// part of is too short if it goes on from one vector to the next.
const HALF: u32 = (1 << (PROBE / 2)) - 1;
/// The bytes of a vector that any run inside of it has.
const INNER: u32 = PROBED & PROBED << (WIDTH - PROBE);
/// The first of all digits. Blanks, quotes and brackets come before it.
const FIRST: i8 = b'+'.cast_signed();
/// For each low half of a byte, which of the groups of [`HIGH`] hold it.
const LOW: [u8; 16] = {
    let mut table = [0; 16];
    let mut byte = 0;
    while byte < 128 {
        if super::is_digit(byte) {
            table[byte as usize & 15] |= HIGH[byte as usize >> 4];
        }
        byte += 1;
    }
    table
};
/// For each high half of a byte, its group: punctuation, numbers, and four times letters.
const HIGH: [u8; 16] = [0, 0, 1, 2, 4, 8, 16, 32, 0, 0, 0, 0, 0, 0, 0, 0];

#[target_feature(enable = "avx2")]
pub(super) fn next_probe(text: &[u8], at: usize) -> Option<usize> {
    let is_probe = |chunk| {
        let bytes = load(chunk);
        // Nearly everything ends here.
        below(bytes) & PROBED == 0 && others(bytes) & PROBED == 0
    };
    let (all, tail) = text.get(at..)?.as_chunks::<WIDTH>();
    // Several at a time: there is little more to do for each than to count it.
    let (fours, rest) = all.as_chunks::<4>();
    for (four, chunks) in fours.iter().enumerate() {
        for (chunk, bytes) in chunks.iter().enumerate() {
            if is_probe(bytes) {
                return Some(at + (four * 4 + chunk) * STRIDE);
            }
        }
    }
    if let Some(chunk) = rest.iter().position(is_probe) {
        return Some(at + (fours.len() * 4 + chunk) * STRIDE);
    }
    super::next_probe_anywhere(tail, 0).map(|found| at + all.len() * STRIDE + found)
}

#[target_feature(enable = "avx2")]
pub(super) fn next_start(text: &[u8], from: usize) -> Option<usize> {
    let mut at = from;
    // Which of the last bytes are digits, and which of the next; before `from` none is.
    let mut digits = 0_u64;
    // Whether those that the last vector ends with may be half of a run, and whether it was
    // only glanced at.
    let mut open = false;
    let mut glanced = false;
    while let Some(chunk) = text.get(at..).and_then(<[u8]>::first_chunk::<WIDTH>) {
        let bytes = load(chunk);
        let below = below(bytes);
        if below & HALF != 0 && below & INNER != 0 && !open {
            open = below.leading_zeros() >= HALF.count_ones();
            glanced = true;
            at += WIDTH;
            continue;
        }
        if glanced && let Some(last) = text[from..at].last_chunk::<WIDTH>() {
            digits = u64::from(!others(load(last))) << WIDTH;
        }
        digits = digits >> WIDTH | u64::from(!others(bytes)) << WIDTH;
        // Those that so many more digits follow: 2, 4, 8, 16, and 28 in all.
        let mut starts = digits;
        for more in [1, 2, 4, 8, PROBE - 16] {
            starts &= starts >> more;
        }
        if starts != 0 {
            return Some(at + starts.trailing_zeros() as usize - WIDTH);
        }
        open = digits.leading_ones() >= HALF.count_ones();
        glanced = false;
        at += WIDTH;
    }
    // A run may have begun in the last of the vectors.
    super::next_start_anywhere(text, from + start_of(&text[from..], at - from))
}

#[target_feature(enable = "avx2")]
pub(super) fn start_of(text: &[u8], mut at: usize) -> usize {
    while let Some(chunk) = text[..at].last_chunk::<WIDTH>() {
        let others = others(load(chunk));
        if others != 0 {
            return at - others.leading_zeros() as usize;
        }
        at -= WIDTH;
    }
    super::start_of_anywhere(text, at)
}

#[target_feature(enable = "avx2")]
pub(super) fn end_of(text: &[u8], start: usize) -> usize {
    let mut at = start;
    while let Some(chunk) = text[at..].first_chunk::<WIDTH>() {
        let others = others(load(chunk));
        if others != 0 {
            return at + others.trailing_zeros() as usize;
        }
        at += WIDTH;
        // One that is long may be very long.
        while at - start >= LONG
            && let Some(four) = text[at..].first_chunk::<{ 4 * WIDTH }>()
            && are_digits(four)
        {
            at += four.len();
        }
    }
    super::end_of_anywhere(text, at)
}

#[target_feature(enable = "avx2")]
pub(super) fn decode(digits: &[u8; GROUPS]) -> [u8; GROUPS / 4 * 3] {
    super::decode_anywhere(digits)
}

#[target_feature(enable = "avx2")]
pub(super) fn has_pair(text: &[u8], pairs: [[u8; 2]; 3]) -> bool {
    super::has_pair_anywhere(text, pairs)
}

/// A bit for each byte before the first of all digits. Bytes above ASCII count as negative.
#[target_feature(enable = "avx2")]
#[inline]
fn below(bytes: __m256i) -> u32 {
    // The sign is left of a difference, which is one instruction less than to compare.
    mask(_mm256_adds_epi8(bytes, _mm256_set1_epi8(-FIRST)))
}

/// A bit for each byte that is no digit.
#[target_feature(enable = "avx2")]
#[inline]
fn others(bytes: __m256i) -> u32 {
    mask(no_digits(bytes))
}

#[target_feature(enable = "avx2")]
#[inline]
fn are_digits(four: &[u8; 4 * WIDTH]) -> bool {
    let mut others = _mm256_setzero_si256();
    for chunk in four.as_chunks::<WIDTH>().0 {
        others = _mm256_or_si256(others, no_digits(load(chunk)));
    }
    mask(others) == 0
}

/// Bytes that are no digits, with all bits set.
#[target_feature(enable = "avx2")]
#[inline]
fn no_digits(bytes: __m256i) -> __m256i {
    let low = _mm256_shuffle_epi8(both_halves(&LOW), bytes);
    let above = _mm256_and_si256(_mm256_srli_epi16::<4>(bytes), _mm256_set1_epi8(15));
    let digits = _mm256_and_si256(low, _mm256_shuffle_epi8(both_halves(&HIGH), above));
    _mm256_cmpeq_epi8(digits, _mm256_setzero_si256())
}

#[target_feature(enable = "avx2")]
#[inline]
fn mask(bytes: __m256i) -> u32 {
    _mm256_movemask_epi8(bytes).cast_unsigned()
}

#[target_feature(enable = "avx2")]
#[inline]
fn both_halves(table: &[u8; 16]) -> __m256i {
    let mut twice = [0; WIDTH];
    twice[..16].copy_from_slice(table);
    twice[16..].copy_from_slice(table);
    load(&twice)
}

#[target_feature(enable = "avx2")]
#[inline]
fn load(bytes: &[u8; WIDTH]) -> __m256i {
    #[expect(unsafe_code, reason = "there is no safe load")]
    // SAFETY: the array has the 32 bytes, and the load needs no alignment.
    unsafe {
        _mm256_loadu_si256(bytes.as_ptr().cast())
    }
}
