//! The index of a pack: which objects it has, and where.

use std::io;
use std::ops::Range;
use std::path::Path;

use git2::Oid;
use memmap2::Mmap;
use sha1::Digest as _;
use sha1::Sha1;
use sha2::Sha256;

use crate::git::pack::map::map;

/// What an index of version 2 begins with. One of version 1 has no such mark.
const MAGIC: [u8; 8] = [0xff, b't', b'O', b'c', 0, 0, 0, 2];
const FANOUT: usize = 256 * 4;
/// The bit of an offset that says: the other 31 are the place of one with 64 bits.
const LARGE: u32 = 1 << 31;
/// Names that are compared one by one.
const FEW: u32 = 24;

/// The index of a pack, in memory.
pub(super) struct Index {
    map: Mmap,
    /// Bytes of a hash.
    hash: usize,
    count: u32,
    /// Where the first name is, and how far it is from one to the next.
    names: usize,
    stride: usize,
    /// Version 2 has checksums of the entries.
    has_crc: bool,
    guide: Guide,
}

/// Where the names are that begin with some bits: a table of 256 such places, as the file has it,
/// leaves thousands of names to choose from, each a look at memory that is not at hand.
#[derive(Debug, Default)]
struct Guide {
    /// The first name of each beginning; one more than there are.
    starts: Vec<u32>,
    /// What is left of the first four bytes when the beginning is cut off.
    shift: u32,
}

impl Guide {
    /// For sorted names, of which there are `count`.
    fn new(count: u32, name: impl Fn(u32) -> u32) -> Self {
        // Four to eight names for each: a few hundred bytes at most.
        let bits = count.checked_ilog2().unwrap_or(0).clamp(4, 23) - 2;
        let shift = u32::BITS - bits;
        let mut starts = Vec::with_capacity((1 << bits) + 1);
        for at in 0..count {
            let beginning = name(at) >> shift;
            while starts.len() <= beginning as usize {
                starts.push(at);
            }
        }
        starts.resize((1 << bits) + 1, count);
        Self { starts, shift }
    }

    /// The names that begin as a name does, of which these are the first four bytes.
    fn range(&self, name: u32) -> Range<u32> {
        let beginning = (name >> self.shift) as usize;
        self.starts[beginning]..self.starts[beginning + 1]
    }
}

impl std::fmt::Debug for Index {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Index({} objects)", self.count)
    }
}

/// The id that raw bytes are. Only a length that no index has could fail.
pub(super) fn oid_of(raw: &[u8]) -> Oid {
    Oid::from_bytes(raw).unwrap_or(Oid::ZERO_SHA1)
}

