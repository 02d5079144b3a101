//! The form of a rule file.

use serde::Deserialize;

use crate::rule::Confidence;
use crate::rule::Severity;

/// A rule file: `[[rule]]` tables.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RuleFile {
    /// The rules, in the order of their rank.
    #[serde(default, rename = "rule")]
    pub rules: Vec<RuleEntry>,
}

/// One `[[rule]]` table. `id`, `summary`, `keywords` and `pattern` are required.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a line of a file, by itself"
)]
pub struct RuleEntry {
    /// The rule's name: lower-case letters, digits and hyphens.
    pub id: String,
    /// Whether it is looked for only when asked.
    #[serde(default)]
    pub optional: bool,
    /// Whose secret it is.
    #[serde(default = "custom")]
    pub provider: String,
    /// What it is, in a few words.
    pub summary: String,
    /// The long text of `git frisk explain`.
    #[serde(default)]
    pub explanation: String,
    /// The page where such a secret is revoked.
    pub revoke: Option<String>,
    /// The environment variable such a secret belongs in.
    pub variable: Option<String>,
    /// `error` blocks, `warning` does not.
    #[serde(default)]
    pub severity: Severity,
    /// How sure a match is.
    #[serde(default)]
    pub confidence: Confidence,
    /// Byte strings of which every match holds one; the pattern is tried only around them.
    pub keywords: Vec<String>,
    /// How many letters, digits, `_` and `-` follow a keyword in every match at the least.
    #[serde(default)]
    pub keyword_run: usize,
    /// A regular expression over bytes. A group named `secret` is the secret, where that is not the
    /// whole match; a group named `body` the part that should be random.
    pub pattern: String,
    /// What all secrets of the kind begin with.
    #[serde(default)]
    pub public_prefix: String,
    /// A match shorter than this must not follow a lower-case letter.
    #[serde(default)]
    pub boundary_below: usize,
    /// What a match must not begin with.
    #[serde(default)]
    pub not_prefixed: Vec<String>,
    /// Words of which one must stand near a match, in lower case; they are found in any case.
    #[serde(default)]
    pub context: Vec<String>,
    /// Words of which none may stand near a match, in lower case.
    #[serde(default)]
    pub not_context: Vec<String>,
    /// What stands between the two halves of the body.
    pub marker: Option<String>,
    /// How far the lengths of the halves may differ.
    pub balanced_within: Option<usize>,
    /// Whether bodies that look made up are rejected.
    #[serde(default)]
    pub reject_dull: bool,
    /// The least entropy of the body in bits a character, instead of what its length asks for.
    pub min_entropy: Option<f64>,
    /// Whether a body whose last decoded byte is zero makes the finding certain.
    #[serde(default)]
    pub zero_tail: bool,
    /// Whether bodies in letters of one case are rejected, which with a marker they always are.
    #[serde(default)]
    pub both_cases: bool,
    /// Templates of lines that hold such a secret.
    #[serde(default)]
    pub examples: Vec<String>,
    /// Templates of lines that hold none.
    #[serde(default)]
    pub counter_examples: Vec<String>,
}

fn custom() -> String {
    "custom".to_owned()
}
