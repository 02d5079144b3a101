//! The commit that a revision, or an object, stands for.

use git2::ErrorCode;
use git2::ObjectType;
use git2::Oid;
use git2::Repository;

use crate::git;
use crate::git::GitError;
use crate::git::commit::parse_oid;
use crate::git::commit::parse_tag;
use crate::git::object::Objects;
use crate::source::history::is_missing;

/// Tags that name tags, of which the last names a commit.
const MAX_NESTED_TAGS: usize = 100;

/// The commit that a revision of `range` names.
pub(super) fn resolve(
    repository: &Repository,
    odb: &Objects<'_>,
    revision: &str,
    range: &str,
) -> Result<Oid, GitError> {
    let fail = |reason: &str| GitError::Revision {
        revision: if revision.is_empty() { range } else { revision }.to_owned(),
        reason: reason.to_owned(),
    };
    if revision.is_empty() {
        return Err(fail("has an empty side; is a variable of the CI not set?"));
    }
    if revision.len() >= 40 && revision.bytes().all(|b| b == b'0') {
        return Err(fail(
            "is all zeros: the branch is new, so there is no base; use its merge base with the main branch",
        ));
    }
    let shallow = || {
        if repository.is_shallow() {
            "is not here, and the clone is shallow; run `git fetch --unshallow` (in CI: fetch-depth: 0)"
        } else {
            "is not known here; fetch it, or check its spelling"
        }
    };
    git::pipes::refs(repository, revision)?;
    odb.check_packs()?;
    let found = match named(repository, revision) {
        Some(oid) => Ok(oid),
        None => repository
            .revparse_single(revision)
            .map(|object| object.id())
            .map_err(|error| match error.code() {
                ErrorCode::NotFound => fail(shallow()),
                ErrorCode::Ambiguous => fail("is ambiguous; write more digits"),
                ErrorCode::InvalidSpec => fail("is no revision; see `git help revisions`"),
                _ => fail(&format!("does not name a commit: {}", error.message())),
            }),
    };
    let mut oid = found?;
    for _ in 0..MAX_NESTED_TAGS {
        let object = match odb.read(oid) {
            Ok(object) => object,
            Err(error) if is_missing(&error) => return Err(fail(shallow())),
            Err(error) => return Err(error),
        };
        match object.kind() {
            ObjectType::Commit => return Ok(oid),
            ObjectType::Tag => oid = parse_tag(oid, object.data())?.0,
            _ => break,
        }
    }
    Err(fail("does not name a commit"))
}

/// The commit that an object is, or that a tag leads to; `None` for other objects.
pub(super) fn commit_of(odb: &Objects<'_>, mut oid: Oid) -> Result<Option<Oid>, GitError> {
    for _ in 0..MAX_NESTED_TAGS {
        let object = odb.read(oid)?;
        match object.kind() {
            ObjectType::Commit => return Ok(Some(oid)),
            ObjectType::Tag => oid = parse_tag(oid, object.data())?.0,
            _ => break,
        }
    }
    Ok(None)
}

/// The object that a full id, `HEAD` or the name of a ref stands for. libgit2 reads the object to
/// tell, and one that was cut off it would never get to the end of.
fn named(repository: &Repository, revision: &str) -> Option<Oid> {
    if revision == "HEAD" {
        return git::head(repository).ok().flatten();
    }
    if let Some(oid) = parse_oid(revision.as_bytes()) {
        return Some(oid);
    }
    ["", "refs/", "refs/tags/", "refs/heads/", "refs/remotes/"]
        .iter()
        .find_map(|prefix| {
            repository
                .find_reference(&format!("{prefix}{revision}"))
                .and_then(|reference| reference.resolve())
                // What is no ref of this name is tried under the next, and in the end told as unknown.
                .ok()?
                .target()
        })
}
