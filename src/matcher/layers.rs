//! Looks for secrets that are written in another way: escaped, split, wide, encoded, compressed.
//!
//! It costs nothing where there is nothing: what triggers it is found in the one pass for the
//! keywords, save for base64 and hex, whose long runs are told by looking at every 32 bytes.

use std::cell::Cell;
use std::collections::HashSet;
use std::fmt;
use std::io::Cursor;
use std::io::Read;
use std::ops::Range;

use memchr::memmem;

use crate::decode::Layer;
use crate::decode::View;
use crate::decode::container;
use crate::decode::container::Budget;
use crate::decode::container::Trouble;
use crate::decode::deflate;
use crate::decode::dump;
use crate::decode::escape::blank;
use crate::decode::escape::readings;
use crate::decode::escape::reread;
use crate::decode::escape::unescape;
use crate::decode::join::hyphenated;
use crate::decode::join::join;
use crate::decode::join::literals;
use crate::decode::numbers;
use crate::decode::token;
use crate::decode::values::values;
use crate::decode::wide;
use crate::matcher::Candidate;
use crate::matcher::MatchError;
use crate::matcher::Matcher;
use crate::matcher::Matches;
use crate::rule::Confidence;

/// Layers that are taken off each other.
const MAX_DEPTH: usize = 3;
/// Times that escapes are taken off: percent-encoding and JSON are often applied twice.
const MAX_UNESCAPED: usize = 3;
/// Bytes to either side of a trigger that are decoded.
const REACH: usize = 1536;
/// Bytes of text that are decoded at once.
const MAX_PIECE: usize = 64 * 1024;
/// The most an encoded container may expand to.
const MAX_INNER: u64 = 16 << 20;
/// The most that all in a text may expand to, with those that lie inside of each other; longer texts may
/// have so much for each of their bytes.
const MAX_INNERS: u64 = 128 << 20;
const MAX_INNERS_A_BYTE: u64 = 16;

/// How many layers a text lies below the one that is searched, and what the containers of that one may still
/// expand to.
#[derive(Debug, Clone, Copy)]
pub(super) struct Depth<'left> {
    layers: usize,
    left: &'left Allowance,
}

/// What the encoded containers of a text may still expand to. Each may be one that holds many more.
#[derive(Debug)]
pub(super) struct Allowance {
    bytes: Cell<u64>,
    /// Whether it was told that more is not opened.
    is_told: Cell<bool>,
}

impl Allowance {
    pub(super) fn of(text: &[u8]) -> Self {
        let bytes = MAX_INNERS.max(MAX_INNERS_A_BYTE.saturating_mul(text.len() as u64));
        Self {
            bytes: Cell::new(bytes),
            is_told: Cell::new(false),
        }
    }
}

impl<'left> Depth<'left> {
    pub(super) fn surface(left: &'left Allowance) -> Self {
        Self { layers: 0, left }
    }

    fn deeper(self) -> Self {
        let layers = self.layers + 1;
        Self { layers, ..self }
    }
}

/// What a needle that is no rule's keyword asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trigger {
    /// A piece of the marker, or an escaped one: unescape and join what is around.
    Text,
    /// The marker in UTF-16 or UTF-32, with this many bytes a unit.
    Wide(usize),
    /// The marker as a list of numbers.
    Numbers,
    /// The marker as a list of characters, each in quotes: they are joined as pieces of any length are.
    Characters,
}

/// A needle that is no rule's keyword.
#[derive(Debug, Clone, Copy)]
pub(super) struct Needle {
    pub(super) bytes: &'static [u8],
    pub(super) trigger: Trigger,
    /// Characters of a word, of which two are escaped, that have to begin with it; zero for anything.
    pub(super) escaped_word: usize,
}

/// What a key begins with.
const PREFIX: &[u8] = b"sk-";
/// What stands between its halves.
pub(super) const MARKER: &[u8] = b"T3BlbkFJ";

/// Characters of a key from one that is escaped on: most of a half.
const WORD: usize = 10;
/// Characters from the beginning of a key on.
const FIRST_WORD: usize = 20;

const fn needle(bytes: &'static [u8], trigger: Trigger) -> Needle {
    Needle {
        bytes,
        trigger,
        escaped_word: 0,
    }
}

