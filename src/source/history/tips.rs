//! Where a walk begins: what refs, reflogs and known objects lead to.

use std::collections::HashSet;

use git2::ObjectType;
use git2::Oid;
use git2::Repository;

use crate::git::GitError;
use crate::git::commit::Commits;
use crate::git::commit::parse_tag;
use crate::git::object::Objects;
use crate::git::refs;
use crate::git::refs::Ref;
use crate::source::history::Extra;
use crate::source::history::Walk;
use crate::source::history::is_missing;
use crate::source::history::revision::commit_of;

impl Walk {
    /// The commits at the tips of all refs; the rest of what refs name goes into the walk.
    pub(super) fn everything(
        &mut self,
        repository: &Repository,
        odb: &Objects<'_>,
        known: &Commits,
    ) -> Vec<Oid> {
        let refs = refs::all(repository);
        self.errors.extend(refs.errors);
        self.named(odb, refs.refs, &mut HashSet::new(), known)
    }

    /// The commits that refs lead to; the rest of what they lead to, without what was seen, goes
    /// into the walk.
    pub(super) fn named(
        &mut self,
        odb: &Objects<'_>,
        refs: Vec<Ref>,
        seen: &mut HashSet<Oid>,
        known: &Commits,
    ) -> Vec<Oid> {
        let mut tips = Vec::new();
        for name in refs {
            let mut oid = name.target;
            // A tag may name a tag.
            while seen.insert(oid) {
                if known.contains_key(&oid) {
                    tips.push(oid);
                    break;
                }
                match self.tip(odb, &name.name, oid, &mut tips) {
                    Ok(Some(target)) => oid = target,
                    Ok(None) => break,
                    Err(error) => {
                        self.errors.push(error);
                        break;
                    }
                }
            }
            self.ref_names.push(name.name);
        }
        tips
    }

    /// The commits that reflogs name and that are still there: git forgets them in time.
    pub(super) fn reflogs(&mut self, repository: &Repository, known: &Commits) -> Vec<Oid> {
        let logs = refs::reflogs(repository);
        self.errors.extend(logs.errors);
        let named = logs.refs.into_iter().map(|entry| entry.target);
        named.filter(|oid| known.contains_key(oid)).collect()
    }

    /// The commits that known objects are or lead to.
    pub(super) fn known(&mut self, odb: &Objects<'_>, known: &[Oid]) -> Vec<Oid> {
        let mut commits = Vec::new();
        for &oid in known {
            match commit_of(odb, oid) {
                Ok(commit) => commits.extend(commit),
                // The other side has what this one never saw or has thrown away.
                Err(error) if is_missing(&error) => {}
                Err(error) => self.errors.push(error),
            }
        }
        commits
    }

    /// Takes one object that a ref leads to; gives the one it leads on to, if it is a tag.
    fn tip(
        &mut self,
        odb: &Objects<'_>,
        name: &[u8],
        oid: Oid,
        tips: &mut Vec<Oid>,
    ) -> Result<Option<Oid>, GitError> {
        let object = odb.read(oid).map_err(|error| GitError::Ref {
            name: name.to_owned(),
            reason: error.to_string(),
        })?;
        let mut extra = Extra {
            name: name.to_owned(),
            oid,
            kind: object.kind(),
        };
        let target = match object.kind() {
            ObjectType::Commit => {
                tips.push(oid);
                return Ok(None);
            }
            ObjectType::Tag => {
                let (target, tag) = parse_tag(oid, object.data())?;
                let own_name = [b"refs/tags/", tag].concat();
                if name != own_name {
                    extra.name = [name, b" (tag ", tag, b")"].concat();
                }
                Some(target)
            }
            _ => None,
        };
        self.extras.push(extra);
        Ok(target)
    }
}
