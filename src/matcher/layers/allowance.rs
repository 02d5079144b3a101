//! What the encoded containers of a text may expand to, all together.

use std::cell::Cell;

/// The most that all in a text may expand to, with those that lie inside of each other; longer texts may
/// have so much for each of their bytes.
const MAX_INNERS: u64 = 128 << 20;
const MAX_INNERS_A_BYTE: u64 = 16;

/// What the encoded containers of a text may still expand to. Each may be one that holds many more.
#[derive(Debug)]
pub(in crate::matcher) struct Allowance {
    pub(super) bytes: Cell<u64>,
    /// Whether it was told that more is not opened.
    pub(super) is_told: Cell<bool>,
}

impl Allowance {
    pub(in crate::matcher) fn of(text: &[u8]) -> Self {
        let bytes = MAX_INNERS.max(MAX_INNERS_A_BYTE.saturating_mul(text.len() as u64));
        Self {
            bytes: Cell::new(bytes),
            is_told: Cell::new(false),
        }
    }
}
