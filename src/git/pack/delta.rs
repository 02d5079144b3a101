//! Deltas: an object as copies out of another one, and what is new.

use std::ops::Range;

use crate::git::object::MAX_OBJECT;
use crate::git::pack::Damage;
use crate::git::pack::entry::Buffer;

/// Results above this are only made once the whole delta was gone through, so that a few bytes
/// cannot claim a gigabyte.
const TRUSTED: u64 = 1 << 20;

/// What is not longer is copied with what is behind it, which is faster than as many bytes as it is.
const WIDE: usize = 64;

/// The one instruction that comes next.
enum Instruction {
    /// Bytes of the base.
    Copy(Range<usize>),
    /// So many bytes, which follow.
    Insert(usize),
}

/// Bytes of an object that stand in its base too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Copied {
    /// Where they are in the object.
    pub at: u32,
    /// Where they are in the base.
    pub from: u32,
    /// How many they are.
    pub length: u32,
}

/// How an object differs from its base.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Changes {
    /// See [`Made::fresh`](super::Made::fresh).
    pub(super) fresh: Vec<Range<u32>>,
    /// See [`Made::copied`](super::Made::copied).
    pub(super) copied: Vec<Copied>,
}

/// Makes an object from its base, and says how it differs from it.
pub(super) fn apply(
    base: &[u8],
    delta: &[u8],
    result: &mut Buffer,
    changes: &mut Changes,
) -> Result<(), Damage> {
    let mut rest = delta;
    let base_size = size(&mut rest).ok_or(Damage::Delta)?;
    let result_size = size(&mut rest).ok_or(Damage::Delta)?;
    if base_size != base.len() as u64 {
        return Err(Damage::Length);
    }
    if result_size > MAX_OBJECT {
        return Err(Damage::TooLarge);
    }
    if result_size > TRUSTED && length(rest)? != result_size {
        return Err(Damage::Length);
    }
    let (out, size) = result.make(result_size)?;
    let Changes { fresh, copied } = changes;
    fresh.clear();
    copied.clear();
    let mut at = 0;
    // Where the base would have to go on for the last copy to be no other than the next.
    let mut next = Some(0);
    while !rest.is_empty() {
        let end;
        match instruction(&mut rest).ok_or(Damage::Delta)? {
            Instruction::Copy(from) => {
                if from.end > base.len() {
                    return Err(Damage::Delta);
                }
                end = at + from.len();
                if end > size {
                    return Err(Damage::Length);
                }
                put(&mut out[at..], &base[from.start..], from.len());
                match copied.last_mut() {
                    // What the base has in one piece is one.
                    Some(last) if next == Some(from.start) => last.length += short(from.len()),
                    _ => copied.push(Copied {
                        at: short(at),
                        from: short(from.start),
                        length: short(from.len()),
                    }),
                }
                if next.is_some_and(|next| next != from.start) {
                    fresh.push(range(at, at));
                }
                next = Some(from.end);
            }
            Instruction::Insert(length) => {
                let (_, after) = rest.split_at_checked(length).ok_or(Damage::Delta)?;
                end = at + length;
                if end > size {
                    return Err(Damage::Length);
                }
                put(&mut out[at..], rest, length);
                rest = after;
                match fresh.last_mut() {
                    Some(last) if next.is_none() => last.end = range(at, end).end,
                    _ => fresh.push(range(at, end)),
                }
                next = None;
            }
        }
        at = end;
    }
    if at != size {
        return Err(Damage::Length);
    }
    if next.is_some_and(|next| next != base.len()) {
        fresh.push(range(at, at));
    }
    Ok(())
}

/// Copies so many bytes, and maybe some that are behind them: what is there is written later, or is
/// beyond the end.
#[inline]
fn put(to: &mut [u8], from: &[u8], length: usize) {
    match (to.first_chunk_mut::<WIDE>(), from.first_chunk::<WIDE>()) {
        (Some(to), Some(from)) if length <= WIDE => *to = *from,
        _ => put_exactly(to, from, length),
    }
}

/// Copies so many bytes. Not a part of [`put`]: the compiler would make one copy of any length of
/// the two.
#[inline(never)]
fn put_exactly(to: &mut [u8], from: &[u8], length: usize) {
    to[..length].copy_from_slice(&from[..length]);
}

