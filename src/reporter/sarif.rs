//! SARIF 2.1.0, as GitHub's code scanning takes it.

use std::io::Write as _;

use data_encoding::HEXUPPER;
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::Value;
use serde_json::json;

use crate::finding::Finding;
use crate::finding::SuppressedBy;
use crate::place::Label;
use crate::report::Remark;
use crate::report::Report;
use crate::report::Verdict;
use crate::reporter::columns;
use crate::reporter::fingerprint::Fingerprints;
use crate::reporter::page::Page;
use crate::reporter::rotation;
use crate::reporter::short;
use crate::rule::Confidence;
use crate::rule::Rule;
use crate::rule::RuleSet;
use crate::rule::Severity;

const SCHEMA: &str =
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";
/// Results of a run that GitHub takes; a file with more is refused.
const RESULTS: usize = 25_000;
/// Notifications of a kind; of more, only their number.
const NOTIFICATIONS: usize = 1000;
/// Bytes of results when compressed: GitHub takes 10 MB, with all that is around them.
const COMPRESSED: usize = 8 << 20;
/// The top of what was scanned.
const BASE: &str = "%SRCROOT%";

pub(super) fn write(report: &Report, rules: &RuleSet, page: &mut Page) {
    let mut fingerprints = Fingerprints::default();
    // As text at once: as values, many would take a great deal of memory.
    let mut results: Vec<(u8, String)> = report
        .findings
        .iter()
        .map(|finding| {
            let fingerprint = fingerprints.next(finding);
            let result = result(finding, rules, &fingerprint);
            (rank(finding, report), result.to_string())
        })
        .collect();
    let length: usize = results.iter().map(|(_, result)| result.len()).sum();
    if results.len() > RESULTS || length > COMPRESSED {
        // What stands is kept, and what is allowed goes first.
        results.sort_by_key(|(rank, _)| *rank);
        results.truncate(RESULTS);
        while !results.is_empty() && compressed(&results) > COMPRESSED {
            results.truncate(results.len() * 3 / 4);
        }
    }
    let left_out = report.findings.len() - results.len();
    let run = run(report, rules, left_out).to_string();
    let run = run.strip_suffix('}').unwrap_or(&run);
    page.json(&format!(
        "{{\"$schema\":\"{SCHEMA}\",\"version\":\"2.1.0\",\"runs\":["
    ));
    page.json(&format!("{run},\"results\":["));
    let last = results.len().saturating_sub(1);
    for (number, (_, mut result)) in results.into_iter().enumerate() {
        if number != last {
            result.push(',');
        }
        page.json(&result);
    }
    page.json("]}]}");
}

/// What is kept first where not all can be: the least.
fn rank(finding: &Finding, report: &Report) -> u8 {
    if finding.stands(report.strict) {
        0
    } else if finding.hit.suppressed.is_none() {
        1
    } else {
        2
    }
}

/// The size of results that are compressed, as they are for GitHub.
fn compressed(results: &[(u8, String)]) -> usize {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    let written = results
        .iter()
        .try_for_each(|(_, result)| encoder.write_all(result.as_bytes()))
        .and_then(|()| encoder.finish());
    // A vector takes everything; if not, it is too much.
    written.map_or(usize::MAX, |bytes| bytes.len())
}

/// The run, without its results.
fn run(report: &Report, rules: &RuleSet, left_out: usize) -> Value {
    let mut notifications: Vec<Value> = limited(&report.errors, "error", "not-scanned");
    notifications.extend(limited(&report.skipped, "note", "left-out"));
    if left_out > 0 {
        let text = format!(
            "{left_out} of {} results are left out: GitHub takes {RESULTS} of a run, and a file of \
             10 MB when compressed. `--format jsonl` has all",
            report.findings.len()
        );
        notifications.push(notification("warning", "cut", None, &text));
    }
    let rules: Vec<Value> = rules.rules().iter().map(descriptor).collect();
    let notices: Vec<Value> = [
        (
            "not-scanned",
            "Something that was asked for could not be scanned",
        ),
        ("left-out", "Something was left out, or not opened"),
        ("cut", "Results that the report has no room for"),
    ]
    .iter()
    .map(|(id, text)| json!({ "id": id, "shortDescription": { "text": text } }))
    .collect();
    json!({
        "tool": { "driver": {
            "name": env!("CARGO_PKG_NAME"),
            "version": env!("CARGO_PKG_VERSION"),
            "semanticVersion": env!("CARGO_PKG_VERSION"),
            "informationUri": env!("CARGO_PKG_REPOSITORY"),
            "rules": rules,
            "notifications": notices,
        } },
        "columnKind": "utf16CodeUnits",
        "originalUriBaseIds": { BASE: { "description": {
            "text": "the top of the repository; for `scan`, the directory that it was started in"
        } } },
        "invocations": [{
            "executionSuccessful": report.errors.is_empty(),
            "exitCode": match report.verdict() {
                Verdict::Clean => 0,
                Verdict::Findings => 1,
                Verdict::Incomplete => 2,
            },
            "exitCodeDescription": report.verdict().word(),
            "toolExecutionNotifications": notifications,
        }],
    })
}

fn limited(remarks: &[Remark], level: &'static str, id: &'static str) -> Vec<Value> {
    let named = remarks.iter().take(NOTIFICATIONS).map(|remark| {
        let place = remark.place.as_ref().map(Label::as_bytes);
        notification(level, id, place, &short::remark(remark))
    });
    let more = remarks.len().saturating_sub(NOTIFICATIONS);
    let more = (more > 0).then(|| notification(level, id, None, &format!("… and {more} more")));
    named.chain(more).collect()
}

