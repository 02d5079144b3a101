//! The checksum at the end of an index: the SHA-1 or SHA-256 of all before it.

use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;

use sha1::Sha1;
use sha2::Digest as _;
use sha2::Sha256;

use crate::git::index::IndexError;
use crate::git::index::input::read_at;
use crate::git::index::open::MAX_INDEX;
use crate::git::index::open::STREAMED;
use crate::threads;

/// Bytes that are hashed at a time.
const BUFFER: usize = 128 << 10;
/// Bytes of a checksum, where it is not known yet which hash a repository uses: nearly all use
/// SHA-1.
const GUESSED: usize = 20;

const WRONG: IndexError = IndexError::Damaged("its checksum is wrong");

/// A comparison of the checksum, done or under way.
#[derive(Debug)]
pub(super) enum Checksum {
    Right,
    UnderWay(JoinHandle<Result<(), IndexError>>),
}

impl Checksum {
    /// Compares the checksum of bytes. All zero means that none was made (`index.skipHash`).
    pub(super) fn of(content: &[u8], wanted: &[u8]) -> Result<Self, IndexError> {
        if is_none(wanted) {
            return Ok(Self::Right);
        }
        let mut hash = Hash::new(wanted.len());
        hash.update(content);
        if hash.is(wanted) {
            Ok(Self::Right)
        } else {
            Err(WRONG)
        }
    }

    /// Compares the checksum of the first `length` bytes of a file, beside the caller.
    #[cfg(unix)]
    pub(super) fn begin(file: &File, length: u64, wanted: &[u8]) -> Result<Self, IndexError> {
        if is_none(wanted) {
            return Ok(Self::Right);
        }
        // The same open file, so that it cannot be replaced meanwhile.
        let file = Arc::new((file.try_clone()?, wanted.to_vec()));
        let theirs = Arc::clone(&file);
        match threads::spawn(move || compare(&theirs.0, length, &theirs.1)) {
            Ok(thread) => Ok(Self::UnderWay(thread)),
            // No thread to be had: then before all else.
            Err(_) => compare(&file.0, length, &file.1).map(|()| Self::Right),
        }
    }

    /// Never called: elsewhere, every index is read as a whole.
    #[cfg(not(unix))]
    pub(super) fn begin(_file: &File, _length: u64, _wanted: &[u8]) -> Result<Self, IndexError> {
        let _: usize = BUFFER;
        Err(IndexError::Unknown("its size"))
    }

    /// Waits for the comparison.
    pub(super) fn finish(self) -> Result<(), IndexError> {
        match self {
            Self::Right => Ok(()),
            Self::UnderWay(thread) => thread
                .join()
                // A panic, which is told as an error.
                .unwrap_or_else(|_| Err(io::Error::other("it could not be hashed").into())),
        }
    }
}

/// A comparison that was begun before it is known which file is the index: of the time that a large
/// one takes, most is its checksum's.
#[derive(Debug)]
pub struct Ahead {
    file: File,
    length: u64,
    wanted: [u8; GUESSED],
    checksum: Checksum,
}

impl Ahead {
    /// Begins with a file that is probably the index, if it is worth it. What is wrong with the file
    /// is told when it turns out to be the index.
    pub fn begin(path: &Path) -> Option<Self> {
        let worth = |metadata: &std::fs::Metadata| {
            cfg!(unix) && metadata.is_file() && (STREAMED..=MAX_INDEX).contains(&metadata.len())
        };
        if !std::fs::metadata(path).is_ok_and(|metadata| worth(&metadata)) {
            return None;
        }
        // Whatever fails here is tried again, and told, by those who read the index.
        let file = File::open(path).ok()?;
        let length = file.metadata().ok().filter(worth)?.len() - GUESSED as u64;
        let mut wanted = [0; GUESSED];
        // As above.
        read_at(&file, length, &mut wanted).ok()?;
        let checksum = Checksum::begin(&file, length, &wanted).ok()?;
        Some(Self {
            file,
            length,
            wanted,
            checksum,
        })
    }

    /// The comparison, if it is of this file, its first bytes and what they should come to.
    pub(super) fn of(self, file: &File, length: u64, wanted: &[u8]) -> Option<Checksum> {
        let is_this = self.length == length && self.wanted[..] == *wanted;
        let is_this = is_this && is_same(file, &self.file);
        is_this.then_some(self.checksum)
    }
}

/// Whether two open files are one. While both are open, none can have another's numbers.
#[cfg(unix)]
fn is_same(one: &File, other: &File) -> bool {
    use std::os::unix::fs::MetadataExt as _;

    let place = |file: &File| file.metadata().map(|of| (of.dev(), of.ino()));
    matches!((place(one), place(other)), (Ok(one), Ok(other)) if one == other)
}

#[cfg(not(unix))]
fn is_same(_one: &File, _other: &File) -> bool {
    false
}

fn is_none(checksum: &[u8]) -> bool {
    checksum.iter().all(|byte| *byte == 0)
}

#[cfg(unix)]
fn compare(file: &File, length: u64, wanted: &[u8]) -> Result<(), IndexError> {
    let mut hash = Hash::new(wanted.len());
    let mut buffer = vec![0; BUFFER];
    let mut at = 0;
    while at < length {
        let room = usize::try_from(length - at).map_or(BUFFER, |left| left.min(BUFFER));
        read_at(file, at, &mut buffer[..room])?;
        hash.update(&buffer[..room]);
        at += room as u64;
    }
    if hash.is(wanted) { Ok(()) } else { Err(WRONG) }
}

enum Hash {
    Sha1(Sha1),
    Sha256(Sha256),
}

impl Hash {
    fn new(length: usize) -> Self {
        if length == 20 {
            Self::Sha1(Sha1::new())
        } else {
            Self::Sha256(Sha256::new())
        }
    }

    fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Sha1(hash) => hash.update(bytes),
            Self::Sha256(hash) => hash.update(bytes),
        }
    }

    fn is(self, wanted: &[u8]) -> bool {
        match self {
            Self::Sha1(hash) => hash.finalize()[..] == *wanted,
            Self::Sha256(hash) => hash.finalize()[..] == *wanted,
        }
    }
}
