//! Every ref of a repository, read from its files: libgit2 passes over a broken one in silence.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::Component;
use std::path::Path;
use std::path::PathBuf;

use git2::Oid;
use git2::Repository;

use crate::git::GitError;
use crate::git::commit::parse_oid;
use crate::git::path_of;

/// Names that lead to names, as far as git follows them.
const MAX_STEPS: usize = 5;

/// What is wrong with more.
const ENDLESS: &str = "leads from name to name without end";

/// A name and the object it stands for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ref {
    /// The full name: `refs/heads/main`, `HEAD`, `stash@{1}`.
    pub name: Vec<u8>,
    /// The object.
    pub target: Oid,
}

/// The refs, and those that could not be read.
#[derive(Debug, Default)]
pub struct Refs {
    /// The refs, by name.
    pub refs: Vec<Ref>,
    /// What could not be read.
    pub errors: Vec<GitError>,
}

/// Reads every ref, `HEAD`, the `HEAD`s and refs of all worktrees, and the entries of the stash.
pub fn all(repository: &Repository) -> Refs {
    let common = repository.commondir();
    let mut reader = Reader {
        common: common.to_owned(),
        ..Reader::default()
    };
    reader.packed(&common.join("packed-refs"));
    reader.loose(&common.join("refs"), b"refs");
    reader.one(&common.join("HEAD"), b"HEAD");
    for worktree in reader.entries(&common.join("worktrees")) {
        let name = worktree.file_name().unwrap_or_default().as_encoded_bytes();
        let prefix = [b"worktrees/", name].concat();
        reader.one(&worktree.join("HEAD"), &[&prefix[..], b"/HEAD"].concat());
        reader.loose(&worktree.join("refs"), &[&prefix[..], b"/refs"].concat());
    }
    if repository.path() != common {
        reader.one(&repository.path().join("HEAD"), b"HEAD (this worktree)");
    }
    reader.stash(&common.join("logs/refs/stash"));
    reader.circles();
    Refs {
        refs: reader
            .refs
            .into_iter()
            .map(|(name, target)| Ref { name, target })
            .collect(),
        errors: reader.errors,
    }
}

/// Reads the entries of every reflog: what each ref named once, under the log's name.
pub fn reflogs(repository: &Repository) -> Refs {
    let common = repository.commondir();
    let mut reader = Reader::default();
    let mut open = Open::default();
    open.push(common.join("logs"), ());
    for worktree in reader.entries(&common.join("worktrees")) {
        open.push(worktree.join("logs"), ());
    }
    let mut refs = Vec::new();
    while let Some((directory, ())) = open.pop() {
        for path in reader.entries(&directory) {
            if path.is_dir() {
                open.push(path, ());
                continue;
            }
            let name = path.strip_prefix(common).unwrap_or(&path);
            let name = name.as_os_str().as_encoded_bytes().to_vec();
            for line in reader
                .file(&path)
                // What could not be read is in the errors.
                .unwrap_or_default()
                .split(|b| *b == b'\n')
            {
                let both = line.split(|b| *b == b' ').take(2).filter_map(parse_oid);
                refs.extend(both.map(|target| Ref {
                    name: name.clone(),
                    target,
                }));
            }
        }
    }
    Refs {
        refs,
        errors: reader.errors,
    }
}

/// Directories to read, with what is known of each. One that links lead to has been read, or is read,
/// by its own name; so links that lead in circles end.
struct Open<T> {
    own: Vec<(PathBuf, T)>,
    /// Read last.
    links: Vec<(PathBuf, T)>,
    seen: BTreeSet<PathBuf>,
}

impl<T> Default for Open<T> {
    fn default() -> Self {
        Self {
            own: Vec::new(),
            links: Vec::new(),
            seen: BTreeSet::new(),
        }
    }
}

impl<T> Open<T> {
    fn push(&mut self, path: PathBuf, what: T) {
        let to = if path.is_symlink() {
            &mut self.links
        } else {
            &mut self.own
        };
        to.push((path, what));
    }

    fn pop(&mut self) -> Option<(PathBuf, T)> {
        while let Some((path, what)) = self.own.pop().or_else(|| self.links.pop()) {
            // One that cannot be found has no other name.
            let canonical = path.canonicalize().unwrap_or_else(|_| path.clone());
            if self.seen.insert(canonical) {
                return Some((path, what));
            }
        }
        None
    }
}

#[derive(Default)]
struct Reader {
    /// Where names lead from.
    common: PathBuf,
    /// Names that lead to names that are on the list themselves, or not there yet.
    leads: BTreeMap<Vec<u8>, Vec<u8>>,
    refs: BTreeMap<Vec<u8>, Oid>,
    errors: Vec<GitError>,
}

impl Reader {
    /// The content of a file; `None` if there is none.
    fn file(&mut self, path: &Path) -> Option<Vec<u8>> {
        let read = fs::metadata(path).and_then(|metadata| {
            if metadata.is_file() {
                fs::read(path)
            } else {
                Err(io::Error::other("it is no regular file"))
            }
        });
        match read {
            Ok(content) => Some(content),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => {
                self.unreadable(path, error);
                None
            }
        }
    }

