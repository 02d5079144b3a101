//! What there is of AVX-512 for those who look up each byte of a text in a table: a value among 128, for
//! 64 bytes at once.

use std::arch::x86_64::__m512i;
use std::arch::x86_64::_mm512_loadu_si512;
use std::arch::x86_64::_mm512_permutex2var_epi8;

/// Bytes of a vector.
pub(crate) const WIDTH: usize = 64;

/// What is looked up for each byte of ASCII; for one above, what is there for its last seven bits.
pub(crate) type Table = [[u8; WIDTH]; 2];

/// Where in a table a byte has its place.
pub(crate) const fn place(byte: u8) -> (usize, usize) {
    (byte as usize / WIDTH % 2, byte as usize % WIDTH)
}

/// Whether the processor has all that is used.
pub(crate) fn is_there() -> bool {
    is_x86_feature_detected!("avx512vbmi")
        && is_x86_feature_detected!("avx512bw")
        && is_x86_feature_detected!("avx512f")
}

#[target_feature(enable = "avx512f")]
#[inline]
pub(crate) fn load(bytes: &[u8; WIDTH]) -> __m512i {
    #[expect(unsafe_code, reason = "there is no safe load")]
    // SAFETY: the array has the 64 bytes, and the load needs no alignment.
    unsafe {
        _mm512_loadu_si512(bytes.as_ptr().cast())
    }
}

#[target_feature(enable = "avx512f,avx512vbmi")]
#[inline]
pub(crate) fn look_up(table: &Table, bytes: __m512i) -> __m512i {
    let [low, high] = table;
    _mm512_permutex2var_epi8(load(low), bytes, load(high))
}
