//! Paths that the user leaves out.

use std::path::Component;
use std::path::Path;
use std::path::PathBuf;

use ignore::gitignore::Gitignore;
use ignore::gitignore::GitignoreBuilder;

/// Paths with names that nobody gives, by what a pattern may say of a path without a word of its
/// name. A pattern that leaves out all of a kind says nothing of names.
const KINDS: [(&str, [&str; 4]); 9] = [
    ("every file", ["bqx.kzv", "jwv.q", "tzk.xq", "yqz.vjkx"]),
    (
        "every file without an extension",
        ["bqxk", "jwvqz", "tzk", "yqzvjk"],
    ),
    ("every hidden file", [".bqx", ".jwvq", ".tz", ".yqzvj"]),
    (
        "every file in a directory",
        ["bqx/kzv.w", "jwvq/xk.qzv", "tz/qxj.vw", "yqzv/vjk.xwqz"],
    ),
    (
        "every file in a directory",
        ["bqx/kzv", "jwvq/xk", "tz/qxj", "yqzv/vjkw"],
    ),
    (
        "every file further below",
        [
            "b/jq/tz/kzv.q",
            "jw/xk/qz/vw.qzv",
            "tzk/q/x/j/v.wq",
            "yq/z/v/jk.xwqz",
        ],
    ),
    (
        "every capitalized file",
        ["BQX.kzv", "JWV.q", "TZKQ.xq", "YQ.vjkx"],
    ),
    (
        "every capitalized directory",
        ["Bqx/kzv.w", "Jwvq/xk.qzv", "Tz/qxj.vw", "Yqzv/vjk.xwqz"],
    ),
    (
        "every file with a digit first",
        ["0qx.kzv", "3wv.q", "6zk.xq", "9qz.vjkx"],
    ),
];

/// Patterns of paths to leave out, in the syntax of `.gitignore`.
#[derive(Debug)]
pub struct Exclude {
    patterns: Gitignore,
}

impl Exclude {
    /// No patterns.
    pub fn nothing() -> Self {
        Self {
            patterns: Gitignore::empty(),
        }
    }

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

    /// Refuses patterns that leave out everything, or everything of a kind, whatever it is called.
    pub fn names_paths(&self) -> Result<(), TooWide> {
        let all = |paths: &[&str]| paths.iter().all(|path| self.contains(Path::new(path)));
        match KINDS.iter().find(|(_, paths)| all(paths)) {
            Some((kind, _)) => Err(TooWide(kind)),
            None => Ok(()),
        }
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

/// Patterns leave out too much.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("would leave out {0}, so that keys could hide; name the paths that are meant")]
pub struct TooWide(&'static str);

/// What is left out below the top of a worktree, for paths that start elsewhere.
#[derive(Debug)]
pub struct Anchored {
    exclude: Exclude,
    /// Where the patterns stand.
    top: PathBuf,
    /// Where relative paths start.
    here: PathBuf,
}

impl Anchored {
    /// Takes patterns that stand at `top`, for paths that start `here`. Both are absolute.
    pub fn new(exclude: Exclude, top: PathBuf, here: PathBuf) -> Self {
        Self { exclude, top, here }
    }

    /// Patterns that leave nothing out.
    pub fn nothing() -> Self {
        Self::new(Exclude::nothing(), PathBuf::new(), PathBuf::new())
    }

    /// Whether nothing is left out.
    pub fn is_empty(&self) -> bool {
        self.exclude.is_empty()
    }

    /// Whether a path is left out. One that leads out of the worktree is not, nor is one that does
    /// so by links.
    pub fn contains(&self, path: &Path) -> bool {
        if self.is_empty() {
            return false;
        }
        let mut whole = PathBuf::new();
        for component in self.here.join(path).components() {
            match component {
                Component::CurDir => {}
                Component::ParentDir => {
                    whole.pop();
                }
                other => whole.push(other),
            }
        }
        whole
            .strip_prefix(&self.top)
            .is_ok_and(|below| self.exclude.contains(below))
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

    fn refused(globs: &[&str]) -> bool {
        let globs: Vec<String> = globs.iter().map(|&glob| glob.to_owned()).collect();
        Exclude::new(&globs).unwrap().names_paths().is_err()
    }

    #[test]
    fn patterns_that_name_nothing_are_refused() {
        for globs in [
            &["*"][..],
            &["**"],
            &["/*"],
            &["/**"],
            &["**/*"],
            &["*/**"],
            &["**/"],
            &["*/"],
            &["*/*"],
            &["?*"],
            &["*?"],
            &["[a-zA-Z]*"],
            &["[!x]*"],
            &["*.*"],
            &[".*"],
            &["{*,x}"],
            &["{**/*.py,*}"],
            &["[a-m]*", "[n-z]*"],
            &["*", "!README.md"],
            &["*", "!*.md"],
            &["[A-Z]*"],
            &["[0-9]*"],
            &["\\*", "*"],
            &["***"],
            &["**/**"],
            &["/*/*"],
        ] {
            assert!(refused(globs), "{globs:?}");
        }
        for globs in [
            &["vendor/"][..],
            &["*.snap", "*.lock"],
            &["/tests/fixtures/**"],
            &["a*", "docs/*.md"],
            &["*.min.*"],
            &["!*"],
            &["# *"],
            &[".*.swp"],
            &[],
        ] {
            assert!(!refused(globs), "{globs:?}");
        }
    }

    #[test]
    fn patterns_stand_at_the_top_wherever_paths_start() {
        let exclude = || Exclude::new(&["/a/b".to_owned()]).unwrap();
        let from = |here: &str| Anchored::new(exclude(), "/w".into(), here.into());
        assert!(from("/w").contains(Path::new("a/b/c")));
        assert!(from("/w").contains(Path::new("./a/b")));
        assert!(from("/w/a").contains(Path::new("b/c")));
        assert!(from("/w/x").contains(Path::new("../a/b")));
        assert!(from("/x").contains(Path::new("/w/a/b")));
        assert!(!from("/w/a").contains(Path::new("a/b")));
        assert!(!from("/x").contains(Path::new("a/b")));
        assert!(!from("/w").contains(Path::new("../a/b")));
        assert!(!Anchored::nothing().contains(Path::new("a")));
    }
}
