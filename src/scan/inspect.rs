//! Turns bytes into hits: the only maker of secrets and excerpts.

use std::cell::RefCell;
use std::collections::HashSet;
use std::fmt;
use std::io;
use std::io::BufReader;
use std::io::Cursor;
use std::io::Read;
use std::io::Seek;
use std::io::SeekFrom;
use std::ops::Range;
use std::thread::AccessError;

use memchr::memmem;

use crate::decode::Layer;
use crate::decode::container;
use crate::decode::container::Budget;
use crate::decode::container::Each;
use crate::decode::container::HEAD;
use crate::decode::container::MAX_DEPTH;
use crate::decode::container::MAX_EXPANDED;
use crate::decode::container::TAIL;
use crate::decode::container::Unread;
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
use crate::rule::Confidence;
use crate::rule::MAX_REACH;
use crate::scan::redact::Redactor;
use crate::scan::redact::hidden_in;
use crate::secret::Secret;
use crate::span::Base;
use crate::span::LineIndex;
use crate::span::Position;
use crate::text::escape;

/// Bytes of a stream that are searched at a time.
const WINDOW: usize = 4 << 20;
/// Bytes of a container that are read at a time.
const AT_A_TIME: usize = 64 << 10;
/// Bytes at the end of a window that are searched again with the next: no match is longer.
const OVERLAP: usize = MAX_REACH;
/// Bytes before these that are kept too, for the excerpt, the boundary and the exception.
const CONTEXT: usize = 2 * MAX_REACH;
/// Bytes of a window that are kept for the next; among them is the end of a zip.
const KEPT: usize = if OVERLAP + CONTEXT > TAIL {
    OVERLAP + CONTEXT
} else {
    TAIL
};
/// Bytes of an archive inside of another.
const MAX_NESTED: u64 = 128 << 20;
/// Bytes to either side of the marker by which keys are told from each other.
const MIDDLE: usize = 8;
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
    /// Matches that were rejected. Only when asked for.
    pub rejected: Vec<Note>,
    /// Why archives, or members of them, were not opened. Their own bytes were searched.
    pub unopened: Vec<String>,
    /// Why the content was not read to its end; what was read was searched.
    pub cut: Option<io::Error>,
    /// Bytes read.
    pub bytes: u64,
    /// For each hit, the middle of it, by which a piece of a key is told for one.
    middles: Vec<Option<KeyId>>,
}

/// A match that was rejected.
#[derive(Debug)]
pub struct Note {
    /// Where it is.
    pub position: Position,
    /// Why it was rejected, and what it lies inside of.
    pub reason: String,
    /// What was rejected.
    key_id: KeyId,
}

impl Inspected {
    /// Whether there is nothing to tell.
    pub fn is_silent(&self) -> bool {
        let nothing_found = self.hits.is_empty() && self.rejected.is_empty();
        nothing_found && self.unopened.is_empty() && self.cut.is_none()
    }

    fn too_deep(&mut self, kind: Layer) {
        let kind = kind.word();
        self.unopened.push(format!(
            "a {kind} lies too deep inside of others to be opened"
        ));
    }

    /// Takes out what was told from a place on.
    fn split_off(&mut self, hits: usize, rejected: usize) -> Self {
        Self {
            hits: self.hits.split_off(hits),
            middles: self.middles.split_off(hits),
            rejected: self.rejected.split_off(rejected),
            ..Self::default()
        }
    }

