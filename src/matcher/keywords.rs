//! One search for the keywords of all rules.

use std::collections::BTreeMap;

use aho_corasick::BuildError;

use crate::decode::escape::WORD_SIGHT;
use crate::decode::escape::begins_escaped_word;
use crate::decode::join::CHARACTERS_SIGHT;
use crate::decode::join::begins_characters;
use crate::decode::numbers;
use crate::matcher::layers::MARKER;
use crate::matcher::layers::NEEDLES;
use crate::matcher::layers::Trigger;
use crate::matcher::search::Search;
use crate::rule::RuleSet;

/// What keywords have in common, at their beginning or further on. Each needle less makes the search
/// faster; these are about as rare as the keywords themselves, or begin with rarer bytes, of which
/// the search sees the first three: `ses` is in many words.
///
/// They are given to the search in this order. It takes those together that are eight apart, and looks
/// closer at every place that has for its first, second and third byte what any of them has there.
/// In this order source text has less than half, and base64 a third, of such places that it has in
/// one that is good by chance. Of more than 32, it would look at fewer bytes at a time.
const STEMS: [&[u8]; 32] = [
    b"54;",
    b"84,",
    b"\\12",
    b"Blbk",
    b"'T'",
    b"84 ",
    b"#X5",
    b"sk-",
    // With these, one by one:
    b"54-33",
    b"84+",
    b"u005",
    b"54}",
    b"%54",
    b"84)",
    b"\\x5",
    b"JQQJ99",
    // And these:
    b"=54",
    b"54,",
    b"T\x003\0B",
    b"bkFJ",
    b"&#8",
    b"54 33",
    b"#x5",
    b"84\\",
    // And these:
    b"84;",
    b"54:33",
    b"U000",
    b"\"T\"",
    b"%255",
    b"T3Bl",
    b"3\0\0\0B",
    b"ss-",
];

/// Finds keywords, and the rules they stand for.
#[derive(Debug)]
pub(super) struct Keywords {
    search: Search,
    all: Vec<Keyword>,
    /// For each needle of the search, the keywords that hold it.
    held_by: Vec<Vec<usize>>,
}

/// Bytes to look for, and what they stand for.
#[derive(Debug)]
struct Keyword {
    bytes: Vec<u8>,
    /// How many letters, digits, `_` and `-` follow at the least.
    run: usize,
    /// How many characters of a word with escapes begin with it at the least.
    escaped_word: usize,
    /// Where its needle begins in it.
    offset: usize,
    /// The rules to try around it.
    rules: Vec<usize>,
    /// What to decode around it.
    trigger: Option<Trigger>,
}

impl Keyword {
    /// Bytes that are looked at, from its first on.
    fn sight(&self) -> usize {
        let looked_at = match self.trigger {
            Some(Trigger::Numbers) => numbers::SIGHT,
            Some(Trigger::Characters) => CHARACTERS_SIGHT,
            _ if self.escaped_word > 0 => WORD_SIGHT,
            _ => 0,
        };
        looked_at.max(self.bytes.len() + self.run)
    }

    /// Whether it stands where its needle was found at `at`; if so, where it begins.
    fn around(&self, text: &[u8], at: usize) -> Option<usize> {
        let start = at.checked_sub(self.offset)?;
        let after = text[start..].strip_prefix(self.bytes.as_slice())?;
        let is_word = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-');
        let run = after.get(..self.run)?;
        let fits = run.iter().all(is_word)
            && (self.escaped_word == 0 || begins_escaped_word(&text[start..], self.escaped_word))
            && match self.trigger {
                Some(Trigger::Numbers) => numbers::spells(&text[start..], MARKER),
                Some(Trigger::Characters) => begins_characters(&text[start..], MARKER),
                _ => true,
            };
        fits.then_some(start)
    }
}

