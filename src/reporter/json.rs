//! The JSON report, as one object or line by line.

use std::borrow::Cow;

use data_encoding::BASE64;
use serde::Serialize;

use crate::finding::Finding;
use crate::place::Kind;
use crate::place::Label;
use crate::report::Key;
use crate::report::Remark;
use crate::report::Report;
use crate::reporter::page::Page;
use crate::rule::Confidence;
use crate::rule::Severity;

/// The version of the form; it grows when a field changes its meaning or goes.
const SCHEMA: u32 = 1;

pub(super) fn write(report: &Report, page: &mut Page) {
    let json = serde_json::to_string_pretty(&JsonReport::from(report))
        .expect("maps have string keys, and nothing here fails to serialize");
    page.json(&json);
}

/// Writes the findings one a line, and a last line with the rest: who does not see that one knows
/// that the report was cut off.
pub(super) fn write_lines(report: &Report, page: &mut Page) {
    for finding in &report.findings {
        let json = serde_json::to_string(&JsonFinding::from(finding))
            .expect("maps have string keys, and nothing here fails to serialize");
        page.json(&json);
    }
    let rest = JsonReport {
        findings: None,
        ..JsonReport::from(report)
    };
    let json = serde_json::to_string(&rest)
        .expect("maps have string keys, and nothing here fails to serialize");
    page.json(&json);
}

#[derive(Serialize)]
struct JsonReport<'a> {
    schema: u32,
    tool: Tool,
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    findings: Option<Vec<JsonFinding<'a>>>,
    keys: Vec<JsonKey<'a>>,
    skipped: Vec<JsonRemark<'a>>,
    errors: Vec<JsonRemark<'a>>,
    stats: JsonStats,
}

#[derive(Serialize)]
struct Tool {
    name: &'static str,
    version: &'static str,
}

#[derive(Serialize)]
struct JsonFinding<'a> {
    rule: &'a str,
    provider: &'a str,
    severity: Severity,
    confidence: Confidence,
    place: &'static str,
    #[serde(flatten)]
    path: JsonPath<'a>,
    member: Option<Cow<'a, str>>,
    line: Option<u64>,
    column: Option<u64>,
    end_line: Option<u64>,
    end_column: Option<u64>,
    decoded: Vec<&'static str>,
    key_id: String,
    excerpt: &'a str,
    commit: Option<&'a str>,
    author: Option<&'a str>,
    date: Option<&'a str>,
    suppressed: Option<JsonSuppression<'a>>,
}

#[derive(Serialize)]
struct JsonSuppression<'a> {
    by: &'static str,
    reason: &'a str,
}

/// A path as UTF-8, and as base64 of its bytes where that loses something.
#[derive(Serialize)]
struct JsonPath<'a> {
    path: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    path_bytes: Option<String>,
}

#[derive(Serialize)]
struct JsonKey<'a> {
    key_id: String,
    rule: &'a str,
    first: JsonPlace<'a>,
    last: JsonPlace<'a>,
    authors: u64,
    places: u64,
    commits: u64,
    in_head: bool,
    pushed: bool,
}

#[derive(Serialize)]
struct JsonPlace<'a> {
    #[serde(flatten)]
    path: JsonPath<'a>,
    commit: Option<&'a str>,
    author: Option<&'a str>,
    date: Option<&'a str>,
}

#[derive(Serialize)]
struct JsonRemark<'a> {
    #[serde(flatten)]
    path: JsonPath<'a>,
    reason: &'a str,
}

#[derive(Serialize)]
struct JsonStats {
    items: u64,
    bytes: u64,
    seconds: f64,
}

impl<'a> From<&'a Report> for JsonReport<'a> {
    fn from(report: &'a Report) -> Self {
        Self {
            schema: SCHEMA,
            tool: Tool {
                name: env!("CARGO_PKG_NAME"),
                version: env!("CARGO_PKG_VERSION"),
            },
            status: report.verdict().word(),
            findings: Some(report.findings.iter().map(JsonFinding::from).collect()),
            keys: report.keys.iter().map(JsonKey::from).collect(),
            skipped: (report.skipped.iter().chain(&report.unused))
                .map(JsonRemark::from)
                .collect(),
            errors: report.errors.iter().map(JsonRemark::from).collect(),
            stats: JsonStats {
                items: report.stats.items,
                bytes: report.stats.bytes,
                seconds: (report.stats.elapsed.as_secs_f64() * 1e6).round() / 1e6,
            },
        }
    }
}

impl<'a> From<&'a Finding> for JsonFinding<'a> {
    fn from(finding: &'a Finding) -> Self {
        let hit = &finding.hit;
        // A name has no lines.
        let in_text = |number: u64| match finding.place.kind {
            Kind::Name | Kind::Ref => None,
            Kind::Content | Kind::Commit | Kind::Tag => Some(number),
        };
        let commit = finding.commit.as_ref();
        Self {
            rule: &hit.rule,
            provider: &hit.provider,
            severity: hit.severity,
            confidence: hit.confidence,
            place: finding.place.kind.word(),
            path: JsonPath::from(&finding.place.label),
            member: hit
                .member
                .as_ref()
                .map(|member| String::from_utf8_lossy(member.as_bytes())),
            line: in_text(hit.start.line),
            column: in_text(hit.start.column),
            end_line: in_text(hit.end.line),
            end_column: in_text(hit.end.column),
            decoded: hit.layers.iter().map(|layer| layer.word()).collect(),
            key_id: hit.key_id.to_string(),
            excerpt: hit.excerpt.text(),
            commit: commit.map(|commit| &*commit.id),
            author: commit.map(|commit| &*commit.author),
            date: commit.map(|commit| &*commit.date),
            suppressed: hit.suppressed.as_ref().map(|suppressed| JsonSuppression {
                by: suppressed.by.word(),
                reason: &suppressed.reason,
            }),
        }
    }
}

impl<'a> From<&'a Key> for JsonKey<'a> {
    fn from(key: &'a Key) -> Self {
        Self {
            key_id: key.key_id.to_string(),
            rule: &key.rule,
            first: JsonPlace::from(&key.first),
            last: JsonPlace::from(&key.last),
            authors: key.authors,
            places: key.places,
            commits: key.commits,
            in_head: key.in_head,
            pushed: key.pushed,
        }
    }
}

impl<'a> From<&'a Finding> for JsonPlace<'a> {
    fn from(finding: &'a Finding) -> Self {
        let commit = finding.commit.as_ref();
        Self {
            path: JsonPath::from(&finding.place.label),
            commit: commit.map(|commit| &*commit.id),
            author: commit.map(|commit| &*commit.author),
            date: commit.map(|commit| &*commit.date),
        }
    }
}

impl<'a> From<&'a Remark> for JsonRemark<'a> {
    fn from(remark: &'a Remark) -> Self {
        Self {
            path: remark.place.as_ref().map_or(
                JsonPath {
                    path: None,
                    path_bytes: None,
                },
                JsonPath::from,
            ),
            reason: &remark.reason,
        }
    }
}

impl<'a> From<&'a Label> for JsonPath<'a> {
    fn from(label: &'a Label) -> Self {
        let bytes = label.as_bytes();
        Self {
            path: Some(String::from_utf8_lossy(bytes)),
            path_bytes: std::str::from_utf8(bytes)
                .is_err()
                .then(|| BASE64.encode(bytes)),
        }
    }
}