impl Index {
    /// Opens an index of names of `hash` bytes, and checks it as a whole.
    pub(super) fn open(path: &Path, hash: usize) -> io::Result<Self> {
        Self::new(map(path)?, hash)
            .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "it is damaged"))
    }

    fn new(map: Mmap, hash: usize) -> Option<Self> {
        let has_crc = map.starts_with(&MAGIC);
        if !has_crc && map.starts_with(&MAGIC[..4]) {
            return None;
        }
        let fanout = if has_crc { MAGIC.len() } else { 0 };
        let count = be32(&map, fanout + FANOUT - 4)?;
        let (names, stride) = if has_crc {
            (fanout + FANOUT, hash)
        } else {
            (fanout + FANOUT + 4, 4 + hash)
        };
        let mut index = Self {
            map,
            hash,
            count,
            names,
            stride,
            has_crc,
            guide: Guide::default(),
        };
        if !index.is_long_enough() || !index.is_whole() || !index.is_sorted() {
            return None;
        }
        // A name is longer than that.
        let beginning = |at: u32| be32(index.raw(at), 0).unwrap_or(0);
        index.guide = Guide::new(count, beginning);
        Some(index)
    }

    fn is_long_enough(&self) -> bool {
        let (count, hash) = (u64::from(self.count), self.hash as u64);
        let fixed = FANOUT as u64 + 2 * hash;
        let length = self.map.len() as u64;
        if self.has_crc {
            let least = fixed + 8 + count * (hash + 8);
            least <= length && length <= least + count * 8
        } else {
            length == fixed + count * (hash + 4)
        }
    }

    /// Whether the checksum of the index is right.
    fn is_whole(&self) -> bool {
        let (content, checksum) = self.map.split_at(self.map.len() - self.hash);
        match self.hash {
            20 => Sha1::digest(content).as_slice() == checksum,
            _ => Sha256::digest(content).as_slice() == checksum,
        }
    }

    /// Whether every name is in its place, without which it would not be found.
    fn is_sorted(&self) -> bool {
        let mut names = (0..self.count).map(|at| self.raw(at));
        let Some(mut last) = names.next() else {
            return (0..=255).all(|byte| self.bucket(byte) == (0..0));
        };
        for name in names {
            if last >= name {
                return false;
            }
            last = name;
        }
        (0..=255).all(|byte| {
            let Range { start, end } = self.bucket(byte);
            let is_own = |at: u32| at < self.count && self.raw(at)[0] == byte;
            start == end || start < end && is_own(start) && is_own(end - 1)
        })
    }

    /// How many objects there are.
    pub(super) fn count(&self) -> u32 {
        self.count
    }

    /// Whether it tells damage of an entry.
    pub(super) fn has_crc(&self) -> bool {
        self.has_crc
    }

    /// The name of an object.
    pub(super) fn raw(&self, at: u32) -> &[u8] {
        let start = self.names + at as usize * self.stride;
        &self.map[start..start + self.hash]
    }

    /// Where an object is in the pack; `None` if the index is malformed.
    pub(super) fn offset(&self, at: u32) -> Option<u64> {
        if !self.has_crc {
            return be32(&self.map, self.names - 4 + at as usize * self.stride).map(u64::from);
        }
        let offsets = self.names + self.count as usize * (self.hash + 4);
        let offset = be32(&self.map, offsets + at as usize * 4)?;
        if offset & LARGE == 0 {
            return Some(u64::from(offset));
        }
        let large = offsets + self.count as usize * 4;
        let start = ((offset & !LARGE) as usize)
            .checked_mul(8)?
            .checked_add(large)?;
        if start.checked_add(8)? > self.map.len() - 2 * self.hash {
            return None;
        }
        let high = be32(&self.map, start)?;
        let low = be32(&self.map, start + 4)?;
        Some(u64::from(high) << 32 | u64::from(low))
    }

    /// The CRC-32 of an object's entry; `None` if the index has none.
    pub(super) fn crc(&self, at: u32) -> Option<u32> {
        let crcs = self.names + self.count as usize * self.hash;
        self.has_crc
            .then(|| be32(&self.map, crcs + at as usize * 4))
            // The index has none.
            .flatten()
    }

    /// The checksum of the pack.
    pub(super) fn pack_checksum(&self) -> &[u8] {
        let end = self.map.len() - self.hash;
        &self.map[end - self.hash..end]
    }

    /// Where the names are that begin with a byte.
    fn bucket(&self, byte: u8) -> Range<u32> {
        let fanout = self.names - FANOUT - if self.has_crc { 0 } else { 4 };
        // The table is there: the index is long enough.
        let to = |byte: u8| be32(&self.map, fanout + usize::from(byte) * 4).unwrap_or(0);
        byte.checked_sub(1).map_or(0, to)..to(byte)
    }

    /// Looks where a name would be, so that it is at hand when it is sought; returns some of what is
    /// there.
    pub(super) fn glance(&self, raw: &[u8]) -> u8 {
        let Some(first) = be32(raw, 0) else {
            return 0;
        };
        let Range { start, end } = self.guide.range(first);
        let [start, end] = [start, end].map(|at| self.names + at as usize * self.stride);
        let places = [start, usize::midpoint(start, end), end];
        // What is behind the last name is no name, but it is there.
        places
            .iter()
            .fold(0, |seen, at| seen ^ self.map.get(*at).unwrap_or(&0))
    }

    /// Finds a name.
    pub(super) fn find(&self, raw: &[u8]) -> Option<u32> {
        let Range { mut start, mut end } = self.guide.range(be32(raw, 0)?);
        // Only forged names begin alike in great numbers.
        while end - start > FEW {
            let middle = start + (end - start) / 2;
            if self.raw(middle) <= raw {
                start = middle;
            } else {
                end = middle;
            }
        }
        // Eight bytes are as fast as one, and nearly always tell.
        let first: &[u8; 8] = raw.first_chunk()?;
        (start..end).find(|at| self.raw(*at).starts_with(first) && self.raw(*at) == raw)
    }
}

fn be32(bytes: &[u8], at: usize) -> Option<u32> {
    let bytes = bytes.get(at..)?.first_chunk()?;
    Some(u32::from_be_bytes(*bytes))
}
