//! Where scanned bytes lie, with every secret in a name masked.

use std::fmt;

use crate::text::escape;

/// A name that may be shown: a path, a ref. Every secret in it is masked already; control
/// characters are not, they are escaped where it is written.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Label(Box<[u8]>);

impl Label {
    /// Takes bytes that hold no secret. [`crate::scan::Redactor::label`] makes them so.
    pub fn masked(bytes: impl Into<Box<[u8]>>) -> Self {
        Self(bytes.into())
    }

    /// The bytes, which need not be UTF-8.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&escape(&self.0))
    }
}

impl fmt::Debug for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Label({self})")
    }
}

/// What kind of thing the bytes are the content of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// A file, a blob, or the target of a symbolic link.
    Content,
    /// The name of a file or a directory.
    Name,
    /// A commit: its message, its author.
    Commit,
    /// An annotated tag.
    Tag,
    /// The name of a ref.
    Ref,
}

impl Kind {
    /// The word for it in reports.
    pub fn word(self) -> &'static str {
        match self {
            Self::Content => "content",
            Self::Name => "name",
            Self::Commit => "commit",
            Self::Tag => "tag",
            Self::Ref => "ref",
        }
    }
}

/// A place that is scanned: a kind and a name for it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// The path, `<stdin>`, or the name of the commit, tag or ref.
    pub label: Label,
    /// What it is.
    pub kind: Kind,
}
