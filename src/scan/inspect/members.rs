//! Containers, of which the members are searched, and what lies in these.

use std::io;
use std::io::BufReader;
use std::io::Cursor;
use std::io::Read;
use std::io::Seek;

use crate::decode::Layer;
use crate::decode::container;
use crate::decode::container::Budget;
use crate::decode::container::Each;
use crate::decode::container::HEAD;
use crate::decode::container::MAX_DEPTH;
use crate::decode::container::Unread;
use crate::matcher::MatchError;
use crate::scan::inspect::InspectError;
use crate::scan::inspect::Inspector;
use crate::scan::inspect::buffer::Buffer;
use crate::scan::inspect::inside::Inside;
use crate::scan::inspect::inspected::Inspected;
use crate::scan::inspect::tee::AT_A_TIME;
use crate::scan::inspect::tee::Tee;
use crate::scan::inspect::windows::Pass;
use crate::scan::redact::Redactor;

/// Bytes of an archive inside of another.
const MAX_NESTED: u64 = 128 << 20;

impl Inspector<'_> {
    /// Searches bytes, and what they hold if they are an archive.
    pub(super) fn whole(
        &self,
        text: &[u8],
        inside: &Inside<'_>,
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
    pub(super) fn container(
        &self,
        kind: Layer,
        content: impl Read + Seek,
        inside: &Inside<'_>,
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
        inside: &Inside<'_>,
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
        inside: &Inside<'_>,
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
        inside: &Inside<'_>,
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
}

/// What was read already, and then the rest, or the error that there was in its place.
fn chain<'a>(head: Vec<u8>, cut: Option<io::Error>, rest: &'a mut dyn Read) -> impl Read + use<'a> {
    let rest: Box<dyn Read + 'a> = match cut {
        Some(error) => Box::new(Broken(Some(error))),
        None => Box::new(rest),
    };
    Cursor::new(head).chain(rest)
}

/// Gives an error and ends.
struct Broken(Option<io::Error>);

impl Read for Broken {
    fn read(&mut self, _buffer: &mut [u8]) -> io::Result<usize> {
        self.0.take().map_or(Ok(0), Err)
    }
}
