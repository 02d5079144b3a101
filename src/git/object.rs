//! Objects: loose ones read here, packed ones by libgit2.
//!
//! libgit2 trusts what a loose object says of its size, and waits for ever for the rest of one that
//! was cut off.

use std::cell::OnceCell;
use std::cell::RefCell;
use std::fs::File;
use std::fs::Metadata;
use std::io;
use std::io::Read as _;
use std::path::Path;
use std::path::PathBuf;

use flate2::read::ZlibDecoder;
use git2::ErrorClass;
use git2::ErrorCode;
use git2::ObjectFormat;
use git2::ObjectType;
use git2::Odb;
use git2::OdbObject;
use git2::Oid;
use git2::Repository;
use libdeflater::Decompressor;
use sha1::Sha1;
use sha2::Digest;
use sha2::Sha256;

use crate::git::GitError;
use crate::git::pipes;

/// The largest object that is read, in bytes.
pub(super) const MAX_OBJECT: u64 = 1 << 30;
/// Deflate makes nothing larger than this many times what it reads.
const MAX_RATIO: u64 = 1040;
/// Bytes of `blob 123\0`.
const MAX_HEADER: usize = 32;
/// Where a directory of objects names others.
const ALTERNATES: &str = "info/alternates";
/// Alternates of alternates that git follows.
const MAX_ALTERNATES: usize = 5;

/// Bytes of a file that is inflated in one go, and bytes that it may become.
const AT_ONCE: u64 = 8 << 20;
const ROOM: usize = 16 << 20;
/// Text becomes some four times larger.
const GROWTH: usize = 8;
/// Bytes that are always there for what a file becomes: more would cost a small one more to clear
/// than to inflate.
const MIN_ROOM: usize = 4 << 10;

/// What is wrong with an object that is not the one it is named as.
const OTHER_CONTENT: &str = "has another content than its name says";
/// What is wrong with a name.
const OTHER_HASH: &str = "its name is of another kind than the repository's";

/// The objects of a repository. Each thread has its own.
pub struct Objects<'repository> {
    repository: &'repository Repository,
    /// What has the packs: opened when an object is nowhere else.
    odb: OnceCell<Odb<'repository>>,
    directories: Vec<PathBuf>,
    scratch: RefCell<Scratch>,
}

/// Memory that is used again for each object.
#[derive(Default)]
struct Scratch {
    file: Vec<u8>,
    content: Vec<u8>,
    decompressor: Decompressor,
}

impl std::fmt::Debug for Objects<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Objects")
            .field("directories", &self.directories)
            .finish_non_exhaustive()
    }
}

/// An object's kind and content.
pub enum Object<'odb> {
    /// From a pack.
    Packed(OdbObject<'odb>),
    /// From a file of its own.
    Loose(ObjectType, Vec<u8>),
}

impl std::fmt::Debug for Object<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Object({}, {} bytes)", self.kind(), self.data().len())
    }
}

impl Object<'_> {
    /// What it is.
    pub fn kind(&self) -> ObjectType {
        match self {
            Self::Packed(object) => object.kind(),
            Self::Loose(kind, _) => *kind,
        }
    }

    /// Its bytes.
    pub fn data(&self) -> &[u8] {
        match self {
            Self::Packed(object) => object.data(),
            Self::Loose(_, data) => data,
        }
    }
}

impl<'repository> Objects<'repository> {
    /// Opens the objects of a repository.
    pub fn new(repository: &'repository Repository) -> Result<Self, GitError> {
        // Objects of a list that cannot be read cannot be found, which is said of each. For one that
        // is a pipe libgit2 would wait.
        let (directories, problems) = directories(repository);
        for problem in problems {
            if matches!(&problem, GitError::File { error, .. } if error.kind() == io::ErrorKind::Other)
            {
                return Err(problem);
            }
        }
        for directory in &directories {
            pipes::plain(&directory.join("pack/multi-pack-index"))?;
            pipes::plain(&directory.join("info/commit-graph"))?;
        }
        Ok(Self {
            repository,
            odb: OnceCell::new(),
            directories,
            scratch: RefCell::default(),
        })
    }

