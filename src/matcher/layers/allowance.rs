//! What the encoded containers of a text may expand to, all together.

use std::cell::Cell;

/// The most that all in a text may expand to, with those that lie inside of each other, and what they may
/// for each byte of the text beside this.
const MAX_INNERS: u64 = 128 << 20;
const MAX_INNERS_A_BYTE: u64 = 4;

/// What the encoded containers of a text may still expand to. Each may be one that holds many more.
#[derive(Debug)]
pub struct Allowance {
    pub(super) bytes: Cell<u64>,
    /// Whether it was told that more is not opened.
    pub(super) is_told: Cell<bool>,
}

impl Default for Allowance {
    fn default() -> Self {
        Self {
            bytes: Cell::new(MAX_INNERS),
            is_told: Cell::new(false),
        }
    }
}

impl Allowance {
    /// Goes on to the next part of the text, of which it is told too if not all is opened.
    pub(in crate::matcher) fn extend(&self, part: &[u8]) {
        let more = MAX_INNERS_A_BYTE.saturating_mul(part.len() as u64);
        self.bytes.set(self.bytes.get().saturating_add(more));
        self.is_told.set(false);
    }
}
