//! One line a finding, as compilers and `grep` write them: `path:line:column: rule: secret`.

use crate::decode::Layer;
use crate::finding::CommitInfo;
use crate::finding::Finding;
use crate::place::Kind;
use crate::report::Remark;
use crate::report::Report;
use crate::reporter::page::Page;
use crate::rule::RuleSet;

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
                // Not everything lies in an archive.
                .unwrap_or_default();
            format!("{label}{member}:{}:{}", start.line, start.column)
        }
    }
}

/// A finding in a sentence, for formats that show the place by themselves.
pub(super) fn sentence(finding: &Finding, rules: &RuleSet) -> String {
    let hit = &finding.hit;
    let summary = rules.get(&hit.rule).map_or("secret", |rule| &rule.summary);
    let mut parts = vec![format!("{summary}: {} (key {})", hit.mask, hit.key_id)];
    if line_in_file(finding).is_none() {
        parts.push(place(finding));
    }
    if let Some(commit) = &finding.commit {
        parts.push(format!("came in with {}", by_whom(commit)));
    }
    if let Some(suppressed) = &hit.suppressed {
        let by = suppressed.by.word();
        parts.push(format!("allowed ({by}): {}", suppressed.reason));
    }
    parts.join(", ")
}

/// A commit, who made it and when.
pub(super) fn by_whom(commit: &CommitInfo) -> String {
    let CommitInfo {
        id, author, date, ..
    } = commit;
    format!("commit {id:.12} by {author} on {date:.10}")
}

/// A remark in one line.
pub(super) fn remark(remark: &Remark) -> String {
    match &remark.place {
        Some(place) => format!("{place}: {}", remark.reason),
        None => remark.reason.clone(),
    }
}

/// A path for a program that looks for the file: as it is, but for bytes that are no UTF-8.
pub(super) fn path(bytes: &[u8]) -> String {
    let path = String::from_utf8_lossy(bytes);
    path.strip_prefix("./").unwrap_or(&path).to_owned()
}

/// Whether the place is a file, and no commit, tag or ref.
pub(super) fn is_file(finding: &Finding) -> bool {
    match finding.place.kind {
        Kind::Content => finding.place.label.as_bytes() != b"<stdin>",
        Kind::Name => true,
        Kind::Commit | Kind::Tag | Kind::Ref => false,
    }
}

/// The line, where it is one of the file itself: a name has none, and a member of an archive has
/// its own.
pub(super) fn line_in_file(finding: &Finding) -> Option<u64> {
    let of_file = finding.place.kind == Kind::Content && finding.hit.member.is_none();
    (of_file && !is_compressed(finding)).then_some(finding.hit.start.line)
}

/// Whether the text that was searched came out of a compressed file.
fn is_compressed(finding: &Finding) -> bool {
    matches!(
        finding.hit.layers.first(),
        Some(
            Layer::Gzip
                | Layer::Zlib
                | Layer::Deflate
                | Layer::Bzip2
                | Layer::Xz
                | Layer::Lzma
                | Layer::Zstd
                | Layer::Zip
                | Layer::Tar
                | Layer::Ar
        )
    )
}
