//! Scans files.

use std::fs::File;
use std::io;
use std::panic::AssertUnwindSafe;
use std::panic::catch_unwind;
use std::path::PathBuf;

use crate::scan::Scan;
use crate::scan::inspect::InspectError;
use crate::scan::inspect::Inspected;
use crate::scan::inspect::Inspector;
use crate::scan::pool;
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
    /// Made with the first file.
    inspector: Option<Inspector<'a>>,
}

impl<'s, 'a> Files<'s, 'a> {
    fn new(scan: &'s Scan<'a>, options: &'s Options) -> Self {
        Self {
            scan,
            options,
            inspector: None,
        }
    }
}

impl Visitor for Files<'_, '_> {
    fn item(&mut self, item: &Item<'_>) {
        if self.is_over() {
            return;
        }
        let outcome = catch_unwind(AssertUnwindSafe(|| {
            let inspector = self.inspector.get_or_insert_with(|| self.scan.inspector());
            one(self.scan, inspector, item, self.options);
        }));
        if outcome.is_err() {
            self.inspector = None;
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

fn one(scan: &Scan<'_>, inspector: &mut Inspector<'_>, item: &Item<'_>, options: &Options) {
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
        ItemKind::File | ItemKind::Named => match file(scan, inspector, item, options) {
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
    inspector: &mut Inspector<'_>,
    item: &Item<'_>,
    options: &Options,
) -> Option<Result<Inspected, InspectError>> {
    match open(item) {
        Err(error) => Some(Err(error.into())),
        Ok((_, size)) if options.max_filesize.is_some_and(|most| size > most) => {
            let reason = format!("has {size} bytes, more than --max-filesize");
            scan.skipped(item.path, &reason);
            None
        }
        Ok((mut file, size)) => {
            let cancel = &scan.settings.cancel;
            // Files that the system makes up as they are read say that they have nothing.
            let size = Some(size).filter(|size| *size > 0);
            Some(inspector.file(&mut file, size, || cancel.is_cancelled()))
        }
    }
}

/// Opens a regular file, and nothing else that has taken its place since it was listed.
fn open(item: &Item<'_>) -> io::Result<(File, u64)> {
    let file = item.open()?;
    match size(&file)? {
        Some(size) => Ok((file, size)),
        None => Err(io::Error::other("it is no regular file any more")),
    }
}

/// The size of a file, if it is a regular one.
#[cfg(unix)]
fn size(file: &File) -> io::Result<Option<u64>> {
    let stat = rustix::fs::fstat(file)?;
    let kind = rustix::fs::FileType::from_raw_mode(stat.st_mode);
    let size = u64::try_from(stat.st_size).map_err(io::Error::other)?;
    Ok(kind.is_file().then_some(size))
}

/// The size of a file, if it is a regular one.
#[cfg(not(unix))]
fn size(file: &File) -> io::Result<Option<u64>> {
    let metadata = file.metadata()?;
    Ok(metadata.is_file().then_some(metadata.len()))
}

/// The last part of a path, and nothing of one that ends with none.
fn name(path: &[u8]) -> &[u8] {
    let is_end = |byte: &u8| *byte == b'/' || cfg!(windows) && *byte == b'\\';
    match path.rsplit(is_end).next() {
        Some(b"." | b"..") | None => b"",
        Some(name) => name,
    }
}
