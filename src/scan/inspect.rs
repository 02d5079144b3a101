//! Turns bytes into hits: the only maker of secrets and excerpts.

use std::collections::HashSet;
use std::io;
use std::io::Cursor;
use std::io::Read;
use std::io::Seek;
use std::io::SeekFrom;

use crate::decode::Layer;
use crate::decode::container;
use crate::decode::container::Budget;
use crate::decode::container::HEAD;
use crate::decode::container::MAX_DEPTH;
use crate::decode::container::MAX_EXPANDED;
use crate::decode::wide::Wide;
use crate::excerpt::Excerpt;
use crate::finding::Hit;
use crate::finding::SuppressedBy;
use crate::finding::Suppression;
use crate::key_id::KeyId;
use crate::matcher::Candidate;
use crate::matcher::MatchError;
use crate::matcher::Matcher;
use crate::matcher::Matches;
use crate::place::Label;
use crate::policy::allow;
use crate::rule::MAX_REACH;
use crate::scan::redact::Redactor;
use crate::scan::redact::hidden_in;
use crate::span::Base;
use crate::span::LineIndex;
use crate::span::Position;
use crate::text::escape;

/// Bytes of a stream that are searched at a time.
const WINDOW: usize = 4 << 20;
/// Bytes at the end of a window that are searched again with the next: no match is longer.
const OVERLAP: usize = MAX_REACH;
/// Bytes before these that are kept too, for the excerpt, the boundary and the exception.
const CONTEXT: usize = 2 * MAX_REACH;
/// Bytes of an archive inside of another.
const MAX_NESTED: u64 = 128 << 20;
/// A line is shown at most so far to either side of a secret.
const LINE_REACH: usize = 4 * 1024;

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

/// Hits, and what was rejected with the place and the reason.
#[derive(Debug, Default)]
pub struct Inspected {
    /// The secrets, by place.
    pub hits: Vec<Hit>,
    /// Where a match was rejected, and why. Only when asked for.
    pub rejected: Vec<(Position, String)>,
    /// Why archives, or members of them, were not opened. Their own bytes were searched.
    pub unopened: Vec<String>,
    /// Bytes read.
    pub bytes: u64,
}

impl Inspected {
    fn too_deep(&mut self, kind: Layer) {
        let kind = kind.word();
        self.unopened.push(format!(
            "a {kind} lies too deep inside of others to be opened"
        ));
    }
}

/// Searches content. Holds one thread's buffer; the rest is shared.
#[derive(Debug)]
pub struct Inspector<'a> {
    matcher: &'a Matcher,
    exceptions: bool,
    explain: bool,
    buffer: Vec<u8>,
}

/// Where in a file the bytes lie that are searched: inside of what.
#[derive(Debug, Clone, Default)]
struct Inside {
    member: Option<Label>,
    layers: Vec<Layer>,
}

impl<'a> Inspector<'a> {
    /// Searches with `matcher`; heeds inline exceptions if `exceptions`, tells rejected matches if
    /// `explain`.
    pub fn new(matcher: &'a Matcher, exceptions: bool, explain: bool) -> Self {
        Self {
            matcher,
            exceptions,
            explain,
            buffer: Vec::new(),
        }
    }

    /// Searches bytes that are all there, and what they hold if they are an archive.
    pub fn bytes(&self, text: &[u8]) -> Result<Inspected, MatchError> {
        let mut inspected = Inspected::default();
        let mut budget = Budget::new(MAX_EXPANDED);
        self.whole(text, &Inside::default(), &mut budget, &mut inspected)?;
        inspected.bytes = text.len() as u64;
        Ok(inspected)
    }

    /// Searches a file window by window, so that memory does not grow with its length, and what it
    /// holds if it is an archive.
    pub fn file(
        &mut self,
        file: &mut (impl Read + Seek),
        cancelled: impl Fn() -> bool,
    ) -> Result<Inspected, InspectError> {
        let (mut inspected, container) = self.stream(file, cancelled)?;
        if let Some(kind) = container {
            file.seek(SeekFrom::Start(0))?;
            let mut budget = Budget::new(MAX_EXPANDED);
            let inside = Inside::default();
            self.container(kind, file, &inside, &mut budget, 0, &mut inspected)?;
        }
        Ok(inspected)
    }

    /// Searches a stream window by window; says what container it is, which is not opened.
    pub fn stream(
        &mut self,
        stream: &mut impl Read,
        cancelled: impl Fn() -> bool,
    ) -> Result<(Inspected, Option<Layer>), InspectError> {
        let mut inspected = Inspected::default();
        let mut buffer = std::mem::take(&mut self.buffer);
        let outcome = self.windows(
            stream,
            &mut buffer,
            &Inside::default(),
            &mut inspected,
            &cancelled,
        );
        self.buffer = buffer;
        outcome.map(|container| (inspected, container))
    }

