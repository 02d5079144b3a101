//! Columns as editors and hosts count them, in UTF-16 code units; findings have them in bytes.

use unicode_width::UnicodeWidthChar as _;

use crate::finding::Finding;

/// The text of a finding's excerpt before its secret, the mask, and what follows.
pub(super) fn parts(finding: &Finding) -> (String, String, String) {
    let mark = finding.hit.excerpt.mark();
    let mut parts = (String::new(), String::new(), String::new());
    let mut width = 0;
    for c in finding.hit.excerpt.text().chars() {
        let part = if width < mark.start {
            &mut parts.0
        } else if width < mark.end {
            &mut parts.1
        } else {
            &mut parts.2
        };
        part.push(c);
        width += c.width().unwrap_or(0);
    }
    parts
}

/// Bytes before a secret that an excerpt has for sure, if it is not cut.
const WHOLE: u64 = 1024;

/// The column of a finding's first byte and, if it is known, that after its last one. `None` where
/// the excerpt does not have all that is before it.
pub(super) fn utf16(finding: &Finding) -> Option<(u64, Option<u64>)> {
    let hit = &finding.hit;
    let (before, _, _) = parts(finding);
    // What was cut off or escaped may have been longer than it looks.
    if hit.start.column > WHOLE
        || before.starts_with('…')
        || before.contains("\\x")
        || before.contains("\\u{")
    {
        return None;
    }
    let surplus: usize = before.chars().map(|c| c.len_utf8() - c.len_utf16()).sum();
    let start = hit.start.column.checked_sub(surplus as u64)?;
    // What stands as it is is ASCII.
    let plain = hit.layers.is_empty() && hit.start.line == hit.end.line;
    let length = hit.end.column.checked_sub(hit.start.column)?;
    Some((start, plain.then_some(start + length)))
}
