//! A pack and its index, both mapped.

use std::io;
use std::path::Path;
use std::path::PathBuf;
use std::sync::OnceLock;

use git2::ObjectType;
use git2::Oid;
use memmap2::Mmap;

use crate::git::GitError;
use crate::git::pack::Damage;
use crate::git::pack::entry::Header;
use crate::git::pack::index::Index;
use crate::git::pack::index::oid_of;
use crate::git::pack::map::map;
use crate::git::pack::plan::Plan;

/// Bytes of `PACK`, the version and the number of objects.
const START: usize = 12;

/// A pack and its index.
pub(super) struct Pack {
    path: PathBuf,
    map: Mmap,
    hash: usize,
    pub(super) index: Index,
    /// Which of its objects build on which; made when it is first needed.
    plan: OnceLock<Plan>,
}

impl std::fmt::Debug for Pack {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Pack({}, {:?})", self.path.display(), self.index)
    }
}

impl Pack {
    /// Opens a pack with names of `hash` bytes, and its index.
    pub(super) fn open(path: &Path, hash: usize) -> Result<Self, GitError> {
        let failed = |path: &Path, error: io::Error| GitError::Pack {
            path: path.to_owned(),
            error,
        };
        let index_path = path.with_extension("idx");
        let index = Index::open(&index_path, hash).map_err(|error| failed(&index_path, error))?;
        let map = map(path).map_err(|error| failed(path, error))?;
        let pack = Self {
            path: path.to_owned(),
            map,
            hash,
            index,
            plan: OnceLock::new(),
        };
        match pack.check() {
            Ok(()) => Ok(pack),
            Err(what) => {
                let error = io::Error::new(io::ErrorKind::InvalidData, what);
                Err(failed(path, error))
            }
        }
    }

    fn check(&self) -> Result<(), &'static str> {
        if self.map.len() < START + self.hash {
            return Err("it is cut off");
        }
        let number = |at: usize| self.map.get(at..)?.first_chunk().copied();
        let number = |at: usize| number(at).map(u32::from_be_bytes);
        if !self.map.starts_with(b"PACK") || !matches!(number(4), Some(2 | 3)) {
            return Err("it is no pack of a known version");
        }
        if number(8) != Some(self.index.count()) {
            return Err("its index has another number of objects");
        }
        if self.map[self.end()..] != *self.index.pack_checksum() {
            return Err("it is cut off or not the one its index was made for");
        }
        Ok(())
    }

    /// Where the last entry ends.
    fn end(&self) -> usize {
        self.map.len() - self.hash
    }

    /// Bytes of the file.
    pub(super) fn size(&self) -> u64 {
        self.map.len() as u64
    }

    /// Whether an entry may begin there.
    pub(super) fn has(&self, offset: u64) -> bool {
        START as u64 <= offset && offset < self.end() as u64
    }

    /// The bytes of an entry, with its header; `end` is the offset of the next one, if any.
    pub(super) fn entry(&self, start: u64, end: Option<u64>) -> Result<&[u8], Damage> {
        let inside = |offset: u64| usize::try_from(offset).map_err(|_| Damage::Place);
        let end = end.map_or(Ok(self.end()), inside)?;
        let bytes = self.map.get(inside(start)?..end);
        bytes.ok_or(Damage::Place)
    }

    /// The header of an entry.
    pub(super) fn header<'pack>(&self, entry: &'pack [u8]) -> Result<Header<'pack>, Damage> {
        Header::parse(entry, self.hash).ok_or(Damage::Header)
    }

    /// Which of its objects build on which; `threads` find out, the first time.
    pub(super) fn plan(&self, threads: usize) -> &Plan {
        self.plan.get_or_init(|| Plan::new(self, threads))
    }

    /// The name of the object at a place in the index.
    pub(super) fn oid(&self, position: u32) -> Oid {
        oid_of(self.index.raw(position))
    }

    /// Whether an object has the name that it has in the index. Only needed where the index has no
    /// checksums.
    pub(super) fn is(&self, position: u32, kind: ObjectType, data: &[u8]) -> bool {
        let oid = self.oid(position);
        Oid::hash_object_ext(kind, data, oid.object_format()).is_ok_and(|hash| hash == oid)
    }

    /// That the object at a place in the index is damaged.
    pub(super) fn error(&self, position: u32, damage: Damage) -> GitError {
        GitError::Packed {
            oid: self.oid(position),
            pack: self.path.clone(),
            damage,
        }
    }
}
