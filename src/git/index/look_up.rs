//! Looks up one path in an index, and reads no more of it than that takes.

use std::path::Path;

use git2::ObjectFormat;
use git2::Oid;

use crate::git::index::Index;
use crate::git::index::IndexError;
use crate::git::index::checksum::Checksum;
use crate::git::index::input::Input;
use crate::git::index::split;

/// Bytes that are read at a time to look one path up: those that are, are near the beginning.
const LOOK_UP: usize = 16 << 10;

impl Index {
    /// The mode and the object of one path, if the commit will have it. Reads no further than up to
    /// it, and leaves the checksum to those who scan the index, if it can be told beforehand that
    /// nothing behind the entries changes them.
    pub fn look_up(
        path: &Path,
        directory: &Path,
        format: ObjectFormat,
        name: &[u8],
    ) -> Result<Option<(u32, Oid)>, IndexError> {
        let beside = path.parent().filter(|beside| *beside != directory);
        if !split::is_possible(directory) && !beside.is_some_and(split::is_possible) {
            match Self::look_up_common(path, format, name) {
                Err(IndexError::Unknown(_)) => {}
                found => return found,
            }
        }
        let Some(mut index) = Self::open_any(path, directory, format)? else {
            return Ok(None);
        };
        let found = index.find(name)?;
        index.finish()?;
        Ok(found)
    }

    fn look_up_common(
        path: &Path,
        format: ObjectFormat,
        name: &[u8],
    ) -> Result<Option<(u32, Oid)>, IndexError> {
        let Some((file, length, hash)) = Self::file(path, format)? else {
            return Ok(None);
        };
        let input = Input::streamed(file, length - hash as u64, LOOK_UP);
        let mut index = Self::over(input, hash, Checksum::Right);
        index.header()?;
        index.advance()?;
        index.find(name)
    }

    /// Goes on to a path.
    fn find(&mut self, name: &[u8]) -> Result<Option<(u32, Oid)>, IndexError> {
        while self.path().is_some_and(|path| path < name) {
            // Those in a directory that is not written out are not looked for.
            if self.is_directory() && name.starts_with(&self.path) {
                return Err(IndexError::Unknown("it is sparse"));
            }
            self.advance()?;
        }
        let found = self
            .current()?
            .filter(|entry| entry.path == name && !entry.is_unmerged && !entry.is_intent_to_add);
        Ok(found.map(|entry| (entry.mode, entry.oid)))
    }
}
