//! Files in memory: the one place that maps them.

use std::fs::File;
use std::io;
use std::path::Path;

use memmap2::Mmap;

/// Maps a regular file; a FIFO in its place is an error and does not hang.
///
/// The map stays when the file is deleted, as `git gc` does. A file that is cut short meanwhile
/// ends the process with SIGBUS at the first look behind its new end: git never changes a pack, and
/// maps it itself. The process does not end with status 0 then.
#[expect(unsafe_code, reason = "a file can only be mapped by unsafe code")]
pub(super) fn map(path: &Path) -> io::Result<Mmap> {
    let mut options = File::options();
    options.read(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;

        use rustix::fs::OFlags;

        let flags = OFlags::NONBLOCK.bits();
        options.custom_flags(i32::try_from(flags).map_err(io::Error::other)?);
    }
    let file = options.open(path)?;
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(io::Error::other("it is no regular file"));
    }
    if metadata.len() == 0 {
        return Err(io::Error::other("it is empty"));
    }
    // SAFETY: the map is private and only read. Its length is that of the opened file. That nobody
    // changes the file is not ours to enforce; git relies on the same. The bytes are untrusted and
    // everything that is read of them is checked where it is used, so a change makes wrong bytes,
    // which the checksums tell.
    unsafe { Mmap::map(&file) }
}
