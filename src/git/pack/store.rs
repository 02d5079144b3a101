//! Every object of a repository, by number: those of all its packs, and the loose ones.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::io;
use std::path::Path;
use std::path::PathBuf;
use std::sync::OnceLock;
use std::time::Duration;

use git2::ObjectFormat;
use git2::ObjectType;
use git2::Oid;
use git2::Repository;

use crate::git::GitError;
use crate::git::object;
use crate::git::pack::Kinds;
use crate::git::pack::bits::Bits;
use crate::git::pack::file::Pack;
use crate::git::pack::index::oid_of;
use crate::git::pack::read;
use crate::git::pack::read::Reader;

/// How long `git gc` is given to finish what it does with one pack.
const PAUSE: Duration = Duration::from_millis(20);

/// Every object of a repository: its own, those of its common directory and of its alternates.
///
/// Each object has a number. One that is there several times has several, of which one is used.
#[derive(Debug)]
pub struct Store {
    hash: usize,
    directories: Vec<PathBuf>,
    /// The largest first: most of what is asked for is there.
    packs: Vec<Numbered>,
    /// Sorted; those that are in no pack.
    loose: Vec<Oid>,
    /// What those turned out to be that were opened: who wants others need not open them again.
    loose_kinds: Vec<OnceLock<ObjectType>>,
    first_loose: u32,
    is_promisor: bool,
    problems: Vec<GitError>,
}

/// A pack and the number of its first object.
#[derive(Debug)]
pub(super) struct Numbered {
    pub(super) first: u32,
    pub(super) pack: Pack,
    /// The places in the index of those that another pack before has too; `None` if none could be.
    pub(super) copies: Option<Bits>,
}

/// How much there is to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SizeHint {
    /// Objects, some of them perhaps counted twice.
    pub objects: u64,
    /// Bytes of all packs.
    pub packed_bytes: u64,
}

/// Where an object is.
pub(super) enum Slot<'store> {
    /// In a pack, at a place in its index.
    Packed(&'store Pack, u32),
    /// In a file of its own.
    Loose(Oid),
}

impl Store {
    /// Opens all packs, and lists the loose objects. What could not be opened is in
    /// [`Store::problems`].
    pub fn open(repository: &Repository) -> Result<Self, GitError> {
        let hash = match repository.object_format() {
            ObjectFormat::Sha1 => 20,
            ObjectFormat::Sha256 => 32,
        };
        let (all, mut problems) = object::directories(repository);
        let mut directories: Vec<PathBuf> = Vec::new();
        let mut known = BTreeSet::new();
        for directory in all {
            // One that is not there has no other name.
            let canonical = directory.canonicalize().unwrap_or(directory.clone());
            if !known.insert(canonical) {
                continue;
            }
            if let Err(error) = std::fs::metadata(&directory) {
                let path = directory.clone();
                problems.push(GitError::File { path, error });
            }
            directories.push(directory);
        }
        // Before the packs: what is packed meanwhile is seen there.
        let mut loose = BTreeSet::new();
        for directory in &directories {
            list_loose(directory, hash, &mut loose, &mut problems);
        }
        let mut listing = Listing::new(&directories, hash);
        if !listing.problems.is_empty() {
            // `git gc` replaces packs by others.
            drop(listing);
            std::thread::sleep(PAUSE);
            listing = Listing::new(&directories, hash);
        }
        problems.append(&mut listing.problems);
        let mut packs = listing.packs;
        packs.sort_by_key(|pack| std::cmp::Reverse(pack.index.count()));
        let mut store = Self {
            hash,
            directories,
            packs: Vec::new(),
            loose: Vec::new(),
            loose_kinds: Vec::new(),
            first_loose: 0,
            is_promisor: listing.is_promisor,
            problems,
        };
        for pack in packs {
            store.add(pack)?;
        }
        let is_packed = |oid: &Oid| store.find(oid.as_bytes()).is_some();
        store.loose = loose.into_iter().filter(|oid| !is_packed(oid)).collect();
        store.loose_kinds = vec![OnceLock::new(); store.loose.len()];
        let count = u32::try_from(store.loose.len()).ok();
        count
            .and_then(|count| store.first_loose.checked_add(count))
            .ok_or(GitError::TooManyObjects)?;
        Ok(store)
    }