    /// Searches bytes, and what they hold if they are an archive.
    fn whole(
        &self,
        text: &[u8],
        inside: &Inside,
        budget: &mut Budget,
        inspected: &mut Inspected,
    ) -> Result<(), MatchError> {
        let outer = inspected.hits.len();
        let mut pass = Pass::new(text);
        self.window(text, &mut pass, None, inside, inspected)?;
        if let Some(kind) = container::kind(&text[..text.len().min(HEAD)]) {
            if inside.layers.len() >= MAX_DEPTH {
                inspected.too_deep(kind);
                return Ok(());
            }
            self.container(kind, Cursor::new(text), inside, budget, outer, inspected)?;
        }
        Ok(())
    }

    /// Opens a container and searches its members. The hits from `outer` on are those of its own
    /// bytes; what a member has as well is told of the member.
    fn container(
        &self,
        kind: Layer,
        content: impl Read + Seek,
        inside: &Inside,
        budget: &mut Budget,
        outer: usize,
        inspected: &mut Inspected,
    ) -> Result<(), MatchError> {
        let mut failed = None;
        let own = inspected.hits.split_off(outer);
        // Members count against the same budget, also when they are containers themselves.
        let mut inner = Budget::new(budget.left());
        let opened = container::expand(kind, content, &mut inner, &mut |name, content| {
            let mut inside = inside.clone();
            inside.layers.push(kind);
            if let Some(name) = name {
                let outer = inside.member.map(|outer| [outer.as_bytes(), b"!"].concat());
                let path = [outer.unwrap_or_default(), name.to_vec()].concat();
                inside.member = Some(Redactor::new(self.matcher).label(&path));
            }
            match self.member(content, &inside, budget, inspected) {
                Ok(()) => Ok(()),
                Err(InspectError::Read(error)) => Err(error),
                Err(InspectError::Match(error)) => {
                    failed = Some(error);
                    Err(io::Error::other("a rule could not be run"))
                }
            }
        });
        if let Err(error) = opened {
            let why = container::trouble(&error);
            let what = format!("what the {} holds was not all read: {why}", kind.word());
            inspected.unopened.push(what);
        }
        let inner_keys: HashSet<KeyId> = inspected.hits[outer..].iter().map(|h| h.key_id).collect();
        let only_outside = own.into_iter().filter(|h| !inner_keys.contains(&h.key_id));
        inspected.hits.extend(only_outside);
        budget.take(inner.used());
        failed.map_or(Ok(()), Err)
    }

    fn member(
        &self,
        content: &mut dyn Read,
        inside: &Inside,
        budget: &mut Budget,
        inspected: &mut Inspected,
    ) -> Result<(), InspectError> {
        let mut head = Vec::new();
        (&mut *content).take(HEAD as u64).read_to_end(&mut head)?;
        let kind = container::kind(&head);
        let nested = kind.is_some() && inside.layers.len() < MAX_DEPTH;
        if let Some(kind) = kind.filter(|_| !nested) {
            inspected.too_deep(kind);
        }
        if nested {
            content.take(MAX_NESTED).read_to_end(&mut head)?;
            if head.len() as u64 >= MAX_NESTED {
                return Err(io::Error::other(container::TooMuch).into());
            }
            self.whole(&head, inside, budget, inspected)?;
        } else {
            let mut buffer = Vec::new();
            let mut stream = head.chain(content);
            self.windows(&mut stream, &mut buffer, inside, inspected, &|| false)?;
        }
        Ok(())
    }

    /// Searches a stream; says what container it is.
    fn windows(
        &self,
        stream: &mut impl Read,
        buffer: &mut Vec<u8>,
        inside: &Inside,
        inspected: &mut Inspected,
        cancelled: &dyn Fn() -> bool,
    ) -> Result<Option<Layer>, InspectError> {
        buffer.clear();
        let mut first: Option<(Pass, Option<Layer>)> = None;
        loop {
            let room = WINDOW - buffer.len();
            let read = stream.by_ref().take(room as u64).read_to_end(buffer)?;
            inspected.bytes += read as u64;
            let last = read < room;
            let (mut pass, container) = first.unwrap_or_else(|| {
                let head = &buffer[..buffer.len().min(HEAD)];
                (Pass::new(buffer), container::kind(head))
            });
            let until = (!last).then(|| buffer.len() - OVERLAP);
            self.window(buffer, &mut pass, until, inside, inspected)?;
            if last {
                return Ok(container);
            }
            if cancelled() {
                return Err(io::Error::new(io::ErrorKind::Interrupted, "interrupted").into());
            }
            let kept = pass.advance(buffer, buffer.len() - OVERLAP - CONTEXT);
            buffer.drain(..kept);
            first = Some((pass, container));
        }
    }