const fn escaped(bytes: &'static [u8], escaped_word: usize) -> Needle {
    Needle {
        bytes,
        trigger: Trigger::Text,
        escaped_word,
    }
}

/// The needles beside the rules' keywords.
///
/// The pieces of OpenAI's marker find a key that is split, wherever: one cut leaves a half whole,
/// and two seldom break the middle too.
/// The next are the marker's first characters as escapes of each kind write them.
/// The last are for keys of which any characters are escaped. Of each kind that can be told by three
/// bytes, they are the letters from `P` to `_`, of which a key has eight or more; of the others, `T`.
/// The very last are its first two numbers in lists that spell it, as such are written.
pub(super) const NEEDLES: [Needle; 63] = [
    needle(b"T3Bl", Trigger::Text),
    needle(b"bkFJ", Trigger::Text),
    needle(b"Blbk", Trigger::Text),
    needle(b"u0054", Trigger::Text),
    needle(b"\\x54\\", Trigger::Text),
    needle(b"\\124\\", Trigger::Text),
    needle(b"%54%", Trigger::Text),
    needle(b"%2554%", Trigger::Text),
    needle(b"U00000054", Trigger::Text),
    needle(b"54}\\", Trigger::Text),
    needle(b"54}`", Trigger::Text),
    needle(b"84;&", Trigger::Text),
    needle(b"54;&", Trigger::Text),
    needle(b"=54=", Trigger::Text),
    needle(b"T\x003\0B", Trigger::Wide(2)),
    needle(b"3\0\0\0B", Trigger::Wide(4)),
    escaped(b"sk-", FIRST_WORD),
    escaped(b"\\u005", WORD),
    escaped(b"\\U0000005", WORD),
    escaped(b"\\x5", WORD),
    escaped(b"\\12", WORD),
    escaped(b"\\u{54}", WORD),
    escaped(b"\\x{54}", WORD),
    escaped(b"%54", WORD),
    escaped(b"=54", WORD),
    escaped(b"%255", WORD),
    escaped(b"&#8", WORD),
    escaped(b"&#x5", WORD),
    escaped(b"&#X5", WORD),
    escaped(b"&#x0054;", WORD),
    escaped(b"&#084;", WORD),
    escaped(b"&#0084;", WORD),
    escaped(b"&amp;#84;", WORD),
    needle(b"54, 0x", Trigger::Numbers),
    needle(b"54,0x", Trigger::Numbers),
    needle(b"54,\n", Trigger::Numbers),
    needle(b"54,3", Trigger::Numbers),
    needle(b"54, 33", Trigger::Numbers),
    needle(b"54, (", Trigger::Numbers),
    needle(b"54,(", Trigger::Numbers),
    needle(b"54, $", Trigger::Numbers),
    needle(b"54,$", Trigger::Numbers),
    needle(b"54, &", Trigger::Numbers),
    needle(b"54,00", Trigger::Numbers),
    needle(b"54 33", Trigger::Numbers),
    needle(b"54;3", Trigger::Numbers),
    needle(b"54:33", Trigger::Numbers),
    needle(b"54-33", Trigger::Numbers),
    needle(b"84, 51", Trigger::Numbers),
    needle(b"84,51", Trigger::Numbers),
    needle(b"84, (", Trigger::Numbers),
    needle(b"84,(", Trigger::Numbers),
    needle(b"84,\"", Trigger::Numbers),
    needle(b"84,\n", Trigger::Numbers),
    needle(b"84;5", Trigger::Numbers),
    needle(b"84)", Trigger::Numbers),
    needle(b"84+", Trigger::Numbers),
    needle(b"84 5", Trigger::Numbers),
    needle(b"84  5", Trigger::Numbers),
    needle(b"84 +", Trigger::Numbers),
    needle(b"84\\", Trigger::Numbers),
    needle(b"'T'", Trigger::Characters),
    needle(b"\"T\"", Trigger::Characters),
];

