//! The members of zip archives, those that others hide too.

use std::collections::HashMap;
use std::io;
use std::io::BufReader;
use std::io::Read;
use std::io::Seek;
use std::io::SeekFrom;

use libdeflater::Decompressor;
use zip::CompressionMethod;
use zip::ZipArchive;
use zip::read::read_zipfile_from_stream_with_compressed_size;
use zip::result::ZipError;

use crate::decode::container::Each;
use crate::decode::container::budget::Budget;
use crate::decode::container::budget::Limited;
use crate::decode::container::count;
use crate::decode::container::trouble::Trouble;
use crate::decode::container::trouble::Unread;

/// Bytes of a member of a zip, packed and not, that is unpacked in one go: that is twice as fast as
/// piece by piece.
const MAX_WHOLE: u64 = 2 << 20;

pub(super) fn zip(
    content: impl Read + Seek,
    budget: &mut Budget,
    each: &mut Each<'_>,
) -> Result<(), Unread> {
    let mut archive = ZipArchive::new(content).map_err(zip_error)?;
    let mut unread: Option<Unread> = None;
    // One bad member does not hide the others.
    let mut failed = |name: Option<Vec<u8>>, error: io::Error| match &mut unread {
        Some(unread) => unread.more += 1,
        None => {
            unread = Some(Unread {
                member: name,
                ..Unread::from(error)
            });
        }
    };
    let mut whole = Whole::new();
    for index in 0..archive.len() {
        count(index)?;
        let name = archive
            .name_for_index(index)
            .and_then(Result::ok) // a name that cannot be read is not needed to read the member
            .map(|name| name.as_bytes().to_vec());
        let read = if let Some((name, content)) = whole.member(&mut archive, index) {
            each(Some(&name), &mut Limited { content, budget })
        } else {
            match archive.by_index(index) {
                Ok(content) => {
                    let name = content.name_raw().to_vec();
                    each(Some(&name), &mut Limited { content, budget })
                }
                Err(error) => Err(zip_error(error)),
            }
        };
        if let Err(error) = read {
            failed(name, error);
        }
        if budget.left == 0 {
            break;
        }
    }
    let start = archive.offset();
    let directory = archive.central_directory_start();
    let mut content = archive.into_inner();
    for hidden in hidden(&mut content, directory)? {
        let read = content
            .seek(SeekFrom::Start(start.saturating_add(hidden.at)))
            .map_err(ZipError::from)
            .and_then(|_| read_zipfile_from_stream_with_compressed_size(&mut content, hidden.size));
        let read = match read {
            Ok(Some(content)) => each(Some(&hidden.name), &mut Limited { content, budget }),
            Ok(None) => Err(Trouble::Damaged.into()),
            Err(error) => Err(zip_error(error)),
        };
        if let Err(error) = read {
            failed(Some(hidden.name), error);
        }
        if budget.left == 0 {
            break;
        }
    }
    unread.map_or(Ok(()), Err)
}

/// Unpacks small members of a zip in one go.
struct Whole {
    decompressor: Decompressor,
    packed: Vec<u8>,
    content: Vec<u8>,
}

impl Whole {
    pub(super) fn new() -> Self {
        Self {
            decompressor: Decompressor::new(),
            packed: Vec::new(),
            content: Vec::new(),
        }
    }

    /// The name and the content of a member that is deflated, small, and all that it is said to be;
    /// others are to be read piece by piece, which also tells what is wrong with them.
    fn member<R: Read + Seek>(
        &mut self,
        archive: &mut ZipArchive<R>,
        index: usize,
    ) -> Option<(Vec<u8>, &[u8])> {
        // What fails here fails in pieces too, and is told then.
        let mut member = archive.by_index_raw(index).ok()?;
        let fits = member.compressed_size().max(member.size()) <= MAX_WHOLE;
        if member.compression() != CompressionMethod::Deflated || member.encrypted() || !fits {
            return None;
        }
        self.packed.clear();
        member.read_to_end(&mut self.packed).ok()?; // see above
        self.content.resize(usize::try_from(member.size()).ok()?, 0); // it is small
        let length = self
            .decompressor
            .deflate_decompress(&self.packed, &mut self.content)
            .ok()?; // see above
        let is_whole =
            length == self.content.len() && libdeflater::crc32(&self.content) == member.crc32();
        is_whole.then(|| (member.name_raw().to_vec(), self.content.as_slice()))
    }
}

/// A member of a zip that another of the same name hides.
struct Hidden {
    name: Vec<u8>,
    at: u64,
    size: u64,
}

/// Goes through the directory of a zip for the members whose name comes again: only the
/// last one is known by it.
fn hidden(content: &mut (impl Read + Seek), directory: u64) -> io::Result<Vec<Hidden>> {
    content.seek(SeekFrom::Start(directory))?;
    let mut content = BufReader::new(content);
    let mut last: HashMap<Vec<u8>, Hidden> = HashMap::new();
    let mut hidden = Vec::new();
    loop {
        let mut record = [0; 46];
        let mut read = 0;
        while read < record.len() {
            match content.read(&mut record[read..])? {
                0 => break,
                more => read += more,
            }
        }
        if read < record.len() || !record.starts_with(b"PK\x01\x02") {
            return Ok(hidden);
        }
        count(last.len() + hidden.len())?;
        let number = |at: usize| u64::from(u16::from_le_bytes([record[at], record[at + 1]]));
        let long = |at: usize| number(at) | number(at + 2) << 16;
        let mut name = Vec::new();
        content.by_ref().take(number(28)).read_to_end(&mut name)?;
        io::copy(
            &mut content.by_ref().take(number(30) + number(32)),
            &mut io::sink(),
        )?;
        let member = Hidden {
            name: name.clone(),
            at: long(42),
            size: long(20),
        };
        hidden.extend(last.insert(name, member));
    }
}

fn zip_error(error: ZipError) -> io::Error {
    match error {
        ZipError::UnsupportedArchive(ZipError::PASSWORD_REQUIRED) => Trouble::Encrypted.into(),
        ZipError::UnsupportedArchive(_) | ZipError::CompressionMethodNotSupported(_) => {
            Trouble::Method.into()
        }
        error => error.into(),
    }
}
