//! The digits of base64, of either alphabet, and where runs of them begin and end.
//!
//! Every text is looked through for long runs, so this is as fast as reading it: a vector at a time
//! where the processor has them.

/// Distance between the places that are looked at: the width of a vector.
pub(super) const STRIDE: usize = 32;
/// Bytes from such a place on that must all be digits. Any run of `STRIDE + PROBE` bytes, so any
/// that is long enough, has such a place; of shorter lines, below each other, practically always
/// one has.
pub(super) const PROBE: usize = 28;

const OTHER: u8 = 0xff;
/// The value of a base64 digit of either alphabet.
const VALUES: [u8; 256] = {
    let mut table = [OTHER; 256];
    let mut value = 0_u8;
    while value < 26 {
        table[(b'A' + value) as usize] = value;
        table[(b'a' + value) as usize] = value + 26;
        if value < 10 {
            table[(b'0' + value) as usize] = value + 52;
        }
        value += 1;
    }
    table[b'+' as usize] = 62;
    table[b'-' as usize] = 62;
    table[b'/' as usize] = 63;
    table[b'_' as usize] = 63;
    table
};

pub(super) const fn is_digit(byte: u8) -> bool {
    VALUES[byte as usize] != OTHER
}

/// What a digit stands for.
pub(super) const fn value(digit: u8) -> u8 {
    VALUES[digit as usize]
}

/// The first place that is looked at, from `at` on, with nothing but digits.
pub(super) fn next_probe(text: &[u8], at: usize) -> Option<usize> {
    #[cfg(target_arch = "x86_64")]
    if crate::avx512::is_there() {
        #[expect(unsafe_code, reason = "safe once the processor is known to have it")]
        // SAFETY: the processor has the instructions.
        return unsafe { avx512::next_probe(text, at) };
    }
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx2") {
        #[expect(unsafe_code, reason = "safe once the processor is known to have it")]
        // SAFETY: the processor has the instructions.
        return unsafe { avx2::next_probe(text, at) };
    }
    next_probe_anywhere(text, at)
}

/// The same on any processor.
fn next_probe_anywhere(text: &[u8], mut at: usize) -> Option<usize> {
    while let Some(probe) = text.get(at..).and_then(<[u8]>::first_chunk::<PROBE>) {
        if probe.iter().all(|byte| is_digit(*byte)) {
            return Some(at);
        }
        at += STRIDE;
    }
    None
}

/// Where the first run from `at` on begins that has [`PROBE`] digits, wherever it stands. No run may
/// begin before `at` and go on behind it.
pub(super) fn next_start(text: &[u8], at: usize) -> Option<usize> {
    #[cfg(target_arch = "x86_64")]
    if crate::avx512::is_there() {
        #[expect(unsafe_code, reason = "safe once the processor is known to have it")]
        // SAFETY: the processor has the instructions.
        return unsafe { avx512::next_start(text, at) };
    }
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx2") {
        #[expect(unsafe_code, reason = "safe once the processor is known to have it")]
        // SAFETY: the processor has the instructions.
        return unsafe { avx2::next_start(text, at) };
    }
    next_start_anywhere(text, at)
}

/// The same on any processor.
fn next_start_anywhere(text: &[u8], mut at: usize) -> Option<usize> {
    while let Some(window) = text.get(at..).and_then(<[u8]>::first_chunk::<PROBE>) {
        match window.iter().rposition(|byte| !is_digit(*byte)) {
            Some(other) => at += other + 1,
            None => return Some(at),
        }
    }
    None
}

/// Where the digits that end at `at` begin.
pub(super) fn start_of(text: &[u8], at: usize) -> usize {
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx2") {
        #[expect(unsafe_code, reason = "safe once the processor is known to have it")]
        // SAFETY: the processor has the instructions.
        return unsafe { avx2::start_of(text, at) };
    }
    start_of_anywhere(text, at)
}

fn start_of_anywhere(text: &[u8], at: usize) -> usize {
    let digits = text[..at].iter().rev().take_while(|b| is_digit(**b));
    at - digits.count()
}

/// Where the digits that begin at `at` end.
pub(super) fn end_of(text: &[u8], at: usize) -> usize {
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx2") {
        #[expect(unsafe_code, reason = "safe once the processor is known to have it")]
        // SAFETY: the processor has the instructions.
        return unsafe { avx2::end_of(text, at) };
    }
    end_of_anywhere(text, at)
}

fn end_of_anywhere(text: &[u8], at: usize) -> usize {
    at + text[at..].iter().take_while(|b| is_digit(**b)).count()
}

/// Digits that [`decode`] takes.
pub(super) const GROUPS: usize = 64;

