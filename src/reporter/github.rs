//! Workflow commands of GitHub Actions, which become annotations, and the summary of the job.

use crate::finding::Finding;
use crate::report::Report;
use crate::report::Verdict;
use crate::reporter::columns;
use crate::reporter::page::Page;
use crate::reporter::rotation;
use crate::reporter::short;
use crate::rule::RuleSet;
use crate::rule::Severity;

/// Annotations of a kind that GitHub shows of a step.
const SHOWN: usize = 10;
/// Rows of each table of the summary.
const ROWS: usize = 500;
/// Bytes of each table: GitHub refuses a summary of more than 1 MiB.
const BYTES: usize = 450 << 10;
/// Characters of a cell.
const CELL: usize = 200;

pub(super) fn write(report: &Report, rules: &RuleSet, page: &mut Page) {
    // First, so that they are among those that are shown.
    for error in &report.errors {
        let place = error
            .place
            .as_ref()
            .map(|place| short::path(place.as_bytes()));
        let mut properties = Vec::new();
        if let Some(place) = &place {
            properties.push(("file", place.as_str()));
        }
        properties.push(("title", "git-frisk: not everything was scanned"));
        page.command("error", &properties, &[short::remark(error)]);
    }
    for finding in report.shown() {
        annotation(finding, rules, page);
    }
    let more = report.errors.len() + report.shown().count();
    let mut notices = Vec::new();
    if more > SHOWN {
        notices.push(format!(
            "{more} annotations; GitHub shows {SHOWN} of each kind. The log has all of them"
        ));
    }
    if report.allowed() > 0 {
        notices.push(format!("findings that are allowed: {}", report.allowed()));
    }
    if !report.skipped.is_empty() {
        notices.push(format!("left out or not opened: {}", report.skipped.len()));
    }
    if !notices.is_empty() {
        page.command("notice", &[("title", "git-frisk")], &notices);
    }
}

fn annotation(finding: &Finding, rules: &RuleSet, page: &mut Page) {
    let hit = &finding.hit;
    let command = match hit.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    };
    let file = short::path(finding.place.label.as_bytes());
    let (line, end_line) = (hit.start.line.to_string(), hit.end.line.to_string());
    let columns = columns::utf16(finding);
    let column = columns.map(|(start, _)| start.to_string());
    let end_column = columns.and_then(|(_, end)| Some(end?.to_string()));
    let mut properties = Vec::new();
    if short::is_file(finding) {
        properties.push(("file", file.as_str()));
    }
    if short::line_in_file(finding).is_some() {
        properties.push(("line", line.as_str()));
        properties.push(("endLine", &end_line));
        // GitHub takes columns within one line only.
        if line == end_line {
            properties.extend(column.as_deref().map(|column| ("col", column)));
            properties.extend(end_column.as_deref().map(|column| ("endColumn", column)));
        }
    }
    let title = format!("git-frisk: {}", hit.rule);
    properties.push(("title", &title));
    let rule = rules.get(&hit.rule);
    let mut message = vec![short::sentence(finding, rules)];
    message.push(rotation::sentence(rule));
    page.command(command, &properties, &message);
}

/// The summary of a job, in Markdown.
pub(super) fn summary(report: &Report, rules: &RuleSet, page: &mut Page) {
    page.markup("## git-frisk: ")
        .markup(match report.verdict() {
            Verdict::Clean => "nothing stands",
            Verdict::Findings => "secrets found",
            Verdict::Incomplete => "not everything was scanned",
        })
        .end();
    page.end();
    if !report.errors.is_empty() {
        page.markup("| not scanned | why |").end();
        page.markup("| --- | --- |").end();
        let cells = report.errors.iter().map(|error| {
            let place = error.place.as_ref().map(ToString::to_string);
            // An error need not have a place.
            [place.unwrap_or_default(), error.reason.clone()]
        });
        rows(page, cells, report.errors.len());
    }
    let shown = report.shown().count();
    if shown > 0 {
        page.markup("| | what | where | key | commit | rotate |")
            .end();
        page.markup("| --- | --- | --- | --- | --- | --- |").end();
        let cells = report.shown().map(|finding| {
            let hit = &finding.hit;
            let rule = rules.get(&hit.rule);
            let commit = finding.commit.as_ref();
            [
                hit.severity.to_string(),
                rule.map_or(&hit.rule, |rule| &rule.summary).clone(),
                short::place(finding),
                format!("{} {}", hit.mask, hit.key_id),
                commit.map_or(String::new(), |commit| format!("{:.12}", commit.id)),
                rule.and_then(|rule| rule.revoke.clone())
                    // A rule need not say where its keys are revoked.
                    .unwrap_or_default(),
            ]
        });
        rows(page, cells, shown);
    }
    if report.allowed() > 0 || !report.skipped.is_empty() {
        page.markdown(format_args!(
            "Allowed: {}. Left out or not opened: {}.",
            report.allowed(),
            report.skipped.len()
        ))
        .end();
        page.end();
    }
}

/// Rows of a table, of `all` that there are, and how many there is no room for.
fn rows<const N: usize>(page: &mut Page, rows: impl Iterator<Item = [String; N]>, all: usize) {
    let mut room = BYTES;
    let mut written = 0;
    for mut row in rows.take(ROWS) {
        for cell in &mut row {
            if cell.chars().count() > CELL {
                *cell = cell.chars().take(CELL).chain(['…']).collect();
            }
        }
        // A character reference takes six bytes at the most.
        let size: usize = row.iter().map(|cell| 6 * cell.len() + 3).sum();
        let Some(left) = room.checked_sub(size) else {
            break;
        };
        room = left;
        written += 1;
        for cell in row {
            page.markup("| ").markdown(cell).markup(" ");
        }
        page.markup("|").end();
    }
    page.end();
    if all > written {
        page.markdown(format_args!(
            "… and {} more; the log has all",
            all - written
        ))
        .end();
        page.end();
    }
}
