//! The checksum at the end of an index: the SHA-1 or SHA-256 of all before it.

use std::fs::File;
use std::io;
use std::thread::JoinHandle;

use sha1::Sha1;
use sha2::Digest as _;
use sha2::Sha256;

use crate::git::index::IndexError;

/// Bytes that are hashed at a time.
const BUFFER: usize = 128 << 10;
/// Bytes of stack.
const STACK: usize = 256 << 10;

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
        let file = std::sync::Arc::new((file.try_clone()?, wanted.to_vec()));
        let theirs = std::sync::Arc::clone(&file);
        let spawned = std::thread::Builder::new()
            .stack_size(STACK)
            .spawn(move || compare(&theirs.0, length, &theirs.1));
        match spawned {
            Ok(thread) => Ok(Self::UnderWay(thread)),
            // No thread to be had: then before all else.
            Err(_) => compare(&file.0, length, &file.1).map(|()| Self::Right),
        }
    }

    /// Never called: elsewhere, every index is read as a whole.
    #[cfg(not(unix))]
    pub(super) fn begin(_file: &File, _length: u64, _wanted: &[u8]) -> Result<Self, IndexError> {
        let _: usize = STACK + BUFFER;
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

fn is_none(checksum: &[u8]) -> bool {
    checksum.iter().all(|byte| *byte == 0)
}

#[cfg(unix)]
fn compare(file: &File, length: u64, wanted: &[u8]) -> Result<(), IndexError> {
    use std::os::unix::fs::FileExt as _;

    let mut hash = Hash::new(wanted.len());
    let mut buffer = vec![0; BUFFER];
    let mut at = 0;
    while at < length {
        let room = usize::try_from(length - at).map_or(BUFFER, |left| left.min(BUFFER));
        file.read_exact_at(&mut buffer[..room], at)?;
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
