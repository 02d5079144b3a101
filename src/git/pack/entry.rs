//! Entries of a pack: what they say of themselves, and their content.

use git2::ObjectType;
use libdeflater::Decompressor;

use crate::git::object::MAX_OBJECT;
use crate::git::pack::Damage;

/// Deflate makes nothing larger than this many times what it reads, save for a few bytes.
const MAX_RATIO: u64 = 1032;
/// With this much room behind the end the decompressor never has to look where that is.
const ROOM: usize = 512;

/// What an entry says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Header<'pack> {
    pub(super) form: Form<'pack>,
    /// Bytes of the content, or of the delta.
    pub(super) size: u64,
    /// Where the compressed bytes begin.
    pub(super) length: usize,
}

/// How an entry has its content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form<'pack> {
    /// As it is.
    Whole(ObjectType),
    /// As a delta to the entry so many bytes before.
    Near(u64),
    /// As a delta to the object of this name.
    Named(&'pack [u8]),
}

impl<'pack> Header<'pack> {
    /// Reads the header of an entry in a pack of names of `hash` bytes.
    pub(super) fn parse(entry: &'pack [u8], hash: usize) -> Option<Self> {
        let (&first, _) = entry.split_first()?;
        let mut at = 1;
        let mut size = u64::from(first & 0xf);
        let mut byte = first;
        for shift in (4..).step_by(7) {
            if byte & 0x80 == 0 {
                break;
            }
            if shift > 53 {
                return None;
            }
            byte = *entry.get(at)?;
            at += 1;
            size |= u64::from(byte & 0x7f) << shift;
        }
        let form = match first >> 4 & 7 {
            1 => Form::Whole(ObjectType::Commit),
            2 => Form::Whole(ObjectType::Tree),
            3 => Form::Whole(ObjectType::Blob),
            4 => Form::Whole(ObjectType::Tag),
            6 => {
                let mut byte = *entry.get(at)?;
                at += 1;
                let mut back = u64::from(byte & 0x7f);
                while byte & 0x80 != 0 {
                    byte = *entry.get(at)?;
                    at += 1;
                    back = back.checked_add(1).filter(|back| back >> 56 == 0)?;
                    back = back << 7 | u64::from(byte & 0x7f);
                }
                Form::Near(back)
            }
            7 => {
                let name = entry.get(at..at + hash)?;
                at += hash;
                Form::Named(name)
            }
            _ => return None,
        };
        Some(Self {
            form,
            size,
            length: at,
        })
    }
}

/// Bytes in memory that is used again and again, and not cleared in between.
#[derive(Default)]
pub(super) struct Buffer {
    bytes: Vec<u8>,
    length: usize,
}

impl Buffer {
    /// What is in it.
    pub(super) fn data(&self) -> &[u8] {
        &self.bytes[..self.length]
    }

    /// A buffer of these bytes.
    pub(super) fn of(bytes: Vec<u8>) -> Self {
        let length = bytes.len();
        Self { bytes, length }
    }

    /// The bytes, cut to their length.
    pub(super) fn into_bytes(mut self) -> Vec<u8> {
        self.bytes.truncate(self.length);
        self.bytes
    }

    /// Bytes of memory it has.
    pub(super) fn capacity(&self) -> usize {
        self.bytes.capacity()
    }

    /// Room for `size` bytes, to be written in full, and more behind them; and how many they are.
    pub(super) fn make(&mut self, size: u64) -> Result<(&mut [u8], usize), Damage> {
        let length = self.reserve(size)?;
        Ok((&mut self.bytes, length))
    }

    fn reserve(&mut self, size: u64) -> Result<usize, Damage> {
        if size > MAX_OBJECT {
            return Err(Damage::TooLarge);
        }
        let length = usize::try_from(size).map_err(|_| Damage::TooLarge)?;
        if self.bytes.len() < length + ROOM {
            // More than is needed, lest the next one be in want of a little more.
            let larger = length + length / 8 + ROOM;
            self.bytes.clear();
            self.bytes
                .try_reserve_exact(larger)
                .map_err(|_| Damage::Memory)?;
            self.bytes.resize(larger, 0);
        }
        self.length = length;
        Ok(length)
    }
}