    /// Adds what was told of the bytes of a container to what was told of its members, which are
    /// here from `hits` and `rejected` on: each key once, and a piece of a key not at all.
    fn add_outer(&mut self, outer: Self, hits: usize, rejected: usize) {
        let keys: HashSet<KeyId> = self.hits[hits..].iter().map(|hit| hit.key_id).collect();
        let middles: HashSet<KeyId> = self.middles[hits..].iter().copied().flatten().collect();
        for (hit, middle) in outer.hits.into_iter().zip(outer.middles) {
            let piece = middle.is_some_and(|middle| middles.contains(&middle));
            if !piece && !keys.contains(&hit.key_id) {
                self.hits.push(hit);
                self.middles.push(middle);
            }
        }
        let known: HashSet<KeyId> = self.rejected[rejected..].iter().map(|n| n.key_id).collect();
        let only_outside = |note: &Note| !known.contains(&note.key_id);
        self.rejected
            .extend(outer.rejected.into_iter().filter(only_outside));
    }
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

thread_local! {
    /// The buffers of streams that were searched to their ends. There are no more than containers
    /// can lie inside of each other.
    static SPARE: RefCell<Vec<Vec<u8>>> = const { RefCell::new(Vec::new()) };
}

/// The bytes of a stream that are searched at a time.
struct Buffer {
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
struct Filled {
    /// Bytes read.
    read: usize,
    /// Whether no more are to be had.
    is_end: bool,
    /// Why not, if that was not to be.
    error: Option<io::Error>,
}

impl Buffer {
    /// One of this thread that was used before, if there is any.
    fn new() -> Self {
        let spare = SPARE.with_borrow_mut(Vec::pop);
        // The system clears memory as it is first used, which of most trees is little of this.
        let bytes = spare.unwrap_or_else(|| vec![0; WINDOW]);
        Self { bytes, filled: 0 }
    }

    fn text(&self) -> &[u8] {
        &self.bytes[..self.filled]
    }

