//! Opens an index: decides how it is read, and reads what is before its entries.

use std::fs::File;
use std::io;
use std::path::Path;

use git2::ObjectFormat;

use crate::git::index::Index;
use crate::git::index::IndexError;
use crate::git::index::be32;
use crate::git::index::checksum::Ahead;
use crate::git::index::checksum::Checksum;
use crate::git::index::entry::Raw;
use crate::git::index::extensions::Found;
use crate::git::index::input;
use crate::git::index::input::Input;
use crate::git::index::split::Link;

/// Bytes of an index from which on it is not read as a whole.
pub(super) const STREAMED: u64 = 1 << 20;
/// An index larger than this is left to libgit2.
pub(super) const MAX_INDEX: u64 = 2 << 30;
/// An index larger than this, and of a form that git chooses to make indexes small, is left to
/// libgit2.
const MAX_ODD_INDEX: u64 = 256 << 20;
/// Bytes of the header: `DIRC`, the version, the number of entries.
const HEADER: usize = 12;

impl Index {
    /// Opens an index and reads its first entry; `None` if there is no such file, which git takes
    /// for an empty one.
    pub fn open(path: &Path, format: ObjectFormat) -> Result<Option<Self>, IndexError> {
        Self::open_ahead(path, format, None)
    }

    /// The same, with the checksum of what was probably this index.
    pub fn open_ahead(
        path: &Path,
        format: ObjectFormat,
        ahead: Option<Ahead>,
    ) -> Result<Option<Self>, IndexError> {
        let Some((file, length, hash)) = Self::file(path, format)? else {
            return Ok(None);
        };
        let mut index = Self::begin(file, length, hash, STREAMED, ahead)?;
        index.tree = index.find_tree()?;
        index.advance()?;
        Ok(Some(index))
    }

    /// The same for an index of a form that [`Index::open`] does not know: one that is split, of
    /// which the shared part is in `directory`, the repository's, or beside it; or one that is
    /// sparse, in which an entry of which the path ends with a slash is a tree.
    pub fn open_any(
        path: &Path,
        directory: &Path,
        format: ObjectFormat,
    ) -> Result<Option<Self>, IndexError> {
        let Some((file, length, hash)) = Self::file(path, format)? else {
            return Ok(None);
        };
        if length > MAX_ODD_INDEX {
            return Err(IndexError::Unknown("its size"));
        }
        let mut index = Self::begin(file, length, hash, u64::MAX, None)?;
        index.each(|_, _| ())?;
        let extensions = index.extensions()?;
        index.is_surveyed = true;
        index.is_sparse = extensions.is_sparse;
        index.tree = extensions.tree.map(|place| Found {
            bytes: index.input.taken(&place).to_owned(),
            place,
        });
        let link = match extensions.link {
            Some(place) => Link::parse(index.input.taken(&place), hash)?,
            None => None,
        };
        index.again()?;
        if let Some(link) = link {
            // git makes none that is both.
            if index.is_sparse {
                return Err(IndexError::Unknown("it is split and sparse"));
            }
            let mut entries = Vec::new();
            index.each(|path, raw| entries.push((path.to_owned(), raw)))?;
            let beside = path.parent().unwrap_or(directory);
            index.split = Some(Box::new(link.open(
                &[directory, beside],
                format,
                entries,
            )?));
        }
        index.advance()?;
        Ok(Some(index))
    }

    /// Reads what is before the entries, and the checksum. An index that is shorter than
    /// `streamed` is read as a whole.
    fn begin(
        file: File,
        length: u64,
        hash: usize,
        streamed: u64,
        ahead: Option<Ahead>,
    ) -> Result<Self, IndexError> {
        let content = length - hash as u64;
        let mut all = [0; 32];
        let trailer = &mut all[..hash];
        let (input, checksum) = if length < streamed || cfg!(not(unix)) {
            input::read_at(&file, content, trailer)?;
            let input = Input::whole(file, content)?;
            let checksum = Checksum::of(input.buffered(), trailer)?;
            (input, checksum)
        } else {
            input::read_at(&file, content, trailer)?;
            let begun = ahead.and_then(|ahead| ahead.of(&file, content, trailer));
            let checksum = match begun {
                Some(begun) => begun,
                None => Checksum::begin(&file, content, trailer)?,
            };
            (Input::streamed(file, content, input::BUFFER), checksum)
        };
        let mut index = Self::over(input, hash, checksum);
        index.trailer = all;
        index.header()?;
        Ok(index)
    }

    pub(super) fn over(input: Input, hash: usize, checksum: Checksum) -> Self {
        Self {
            input,
            version: 0,
            hash,
            left: 0,
            current: None,
            path: Vec::new(),
            previous: Vec::new(),
            trailer: [0; 32],
            checksum,
            tree: None,
            is_surveyed: false,
            is_sparse: false,
            split: None,
        }
    }

    /// Goes over the entries as they stand there.
    fn each(&mut self, mut each: impl FnMut(&[u8], Raw)) -> Result<(), IndexError> {
        while self.left > 0 {
            self.left -= 1;
            std::mem::swap(&mut self.path, &mut self.previous);
            let raw = self.entry()?;
            each(&self.path, raw);
        }
        Ok(())
    }

    /// Goes back to the first entry of an index that was read as a whole.
    fn again(&mut self) -> Result<(), IndexError> {
        self.input.rewind();
        self.path.clear();
        self.previous.clear();
        self.header()
    }

    /// Opens the file, and says how long it and an object id are; `None` if there is no such file.
    pub(super) fn file(
        path: &Path,
        format: ObjectFormat,
    ) -> Result<Option<(File, u64, usize)>, IndexError> {
        let file = match File::open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let hash = match format {
            ObjectFormat::Sha1 => 20,
            ObjectFormat::Sha256 => 32,
        };
        let length = file.metadata()?.len();
        if length > MAX_INDEX {
            return Err(IndexError::Unknown("its size"));
        }
        if length < (hash + HEADER) as u64 {
            return Err(IndexError::Damaged("it is cut off"));
        }
        Ok(Some((file, length, hash)))
    }

    pub(super) fn header(&mut self) -> Result<(), IndexError> {
        let header = self.input.peek(HEADER)?;
        let word = |at: usize| header.get(at..at + 4).map_or(0, be32);
        if header.get(..4) != Some(b"DIRC") {
            return Err(IndexError::Damaged("it does not begin as an index does"));
        }
        let (version, count) = (word(4), word(8));
        if !(2..=4).contains(&version) {
            return Err(IndexError::Unknown("its version"));
        }
        (self.version, self.left) = (version, count);
        self.input.take(HEADER);
        Ok(())
    }
}
