//! What digits of base64, base32 and hex stand for.

use crate::decode::digits;

/// The bytes that up to four digits stand for, and how many they are.
pub(super) fn base64_group(group: &[u8]) -> ([u8; 3], usize) {
    let bits = (0..4).fold(0_u32, |bits, index| {
        let digit = group.get(index).copied().unwrap_or(b'A');
        bits << 6 | u32::from(digits::value(digit))
    });
    let [_, bytes @ ..] = bits.to_be_bytes();
    (bytes, group.len() * 6 / 8)
}

pub(super) fn base64(digits: &[u8]) -> Vec<u8> {
    let mut out = vec![0; digits.len() * 6 / 8];
    let (groups, rest) = digits.as_chunks::<4>();
    let (bytes, last) = out.as_chunks_mut::<3>();
    for (group, bytes) in groups.iter().zip(bytes) {
        (*bytes, _) = base64_group(group);
    }
    let (bytes, count) = base64_group(rest);
    last.copy_from_slice(&bytes[..count]);
    out
}

/// What a digit of base32 stands for: in the usual alphabet, or in the one that goes on from hex. Not being
/// `usual` is no reason to be none.
fn base32_value(digit: u8, usual: bool) -> Option<u8> {
    match digit {
        b'A'..=b'Z' if usual => Some(digit - b'A'),
        b'2'..=b'7' if usual => Some(digit - b'2' + 26),
        b'0'..=b'9' => Some(digit - b'0'),
        b'A'..=b'Z' => Some(digit - b'A' + 10),
        _ => None,
    }
}

pub(super) fn base32_length(digits: &[u8]) -> usize {
    let all = digits.iter();
    all.take_while(|b| base32_value(**b, false).is_some())
        .count()
}

pub(super) fn base32(digits: &[u8]) -> Vec<u8> {
    let digits = &digits[..base32_length(digits)];
    let is_usual = |b: &u8| b.is_ascii_uppercase() || (b'2'..=b'7').contains(b);
    let usual = digits.iter().all(is_usual);
    let mut out = Vec::with_capacity(digits.len() * 5 / 8);
    let (mut bits, mut count) = (0_u32, 0);
    for digit in digits {
        let Some(value) = base32_value(*digit, usual) else {
            break;
        };
        bits = bits << 5 | u32::from(value & 31);
        count += 5;
        if count >= 8 {
            count -= 8;
            let [.., byte] = (bits >> count).to_be_bytes();
            out.push(byte);
        }
    }
    out
}

pub(super) fn hex(digits: &[u8]) -> Vec<u8> {
    let length = digits.iter().take_while(|b| b.is_ascii_hexdigit()).count();
    digits[..length].chunks_exact(2).map(hex_pair).collect()
}

/// The byte that two hex digits stand for.
pub(super) fn hex_pair(pair: &[u8]) -> u8 {
    let value = |digit: u8| (digit & 15) + 9 * (digit >> 6);
    pair.iter().fold(0, |byte, digit| byte << 4 | value(*digit))
}
