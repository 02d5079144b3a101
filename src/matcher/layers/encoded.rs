//! What base64 and hex stand for, with what the containers hold that were encoded so.

use std::fmt;
use std::io::Cursor;
use std::io::Read;

use crate::decode::Layer;
use crate::decode::container;
use crate::decode::container::Budget;
use crate::decode::container::Trouble;
use crate::decode::deflate;
use crate::decode::token;
use crate::decode::wide;
use crate::matcher::Candidate;
use crate::matcher::MatchError;
use crate::matcher::Matcher;
use crate::matcher::layers::Depth;
use crate::matcher::layers::allowance::Allowance;
use crate::matcher::layers::below::Below;
use crate::matcher::layers::below::remark;

/// The most an encoded container may expand to.
const MAX_INNER: u64 = 16 << 20;

impl Matcher {
    /// Searches decoded base64 or hex; says whether anything was found.
    pub(super) fn find_in_decoded(
        &self,
        decoded: &token::Decoded,
        depth: Depth<'_>,
        Below {
            candidates: out,
            unopened,
        }: &mut Below,
    ) -> Result<bool, MatchError> {
        let before = out.len();
        let outer = decoded.layers();
        let inner = self.find_at_depth(&decoded.bytes, depth.deeper())?;
        let at = decoded.whole().start;
        let mut remark = |found: Vec<Unopened>, layers: &[Layer]| {
            for inner in found {
                remark(unopened, inner.under(layers, at));
            }
        };
        remark(inner.unopened, &outer);
        out.extend(inner.candidates.into_iter().map(|inner| Candidate {
            span: decoded.source(&inner.span),
            ..inner.under(&outer)
        }));
        if let Some(wide) = wide::Wide::sniff(&decoded.bytes) {
            let layers = [&outer[..], &[wide.layer()]].concat();
            let inner = self.find_at_depth(&wide.decode(&decoded.bytes), depth.deeper())?;
            remark(inner.unopened, &layers);
            out.extend(inner.candidates.into_iter().map(|inner| Candidate {
                span: decoded.whole(),
                ..inner.under(&layers)
            }));
        }
        let deflated = || decoded.layer == Layer::Base64 && deflate::begins(&decoded.bytes);
        if let Some(kind) = kind_of(&decoded.bytes).or(deflated().then_some(Layer::Deflate)) {
            let opened = members(kind, &decoded.bytes, depth.left);
            remark(opened.unopened, &outer);
            for (within, content) in opened.members {
                let inner = self.find_at_depth(&content, depth.deeper())?;
                let layers = [&outer[..], &within].concat();
                remark(inner.unopened, &layers);
                for inner in inner.candidates {
                    // What is stored in a container is told of the innermost.
                    let is_same = |c: &Candidate| c.secret == inner.secret;
                    if let Some(known) = out[before..].iter().position(is_same) {
                        if out[before + known].layers.len() > layers.len() {
                            continue;
                        }
                        out.remove(before + known);
                    }
                    out.push(Candidate {
                        span: decoded.whole(),
                        ..inner.under(&layers)
                    });
                }
            }
        }
        Ok(out.len() > before)
    }
}

/// An encoded container that was not read to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unopened {
    /// Where it begins.
    pub at: usize,
    /// What it is, from outside in.
    layers: Vec<Layer>,
    why: Trouble,
}

impl Unopened {
    /// The same, seen from outside of some layers.
    pub(super) fn under(mut self, layers: &[Layer], at: usize) -> Self {
        self.layers.splice(..0, layers.iter().copied());
        Self { at, ..self }
    }
}

impl fmt::Display for Unopened {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words: Vec<&str> = self.layers.iter().rev().map(|layer| layer.word()).collect();
        let words = words.join(" in ");
        write!(
            f,
            "what the {words} holds was not all read: it {}",
            self.why
        )
    }
}

/// Opens an encoded container, with what that holds, as far as it can be opened.
struct Opener {
    budget: Budget,
    /// The members, each after what it holds itself, and what they were in.
    members: Vec<(Vec<Layer>, Vec<u8>)>,
    unopened: Vec<Unopened>,
}

/// What a container in memory holds.
fn members(kind: Layer, bytes: &[u8], left: &Allowance) -> Opener {
    let mut opener = Opener {
        budget: Budget::new(MAX_INNER.min(left.bytes.get())),
        members: Vec::new(),
        unopened: Vec::new(),
    };
    if opener.budget.left() > 0 {
        opener.open(kind, &[], bytes);
        left.bytes.set(left.bytes.get() - opener.budget.used());
    } else if !left.is_told.replace(true) {
        let (at, layers, why) = (0, vec![kind], Trouble::TooMuch);
        opener.unopened.push(Unopened { at, layers, why });
    }
    opener
}

impl Opener {
    fn open(&mut self, kind: Layer, outer: &[Layer], bytes: &[u8]) {
        let layers = [outer, &[kind]].concat();
        let mut members = Vec::new();
        let mut each = |_: Option<&[u8]>, content: &mut dyn Read| {
            let mut member = Vec::new();
            let read = content.read_to_end(&mut member);
            members.push(member);
            read.map(drop)
        };
        let read = container::expand(kind, Cursor::new(bytes), &mut self.budget, &mut each);
        let mut why = read.err().map(|unread| unread.why);
        for member in members {
            if let Some(kind) = kind_of(&member) {
                if layers.len() < container::MAX_DEPTH {
                    self.open(kind, &layers, &member);
                } else {
                    why = why.or(Some(Trouble::TooDeep));
                }
            }
            self.members.push((layers.clone(), member));
        }
        // Whatever else is the matter, it may only look like a container: the bytes themselves
        // were searched.
        let is_one = |why: &Trouble| {
            matches!(
                why,
                Trouble::TooMuch | Trouble::TooMany | Trouble::TooDeep | Trouble::Encrypted
            )
        };
        if let Some(why) = why.filter(is_one) {
            self.unopened.push(Unopened { at: 0, layers, why });
        }
    }
}

fn kind_of(bytes: &[u8]) -> Option<Layer> {
    container::kind(bytes).or_else(|| container::kind_at_end(bytes))
}
