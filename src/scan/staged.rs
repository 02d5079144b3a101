//! Scans what the next commit would contain, and tells only what it adds.

use git2::ErrorCode;
use git2::ObjectType;
use git2::Oid;
use git2::Repository;

use crate::finding::Hit;
use crate::git::GitError;
use crate::git::Opener;
use crate::git::object::Objects;
use crate::git::tree::EntryKind;
use crate::place::Kind;
use crate::scan::Scan;
use crate::scan::added;
use crate::scan::inspect::Inspected;
use crate::scan::pool::Pool;
use crate::source::staged::Item;
use crate::source::staged::Selection;
use crate::source::staged::list;

/// Scans the index. An error means that nothing was scanned; what else went wrong is in the report.
pub fn scan(scan: &Scan<'_>, opener: &Opener, selection: Selection) -> Result<(), GitError> {
    let listing = list(opener, &opener.open()?, selection)?;
    for error in &listing.errors {
        scan.failed(None, error);
    }
    let settings = scan.settings;
    Pool::new(
        settings.threads,
        listing.items.len(),
        settings.cancel.clone(),
    )
    .each(
        &listing.items,
        || opener.open(),
        |repository, item| {
            if scan.is_excluded(&item.path) {
                return;
            }
            let outcome = match repository {
                Ok(repository) => one(scan, repository, item).map_err(|error| error.to_string()),
                Err(error) => Err(error.to_string()),
            };
            if let Err(reason) = outcome {
                scan.failed(Some(&item.path), reason);
            }
        },
        |item| scan.broken(&item.path),
    );
    Ok(())
}

fn one(scan: &Scan<'_>, repository: &Repository, item: &Item) -> Result<(), GitError> {
    if item.is_new_path {
        for (place, hit) in scan.path_hits(&item.path) {
            scan.found(&place, [hit], None);
        }
    }
    if item.kind == EntryKind::Gitlink {
        return Ok(());
    }
    let odb = Objects::new(repository)?;
    let Some(inspected) = blob(scan, &odb, item.oid, &item.path)? else {
        return Ok(());
    };
    scan.count(inspected.bytes);
    let place = scan.place(Kind::Content, &item.path);
    scan.remarks(&place.label, &inspected);
    if inspected.hits.is_empty() {
        return Ok(());
    }
    let old = match item.old {
        Some(old) => match blob(scan, &odb, old, &item.path) {
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
