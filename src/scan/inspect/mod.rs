//! Turns bytes into hits: the only maker of secrets and excerpts.

mod buffer;
mod inside;
mod inspected;
mod members;
mod tee;
mod tell;
mod windows;

use std::io;
use std::io::Read;
use std::io::Seek;
use std::io::SeekFrom;
use std::ops::Range;

use crate::decode::Layer;
use crate::decode::container;
use crate::decode::container::Budget;
use crate::decode::container::HEAD;
use crate::decode::container::MAX_EXPANDED;
use crate::decode::wide::Wide;
use crate::matcher::Allowance;
use crate::matcher::MatchError;
use crate::matcher::Matcher;
use crate::scan::inspect::buffer::Buffer;
use crate::scan::inspect::inside::Inside;

pub use crate::scan::inspect::inspected::Inspected;
pub use crate::scan::inspect::inspected::Note;

/// Why content was not searched to its end.
#[derive(Debug, thiserror::Error)]
pub enum InspectError {
    /// It could not be read.
    #[error(transparent)]
    Read(#[from] io::Error),
    /// A rule could not be run.
    #[error(transparent)]
    Match(#[from] MatchError),
}

/// A file, and the error that it could not be read for: a decoder's own errors say something else.
struct Watched<'a, F> {
    file: &'a mut F,
    failed: Option<io::Error>,
}

impl<F: Read> Read for Watched<'_, F> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.file.read(buffer).map_err(|error| {
            let kind = error.kind();
            self.failed = Some(error);
            kind.into()
        })
    }
}

impl<F: Seek> Seek for Watched<'_, F> {
    // A place that a container names and that cannot be is no error of the file.
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.file.seek(to)
    }
}

/// Searches content.
#[derive(Debug)]
pub struct Inspector<'a> {
    matcher: &'a Matcher,
    exceptions: bool,
    foreign: bool,
    explain: bool,
}

impl<'a> Inspector<'a> {
    /// Searches with `matcher`; heeds inline exceptions if `exceptions`, tells rejected matches if
    /// `explain`.
    pub fn new(matcher: &'a Matcher, exceptions: bool, explain: bool) -> Self {
        Self {
            matcher,
            exceptions,
            foreign: false,
            explain,
        }
    }

    /// Heeds the inline exceptions of other tools too, or not, where it heeds ours.
    #[must_use]
    pub fn with_foreign_markers(mut self, foreign: bool) -> Self {
        self.foreign = foreign;
        self
    }

    /// Searches bytes that are all there, and what they hold if they are an archive.
    pub fn bytes(&self, text: &[u8]) -> Result<Inspected, MatchError> {
        let mut inspected = Inspected::default();
        let mut budget = Budget::new(MAX_EXPANDED);
        let left = Allowance::default();
        self.whole(text, &Inside::file(&left), &mut budget, &mut inspected)?;
        inspected.bytes = text.len() as u64;
        Ok(inspected)
    }

    /// Whether bytes that are all there have nothing that [`Inspector::bytes`] could say anything
    /// of, however it was asked. If they were made from others of which this is true, it is enough to
    /// look at what is `fresh` in them.
    pub fn is_blank(&self, text: &[u8], fresh: Option<&[Range<u32>]>) -> bool {
        Wide::sniff(text).is_none()
            && container::kind(&text[..text.len().min(HEAD)]).is_none()
            && container::kind_at_end(text).is_none()
            && match fresh {
                Some(fresh) => self.matcher.is_still_blank(text, fresh),
                None => self.matcher.is_blank(text),
            }
    }

    /// Searches a file window by window, so that memory does not grow with its length, and what it
    /// holds if it is an archive.
    pub fn file(
        &self,
        file: &mut (impl Read + Seek),
        cancelled: impl Fn() -> bool,
    ) -> Result<Inspected, InspectError> {
        let (mut inspected, container) = self.read(file, &cancelled)?;
        if let Some(kind) = container.filter(|_| inspected.cut.is_none()) {
            file.seek(SeekFrom::Start(0))?;
            let mut budget = Budget::new(MAX_EXPANDED);
            let left = Allowance::default();
            let inside = Inside::file(&left);
            let mut file = Watched { file, failed: None };
            let outer = inspected.split_off(0, 0);
            self.container(kind, &mut file, &inside, &mut budget, outer, &mut inspected)?;
            inspected.cut = file.failed;
        }
        Ok(inspected)
    }

    /// Searches a stream window by window; says what container it is, which is not opened.
    pub fn stream(
        &self,
        stream: &mut impl Read,
        cancelled: impl Fn() -> bool,
    ) -> Result<(Inspected, Option<Layer>), InspectError> {
        self.read(stream, &cancelled)
    }

