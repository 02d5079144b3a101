//! What a push brings, from what git tells its hooks.

use git2::ErrorCode;
use git2::Oid;
use git2::Remote;
use git2::Repository;

use crate::git;
use crate::git::GitError;
use crate::git::commit::parse_oid;
use crate::git::refs;
use crate::git::refs::Ref;
use crate::source::history::Selection;

/// Why what a hook was told cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PushError {
    /// A line is not of the form that git writes.
    #[error("line {line} of standard input is not `{form}`, as git writes it")]
    Line {
        /// Its number, from 1.
        line: usize,
        /// What it should be.
        form: &'static str,
    },
    /// A server is not asked for nothing, so who runs the hook kept it.
    #[error("there is nothing on standard input, where git tells its hook what is pushed")]
    Nothing,
    /// What is checked out could not be told.
    #[error(transparent)]
    Head(#[from] GitError),
    /// The configuration of remotes could not be read.
    #[error("the remotes cannot be read: {}", .0.message())]
    Remotes(#[source] git2::Error),
}

/// What `pre-push` is told on its standard input: `<local ref> <local oid> <remote ref> <remote
/// oid>` lines. New is what neither the remote's refs lead to that are pushed to, nor those of it
/// that were fetched. The remote is the hook's first argument: a name, or a URL.
///
/// Git tells nothing where nothing is to be pushed. Who runs the hook may also have `kept` it: then
/// it is what is checked out that counts.
pub fn to_remote(
    repository: &Repository,
    remote: &str,
    input: &[u8],
    kept: bool,
) -> Result<Selection, PushError> {
    const FORM: &str = "<local ref> <local oid> <remote ref> <remote oid>";
    let mut tips = Vec::new();
    let mut known = Vec::new();
    for (line, text) in lines(input) {
        let malformed = || PushError::Line { line, form: FORM };
        // From the right: what is pushed may be written with blanks, as in `HEAD@{1 day ago}`.
        let mut fields = text.rsplitn(4, |&byte| byte == b' ');
        let mut field = || fields.next().filter(|field| !field.is_empty());
        let (old, name) = (
            field().ok_or_else(malformed)?,
            field().ok_or_else(malformed)?,
        );
        let (new, _) = (
            field().ok_or_else(malformed)?,
            field().ok_or_else(malformed)?,
        );
        let old = parse_oid(old).ok_or_else(malformed)?;
        let new = parse_oid(new).ok_or_else(malformed)?;
        changed(name, old, new, &mut tips, &mut known);
    }
    if input.is_empty() && kept {
        tips.extend(git::head(repository)?.map(|target| Ref {
            name: b"HEAD".to_vec(),
            target,
        }));
    }
    if !tips.is_empty() {
        known.extend(fetched(repository, remote)?);
    }
    Ok(Selection::New { tips, known })
}

/// What `pre-receive` is told on its standard input: `<old oid> <new oid> <ref>` lines. New is what
/// no ref leads to.
pub fn from_client(repository: &Repository, input: &[u8]) -> Result<Selection, PushError> {
    const FORM: &str = "<old oid> <new oid> <ref>";
    if input.is_empty() {
        return Err(PushError::Nothing);
    }
    let mut tips = Vec::new();
    let mut known = Vec::new();
    for (line, text) in lines(input) {
        let malformed = || PushError::Line { line, form: FORM };
        let mut fields = text.splitn(3, |&byte| byte == b' ');
        let mut field = || fields.next().filter(|field| !field.is_empty());
        let old = field().and_then(parse_oid).ok_or_else(malformed)?;
        let new = field().and_then(parse_oid).ok_or_else(malformed)?;
        let name = field().ok_or_else(malformed)?;
        changed(name, old, new, &mut tips, &mut known);
    }
    if !tips.is_empty() {
        // A ref that cannot be read leaves nothing out, so more is scanned.
        known.extend(refs::all(repository).refs.iter().map(|name| name.target));
    }
    Ok(Selection::New { tips, known })
}

/// The lines, numbered from 1.
fn lines(input: &[u8]) -> impl Iterator<Item = (usize, &[u8])> {
    let ended = input.strip_suffix(b"\n").unwrap_or(input);
    let lines = (!input.is_empty()).then(|| ended.split(|&byte| byte == b'\n'));
    // No input is no line.
    (1..).zip(lines.into_iter().flatten())
}

/// Takes one ref that is changed. All zeros stand for what is not there: a ref that is made has
/// no old object, one that is deleted no new one.
fn changed(name: &[u8], old: Oid, new: Oid, tips: &mut Vec<Ref>, known: &mut Vec<Oid>) {
    if !old.is_zero() {
        known.push(old);
    }
    if !new.is_zero() {
        tips.push(Ref {
            name: name.to_owned(),
            target: new,
        });
    }
}

/// What the refs stand for that were fetched from a remote, and from no other.
fn fetched(repository: &Repository, remote: &str) -> Result<Vec<Oid>, PushError> {
    let mut own = Vec::new();
    let mut others = Vec::new();
    for name in &repository.remotes().map_err(PushError::Remotes)? {
        // A name that is no UTF-8 cannot be looked up; nothing is left out for it.
        let Some(name) = name.map_err(PushError::Remotes)? else {
            continue;
        };
        match repository.find_remote(name) {
            Ok(known) if is_it(&known, name, remote) => own.push(known),
            Ok(known) => others.push(known),
            // One without a URL, which git cannot push to.
            Err(error) if error.code() == ErrorCode::NotFound => {}
            Err(error) => return Err(PushError::Remotes(error)),
        }
    }
    // Of `a` and `a/b` both could have brought `refs/remotes/a/b/main`.
    let is_own = |name: &str| brings(&own, name) && !brings(&others, name);
    // A ref that cannot be read leaves nothing out, so more is scanned.
    let refs = refs::all(repository).refs.into_iter();
    Ok(refs
        .filter(|name| {
            // Those of a mirror are not only the remote's.
            name.name.starts_with(b"refs/remotes/")
                && std::str::from_utf8(&name.name).is_ok_and(is_own)
        })
        .map(|name| name.target)
        .collect())
}

/// Whether a remote is what git calls so: by its name, or by where it is.
fn is_it(remote: &Remote<'_>, name: &str, called: &str) -> bool {
    name == called
        || remote.url().is_ok_and(|url| url == called)
        || remote.pushurl().is_ok_and(|url| url == Some(called))
}

/// Whether a fetch from one of the remotes writes a ref.
fn brings(remotes: &[Remote<'_>], name: &str) -> bool {
    remotes.iter().any(|remote| {
        remote
            .refspecs()
            .any(|spec| spec.direction() == git2::Direction::Fetch && spec.dst_matches(name))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: &str = "1111111111111111111111111111111111111111";
    const ZERO: &str = "0000000000000000000000000000000000000000";

    #[test]
    fn lines_are_numbered_and_none_is_none() {
        assert_eq!((lines(b"").count(), lines(b"\n").count()), (0, 1));
        let both: Vec<_> = lines(b"a\nb\n").collect();
        assert_eq!(both, [(1, &b"a"[..]), (2, &b"b"[..])]);
        assert_eq!(lines(b"a\n\nb").count(), 3);
    }

    #[test]
    fn zeros_stand_for_nothing() {
        let (mut tips, mut known) = (Vec::new(), Vec::new());
        let oid = |hex: &str| parse_oid(hex.as_bytes()).unwrap();
        changed(b"refs/heads/a", oid(A), oid(ZERO), &mut tips, &mut known);
        assert_eq!((tips.len(), known.len()), (0, 1));
        changed(b"refs/heads/a", oid(ZERO), oid(A), &mut tips, &mut known);
        assert_eq!((tips.len(), known.len()), (1, 1));
    }
}
