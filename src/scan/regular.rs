//! A regular file on its way through a scan.

use std::fs::File;
use std::io;
use std::io::Read;
use std::io::Seek;
use std::io::SeekFrom;

/// A file that is read to its end, if it is a regular one, and nothing else that has taken its place
/// since it was listed.
///
/// Of each file of a tree something has to be asked beside what it holds, to know that this is all.
/// Where its end is takes the system half as long to say as what it is, and only regular files have
/// an end; one that is empty, or that is still not at its end with a full buffer, says what it is.
#[derive(Debug)]
pub(super) struct Regular {
    file: File,
    /// Bytes read.
    at: u64,
    /// Bytes it has, once it was read to its end.
    end: Option<u64>,
}

impl Regular {
    pub(super) fn new(file: File) -> Self {
        let (at, end) = (0, None);
        Self { file, at, end }
    }

    /// Bytes it has.
    pub(super) fn len(&self) -> io::Result<u64> {
        Ok(self.file.metadata()?.len())
    }

    fn is_at_end(&mut self) -> io::Result<bool> {
        // Files that the system makes up as they are read have no end, or say a wrong one.
        let Ok(end) = self.file.seek(SeekFrom::End(0)) else {
            self.check()?;
            return Ok(false);
        };
        if end != self.at {
            self.file.seek(SeekFrom::Start(self.at))?;
        }
        Ok(end == self.at)
    }

    fn check(&self) -> io::Result<()> {
        if self.file.metadata()?.is_file() {
            return Ok(());
        }
        Err(io::Error::other("it is no regular file any more"))
    }
}

impl Read for Regular {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.end == Some(self.at) {
            return Ok(0);
        }
        let read = self.file.read(buffer)?;
        self.at += read as u64;
        if self.end.is_some() {
            return Ok(read);
        }
        let is_end = match read {
            0 => self.check().map(|()| true)?,
            _ if read == buffer.len() => self.check().map(|()| false)?,
            _ => self.is_at_end()?,
        };
        self.end = is_end.then_some(self.at);
        Ok(read)
    }
}

impl Seek for Regular {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.at = self.file.seek(to)?;
        Ok(self.at)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn read(file: File) -> io::Result<Vec<u8>> {
        let mut all = Vec::new();
        let mut file = Regular::new(file);
        let mut buffer = [0; 64];
        loop {
            match file.read(&mut buffer)? {
                0 => return Ok(all),
                read => all.extend_from_slice(&buffer[..read]),
            }
        }
    }

    #[test]
    fn files_of_all_lengths_are_read_to_their_end() {
        for length in [0, 1, 63, 64, 65, 127, 128, 1000] {
            let mut file = tempfile::tempfile().unwrap();
            let text: Vec<u8> = (0..=u8::MAX).cycle().take(length).collect();
            file.write_all(&text).unwrap();
            file.seek(SeekFrom::Start(0)).unwrap();
            assert_eq!(read(file).unwrap(), text, "{length}");
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn files_that_the_system_makes_up_are_read_and_devices_are_not() {
        for path in ["/proc/self/status", "/proc/version"] {
            assert!(
                read(File::open(path).unwrap()).unwrap().len() > 10,
                "{path}"
            );
        }
        for path in ["/dev/null", "/dev/zero", "/"] {
            assert!(read(File::open(path).unwrap()).is_err(), "{path}");
        }
    }
}
