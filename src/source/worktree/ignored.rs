//! Which names git would ignore: the rules of a directory and of those above it, read when the
//! first name has to be judged by them. In a tree where all is tracked that is never.

use std::fs;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::OnceLock;

use ignore::Match;
use ignore::gitignore::Gitignore;
use ignore::gitignore::GitignoreBuilder;

use crate::git::path_of;
use crate::source::worktree::is_absent;

/// Bytes of an ignore file that is heeded.
const MAX_FILE: u64 = 1 << 20;

/// The rules of an ignore file and of those above it.
#[derive(Debug)]
pub(super) struct Rules {
    above: Option<Arc<Rules>>,
    file: PathBuf,
    /// Bytes of a path from the top that say in which directory the rules stand.
    depth: usize,
    /// `None` if the file, or one above it, does not mean to us what it means to git: then nothing
    /// is ignored.
    read: OnceLock<Option<Gitignore>>,
}

impl Rules {
    /// The rules of a file, of which the directory's path from the top, with a slash behind it, has
    /// `depth` bytes.
    pub(super) fn new(above: Option<Arc<Self>>, file: PathBuf, depth: usize) -> Self {
        Self {
            above,
            file,
            depth,
            read: OnceLock::new(),
        }
    }

    /// Whether git would ignore what is at a path from the top, below a directory that it does not
    /// ignore.
    pub(super) fn ignore(&self, path: &[u8], is_directory: bool) -> bool {
        let mut level = Some(self);
        while let Some(rules) = level {
            // Each level knows of those above it.
            let Some(patterns) = rules.patterns() else {
                return false;
            };
            if !patterns.is_empty() {
                let path = path_of(path.get(rules.depth..).unwrap_or(path));
                match patterns.matched(&path, is_directory) {
                    Match::Ignore(_) => return true,
                    Match::Whitelist(_) => return false,
                    Match::None => {}
                }
            }
            level = rules.above.as_deref();
        }
        false
    }

    fn patterns(&self) -> Option<&Gitignore> {
        self.read
            .get_or_init(|| {
                if let Some(above) = &self.above {
                    above.patterns()?;
                }
                read(&self.file)
            })
            .as_ref()
    }
}

/// Reads an ignore file, none if it is not there; `None` if it does not mean to us what it means to
/// git. git follows no link to one, nobody should wait for a pipe, and braces are alternatives to
/// us but not to git.
fn read(file: &Path) -> Option<Gitignore> {
    let content = match fs::symlink_metadata(file) {
        Ok(metadata) if metadata.is_file() && metadata.len() <= MAX_FILE => fs::read(file),
        Ok(_) => return None,
        Err(error) => Err(error),
    };
    let content = match content {
        Ok(content) => content,
        Err(error) if is_absent(&error) => return Some(Gitignore::empty()),
        // What cannot be read ignores nothing.
        Err(_) => return None,
    };
    parse(&content)
}

fn parse(content: &[u8]) -> Option<Gitignore> {
    if content.contains(&b'{') {
        return None;
    }
    // A pattern that is left out may be the one that takes another back.
    let text = std::str::from_utf8(content).ok()?;
    let mut builder = GitignoreBuilder::new("");
    for line in text.trim_start_matches('\u{feff}').lines() {
        // The same holds for one that is not understood.
        builder.add_line(None, line).ok()?;
    }
    // Without them nothing is ignored.
    builder.build().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_mean_something_else_to_git_ignores_nothing() {
        assert!(parse(b"*.{a,b}\n").is_none());
        assert!(parse(b"*\n!\xff\n").is_none());
        assert!(parse(b"*\n![z-a]\n").is_none());
        assert_eq!(parse(b"").unwrap().len(), 0);
        let patterns = parse(b"\xef\xbb\xbfa\r\n# b\n!c\n").unwrap();
        assert!(patterns.matched("a", false).is_ignore());
        assert!(patterns.matched("c", false).is_whitelist());
        assert!(patterns.matched("b", false).is_none());
    }
}
