//! One search for the keywords of all rules.

use aho_corasick::AhoCorasick;
use aho_corasick::BuildError;
use aho_corasick::MatchKind as AutomatonKind;
use aho_corasick::packed;
use aho_corasick::packed::MatchKind as PackedKind;

use crate::matcher::layers::NEEDLES;
use crate::matcher::layers::Trigger;
use crate::rule::RuleSet;

/// Finds keywords, and the rules they stand for.
#[derive(Debug)]
pub(super) struct Keywords {
    search: Search,
    /// For each keyword, what begins at its place when it is found.
    meaning: Vec<Meaning>,
}

/// What a keyword stands for.
#[derive(Debug)]
struct Meaning {
    /// The rules to try around it.
    rules: Vec<usize>,
    /// What to decode around it.
    trigger: Option<Trigger>,
}

#[derive(Debug)]
enum Search {
    /// A few keywords: a vectorized search, as fast as memory.
    Packed(packed::Searcher),
    /// Many keywords, or a machine without the instructions.
    Automaton(Box<AhoCorasick>),
    Nothing,
}

impl Keywords {
    pub(super) fn new(rules: &RuleSet) -> Result<Self, BuildError> {
        let mut keywords: Vec<&[u8]> = rules
            .rules()
            .iter()
            .flat_map(|rule| rule.keywords.iter().map(Vec::as_slice))
            .chain(NEEDLES.iter().map(|(needle, _)| *needle))
            .collect();
        // The longest first: where two begin at one place, the search names the first.
        keywords.sort_by(|a, b| b.len().cmp(&a.len()).then(a.cmp(b)));
        keywords.dedup();
        let meaning = keywords
            .iter()
            .map(|found| {
                let stands_for = |keyword: &Vec<u8>| found.starts_with(keyword);
                Meaning {
                    rules: (0..rules.rules().len())
                        .filter(|&index| rules.rules()[index].keywords.iter().any(stands_for))
                        .collect(),
                    trigger: NEEDLES
                        .iter()
                        .find(|(needle, _)| found.starts_with(needle))
                        .map(|(_, trigger)| *trigger),
                }
            })
            .collect();
        Ok(Self {
            search: Search::new(&keywords)?,
            meaning,
        })
    }

    /// The rules to try around a keyword.
    pub(super) fn rules(&self, keyword: usize) -> &[usize] {
        &self.meaning[keyword].rules
    }

    /// Calls `hit` with every place of a keyword, the keyword's number, and what to decode there;
    /// in the order of the places.
    pub(super) fn each(&self, text: &[u8], mut hit: impl FnMut(usize, usize, Option<Trigger>)) {
        let mut at = 0;
        // From one byte after the last hit, since keywords may overlap.
        while let Some((start, keyword)) = self.search.next(text, at) {
            hit(start, keyword, self.meaning[keyword].trigger);
            at = start + 1;
        }
    }
}

impl Search {
    fn new(keywords: &[&[u8]]) -> Result<Self, BuildError> {
        if keywords.is_empty() {
            return Ok(Self::Nothing);
        }
        let packed = packed::Config::new()
            .match_kind(PackedKind::LeftmostFirst)
            .builder()
            .extend(keywords)
            .build();
        if let Some(searcher) = packed {
            return Ok(Self::Packed(searcher));
        }
        AhoCorasick::builder()
            // The default kind knows no vectorized prefilter and is twenty times slower.
            .match_kind(AutomatonKind::LeftmostFirst)
            .build(keywords)
            .map(|automaton| Self::Automaton(Box::new(automaton)))
    }

    fn next(&self, text: &[u8], at: usize) -> Option<(usize, usize)> {
        let found = match self {
            Self::Packed(searcher) => searcher.find_in(text, (at..text.len()).into()),
            Self::Automaton(automaton) => {
                automaton.find(aho_corasick::Input::new(text).range(at..))
            }
            Self::Nothing => None,
        }?;
        Some((found.start(), found.pattern().as_usize()))
    }
}
