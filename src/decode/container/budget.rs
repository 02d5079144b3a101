//! What containers may expand to, and content that counts against it.

use std::io;
use std::io::Read;

use crate::decode::container::trouble::Trouble;

/// What is left of what one item may expand to.
#[derive(Debug)]
pub struct Budget {
    pub(super) left: u64,
    all: u64,
}

impl Budget {
    /// Allows so many bytes.
    pub fn new(bytes: u64) -> Self {
        Self {
            left: bytes,
            all: bytes,
        }
    }

    /// What is left.
    pub fn left(&self) -> u64 {
        self.left
    }

    /// What was used.
    pub fn used(&self) -> u64 {
        self.all - self.left
    }

    /// Takes what was used elsewhere.
    pub fn take(&mut self, bytes: u64) {
        self.left = self.left.saturating_sub(bytes);
    }
}

/// Content that counts against the budget.
pub(super) struct Limited<'a, R> {
    pub(super) content: R,
    pub(super) budget: &'a mut Budget,
}

impl<R: Read> Read for Limited<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.content.read(buffer)?;
        self.budget.left = self.budget.left.saturating_sub(read as u64);
        if self.budget.left == 0 && read > 0 {
            return Err(Trouble::TooMuch.into());
        }
        Ok(read)
    }
}
