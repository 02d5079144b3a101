//! Streams of Zstandard, to the end of their last frame.

use std::io;
use std::io::BufRead;
use std::io::BufReader;
use std::io::Read;

use ruzstd::decoding::BlockDecodingStrategy;
use ruzstd::decoding::FrameDecoder;
use ruzstd::decoding::errors::FrameDecoderError;
use ruzstd::decoding::errors::ReadFrameHeaderError;

use crate::decode::container::trouble::Trouble;

/// All frames of a Zstandard stream, one after the other: the decoder reads but one.
pub(super) struct Frames<R> {
    content: BufReader<R>,
    decoder: FrameDecoder,
    /// Whether one was begun.
    begun: bool,
}

impl<R: Read> Frames<R> {
    pub(super) fn new(content: R) -> Self {
        Self {
            content: BufReader::new(content),
            decoder: FrameDecoder::new(),
            begun: false,
        }
    }

    /// Goes on to the next frame; false at the end.
    pub(super) fn next(&mut self) -> io::Result<bool> {
        loop {
            match self.content.fill_buf() {
                Ok([]) => return Ok(false),
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            }
            match self.decoder.init(&mut self.content) {
                Ok(()) => return Ok(true),
                Err(FrameDecoderError::ReadFrameHeaderError(ReadFrameHeaderError::SkipFrame {
                    length,
                    ..
                })) => {
                    let mut skipped = self.content.by_ref().take(length.into());
                    io::copy(&mut skipped, &mut io::sink())?;
                }
                // It is told as damage.
                Err(_) => return Err(Trouble::Damaged.into()),
            }
        }
    }
}

impl<R: Read> Read for Frames<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        loop {
            let is_over = !self.begun || self.decoder.is_finished();
            if is_over && self.decoder.can_collect() == 0 {
                self.begun = true;
                if into.is_empty() || !self.next()? {
                    return Ok(0);
                }
            }
            while self.decoder.can_collect() == 0 && !self.decoder.is_finished() {
                let some = BlockDecodingStrategy::UptoBlocks(1);
                self.decoder
                    .decode_blocks(&mut self.content, some)
                    .map_err(io::Error::other)?;
            }
            let read = self.decoder.read(into)?;
            if read > 0 || into.is_empty() {
                return Ok(read);
            }
        }
    }
}
