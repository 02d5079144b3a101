//! An object as it is shown to who looks at it, and how it was made from another.

use std::ops::Range;

use git2::ObjectFormat;
use git2::ObjectType;
use git2::Oid;

use crate::git::pack::delta::Copied;
use crate::git::pack::index::oid_of;

/// An object, for as long as it is looked at.
#[derive(Clone, Copy)]
pub struct Visit<'a> {
    /// Its number.
    pub number: u32,
    /// Its name, in bytes: most are never read from where they lie.
    pub name: &'a [u8],
    /// What it is.
    pub kind: ObjectType,
    /// Its content.
    pub data: &'a [u8],
    /// How it was made, if that was from an object that has been visited in the same walk before,
    /// and the visitor said then that it can go on from there. `None` if the whole object is new.
    pub made: Option<Made<'a>>,
}

/// How an object was made from another one, its base.
#[derive(Clone, Copy)]
pub struct Made<'a> {
    /// What is new: what is between two of these ranges is in the base as it is here, in one piece.
    /// An empty range is a place where two such pieces meet that do not in the base, or an end of
    /// this object that is none of the base. In order, and apart.
    pub fresh: &'a [Range<u32>],
    /// What is not, in order.
    pub copied: &'a [Copied],
    /// The content of the base.
    pub base: &'a [u8],
    /// What the visitor noted of the base.
    pub notes: &'a [u32],
}

impl std::fmt::Debug for Made<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Made({:?}, {:?})", self.fresh, self.copied)
    }
}

impl<'a> Visit<'a> {
    /// What is new in it; `None` if all is.
    pub fn fresh(&self) -> Option<&'a [Range<u32>]> {
        self.made.map(|made| made.fresh)
    }

    /// Its name.
    pub fn oid(&self) -> Oid {
        oid_of(self.name)
    }

    /// The kind of hash by which objects are named here.
    pub fn format(&self) -> ObjectFormat {
        match self.name.len() {
            20 => ObjectFormat::Sha1,
            _ => ObjectFormat::Sha256,
        }
    }
}

impl std::fmt::Debug for Visit<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (kind, oid) = (self.kind, self.oid());
        write!(f, "Visit({kind} {oid}, {} bytes)", self.data.len())
    }
}
