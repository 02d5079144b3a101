//! Which container some bytes are, by their beginning or their end.

use crate::decode::Layer;
use crate::decode::container::ar::AR;

/// Bytes from which a container is told.
pub const HEAD: usize = 512;
/// Bytes at the end of a file among which the last record of a zip begins: its own, and the most
/// that its comment can have.
pub const TAIL: usize = ZIP_END + 0xffff;
/// Bytes of the last record of a zip without its comment.
const ZIP_END: usize = 22;
/// Bytes at either end of a file that tell whether it is worth to look for a zip with a comment.
const GLANCE: usize = 1024;

/// Tells a container by its first [`HEAD`] bytes.
pub fn kind(head: &[u8]) -> Option<Layer> {
    match head {
        [0x1f, 0x8b, 8, ..] => Some(Layer::Gzip),
        [b'P', b'K', 3, 4, ..] | [b'P', b'K', 5, 6, ..] | [b'P', b'K', 7, 8, b'P', b'K', ..] => {
            Some(Layer::Zip)
        }
        [b'B', b'Z', b'h', b'1'..=b'9', 0x31, 0x41, 0x59, 0x26, ..] => Some(Layer::Bzip2),
        [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Some(Layer::Xz),
        [0x28, 0xb5, 0x2f, 0xfd, ..] => Some(Layer::Zstd),
        [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] if is_skipped_before_zstd(head) => Some(Layer::Zstd),
        [0x5d, 0, 0, ..] if is_lzma_header(head) => Some(Layer::Lzma),
        [0x78, 0x01 | 0x9c | 0xda, ..] => Some(Layer::Zlib),
        _ if head.starts_with(AR) => Some(Layer::Ar),
        _ if is_tar_header(head) => Some(Layer::Tar),
        _ => None,
    }
}

/// Whether there are frames to be skipped, as parallel compressors write them, and then one of Zstandard.
/// LZ4 has the same.
fn is_skipped_before_zstd(mut head: &[u8]) -> bool {
    while let [0x50..=0x5f, 0x2a, 0x4d, 0x18, a, b, c, d, rest @ ..] = head {
        let length = u32::from_le_bytes([*a, *b, *c, *d]);
        // What is longer is not seen here.
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        head = rest.get(length..).unwrap_or_default();
    }
    head.starts_with(&[0x28, 0xb5, 0x2f, 0xfd])
}

/// Whether an LZMA stream begins here. It has no mark of its own, so only what the tools write is taken
/// for one: their parameters, a dictionary of a power of two, and a length that is not known or
/// can be.
fn is_lzma_header(head: &[u8]) -> bool {
    const MAX_DICTIONARY: u32 = 64 << 20;
    const MAX_LENGTH: u64 = 1 << 40;
    let Some([_, a, b, c, d, length @ .., first]) = head.first_chunk::<14>() else {
        return false;
    };
    let dictionary = u32::from_le_bytes([*a, *b, *c, *d]);
    let length = u64::from_le_bytes(*length);
    dictionary.is_power_of_two()
        && dictionary <= MAX_DICTIONARY
        && (length == u64::MAX || (1..=MAX_LENGTH).contains(&length))
        && *first == 0
}

/// Whether a block is a tar header, by its checksum: `ustar` alone may stand in any text.
fn is_tar_header(head: &[u8]) -> bool {
    let Some(header) = head.first_chunk::<512>() else {
        return false;
    };
    let digits = header[148..156].trim_ascii_start();
    let digits = digits
        .split(|b| !b.is_ascii_digit())
        .next()
        // A path need not have an extension.
        .unwrap_or_default();
    let said = digits.iter().try_fold(0_u32, |sum, digit| {
        sum.checked_mul(8)?.checked_add(u32::from(digit - b'0'))
    });
    let sum = header.iter().enumerate().map(|(at, byte)| match at {
        148..156 => u32::from(b' '),
        _ => u32::from(*byte),
    });
    header[257..262] == *b"ustar" && !digits.is_empty() && said == Some(sum.sum())
}

/// Tells a zip by its end, where something else stands before it: a program that unpacks itself, a
/// picture. `tail` is the last [`TAIL`] bytes at least, or all; only there a zip is told for sure.
///
/// A text is done with after a glance at its last bytes: the record is the very last thing, or has a
/// comment after it, and then there are zero bytes about, in what stands before it or in itself.
pub fn kind_at_end(tail: &[u8]) -> Option<Layer> {
    let tail = &tail[tail.len().saturating_sub(TAIL)..];
    let last = tail.len().checked_sub(ZIP_END)?;
    let has_zero = |bytes: &[u8]| memchr::memchr(0, bytes).is_some();
    let found = if tail[last..].starts_with(b"PK\x05\x06") {
        ends_zip(tail, last)
    } else {
        let glance = tail.len().min(GLANCE);
        (has_zero(&tail[tail.len() - glance..]) || has_zero(&tail[..glance]))
            && memchr::memmem::find_iter(tail, b"PK\x05\x06").any(|at| ends_zip(tail, at))
    };
    found.then_some(Layer::Zip)
}

/// Whether the last record of a zip stands at `at`, and not just its first bytes: there is room for
/// its comment, and its directory lies right before it.
fn ends_zip(text: &[u8], at: usize) -> bool {
    let Some(record) = text[at..].first_chunk::<ZIP_END>() else {
        return false;
    };
    let comment = usize::from(u16::from_le_bytes([record[20], record[21]]));
    let length = u32::from_le_bytes([record[12], record[13], record[14], record[15]]);
    let fits = text.len() - at - ZIP_END >= comment;
    // The sizes of a large one stand in a record of its own, to which another points.
    let large = length == u32::MAX
        && at
            .checked_sub(20)
            .is_some_and(|at| text[at..].starts_with(b"PK\x06\x07"));
    let directory = usize::try_from(length)
        // A number that is too large is treated as such below.
        .ok()
        .and_then(|length| at.checked_sub(length));
    let before = match directory {
        Some(start) => text[start..at].starts_with(b"PK\x01\x02"),
        // It is longer than what is looked at.
        None => text.len() >= TAIL,
    };
    fits && (large || before)
}
