//! What commits brought in, as findings and keys of the report.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::collections::HashSet;

use git2::Mailmap;
use git2::ObjectType;
use git2::Repository;
use git2::Signature;
use git2::Time;
use time::OffsetDateTime;
use time::UtcOffset;
use time::format_description::well_known::Rfc3339;

use crate::finding::CommitInfo;
use crate::finding::Finding;
use crate::finding::Hit;
use crate::git::GitError;
use crate::git::commit::Commit;
use crate::git::commit::author;
use crate::git::object::Objects;
use crate::git::tree;
use crate::git::tree::Trees as _;
use crate::key_id::KeyId;
use crate::place::Label;
use crate::place::Place;
use crate::report::Key;
use crate::scan::history::History;
use crate::scan::history::Introduction;
use crate::scan::history::locked;
use crate::source::history;

#[derive(Default)]
struct KeyFacts {
    places: BTreeSet<Label>,
    commits: BTreeSet<usize>,
    authors: BTreeSet<String>,
}

impl History<'_> {
    /// The keys that the checked-out commit has.
    pub(super) fn keys_in_head(&self, repository: &Repository) -> HashSet<KeyId> {
        let read = || {
            let odb = Objects::new(repository)?;
            let head = history::head(repository, self.known)?;
            let mut keys = HashSet::new();
            if let Some(head) = head {
                tree::compare(&odb, head.tree, &[], &mut |change| {
                    let hits = self.hits_of(Some(&odb), change.oid, &change.path);
                    keys.extend(hits.iter().map(|hit| hit.key_id));
                })?;
            }
            Ok(keys)
        };
        read().unwrap_or_else(|error: GitError| {
            self.scan.failed(None, &error);
            HashSet::new()
        })
    }

    /// Puts findings and keys into the report.
    pub(super) fn report(&self, repository: &Repository, in_head: &HashSet<KeyId>) {
        let introductions = std::mem::take(&mut *locked(&self.introductions));
        let mailmap = self.mailmap(repository);
        let mut commits: BTreeMap<usize, CommitInfo> = BTreeMap::new();
        for index in introductions.iter().filter_map(|i| i.commit) {
            commits.entry(index).or_insert_with(|| {
                self.commit_info(repository, mailmap.as_ref(), &self.walk.commits[index])
            });
        }
        // The same secret at the same place, brought in by several commits: the first counts.
        let mut first: BTreeMap<(Place, Hit), Option<usize>> = BTreeMap::new();
        let mut keys: BTreeMap<KeyId, KeyFacts> = BTreeMap::new();
        for Introduction { place, hit, commit } in introductions {
            let facts = keys.entry(hit.key_id).or_default();
            facts.places.insert(place.label.clone());
            if let Some(index) = commit {
                facts.commits.insert(index);
                facts.authors.insert(commits[&index].author.clone());
            }
            first
                .entry((place, hit))
                .and_modify(|known| *known = earliest(*known, commit))
                .or_insert(commit);
        }
        let findings: Vec<Finding> = first
            .into_iter()
            .map(|((place, hit), commit)| Finding {
                place,
                hit,
                commit: commit.map(|index| commits[&index].clone()),
            })
            .collect();
        let pushed = history::pushed(repository, self.known).unwrap_or_else(|error| {
            self.scan.failed(None, &error);
            HashSet::new()
        });
        let mut of_key: BTreeMap<KeyId, Vec<&Finding>> = BTreeMap::new();
        for finding in &findings {
            of_key.entry(finding.hit.key_id).or_default().push(finding);
        }
        let mut report = Vec::new();
        for (key_id, facts) in keys {
            // A key may have no finding that is shown.
            let mut findings = of_key.remove(&key_id).unwrap_or_default();
            findings.sort_by_key(|finding| date_of(finding));
            if let (Some(first), Some(last)) = (findings.first(), findings.last()) {
                report.push(Key {
                    key_id,
                    rule: first.hit.rule.clone(),
                    first: (*first).clone(),
                    last: (*last).clone(),
                    authors: facts.authors.len() as u64,
                    places: facts.places.len() as u64,
                    commits: facts.commits.len() as u64,
                    in_head: in_head.contains(&key_id),
                    pushed: facts
                        .commits
                        .iter()
                        .any(|index| pushed.contains(&self.walk.commits[*index].oid)),
                });
            }
        }
        report.sort_by_key(|key| date_of(&key.first));
        self.scan.with_report(|out| {
            out.findings.extend(findings);
            out.keys = report;
        });
    }

    /// Who is who, as the checked-out commit has it: names and addresses that people had once.
    fn mailmap(&self, repository: &Repository) -> Option<Mailmap> {
        // Without it the report is the same but for the names.
        let head = history::head(repository, self.known).ok()??;
        let odb = Objects::new(repository).ok()?;
        let entries = odb.entries(head.tree).ok()?;
        let entry = entries.iter().find(|entry| entry.name == b".mailmap")?;
        // As above.
        let object = odb.read_as(entry.oid, ObjectType::Blob).ok()?;
        Mailmap::from_buffer(std::str::from_utf8(object.data()).ok()?).ok()
    }

    fn commit_info(
        &self,
        repository: &Repository,
        mailmap: Option<&Mailmap>,
        commit: &Commit,
    ) -> CommitInfo {
        let mut info = CommitInfo {
            time: commit.time,
            id: commit.oid.to_string(),
            author: String::new(),
            date: String::new(),
        };
        // It was read before, so it is there; what is not is left empty.
        let raw = Objects::new(repository)
            .and_then(|odb| Ok(odb.read_as(commit.oid, ObjectType::Commit)?.data().to_vec()));
        if let Ok(raw) = raw
            && let Some((name, seconds, minutes_east)) = author(&raw)
        {
            let name = mailmap.map_or_else(|| name.to_vec(), |mailmap| mapped(mailmap, name));
            info.author = self.scan.redactor().label(&name).to_string();
            // A date that makes no sense is not shown.
            info.date = date(seconds, minutes_east).unwrap_or_default();
        }
        info
    }
}

/// The proper form of `Name <address>`.
fn mapped(mailmap: &Mailmap, author: &[u8]) -> Vec<u8> {
    let resolve = || {
        let text = std::str::from_utf8(author).ok()?;
        let (name, address) = text.strip_suffix('>')?.split_once('<')?;
        // Then the name is shown as it is.
        let author = Signature::new(name.trim(), address, &Time::new(0, 0)).ok()?;
        // Then the name is shown as it is.
        let proper = mailmap.resolve_signature(&author).ok()?;
        let (name, address) = (proper.name_bytes(), proper.email_bytes());
        Some([name, b" <", address, b">"].concat())
    };
    // What cannot be resolved is told as it was written.
    resolve().unwrap_or_else(|| author.to_vec())
}

/// What findings are ordered by in time.
fn date_of(finding: &Finding) -> Option<(i64, String)> {
    let commit = finding.commit.as_ref()?;
    Some((commit.time, commit.id.clone()))
}

/// The earlier of two commits of the walk, which is sorted by date.
fn earliest(a: Option<usize>, b: Option<usize>) -> Option<usize> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}

/// A date as RFC 3339 writes it; `None` where it is beyond what that can write.
fn date(seconds: i64, minutes_east: i32) -> Option<String> {
    let offset = UtcOffset::from_whole_seconds(minutes_east.checked_mul(60)?).ok()?;
    OffsetDateTime::from_unix_timestamp(seconds)
        // A date that makes no sense is not shown.
        .ok()?
        .checked_to_offset(offset)?
        .format(&Rfc3339)
        // A date that makes no sense is not shown.
        .ok()
}
