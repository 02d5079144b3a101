//! A frame a finding, as rustc draws them, and what to do about it.

use std::collections::BTreeSet;

use anstyle::AnsiColor;
use anstyle::Style;

use crate::finding::Finding;
use crate::place::Kind;
use crate::report::Report;
use crate::reporter::page::Page;
use crate::reporter::short;
use crate::rule::RuleSet;
use crate::rule::Severity;

/// Findings that get a frame; more are told in a line each.
const FRAMES: usize = 50;
/// Findings that are told at all; of more, only their number.
const LINES: usize = 1000;

const RULER: Style = Style::new()
    .fg_color(Some(anstyle::Color::Ansi(AnsiColor::Blue)))
    .bold();
const STRONG: Style = Style::new().bold();

pub(super) fn write(report: &Report, rules: &RuleSet, page: &mut Page) {
    let shown: Vec<&Finding> = report.shown().collect();
    for finding in shown.iter().take(FRAMES) {
        frame(finding, rules, page);
    }
    for finding in shown.iter().skip(FRAMES).take(LINES - FRAMES) {
        short::line(finding, page);
    }
    if shown.len() > LINES {
        page.text(format_args!(
            "… and {} more; `--format short` or `--format json` tells all",
            shown.len() - LINES
        ))
        .end();
    }
    if !shown.is_empty() {
        remedy(&shown, rules, page);
    }
}

/// The colour of a severity.
fn style(severity: Severity) -> Style {
    let colour = match severity {
        Severity::Error => AnsiColor::Red,
        Severity::Warning => AnsiColor::Yellow,
    };
    Style::new().fg_color(Some(colour.into())).bold()
}

fn frame(finding: &Finding, rules: &RuleSet, page: &mut Page) {
    let Finding { hit, place, .. } = finding;
    let summary = rules.get(&hit.rule).map_or("secret", |rule| &rule.summary);
    page.styled(
        style(hit.severity),
        format_args!("{}[{}]", hit.severity, hit.rule),
    )
    .styled(STRONG, format_args!(": {summary}"))
    .end();

    let number = match place.kind {
        Kind::Name | Kind::Ref => String::new(),
        Kind::Content | Kind::Commit | Kind::Tag => hit.start.line.to_string(),
    };
    let gutter = " ".repeat(number.len());
    page.text(&gutter)
        .styled(RULER, "--> ")
        .text(short::place(finding))
        .end();
    page.text(&gutter).styled(RULER, " |").end();
    page.styled(RULER, format_args!("{number} |"))
        .text(format_args!(" {}", hit.excerpt.text()))
        .end();
    let mark = hit.excerpt.mark();
    page.text(&gutter)
        .styled(RULER, " | ")
        .text(" ".repeat(mark.start))
        .styled(style(hit.severity), "^".repeat(mark.len().max(1)))
        .end();
    let mut note = |text: String| {
        page.text(&gutter).styled(RULER, " = ").text(text).end();
    };
    note(format!("key {}", hit.key_id));
    if !hit.layers.is_empty() {
        let layers: Vec<&str> = hit.layers.iter().map(|layer| layer.word()).collect();
        note(format!("written as {}", layers.join(", ")));
    }
    if let Some(commit) = &finding.commit {
        note(format!(
            "came in with commit {:.12} by {} on {:.10}",
            commit.id, commit.author, commit.date
        ));
    }
    page.end();
}

/// One line to fix, one to rotate, one to allow.
fn remedy(shown: &[&Finding], rules: &RuleSet, page: &mut Page) {
    let ids: BTreeSet<&str> = shown.iter().map(|f| f.hit.rule.as_str()).collect();
    let of = |rule: &str| rules.rules().iter().position(|known| known.id == rule);
    let mut ranks: Vec<usize> = ids.into_iter().filter_map(of).collect();
    ranks.sort_unstable();
    let mut variables: Vec<&str> = Vec::new();
    let mut pages: Vec<&str> = Vec::new();
    for rule in ranks.into_iter().map(|rank| &rules.rules()[rank]) {
        for (list, item) in [
            (&mut variables, rule.variable.as_deref()),
            (&mut pages, rule.revoke.as_deref()),
        ] {
            list.extend(item.filter(|item| !list.contains(item)));
        }
    }
    let mut line = |name: &str, text: String| {
        page.styled(STRONG, format_args!("{name:<8}"))
            .text(text)
            .end();
    };
    let variable = if variables.is_empty() {
        "an environment variable".to_owned()
    } else {
        variables.join(", ")
    };
    line(
        "fix:",
        format!("take it out of the file; read it from {variable} at run time"),
    );
    let revoke = if pages.is_empty() {
        "revoke it where it was made".to_owned()
    } else {
        format!("revoke it at {}", pages.join(", "))
    };
    line(
        "rotate:",
        format!("{revoke}, if anyone else may have seen it"),
    );
    line(
        "allow:",
        "if it is no real key, write `frisk:allow REASON` in a comment on its line".to_owned(),
    );
}