    fn add(&mut self, pack: Pack) -> Result<(), GitError> {
        let (first, count) = (self.first_loose, pack.index.count());
        let mut copies = None;
        if !self.packs.is_empty() {
            let mut set = Bits::new(count as usize);
            for position in 0..count {
                if self.find_packed(pack.index.raw(position)).is_some() {
                    set.insert(position);
                }
            }
            copies = Some(set);
        }
        self.first_loose = first.checked_add(count).ok_or(GitError::TooManyObjects)?;
        self.packs.push(Numbered {
            first,
            pack,
            copies,
        });
        Ok(())
    }

    /// What keeps some objects from being known at all: packs that cannot be opened, lists that
    /// cannot be read. Who claims to have seen every object tells of these.
    pub fn problems(&self) -> &[GitError] {
        &self.problems
    }

    /// How many numbers there are.
    pub fn len(&self) -> usize {
        self.first_loose as usize + self.loose.len()
    }

    /// Whether there is no object.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The object of a number, which must be below [`Store::len`].
    pub fn oid(&self, number: u32) -> Oid {
        match self.slot(number) {
            Slot::Packed(pack, position) => pack.oid(position),
            Slot::Loose(oid) => oid,
        }
    }

    /// The one number by which the object of this name, in bytes, is visited; `None` if it is not
    /// here.
    pub fn find(&self, raw: &[u8]) -> Option<u32> {
        if raw.len() != self.hash {
            return None;
        }
        self.find_packed(raw).or_else(|| {
            let at = self.loose.binary_search(&oid_of(raw)).ok()?;
            Some(self.first_loose + u32::try_from(at).ok()?)
        })
    }

