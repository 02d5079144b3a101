//! A directory that is open: its entries, and what can be opened in it by name alone.

use std::fs::File;
use std::io;
use std::path::Path;

/// What an entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum EntryType {
    File,
    Directory,
    Link,
    /// A pipe, a socket or a device.
    Other,
}

/// The entries of a directory; what it holds is used again for the next.
#[derive(Debug, Default)]
pub(super) struct Entries {
    /// The names, each with a zero at its end.
    names: Vec<u8>,
    /// Where each ends, before the zero, and what it is.
    ends: Vec<(usize, EntryType)>,
    /// Entries of which it could not be told what they are, and why.
    pub(super) unknown: Vec<(Vec<u8>, io::Error)>,
    /// What the system writes to.
    #[cfg(target_os = "linux")]
    buffer: Vec<u8>,
}

impl Entries {
    pub(super) fn clear(&mut self) {
        self.names.clear();
        self.ends.clear();
        self.unknown.clear();
    }

    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    fn push(&mut self, name: &[u8], kind: EntryType) {
        self.names.extend_from_slice(name);
        self.ends.push((self.names.len(), kind));
        self.names.push(0);
    }

    /// The name of an entry, with a zero at its end, and what it is.
    pub(super) fn get(&self, at: usize) -> (&[u8], EntryType) {
        let start = match at.checked_sub(1) {
            Some(before) => self.ends[before].0 + 1,
            None => 0,
        };
        let (end, kind) = self.ends[at];
        (&self.names[start..=end], kind)
    }
}

#[cfg(target_os = "linux")]
pub(super) use linux::Directory;
#[cfg(not(target_os = "linux"))]
pub(super) use other::Directory;

#[cfg(target_os = "linux")]
mod linux {
    use std::ffi::CStr;
    use std::fs::File;
    use std::io;
    use std::mem::MaybeUninit;
    use std::os::fd::OwnedFd;
    use std::path::Path;

    use rustix::fs::AtFlags;
    use rustix::fs::FileType;
    use rustix::fs::Mode;
    use rustix::fs::OFlags;
    use rustix::fs::RawDir;
    use rustix::io::retry_on_intr;

    use super::Entries;
    use super::EntryType;

    /// Bytes of entries that are read at a time.
    const BUFFER: usize = 32 << 10;

    #[derive(Debug)]
    pub(in super::super) struct Directory(OwnedFd);

    impl Directory {
        /// Opens a directory. One that took the place of another by a link only if `follow`.
        pub(in super::super) fn open(path: &Path, follow: bool) -> io::Result<Self> {
            let mut flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
            if !follow {
                flags |= OFlags::NOFOLLOW;
            }
            let opened = retry_on_intr(|| rustix::fs::open(path, flags, Mode::empty()));
            Ok(Self(opened?))
        }

        /// Reads all entries.
        pub(in super::super) fn read(&self, _path: &Path, entries: &mut Entries) -> io::Result<()> {
            entries.clear();
            let mut buffer = std::mem::take(&mut entries.buffer);
            buffer.reserve(BUFFER);
            let outcome = self.read_with(buffer.spare_capacity_mut(), entries);
            entries.buffer = buffer;
            outcome
        }

        fn read_with(
            &self,
            buffer: &mut [MaybeUninit<u8>],
            entries: &mut Entries,
        ) -> io::Result<()> {
            let mut found = RawDir::new(&self.0, buffer);
            while let Some(entry) = found.next() {
                let entry = entry?;
                let name = entry.file_name();
                let kind = match entry.file_type() {
                    FileType::Unknown => self.look_at(name),
                    kind => Ok(kind),
                };
                let bytes = name.to_bytes();
                if matches!(bytes, b"." | b"..") {
                    continue;
                }
                match kind {
                    Ok(kind) => entries.push(bytes, EntryType::from(kind)),
                    Err(error) => entries.unknown.push((bytes.to_owned(), error)),
                }
            }
            Ok(())
        }