impl Keywords {
    pub(super) fn new(rules: &RuleSet) -> Result<Self, BuildError> {
        let mut keywords: BTreeMap<(&[u8], usize, usize), Keyword> = BTreeMap::new();
        let mut add = |key: (_, usize, usize), rule: Option<usize>, trigger| {
            let (bytes, run, escaped_word): (&[u8], _, _) = key;
            let keyword = keywords.entry(key).or_insert_with(|| Keyword {
                bytes: bytes.to_vec(),
                run,
                escaped_word,
                offset: 0,
                rules: Vec::new(),
                trigger: None,
            });
            keyword.rules.extend(rule);
            keyword.trigger = keyword.trigger.or(trigger);
        };
        for keyword in rules.keywords() {
            let followed = (&*keyword.bytes, keyword.run, 0);
            add(followed, Some(keyword.rule), None);
        }
        for needle in NEEDLES {
            let followed = (needle.bytes, 0, needle.escaped_word);
            add(followed, None, Some(needle.trigger));
        }
        let mut keywords: Vec<Keyword> = keywords.into_values().collect();

        let (needles, held_by) = needles(&mut keywords);
        Ok(Self {
            search: Search::new(&needles)?,
            all: keywords,
            held_by,
        })
    }

    /// The rules to try around a keyword.
    pub(super) fn rules(&self, keyword: usize) -> &[usize] {
        &self.all[keyword].rules
    }

    /// Bytes of the longest keyword, with what has to follow it.
    pub(super) fn longest(&self) -> usize {
        let lengths = self.all.iter();
        // There may be none at all.
        lengths.map(Keyword::sight).max().unwrap_or(0)
    }

    /// Whether there is any keyword in a text.
    pub(super) fn any(&self, text: &[u8]) -> bool {
        let mut at = 0;
        while let Some((start, needle)) = self.search.next(text, at) {
            let mut keywords = self.held_by[needle].iter();
            if keywords.any(|&index| self.all[index].around(text, start).is_some()) {
                return true;
            }
            at = start + 1;
        }
        false
    }

    /// Calls `hit` with every place of a keyword, the keyword's number, and what to decode there;
    /// for each keyword in the order of its places.
    pub(super) fn each(&self, text: &[u8], mut hit: impl FnMut(usize, usize, Option<Trigger>)) {
        let mut at = 0;
        // From one byte after the last hit, since needles may overlap.
        while let Some((start, needle)) = self.search.next(text, at) {
            for &index in &self.held_by[needle] {
                let keyword = &self.all[index];
                if let Some(place) = keyword.around(text, start) {
                    hit(place, index, keyword.trigger);
                }
            }
            at = start + 1;
        }
    }
}

/// The fewest byte strings of which every keyword holds one, with the keywords that hold it; none of
/// them holds another. Says each keyword where it begins in it.
fn needles(keywords: &mut [Keyword]) -> (Vec<Vec<u8>>, Vec<Vec<usize>>) {
    let stems = STEMS.iter().enumerate();
    let mut all: Vec<(&[u8], usize, Option<usize>)> =
        stems.map(|(order, stem)| (*stem, order, None)).collect();
    // Others come behind.
    let numbered = keywords.iter().enumerate();
    all.extend(numbered.map(|(index, keyword)| (&*keyword.bytes, STEMS.len(), Some(index))));
    all.sort_by_key(|(bytes, ..)| bytes.len());
    let mut known: Vec<(usize, &[u8], Vec<usize>)> = Vec::new();
    // Those that begin with each byte: this is done at each start of the program.
    let mut beginning = [const { Vec::new() }; 256];
    let mut offsets = vec![0; keywords.len()];
    for (bytes, order, keyword) in all {
        let places = bytes.iter().enumerate().flat_map(|(at, byte)| {
            let here = beginning[usize::from(*byte)].iter();
            here.map(move |needle: &usize| (*needle, at))
        });
        let places = places.filter(|(needle, at)| bytes[*at..].starts_with(known[*needle].1));
        let (needle, offset) = places.min().unwrap_or_else(|| {
            if let Some(first) = bytes.first() {
                beginning[usize::from(*first)].push(known.len());
            }
            known.push((order, bytes, Vec::new()));
            (known.len() - 1, 0)
        });
        if let Some(keyword) = keyword {
            known[needle].2.push(keyword);
            offsets[keyword] = offset;
        }
    }
    // A stem that nothing has in common.
    known.retain(|(_, _, held_by)| !held_by.is_empty());
    known.sort_unstable_by_key(|(order, ..)| *order);
    let needles = known.into_iter().map(|(_, needle, mut held_by)| {
        held_by.sort_unstable();
        (needle.to_vec(), held_by)
    });
    let needles = needles.unzip();
    for (keyword, offset) in keywords.iter_mut().zip(offsets) {
        keyword.offset = offset;
    }
    needles
}
