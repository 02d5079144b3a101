//! Scans what comes in on standard input.

use std::io::Read;

use crate::scan::Scan;

/// What standard input is called in reports.
pub const NAME: &[u8] = b"<stdin>";

/// Scans a stream to its end.
pub fn scan(scan: &Scan<'_>, input: &mut impl Read) {
    let cancel = &scan.settings.cancel;
    match scan.inspector().stream(input, || cancel.is_cancelled()) {
        Ok((inspected, container)) => {
            if let Some(kind) = container {
                // It was asked for, and opening it takes going back and forth in it.
                let kind = kind.word();
                scan.failed(
                    Some(NAME),
                    format!("what the {kind} holds was not read; scan it as a file"),
                );
            }
            scan.inspected(NAME, inspected);
        }
        Err(error) => scan.failed(Some(NAME), format!("was not read to its end: {error}")),
    }
}