    fn odb(&self) -> Result<&Odb<'repository>, GitError> {
        if self.odb.get().is_none() {
            self.check_packs()?;
            // Its hash, which withstands collisions, takes longer than all else; names are compared
            // in `read`.
            git2::opts::strict_hash_verification(false);
            let odb = self.repository.odb().map_err(GitError::Open)?;
            // Nobody else has set it since.
            return Ok(self.odb.get_or_init(|| odb));
        }
        self.odb
            .get()
            .ok_or_else(|| GitError::Open(git2::Error::from_str("the objects were not opened")))
    }

    /// Refuses packs that libgit2 would wait for, once it seeks an object.
    pub fn check_packs(&self) -> Result<(), GitError> {
        let mut directories = self.directories.iter();
        directories.try_for_each(|directory| pipes::packs(directory))
    }

    /// Refuses a name that is longer or shorter than those of the repository, as a forged commit may
    /// have it: libgit2 makes room for its own, and writes on.
    fn check(&self, oid: Oid) -> Result<(), GitError> {
        if oid.object_format() == self.repository.object_format() {
            return Ok(());
        }
        let error = git2::Error::new(ErrorCode::GenericError, ErrorClass::Odb, OTHER_HASH);
        Err(GitError::Object { oid, error })
    }

    /// Reads an object of any kind.
    pub fn read(&self, oid: Oid) -> Result<Object<'_>, GitError> {
        self.check(oid)?;
        let hex = oid.to_string();
        let (shard, file) = hex.split_at(2);
        for directory in &self.directories {
            let path = directory.join(shard).join(file);
            match loose(&path, oid, &mut self.scratch.borrow_mut()) {
                Ok(None) => {}
                Ok(Some((kind, data))) => return Ok(Object::Loose(kind, data)),
                Err(error) => return Err(GitError::Loose { oid, error }),
            }
        }
        let object = match self.odb()?.read(oid) {
            Ok(object) => object,
            Err(error) => return Err(GitError::Object { oid, error }),
        };
        if !is_content(oid, object.kind(), object.data()) {
            let error = git2::Error::new(ErrorCode::GenericError, ErrorClass::Odb, OTHER_CONTENT);
            return Err(GitError::Object { oid, error });
        }
        Ok(Object::Packed(object))
    }

    /// How many bytes an object has, by its header.
    pub fn size(&self, oid: Oid) -> Result<u64, GitError> {
        self.check(oid)?;
        let hex = oid.to_string();
        let (shard, file) = hex.split_at(2);
        for directory in &self.directories {
            match Loose::open(&directory.join(shard).join(file)) {
                Ok(None) => {}
                Ok(Some(loose)) => return Ok(loose.size),
                Err(error) => return Err(GitError::Loose { oid, error }),
            }
        }
        match self.odb()?.read_header(oid) {
            Ok((size, _)) => Ok(size as u64),
            Err(error) => Err(GitError::Object { oid, error }),
        }
    }

    /// Reads an object and insists on its kind.
    pub fn read_as(&self, oid: Oid, kind: ObjectType) -> Result<Object<'_>, GitError> {
        let object = self.read(oid)?;
        if object.kind() == kind {
            Ok(object)
        } else {
            let kind = kind.str();
            Err(GitError::Malformed { kind, oid })
        }
    }
}

