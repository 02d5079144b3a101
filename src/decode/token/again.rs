//! Which runs of digits are to be looked at again where a part of a text is new, and whether there are any in it.

use std::ops::Range;

use crate::decode::columns;
use crate::decode::digits;
use crate::decode::digits::PROBE;
use crate::decode::token;
use crate::decode::token::MAX_BREAK;
use crate::decode::token::MIN_LINE;
use crate::decode::token::escaped::LONGEST_ESCAPE;
use crate::decode::token::escaped::SOFT_LINE;
use crate::decode::token::escaped::with_escapes;
use crate::decode::token::lines::wrapped;
use crate::decode::token::literals::literals;
use crate::decode::token::sniff::looks_encoded;
use crate::decode::token::ways::run;

/// How far from a run may stand what it is taken for because of: a line of it before, and the escape
/// before that, or the end of a list behind its last element.
pub const SIGHT: usize = columns::SHORTER_SIGHT;
const _: () = assert!(SIGHT >= MAX_BREAK + SOFT_LINE + LONGEST_ESCAPE && SIGHT > columns::MAX_GAP);

/// Where the runs begin that are to be looked at again if what stands at `at` is new, as far as they
/// are not before `floor`; `sight` is [`SIGHT`] at the least.
pub fn affected_from(text: &[u8], floor: usize, at: usize, sight: usize) -> usize {
    let text = &text[floor..];
    let start = digits::start_of(text, at - floor).saturating_sub(sight);
    floor + digits::start_of(text, start)
}

/// Where the run ends that `at` stands before or among.
pub fn run_end(text: &[u8], at: usize) -> usize {
    digits::end_of(text, at)
}

/// Where the runs end that are to be looked at again if what stands before `run_end`, where one ends,
/// is new.
pub fn affected_to(text: &[u8], run_end: usize, sight: usize) -> usize {
    digits::end_of(text, run_end.saturating_add(sight).min(text.len()))
}

/// Whether [`runs`](token::runs) would find anything in a part of `text` that cuts no run: perhaps it finds even
/// less, but it never finds more.
pub fn any(text: &[u8], part: Range<usize>) -> bool {
    let mut at = part.start;
    while let Some(run) = next_run(&text[..part.end], at) {
        if is_any(text, run.clone()) {
            return true;
        }
        at = run.end;
    }
    false
}

/// The first run of digits from `at` on that is long enough to be looked at, to its end. No run may
/// begin before `at` and go on behind it.
fn next_run(text: &[u8], at: usize) -> Option<Range<usize>> {
    let start = digits::next_start(text, at)?;
    Some(start..digits::end_of(text, start + PROBE))
}

/// Whether anything is made of a run, or it is one of several that belong together.
fn is_any(text: &[u8], at: Range<usize>) -> bool {
    let first = text[at.start];
    if text[at.clone()].iter().all(|byte| *byte == first) {
        return false;
    }
    if with_escapes(text, at.clone()).is_some() || literals(text, at.clone()).is_some() {
        return true;
    }
    if at.len() < MIN_LINE || !looks_encoded(&text[at.clone()]) {
        return false;
    }
    let lines = wrapped(text, at.clone());
    let mut any = lines.len() > 1 || token::columns(text, &at, 0).is_some();
    if !any {
        run(text, &lines, None, &mut |_| {
            any = true;
            true
        });
    }
    any
}
