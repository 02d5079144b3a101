//! One line a finding, as compilers and `grep` write them: `path:line:column: rule: secret`.

use crate::finding::Finding;
use crate::place::Kind;
use crate::report::Report;
use crate::reporter::page::Page;

pub(super) fn write(report: &Report, page: &mut Page) {
    for finding in report.shown() {
        line(finding, page);
    }
}

/// One finding on one line.
pub(super) fn line(finding: &Finding, page: &mut Page) {
    let Finding { hit, .. } = finding;
    page.text(place(finding))
        .text(format_args!(": {}: {}", hit.rule, hit.mask));
    if let Some(commit) = &finding.commit {
        page.text(format_args!(" in commit {:.12}", commit.id));
    }
    page.text(format_args!(" (key {})", hit.key_id)).end();
}

/// Where a finding is, for people.
pub(super) fn place(finding: &Finding) -> String {
    let label = &finding.place.label;
    let start = finding.hit.start;
    match finding.place.kind {
        Kind::Name | Kind::Ref => format!("{label} (in the name)"),
        Kind::Content | Kind::Commit | Kind::Tag => {
            let member = finding.hit.member.as_ref();
            let member = member
                .map(|member| format!("!{member}"))
                .unwrap_or_default();
            format!("{label}{member}:{}:{}", start.line, start.column)
        }
    }
}