/// Every directory that may have objects of a repository, and what kept more from being known.
pub(super) fn directories(repository: &Repository) -> (Vec<PathBuf>, Vec<GitError>) {
    let own = std::env::var_os("GIT_OBJECT_DIRECTORY").map(PathBuf::from);
    // An object is named by its content, so it does no harm to look in more places.
    let mut directories: Vec<PathBuf> = own.into_iter().collect();
    directories.push(repository.commondir().join("objects"));
    if let Some(list) = std::env::var_os("GIT_ALTERNATE_OBJECT_DIRECTORIES") {
        directories
            .extend(std::env::split_paths(&list).filter(|path| !path.as_os_str().is_empty()));
    }
    let mut problems = Vec::new();
    let mut from = 0;
    for _ in 0..MAX_ALTERNATES {
        let to = directories.len();
        for at in from..to {
            match alternates(&directories[at]) {
                Ok(more) => directories.extend(more),
                Err(error) => {
                    let path = directories[at].join(ALTERNATES);
                    problems.push(GitError::File { path, error });
                }
            }
        }
        from = to;
    }
    (directories, problems)
}

/// The object directories that another one borrows from.
fn alternates(directory: &Path) -> io::Result<Vec<PathBuf>> {
    let list = directory.join(ALTERNATES);
    let content = match std::fs::metadata(&list) {
        Ok(metadata) if metadata.is_file() => std::fs::read(&list)?,
        Ok(_) => return Err(io::Error::other("it is no regular file")),
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
            ) =>
        {
            Vec::new()
        }
        Err(error) => return Err(error),
    };
    Ok(content
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty() && !line.starts_with(b"#"))
        .map(|line| directory.join(crate::git::path_of(line)))
        .collect())
}

/// Reads a loose object; `None` if there is no such file.
fn loose(
    path: &Path,
    oid: Oid,
    scratch: &mut Scratch,
) -> io::Result<Option<(ObjectType, Vec<u8>)>> {
    let Some(metadata) = metadata(path)? else {
        return Ok(None);
    };
    // Whatever is odd about it is said by the one that takes its time.
    if metadata.is_file()
        && metadata.len() <= AT_ONCE
        && let Ok(length) = usize::try_from(metadata.len())
        && let Some(object) = scratch.read(path, length, oid)?
    {
        return Ok(Some(object));
    }
    Loose::open(path)?.map(|loose| loose.read(oid)).transpose()
}

impl Scratch {
    /// Reads and inflates a loose object in one go; `None` if it is large, or not as it should be.
    fn read(
        &mut self,
        path: &Path,
        length: usize,
        oid: Oid,
    ) -> io::Result<Option<(ObjectType, Vec<u8>)>> {
        self.file.resize(length, 0);
        // Of a file that is of another length by now, this is damaged.
        if File::open(path)?.read_exact(&mut self.file).is_err() {
            return Ok(None);
        }
        let room = self.file.len().saturating_mul(GROWTH).clamp(MIN_ROOM, ROOM);
        if self.content.len() < room {
            self.content.resize(room, 0);
        }
        let inflated = self
            .decompressor
            .zlib_decompress(&self.file, &mut self.content);
        // The other reader says what is wrong with it.
        let Some(whole) = inflated.ok().and_then(|length| self.content.get(..length)) else {
            return Ok(None);
        };
        let header = memchr::memchr(0, &whole[..whole.len().min(MAX_HEADER)]);
        let Some((header, data)) = header.and_then(|end| whole.split_at_checked(end + 1)) else {
            return Ok(None);
        };
        Ok(match parse_header(header) {
            Some((kind, size)) if size == data.len() as u64 && is_named(oid, &[whole]) => {
                Some((kind, data.to_vec()))
            }
            _ => None,
        })
    }
}

/// Whether an object of this kind and content is the one with that id.
fn is_content(oid: Oid, kind: ObjectType, content: &[u8]) -> bool {
    let header = format!("{} {}\0", kind.str(), content.len());
    is_named(oid, &[header.as_bytes(), content])
}

