//! Reads rule files.

use std::borrow::Cow;
use std::collections::HashSet;
use std::fs::File;
use std::io::Read as _;
use std::path::Path;
use std::path::PathBuf;
use std::sync::OnceLock;

use crate::rule::Keyword;
use crate::rule::Rule;
use crate::rule::RuleSet;
use crate::rule::built_in::KEYWORDS;
use crate::rule::built_in::OfRule;
use crate::rule::check::Checks;
use crate::rule::file::RuleEntry;
use crate::rule::file::RuleFile;

/// The rule files that are part of the program, in the order of their rank.
const BUILT_IN: [(&str, &str); 3] = [
    ("rules/openai.toml", include_str!("../../rules/openai.toml")),
    (
        "rules/lookalikes.toml",
        include_str!("../../rules/lookalikes.toml"),
    ),
    (
        "rules/unmarked.toml",
        include_str!("../../rules/unmarked.toml"),
    ),
];

/// Bytes a rule file may have.
pub const MAX_FILE: u64 = 4 << 20;
/// Rules a file may hold.
const MAX_RULES: usize = 1000;
/// The shortest keyword: shorter ones would stop the search at every other line.
const MIN_KEYWORD: usize = 3;

/// Why a rule file was refused.
#[derive(Debug, thiserror::Error)]
#[error("rule file {}", path.display())]
pub struct RuleError {
    /// The file, as it was named.
    pub path: PathBuf,
    /// What is wrong with it.
    #[source]
    pub reason: RuleErrorReason,
}

/// What can be wrong with a rule file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RuleErrorReason {
    /// It could not be read.
    #[error("cannot be read")]
    Io(#[from] std::io::Error),
    /// It is a directory, a FIFO or a device.
    #[error("is not a regular file")]
    NotAFile,
    /// It is larger than a rule file may be.
    #[error("is larger than {MAX_FILE} bytes")]
    TooLarge,
    /// It is no UTF-8.
    #[error("is not UTF-8 text")]
    NotText,
    /// It is no TOML, or not of a rule file's form.
    #[error("line {line}: {message}")]
    Syntax {
        /// The line, counted from 1.
        line: usize,
        /// What the parser says.
        message: String,
    },
    /// It has no rule at all.
    #[error("has no [[rule]]")]
    Empty,
    /// It has more rules than a file may hold.
    #[error("has {0} rules, more than {MAX_RULES}")]
    TooMany(usize),
    /// Two rules have the same name.
    #[error("rule `{id}` is there already; give this one another id")]
    Duplicate {
        /// The rule.
        id: String,
    },
    /// The name is empty or has other characters.
    #[error("rule id `{id}` must be lower-case letters, digits and hyphens")]
    Id {
        /// The rule.
        id: String,
    },
    /// The provider's name is kept for the built-in rules.
    #[error("rule `{id}` says that it is the provider `openai`, which only built-in rules may")]
    Provider {
        /// The rule.
        id: String,
    },
    /// The pattern would run on every byte.
    #[error(
        "rule `{id}` needs keywords of at least {MIN_KEYWORD} bytes: its pattern is tried only around them"
    )]
    Keyword {
        /// The rule.
        id: String,
    },
    /// The pattern is no regular expression, or too large a one.
    #[error(
        "rule `{id}` has a pattern that does not compile: {}",
        last_line(error)
    )]
    Pattern {
        /// The rule.
        id: String,
        /// What is wrong with the pattern.
        error: Box<regex::Error>,
    },
    /// The pattern matches nothing at all, everywhere.
    #[error("rule `{id}` has a pattern that matches the empty string")]
    MatchesNothing {
        /// The rule.
        id: String,
    },
}

/// What is wrong, without the drawing that regex makes above it.
fn last_line(error: &regex::Error) -> String {
    let text = error.to_string();
    let line = text.lines().last().unwrap_or_default();
    line.trim_start_matches("error: ").to_owned()
}

/// Reads the rules that are part of the program, with the optional ones or without.
pub(super) fn built_in(optional: bool) -> Vec<Rule> {
    let mut rules = Vec::new();
    for (path, text) in BUILT_IN {
        let file: RuleFile =
            // A panic, and not an error that is lost.
            toml::from_str(text).unwrap_or_else(|_| unreachable!("{path} is read by every test"));
        rules.extend(file.rules.into_iter().map(Rule::from));
    }
    rules.retain(|rule| optional || !rule.optional);
    rules
}