/// Objects are smaller than 4 GiB.
fn short(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

fn range(start: usize, end: usize) -> Range<u32> {
    short(start)..short(end)
}

/// How long the result of the instructions is.
fn length(mut instructions: &[u8]) -> Result<u64, Damage> {
    let mut length = 0;
    while !instructions.is_empty() {
        length += match instruction(&mut instructions).ok_or(Damage::Delta)? {
            Instruction::Copy(from) => from.len() as u64,
            Instruction::Insert(length) => {
                let (bytes, after) = instructions.split_at_checked(length).ok_or(Damage::Delta)?;
                instructions = after;
                bytes.len() as u64
            }
        };
    }
    Ok(length)
}

/// Takes an instruction off, without the bytes that follow it.
#[inline]
fn instruction(rest: &mut &[u8]) -> Option<Instruction> {
    let (&code, after) = rest.split_first()?;
    if code & 0x80 == 0 {
        *rest = after;
        // No byte at all is no instruction: git keeps it for later.
        return (code > 0).then_some(Instruction::Insert(code.into()));
    }
    // Of both numbers it is nearly always the lowest bytes that are there.
    let (offset_bits, size_bits) = (code & 15, code >> 4 & 7);
    let is_low = |bits: u8| bits & (bits + 1) == 0;
    match rest.first_chunk() {
        Some(eight) if is_low(offset_bits) && is_low(size_bits) => {
            let low = |number: u64, bytes: u32| number & ((1 << (8 * bytes)) - 1);
            let offset_bytes = offset_bits.trailing_ones();
            let size_bytes = size_bits.trailing_ones();
            let numbers = u64::from_le_bytes(*eight) >> 8;
            let offset = low(numbers, offset_bytes);
            let size = low(numbers >> (8 * offset_bytes), size_bytes);
            *rest = &rest[1 + (offset_bytes + size_bytes) as usize..];
            copy(offset, size)
        }
        _ => {
            *rest = after;
            any_copy(code, rest)
        }
    }
}

/// An instruction to copy, whichever bytes of its numbers are there.
#[cold]
fn any_copy(code: u8, rest: &mut &[u8]) -> Option<Instruction> {
    let mut next = |bit: u8, shift: u32| {
        if code & bit == 0 {
            return Some(0);
        }
        let (&byte, after) = rest.split_first()?;
        *rest = after;
        Some(u64::from(byte) << shift)
    };
    let offset = next(1, 0)? | next(2, 8)? | next(4, 16)? | next(8, 24)?;
    let size = next(16, 0)? | next(32, 8)? | next(64, 16)?;
    copy(offset, size)
}

fn copy(offset: u64, size: u64) -> Option<Instruction> {
    let size = if size == 0 { 0x10000 } else { size };
    let start = usize::try_from(offset).ok()?;
    let end = usize::try_from(offset + size).ok()?;
    Some(Instruction::Copy(start..end))
}

/// Reads a size, seven bits a byte, the lowest first.
fn size(rest: &mut &[u8]) -> Option<u64> {
    let mut size = 0;
    for shift in (0..63).step_by(7) {
        let (&byte, after) = rest.split_first()?;
        *rest = after;
        size |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(size);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    const BASE: &[u8] = b"0123456789";

    fn applied(delta: &[u8]) -> Result<(Vec<u8>, Vec<Range<u32>>), Damage> {
        let (mut result, mut changes) = (Buffer::default(), Changes::default());
        apply(BASE, delta, &mut result, &mut changes)?;
        let result = result.data().to_vec();
        for copied in &changes.copied {
            let piece = |at: u32, of: &[u8]| of[at as usize..][..copied.length as usize].to_vec();
            assert_eq!(piece(copied.at, &result), piece(copied.from, BASE));
        }
        let inserted = changes.fresh.iter().map(|range| range.end - range.start);
        let copied = changes.copied.iter().map(|copied| copied.length);
        assert_eq!(copied.chain(inserted).sum::<u32>() as usize, result.len());
        Ok((result, changes.fresh))
    }

    #[expect(clippy::single_range_in_vec_init, reason = "there is one")]
    #[test]
    fn what_is_new_is_told() {
        // All of it.
        let all = applied(&[10, 10, 0x90, 10]);
        assert_eq!(all, Ok((BASE.to_vec(), vec![])));
        let inserted = applied(&[10, 14, 0x90, 4, 2, b'a', b'b', 2, b'c', b'd', 0x91, 4, 6]);
        assert_eq!(inserted, Ok((b"0123abcd456789".to_vec(), vec![4..8])));
        let cut = applied(&[10, 8, 0x90, 4, 0x91, 6, 4]);
        assert_eq!(cut, Ok((b"01236789".to_vec(), vec![4..4])));
        let begun_later = applied(&[10, 3, 0x91, 7, 3]);
        assert_eq!(begun_later, Ok((b"789".to_vec(), vec![0..0])));
        let ended_early = applied(&[10, 3, 0x90, 3]);
        assert_eq!(ended_early, Ok((b"012".to_vec(), vec![3..3])));
        // Two copies that go on are one.
        let halves = applied(&[10, 10, 0x90, 5, 0x91, 5, 5]);
        assert_eq!(halves, Ok((BASE.to_vec(), vec![])));
        assert_eq!(applied(&[10, 0]), Ok((vec![], vec![0..0])));
    }

    #[test]
    fn lies_are_errors() {
        let copies_too_much = [10, 11, 0x90, 11];
        assert_eq!(applied(&copies_too_much), Err(Damage::Delta));
        let far_away = [10, 4, 0x9f, 0xff, 0xff, 0xff, 0xff, 4];
        assert_eq!(applied(&far_away), Err(Damage::Delta));
        let longer_than_said = [10, 3, 0x90, 4];
        assert_eq!(applied(&longer_than_said), Err(Damage::Length));
        let shorter_than_said = [10, 5, 0x90, 4];
        assert_eq!(applied(&shorter_than_said), Err(Damage::Length));
        let another_base = [9, 4, 0x90, 4];
        assert_eq!(applied(&another_base), Err(Damage::Length));
        let a_zero = [10, 4, 0x90, 4, 0];
        assert_eq!(applied(&a_zero), Err(Damage::Delta));
        let cut_off = [10, 4, 4, b'a'];
        assert_eq!(applied(&cut_off), Err(Damage::Delta));
        let no_end = [
            10, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
        ];
        assert_eq!(applied(&no_end), Err(Damage::Delta));
        let a_gigabyte_of_nothing = [10, 0x80, 0x80, 0x80, 0x80, 4, 0x90, 4];
        assert_eq!(applied(&a_gigabyte_of_nothing), Err(Damage::Length));
        let more_than_a_gigabyte = [10, 0x81, 0x80, 0x80, 0x80, 4, 0x90, 4];
        assert_eq!(applied(&more_than_a_gigabyte), Err(Damage::TooLarge));
        assert_eq!(applied(&[]), Err(Damage::Delta));
    }
}
