//! What a scan found; safe to print.

use crate::decode::Layer;
use crate::excerpt::Excerpt;
use crate::key_id::KeyId;
use crate::place::Label;
use crate::place::Place;
use crate::rule::Confidence;
use crate::rule::Severity;
use crate::secret::Mask;
use crate::span::Position;

/// A secret in some bytes, wherever these lie.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hit {
    /// Where the secret begins.
    pub start: Position,
    /// Where it ends: the position after its last byte.
    pub end: Position,
    /// The path inside an archive.
    pub member: Option<Label>,
    /// The rule's id.
    pub rule: String,
    /// Whose secret it is.
    pub provider: String,
    /// How grave it is.
    pub severity: Severity,
    /// How sure it is.
    pub confidence: Confidence,
    /// Which secret it is.
    pub key_id: KeyId,
    /// How it is shown.
    pub mask: Mask,
    /// The layers it is written in, from outside in.
    pub layers: Vec<Layer>,
    /// Its line, masked.
    pub excerpt: Excerpt,
    /// What allows it, if anything does.
    pub suppressed: Option<Suppression>,
}

/// What allows a finding to stand.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Suppression {
    /// Where it was allowed.
    pub by: SuppressedBy,
    /// Why, as it was written there: may be empty, and is masked.
    pub reason: String,
}

/// The ways to allow a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum SuppressedBy {
    /// `frisk:allow` on its line, or `frisk:allow-next-line` on the line before.
    Inline,
    /// An entry of `.friskignore`.
    IgnoreFile,
    /// `FRISK_ALLOW`.
    Environment,
}

impl SuppressedBy {
    /// The word for it in reports.
    pub fn word(self) -> &'static str {
        match self {
            Self::Inline => "inline",
            Self::IgnoreFile => "ignore-file",
            Self::Environment => "environment",
        }
    }
}

/// A secret at a place. The order is that of reports: by place, then by position.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Finding {
    /// Where it lies.
    pub place: Place,
    /// What lies there.
    pub hit: Hit,
    /// The commit that first brought it there; only of a history.
    pub commit: Option<CommitInfo>,
}

/// A commit, as a report names it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CommitInfo {
    /// The committer's date in seconds since 1970: commits are ordered by it.
    pub time: i64,
    /// The object id in hex.
    pub id: String,
    /// Name and address of the author, masked.
    pub author: String,
    /// The author's date, RFC 3339.
    pub date: String,
}

impl Finding {
    /// Whether it counts against the scan: not allowed, and an error unless warnings count too.
    pub fn stands(&self, strict: bool) -> bool {
        self.hit.suppressed.is_none() && (strict || self.hit.severity == Severity::Error)
    }
}