impl Matcher {
    /// Adds what is found below the surface of `text`. `triggers` are the places of [`NEEDLES`].
    ///
    /// Whatever is looked for without one of these has to be known to [`Matcher::is_blank`] too.
    pub(super) fn find_layered(
        &self,
        text: &[u8],
        triggers: &[(usize, Trigger)],
        depth: Depth<'_>,
        matches: &mut Matches,
    ) -> Result<(), MatchError> {
        if depth.layers >= MAX_DEPTH {
            return Ok(());
        }
        let mut deeper = Vec::new();
        let mut error = None;
        token::runs(text, |decoded| {
            match self.find_in_decoded(&decoded, depth, &mut deeper, &mut matches.unopened) {
                Ok(found) => found,
                Err(failed) => {
                    error = Some(failed);
                    true
                }
            }
        });
        if let Some(error) = error {
            return Err(error);
        }
        matches.add_deeper(&mut deeper);

        let none = matches.known_to_be_none();
        let mut piece: Option<Range<usize>> = None;
        let mut wide = (0, 0..0);
        let mut listed = HashSet::new();
        let mut dumped = 0;
        for &(at, trigger) in triggers {
            if matches.covers(at, &none) {
                continue;
            }
            if matches!(trigger, Trigger::Text | Trigger::Numbers) && at >= dumped {
                dumped = self.find_in_dump(text, at, depth, &mut deeper)?;
            }
            match trigger {
                Trigger::Wide(unit) => {
                    // One run holds many.
                    if wide.0 != unit || !wide.1.contains(&at) {
                        let run = self.find_in_wide(text, at, unit, depth, &mut deeper)?;
                        wide = (unit, run);
                    }
                }
                Trigger::Numbers => {
                    // So does one list.
                    if !listed.contains(&at) {
                        self.find_in_numbers(text, at, depth, &mut listed, &mut deeper)?;
                    }
                }
                Trigger::Text | Trigger::Characters => {
                    let around = at.saturating_sub(REACH)..text.len().min(at + REACH);
                    match &mut piece {
                        Some(piece) if around.start <= piece.end && piece.len() < MAX_PIECE => {
                            piece.end = around.end;
                        }
                        _ => {
                            if let Some(piece) = piece.replace(around) {
                                self.find_in_piece(text, piece, depth, &mut deeper)?;
                            }
                        }
                    }
                }
            }
        }
        if let Some(piece) = piece {
            self.find_in_piece(text, piece, depth, &mut deeper)?;
        }
        matches.add_deeper(&mut deeper);
        Ok(())
    }

