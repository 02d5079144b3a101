//! Streams of deflate without a header, as PHP, .NET and diagram editors put them into base64.

/// Characters that the first block has to begin with, where its codes are known.
const TEXT: usize = 6;
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
    let Some([first, rest @ ..]) = head.first_chunk::<11>() else {
        return false;
    };
    match first >> 1 & 3 {
        1 => head.first_chunk().is_some_and(|head| is_text(*head)),
        2 => is_table(*first, *rest),
        _ => false,
    }
}

/// Whether a block of the codes that every reader knows begins with characters, which have eight bits each.
fn is_text(head: [u8; 8]) -> bool {
    let codes = (u64::from_le_bytes(head) >> 3).to_le_bytes();
    codes[..TEXT].iter().all(|code| {
        let character = code.reverse_bits().wrapping_sub(0x30);
        matches!(character, b' '..=b'~' | b'\n' | b'\r' | b'\t')
    })
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
        let begun = (0..all).filter(|_| {
            let head: [u8; 32] = std::array::from_fn(|_| random());
            begins(&head)
        });
        assert!(begun.count() < all / 100);
    }
}
