//! Which names git would ignore: the rules of a directory and of those above it, read when the
//! first name has to be judged by them. In a tree where all is tracked that is never.

use std::fs;
use std::iter::Peekable;
use std::path::Path;
use std::path::PathBuf;
use std::str::Chars;
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
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut builder = GitignoreBuilder::new("");
    builder.allow_unclosed_class(false);
    for line in text.split('\n') {
        let line = line.strip_suffix('\r').unwrap_or(line);
        if line.starts_with('#') {
            continue;
        }
        // The same holds for one that is not understood.
        builder.add_line(None, &adapted(line)?).ok()?;
    }
    // Without them nothing is ignored.
    builder.build().ok()
}

/// A pattern, written so that it means to us what it means to git; `None` where that is not known.
/// git takes nothing but blanks off its end, and no class of characters holds a slash.
fn adapted(line: &str) -> Option<String> {
    let mut pattern = String::with_capacity(line.len());
    // Where the pattern ends without the blanks behind it that no backslash stands before.
    let mut end = 0;
    let mut chars = line.chars().peekable();
    while let Some(c) = chars.next() {
        pattern.push(c);
        match c {
            ' ' => continue,
            '\\' => {
                let escaped = chars.next()?;
                if escaped != ' ' && escaped.is_whitespace() {
                    return None;
                }
                pattern.push(escaped);
            }
            '[' => class(&mut chars, &mut pattern)?,
            _ => {}
        }
        end = pattern.len();
    }
    pattern.truncate(end);
    // In a class it is no longer taken for a blank.
    match pattern.chars().next_back().filter(|c| c.is_whitespace()) {
        Some(last) if !pattern.ends_with("\\ ") => {
            pattern.pop();
            last.is_ascii().then(|| format!("{pattern}[{last}]"))
        }
        _ => Some(pattern),
    }
}

/// Takes the rest of a class of characters; `None` where git may read it in another way.
fn class(chars: &mut Peekable<Chars<'_>>, pattern: &mut String) -> Option<()> {
    if let Some(not) = chars.next_if(|c| matches!(c, '!' | '^')) {
        pattern.push(not);
        // What is nothing else must not be a slash either.
        if matches!(chars.peek(), Some(']' | '-')) {
            return None;
        }
        pattern.push('/');
    }
    let (mut is_first, mut before) = (true, ' ');
    loop {
        let c = chars.next()?;
        pattern.push(c);
        let is_range = before == '-' && c != ']';
        match c {
            ']' if !is_first => return Some(()),
            // Escapes, classes with names, and ranges that a slash may lie in.
            '\\' | '/' | '[' => return None,
            _ if !c.is_ascii() || is_range && !c.is_ascii_alphanumeric() => return None,
            '-' if !before.is_ascii_alphanumeric() => return None,
            _ => {}
        }
        (is_first, before) = (false, c);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_mean_something_else_to_git_ignores_nothing() {
        assert!(parse(b"*.{a,b}\n").is_none());
        assert!(parse(b"*\n!\xff\n").is_none());
        assert!(parse(b"*\n![z-a]\n").is_none());
        for line in [
            "[[:alpha:]]",
            "[\\]]",
            "[",
            "[!]a]",
            "[+-9]",
            "[/]",
            "a\u{a0}",
            "a\\\t",
            "a\\",
        ] {
            assert!(parse(line.as_bytes()).is_none(), "{line:?}");
        }
        assert_eq!(parse(b"").unwrap().len(), 0);
        let patterns = parse(b"\xef\xbb\xbfa\r\n# b\n!c\n").unwrap();
        assert!(patterns.matched("a", false).is_ignore());
        assert!(patterns.matched("c", false).is_whitelist());
        assert!(patterns.matched("b", false).is_none());
    }

    #[test]
    fn only_blanks_are_taken_off_the_end_of_a_pattern() {
        let patterns = parse(b"Icon\r\r\na\t\nb  \nc\\ \nd\\\\ ").unwrap();
        for name in ["Icon\r", "a\t", "b", "c ", "d\\"] {
            assert!(patterns.matched(name, false).is_ignore(), "{name:?}");
        }
        for name in ["Icon", "a", "b ", "c", "c\\", "d\\ "] {
            assert!(patterns.matched(name, false).is_none(), "{name:?}");
        }
    }

    #[test]
    fn no_class_of_characters_holds_a_slash() {
        let patterns = parse(b"a[!b]c\nx[^b]y\n[k-m]\n").unwrap();
        for name in ["a.c", "x.y", "l"] {
            assert!(patterns.matched(name, false).is_ignore(), "{name:?}");
        }
        for name in ["abc", "a/c", "x/y", "d"] {
            assert!(patterns.matched(name, false).is_none(), "{name:?}");
        }
    }
}