/// Decompresses entries.
pub(super) struct Inflater {
    /// For entries with codes of their own.
    own: Decompressor,
    /// For entries that begin with the codes that every reader knows: half of all, nearly all of them
    /// short. To make the tables for these codes takes longer than to decompress such an entry, and
    /// this one has them already.
    known: Decompressor,
}

impl Inflater {
    pub(super) fn new() -> Self {
        Self {
            own: Decompressor::new(),
            known: Decompressor::new(),
        }
    }

    /// Decompresses an entry's content or delta into a buffer.
    pub(super) fn inflate(
        &mut self,
        entry: &[u8],
        header: &Header<'_>,
        into: &mut Buffer,
    ) -> Result<(), Damage> {
        let compressed = &entry[header.length..];
        if header.size > MAX_OBJECT {
            return Err(Damage::TooLarge);
        }
        if header.size > (compressed.len() as u64 + 64) * MAX_RATIO {
            return Err(Damage::Length);
        }
        let length = into.reserve(header.size)?;
        // There is room for more, and more is an error.
        // The header is two bytes, and then the kind of a block is behind a bit.
        let is_known = compressed.get(2).is_some_and(|byte| byte >> 1 & 3 == 1);
        let decompressor = if is_known {
            &mut self.known
        } else {
            &mut self.own
        };
        match decompressor.zlib_decompress(compressed, &mut into.bytes) {
            Ok(made) if made == length => Ok(()),
            Ok(_) | Err(libdeflater::DecompressionError::InsufficientSpace) => Err(Damage::Length),
            Err(libdeflater::DecompressionError::BadData) => Err(Damage::Inflate),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers() {
        let blob = Header::parse(&[0xb5, 0x01], 20).unwrap();
        assert_eq!(blob.form, Form::Whole(ObjectType::Blob));
        assert_eq!((blob.size, blob.length), (21, 2));
        let near = Header::parse(&[0x61, 0x80, 0x00], 20).unwrap();
        assert_eq!((near.form, near.length), (Form::Near(128), 3));
        let named = [&[0x71][..], &[7; 20]].concat();
        let header = Header::parse(&named, 20).unwrap();
        assert_eq!((header.form, header.length), (Form::Named(&[7; 20]), 21));
        assert_eq!(Header::parse(&named, 32), None);
        for bad in [&[][..], &[0x01], &[0x51], &[0xb0], &[0x61], &[0x61, 0x80]] {
            assert_eq!(Header::parse(bad, 20), None, "{bad:x?}");
        }
        assert_eq!(Header::parse(&[0xff; 40], 20), None);
        assert_eq!(
            Header::parse(&[&[0x61][..], &[0xff; 40]].concat(), 20),
            None
        );
    }

    #[test]
    fn sizes_are_not_believed() {
        let mut compressor = libdeflater::Compressor::new(libdeflater::CompressionLvl::default());
        let mut entry = vec![0; 100];
        let length = compressor.zlib_compress(&[1; 50], &mut entry).unwrap();
        entry.truncate(length);
        let inflate = |size: u64, entry: &[u8]| {
            let form = Form::Whole(ObjectType::Blob);
            let header = Header {
                form,
                size,
                length: 0,
            };
            let mut buffer = Buffer::default();
            let outcome = Inflater::new().inflate(entry, &header, &mut buffer);
            outcome.map(|()| buffer.into_bytes())
        };
        assert_eq!(inflate(50, &entry), Ok(vec![1; 50]));
        assert_eq!(inflate(49, &entry), Err(Damage::Length));
        assert_eq!(inflate(51, &entry), Err(Damage::Length));
        assert_eq!(inflate(0, &entry), Err(Damage::Length));
        assert_eq!(inflate(1 << 29, &entry), Err(Damage::Length));
        assert_eq!(inflate(1 << 40, &entry), Err(Damage::TooLarge));
        assert_eq!(inflate(50, &entry[..length - 1]), Err(Damage::Inflate));
        let mut damaged = entry.clone();
        damaged[length - 1] ^= 1;
        assert_eq!(inflate(50, &damaged), Err(Damage::Inflate));
    }
}
