//! The bytes of a stream that are searched at a time, in buffers that are used again.

use std::cell::RefCell;
use std::fmt;
use std::io;
use std::io::Read;
use std::thread::AccessError;

/// Bytes of a stream that are searched at a time.
pub(super) const WINDOW: usize = 4 << 20;

thread_local! {
    /// The buffers of streams that were searched to their ends. There are no more than containers
    /// can lie inside of each other.
    static SPARE: RefCell<Vec<Vec<u8>>> = const { RefCell::new(Vec::new()) };
}

/// The bytes of a stream that are searched at a time.
pub(super) struct Buffer {
    /// As many as a window has.
    bytes: Vec<u8>,
    /// How many of them are of the stream.
    filled: usize,
}

impl fmt::Debug for Buffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Buffer({} bytes)", self.filled)
    }
}

/// How reading into a buffer ended.
pub(super) struct Filled {
    /// Bytes read.
    pub(super) read: usize,
    /// Whether no more are to be had.
    pub(super) is_end: bool,
    /// Why not, if that was not to be.
    pub(super) error: Option<io::Error>,
}

impl Buffer {
    /// One of this thread that was used before, if there is any.
    pub(super) fn new() -> Self {
        let spare = SPARE.with_borrow_mut(Vec::pop);
        // The system clears memory as it is first used, which of most trees is little of this.
        let bytes = spare.unwrap_or_else(|| vec![0; WINDOW]);
        Self { bytes, filled: 0 }
    }

    pub(super) fn text(&self) -> &[u8] {
        &self.bytes[..self.filled]
    }

    /// Reads until the buffer is as large as a window or the stream at its end.
    pub(super) fn fill(&mut self, stream: &mut impl Read) -> Filled {
        let before = self.filled;
        let end = |filled: usize, error| Filled {
            read: filled - before,
            is_end: true,
            error,
        };
        loop {
            let read = self.filled - before;
            if self.filled == self.bytes.len() {
                return Filled {
                    read,
                    is_end: false,
                    error: None,
                };
            }
            match stream.read(&mut self.bytes[self.filled..]) {
                Ok(0) => return end(self.filled, None),
                Ok(more) => self.filled += more,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return end(self.filled, Some(error)),
            }
        }
    }

    /// Forgets the first bytes.
    pub(super) fn drop_first(&mut self, count: usize) {
        self.bytes.copy_within(count..self.filled, 0);
        self.filled -= count;
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        let bytes = std::mem::take(&mut self.bytes);
        // A thread that ends needs none any more.
        let _: Result<(), AccessError> = SPARE.try_with(|spare| spare.borrow_mut().push(bytes));
    }
}