    /// Searches a window of a text, and tells the hits that begin before `until` in it and were not
    /// told with the window before.
    fn window(
        &self,
        text: &[u8],
        pass: &mut Pass,
        until: Option<usize>,
        inside: &Inside,
        inspected: &mut Inspected,
    ) -> Result<(), MatchError> {
        if let Some((wide, track)) = &mut pass.wide {
            // What is no such text in spite of its looks is searched as it is, too.
            let matches = self.matcher.find_plain(text, &[])?;
            self.tell(text, &matches, &mut pass.plain, until, inside, inspected);
            let decoded = wide.decode(text);
            let until = until.map(|until| wide.decode(&text[..wide.boundary(text, until)]).len());
            let mut inside = inside.clone();
            inside.layers.push(wide.layer());
            let matches = self.matcher.find(&decoded)?;
            self.tell(&decoded, &matches, track, until, &inside, inspected);
        } else {
            let matches = self.matcher.find(text)?;
            self.tell(text, &matches, &mut pass.plain, until, inside, inspected);
        }
        Ok(())
    }

    fn tell(
        &self,
        text: &[u8],
        matches: &Matches,
        track: &mut Track,
        until: Option<usize>,
        inside: &Inside,
        inspected: &mut Inspected,
    ) {
        let from = std::mem::replace(
            &mut track.told,
            track.offset + until.unwrap_or(text.len()) as u64,
        );
        let tell_rejected = self.explain && !matches.rejected.is_empty();
        if matches.candidates.is_empty() && !tell_rejected {
            return;
        }
        let base = *track.base.get_or_insert_with(|| Base::start(text));
        let lines = LineIndex::new(text, base);
        let is_new =
            |at: usize| track.offset + at as u64 >= from && until.is_none_or(|until| at < until);
        for candidate in &matches.candidates {
            if is_new(candidate.span.start) {
                let hit = self.hit(text, candidate, &matches.candidates, &lines, inside);
                inspected.hits.push(hit);
            }
        }
        if tell_rejected {
            let taken = |at: usize| matches.candidates.iter().any(|c| c.span.contains(&at));
            for rejected in &matches.rejected {
                if is_new(rejected.span.start) && !taken(rejected.span.start) {
                    let rule = &self.matcher.rules().rules()[rejected.rule].id;
                    inspected.rejected.push((
                        lines.position(rejected.span.start),
                        format!("not {rule}: {}", rejected.reason.reason()),
                    ));
                }
            }
        }
    }

    fn hit(
        &self,
        text: &[u8],
        candidate: &Candidate,
        all: &[Candidate],
        lines: &LineIndex<'_>,
        inside: &Inside,
    ) -> Hit {
        let span = &candidate.span;
        let line = lines.line(span.start, LINE_REACH);
        let hidden = hidden_in(all, &line);
        let primary = span.start - line.start..span.end.min(line.end) - line.start;
        let rule = self.matcher.rule(candidate);
        let suppressed = if self.exceptions {
            allow::reason(text, span).map(|reason| Suppression {
                by: SuppressedBy::Inline,
                reason: escape(&Redactor::new(self.matcher).bytes(reason)),
            })
        } else {
            None
        };
        Hit {
            start: lines.position(span.start),
            end: lines.position(span.end),
            member: inside.member.clone(),
            rule: rule.id.clone(),
            provider: rule.provider.clone(),
            severity: rule.severity,
            confidence: candidate.confidence,
            key_id: KeyId::of(&candidate.secret),
            mask: candidate.secret.mask(),
            layers: [&inside.layers[..], &candidate.layers].concat(),
            excerpt: Excerpt::new(&text[line], &primary, &hidden),
            suppressed,
        }
    }
}

/// How far a text has been searched, as it is and as wide text.
struct Pass {
    plain: Track,
    wide: Option<(Wide, Track)>,
}

/// How far one reading of a text has been searched.
#[derive(Default)]
struct Track {
    /// Where the window begins.
    offset: u64,
    /// The same with lines; made with the first hit or the second window, since most texts need
    /// neither.
    base: Option<Base>,
    /// Up to where hits have been told.
    told: u64,
}

impl Pass {
    fn new(start: &[u8]) -> Self {
        Self {
            plain: Track::default(),
            wide: Wide::sniff(start).map(|wide| (wide, Track::default())),
        }
    }

    /// Moves the start of the window on by about `by` bytes; says by how many.
    fn advance(&mut self, window: &[u8], by: usize) -> usize {
        let by = match &mut self.wide {
            Some((wide, track)) => {
                let by = wide.boundary(window, by);
                track.advance(&wide.decode(&window[..by]));
                by
            }
            None => by,
        };
        self.plain.advance(&window[..by]);
        by
    }
}

impl Track {
    fn advance(&mut self, passed: &[u8]) {
        let base = self.base.unwrap_or_else(|| Base::start(passed));
        self.base = Some(base.after(passed));
        self.offset += passed.len() as u64;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rule::RuleSet;
    use crate::rule::template::fill;

    fn key(seed: u64) -> String {
        fill("sk-proj-{base64url:74}T3BlbkFJ{base64url:74}", seed)
    }

    fn streamed(text: &[u8]) -> Vec<Hit> {
        let matcher = Matcher::new(RuleSet::built_in()).unwrap();
        let mut inspector = Inspector::new(&matcher, true, false);
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
}
