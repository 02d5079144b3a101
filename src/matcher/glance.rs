//! Tells texts in which nothing can be found, and tells them from what is new in them.
//!
//! Most texts of a history are others with a few lines changed. Where there was nothing that could
//! be more than a text, there is nothing now, unless the change brought it: so only that, and a
//! little around it, is looked at.

use std::ops::Range;

use crate::decode::token;
use crate::matcher::Matcher;

impl Matcher {
    /// Whether there is nothing to start from anywhere in `text`: no keyword, no run of digits that
    /// could be decoded. Then [`Matcher::find`] finds nothing and rejects nothing. What is so, and
    /// not only what is found, has to be the same wherever in a text it stands.
    pub fn is_blank(&self, text: &[u8]) -> bool {
        self.is_blank_in(text, 0..text.len())
    }

    /// The same of a text that was made from another one of which it is true. `fresh` are the ranges
    /// that are new, in order and apart; an empty one is a place where two pieces of the other text
    /// meet that did not there, or an end that was none.
    pub fn is_still_blank(&self, text: &[u8], fresh: &[Range<u32>]) -> bool {
        let sight = self.keywords.longest().max(token::SIGHT);
        // What is before its end is looked at, or will be, or needs not be.
        let mut part = 0..0;
        // Where the digits end that the last range stood before or among.
        let mut run_end = 0;
        for range in fresh {
            let (start, end) = (range.start as usize, range.end as usize);
            if end >= run_end {
                run_end = token::run_end(text, end);
            }
            if run_end + sight <= part.end {
                continue;
            }
            if start > part.end {
                let start = token::affected_from(text, part.end, start, sight);
                if start > part.end {
                    if !self.is_blank_in(text, part) {
                        return false;
                    }
                    part = start..start;
                }
            }
            part.end = token::affected_to(text, run_end, sight);
        }
        self.is_blank_in(text, part)
    }

    fn is_blank_in(&self, text: &[u8], part: Range<usize>) -> bool {
        !self.keywords.any(&text[part.clone()]) && !token::any(text, part)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rule::RuleSet;

    /// Digits that stand for nothing in particular.
    fn hash(length: usize) -> String {
        let digit = |state: &mut u32| {
            *state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            Some(char::from(b"3bZ8qR1xW6"[*state as usize >> 28 & 7]))
        };
        std::iter::repeat_with({
            let mut state = 1;
            move || digit(&mut state)
        })
        .flatten()
        .take(length)
        .collect()
    }

    #[test]
    fn a_line_that_grows_in_its_middle_is_looked_at_with_the_next() {
        let matcher = Matcher::new(RuleSet::built_in()).unwrap();
        let next = hash(133);
        let word = "abcdefg".repeat(19);
        // The lines are not of one length, so neither goes on in the other.
        let shorter = word.strip_prefix('a').unwrap();
        let before = format!("x {shorter}\n{next}");
        assert!(matcher.is_blank(before.as_bytes()));
        let after = format!("y {word}\n{next}");
        assert!(!matcher.is_blank(after.as_bytes()));
        assert!(!matcher.is_still_blank(after.as_bytes(), &[0..1, 2..3]));
    }

    #[test]
    fn a_list_that_ends_far_behind_its_first_element_is_looked_at_from_there() {
        let matcher = Matcher::new(RuleSet::built_in()).unwrap();
        // Base64 of a text.
        let (first, last) = ("YWJjZGVm".repeat(7) + "Z2hp", hash(40));
        let mut ends = 0;
        for blanks in 0..96 {
            let blanks = " ".repeat(blanks);
            let before = format!("'{first}',{blanks}'{last}'{blanks}x");
            let after = format!("'{first}',{blanks}'{last}'{blanks}]");
            assert!(matcher.is_blank(before.as_bytes()));
            let is_blank = matcher.is_blank(after.as_bytes());
            let end = u32::try_from(after.len()).unwrap();
            let fresh = end - 1..end;
            let still = matcher.is_still_blank(after.as_bytes(), std::slice::from_ref(&fresh));
            assert_eq!(still, is_blank);
            ends += u32::from(!is_blank);
        }
        assert!(ends > 60, "{ends}");
    }

    #[test]
    fn a_line_of_a_log_that_begins_far_behind_the_one_before_is_looked_at_from_there() {
        let matcher = Matcher::new(RuleSet::built_in()).unwrap();
        // Base64 of a text, too short to be looked at alone.
        let (first, last) = ("YWJjZGVm".repeat(7) + "Z2hp", hash(40));
        let mut ends = 0;
        for number in (1..260).map(|length| "7".repeat(length)) {
            let line = format!("1. {first}\n{number}. {last}");
            let before = format!("{line}!x");
            let after = format!("{line}\nx");
            // A number may be as long as the first line.
            if !matcher.is_blank(before.as_bytes()) {
                continue;
            }
            let is_blank = matcher.is_blank(after.as_bytes());
            let start = u32::try_from(line.len()).unwrap();
            let fresh = start..start + 1;
            let still = matcher.is_still_blank(after.as_bytes(), std::slice::from_ref(&fresh));
            assert_eq!(still, is_blank, "{number}");
            ends += u32::from(!is_blank);
        }
        assert!(ends > 100, "{ends}");
    }
}
