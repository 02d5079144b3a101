//! The bytes of an index before its checksum, from the first to the last.

use std::fmt;
use std::fs::File;
use std::io;
use std::ops::Range;

/// Bytes that are read at a time: they stay in the processor's cache.
pub(super) const BUFFER: usize = 128 << 10;

/// A file that goes by.
pub(super) struct Input {
    file: File,
    /// Bytes of the file that count.
    length: u64,
    buffer: Vec<u8>,
    /// The part of the buffer that is still to be taken.
    start: usize,
    end: usize,
    /// Bytes of the file before the end of the buffer.
    read: u64,
}

impl fmt::Debug for Input {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Input")
            .field("file", &self.file)
            .field("length", &self.length)
            .field("read", &self.read)
            .finish_non_exhaustive()
    }
}

impl Input {
    /// Reads the first `length` bytes of a file at once.
    pub(super) fn whole(file: File, length: u64) -> io::Result<Self> {
        let size = usize::try_from(length).map_err(io::Error::other)?;
        let mut buffer = vec![0; size];
        read_at(&file, 0, &mut buffer)?;
        Ok(Self {
            file,
            length,
            buffer,
            start: 0,
            end: size,
            read: length,
        })
    }

    /// Reads the first `length` bytes of a file by pieces of `buffer` bytes.
    pub(super) fn streamed(file: File, length: u64, buffer: usize) -> Self {
        Self {
            file,
            length,
            buffer: vec![0; buffer],
            start: 0,
            end: 0,
            read: 0,
        }
    }

    /// What is buffered and not taken: everything, if it was read at once.
    pub(super) fn buffered(&self) -> &[u8] {
        &self.buffer[self.start..self.end]
    }

    /// Goes back to the first byte of what was read at once.
    pub(super) fn rewind(&mut self) {
        self.start = 0;
    }

    /// Bytes of what was read at once, by their place in the file; none where there are none.
    pub(super) fn taken(&self, place: &Range<u64>) -> &[u8] {
        let at = |at: u64| usize::try_from(at).unwrap_or(usize::MAX);
        let place = at(place.start)..at(place.end);
        // Places that were found in it.
        self.buffer.get(place).unwrap_or_default()
    }

    /// The last bytes that count, at most `length`, and where they begin.
    pub(super) fn tail(&self, length: u64) -> io::Result<(u64, Vec<u8>)> {
        let at = self.length.saturating_sub(length);
        if at == 0 && self.end as u64 == self.length {
            return Ok((at, self.buffer[..self.end].to_vec()));
        }
        let mut tail = vec![0; usize::try_from(self.length - at).map_err(io::Error::other)?];
        read_at(&self.file, at, &mut tail)?;
        Ok((at, tail))
    }

    /// Bytes that are still to be taken.
    pub(super) fn left(&self) -> u64 {
        self.length - self.offset()
    }

    /// Where in the file the next byte is.
    pub(super) fn offset(&self) -> u64 {
        self.read - (self.end - self.start) as u64
    }

    /// The next bytes: `wanted` or more, or all that are left.
    pub(super) fn peek(&mut self, wanted: usize) -> io::Result<&[u8]> {
        if self.end - self.start < wanted && self.read < self.length {
            self.fill(wanted)?;
        }
        Ok(&self.buffer[self.start..self.end])
    }

    #[cold]
    fn fill(&mut self, wanted: usize) -> io::Result<()> {
        self.buffer.copy_within(self.start..self.end, 0);
        self.end -= self.start;
        self.start = 0;
        if self.buffer.len() < wanted {
            self.buffer.resize(wanted, 0);
        }
        let room = self.buffer.len() - self.end;
        let left = usize::try_from(self.length - self.read).unwrap_or(usize::MAX);
        let end = self.end + room.min(left);
        read_at(&self.file, self.read, &mut self.buffer[self.end..end])?;
        self.read += (end - self.end) as u64;
        self.end = end;
        Ok(())
    }

    /// Takes bytes that were peeked.
    pub(super) fn take(&mut self, count: usize) {
        self.start = self.end.min(self.start + count);
    }

    /// Passes over bytes, of which there are enough left.
    pub(super) fn skip(&mut self, count: u64) -> io::Result<()> {
        let buffered = (self.end - self.start) as u64;
        if count <= buffered {
            // Not more than the buffer holds.
            self.start += usize::try_from(count).map_err(io::Error::other)?;
        } else {
            self.read += count - buffered;
            self.start = self.end;
        }
        Ok(())
    }
}

/// Reads bytes of a file, wherever the last ones were read.
#[cfg(unix)]
pub(super) fn read_at(file: &File, at: u64, bytes: &mut [u8]) -> io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, bytes, at)
}

#[cfg(not(unix))]
pub(super) fn read_at(mut file: &File, at: u64, bytes: &mut [u8]) -> io::Result<()> {
    use std::io::Read as _;
    use std::io::Seek as _;

    file.seek(io::SeekFrom::Start(at))?;
    file.read_exact(bytes)
}
