//! Scans texts that are on their way into a file, a commit or a command.

use crate::place::Kind;
use crate::scan::Scan;
use crate::scan::added;
use crate::scan::inspect::Inspector;

/// A text and what it is.
#[derive(Debug)]
pub struct Text {
    /// The file that it is for, or what else it is called.
    pub name: Vec<u8>,
    /// What it is.
    pub kind: Kind,
    /// The text.
    pub content: Vec<u8>,
    /// What it stands in for; only what it adds to this counts.
    pub before: Vec<u8>,
    /// Whether exceptions in it count: where a review will see them.
    pub exceptions: bool,
}

/// Scans a text.
pub fn scan(scan: &Scan<'_>, text: &Text) {
    let settings = scan.settings;
    let exceptions = settings.exceptions && text.exceptions;
    let inspector = Inspector::new(scan.matcher, exceptions, settings.explain);
    let place = scan.place(text.kind, &text.name);
    let (inspected, before) = match (
        inspector.bytes(&text.content),
        inspector.bytes(&text.before),
    ) {
        (Ok(inspected), Ok(before)) => (inspected, before),
        (Err(error), _) | (_, Err(error)) => {
            scan.failed(Some(&text.name), &error);
            return;
        }
    };
    scan.count(inspected.bytes);
    scan.remarks(&place.label, &inspected);
    let new: Vec<_> = added(&inspected.hits, &[&before.hits])
        .into_iter()
        .cloned()
        .collect();
    scan.found(&place, new, None);
}
