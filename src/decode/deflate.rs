//! Streams of deflate without a header, as PHP, .NET and diagram editors put them into base64.

/// Bytes that are looked at.
const HEAD: usize = 11;
/// Bits of these behind the three that a block begins with.
const BITS: u32 = 8 * 11 - 3;
/// Characters that the first block has to begin with, where its codes are known, or repetitions of these.
const TEXT: usize = 6;
/// Bits of a repetition at the most.
const REPETITION: u32 = 7 + 4 + 5 + 14;
/// Symbols of the codes for the lengths of codes at the least.
const LENGTHS: u8 = 4;
/// What a code of each length takes of all that there are of the longest.
const SHARES: [u8; 8] = [0, 64, 32, 16, 8, 4, 2, 1];
const ALL: u8 = 128;
/// Codes of the two alphabets that a block may have beyond the fewest.
const MOST: u8 = 29;

/// Whether bytes may be the beginning of one, of text: they have no mark, and of others one in some hundred
/// begins so. Asked of every hash, so it looks at a few bits at once.
pub fn begins(head: &[u8]) -> bool {
    let Some([first, rest @ ..]) = head.first_chunk::<HEAD>() else {
        return false;
    };
    match first >> 1 & 3 {
        1 => head.first_chunk().is_some_and(|head| is_text(*head)),
        2 => is_table(*first, *rest),
        _ => false,
    }
}

/// Whether a block of the codes that every reader knows begins with characters, which have eight bits
/// each. Indented text goes on with a repetition of what it begins with.
fn is_text(head: [u8; HEAD]) -> bool {
    let mut bytes = [0; 16];
    bytes[..HEAD].copy_from_slice(&head);
    let mut bits = u128::from_le_bytes(bytes) >> 3;
    let mut left = BITS;
    let mut made = 0;
    for _ in 0..TEXT {
        if left < REPETITION {
            break;
        }
        let mut take = |count: u32| {
            let [low, high, ..] = bits.to_le_bytes();
            bits >>= count;
            left -= count;
            u32::from(u16::from_le_bytes([low, high])) & ((1 << count) - 1)
        };
        // The first bit of a code comes first, and is the highest.
        let kind = take(7).reverse_bits() >> 25;
        if kind >= 24 {
            let code = kind << 1 | take(1);
            let is_character = |code| matches!(code, b' '..=b'~' | b'\n' | b'\r' | b'\t');
            if !u8::try_from(code).is_ok_and(|code| is_character(code.wrapping_sub(0x30))) {
                return false;
            }
            made += 1;
            continue;
        }
        // The one that ends a block is zero.
        let length = match kind {
            0 => return false,
            1..9 => kind + 2,
            _ => {
                let more = (kind - 9) / 4 + 1;
                ((4 + (kind - 9) % 4) << more) + 3 + take(more)
            }
        };
        let far = take(5).reverse_bits() >> 27;
        let distance = if far < 2 {
            far + 1
        } else {
            let more = far / 2 - 1;
            ((2 + far % 2) << more) + 1 + take(more)
        };
        if distance > made {
            return false;
        }
        made += length;
    }
    true
}

/// Whether a block's own codes begin here: the codes that their lengths are written in leave none over.
fn is_table(first: u8, [second, lengths @ .., last]: [u8; 10]) -> bool {
    if first >> 3 > MOST || second & 31 > MOST {
        return false;
    }
    let count = (second >> 5 | lengths[0] << 3 & 8) + LENGTHS;
    let lengths = u64::from_le_bytes(lengths) >> 1 | u64::from(last) << 63;
    let mut taken = 0_u8;
    for index in 0..count {
        let [length, ..] = (lengths >> (3 * index) & 7).to_le_bytes();
        taken = taken.saturating_add(SHARES[usize::from(length)]);
    }
    taken == ALL
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::DeflateEncoder;

    use super::*;

    fn deflate(text: &[u8], level: u32) -> Vec<u8> {
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::new(level));
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn streams_of_any_level_are_told() {
        for text in [
            &b"a short text, and no more"[..],
            &b"{\"a\": \"a longer one\", \"b\": [1, 2, 3]}\n".repeat(30),
            b"        an indented text",
            b"{\n    \"key\": \"in JSON\"",
            b"{\n\t\t\t\t\"key\": \"in JSON\"",
            b"\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\nkey = text",
            b"<a><a><a>some text",
        ] {
            for level in 1..=9 {
                assert!(begins(&deflate(text, level)), "{level}");
            }
        }
    }

    #[test]
    fn others_hardly_ever_look_like_one() {
        for other in [
            &b""[..],
            b"\x05",
            b"\x89PNG\r\n\x1a\n",
            b"plain text that stands for itself",
            b"\xff\xd8\xff\xe0 JFIF",
        ] {
            assert!(!begins(other), "{other:?}");
        }
        let mut state = 1_u64;
        let mut random = || {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            state.to_be_bytes()[0]
        };
        let all = 20_000;
        // Whatever the bits are, it comes to an end.
        for _ in 0..200_000 {
            let head: [u8; HEAD] = std::array::from_fn(|_| random());
            is_text(head);
        }
        let begun = (0..all).filter(|_| {
            let head: [u8; 32] = std::array::from_fn(|_| random());
            begins(&head)
        });
        assert!(begun.count() < all / 100);
    }
}