    /// Reads until the buffer is as large as a window or the stream at its end.
    fn fill(&mut self, stream: &mut impl Read) -> Filled {
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
    fn drop_first(&mut self, count: usize) {
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

/// Where in a file the bytes lie that are searched: inside of what.
#[derive(Debug, Clone, Default)]
struct Inside {
    member: Option<Label>,
    layers: Vec<Layer>,
}

impl Inside {
    /// The name of a member here.
    fn join(&self, name: &[u8], redactor: Redactor<'_>) -> Label {
        let outer = self.member.as_ref();
        let outer = outer.map(|outer| [outer.as_bytes(), b"!"].concat());
        // Not everything lies in an archive.
        redactor.label(&[&outer.unwrap_or_default(), name].concat())
    }

    /// A container here, in words.
    fn name(&self, kind: Layer) -> String {
        match &self.member {
            Some(member) => format!("{} {member}", kind.word()),
            None => kind.word().to_owned(),
        }
    }

    /// Where this is, in words, to follow others.
    fn suffix(&self) -> String {
        match (&self.member, self.layers.last()) {
            (Some(member), _) => format!(" (in {member})"),
            (None, Some(layer)) => format!(" (in {})", layer.word()),
            (None, None) => String::new(),
        }
    }
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
        self.whole(text, &Inside::default(), &mut budget, &mut inspected)?;
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
            let inside = Inside::default();
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
        let outcome = self.windows(
            stream,
            &mut buffer,
            &Inside::default(),
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

    /// Searches bytes, and what they hold if they are an archive.
    fn whole(
        &self,
        text: &[u8],
        inside: &Inside,
        budget: &mut Budget,
        inspected: &mut Inspected,
    ) -> Result<(), MatchError> {
        let (hits, rejected) = (inspected.hits.len(), inspected.rejected.len());
        let mut pass = Pass::new(text);
        self.window(text, &mut pass, None, inside, inspected)?;
        let kind = container::kind(&text[..text.len().min(HEAD)]);
        if let Some(kind) = kind.or_else(|| container::kind_at_end(text)) {
            if inside.layers.len() >= MAX_DEPTH {
                inspected.too_deep(kind);
                return Ok(());
            }
            let outer = inspected.split_off(hits, rejected);
            self.container(kind, Cursor::new(text), inside, budget, outer, inspected)?;
        }
        Ok(())
    }

    /// Opens a container and searches its members. `outer` is what its own bytes have; what a member
    /// has as well is told of the member.
    fn container(
        &self,
        kind: Layer,
        content: impl Read + Seek,
        inside: &Inside,
        budget: &mut Budget,
        outer: Inspected,
        inspected: &mut Inspected,
    ) -> Result<(), MatchError> {
        let (hits, rejected) = (inspected.hits.len(), inspected.rejected.len());
        let expand = |budget: &mut Budget, each: &mut Each<'_>| {
            container::expand(kind, content, budget, each)
        };
        let outcome = self.members(kind, expand, inside, budget, inspected);
        inspected.add_outer(outer, hits, rejected);
        outcome
    }

    /// Opens a container that need not be here as a whole, and searches its bytes on the way.
    fn streamed(
        &self,
        kind: Layer,
        content: &mut dyn Read,
        inside: &Inside,
        budget: &mut Budget,
        inspected: &mut Inspected,
    ) -> Result<(), InspectError> {
        let (hits, rejected) = (inspected.hits.len(), inspected.rejected.len());
        let mut tee = Tee {
            inspector: self,
            content,
            inside,
            buffer: Buffer::new(),
            begun: None,
            outer: Inspected::default(),
            failed: None,
        };
        let expand = |budget: &mut Budget, each: &mut Each<'_>| {
            let mut content = BufReader::with_capacity(AT_A_TIME, &mut tee);
            container::expand_stream(kind, &mut content, budget, each)
        };
        let outcome = self.members(kind, expand, inside, budget, inspected);
        let (mut outer, failed) = tee.finish();
        inspected.unopened.append(&mut outer.unopened);
        inspected.add_outer(outer, hits, rejected);
        outcome?;
        failed.map_or(Ok(()), Err)
    }

    /// Searches the members of a container that `expand` opens.
    fn members(
        &self,
        kind: Layer,
        expand: impl FnOnce(&mut Budget, &mut Each<'_>) -> Result<(), Unread>,
        inside: &Inside,
        budget: &mut Budget,
        inspected: &mut Inspected,
    ) -> Result<(), MatchError> {
        let mut failed = None;
        let redactor = Redactor::new(self.matcher);
        // Members count against the same budget, also when they are containers themselves.
        let mut inner = Budget::new(budget.left());
        let opened = expand(&mut inner, &mut |name, content| {
            let mut within = inside.clone();
            within.layers.push(kind);
            if let Some(name) = name {
                within.member = Some(inside.join(name, redactor));
            }
            match self.member(content, &within, budget, inspected) {
                Ok(()) => Ok(()),
                Err(InspectError::Read(error)) => Err(error),
                Err(InspectError::Match(error)) => {
                    failed = Some(error);
                    Err(io::Error::other("a rule could not be run"))
                }
            }
        });
        if let Err(unread) = opened {
            let who = match &unread.member {
                Some(name) => inside.join(name, redactor).to_string(),
                None => "it".to_owned(),
            };
            let more = match unread.more {
                0 => String::new(),
                more => format!(", and {more} more could not be read"),
            };
            let (name, why) = (inside.name(kind), unread.why);
            let what = format!("what the {name} holds was not all read: {who} {why}{more}");
            inspected.unopened.push(what);
        }
        budget.take(inner.used());
        failed.map_or(Ok(()), Err)
    }

    /// Searches a member. What comes before an error in it is searched all the same.
    fn member(
        &self,
        content: &mut dyn Read,
        inside: &Inside,
        budget: &mut Budget,
        inspected: &mut Inspected,
    ) -> Result<(), InspectError> {
        let mut head = Vec::new();
        let mut cut = (&mut *content)
            .take(HEAD as u64)
            .read_to_end(&mut head)
            .err();
        let kind = container::kind(&head);
        let nested = kind.filter(|_| inside.layers.len() < MAX_DEPTH);
        match (kind, nested) {
            (Some(kind), None) => inspected.too_deep(kind),
            (_, Some(kind)) if kind != Layer::Zip => {
                let mut content = chain(head, cut, content);
                return self.streamed(kind, &mut content, inside, budget, inspected);
            }
            // The list of its members is at its end.
            (_, Some(kind)) => {
                if cut.is_none() {
                    let rest = (&mut *content).take(MAX_NESTED).read_to_end(&mut head);
                    cut = rest.err();
                }
                if (head.len() as u64) < MAX_NESTED {
                    self.whole(&head, inside, budget, inspected)?;
                    return cut.map_or(Ok(()), |error| Err(error.into()));
                }
                let name = inside.name(kind);
                inspected
                    .unopened
                    .push(format!("the {name} is too large to be opened in another"));
            }
            (None, None) => {}
        }
        let (hits, rejected) = (inspected.hits.len(), inspected.rejected.len());
        let mut buffer = Buffer::new();
        let mut stream = chain(head, cut, content);
        let found = self.windows(&mut stream, &mut buffer, inside, inspected, &|| false)?;
        match found.filter(|_| kind.is_none()) {
            None => {}
            Some(kind) if inside.layers.len() >= MAX_DEPTH => inspected.too_deep(kind),
            // A zip behind something else. If it is too large to be here still, it is not opened,
            // which is said.
            Some(kind) => {
                let outer = inspected.split_off(hits, rejected);
                let content = Cursor::new(buffer.text());
                self.container(kind, content, inside, budget, outer, inspected)?;
            }
        }
        Ok(())
    }

    /// Searches a stream, of which the size may be known; says what container it is. Where it cannot
    /// be read on, what was read is searched before the error is given.
    fn windows(
        &self,
        stream: &mut impl Read,
        buffer: &mut Buffer,
        inside: &Inside,
        inspected: &mut Inspected,
        cancelled: &dyn Fn() -> bool,
    ) -> Result<Option<Layer>, InspectError> {
        let mut begun = None;
        loop {
            let filled = buffer.fill(stream);
            inspected.bytes += filled.read as u64;
            let kind = self.next_window(buffer, &mut begun, filled.is_end, inside, inspected)?;
            if let Some(error) = filled.error {
                return Err(error.into());
            }
            if filled.is_end {
                return Ok(kind);
            }
            if cancelled() {
                return Err(io::Error::new(io::ErrorKind::Interrupted, "interrupted").into());
            }
        }
    }

    /// Searches a buffer that is full, or at the end of a stream, and makes room in it; says at the end
    /// what container the stream is.
    fn next_window(
        &self,
        buffer: &mut Buffer,
        begun: &mut Option<(Pass, Option<Layer>)>,
        is_end: bool,
        inside: &Inside,
        inspected: &mut Inspected,
    ) -> Result<Option<Layer>, MatchError> {
        let text = buffer.text();
        let (pass, container) = begun.get_or_insert_with(|| {
            let head = &text[..text.len().min(HEAD)];
            (Pass::new(text), container::kind(head))
        });
        let until = (!is_end).then(|| text.len() - OVERLAP);
        self.window(text, pass, until, inside, inspected)?;
        if is_end {
            return Ok(container.or_else(|| container::kind_at_end(text)));
        }
        let kept = pass.advance(text, text.len() - KEPT);
        buffer.drop_first(kept);
        Ok(None)
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
            let decoded = wide.decode(text);
            let mut matches = self.matcher.find(&decoded)?;
            // What is no such text in spite of its looks, or is so from another byte on, is searched
            // as it is, too.
            let mut plain = self.matcher.find(text)?;
            let known: HashSet<&Secret> = matches.candidates.iter().map(|c| &c.secret).collect();
            plain.candidates.retain(|c| !known.contains(&c.secret));
            // Read from another byte on, a key lacks its last character: the whole one is told.
            let is_whole = |c: &&Candidate| c.confidence > Confidence::Medium;
            let all = matches.candidates.iter().chain(&plain.candidates);
            let cut = all.filter(is_whole).map(|c| c.secret.shortened(1));
            let cut: Vec<Secret> = cut.collect();
            let cut: HashSet<&Secret> = cut.iter().collect();
            for matches in [&mut matches, &mut plain] {
                let candidates = &mut matches.candidates;
                candidates.retain(|c| is_whole(&c) || !cut.contains(&c.secret.shortened(0)));
            }
            self.tell(text, &plain, &mut pass.plain, until, inside, inspected);
            let until = until.map(|until| wide.decode(&text[..wide.boundary(text, until)]).len());
            let mut inside = inside.clone();
            inside.layers.push(wide.layer());
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
        if matches.candidates.is_empty() && matches.unopened.is_empty() && !tell_rejected {
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
                inspected.middles.push(self.middle(text, candidate));
            }
        }
        for unopened in &matches.unopened {
            if is_new(unopened.at) {
                inspected.unopened.push(format!(
                    "line {}: {unopened}{}",
                    lines.position(unopened.at).line,
                    inside.suffix()
                ));
            }
        }
        if tell_rejected {
            let taken = |at: usize| matches.candidates.iter().any(|c| c.span.contains(&at));
            let mut said = 0..0;
            for rejected in &matches.rejected {
                let Range { start, end } = rejected.span;
                // What several rules reject, or one once more inside of it, is said once.
                let again = !said.is_empty() && said.contains(&start) && end <= said.end;
                if again || !is_new(start) || taken(start) {
                    continue;
                }
                said = start..end;
                let rule = &self.matcher.rules().rules()[rejected.rule].id;
                let why = rejected.reason.reason();
                inspected.rejected.push(Note {
                    position: lines.position(start),
                    reason: format!("not {rule}: {why}{}", inside.suffix()),
                    key_id: KeyId::of(&Secret::new(&text[start..end], 0)),
                });
            }
        }
    }

    /// What of a key stands around its marker: enough to tell it from all others, and little enough
    /// to be in every piece of it that is told for a key.
    fn middle(&self, text: &[u8], candidate: &Candidate) -> Option<KeyId> {
        let marker = self.matcher.rule(candidate).checks.marker.as_ref()?;
        let written = text.get(candidate.span.clone())?;
        let at = memmem::find(written, marker.as_bytes())?;
        let start = at.checked_sub(MIDDLE)?;
        let middle = written.get(start..at + marker.len() + MIDDLE)?;
        Some(KeyId::of(&Secret::new(middle, 0)))
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
        let own = || allow::reason(text, span);
        let foreign = || allow::foreign(text, span).filter(|_| self.foreign);
        let reason = if self.exceptions {
            own().or_else(foreign)
        } else {
            None
        };
        let suppressed = reason.map(|reason| Suppression {
            by: SuppressedBy::Inline,
            reason: escape(&Redactor::new(self.matcher).bytes(reason)),
        });
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

/// What was read already, and then the rest, or the error that there was in its place.
fn chain<'a>(head: Vec<u8>, cut: Option<io::Error>, rest: &'a mut dyn Read) -> impl Read + use<'a> {
    let rest: Box<dyn Read + 'a> = match cut {
        Some(error) => Box::new(Broken(Some(error))),
        None => Box::new(rest),
    };
    Cursor::new(head).chain(rest)
}

/// A stream of which the bytes are searched as they are while something else reads them. To that, an
/// error is an end.
struct Tee<'a> {
    inspector: &'a Inspector<'a>,
    content: &'a mut dyn Read,
    inside: &'a Inside,
    buffer: Buffer,
    begun: Option<(Pass, Option<Layer>)>,
    outer: Inspected,
    failed: Option<InspectError>,
}

impl Tee<'_> {
    /// Reads and searches the rest; returns what was found, and why that is not all.
    fn finish(mut self) -> (Inspected, Option<InspectError>) {
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

/// Gives an error and ends.
struct Broken(Option<io::Error>);

impl Read for Broken {
    fn read(&mut self, _buffer: &mut [u8]) -> io::Result<usize> {
        self.0.take().map_or(Ok(0), Err)
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