/// Whether an object id is the hash of some bytes.
fn is_named(oid: Oid, bytes: &[&[u8]]) -> bool {
    match oid.object_format() {
        ObjectFormat::Sha1 => hash::<Sha1>(bytes)[..] == *oid.as_bytes(),
        ObjectFormat::Sha256 => hash::<Sha256>(bytes)[..] == *oid.as_bytes(),
    }
}

fn hash<D: Digest>(bytes: &[&[u8]]) -> sha2::digest::Output<D> {
    let mut hash = D::new();
    for bytes in bytes {
        hash.update(bytes);
    }
    hash.finalize()
}

/// What is at the path of a loose object, which has to be a regular file or a link to one.
fn metadata(path: &Path) -> io::Result<Option<Metadata>> {
    let metadata = match std::fs::symlink_metadata(path) {
        Ok(metadata) => metadata,
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
            ) =>
        {
            return Ok(None);
        }
        Err(error) => return Err(error),
    };
    if metadata.is_file() || metadata.is_symlink() && path.metadata()?.is_file() {
        Ok(Some(metadata))
    } else {
        Err(bad("is no regular file"))
    }
}

/// A loose object of which the header was read.
pub(super) struct Loose {
    kind: ObjectType,
    size: u64,
    content: ZlibDecoder<File>,
}

impl Loose {
    /// Opens a loose object; `None` if there is no such file.
    pub(super) fn open(path: &Path) -> io::Result<Option<Self>> {
        let Some(metadata) = metadata(path)? else {
            return Ok(None);
        };
        let mut content = ZlibDecoder::new(File::open(path)?);
        let mut header = Vec::with_capacity(MAX_HEADER);
        while header.last() != Some(&0) {
            let mut byte = [0];
            if header.len() == MAX_HEADER || content.read(&mut byte)? == 0 {
                return Err(bad("has no header"));
            }
            header.push(byte[0]);
        }
        let (kind, size) = parse_header(&header).ok_or_else(|| bad("has a damaged header"))?;
        if size > MAX_OBJECT {
            return Err(bad("is larger than 1 GiB"));
        }
        if size > metadata.len().saturating_mul(MAX_RATIO) && !metadata.is_symlink() {
            return Err(bad("is cut off"));
        }
        Ok(Some(Self {
            kind,
            size,
            content,
        }))
    }

    /// What it is.
    pub(super) fn kind(&self) -> ObjectType {
        self.kind
    }

    /// Reads its content, which has to be that of an object.
    pub(super) fn read(self, oid: Oid) -> io::Result<(ObjectType, Vec<u8>)> {
        let Self {
            kind,
            size,
            content,
        } = self;
        let mut data = Vec::new();
        let capacity = usize::try_from(size).map_err(io::Error::other)?;
        data.try_reserve_exact(capacity)
            .map_err(|_| bad("does not fit into memory"))?;
        content.take(size + 1).read_to_end(&mut data)?;
        if data.len() as u64 != size {
            return Err(bad("is not as long as it says"));
        }
        if !is_content(oid, kind, &data) {
            return Err(bad(OTHER_CONTENT));
        }
        Ok((kind, data))
    }
}

fn bad(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what.to_owned())
}

/// Reads `blob 123\0`.
fn parse_header(header: &[u8]) -> Option<(ObjectType, u64)> {
    let text = std::str::from_utf8(header.strip_suffix(b"\0")?).ok()?;
    let (kind, size) = text.split_once(' ')?;
    let kind = match kind {
        "blob" => ObjectType::Blob,
        "tree" => ObjectType::Tree,
        "commit" => ObjectType::Commit,
        "tag" => ObjectType::Tag,
        _ => return None,
    };
    Some((kind, size.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers() {
        assert_eq!(parse_header(b"blob 12\0"), Some((ObjectType::Blob, 12)));
        for bad in [
            &b"blob 12"[..],
            b"blub 12\0",
            b"blob -1\0",
            b"blob\0",
            b"\0",
        ] {
            assert_eq!(parse_header(bad), None);
        }
    }
}
