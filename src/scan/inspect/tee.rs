//! A stream of which the bytes are searched while a decoder reads them.

use std::io;
use std::io::Read;

use crate::decode::Layer;
use crate::matcher::MatchError;
use crate::scan::inspect::InspectError;
use crate::scan::inspect::Inspector;
use crate::scan::inspect::buffer::Buffer;
use crate::scan::inspect::inside::Inside;
use crate::scan::inspect::inspected::Inspected;
use crate::scan::inspect::windows::Pass;

/// Bytes of a container that are read at a time.
pub(super) const AT_A_TIME: usize = 64 << 10;

/// A stream of which the bytes are searched as they are while something else reads them. To that, an
/// error is an end.
pub(super) struct Tee<'a> {
    pub(super) inspector: &'a Inspector<'a>,
    pub(super) content: &'a mut dyn Read,
    pub(super) inside: &'a Inside<'a>,
    pub(super) buffer: Buffer,
    pub(super) begun: Option<(Pass, Option<Layer>)>,
    pub(super) outer: Inspected,
    pub(super) failed: Option<InspectError>,
}

impl Tee<'_> {
    /// Reads and searches the rest; returns what was found, and why that is not all.
    pub(super) fn finish(mut self) -> (Inspected, Option<InspectError>) {
        let mut rest = vec![0; AT_A_TIME];
        // It has no errors but to be read again.
        while !matches!(self.read(&mut rest), Ok(0)) {}
        if let Err(error) = self.search(true) {
            self.failed = Some(error.into());
        }
        (self.outer, self.failed)
    }

    fn search(&mut self, is_end: bool) -> Result<(), MatchError> {
        let Self {
            inspector,
            inside,
            buffer,
            begun,
            outer,
            ..
        } = self;
        inspector
            .next_window(buffer, begun, is_end, inside, outer)
            .map(drop)
    }
}

impl Read for Tee<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.failed.is_some() {
            return Ok(0);
        }
        let read = match self.content.read(into) {
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Err(error),
            Err(error) => {
                self.failed = Some(error.into());
                return Ok(0);
            }
        };
        let mut fresh = &into[..read];
        while !self.buffer.fill(&mut fresh).is_end {
            if let Err(error) = self.search(false) {
                self.failed = Some(error.into());
                return Ok(0);
            }
        }
        Ok(read)
    }
}