        /// What an entry is, on file systems that do not say so with its name.
        fn look_at(&self, name: &CStr) -> io::Result<FileType> {
            let stat =
                retry_on_intr(|| rustix::fs::statat(&self.0, name, AtFlags::SYMLINK_NOFOLLOW))?;
            Ok(FileType::from_raw_mode(stat.st_mode))
        }

        /// Opens a file for reading. A link is not followed, and a pipe not waited for.
        pub(in super::super) fn file(&self, _path: &[u8], name: &[u8]) -> io::Result<File> {
            let name = c_name(name)?;
            let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
            let opened = retry_on_intr(|| rustix::fs::openat(&self.0, name, flags, Mode::empty()));
            Ok(File::from(opened?))
        }

        /// Where a link leads.
        pub(in super::super) fn target(&self, _path: &[u8], name: &[u8]) -> io::Result<Vec<u8>> {
            let name = c_name(name)?;
            let target = retry_on_intr(|| rustix::fs::readlinkat(&self.0, name, Vec::new()))?;
            Ok(target.into_bytes())
        }
    }

    fn c_name(name: &[u8]) -> io::Result<&CStr> {
        CStr::from_bytes_with_nul(name).map_err(io::Error::other)
    }

    impl From<FileType> for EntryType {
        fn from(kind: FileType) -> Self {
            match kind {
                FileType::RegularFile => Self::File,
                FileType::Directory => Self::Directory,
                FileType::Symlink => Self::Link,
                _ => Self::Other,
            }
        }
    }
}

/// By paths, where nothing better is known to be there.
#[cfg(not(target_os = "linux"))]
mod other {
    use std::fs::File;
    use std::io;
    use std::path::Path;

    use super::Entries;
    use super::EntryType;
    use crate::git::path_of;

    #[derive(Debug)]
    pub(in super::super) struct Directory;

    impl Directory {
        pub(in super::super) fn open(path: &Path, follow: bool) -> io::Result<Self> {
            if !follow && !path.symlink_metadata()?.is_dir() {
                return Err(io::Error::other("it is no directory any more"));
            }
            Ok(Self)
        }

        pub(in super::super) fn read(&self, path: &Path, entries: &mut Entries) -> io::Result<()> {
            entries.clear();
            for entry in path.read_dir()? {
                let entry = entry?;
                let name = entry.file_name().into_encoded_bytes();
                match entry.file_type() {
                    Ok(kind) if kind.is_file() => entries.push(&name, EntryType::File),
                    Ok(kind) if kind.is_dir() => entries.push(&name, EntryType::Directory),
                    Ok(kind) if kind.is_symlink() => entries.push(&name, EntryType::Link),
                    Ok(_) => entries.push(&name, EntryType::Other),
                    Err(error) => entries.unknown.push((name, error)),
                }
            }
            Ok(())
        }

        pub(in super::super) fn file(&self, path: &[u8], _name: &[u8]) -> io::Result<File> {
            super::open(&path_of(path), false)
        }

        pub(in super::super) fn target(&self, path: &[u8], _name: &[u8]) -> io::Result<Vec<u8>> {
            let target = path_of(path).read_link()?;
            Ok(target.into_os_string().into_encoded_bytes())
        }
    }
}

/// Opens a file for reading. A pipe is not waited for, and a link not followed unless so wanted.
#[cfg(unix)]
pub(in crate::source) fn open(path: &Path, follow: bool) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt as _;

    use rustix::fs::OFlags;

    let mut flags = OFlags::NONBLOCK;
    if !follow {
        flags |= OFlags::NOFOLLOW;
    }
    File::options()
        .read(true)
        .custom_flags(i32::try_from(flags.bits()).unwrap_or(0))
        .open(path)
}

/// Opens a file for reading.
#[cfg(not(unix))]
pub(in crate::source) fn open(path: &Path, _follow: bool) -> io::Result<File> {
    File::open(path)
}
