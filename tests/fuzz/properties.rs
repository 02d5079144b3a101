//! What holds for every input, whoever made it. `tests/fuzz.rs` tries it on a few thousand inputs
//! in every test run, the targets in `fuzz/` on as many as there is time for.

use std::time::Duration;
use std::time::Instant;

pub mod archive;
pub mod config;
pub mod decode;
pub mod delta;
pub mod index;
pub mod rules;
pub mod scan;

/// Time that one input may take, on a slow machine that does other things as well.
const PATIENCE: Duration = Duration::from_secs(20);

/// Something to try, by its name.
#[derive(Debug)]
pub struct Target {
    /// What it is called.
    pub name: &'static str,
    /// Panics if something does not hold for an input.
    pub check: fn(&[u8]),
    /// Inputs that reach far, for others to be made of.
    pub seeds: fn() -> Vec<Vec<u8>>,
}

/// All there are.
pub const TARGETS: [Target; 7] = [
    archive::TARGET,
    config::TARGET,
    decode::TARGET,
    delta::TARGET,
    index::TARGET,
    rules::TARGET,
    scan::TARGET,
];

/// Runs something that must not take long.
fn quickly<T>(run: impl FnOnce() -> T) -> T {
    let start = Instant::now();
    let result = run();
    let took = start.elapsed();
    assert!(took < PATIENCE, "took {took:?}");
    result
}

/// An input, taken apart from its start on. After its end come zeros.
struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.0.split_first() else {
            return 0;
        };
        self.0 = rest;
        *first
    }

    fn number(&mut self) -> usize {
        usize::from(self.byte()) << 8 | usize::from(self.byte())
    }

    fn bytes(&mut self, count: usize) -> &'a [u8] {
        let (bytes, rest) = self.0.split_at(count.min(self.0.len()));
        self.0 = rest;
        bytes
    }

    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// How often a piece stands in a text.
fn count(text: &[u8], piece: &[u8]) -> usize {
    text.windows(piece.len()).filter(|at| *at == piece).count()
}