/// What digits stand for.
pub(super) fn decode(digits: &[u8; GROUPS]) -> [u8; GROUPS / 4 * 3] {
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx2") {
        #[expect(unsafe_code, reason = "safe once the processor is known to have it")]
        // SAFETY: the processor has the instructions.
        return unsafe { avx2::decode(digits) };
    }
    decode_anywhere(digits)
}

/// The same, written so that most of it is done with the vectors there are.
#[expect(
    clippy::inline_always,
    reason = "the caller says what vectors there are"
)]
#[inline(always)]
fn decode_anywhere(digits: &[u8; GROUPS]) -> [u8; GROUPS / 4 * 3] {
    let values = digits.map(|digit| {
        let letter = (digit & !32).wrapping_sub(b'A');
        let number = digit.wrapping_sub(b'0');
        if letter < 26 {
            letter + if digit & 32 == 0 { 0 } else { 26 }
        } else if number < 10 {
            number + 52
        } else {
            62 + u8::from(matches!(digit, b'/' | b'_'))
        }
    });
    let mut out = [0; GROUPS / 4 * 3];
    let eights = values.as_chunks::<8>().0.iter();
    for (eight, bytes) in eights.zip(out.as_chunks_mut::<6>().0) {
        // Two and two of 6 bits, of 12, and of 24.
        let bits = u64::from_be_bytes(*eight);
        let bits = bits >> 2 & 0x0fc0_0fc0_0fc0_0fc0 | bits & 0x003f_003f_003f_003f;
        let bits = bits >> 4 & 0x00ff_f000_00ff_f000 | bits & 0x0000_0fff_0000_0fff;
        let bits = bits >> 8 & 0xffff_ff00_0000 | bits & 0x00ff_ffff;
        let [_, _, decoded @ ..] = bits.to_be_bytes();
        *bytes = decoded;
    }
    out
}

/// Whether any of the pairs stands anywhere in `text`.
pub(super) fn has_pair(text: &[u8], pairs: [[u8; 2]; 3]) -> bool {
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx2") {
        #[expect(unsafe_code, reason = "safe once the processor is known to have it")]
        // SAFETY: the processor has the instructions.
        return unsafe { avx2::has_pair(text, pairs) };
    }
    has_pair_anywhere(text, pairs)
}

/// The same, written so that it is done with the vectors there are.
#[expect(
    clippy::inline_always,
    reason = "the caller says what vectors there are"
)]
#[inline(always)]
fn has_pair_anywhere(text: &[u8], pairs: [[u8; 2]; 3]) -> bool {
    let hit = |first: &u8, second: &u8| {
        let is = |[a, b]: [u8; 2]| u8::from(*first == a) & u8::from(*second == b);
        pairs.into_iter().fold(0, |any, pair| any | is(pair))
    };
    let places = text.len().saturating_sub(1);
    let Some(last) = places.checked_sub(STRIDE) else {
        return text.windows(2).any(|pair| hit(&pair[0], &pair[1]) != 0);
    };
    (0..places).step_by(STRIDE).any(|at| {
        let at = at.min(last);
        let chunk = |at: usize| text[at..].first_chunk::<STRIDE>();
        chunk(at).zip(chunk(at + 1)).is_some_and(|(a, b)| {
            let hits = a.iter().zip(b).map(|(a, b)| hit(a, b));
            hits.fold(0, |any, hit| any | hit) != 0
        })
    })
}

/// The same with vectors of 32 bytes.
#[cfg(target_arch = "x86_64")]
mod avx2 {
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

    use super::GROUPS;
    use super::PROBE;
    use super::STRIDE;

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
}

/// The same with vectors of 64 bytes, and a look-up in a table for each byte.
#[cfg(target_arch = "x86_64")]
mod avx512 {
    use std::arch::x86_64::__m512i;
    use std::arch::x86_64::_mm512_andnot_si512;
    use std::arch::x86_64::_mm512_movepi8_mask;

    use super::PROBE;
    use super::STRIDE;
    use crate::avx512::Table;
    use crate::avx512::WIDTH;
    use crate::avx512::load;
    use crate::avx512::look_up;
    use crate::avx512::place;

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
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of every processor.
    fn starts(text: &[u8], at: usize) -> Option<usize> {
        let start = next_start_anywhere(text, at);
        assert_eq!(next_start(text, at), start);
        #[cfg(target_arch = "x86_64")]
        if std::arch::is_x86_feature_detected!("avx2") {
            #[expect(unsafe_code, reason = "safe once the processor is known to have it")]
            // SAFETY: the processor has the instructions.
            let narrow = unsafe { avx2::next_start(text, at) };
            assert_eq!(narrow, start);
        }
        start
    }