    /// Says that objects of these names, in bytes, are sought next. Where they are is seldom at hand,
    /// and the processor waits for many of them as long as for one if it knows of all.
    pub fn will_find<'n>(&self, names: impl Iterator<Item = &'n [u8]>) {
        if let Some(Numbered { pack, .. }) = self.packs.first() {
            let seen = names.fold(0, |seen, raw| seen ^ pack.index.glance(raw));
            std::hint::black_box(seen);
        }
    }

    /// The numbers of the objects that were made from one when it was visited.
    pub fn made_from(&self, number: u32) -> impl Iterator<Item = u32> {
        let at = self.packs.partition_point(|at| at.first <= number);
        let at = at.checked_sub(1).filter(|_| number < self.first_loose);
        let made = at.map(|at| {
            let Numbered {
                first,
                pack,
                copies,
            } = &self.packs[at];
            let plan = pack.plan(1);
            // What is not found in its pack has no children there.
            let rank = plan.rank_at(number - first);
            let children = rank.map_or(0..0, |rank| plan.children(rank));
            let children = children.map(|at| plan.position(plan.child(at)));
            // Of several copies one is visited.
            let is_copy = |at: u32| copies.as_ref().is_some_and(|set| set.contains(at));
            children
                .filter(move |at| !is_copy(*at))
                .map(move |at| first + at)
        });
        // An `Option`; none is made from a loose one.
        made.into_iter().flatten()
    }

    /// Whether some objects were left where they came from, and may be fetched from there.
    pub fn is_promisor(&self) -> bool {
        self.is_promisor
    }

    /// How much there is to read.
    pub fn size_hint(&self) -> SizeHint {
        SizeHint {
            objects: self.len() as u64,
            packed_bytes: self.packs.iter().map(|at| at.pack.size()).sum(),
        }
    }

    /// Reads one object, be it from the second place that has it. Many are better walked.
    pub fn read(&self, oid: Oid) -> Result<(ObjectType, Vec<u8>), GitError> {
        self.read_besides(oid, None)
    }

    /// Reads an object from another place than a pack that failed to give it. What was put
    /// elsewhere under the same name is not taken for it: it is hashed.
    pub(super) fn rescue(&self, oid: Oid, failed: &Pack) -> Option<(ObjectType, Vec<u8>)> {
        // What was wrong with it where it ought to be is what is told.
        let (kind, data) = self.read_besides(oid, Some(failed)).ok()?;
        let hash = Oid::hash_object_ext(kind, &data, oid.object_format()).ok()?;
        (hash == oid).then_some((kind, data))
    }

    fn read_besides(
        &self,
        oid: Oid,
        failed: Option<&Pack>,
    ) -> Result<(ObjectType, Vec<u8>), GitError> {
        let mut reader = Reader::new();
        let mut first = None;
        let packs = self.packs.iter().map(|at| &at.pack);
        for pack in packs.filter(|pack| !failed.is_some_and(|failed| std::ptr::eq(failed, *pack))) {
            if let Some(position) = pack.index.find(oid.as_bytes()) {
                match read::object(self, pack, position, &mut reader) {
                    Ok((kind, buffer)) => return Ok((kind, buffer.into_bytes())),
                    Err(error) => first = first.or(Some(error)),
                }
            }
        }
        // That there is no loose one either says less than what was wrong with the packed one.
        self.loose(oid).map_err(|error| first.unwrap_or(error))
    }

    /// Reads a loose object.
    pub(super) fn loose(&self, oid: Oid) -> Result<(ObjectType, Vec<u8>), GitError> {
        let missing = || {
            let error = io::Error::new(io::ErrorKind::NotFound, "it is not there");
            GitError::Loose { oid, error }
        };
        let object = self.read_loose(oid, Kinds::ALL, &OnceLock::new())?;
        object.ok_or_else(missing)
    }

    /// Reads the loose object of a number if it is of some kinds; `None` if it is not.
    pub(super) fn loose_of(
        &self,
        number: u32,
        kinds: Kinds,
    ) -> Result<Option<(ObjectType, Vec<u8>)>, GitError> {
        let at = (number - self.first_loose) as usize;
        let known = &self.loose_kinds[at];
        if known.get().is_some_and(|kind| !kinds.contains(*kind)) {
            return Ok(None);
        }
        self.read_loose(self.loose[at], kinds, known)
    }

    fn read_loose(
        &self,
        oid: Oid,
        kinds: Kinds,
        known: &OnceLock<ObjectType>,
    ) -> Result<Option<(ObjectType, Vec<u8>)>, GitError> {
        let hex = oid.to_string();
        let (shard, file) = hex.split_at(2);
        let gone = "it is gone; was the repository repacked? then try again";
        let mut failure = None;
        for directory in &self.directories {
            match object::Loose::open(&directory.join(shard).join(file)) {
                Ok(None) => {}
                // What it says it is goes for all, unless another one said something else and was
                // damaged: then that is told, as who wants that kind does not come to this one.
                Ok(Some(loose)) if !kinds.contains(loose.kind()) && failure.is_none() => {
                    known.get_or_init(|| loose.kind());
                    return Ok(None);
                }
                Ok(Some(loose)) if !kinds.contains(loose.kind()) => {}
                Ok(Some(loose)) => match loose.read(oid) {
                    Ok(read) => {
                        known.get_or_init(|| read.0);
                        return Ok(Some(read));
                    }
                    Err(error) => failure = Some(error),
                },
                Err(error) => failure = Some(error),
            }
        }
        let error = failure.unwrap_or_else(|| io::Error::new(io::ErrorKind::NotFound, gone));
        Err(GitError::Loose { oid, error })
    }

    /// The packs.
    pub(super) fn packs(&self) -> &[Numbered] {
        &self.packs
    }

    /// The loose objects, with their numbers.
    pub(super) fn loose_objects(&self) -> impl Iterator<Item = (u32, Oid)> {
        (self.first_loose..).zip(self.loose.iter().copied())
    }

    /// Where a base of this name is.
    pub(super) fn slot_of(&self, raw: &[u8]) -> Option<Slot<'_>> {
        self.find(raw).map(|number| self.slot(number))
    }

    fn slot(&self, number: u32) -> Slot<'_> {
        if let Some(at) = number.checked_sub(self.first_loose) {
            return Slot::Loose(self.loose[at as usize]);
        }
        // An empty pack begins where the next one does, and is before it.
        let at = self.packs.partition_point(|at| at.first <= number) - 1;
        let Numbered { first, pack, .. } = &self.packs[at];
        Slot::Packed(pack, number - first)
    }

    fn find_packed(&self, raw: &[u8]) -> Option<u32> {
        let found = |at: &Numbered| Some(at.first + at.pack.index.find(raw)?);
        self.packs.iter().find_map(found)
    }
}

