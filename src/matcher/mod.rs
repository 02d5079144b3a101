//! Finds candidates: keywords first, then each rule's pattern around them, then its checks.

mod glance;
mod keywords;
mod layers;
mod overlap;
mod search;

use std::collections::BTreeMap;
use std::collections::HashSet;
use std::ops::Range;

pub use aho_corasick::BuildError;
use regex::bytes::Regex;

use crate::decode::Layer;
use crate::matcher::keywords::Keywords;
pub use crate::matcher::layers::Allowance;
use crate::matcher::layers::Depth;
use crate::matcher::layers::Trigger;
pub use crate::matcher::layers::Unopened;
use crate::rule::Compiled;
use crate::rule::Confidence;
use crate::rule::Rule;
use crate::rule::RuleSet;
use crate::rule::check::Rejection;
use crate::secret::Secret;

/// Rejected matches that are remembered of one text: they are told with `-v` only. Those that may
/// be keys all the same are all remembered, to be masked.
const MAX_REJECTED: usize = 1000;

/// Bytes that are a secret, as far as the matcher can tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// The rule, by its index in [`RuleSet::rules`].
    pub rule: usize,
    /// The bytes that are the secret, or that it is written in.
    pub span: Range<usize>,
    /// How sure it is.
    pub confidence: Confidence,
    /// The secret itself.
    pub secret: Secret,
    /// The layers it is written in, from outside in.
    pub layers: Vec<Layer>,
}

impl Candidate {
    /// The same, seen from outside of some layers.
    fn under(mut self, layers: &[Layer]) -> Self {
        self.layers.splice(..0, layers.iter().copied());
        self
    }
}

/// Bytes that a rule's pattern matched and its checks rejected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejected {
    /// The rule, by its index in [`RuleSet::rules`].
    pub rule: usize,
    /// Where the match is.
    pub span: Range<usize>,
    /// Why it is no candidate.
    pub reason: Rejection,
}

/// What one search found.
#[derive(Debug, Default)]
pub struct Matches {
    /// The secrets, by place; none overlaps another.
    pub candidates: Vec<Candidate>,
    /// What was looked at and is none, by place.
    pub rejected: Vec<Rejected>,
    /// Encoded containers that were not read to their end, by place.
    pub unopened: Vec<Unopened>,
    /// What would be a candidate, did it not follow a letter.
    glued: Vec<Candidate>,
}

impl Matches {
    /// Decides who has which bytes, and what to make of matches that follow a letter: where that
    /// is the last letter of another secret, or a seam of a view, they are secrets too.
    fn settle(&mut self, seams: &[usize]) {
        overlap::resolve(&mut self.candidates);
        if !self.glued.is_empty() {
            let ends = self.candidates.iter().map(|c| c.span.end);
            let mut ends: HashSet<usize> = ends.chain(seams.iter().copied()).collect();
            let mut glued = std::mem::take(&mut self.glued);
            glued.sort_by_key(|c| (c.span.start, c.rule));
            for candidate in glued {
                if ends.contains(&candidate.span.start) {
                    ends.insert(candidate.span.end);
                    self.candidates.push(candidate);
                } else {
                    self.reject(candidate, Rejection::PartOfWord);
                }
            }
            overlap::resolve(&mut self.candidates);
        }
        self.rejected.sort_by_key(|rejected| rejected.span.start);
    }

    /// Where what is made up or a part of a word lies, in order and apart: there may be as many as words.
    fn known_to_be_none(&self) -> Vec<Range<usize>> {
        let mut all: Vec<Range<usize>> = Vec::new();
        let is_none = |reason: Rejection| reason.is_made_up() || reason == Rejection::PartOfWord;
        for rejected in self.rejected.iter().filter(|r| is_none(r.reason)) {
            let span = &rejected.span;
            match all.last_mut() {
                Some(last) if span.start <= last.end => last.end = last.end.max(span.end),
                _ => all.push(span.clone()),
            }
        }
        all
    }

    /// Whether a secret of known form, or some of `none`, lies over `at`.
    fn covers(&self, at: usize, none: &[Range<usize>]) -> bool {
        let after = self.candidates.partition_point(|c| c.span.start <= at);
        let found = after.checked_sub(1).is_some_and(|last| {
            let last = &self.candidates[last];
            last.span.contains(&at) && last.confidence > Confidence::Medium
        });
        let after = none.partition_point(|span| span.start <= at);
        let last = after.checked_sub(1).and_then(|last| none.get(last));
        found || last.is_some_and(|span| span.contains(&at))
    }

