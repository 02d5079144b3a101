//! Reports in several formats. A reporter sorts nothing, filters nothing but what is allowed, and
//! is given nothing it would have to hide.

pub mod human;
pub mod json;
pub mod page;
pub mod short;

use crate::report::Report;
use crate::reporter::page::Page;
use crate::rule::RuleSet;

/// The form of a report.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Format {
    /// Frames with the line, for people.
    #[default]
    Human,
    /// One line a finding.
    Short,
    /// One JSON object; `docs/REPORT.md` has its fields.
    Json,
}

/// Writes a report onto a page. A clean report leaves the page empty, save for JSON.
pub fn write(report: &Report, rules: &RuleSet, format: Format, page: &mut Page) {
    match format {
        Format::Human => human::write(report, rules, page),
        Format::Short => short::write(report, page),
        Format::Json => json::write(report, page),
    }
}
