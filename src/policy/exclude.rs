//! Paths that the user leaves out.

use std::path::Path;

use ignore::gitignore::Gitignore;
use ignore::gitignore::GitignoreBuilder;

/// Patterns of paths to leave out, in the syntax of `.gitignore`.
#[derive(Debug)]
pub struct Exclude {
    patterns: Gitignore,
}

impl Exclude {
    /// Reads the patterns.
    pub fn new(globs: &[String]) -> Result<Self, ignore::Error> {
        let mut builder = GitignoreBuilder::new("");
        for glob in globs {
            builder.add_line(None, glob)?;
        }
        Ok(Self {
            patterns: builder.build()?,
        })
    }

    /// Whether nothing is left out.
    pub fn is_empty(&self) -> bool {
        self.patterns.is_empty()
    }

    /// Whether a path, relative to where the patterns stand, is left out, itself or with a
    /// directory above it.
    pub fn contains(&self, path: &Path) -> bool {
        !self.patterns.is_empty()
            && path.is_relative()
            && !path.as_os_str().is_empty()
            && self
                .patterns
                .matched_path_or_any_parents(path, false)
                .is_ignore()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_are_those_of_gitignore() {
        let exclude = Exclude::new(&["vendor/".to_owned(), "*.snap".to_owned()]).unwrap();
        assert!(exclude.contains(Path::new("a/vendor/b.js")));
        assert!(exclude.contains(Path::new("tests/x.snap")));
        assert!(!exclude.contains(Path::new("src/vendor.rs")));
    }
}