    /// Adds what was found in deeper layers where nothing was found above them. A key of unknown
    /// length gives way to one of known length that it is a piece of.
    fn add_deeper(&mut self, deeper: &mut Vec<Candidate>) {
        if deeper.is_empty() {
            return;
        }
        deeper.sort_by_key(|c| {
            let unknown = c.confidence <= Confidence::Medium;
            let span = (c.span.start, c.span.end);
            (unknown, c.layers.len(), c.rule, span, c.secret.length())
        });
        let mut taken: BTreeMap<usize, usize> = BTreeMap::new();
        let mut known = std::mem::take(&mut self.candidates);
        let overlaps = |a: &Range<usize>, b: &Range<usize>| a.start < b.end && b.start < a.end;
        if known.iter().any(|c| c.confidence <= Confidence::Medium) {
            known.retain(|known| {
                known.confidence > Confidence::Medium
                    || !deeper.iter().any(|c| {
                        c.confidence > Confidence::Medium && overlaps(&c.span, &known.span)
                    })
            });
        }
        taken.extend(known.iter().map(|c| (c.span.start, c.span.end)));
        self.candidates = known;
        for candidate in deeper.drain(..) {
            let span = &candidate.span;
            let before = taken.range(..span.end).next_back();
            let free = before.is_none_or(|(_, &end)| end <= span.start);
            // What a compressed piece holds all lies at the same place. A word of the code between two
            // pieces may look like the name in a key: then the shorter key is meant.
            let is_text = candidate.layers.iter().all(|layer| layer.is_of_text());
            let here = self.candidates.iter().filter(|known| known.span == *span);
            let mut here = here
                .map(|known| known.secret != candidate.secret)
                .peekable();
            if free || !is_text && here.peek().is_some() && here.all(|is_another| is_another) {
                taken.insert(span.start, span.end);
                self.candidates.push(candidate);
            }
        }
        self.candidates.sort_by_key(|c| c.span.start);
    }

    fn reject(&mut self, candidate: Candidate, reason: Rejection) {
        if self.rejected.len() < MAX_REJECTED || reason == Rejection::PartOfWord {
            self.rejected.push(Rejected {
                rule: candidate.rule,
                span: candidate.span,
                reason,
            });
        }
    }
}

/// Searches bytes for the secrets of a rule set. Immutable, shared by all threads.
#[derive(Debug)]
pub struct Matcher {
    rules: RuleSet,
    keywords: Keywords,
}

/// Why bytes could not be searched.
#[derive(Debug, thiserror::Error)]
#[error("rule `{rule}` has a pattern that does not compile")]
pub struct MatchError {
    /// The rule.
    pub rule: String,
    /// What is wrong with it.
    #[source]
    pub error: regex::Error,
}

impl Matcher {
    /// Makes a matcher. Compiles no pattern: that waits for the first keyword found.
    pub fn new(rules: RuleSet) -> Result<Self, BuildError> {
        Ok(Self {
            keywords: Keywords::new(&rules)?,
            rules,
        })
    }

    /// The rules.
    pub fn rules(&self) -> &RuleSet {
        &self.rules
    }

    /// The rule of a candidate.
    pub fn rule(&self, candidate: &Candidate) -> &Rule {
        &self.rules.rules()[candidate.rule]
    }

    /// Finds every secret in `text`, also those written in another way.
    pub fn find(&self, text: &[u8]) -> Result<Matches, MatchError> {
        self.find_in_part(text, &Allowance::default())
    }

    /// The same of a part of a text, of which all parts have one allowance.
    pub fn find_in_part(&self, part: &[u8], left: &Allowance) -> Result<Matches, MatchError> {
        left.extend(part);
        self.find_at_depth(part, Depth::surface(left))
    }

    fn find_at_depth(&self, text: &[u8], depth: Depth<'_>) -> Result<Matches, MatchError> {
        let mut triggers = Vec::new();
        let mut matches = self.find_on_surface(text, &[], |at, trigger| {
            triggers.push((at, trigger));
        })?;
        self.find_layered(text, &triggers, depth, &mut matches)?;
        Ok(matches)
    }

    /// Finds the secrets that are written as they are. One may begin at a seam whatever stands
    /// before it.
    pub fn find_plain(&self, text: &[u8], seams: &[usize]) -> Result<Matches, MatchError> {
        self.find_on_surface(text, seams, |_, _| {})
    }

