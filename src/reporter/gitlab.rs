//! GitLab's code quality report: a list of problems, each with a path and a line.

use serde::Serialize;

use crate::finding::Finding;
use crate::report::Remark;
use crate::report::Report;
use crate::reporter::fingerprint::Fingerprints;
use crate::reporter::page::Page;
use crate::reporter::short;
use crate::rule::RuleSet;
use crate::rule::Severity;

#[derive(Serialize)]
struct Problem<'a> {
    description: String,
    check_name: &'a str,
    fingerprint: String,
    severity: &'static str,
    location: Location,
}

#[derive(Serialize)]
struct Location {
    path: String,
    lines: Lines,
}

#[derive(Serialize)]
struct Lines {
    begin: u64,
}

pub(super) fn write(report: &Report, rules: &RuleSet, page: &mut Page) {
    let mut fingerprints = Fingerprints::default();
    // The form has no other place for what was not scanned.
    let errors = report.errors.iter().enumerate();
    let problems: Vec<Problem<'_>> = errors
        .map(|(number, error)| not_scanned(number, error))
        .chain(
            report
                .findings
                .iter()
                .map(|finding| problem(finding, rules, &mut fingerprints)),
        )
        .collect();
    let json = serde_json::to_string_pretty(&problems)
        .expect("there are no maps, and nothing here fails to serialize");
    page.json(&json);
}

fn not_scanned(number: usize, error: &Remark) -> Problem<'_> {
    Problem {
        description: format!("not everything was scanned: {}", short::remark(error)),
        check_name: "git-frisk-incomplete",
        fingerprint: format!("git-frisk-incomplete:{number}"),
        severity: "blocker",
        location: Location {
            path: error
                .place
                .as_ref()
                .map_or_else(|| ".".to_owned(), |place| short::path(place.as_bytes())),
            lines: Lines { begin: 1 },
        },
    }
}

fn problem<'a>(
    finding: &'a Finding,
    rules: &RuleSet,
    fingerprints: &mut Fingerprints,
) -> Problem<'a> {
    let hit = &finding.hit;
    let severity = match hit.severity {
        _ if hit.suppressed.is_some() => "info",
        Severity::Error => "critical",
        Severity::Warning => "major",
    };
    Problem {
        description: short::sentence(finding, rules),
        check_name: &hit.rule,
        fingerprint: fingerprints.next(finding),
        severity,
        location: Location {
            path: short::path(finding.place.label.as_bytes()),
            lines: Lines {
                begin: short::line_in_file(finding).unwrap_or(1),
            },
        },
    }
}
