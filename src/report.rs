//! The outcome of a scan: findings, what was not scanned, and the verdict.

use std::time::Duration;

use crate::finding::Finding;
use crate::key_id::KeyId;
use crate::place::Label;

/// What a scan says.
#[derive(Debug, Default)]
pub struct Report {
    /// Every secret found, allowed ones too; sorted.
    pub findings: Vec<Finding>,
    /// The keys of a history, sorted by first commit.
    pub keys: Vec<Key>,
    /// What was passed over by a rule the user can see; sorted.
    pub skipped: Vec<Remark>,
    /// What was asked for and could not be scanned; sorted.
    pub errors: Vec<Remark>,
    /// Exceptions that allow nothing any more; sorted.
    pub unused: Vec<Remark>,
    /// What `-v` shows: matches that were rejected, and why; sorted.
    pub notes: Vec<Remark>,
    /// How much was scanned.
    pub stats: Stats,
    /// Whether warnings count.
    pub strict: bool,
}

/// Something said of a place.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Remark {
    /// The place; `None` where it is the whole scan.
    pub place: Option<Label>,
    /// What is said, masked.
    pub reason: String,
}

/// How much was scanned.
#[derive(Debug, Clone, Copy, Default)]
pub struct Stats {
    /// Files, blobs, commits and tags.
    pub items: u64,
    /// Bytes of them.
    pub bytes: u64,
    /// How long it took.
    pub elapsed: Duration,
    /// When it ended, in seconds since 1970: what the age of a key is counted from.
    pub finished: i64,
}

/// One key and all that a history knows of it.
#[derive(Debug)]
pub struct Key {
    /// Which key.
    pub key_id: KeyId,
    /// The rule that found it.
    pub rule: String,
    /// The earliest finding of it, by commit date.
    pub first: Finding,
    /// The latest.
    pub last: Finding,
    /// People who committed it.
    pub authors: u64,
    /// Paths it was at.
    pub places: u64,
    /// Commits that brought it in.
    pub commits: u64,
    /// Whether the commit that is checked out still has it.
    pub in_head: bool,
    /// Whether a remote-tracking ref reaches a commit that brought it in.
    pub pushed: bool,
}

/// How a scan ended. The greater is the worse.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[must_use]
pub enum Verdict {
    /// Everything asked for was scanned, nothing stands.
    Clean,
    /// Everything asked for was scanned, findings stand.
    Findings,
    /// Something asked for was not scanned, so nobody knows.
    Incomplete,
}

impl Verdict {
    /// The word for it in reports.
    pub fn word(self) -> &'static str {
        match self {
            Self::Clean => "clean",
            Self::Findings => "findings",
            Self::Incomplete => "incomplete",
        }
    }
}

impl Report {
    /// What the scan comes to: an error outweighs a finding.
    pub fn verdict(&self) -> Verdict {
        if !self.errors.is_empty() {
            Verdict::Incomplete
        } else if self.standing().next().is_some() {
            Verdict::Findings
        } else {
            Verdict::Clean
        }
    }

    /// The findings that count against the scan.
    pub fn standing(&self) -> impl Iterator<Item = &Finding> {
        self.findings
            .iter()
            .filter(|finding| finding.stands(self.strict))
    }

    /// The findings to show: all but the allowed ones.
    pub fn shown(&self) -> impl Iterator<Item = &Finding> {
        self.findings
            .iter()
            .filter(|finding| finding.hit.suppressed.is_none())
    }

    /// How many findings an exception allows.
    pub fn allowed(&self) -> usize {
        self.findings.len() - self.shown().count()
    }

    /// Puts everything into its order, so that the report does not depend on who came first.
    pub fn sort(&mut self) {
        self.findings.sort_unstable();
        self.findings.dedup();
        for remarks in [&mut self.skipped, &mut self.errors, &mut self.notes] {
            remarks.sort_unstable();
            remarks.dedup();
        }
    }
}
