//! Scans files.

use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::path::Path;
use std::path::PathBuf;

use crate::scan::Scan;
use crate::scan::inspect::InspectError;
use crate::scan::inspect::Inspected;
use crate::scan::inspect::Inspector;
use crate::scan::pool::Pool;
use crate::source::worktree::Item;
use crate::source::worktree::ItemKind;
use crate::source::worktree::Options;
use crate::source::worktree::cannot_read;
use crate::source::worktree::list;

/// Scans what is below `roots`.
pub fn scan(scan: &Scan<'_>, roots: &[PathBuf], options: &Options) {
    let listing = list(roots, options);
    for (path, reason) in &listing.errors {
        scan.failed(Some(bytes(path)), reason);
    }
    for (path, reason) in &listing.skipped {
        scan.skipped(bytes(path), reason);
    }
    let settings = scan.settings;
    Pool::new(
        settings.threads,
        listing.items.len(),
        settings.cancel.clone(),
    )
    .each(
        &listing.items,
        || scan.inspector(),
        |inspector, item| one(scan, inspector, item, options),
        |item| scan.broken(bytes(&item.path)),
    );
}

fn one(scan: &Scan<'_>, inspector: &mut Inspector<'_>, item: &Item, options: &Options) {
    let path = bytes(&item.path);
    for (place, hit) in scan.name_hits(path, name(&item.path)) {
        scan.found(&place, [hit], None);
    }
    let outcome = match item.kind {
        ItemKind::Directory => return,
        ItemKind::Link => link(inspector, &item.path),
        ItemKind::File | ItemKind::Named => match file(scan, inspector, item, options) {
            Some(outcome) => outcome,
            None => return,
        },
    };
    match outcome {
        Ok(inspected) => scan.inspected(path, inspected),
        Err(InspectError::Read(error)) => scan.failed(Some(path), cannot_read(&error)),
        Err(InspectError::Match(error)) => scan.failed(Some(path), &error),
    }
}

/// Inspects a file; `None` if it was skipped, which is said.
fn file(
    scan: &Scan<'_>,
    inspector: &mut Inspector<'_>,
    item: &Item,
    options: &Options,
) -> Option<Result<Inspected, InspectError>> {
    match open(item) {
        Err(error) => Some(Err(error.into())),
        Ok((_, size)) if options.max_filesize.is_some_and(|most| size > most) => {
            let reason = format!("has {size} bytes, more than --max-filesize");
            scan.skipped(bytes(&item.path), &reason);
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
fn open(item: &Item) -> io::Result<(File, u64)> {
    let mut options = File::options();
    options.read(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;

        use rustix::fs::OFlags;

        let mut flags = OFlags::NONBLOCK;
        if item.kind == ItemKind::File {
            flags |= OFlags::NOFOLLOW;
        }
        options.custom_flags(i32::try_from(flags.bits()).unwrap_or(0));
    }
    let file = options.open(&item.path)?;
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

/// Inspects the target of a symbolic link, which is what git stores of it.
fn link(inspector: &Inspector<'_>, path: &Path) -> Result<Inspected, InspectError> {
    let target = std::fs::read_link(path)?;
    Ok(inspector.bytes(bytes(&target))?)
}

/// The last part of a path, and nothing of one that ends with none.
fn name(path: &Path) -> &[u8] {
    let plain = |name: &&[u8]| !matches!(*name, b"" | b"." | b"..");
    let last = bytes(path).rsplit(|byte| *byte == b'/').next();
    match last.filter(plain) {
        Some(name) if cfg!(unix) => name,
        _ => path.file_name().map_or(b"", OsStr::as_encoded_bytes),
    }
}

fn bytes(path: &Path) -> &[u8] {
    path.as_os_str().as_encoded_bytes()
}