/// The packs of all directories.
struct Listing {
    packs: Vec<Pack>,
    is_promisor: bool,
    problems: Vec<GitError>,
}

impl Listing {
    fn new(directories: &[PathBuf], hash: usize) -> Self {
        let mut listing = Self {
            packs: Vec::new(),
            is_promisor: false,
            problems: Vec::new(),
        };
        for directory in directories {
            if let Err(error) = listing.add(&directory.join("pack"), hash) {
                let path = directory.join("pack");
                listing.problems.push(GitError::File { path, error });
            }
        }
        listing
    }

    fn add(&mut self, directory: &Path, hash: usize) -> io::Result<()> {
        let mut names = BTreeSet::new();
        for entry in entries(directory)? {
            let path = entry?.path();
            let file = path.file_name().unwrap_or_default().as_encoded_bytes();
            // What git is still writing, or has not finished.
            if file.starts_with(b"tmp_") || file.starts_with(b".tmp-") {
                continue;
            }
            match path.extension().and_then(OsStr::to_str) {
                Some("promisor") => self.is_promisor = true,
                Some("pack" | "idx") => {
                    names.insert(path.with_extension("pack"));
                }
                _ => {}
            }
        }
        for path in names {
            match Pack::open(&path, hash) {
                Ok(pack) => self.packs.push(pack),
                Err(error) => self.problems.push(error),
            }
        }
        Ok(())
    }
}

/// What is in a directory; nothing if it is not there.
fn entries(
    directory: &Path,
) -> io::Result<impl Iterator<Item = io::Result<std::fs::DirEntry>> + use<>> {
    match std::fs::read_dir(directory) {
        // An `Option`; what is in it keeps its errors.
        Ok(entries) => Ok(Some(entries).into_iter().flatten()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None.into_iter().flatten()),
        Err(error) => Err(error),
    }
}

/// Lists the loose objects of a directory.
fn list_loose(
    directory: &Path,
    hash: usize,
    into: &mut BTreeSet<Oid>,
    problems: &mut Vec<GitError>,
) {
    for shard in 0..=255_u8 {
        let path = directory.join(format!("{shard:02x}"));
        if let Err(error) = list_shard(&path, shard, hash, into) {
            problems.push(GitError::File { path, error });
        }
    }
}

fn list_shard(
    directory: &Path,
    shard: u8,
    hash: usize,
    into: &mut BTreeSet<Oid>,
) -> io::Result<()> {
    for entry in entries(directory)? {
        let name = entry?.file_name();
        let hex = format!("{shard:02x}{}", name.to_string_lossy());
        if hex.len() == 2 * hash
            && let Some(oid) = crate::git::commit::parse_oid(hex.as_bytes())
        {
            into.insert(oid);
        }
    }
    Ok(())
}
