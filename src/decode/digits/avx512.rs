//! Runs of digits with vectors of 64 bytes, and a look-up in a table for each byte.

use std::arch::x86_64::__m512i;
use std::arch::x86_64::_mm512_andnot_si512;
use std::arch::x86_64::_mm512_movepi8_mask;

use crate::avx512::Table;
use crate::avx512::WIDTH;
use crate::avx512::load;
use crate::avx512::look_up;
use crate::avx512::place;
use crate::decode::digits::PROBE;
use crate::decode::digits::STRIDE;

/// The bytes of a vector that the first probe in it looks at, and the second, by their bits.
const PROBED: [u64; 2] = {
    let first = (1 << PROBE) - 1;
    [first, first << STRIDE]
};
/// For each byte of ASCII, whether it is a digit, by its first bit.
const DIGITS: Table = {
    let mut table = [[0; WIDTH]; 2];
    let mut byte = 0;
    while byte < 128 {
        if super::is_digit(byte) {
            let (half, at) = place(byte);
            table[half][at] = 0x80;
        }
        byte += 1;
    }
    table
};

#[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
pub(super) fn next_probe(text: &[u8], at: usize) -> Option<usize> {
    let (all, tail) = text.get(at..)?.as_chunks::<WIDTH>();
    for (number, chunk) in all.iter().enumerate() {
        let others = !digits(load(chunk));
        if let Some(half) = PROBED.iter().position(|probed| others & probed == 0) {
            return Some(at + number * WIDTH + half * STRIDE);
        }
    }
    super::next_probe_anywhere(tail, 0).map(|found| at + all.len() * WIDTH + found)
}

#[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
pub(super) fn next_start(text: &[u8], from: usize) -> Option<usize> {
    let mut at = from;
    // How many digits stand right before it.
    let mut before = 0;
    while let Some(chunk) = text.get(at..).and_then(<[u8]>::first_chunk) {
        let digits = digits(load(chunk));
        if before + digits.trailing_ones() as usize >= PROBE {
            return Some(at - before);
        }
        // Those that 2, 4, 8, and 16 in all begin with.
        let mut starts = digits;
        for more in [1, 2, 4, 8] {
            starts &= starts >> more;
        }
        // Most are less than 16.
        if starts != 0 {
            starts &= starts >> (PROBE - 16);
            if starts != 0 {
                return Some(at + starts.trailing_zeros() as usize);
            }
        }
        before = digits.leading_ones() as usize;
        at += WIDTH;
    }
    super::next_start_anywhere(text, at - before)
}

/// A bit for each byte that is a digit.
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
#[inline]
fn digits(bytes: __m512i) -> u64 {
    let digits = look_up(&DIGITS, bytes);
    // Those above ASCII were looked up by their last bits.
    _mm512_movepi8_mask(_mm512_andnot_si512(bytes, digits))
}