impl RuleSet {
    /// The rules that are part of the program, save for the optional ones.
    pub fn built_in() -> Self {
        Self::new(false)
    }

    /// The rules that are part of the program.
    pub fn all_built_in() -> Self {
        Self::new(true)
    }

    fn new(optional: bool) -> Self {
        let mut keywords = Vec::new();
        let wanted = |rule: &&OfRule| optional || !rule.optional;
        for (index, rule) in KEYWORDS.iter().filter(wanted).enumerate() {
            keywords.extend(rule.keywords.iter().map(|keyword| Keyword {
                rule: index,
                bytes: Cow::Borrowed(*keyword),
                run: rule.run,
            }));
        }
        Self {
            optional,
            rules: OnceLock::new(),
            keywords,
        }
    }

    /// Adds the rules of a file, below all that are there.
    pub fn load(&mut self, path: &Path) -> Result<(), RuleError> {
        let fail = |reason| RuleError {
            path: path.to_owned(),
            reason,
        };
        let text = read(path).map_err(fail)?;
        self.add(&text).map_err(fail)
    }

    /// Adds the rules of a file that was read elsewhere, below all that are there.
    pub fn load_bytes(&mut self, path: &Path, content: &[u8]) -> Result<(), RuleError> {
        let fail = |reason| RuleError {
            path: path.to_owned(),
            reason,
        };
        let text = std::str::from_utf8(content).map_err(|_| fail(RuleErrorReason::NotText))?;
        self.add(text).map_err(fail)
    }

    fn add(&mut self, text: &str) -> Result<(), RuleErrorReason> {
        let file: RuleFile = toml::from_str(text).map_err(|error| RuleErrorReason::Syntax {
            line: error
                .span()
                .and_then(|span| text.get(..span.start))
                .map_or(1, |before| before.matches('\n').count() + 1),
            message: error.message().to_owned(),
        })?;
        if file.rules.is_empty() {
            return Err(RuleErrorReason::Empty);
        }
        if file.rules.len() > MAX_RULES {
            return Err(RuleErrorReason::TooMany(file.rules.len()));
        }
        let mut rules = self.rules.take().unwrap_or_else(|| built_in(self.optional));
        let added = self.check(file, &mut rules);
        self.rules = OnceLock::from(rules);
        added
    }

    /// Adds rules that are right to `rules`, and their keywords.
    fn check(&mut self, file: RuleFile, rules: &mut Vec<Rule>) -> Result<(), RuleErrorReason> {
        let mut ids: HashSet<String> = rules.iter().map(|rule| rule.id.clone()).collect();
        for entry in file.rules {
            let rule = Rule::from(entry);
            let id = rule.id.clone();
            if id.is_empty()
                || !id
                    .bytes()
                    .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
            {
                return Err(RuleErrorReason::Id { id });
            }
            if rule.provider == "openai" {
                return Err(RuleErrorReason::Provider { id });
            }
            if rule.keywords.is_empty() || rule.keywords.iter().any(|k| k.len() < MIN_KEYWORD) {
                return Err(RuleErrorReason::Keyword { id });
            }
            match rule.compiled() {
                Err(error) => {
                    let error = Box::new(error.clone());
                    return Err(RuleErrorReason::Pattern { id, error });
                }
                Ok(compiled) if compiled.regex.is_match(b"") => {
                    return Err(RuleErrorReason::MatchesNothing { id });
                }
                Ok(_) => {}
            }
            if !ids.insert(id.clone()) {
                return Err(RuleErrorReason::Duplicate { id });
            }
            self.keywords
                .extend(rule.keywords.iter().map(|keyword| Keyword {
                    rule: rules.len(),
                    bytes: Cow::Owned(keyword.clone()),
                    run: rule.keyword_run,
                }));
            rules.push(rule);
        }
        Ok(())
    }
}

