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
        for range in fresh {
            let (start, end) = (range.start as usize, range.end as usize);
            if end + sight <= part.end {
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
            part.end = token::affected_to(text, end, sight);
        }
        self.is_blank_in(text, part)
    }

    fn is_blank_in(&self, text: &[u8], part: Range<usize>) -> bool {
        !self.keywords.any(&text[part.clone()]) && !token::any(text, part)
    }
}