    fn read(
        &self,
        stream: &mut impl Read,
        cancelled: &dyn Fn() -> bool,
    ) -> Result<(Inspected, Option<Layer>), InspectError> {
        let mut inspected = Inspected::default();
        let mut buffer = Buffer::new();
        let left = Allowance::default();
        let outcome = self.windows(
            stream,
            &mut buffer,
            &Inside::file(&left),
            &mut inspected,
            cancelled,
        );
        match outcome {
            Ok(container) => Ok((inspected, container)),
            // What was found until then is told with the error.
            Err(InspectError::Read(error)) => {
                inspected.cut = Some(error);
                Ok((inspected, None))
            }
            Err(error) => Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::Hit;
    use crate::rule::RuleSet;
    use crate::rule::template::fill;
    use crate::scan::inspect::buffer::WINDOW;
    use crate::scan::inspect::tee::AT_A_TIME;
    use crate::scan::inspect::windows::OVERLAP;
    use std::io::Cursor;

    fn key(seed: u64) -> String {
        fill("sk-proj-{base64url:74}T3BlbkFJ{base64url:74}", seed)
    }

    fn streamed(text: &[u8]) -> Vec<Hit> {
        let matcher = Matcher::new(RuleSet::built_in()).unwrap();
        let inspector = Inspector::new(&matcher, true, false);
        inspector.stream(&mut &text[..], || false).unwrap().0.hits
    }

    #[test]
    fn a_hit_says_where_and_hides_what() {
        let text = format!("one\n  key = '{}',\n", key(1));
        let hits = streamed(text.as_bytes());
        assert_eq!(hits.len(), 1);
        assert_eq!((hits[0].start.line, hits[0].start.column), (2, 10));
        assert_eq!((hits[0].end.line, hits[0].end.column), (2, 174));
        assert_eq!(
            hits[0].excerpt.text(),
            "  key = 'sk-proj-[164 characters hidden]',"
        );
    }

    #[test]
    fn a_stream_is_searched_like_the_whole_text() {
        let matcher = Matcher::new(RuleSet::built_in()).unwrap();
        let filler = b"a line of text, not long\n";
        let edge = WINDOW - OVERLAP;
        for place in [
            0,
            edge - 200,
            edge - 100,
            edge,
            WINDOW - 100,
            WINDOW,
            2 * WINDOW + 77,
        ] {
            let mut text: Vec<u8> = filler.iter().copied().cycle().take(place).collect();
            text.extend_from_slice(key(2).as_bytes());
            text.extend(filler.iter().cycle().take(WINDOW));
            let whole = Inspector::new(&matcher, true, false).bytes(&text).unwrap();
            let hits = streamed(&text);
            assert_eq!(hits, whole.hits, "at {place}");
            assert_eq!(hits.len(), 1, "at {place}");
        }
    }

    /// A stream that gives little at a time.
    struct Drops<'a>(&'a [u8]);

    impl Read for Drops<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            self.0.by_ref().take(30_000).read(buffer)
        }
    }

    #[test]
    fn a_stream_that_comes_in_drops_loses_nothing() {
        let matcher = Matcher::new(RuleSet::built_in()).unwrap();
        for length in [
            0,
            1000,
            AT_A_TIME - 200,
            AT_A_TIME,
            WINDOW - 200,
            WINDOW,
            2 * WINDOW,
        ] {
            let mut text: Vec<u8> = b"a line\n".iter().copied().cycle().take(length).collect();
            text.extend_from_slice(key(2).as_bytes());
            let right = text.len() as u64;
            let inspector = Inspector::new(&matcher, true, false);
            let read = inspector.read(&mut Drops(&text), &|| false);
            let found = read.unwrap().0;
            assert_eq!(found.hits.len(), 1, "{length} bytes");
            assert_eq!(found.bytes, right, "{length} bytes");
        }
    }

    #[test]
    fn many_keys_over_window_edges_are_told_once() {
        let keys: Vec<String> = (0..50).map(key).collect();
        let filler = "-".repeat(1000);
        let text: Vec<u8> = (0..8000)
            .flat_map(|i| format!("{}\n{filler}\n", keys[i % 50]).into_bytes())
            .collect();
        assert!(text.len() > 2 * WINDOW);
        assert_eq!(streamed(&text).len(), 8000);
    }

    /// A file that fails from some byte on, from its second reading on if so.
    struct Failing {
        content: Cursor<Vec<u8>>,
        from: u64,
        readings: usize,
    }

    impl Read for Failing {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let left = self.from.saturating_sub(self.content.position());
            if self.readings == 0 && left == 0 {
                return Err(io::ErrorKind::TimedOut.into());
            }
            let most = if self.readings == 0 { left } else { u64::MAX };
            self.content.by_ref().take(most).read(buffer)
        }
    }

    impl Seek for Failing {
        fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
            self.readings = self.readings.saturating_sub(1);
            self.content.seek(to)
        }
    }

    #[test]
    fn what_was_read_before_an_error_is_told_with_it() {
        let text = format!("key = '{}'\n{}", key(1), "a line of text\n".repeat(100));
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::none());
        io::Write::write_all(&mut gzip, text.as_bytes()).unwrap();
        let gzip = gzip.finish().unwrap();
        let matcher = Matcher::new(RuleSet::built_in()).unwrap();
        for (content, readings) in [(text.into_bytes(), 0), (gzip, 1)] {
            let mut file = Failing {
                content: Cursor::new(content),
                from: 1000,
                readings,
            };
            let inspector = Inspector::new(&matcher, true, false);
            let inspected = inspector.file(&mut file, || false).unwrap();
            assert_eq!(inspected.hits.len(), 1);
            let cut = inspected.cut.map(|error| error.kind());
            assert_eq!(cut, Some(io::ErrorKind::TimedOut), "reading {readings}");
        }
    }
}
