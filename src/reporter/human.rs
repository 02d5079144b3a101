//! A frame a finding, as rustc draws them, and what to do about it.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use anstyle::AnsiColor;
use anstyle::Style;

use crate::finding::Finding;
use crate::key_id::KeyId;
use crate::place::Kind;
use crate::report::Report;
use crate::reporter::page::Page;
use crate::reporter::remedy;
use crate::reporter::remedy::Help;
use crate::reporter::rotation;
use crate::reporter::short;
use crate::rule::RuleSet;
use crate::rule::Severity;

/// Frames; more are told in a line each.
const FRAMES: usize = 50;
/// Findings, or keys, that are told at all; of more, only their number.
const LINES: usize = 1000;
/// Findings that get a frame each; of more, those of one key get one together.
const APART: usize = 10;
/// Other places that a frame names.
const PLACES: usize = 10;

pub(super) const RULER: Style = Style::new()
    .fg_color(Some(anstyle::Color::Ansi(AnsiColor::Blue)))
    .bold();
pub(super) const STRONG: Style = Style::new().bold();
const HELP: Style = Style::new()
    .fg_color(Some(anstyle::Color::Ansi(AnsiColor::Cyan)))
    .bold();

pub(super) fn write(report: &Report, rules: &RuleSet, page: &mut Page) {
    let shown: Vec<&Finding> = report.shown().collect();
    let groups = groups(&shown);
    // What was said once is not said again.
    let mut said = BTreeSet::new();
    for group in groups.iter().take(FRAMES) {
        frame(group, rules, &mut said, page);
    }
    for group in groups.iter().skip(FRAMES).take(LINES - FRAMES) {
        short::line(group[0], page);
        if group.len() > 1 {
            more(group.len() - 1, "places of this key", page);
        }
    }
    if groups.len() > LINES {
        page.text(format_args!(
            "… and {} more; `--format short` or `--format json` tells all",
            groups.len() - LINES
        ))
        .end();
    }
    if !shown.is_empty() {
        steps(&shown, rules, page);
    }
}

/// Findings that are told together: each by itself, or, if they are many, those of a key.
fn groups<'a>(shown: &[&'a Finding]) -> Vec<Vec<&'a Finding>> {
    if shown.len() <= APART {
        return shown.iter().map(|finding| vec![*finding]).collect();
    }
    let mut groups: Vec<Vec<&Finding>> = Vec::new();
    let mut of_key: BTreeMap<KeyId, usize> = BTreeMap::new();
    for &finding in shown {
        let group = *of_key.entry(finding.hit.key_id).or_insert(groups.len());
        match groups.get_mut(group) {
            Some(group) => group.push(finding),
            None => groups.push(vec![finding]),
        }
    }
    groups
}

fn more(number: usize, what: &str, page: &mut Page) {
    page.text(format_args!("  … and {number} more {what}"))
        .end();
}

/// The colour of a severity.
fn style(severity: Severity) -> Style {
    let colour = match severity {
        Severity::Error => AnsiColor::Red,
        Severity::Warning => AnsiColor::Yellow,
    };
    Style::new().fg_color(Some(colour.into())).bold()
}

/// The first line of what is said of a finding or a key.
pub(super) fn title(severity: Severity, rule: &str, summary: &str, page: &mut Page) {
    page.styled(style(severity), format_args!("{severity}[{rule}]"))
        .styled(STRONG, format_args!(": {summary}"))
        .end();
}

fn frame(group: &[&Finding], rules: &RuleSet, said: &mut BTreeSet<String>, page: &mut Page) {
    let finding = group[0];
    let Finding { hit, place, .. } = finding;
    let rule = rules.get(&hit.rule);
    let summary = rule.map_or("secret", |rule| &rule.summary);
    title(hit.severity, &hit.rule, summary, page);

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
    for other in group.iter().skip(1).take(PLACES) {
        page.text(&gutter)
            .styled(RULER, "::: ")
            .text(short::place(other))
            .end();
    }
    if group.len() > 1 + PLACES {
        page.text(&gutter);
        more(group.len() - 1 - PLACES, "places", page);
    }
    let mut note = |text: String| {
        page.text(&gutter).styled(RULER, " = ").text(text).end();
    };
    note(format!("key {}", hit.key_id));
    if !hit.layers.is_empty() {
        let layers: Vec<&str> = hit.layers.iter().map(|layer| layer.word()).collect();
        note(format!("written as {}", layers.join(", ")));
    }
    if let Some(commit) = &finding.commit {
        note(format!("came in with {}", short::by_whom(commit)));
    }
    let readers = remedy::readers(finding);
    if let Some(readers) = readers.filter(|readers| said.insert((*readers).to_owned())) {
        note(readers.to_owned());
    }
    let variable = rule.and_then(|rule| rule.variable.as_deref());
    let advice = remedy::help(finding, variable);
    if said.insert(format!("{advice:?}")) {
        help(&advice, &number, page);
    }
    page.end();
}

fn help(help: &Help, number: &str, page: &mut Page) {
    page.styled(HELP, "help")
        .styled(STRONG, ": ")
        .text(&help.title)
        .end();
    let gutter = " ".repeat(number.len());
    for line in &help.lines {
        if help.replaces {
            page.styled(RULER, format_args!("{number} +"));
        } else {
            page.text(&gutter).styled(RULER, " |");
        }
        page.text(format_args!(" {line}")).end();
    }
}

/// One line to fix, one to rotate, one to allow.
fn steps(shown: &[&Finding], rules: &RuleSet, page: &mut Page) {
    let ids: BTreeSet<&str> = shown.iter().map(|f| f.hit.rule.as_str()).collect();
    let of = |rule: &str| rules.rules().iter().position(|known| known.id == rule);
    let mut ranks: Vec<usize> = ids.into_iter().filter_map(of).collect();
    ranks.sort_unstable();
    let mut variables: Vec<&str> = Vec::new();
    let mut revoke: Vec<&str> = Vec::new();
    let mut usage: Vec<&str> = Vec::new();
    for rule in ranks.into_iter().map(|rank| &rules.rules()[rank]) {
        for (list, item) in [
            (&mut variables, rule.variable.as_deref()),
            (&mut revoke, rule.revoke.as_deref()),
            (&mut usage, rotation::usage_page(&rule.provider)),
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
    let in_files = shown.iter().any(|f| f.place.kind == Kind::Content);
    let fix = if in_files {
        format!("take it out of the file; read it from {variable} at run time")
    } else {
        format!("take it out; what needs it reads it from {variable} at run time")
    };
    line("fix:", fix);
    let revoke = if revoke.is_empty() {
        "revoke it where it was made".to_owned()
    } else {
        format!("revoke it at {}", revoke.join(", "))
    };
    line(
        "rotate:",
        format!("{revoke}, if anyone else may have seen it"),
    );
    if !usage.is_empty() {
        line(
            "",
            format!("what it was used for is at {}", usage.join(", ")),
        );
    }
    let keys: BTreeSet<KeyId> = shown.iter().map(|finding| finding.hit.key_id).collect();
    let key = match keys.first() {
        Some(key) if keys.len() == 1 => key.to_string(),
        _ => "KEY-ID".to_owned(),
    };
    let mut allow = format!("if it is no real key: `git frisk allow {key} --reason TEXT`");
    // A comment in a message, and one in a name, does not count.
    if in_files {
        allow.push_str(", or `frisk:allow REASON` on its line");
    }
    line("allow:", allow);
}