fn notification(level: &'static str, id: &'static str, place: Option<&[u8]>, text: &str) -> Value {
    let mut notification = json!({
        "level": level,
        "descriptor": { "id": id },
        "message": { "text": plain(text) },
    });
    if let Some(place) = place {
        notification["locations"] =
            json!([{ "physicalLocation": { "artifactLocation": artifact(place) } }]);
    }
    notification
}

/// A rule, with what it says to do.
fn descriptor(rule: &Rule) -> Value {
    let explanation = rule.explanation.trim_ascii().replace('\n', " ");
    let full = if explanation.is_empty() {
        &rule.summary
    } else {
        &explanation
    };
    let fix = match &rule.variable {
        Some(variable) => format!("Take it out of the file, and read it from {variable}."),
        None => "Take it out of the file.".to_owned(),
    };
    let help = format!(
        "{}. A key that was pushed is known, also after the history was rewritten. {fix} \
         `git frisk explain {}` has the steps.",
        rotation::sentence(Some(rule)),
        rule.id
    );
    let mut descriptor = json!({
        "id": rule.id,
        "shortDescription": { "text": rule.summary },
        "fullDescription": { "text": full },
        "help": { "text": help, "markdown": format!("{full}\n\n{help}") },
        "defaultConfiguration": { "level": level(rule.severity) },
        "properties": {
            "tags": ["security", "secret", rule.provider],
            "precision": match rule.confidence {
                Confidence::Low => "low",
                Confidence::Medium => "medium",
                Confidence::High => "high",
                Confidence::Certain => "very-high",
            },
            "security-severity": match rule.severity {
                Severity::Error => "9.0",
                Severity::Warning => "5.0",
            },
        },
    });
    // A rule file may have anything there.
    if let Some(page) = &rule.revoke
        && page.starts_with("https://")
        && page.bytes().all(|byte| byte.is_ascii_graphic())
    {
        descriptor["helpUri"] = json!(page);
    }
    descriptor
}

/// A message without links: a name that looks like one is none.
fn plain(text: &str) -> String {
    text.replace("](", "]\\(")
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    }
}

fn result(finding: &Finding, rules: &RuleSet, fingerprint: &str) -> Value {
    let hit = &finding.hit;
    let rule = rules.rules().iter().position(|rule| rule.id == hit.rule);
    let commit = finding.commit.as_ref();
    let mut result = json!({
        "ruleId": hit.rule,
        "kind": "fail",
        "level": level(hit.severity),
        "message": { "text": plain(&short::sentence(finding, rules)) },
        "locations": [{
            "physicalLocation": {
                "artifactLocation": artifact(finding.place.label.as_bytes()),
                "region": region(finding),
            },
            "logicalLocations": [{
                "fullyQualifiedName": short::place(finding),
                "kind": if hit.member.is_some() { "member" } else { finding.place.kind.word() },
            }],
        }],
        // Two names: the one that GitHub goes by, and one that is ours.
        "partialFingerprints": {
            "primaryLocationLineHash": fingerprint,
            "keyAndPlace/v1": fingerprint,
        },
        // If one result has it, all must.
        "suppressions": hit.suppressed.iter().map(|suppressed| json!({
            "kind": if suppressed.by == SuppressedBy::Inline { "inSource" } else { "external" },
            "status": "accepted",
            "justification": suppressed.reason,
        })).collect::<Vec<Value>>(),
        "properties": {
            "keyId": hit.key_id.to_string(),
            "provider": hit.provider,
            "confidence": hit.confidence,
            "excerpt": hit.excerpt.text(),
            "decoded": hit.layers.iter().map(|layer| layer.word()).collect::<Vec<&str>>(),
            "commit": commit.map(|commit| &commit.id),
            "author": commit.map(|commit| &commit.author),
            "date": commit.map(|commit| &commit.date),
        },
    });
    if let Some(rule) = rule {
        result["ruleIndex"] = json!(rule);
    }
    result
}

/// Where in the file. GitHub refuses a result without a line, so what has none is at the first.
fn region(finding: &Finding) -> Value {
    let hit = &finding.hit;
    let Some(line) = short::line_in_file(finding) else {
        return json!({ "startLine": 1 });
    };
    let mut region = json!({ "startLine": line, "endLine": hit.end.line });
    if let Some((start, end)) = columns::utf16(finding) {
        region["startColumn"] = json!(start);
        if let Some(end) = end {
            region["endColumn"] = json!(end);
        }
    }
    region
}

/// A path as a URI: relative to the top, or of the file system.
fn artifact(path: &[u8]) -> Value {
    let path = path.strip_prefix(b"./").unwrap_or(path);
    let mut uri = String::new();
    if path.starts_with(b"/") {
        uri.push_str("file://");
    }
    for &byte in path {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~' | b'/') {
            uri.push(char::from(byte));
        } else {
            uri.push('%');
            uri.push_str(&HEXUPPER.encode(&[byte]));
        }
    }
    if path.starts_with(b"/") {
        json!({ "uri": uri })
    } else {
        json!({ "uri": uri, "uriBaseId": BASE })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_a_uri() {
        let uri = |path: &[u8]| artifact(path);
        assert_eq!(
            uri(b"./a b:%\xff/c~"),
            json!({ "uri": "a%20b%3A%25%FF/c~", "uriBaseId": BASE })
        );
        assert_eq!(uri(b"/a"), json!({ "uri": "file:///a" }));
    }

    #[test]
    fn a_name_is_no_link() {
        assert_eq!(plain("a [x](https://x) b"), "a [x]\\(https://x) b");
    }

    #[test]
    fn what_is_too_much_when_compressed_is_cut() {
        let results: Vec<(u8, String)> = (0..100).map(|n| (0, n.to_string())).collect();
        let all = compressed(&results);
        assert!(all > compressed(&results[..50]) && all < 500, "{all}");
    }
}
