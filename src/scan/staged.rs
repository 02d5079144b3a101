//! Scans what the next commit would contain, and tells only what it adds.

use git2::ErrorCode;
use git2::ObjectType;
use git2::Oid;
use git2::Repository;

use crate::finding::Hit;
use crate::git::GitError;
use crate::git::Opener;
use crate::git::index::Ahead;
use crate::git::object::Objects;
use crate::git::tree::EntryKind;
use crate::place::Kind;
use crate::scan::Scan;
use crate::scan::added;
use crate::scan::inspect::Inspected;
use crate::scan::pool::Pool;
use crate::scan::pool::Turns;
use crate::source::staged::Item;
use crate::source::staged::Selection;
use crate::source::staged::list;

/// Scans the index. An error means that nothing was scanned; what else went wrong is in the report.
pub fn scan(scan: &Scan<'_>, opener: &Opener, selection: Selection) -> Result<(), GitError> {
    scan_in(scan, opener, &opener.open()?, selection, None)
}

/// The same in a repository that is open already, with an index of which the checksum may have been
/// begun.
pub fn scan_in(
    scan: &Scan<'_>,
    opener: &Opener,
    repository: &Repository,
    selection: Selection,
    ahead: Option<Ahead>,
) -> Result<(), GitError> {
    let odb = Objects::new(repository)?;
    let listing = list(opener, repository, &odb, selection, ahead)?;
    for error in &listing.errors {
        scan.failed(None, error);
    }
    let (items, settings) = (&listing.items, scan.settings);
    let pool = Pool::new(settings.threads, items.len(), settings.cancel.clone());
    let broken = |item: &Item| scan.broken(&item.path);
    if pool.has_threads() {
        pool.share(items, |turns| shared(scan, opener, turns), broken);
    } else {
        // Opening a repository costs more than scanning a few files.
        pool.in_turn(items, || (), |(), item| one(scan, &odb, item), broken);
    }
    Ok(())
}

/// Scans files with a thread's own repository.
fn shared(scan: &Scan<'_>, opener: &Opener, turns: &Turns<'_, Item>) {
    let repository = opener.open();
    let odb = repository.as_ref().map(Objects::new);
    turns.each(|item| {
        let error = match &odb {
            Ok(Ok(odb)) => return one(scan, odb, item),
            Ok(Err(error)) => error,
            Err(error) => *error,
        };
        // What is left out need not be readable.
        if !scan.is_excluded(&item.path) {
            scan.failed(Some(&item.path), error);
        }
    });
}

fn one(scan: &Scan<'_>, odb: &Objects<'_>, item: &Item) {
    if scan.is_excluded(&item.path) {
        return;
    }
    if let Err(error) = file(scan, odb, item) {
        scan.failed(Some(&item.path), error);
    }
}

fn file(scan: &Scan<'_>, odb: &Objects<'_>, item: &Item) -> Result<(), GitError> {
    if item.is_new_path {
        for (place, hit) in scan.path_hits(&item.path, 0) {
            scan.found(&place, [hit], None);
        }
    }
    if item.kind == EntryKind::Gitlink {
        return Ok(());
    }
    let Some(inspected) = blob(scan, odb, item.oid, &item.path)? else {
        return Ok(());
    };
    scan.count(inspected.bytes);
    let place = scan.place(Kind::Content, &item.path);
    scan.remarks(&place.label, &inspected);
    if inspected.hits.is_empty() {
        return Ok(());
    }
    let old = match item.old {
        Some(old) => match blob(scan, odb, old, &item.path) {
            // What was excluded has none.
            Ok(old) => old.map(|old| old.hits).unwrap_or_default(),
            // What is not here any more cannot excuse what is.
            Err(GitError::Object { error, .. }) if error.code() == ErrorCode::NotFound => {
                Vec::new()
            }
            Err(error) => return Err(error),
        },
        None => Vec::new(),
    };
    let added: Vec<Hit> = added(&inspected.hits, &[&old])
        .into_iter()
        .cloned()
        .collect();
    scan.found(&place, added, None);
    Ok(())
}

/// Inspects a blob; `None` if a rule could not be run, which is said.
pub(super) fn blob(
    scan: &Scan<'_>,
    odb: &Objects<'_>,
    oid: Oid,
    path: &[u8],
) -> Result<Option<Inspected>, GitError> {
    let object = odb.read_as(oid, ObjectType::Blob)?;
    match scan.inspector().bytes(object.data()) {
        Ok(inspected) => Ok(Some(inspected)),
        Err(error) => {
            scan.failed(Some(path), &error);
            Ok(None)
        }
    }
}
