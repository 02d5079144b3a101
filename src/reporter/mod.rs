//! Reports in several formats. A reporter sorts nothing, filters nothing but what is allowed, and
//! is given nothing it would have to hide.

mod columns;
mod fingerprint;
pub mod github;
pub mod gitlab;
pub mod human;
pub mod json;
pub mod junit;
pub mod keys;
pub mod page;
pub mod remedy;
pub mod rotation;
pub mod sarif;
pub mod short;

use crate::report::Report;
use crate::reporter::page::Page;
use crate::rule::RuleSet;

/// The form of a report.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Format {
    /// Frames with the line, for people; of a history, the keys.
    #[default]
    Human,
    /// One line a finding.
    Short,
    /// One JSON object; `docs/REPORT.md` has its fields.
    Json,
    /// The findings as JSON, one a line, and a line with the rest.
    Jsonl,
    /// SARIF 2.1.0.
    Sarif,
    /// Workflow commands of GitHub Actions.
    Github,
    /// GitLab's code quality report.
    Gitlab,
    /// JUnit's XML.
    Junit,
}

impl Format {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Human,
        Self::Short,
        Self::Json,
        Self::Jsonl,
        Self::Sarif,
        Self::Github,
        Self::Gitlab,
        Self::Junit,
    ];
}

/// Writes a report onto a page. A clean report leaves the page empty in the formats for people and
/// in GitHub's commands; the others are whole documents all the same.
pub fn write(report: &Report, rules: &RuleSet, format: Format, page: &mut Page) {
    match format {
        Format::Human if !report.keys.is_empty() => keys::write(report, rules, page),
        Format::Human => human::write(report, rules, page),
        Format::Short => short::write(report, page),
        Format::Json => json::write(report, page),
        Format::Jsonl => json::write_lines(report, page),
        Format::Sarif => sarif::write(report, rules, page),
        Format::Github => github::write(report, rules, page),
        Format::Gitlab => gitlab::write(report, rules, page),
        Format::Junit => junit::write(report, rules, page),
    }
}

/// Writes what GitHub Actions shows as the summary of a job, in Markdown.
pub fn summary(report: &Report, rules: &RuleSet, page: &mut Page) {
    github::summary(report, rules, page);
}