    /// The paths in a directory, sorted; none if it is not there.
    fn entries(&mut self, directory: &Path) -> Vec<PathBuf> {
        let entries = match fs::read_dir(directory) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Vec::new(),
            Err(error) => {
                self.unreadable(directory, error);
                return Vec::new();
            }
        };
        let mut paths = Vec::new();
        for entry in entries {
            match entry {
                Ok(entry) => paths.push(entry.path()),
                Err(error) => self.unreadable(directory, error),
            }
        }
        paths.sort_unstable();
        paths
    }

    fn unreadable(&mut self, path: &Path, error: io::Error) {
        self.errors.push(GitError::File {
            path: path.to_owned(),
            error,
        });
    }

    fn broken(&mut self, name: &[u8], reason: &str) {
        self.errors.push(GitError::Ref {
            name: name.to_owned(),
            reason: reason.to_owned(),
        });
    }

    fn packed(&mut self, path: &Path) {
        let Some(content) = self.file(path) else {
            return;
        };
        for line in content.split(|&byte| byte == b'\n') {
            // `#` begins the header, `^` says what an annotated tag of the line before leads to.
            if line.is_empty() || line.starts_with(b"#") || line.starts_with(b"^") {
                continue;
            }
            let mut fields = line.splitn(2, |&byte| byte == b' ');
            let target = fields.next().and_then(parse_oid);
            match (target, fields.next()) {
                (Some(target), Some(name)) => {
                    self.refs.insert(name.trim_ascii_end().to_owned(), target);
                }
                _ => self.broken(b"packed-refs", "has a line that is no ref"),
            }
        }
    }

    fn loose(&mut self, directory: &Path, prefix: &[u8]) {
        let mut open = Open::default();
        open.push(directory.to_owned(), prefix.to_owned());
        while let Some((directory, prefix)) = open.pop() {
            for path in self.entries(&directory) {
                let file_name = path.file_name().unwrap_or_default().as_encoded_bytes();
                let name = [&prefix[..], b"/", file_name].concat();
                match fs::metadata(&path) {
                    Ok(metadata) if metadata.is_dir() => open.push(path, name),
                    // Being written; the ref beside it is the one that counts.
                    Ok(_) if file_name.ends_with(b".lock") => {}
                    Ok(_) => self.one(&path, &name),
                    Err(error) => self.unreadable(&path, error),
                }
            }
        }
    }

    fn one(&mut self, path: &Path, name: &[u8]) {
        self.one_after(path, name, 0);
    }

    /// A ref that another one leads to.
    fn led(&mut self, target: &[u8], name: &[u8], steps: usize) {
        let path = path_of(target);
        let is_listed = path.starts_with("refs")
            && path
                .components()
                .all(|part| matches!(part, Component::Normal(_)));
        // Of others, git follows those that look so: `ORIG_HEAD`.
        let is_safe = |byte: &u8| byte.is_ascii_uppercase() || *byte == b'_';
        if is_listed {
            self.leads.insert(name.to_owned(), target.to_owned());
        } else if target.is_empty() || !target.iter().all(is_safe) {
            self.broken(name, "names no ref");
        } else if steps == MAX_STEPS {
            self.broken(name, ENDLESS);
        } else {
            self.one_after(&self.common.join(path), name, steps + 1);
        }
    }

    /// Tells the names that lead in circles, or further than git follows them.
    fn circles(&mut self) {
        let leads = std::mem::take(&mut self.leads);
        for name in leads.keys() {
            let mut steps = std::iter::successors(leads.get(name), |name| leads.get(*name));
            if steps.nth(MAX_STEPS).is_some() {
                self.broken(name, ENDLESS);
            }
        }
    }

    fn one_after(&mut self, path: &Path, name: &[u8], steps: usize) {
        let Some(content) = self.file(path) else {
            return;
        };
        let content = content.trim_ascii();
        if let Some(target) = content.strip_prefix(b"ref:") {
            self.led(target.trim_ascii(), name, steps);
            return;
        }
        // `FETCH_HEAD` has more behind it.
        let content = match steps {
            0 => content,
            _ => content
                .split(u8::is_ascii_whitespace)
                .next()
                .unwrap_or(content),
        };
        match parse_oid(content) {
            Some(target) => {
                self.refs.insert(name.to_owned(), target);
            }
            None => self.broken(name, "is damaged: it holds no object id"),
        }
    }

    /// The older entries of the stash stand in its reflog only.
    fn stash(&mut self, log: &Path) {
        let Some(content) = self.file(log) else {
            return;
        };
        let lines: Vec<_> = content
            .split(|&byte| byte == b'\n')
            .filter(|line| !line.is_empty())
            .collect();
        for (index, line) in lines.iter().rev().enumerate() {
            let target = line.split(|&byte| byte == b' ').nth(1).and_then(parse_oid);
            match target {
                Some(target) => {
                    let name = format!("stash@{{{index}}}").into_bytes();
                    self.refs.insert(name, target);
                }
                None => self.broken(b"refs/stash", "has a damaged reflog"),
            }
        }
    }
}
