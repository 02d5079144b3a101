//! Rules: what a secret looks like, as data.

mod built_in;
pub mod check;
pub mod file;
pub mod load;
pub mod template;

use std::borrow::Cow;
use std::fmt;
use std::sync::OnceLock;

use regex::bytes::Regex;
use serde::Deserialize;
use serde::Serialize;

pub use crate::rule::load::RuleError;

/// Bytes to either side of a keyword that are searched for a pattern without a known greatest
/// length; also the longest match of any pattern.
pub const MAX_REACH: usize = 16 * 1024;

/// Memory a compiled pattern may take, in bytes.
const PATTERN_SIZE: usize = 64 << 10;

/// Memory that running a pattern may take, in bytes.
const CACHE_SIZE: usize = 8 << 20;

/// How grave a finding is.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Shown, blocks only with `--strict`.
    Warning,
    /// Blocks.
    #[default]
    Error,
}

/// How sure a finding is.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum Confidence {
    /// Only the context speaks for it.
    Low,
    /// The form is right, the length is not a known one.
    Medium,
    /// Form and length are right, and the body looks random.
    #[default]
    High,
    /// The body also ends as the provider's own keys do.
    Certain,
}

/// One kind of secret.
///
/// The order of rules in a [`RuleSet`] is their rank: where two claim the same bytes, the earlier
/// one has them.
#[derive(Debug)]
pub struct Rule {
    /// The name that reports, exceptions and `explain` use.
    pub id: String,
    /// Whether it is looked for only when asked.
    pub optional: bool,
    /// Whose secret it is.
    pub provider: String,
    /// What it is, in a few words.
    pub summary: String,
    /// What someone who holds it can do, and what to do about it.
    pub explanation: String,
    /// Where it is revoked.
    pub revoke: Option<String>,
    /// The environment variable it belongs in.
    pub variable: Option<String>,
    /// How grave it is.
    pub severity: Severity,
    /// How sure a match is.
    pub confidence: Confidence,
    /// Byte strings of which every match holds one.
    pub keywords: Vec<Vec<u8>>,
    /// How many letters, digits, `_` and `-` follow a keyword in every match at the least.
    pub keyword_run: usize,
    /// The pattern of the secret; a group named `secret` narrows it, one named `body` says what of
    /// it should be random (what follows the public prefix, where there is none).
    pub pattern: String,
    /// What all secrets of the kind begin with; it may be shown.
    pub public_prefix: String,
    /// What a match must also be.
    pub checks: check::Checks,
    /// Lines that hold one, as templates.
    pub examples: Vec<String>,
    /// Lines that hold none, as templates.
    pub counter_examples: Vec<String>,
    compiled: OnceLock<Result<Compiled, regex::Error>>,
}

/// A pattern ready for use.
#[derive(Debug)]
pub struct Compiled {
    /// The pattern.
    pub regex: Regex,
    /// The longest match, in bytes.
    pub reach: usize,
}

impl Rule {
    /// The compiled pattern; compiled at the first call, since most scans never need it.
    pub fn compiled(&self) -> Result<&Compiled, &regex::Error> {
        self.compiled
            .get_or_init(|| {
                let regex = regex::bytes::RegexBuilder::new(&self.pattern)
                    .unicode(false)
                    .size_limit(PATTERN_SIZE)
                    .dfa_size_limit(CACHE_SIZE)
                    .build()?;
                Ok(Compiled {
                    regex,
                    reach: longest_match(&self.pattern),
                })
            })
            .as_ref()
    }
}

/// The length of the longest match of a pattern, at most [`MAX_REACH`].
fn longest_match(pattern: &str) -> usize {
    let parsed = regex_syntax::ParserBuilder::new()
        .unicode(false)
        .utf8(false)
        .build()
        .parse(pattern);
    match parsed {
        Ok(hir) => hir
            .properties()
            .maximum_len()
            .map_or(MAX_REACH, |length| length.min(MAX_REACH)),
        // The regex itself did not compile, which is the error that is told.
        Err(_) => MAX_REACH,
    }
}

/// All rules of a scan, by rank.
///
/// The built-in rules are read when one is asked for: a scan that meets no keyword needs none.
#[derive(Debug)]
pub struct RuleSet {
    /// Whether the optional ones of the built-in rules belong to it.
    optional: bool,
    rules: OnceLock<Vec<Rule>>,
    keywords: Vec<Keyword>,
}

/// A keyword of a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keyword {
    /// The rule, by its index in [`RuleSet::rules`].
    pub rule: usize,
    /// The keyword.
    pub bytes: Cow<'static, [u8]>,
    /// How many letters, digits, `_` and `-` follow it in every match at the least.
    pub run: usize,
}

impl RuleSet {
    /// The rules, the highest rank first.
    pub fn rules(&self) -> &[Rule] {
        self.rules.get_or_init(|| load::built_in(self.optional))
    }

    /// The keywords of all rules, rule by rule.
    pub fn keywords(&self) -> &[Keyword] {
        &self.keywords
    }

    /// Changes how grave a rule is. OpenAI's own do not become less so.
    pub fn set_severity(&mut self, id: &str, severity: Severity) -> Result<(), SeverityError> {
        let mut rules = self
            .rules
            .take()
            .unwrap_or_else(|| load::built_in(self.optional));
        let outcome = match rules.iter_mut().find(|rule| rule.id == id) {
            None => Err(SeverityError::NoRule),
            Some(rule) if rule.provider == "openai" && severity < rule.severity => {
                Err(SeverityError::Lowered)
            }
            Some(rule) => {
                rule.severity = severity;
                Ok(())
            }
        };
        self.rules = OnceLock::from(rules);
        outcome
    }

    /// The rule with this id.
    pub fn get(&self, id: &str) -> Option<&Rule> {
        self.rules().iter().find(|rule| rule.id == id)
    }
}

/// Why a severity was not changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SeverityError {
    /// No rule is called so.
    #[error("there is no such rule")]
    NoRule,
    /// It is a rule for OpenAI's keys.
    #[error("a rule for OpenAI's keys cannot be made less grave")]
    Lowered,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Warning => "warning",
            Self::Error => "error",
        })
    }
}