    fn find_on_surface(
        &self,
        text: &[u8],
        seams: &[usize],
        mut triggered: impl FnMut(usize, Trigger),
    ) -> Result<Matches, MatchError> {
        let mut places = Places::default();
        self.keywords.each(text, |at, keyword, trigger| {
            places.add(keyword, at);
            if let Some(trigger) = trigger {
                triggered(at, trigger);
            }
        });
        let mut matches = Matches::default();
        // Most texts have none.
        if places.0.is_empty() {
            return Ok(matches);
        }
        for (rule, places) in places.by_rule(&self.keywords) {
            self.find_around(rule, text, &places, &mut matches)?;
        }
        matches.settle(seams);
        Ok(matches)
    }

    /// The same as [`Matcher::find_plain`] by running every pattern over everything: what that has
    /// to agree with.
    pub fn find_without_keywords(&self, text: &[u8]) -> Result<Matches, MatchError> {
        let mut matches = Matches::default();
        for index in 0..self.rules.rules().len() {
            let compiled = self.compiled(index)?;
            self.run(index, compiled, text, 0..text.len(), &mut matches);
        }
        matches.settle(&[]);
        Ok(matches)
    }

    fn compiled(&self, index: usize) -> Result<&Compiled, MatchError> {
        let rule = &self.rules.rules()[index];
        rule.compiled().map_err(|error| MatchError {
            rule: rule.id.clone(),
            error: error.clone(),
        })
    }

    /// Runs one rule around the places of its keywords; windows that touch are run as one.
    fn find_around(
        &self,
        index: usize,
        text: &[u8],
        places: &[Range<usize>],
        matches: &mut Matches,
    ) -> Result<(), MatchError> {
        let compiled = self.compiled(index)?;
        let mut windows = places.iter().map(|places| {
            let end = places.end.saturating_add(compiled.reach).min(text.len());
            places.start.saturating_sub(compiled.reach)..end
        });
        let Some(mut current) = windows.next() else {
            return Ok(());
        };
        for next in windows {
            if next.start <= current.end {
                current.end = current.end.max(next.end);
            } else {
                self.run(index, compiled, text, current, matches);
                current = next;
            }
        }
        self.run(index, compiled, text, current, matches);
        Ok(())
    }

    /// Collects the matches that lie in `window`. What the pattern asks of the text before the
    /// window it sees; of the text after, one byte.
    fn run(
        &self,
        index: usize,
        compiled: &Compiled,
        text: &[u8],
        window: Range<usize>,
        matches: &mut Matches,
    ) {
        let rule = &self.rules.rules()[index];
        let whole_text = text;
        let text = &text[..text.len().min(window.end + 1)];
        let mut at = window.start;
        while at <= window.end {
            let Some(found) = find_at(rule, &compiled.regex, text, at) else {
                break;
            };
            let Found {
                whole,
                secret,
                body,
            } = found;
            match rule.checks.run(whole_text, &secret, &body) {
                Ok(()) => {
                    at = whole.end.max(at + 1);
                    let certain = rule.checks.has_zero_tail(&text[body]);
                    matches.candidates.push(Candidate {
                        rule: index,
                        secret: Secret::new(&text[secret.clone()], rule.public_prefix.len()),
                        span: secret,
                        confidence: if certain {
                            Confidence::Certain
                        } else {
                            rule.confidence
                        },
                        layers: Vec::new(),
                    });
                }
                // A secret may begin inside of what is none: `desk-` and the name in a named key.
                Err(reason) => {
                    at = whole.start + 1;
                    let confidence = rule.confidence;
                    let candidate = Candidate {
                        rule: index,
                        secret: Secret::new(&text[secret.clone()], rule.public_prefix.len()),
                        span: secret,
                        confidence,
                        layers: Vec::new(),
                    };
                    if reason == Rejection::PartOfWord {
                        matches.glued.push(candidate);
                    } else {
                        matches.reject(candidate, reason);
                    }
                }
            }
        }
    }
}

/// One match of a pattern.
struct Found {
    whole: Range<usize>,
    secret: Range<usize>,
    body: Range<usize>,
}

/// The next match at or after `at`.
fn find_at(rule: &Rule, regex: &Regex, text: &[u8], at: usize) -> Option<Found> {
    let body =
        |secret: &Range<usize>| secret.end.min(secret.start + rule.public_prefix.len())..secret.end;
    if regex.captures_len() == 1 {
        let whole = regex.find_at(text, at)?.range();
        return Some(Found {
            secret: whole.clone(),
            body: body(&whole),
            whole,
        });
    }
    let captures = regex.captures_at(text, at)?;
    let whole = captures.get(0)?.range();
    let group = |name| captures.name(name).map(|group| group.range());
    let secret = group("secret").unwrap_or_else(|| whole.clone());
    Some(Found {
        body: group("body").unwrap_or_else(|| body(&secret)),
        secret,
        whole,
    })
}