    /// Searches decoded base64 or hex; says whether anything was found.
    fn find_in_decoded(
        &self,
        decoded: &token::Decoded,
        depth: Depth<'_>,
        out: &mut Vec<Candidate>,
        unopened: &mut Vec<Unopened>,
    ) -> Result<bool, MatchError> {
        let before = out.len();
        let outer = decoded.layers();
        let inner = self.find_at_depth(&decoded.bytes, depth.deeper())?;
        let at = decoded.whole().start;
        let mut remark = |found: Vec<Unopened>, layers: &[Layer]| {
            for inner in found {
                let inner = inner.under(layers, at);
                if !unopened.contains(&inner) {
                    unopened.push(inner);
                }
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

    /// Searches the run of wide text around `at`; gives what of the text need not be searched again.
    fn find_in_wide(
        &self,
        text: &[u8],
        at: usize,
        unit: usize,
        depth: Depth<'_>,
        out: &mut Vec<Candidate>,
    ) -> Result<Range<usize>, MatchError> {
        let (view, range, layer) = wide::run_around(text, at, unit, MAX_PIECE);
        let inner = self.find_at_depth(view.bytes(), depth.deeper())?;
        out.extend(inner.candidates.into_iter().map(|inner| {
            let span = view.source(&inner.span);
            Candidate {
                span: range.start + span.start..range.start + span.end,
                ..inner.under(&[layer])
            }
        }));
        // Where the run was cut off, its end is to be searched again.
        let cut = range.end - at >= MAX_PIECE;
        let end = if cut { range.end - REACH } else { range.end };
        Ok(range.start..end)
    }

    /// Searches the list of numbers around `at`; notes the places of markers for which it need not be
    /// searched again.
    fn find_in_numbers(
        &self,
        text: &[u8],
        at: usize,
        depth: Depth<'_>,
        listed: &mut HashSet<usize>,
        out: &mut Vec<Candidate>,
    ) -> Result<(), MatchError> {
        let Some((view, layer)) = numbers::list_around(text, at, MARKER) else {
            return Ok(());
        };
        self.find_in_view(&view, layer, depth, out)?;
        let mut known = view.bytes();
        if known.len() > numbers::BEHIND {
            // Where it was cut off, its end is to be searched again.
            known = &known[..known.len() - REACH];
        }
        for marker in memmem::find_iter(known, MARKER) {
            listed.extend(view.source(&(marker..marker + 1)));
        }
        Ok(())
    }

    /// Searches the dump in which `at` stands, if it does; gives up to where it need not be searched again.
    fn find_in_dump(
        &self,
        text: &[u8],
        at: usize,
        depth: Depth<'_>,
        out: &mut Vec<Candidate>,
    ) -> Result<usize, MatchError> {
        let Some((view, known)) = dump::around(text, at) else {
            return Ok(dump::line_end(text, at));
        };
        self.find_in_view(&view, Layer::Hex, depth, out)?;
        Ok(known)
    }

    /// Searches what was decoded of a layer.
    fn find_in_view(
        &self,
        view: &View,
        layer: Layer,
        depth: Depth<'_>,
        out: &mut Vec<Candidate>,
    ) -> Result<(), MatchError> {
        let inner = self.find_at_depth(view.bytes(), depth.deeper())?;
        out.extend(inner.candidates.into_iter().map(|inner| Candidate {
            span: view.source(&inner.span),
            ..inner.under(&[layer])
        }));
        Ok(())
    }

    /// Searches a piece of text: joined, unescaped, unescaped and joined, and so on.
    fn find_in_piece(
        &self,
        text: &[u8],
        piece: Range<usize>,
        depth: Depth<'_>,
        out: &mut Vec<Candidate>,
    ) -> Result<(), MatchError> {
        let mut view = View::of(&text[piece.clone()]);
        let mut found = Vec::new();
        for round in 0..=MAX_UNESCAPED {
            if round > 0 {
                let inner = self.find_at_depth(view.bytes(), depth.deeper())?;
                found.extend(in_view(inner.candidates, &view));
            }
            // What they may mean is looked at where the marker is not written in any of them.
            let readings = if round == 0 && has_marker(&view) {
                readings(&view)
            } else {
                Vec::new()
            };
            for reading in readings {
                if let Some(other) = reread(&view, reading).filter(has_marker) {
                    let inner = self.find_plain(other.bytes(), &[])?;
                    found.extend(in_view(inner.candidates, &other));
                }
            }
            // Words that follow each other make up any length: only known ones around a marker
            // count, that end where a piece ends. A cut key would be filled up from what follows.
            let has_prefix = memmem::find(view.bytes(), PREFIX).is_some();
            let blank = blank(&view);
            let literals = has_prefix.then(|| literals(&view));
            let hyphenated = if round == 0 && has_marker(&view) {
                hyphenated(&view)
            } else {
                None
            };
            // What a value begins with may look like an escape: they are as they stand, or not at all.
            let values = if has_prefix && round == 0 {
                values(&view, PREFIX).filter(has_marker)
            } else {
                None
            };
            // As many as there are.
            let all = [Some(join(&blank)), literals, hyphenated, values];
            for joined in all.into_iter().flatten() {
                let inner = self.find_plain(joined.bytes(), &joined.boundaries())?;
                let exact = inner.candidates.into_iter().filter(|candidate| {
                    candidate.confidence >= Confidence::High
                        && self.rule(candidate).checks.marker.is_some()
                        && joined.ends_piece(candidate.span.end)
                });
                found.extend(in_view(exact.collect(), &joined));
            }
            match unescape(&view) {
                Some(next) => view = next,
                None => break,
            }
        }
        out.extend(found.into_iter().map(|candidate| Candidate {
            span: piece.start + candidate.span.start..piece.start + candidate.span.end,
            ..candidate
        }));
        Ok(())
    }
}

fn has_marker(view: &View) -> bool {
    memmem::find(view.bytes(), MARKER).is_some()
}

/// Candidates of a view as candidates of the text it was made of.
fn in_view(candidates: Vec<Candidate>, view: &View) -> Vec<Candidate> {
    candidates
        .into_iter()
        .map(|candidate| {
            let layers = view.layers(&candidate.span);
            Candidate {
                span: view.source(&candidate.span),
                ..candidate.under(&layers)
            }
        })
        .collect()
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
    fn under(mut self, layers: &[Layer], at: usize) -> Self {
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
