//! Files that libgit2 reads without looking at what they are: at a pipe it would wait for ever.
//!
//! They are looked at before a repository is opened. Who can swap one meanwhile can do more than
//! make a scan wait.

use std::fs;
use std::io;
use std::io::Read as _;
use std::path::Component;
use std::path::Path;
use std::path::PathBuf;

use git2::Config;
use git2::Oid;
use git2::Repository;

use crate::git::GitError;
use crate::git::commit::parse_oid;
use crate::git::path_of;

/// Bytes that are read of a configuration to find what it includes.
const MAX_CONFIG: u64 = 1 << 20;
/// Files that configurations may include, one after the other.
const MAX_INCLUDED: usize = 1000;
/// Refs that lead to refs, as far as libgit2 follows them.
const MAX_REFS: usize = 10;

/// What is read in the directory of a worktree, which may be the repository's own.
const OWN: [&str; 2] = ["commondir", "gitdir"];
/// What is read in the directory that worktrees have in common.
const COMMON: [&str; 4] = ["packed-refs", "shallow", "info/grafts", "info/exclude"];
/// Where a name can stand for a ref.
const REFS: [(&str, &str); 6] = [
    ("", ""),
    ("refs/", ""),
    ("refs/tags/", ""),
    ("refs/heads/", ""),
    ("refs/remotes/", ""),
    ("refs/remotes/", "/HEAD"),
];

/// Looks at what opening the repository around a directory, or one that is named, will read.
pub fn check(from: &Path, is_searched: bool) -> Result<(), GitError> {
    let mut seen = Vec::new();
    let users = [
        Config::find_global(),
        Config::find_xdg(),
        Config::find_system(),
    ];
    // Where it finds none, or cannot tell, there is nothing to wait for.
    for path in users.into_iter().filter_map(Result::ok) {
        configuration(path, &mut seen)?;
    }
    // What does not exist is told by who opens it.
    let Ok(from) = from.canonicalize() else {
        return Ok(());
    };
    for directory in from.ancestors() {
        if around(directory, &mut seen)? || !is_searched {
            break;
        }
    }
    Ok(())
}

/// Looks at a repository whose directory is named.
pub fn check_named(directory: &Path) -> Result<(), GitError> {
    check(directory, false)?;
    repository(directory, &mut Vec::new())
}

/// Looks at the repository at the top of whose worktree a directory is, or which it is; tells
/// whether there is one.
fn around(directory: &Path, seen: &mut Vec<PathBuf>) -> Result<bool, GitError> {
    let git = directory.join(".git");
    match git.metadata() {
        Ok(metadata) if metadata.is_dir() => {
            repository(&git, seen)?;
            return Ok(git.join("HEAD").symlink_metadata().is_ok());
        }
        Ok(metadata) if metadata.is_file() => {
            if let Some(target) = leads_to(&git, b"gitdir:") {
                repository(&directory.join(target), seen)?;
            }
            return Ok(true);
        }
        // Nothing that is opened.
        Ok(_) | Err(_) => {}
    }
    let is_bare = directory.join("objects").is_dir() && directory.join("HEAD").exists();
    if is_bare {
        repository(directory, seen)?;
    }
    Ok(is_bare)
}

/// Looks at the files of a repository.
fn repository(directory: &Path, seen: &mut Vec<PathBuf>) -> Result<(), GitError> {
    for file in OWN {
        plain(&directory.join(file))?;
    }
    let common = match leads_to(&directory.join("commondir"), b"") {
        Some(common) => directory.join(common),
        None => directory.to_owned(),
    };
    for file in COMMON {
        plain(&common.join(file))?;
    }
    configuration(directory.join("config.worktree"), seen)?;
    configuration(common.join("config"), seen)
}

/// Looks at the files that can be the ref that a revision begins with, and those that it leads to.
pub fn refs(repository: &Repository, revision: &str) -> Result<(), GitError> {
    let name = revision
        .split(['~', '^', '@', ':'])
        .next()
        .unwrap_or(revision);
    REFS.iter().try_for_each(|(before, behind)| {
        led(repository, &format!("{before}{name}{behind}")).map(|_| ())
    })
}

/// Looks at the packs of a directory of objects, of which the first object that is sought opens all.
pub fn packs(objects: &Path) -> Result<(), GitError> {
    // What cannot be listed is told by who opens it.
    let Ok(entries) = fs::read_dir(objects.join("pack")) else {
        return Ok(());
    };
    for entry in entries {
        // As above.
        let Ok((entry, kind)) = entry.and_then(|entry| entry.file_type().map(|kind| (entry, kind)))
        else {
            return Ok(());
        };
        if !kind.is_file() {
            plain(&entry.path())?;
        }
    }
    Ok(())
}

/// Looks at `HEAD` and what it leads to. Tells the commit where that is plain to see, and libgit2
/// need not read it all once more.
pub fn head(repository: &Repository) -> Result<Option<Oid>, GitError> {
    let end = led(repository, "HEAD")?;
    let has_one_place = repository.path() == repository.commondir();
    // What is no name of an object of this repository is for libgit2 to say.
    let name = end.filter(|_| has_one_place);
    let oid = name.and_then(|name| parse_oid(name.trim_ascii_end()));
    Ok(oid.filter(|oid| oid.object_format() == repository.object_format()))
}

