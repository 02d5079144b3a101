//! The keys of a history, for people: which to rotate, the most urgent first.

use std::cmp::Reverse;
use std::collections::HashMap;

use crate::finding::Finding;
use crate::key_id::KeyId;
use crate::place::Kind;
use crate::report::Key;
use crate::report::Report;
use crate::reporter::human;
use crate::reporter::page::Page;
use crate::reporter::rotation;
use crate::reporter::short;
use crate::rule::RuleSet;
use crate::rule::Severity;

/// Keys that are told; of more, only their number.
const KEYS: usize = 10_000;
/// Seconds of a day.
const DAY: i64 = 24 * 60 * 60;

pub(super) fn write(report: &Report, rules: &RuleSet, page: &mut Page) {
    let mut severities: HashMap<KeyId, Severity> = HashMap::new();
    for finding in report.shown() {
        let severity = severities
            .entry(finding.hit.key_id)
            .or_insert(finding.hit.severity);
        *severity = finding.hit.severity.max(*severity);
    }
    // What is allowed everywhere is not told; the last line of the summary counts it.
    let mut keys: Vec<(&Key, Severity)> = report
        .keys
        .iter()
        .filter_map(|key| Some((key, *severities.get(&key.key_id)?)))
        .collect();
    // The sort keeps the order of the report, the oldest first, where nothing else tells.
    keys.sort_by_cached_key(|(key, severity)| urgency(key, *severity, rules));
    if keys.is_empty() {
        return;
    }
    let count = counted(keys.len() as u64, "key", "keys");
    page.styled(
        human::STRONG,
        format_args!("{count} to rotate, the most urgent first"),
    )
    .end();
    page.end();
    for (key, severity) in keys.iter().take(KEYS) {
        entry(key, *severity, report, rules, page);
    }
    if keys.len() > KEYS {
        page.text(format_args!(
            "… and {} more; `--format json` tells all",
            keys.len() - KEYS
        ))
        .end();
        page.end();
    }
    page.styled(human::STRONG, "rotate: ")
        .text(
            "first: a key that was committed is known to all who have the commit, also when it is",
        )
        .end();
    page.text(
        "        removed. Then `git frisk explain RULE` says how to remove it from the history",
    )
    .end();
    page.styled(human::STRONG, "done:   ")
        .text("a line `frisk:KEY-ID rotated` in .friskignore lets the next scan pass")
        .end();
}

/// What keys are sorted by: the least is the most urgent.
fn urgency(key: &Key, severity: Severity, rules: &RuleSet) -> impl Ord + use<> {
    let power = match key.rule.as_str() {
        "openai-admin" => 0,
        // Nobody notices that they are used, and they outlast their makers.
        "openai-service-account" | "openai-named" => 1,
        "openai-project" => 2,
        _ => 3,
    };
    let rank = rules.rules().iter().position(|rule| rule.id == key.rule);
    // Those that have no date are in no commit that could be read: nobody knows how old they are.
    let time = key.first.commit.as_ref().map(|commit| commit.time);
    (
        Reverse(severity),
        power,
        !key.pushed,
        !key.in_head,
        time,
        rank,
    )
}

fn entry(key: &Key, severity: Severity, report: &Report, rules: &RuleSet, page: &mut Page) {
    let rule = rules.get(&key.rule);
    let summary = rule.map_or("secret", |rule| &rule.summary);
    human::title(severity, &key.rule, summary, page);
    let mut line = |name: &str, text: String| {
        page.styled(human::RULER, format_args!("  {name:<7}"))
            .text(text)
            .end();
    };
    line(
        "key",
        format!("{} (key {})", key.first.hit.mask, key.key_id),
    );
    line("first", place(&key.first, report.stats.finished));
    if key.last != key.first {
        line("last", place(&key.last, report.stats.finished));
    }
    let mut spread = vec![counted(key.places, "place", "places")];
    if key.commits > 0 {
        spread.push(counted(key.commits, "commit", "commits"));
    }
    let people = if key.authors > 1 {
        format!("; committed by {} people: one key per member", key.authors)
    } else {
        String::new()
    };
    line("spread", format!("{}{people}", spread.join(", ")));
    let head = if key.in_head {
        "still in HEAD"
    } else {
        "not in HEAD"
    };
    let pushed = if key.pushed {
        "pushed: take it for known"
    } else {
        "in no commit that a remote is known to have"
    };
    line("state", format!("{head}; {pushed}"));
    let revoke = rule.and_then(|rule| rule.revoke.as_deref());
    line("rotate", revoke.unwrap_or("where it was made").to_owned());
    if let Some(usage) = rule.and_then(|rule| rotation::usage_page(&rule.provider)) {
        line("usage", usage.to_owned());
    }
    line(
        "done",
        format!("write `frisk:{} rotated` into .friskignore", key.key_id),
    );
    page.end();
}

/// Where a finding is, by whom it came and when.
fn place(finding: &Finding, now: i64) -> String {
    let place = short::place(finding);
    match &finding.commit {
        Some(commit) => {
            let days = (now - commit.time).max(0) / DAY;
            let age = match days {
                0 => "today".to_owned(),
                1 => "1 day ago".to_owned(),
                days => format!("{days} days ago"),
            };
            // It names itself already.
            let by = short::by_whom(commit);
            match finding.place.kind {
                Kind::Commit => format!("{place}, {by}, {age}"),
                _ => format!("{place} in {by}, {age}"),
            }
        }
        None => place,
    }
}

fn counted(number: u64, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}
