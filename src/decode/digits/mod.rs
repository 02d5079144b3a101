//! The digits of base64, of either alphabet, and where runs of them begin and end.
//!
//! Every text is looked through for long runs, so this is as fast as reading it: a vector at a time
//! where the processor has them.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;

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