/// Reads a rule file; never waits on a FIFO.
fn read(path: &Path) -> Result<String, RuleErrorReason> {
    let metadata = std::fs::metadata(path)?;
    if !metadata.is_file() {
        return Err(RuleErrorReason::NotAFile);
    }
    let mut bytes = Vec::new();
    File::open(path)?
        .take(MAX_FILE + 1)
        .read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_FILE {
        return Err(RuleErrorReason::TooLarge);
    }
    std::str::from_utf8(&bytes)
        .map(str::to_owned)
        .map_err(|_| RuleErrorReason::NotText)
}

impl From<RuleEntry> for Rule {
    fn from(entry: RuleEntry) -> Self {
        Self {
            checks: Checks {
                boundary_below: entry.boundary_below,
                not_prefixed: entry.not_prefixed,
                context: entry.context,
                not_context: entry.not_context,
                marker: entry.marker,
                balanced_within: entry.balanced_within,
                reject_dull: entry.reject_dull,
                min_entropy: entry.min_entropy,
                zero_tail: entry.zero_tail,
                both_cases: entry.both_cases,
            },
            id: entry.id,
            optional: entry.optional,
            provider: entry.provider,
            summary: entry.summary,
            explanation: entry.explanation,
            revoke: entry.revoke,
            variable: entry.variable,
            severity: entry.severity,
            confidence: entry.confidence,
            keywords: entry.keywords.into_iter().map(String::into_bytes).collect(),
            keyword_run: entry.keyword_run,
            pattern: entry.pattern,
            public_prefix: entry.public_prefix,
            examples: entry.examples,
            counter_examples: entry.counter_examples,
            compiled: OnceLock::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> String {
        let mut rules = RuleSet::built_in();
        let reason = rules.add(text).unwrap_err();
        reason.to_string()
    }

    #[test]
    fn the_keywords_are_those_of_the_rule_files() {
        for rules in [RuleSet::built_in(), RuleSet::all_built_in()] {
            let of_files: Vec<Keyword> = rules
                .rules()
                .iter()
                .enumerate()
                .flat_map(|(index, rule)| {
                    rule.keywords.iter().map(move |keyword| Keyword {
                        rule: index,
                        bytes: Cow::Owned(keyword.clone()),
                        run: rule.keyword_run,
                    })
                })
                .collect();
            assert_eq!(
                rules.keywords(),
                of_files,
                "write them into built_in.rs, too"
            );
        }
    }

    const HEAD: &str = "[[rule]]\nid = 'x'\nsummary = 'x'\n";

    #[test]
    fn a_minimal_rule_is_enough() {
        let mut rules = RuleSet::built_in();
        let before = rules.rules().len();
        rules
            .add(&format!(
                "{HEAD}keywords = ['acme-']\npattern = 'acme-[0-9]+'"
            ))
            .unwrap();
        assert_eq!(rules.rules().len(), before + 1);
        assert_eq!(rules.get("x").unwrap().provider, "custom");
    }

    #[test]
    fn a_bad_rule_says_what_is_wrong() {
        for (text, expected) in [
            ("", "has no [[rule]]"),
            ("[[rule]]\nid = 3", "line 2: "),
            (
                &format!("{HEAD}keywords = ['abc']\npattern = 'abc'\ncolour = 1"),
                "line 6: unknown field `colour`",
            ),
            (
                &format!("{HEAD}keywords = []\npattern = 'a'"),
                "needs keywords",
            ),
            (
                &format!("{HEAD}keywords = ['ab']\npattern = 'a'"),
                "needs keywords",
            ),
            (
                &format!("{HEAD}keywords = ['abc']\npattern = '('"),
                "does not compile",
            ),
            (
                &format!("{HEAD}keywords = ['abc']\npattern = '(a{{1000}}){{1000}}'"),
                "does not compile",
            ),
            (
                &format!("{HEAD}keywords = ['abc']\npattern = 'a*'"),
                "matches the empty string",
            ),
            (
                &format!("{HEAD}provider = 'openai'\nkeywords = ['abc']\npattern = 'abc'"),
                "only built-in rules",
            ),
            (
                "[[rule]]\nid = 'openai-project'\nsummary = 'x'\nkeywords = ['abc']\npattern = 'abc'",
                "is there already",
            ),
        ] {
            let message = refused(text);
            assert!(message.contains(expected), "{text}: {message}");
        }
    }
}