    /// Of every processor.
    fn probes(text: &[u8], at: usize) -> Option<usize> {
        let probe = next_probe_anywhere(text, at);
        assert_eq!(next_probe(text, at), probe);
        #[cfg(target_arch = "x86_64")]
        if std::arch::is_x86_feature_detected!("avx2") {
            #[expect(unsafe_code, reason = "safe once the processor is known to have it")]
            // SAFETY: the processor has the instructions.
            let narrow = unsafe { avx2::next_probe(text, at) };
            assert_eq!(narrow, probe);
        }
        probe
    }

    #[test]
    fn a_run_is_found_from_its_first_digit_on() {
        for before in 0..100 {
            for length in PROBE - 1..80 {
                let text = format!(
                    "{}{}.{}",
                    "é".repeat(before),
                    "a".repeat(length),
                    "b".repeat(70)
                );
                let after = 2 * before + length + 1;
                let first = if length < PROBE { after } else { 2 * before };
                for at in 0..=2 * before {
                    assert_eq!(starts(text.as_bytes(), at), Some(first));
                }
                assert_eq!(
                    starts(&text.as_bytes()[..after], 0).is_some(),
                    length >= PROBE
                );
            }
        }
    }

    #[test]
    fn vectors_and_bytes_agree_on_what_digits_are() {
        for byte in 0..=u8::MAX {
            for at in [0, 15, 16, 31] {
                let mut text = [b'x'; STRIDE];
                text[at] = byte;
                let digits = (at >= PROBE || is_digit(byte)).then_some(0);
                assert_eq!(probes(&text, 0), digits, "{byte}");
                // In the second half of a wide vector.
                let text = [&[b' '; STRIDE], &text[..]].concat();
                assert_eq!(probes(&text, 0), digits.map(|_| STRIDE), "{byte}");
            }
        }
    }

    #[test]
    fn digits_are_decoded_as_they_are_one_by_one() {
        let all: Vec<u8> = (0..=u8::MAX).filter(|byte| is_digit(*byte)).collect();
        for from in 0..all.len() {
            for step in [1, 3, 5, 7] {
                let digits: [u8; GROUPS] =
                    std::array::from_fn(|at| all[(from + at * step) % all.len()]);
                let bits = digits.iter().flat_map(|digit| {
                    let value = value(*digit);
                    (0..6).rev().map(move |bit| value >> bit & 1)
                });
                let bits: Vec<u8> = bits.collect();
                let bytes: Vec<u8> = bits
                    .chunks(8)
                    .map(|bits| bits.iter().fold(0, |byte, bit| byte << 1 | bit))
                    .collect();
                assert_eq!(decode(&digits)[..], bytes);
                assert_eq!(decode_anywhere(&digits)[..], bytes);
            }
        }
    }

    #[test]
    fn a_pair_is_found_wherever_it_stands() {
        let pairs = [*b"ab", *b"bc", *b"xy"];
        for length in 0..110 {
            let text = vec![b'b'; length];
            assert!(!has_pair(&text, pairs));
            for at in 0..length.saturating_sub(1) {
                for pair in pairs {
                    let mut text = text.clone();
                    text[at..at + 2].copy_from_slice(&pair);
                    assert!(has_pair(&text, pairs), "{length} {at}");
                    assert!(has_pair_anywhere(&text, pairs), "{length} {at}");
                }
            }
        }
    }

    #[test]
    fn a_run_among_few_others_is_found_by_vectors_as_without() {
        let mut state = 1_u32;
        let mut next = |below: u32| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) % below
        };
        for round in 0..3000_u32 {
            let others = [b" .", b".:", b"  "][round as usize % 3];
            let text: Vec<u8> = (0..next(400))
                .map(|_| match next(20 + 6 * (round % 9)) {
                    0 => others[0],
                    1 => others[1],
                    _ => b'a',
                })
                .collect();
            let end = text.len();
            for at in [0, next(40) as usize].map(|at| at.min(end)) {
                starts(&text, at);
                probes(&text, at);
                assert_eq!(end_of(&text, at), end_of_anywhere(&text, at));
            }
        }
        let long = [b'a'; 1000];
        for end in 0..long.len() {
            let text = [&long[..end], b".", &long[end..]].concat();
            for at in [0, 1, 5, 31, 64, 127] {
                assert_eq!(end_of(&text, at), end_of_anywhere(&text, at));
            }
        }
    }

    #[test]
    fn a_run_begins_and_ends_at_the_same_place_for_both() {
        for length in 0..100 {
            for before in 0..40 {
                let text = [
                    " ".repeat(before),
                    "a".repeat(length),
                    " ".repeat(40 - before),
                ]
                .concat();
                let text = text.as_bytes();
                assert_eq!(start_of(text, before + length), before);
                assert_eq!(start_of_anywhere(text, before + length), before);
                assert_eq!(end_of(text, before), before + length);
                assert_eq!(end_of_anywhere(text, before), before + length);
            }
        }
    }
}
