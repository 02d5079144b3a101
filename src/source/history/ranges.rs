//! The commits that ranges like `BASE..HEAD` name, and those that they leave out.

use std::collections::HashSet;

use git2::Oid;
use git2::Repository;

use crate::git::GitError;
use crate::git::commit::Commits;
use crate::git::object::Objects;
use crate::source::history::Walk;
use crate::source::history::ancestors::ancestors;
use crate::source::history::is_missing;
use crate::source::history::reader;
use crate::source::history::revision::resolve;

/// Commits that count with all before them, those that do not with all before them, and some more
/// that do not.
type Bounds = (Vec<Oid>, Vec<Oid>, HashSet<Oid>);

impl Walk {
    /// The commits that ranges name, those they leave out with all their ancestors, and commits that
    /// are left out without.
    pub(super) fn ranges(
        &mut self,
        repository: &Repository,
        odb: &Objects<'_>,
        ranges: &[String],
    ) -> Result<Bounds, GitError> {
        let mut include = Vec::new();
        let mut exclude = Vec::new();
        let mut left_out = HashSet::new();
        for range in ranges {
            if let Some((a, b)) = range.split_once("...") {
                let (a, b) = (
                    resolve(repository, odb, a, range)?,
                    resolve(repository, odb, b, range)?,
                );
                include.extend([a, b]);
                let ours = self.all_before(odb, vec![a]);
                let theirs = self.all_before(odb, vec![b]);
                left_out.extend(ours.intersection(&theirs).copied());
            } else if let Some((base, tip)) = range.split_once("..") {
                exclude.push(resolve(repository, odb, base, range)?);
                let tip = if tip.is_empty() { "HEAD" } else { tip };
                include.push(resolve(repository, odb, tip, range)?);
            } else if let Some(base) = range.strip_prefix('^') {
                exclude.push(resolve(repository, odb, base, range)?);
            } else {
                include.push(resolve(repository, odb, range, range)?);
            }
        }
        if include.is_empty() {
            return Err(GitError::Revision {
                revision: ranges.join(" "),
                reason: "leaves commits out but names none to scan; write BASE..HEAD".to_owned(),
            });
        }
        Ok((include, exclude, left_out))
    }

    /// Commits and all their ancestors that are here. Where a shallow clone ends is no error:
    /// what lies before is left out as well.
    fn all_before(&mut self, odb: &Objects<'_>, tips: Vec<Oid>) -> HashSet<Oid> {
        let known = Commits::new();
        let read = &mut reader(odb, &known);
        ancestors(read, tips, &HashSet::new(), &mut |error| {
            if !is_missing(&error) {
                self.errors.push(error);
            }
        })
        .into_iter()
        .map(|commit| commit.oid)
        .collect()
    }
}