/// Looks at a ref, and at those that it leads to; gives what is in the last of them, if each of them
/// is a file and has a name that a ref may have.
fn led(repository: &Repository, name: &str) -> Result<Option<Vec<u8>>, GitError> {
    let mut names = vec![PathBuf::from(name)];
    let mut steps = 0;
    let mut end = None;
    let mut is_plain = true;
    while let Some(name) = names.pop()
        && steps < MAX_REFS
    {
        steps += 1;
        let (own, common) = (repository.path(), repository.commondir());
        let shared = (own != common).then_some(common);
        for directory in std::iter::once(own).chain(shared) {
            let path = directory.join(&name);
            if !plain(&path)? {
                end = None;
                continue;
            }
            end = text_of(&path);
            if let Some(next) = end.as_ref().and_then(|text| target(text, b"ref:")) {
                is_plain &= next.starts_with("refs") && next.components().all(is_name);
                names.push(next);
            }
        }
    }
    Ok(end.filter(|_| is_plain && names.is_empty()))
}

fn is_name(part: Component<'_>) -> bool {
    matches!(part, Component::Normal(_))
}

/// Looks at a configuration and all that it includes.
fn configuration(path: PathBuf, seen: &mut Vec<PathBuf>) -> Result<(), GitError> {
    let mut open = vec![path];
    while let Some(path) = open.pop() {
        if !plain(&path)? || seen.len() > MAX_INCLUDED || seen.contains(&path) {
            continue;
        }
        // What cannot be read is told by who opens it.
        let Ok(text) = start(&path) else {
            continue;
        };
        seen.push(path.clone());
        let beside = path.parent().unwrap_or(Path::new(""));
        for line in text.split(|byte| *byte == b'\n') {
            if let Some(included) = included(line) {
                open.push(match included.strip_prefix(b"~/") {
                    Some(rest) => home().join(path_of(rest)),
                    None => beside.join(path_of(included)),
                });
            }
        }
    }
    Ok(())
}

/// What a line `path = …` names, in whatever section.
fn included(line: &[u8]) -> Option<&[u8]> {
    let line = line.trim_ascii();
    // It may follow the name of its section.
    let entry = match line.iter().rposition(|byte| *byte == b']') {
        Some(end) if line.starts_with(b"[") => line[end + 1..].trim_ascii(),
        _ => line,
    };
    let (name, value) = entry.split_at_checked(4)?;
    let value = value.trim_ascii_start().strip_prefix(b"=")?.trim_ascii();
    let value = match value.strip_prefix(b"\"") {
        Some(quoted) => quoted.split(|byte| *byte == b'"').next()?,
        None => value,
    };
    (name.eq_ignore_ascii_case(b"path") && !value.is_empty()).then_some(value)
}

fn home() -> PathBuf {
    // Without it, libgit2 finds nothing there either.
    std::env::home_dir().unwrap_or_default()
}

/// The path that a file holds behind a prefix, if it is one.
fn leads_to(path: &Path, prefix: &[u8]) -> Option<PathBuf> {
    target(&text_of(path)?, prefix)
}

/// The path behind a prefix, if there is one.
fn target(text: &[u8], prefix: &[u8]) -> Option<PathBuf> {
    let target = text.strip_prefix(prefix)?.trim_ascii();
    (!target.is_empty()).then(|| path_of(target))
}

/// What is in a file, if it is one.
fn text_of(path: &Path) -> Option<Vec<u8>> {
    // What cannot be read is told by who opens it.
    path.is_file().then(|| start(path))?.ok()
}

fn start(path: &Path) -> io::Result<Vec<u8>> {
    // Most are smaller, and read at once.
    let mut text = Vec::with_capacity(4 << 10);
    fs::File::open(path)?
        .take(MAX_CONFIG)
        .read_to_end(&mut text)?;
    Ok(text)
}

/// Refuses what is there and can be waited for, or has no end; tells whether there is anything.
pub fn plain(path: &Path) -> Result<bool, GitError> {
    match path.metadata() {
        Ok(metadata) if metadata.is_file() || metadata.is_dir() => Ok(true),
        // What some put in the place of a file that they do not want.
        Ok(_)
            if path
                .canonicalize()
                .is_ok_and(|path| path == Path::new("/dev/null")) =>
        {
            Ok(false)
        }
        Ok(_) => Err(GitError::NotAFile(path.to_owned())),
        // What is not there is not opened; what cannot be looked at is told by who opens it.
        Err(_) => Ok(false),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_included_is_found() {
        for (line, path) in [
            (&b"path = a"[..], &b"a"[..]),
            (b"\tPATH=~/b c ", b"~/b c"),
            (b"[include] path = \"/d\" ; why", b"/d"),
            (b"[includeIf \"gitdir:[x]\"]path=e", b"e"),
        ] {
            assert_eq!(included(line), Some(path), "{line:?}");
        }
        for line in [&b"pathology = a"[..], b"path", b"path =", b"", b"[include]"] {
            assert_eq!(included(line), None, "{line:?}");
        }
    }
}