/// Places of keywords that are nearer to each other than this are kept as one.
const NEAR: usize = 256;

/// The places of each keyword; empty and unallocated until something hits.
#[derive(Default)]
struct Places(BTreeMap<usize, Vec<Range<usize>>>);

impl Places {
    fn add(&mut self, keyword: usize, at: usize) {
        let places = self.0.entry(keyword).or_default();
        match places.last_mut() {
            Some(last) if at - last.end < NEAR => last.end = at,
            _ => places.push(at..at),
        }
    }

    /// The places around which each rule is to be tried, ascending.
    fn by_rule(self, keywords: &Keywords) -> BTreeMap<usize, Vec<Range<usize>>> {
        let mut by_rule: BTreeMap<usize, Vec<Range<usize>>> = BTreeMap::new();
        for (keyword, places) in self.0 {
            for &rule in keywords.rules(keyword) {
                by_rule.entry(rule).or_default().extend_from_slice(&places);
            }
        }
        for places in by_rule.values_mut() {
            places.sort_unstable_by_key(|place| (place.start, place.end));
        }
        by_rule
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rule::template::fill;
    use crate::rule::template::fill_all;

    fn found(text: &str) -> Vec<(String, String)> {
        let matcher = Matcher::new(RuleSet::all_built_in()).unwrap();
        let found = matcher.find(text.as_bytes()).unwrap();
        found
            .candidates
            .iter()
            .map(|c| {
                let secret = text.as_bytes()[c.span.clone()].escape_ascii().to_string();
                (matcher.rule(c).id.clone(), secret)
            })
            .collect()
    }

    #[test]
    fn every_rule_finds_its_examples_and_nothing_in_the_others() {
        for seed in 0..20 {
            let rules = RuleSet::all_built_in();
            for (rule, line) in fill_all(&rules, seed, |rule| &rule.examples) {
                let rules: Vec<_> = found(&line).into_iter().map(|(rule, _)| rule).collect();
                assert_eq!(rules, [rule.as_str()], "seed {seed}: {line}");
            }
            for (rule, line) in fill_all(&rules, seed, |rule| &rule.counter_examples) {
                let found = found(&line);
                assert!(
                    found.iter().all(|(other, _)| *other != rule),
                    "seed {seed}: {line}"
                );
            }
        }
    }

    #[test]
    fn a_key_ends_where_its_length_says() {
        for (template, ends) in [
            ("sk-proj-{base64url:74}T3BlbkFJ{base64url:74}", "_old-2026"),
            ("sk-{alnum:20}T3BlbkFJ{alnum:20}", "andMore"),
            ("sk-svcacct-{alnum:20}T3BlbkFJ{alnum:20}", "),"),
        ] {
            let key = fill(template, 3);
            let found = found(&format!("x={key}{ends}"));
            assert_eq!(found.len(), 1);
            assert_eq!(found[0].1, key);
        }
    }

    #[test]
    fn keys_back_to_back_are_all_found() {
        let key = |seed| fill("sk-proj-{base64url:74}T3BlbkFJ{base64url:74}", seed);
        let short = |seed| fill("sk-{alnum:20}T3BlbkFJ{alnum:20}", seed);
        let all = [key(1), short(2), key(3), short(4), short(5), key(6)];
        let secrets: Vec<_> = found(&all.concat()).into_iter().map(|(_, s)| s).collect();
        assert_eq!(secrets, all);
    }

    #[test]
    fn a_key_inside_of_what_is_rejected_is_found() {
        let key = fill("sk-app-{alnum:20}T3BlbkFJ{alnum:20}", 9);
        let found = found(&format!("risk-{key}"));
        assert_eq!(found, [("openai-named".to_owned(), key)]);
    }

    #[test]
    fn a_pattern_sees_the_text_before_its_window() {
        let mut rules = RuleSet::built_in();
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(
            file.path(),
            "[[rule]]\nid = 'acme'\nsummary = 'x'\nkeywords = ['acme_']\npattern = '\\bacme_(?P<secret>[0-9]{4})\\b'",
        )
        .unwrap();
        rules.load(file.path()).unwrap();
        let matcher = Matcher::new(rules).unwrap();
        let span = |text: &[u8]| {
            let found = matcher.find(text).unwrap();
            found.candidates.first().map(|c| c.span.clone())
        };
        assert_eq!(span(b"an acme_1234 b"), Some(8..12));
        assert_eq!(span(b"acme_1234"), Some(5..9));
        assert_eq!(span(b"xacme_1234 acme_12345"), None);
    }
}
