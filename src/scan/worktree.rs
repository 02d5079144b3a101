//! Scans files.

use std::panic::AssertUnwindSafe;
use std::panic::catch_unwind;
use std::path::PathBuf;

use crate::scan::Scan;
use crate::scan::inspect::InspectError;
use crate::scan::inspect::Inspected;
use crate::scan::inspect::Inspector;
use crate::scan::pool;
use crate::scan::regular::Regular;
use crate::source::worktree::Item;
use crate::source::worktree::ItemKind;
use crate::source::worktree::Options;
use crate::source::worktree::Visitor;
use crate::source::worktree::Walk;
use crate::source::worktree::cannot_read;
use crate::threads;

/// Scans what is below `roots`.
pub fn scan(scan: &Scan<'_>, roots: &[PathBuf], options: &Options) {
    let mut here = Files::new(scan, options);
    let walk = Walk::new(roots, options, &mut here);
    if walk.work(&mut here, Some(pool::WORTH_THREADS)) {
        // What is not worth one for itself may lead to more.
        let more = pool::threads_for(scan.settings.threads) - 1;
        threads::beside(
            more,
            || {
                walk.work(&mut Files::new(scan, options), None);
            },
            || {
                walk.work(&mut here, None);
            },
        );
    }
}

/// Scans what a thread of a walk finds.
struct Files<'s, 'a> {
    scan: &'s Scan<'a>,
    options: &'s Options,
}

impl<'s, 'a> Files<'s, 'a> {
    fn new(scan: &'s Scan<'a>, options: &'s Options) -> Self {
        Self { scan, options }
    }
}

impl Visitor for Files<'_, '_> {
    fn item(&mut self, item: &Item<'_>) {
        if self.is_over() {
            return;
        }
        let outcome = catch_unwind(AssertUnwindSafe(|| {
            one(self.scan, item, self.options);
        }));
        if outcome.is_err() {
            self.scan.broken(item.path);
        }
    }

    fn skipped(&mut self, path: &[u8], reason: &str) {
        self.scan.skipped(path, reason);
    }

    fn failed(&mut self, path: &[u8], reason: &str) {
        self.scan.failed(Some(path), reason);
    }

    fn broken(&mut self, path: &[u8]) {
        self.scan.broken(path);
    }

    fn is_over(&self) -> bool {
        self.scan.settings.cancel.is_cancelled()
    }
}

fn one(scan: &Scan<'_>, item: &Item<'_>, options: &Options) {
    let inspector = scan.inspector();
    for (place, hit) in scan.name_hits(item.path, name(item.path)) {
        scan.found(&place, [hit], None);
    }
    let outcome = match item.kind {
        ItemKind::Directory => return,
        // What git stores of it.
        ItemKind::Link => item
            .target()
            .map_err(InspectError::from)
            .and_then(|target| Ok(inspector.bytes(&target)?)),
        ItemKind::File | ItemKind::Named => match file(scan, &inspector, item, options) {
            Some(outcome) => outcome,
            None => return,
        },
    };
    match outcome {
        Ok(inspected) => scan.inspected(item.path, inspected),
        Err(InspectError::Read(error)) => scan.failed(Some(item.path), cannot_read(&error)),
        Err(InspectError::Match(error)) => scan.failed(Some(item.path), &error),
    }
}

/// Inspects a file; `None` if it was skipped, which is said.
fn file(
    scan: &Scan<'_>,
    inspector: &Inspector<'_>,
    item: &Item<'_>,
    options: &Options,
) -> Option<Result<Inspected, InspectError>> {
    let mut file = match item.open() {
        Ok(file) => Regular::new(file),
        Err(error) => return Some(Err(error.into())),
    };
    if let Some(most) = options.max_filesize {
        match file.len() {
            Ok(size) if size > most => {
                let reason = format!("has {size} bytes, more than --max-filesize");
                scan.skipped(item.path, &reason);
                return None;
            }
            Ok(_) => {}
            Err(error) => return Some(Err(error.into())),
        }
    }
    let cancel = &scan.settings.cancel;
    Some(inspector.file(&mut file, || cancel.is_cancelled()))
}

/// The last part of a path, and nothing of one that ends with none.
fn name(path: &[u8]) -> &[u8] {
    let is_end = |byte: &u8| *byte == b'/' || cfg!(windows) && *byte == b'\\';
    match path.rsplit(is_end).next() {
        Some(b"." | b"..") | None => b"",
        Some(name) => name,
    }
}
