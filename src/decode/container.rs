//! Archives and compressed streams, told by their content and not by their name.

use std::collections::HashMap;
use std::io;
use std::io::BufRead;
use std::io::BufReader;
use std::io::Read;
use std::io::Seek;
use std::io::SeekFrom;

use libdeflater::Decompressor;
use ruzstd::decoding::BlockDecodingStrategy;
use ruzstd::decoding::FrameDecoder;
use ruzstd::decoding::errors::FrameDecoderError;
use ruzstd::decoding::errors::ReadFrameHeaderError;
use zip::CompressionMethod;
use zip::ZipArchive;
use zip::read::read_zipfile_from_stream_with_compressed_size;
use zip::result::ZipError;

use crate::decode::Layer;

/// Bytes that one item may expand to, with all that is nested in it.
pub const MAX_EXPANDED: u64 = 512 << 20;
/// Containers inside of each other.
pub const MAX_DEPTH: usize = 4;
/// Members of one archive.
const MAX_MEMBERS: usize = 100_000;
/// Bytes from which a container is told.
pub const HEAD: usize = 512;
/// Bytes at the end of a file among which the last record of a zip begins: its own, and the most
/// that its comment can have.
pub const TAIL: usize = ZIP_END + 0xffff;
/// Bytes of the last record of a zip without its comment.
const ZIP_END: usize = 22;
/// Bytes at either end of a file that tell whether it is worth to look for a zip with a comment.
const GLANCE: usize = 1024;

/// Bytes of a member of a zip, packed and not, that is unpacked in one go: that is twice as fast as
/// piece by piece.
const MAX_WHOLE: u64 = 2 << 20;

/// The first bytes of an archive of `ar`.
const AR: &[u8] = b"!<arch>\n";
/// Bytes of the header of each of its members.
const AR_HEADER: u64 = 60;

/// Takes the name, in archives, and the content of a member; an error of it stops all.
pub type Each<'a> = dyn FnMut(Option<&[u8]>, &mut dyn Read) -> io::Result<()> + 'a;

/// What is left of what one item may expand to.
#[derive(Debug)]
pub struct Budget {
    left: u64,
    all: u64,
}

impl Budget {
    /// Allows so many bytes.
    pub fn new(bytes: u64) -> Self {
        Self {
            left: bytes,
            all: bytes,
        }
    }

    /// What is left.
    pub fn left(&self) -> u64 {
        self.left
    }

    /// What was used.
    pub fn used(&self) -> u64 {
        self.all - self.left
    }

    /// Takes what was used elsewhere.
    pub fn take(&mut self, bytes: u64) {
        self.left = self.left.saturating_sub(bytes);
    }
}

/// Tells a container by its first [`HEAD`] bytes.
pub fn kind(head: &[u8]) -> Option<Layer> {
    match head {
        [0x1f, 0x8b, 8, ..] => Some(Layer::Gzip),
        [b'P', b'K', 3, 4, ..] | [b'P', b'K', 5, 6, ..] | [b'P', b'K', 7, 8, b'P', b'K', ..] => {
            Some(Layer::Zip)
        }
        [b'B', b'Z', b'h', b'1'..=b'9', 0x31, 0x41, 0x59, 0x26, ..] => Some(Layer::Bzip2),
        [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Some(Layer::Xz),
        [0x28, 0xb5, 0x2f, 0xfd, ..] => Some(Layer::Zstd),
        [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] if is_skipped_before_zstd(head) => Some(Layer::Zstd),
        [0x5d, 0, 0, ..] if is_lzma_header(head) => Some(Layer::Lzma),
        [0x78, 0x01 | 0x9c | 0xda, ..] => Some(Layer::Zlib),
        _ if head.starts_with(AR) => Some(Layer::Ar),
        _ if is_tar_header(head) => Some(Layer::Tar),
        _ => None,
    }
}

/// Whether there are frames to be skipped, as parallel compressors write them, and then one of Zstandard.
/// LZ4 has the same.
fn is_skipped_before_zstd(mut head: &[u8]) -> bool {
    while let [0x50..=0x5f, 0x2a, 0x4d, 0x18, a, b, c, d, rest @ ..] = head {
        let length = u32::from_le_bytes([*a, *b, *c, *d]);
        // What is longer is not seen here.
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        head = rest.get(length..).unwrap_or_default();
    }
    head.starts_with(&[0x28, 0xb5, 0x2f, 0xfd])
}

/// Whether an LZMA stream begins here. It has no mark of its own, so only what the tools write is taken
/// for one: their parameters, a dictionary of a power of two, and a length that is not known or
/// can be.
fn is_lzma_header(head: &[u8]) -> bool {
    const MAX_DICTIONARY: u32 = 64 << 20;
    const MAX_LENGTH: u64 = 1 << 40;
    let Some([_, a, b, c, d, length @ .., first]) = head.first_chunk::<14>() else {
        return false;
    };
    let dictionary = u32::from_le_bytes([*a, *b, *c, *d]);
    let length = u64::from_le_bytes(*length);
    dictionary.is_power_of_two()
        && dictionary <= MAX_DICTIONARY
        && (length == u64::MAX || (1..=MAX_LENGTH).contains(&length))
        && *first == 0
}

/// Whether a block is a tar header, by its checksum: `ustar` alone may stand in any text.
fn is_tar_header(head: &[u8]) -> bool {
    let Some(header) = head.first_chunk::<512>() else {
        return false;
    };
    let digits = header[148..156].trim_ascii_start();
    let digits = digits
        .split(|b| !b.is_ascii_digit())
        .next()
        // A path need not have an extension.
        .unwrap_or_default();
    let said = digits.iter().try_fold(0_u32, |sum, digit| {
        sum.checked_mul(8)?.checked_add(u32::from(digit - b'0'))
    });
    let sum = header.iter().enumerate().map(|(at, byte)| match at {
        148..156 => u32::from(b' '),
        _ => u32::from(*byte),
    });
    header[257..262] == *b"ustar" && !digits.is_empty() && said == Some(sum.sum())
}

/// Tells a zip by its end, where something else stands before it: a program that unpacks itself, a
/// picture. `tail` is the last [`TAIL`] bytes at least, or all; only there a zip is told for sure.
///
/// A text is done with after a glance at its last bytes: the record is the very last thing, or has a
/// comment after it, and then there are zero bytes about, in what stands before it or in itself.
pub fn kind_at_end(tail: &[u8]) -> Option<Layer> {
    let tail = &tail[tail.len().saturating_sub(TAIL)..];
    let last = tail.len().checked_sub(ZIP_END)?;
    let has_zero = |bytes: &[u8]| memchr::memchr(0, bytes).is_some();
    let found = if tail[last..].starts_with(b"PK\x05\x06") {
        ends_zip(tail, last)
    } else {
        let glance = tail.len().min(GLANCE);
        (has_zero(&tail[tail.len() - glance..]) || has_zero(&tail[..glance]))
            && memchr::memmem::find_iter(tail, b"PK\x05\x06").any(|at| ends_zip(tail, at))
    };
    found.then_some(Layer::Zip)
}

/// Whether the last record of a zip stands at `at`, and not just its first bytes: there is room for
/// its comment, and its directory lies right before it.
fn ends_zip(text: &[u8], at: usize) -> bool {
    let Some(record) = text[at..].first_chunk::<ZIP_END>() else {
        return false;
    };
    let comment = usize::from(u16::from_le_bytes([record[20], record[21]]));
    let length = u32::from_le_bytes([record[12], record[13], record[14], record[15]]);
    let fits = text.len() - at - ZIP_END >= comment;
    // The sizes of a large one stand in a record of its own, to which another points.
    let large = length == u32::MAX
        && at
            .checked_sub(20)
            .is_some_and(|at| text[at..].starts_with(b"PK\x06\x07"));
    let directory = usize::try_from(length)
        // A number that is too large is treated as such below.
        .ok()
        .and_then(|length| at.checked_sub(length));
    let before = match directory {
        Some(start) => text[start..at].starts_with(b"PK\x01\x02"),
        // It is longer than what is looked at.
        None => text.len() >= TAIL,
    };
    fits && (large || before)
}

/// Why a container, or a part of it, was not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
pub enum Trouble {
    /// It holds more than is opened.
    #[error("expands to too much")]
    TooMuch,
    /// It has more members than are opened.
    #[error("has more than {MAX_MEMBERS} members")]
    TooMany,
    /// It lies inside of too many others.
    #[error("lies too deep inside of others to be opened")]
    TooDeep,
    /// It ends too soon.
    #[error("is cut off")]
    Cut,
    /// It cannot be read without a password.
    #[error("is encrypted")]
    Encrypted,
    /// It is compressed in a way that is not known here.
    #[error("is packed by a method that is not known")]
    Method,
    /// The scan was stopped.
    #[error("was not read on: interrupted")]
    Interrupted,
    /// Anything else.
    #[error("is damaged or of a kind that is not known")]
    Damaged,
}

impl Trouble {
    /// What an error comes to: the words of a decoder may quote what it read.
    pub fn of(error: &io::Error) -> Self {
        let own = error
            .get_ref()
            .and_then(|inner| inner.downcast_ref::<Self>());
        own.copied().unwrap_or(match error.kind() {
            io::ErrorKind::UnexpectedEof => Self::Cut,
            io::ErrorKind::Unsupported => Self::Method,
            io::ErrorKind::Interrupted => Self::Interrupted,
            _ => Self::Damaged,
        })
    }
}

impl From<Trouble> for io::Error {
    fn from(trouble: Trouble) -> Self {
        Self::other(trouble)
    }
}

/// A container, or the rest of it, or members of it could not be read.
#[derive(Debug, thiserror::Error)]
#[error("{why}")]
pub struct Unread {
    /// The first member that could not be read; `None` where it is the container.
    pub member: Option<Vec<u8>>,
    /// How many more could not.
    pub more: usize,
    /// Why the first could not.
    pub why: Trouble,
}

impl From<io::Error> for Unread {
    fn from(error: io::Error) -> Self {
        Self {
            member: None,
            more: 0,
            why: Trouble::of(&error),
        }
    }
}

/// Gives the name (in archives) and the content of every member to `each`, which may stop all by
/// an error.
///
/// An error says that the container, or the rest of it, could not be opened: it is damaged,
/// encrypted, of an unknown method or expands to too much.
pub fn expand(
    layer: Layer,
    mut content: impl Read + Seek,
    budget: &mut Budget,
    each: &mut Each<'_>,
) -> Result<(), Unread> {
    let mut content: &mut dyn ReadSeek = &mut content;
    match layer {
        Layer::Zip => zip(content, budget, each),
        _ => expand_stream(layer, &mut content, budget, each),
    }
}

trait ReadSeek: Read + Seek {}

impl<T: Read + Seek> ReadSeek for T {}

/// The same of a container that can be read from its beginning to its end: of any but a zip.
pub fn expand_stream(
    layer: Layer,
    content: &mut dyn Read,
    budget: &mut Budget,
    each: &mut Each<'_>,
) -> Result<(), Unread> {
    match layer {
        Layer::Gzip => stream(flate2::read::MultiGzDecoder::new(content), budget, each),
        Layer::Deflate => stream(flate2::read::DeflateDecoder::new(content), budget, each),
        Layer::Zlib => stream(flate2::read::ZlibDecoder::new(content), budget, each),
        Layer::Bzip2 => stream(bzip2::read::MultiBzDecoder::new(content), budget, each),
        Layer::Xz => stream(lzma_rust2::XzReader::new(content, true), budget, each),
        Layer::Lzma => lzma_rust2::LzmaReader::new_mem_limit(content, u32::MAX, None)
            .and_then(|decoder| stream(decoder, budget, each)),
        Layer::Zstd => stream(Frames::new(content), budget, each),
        Layer::Tar => tar(content, budget, each),
        Layer::Ar => ar(content, budget, each),
        _ => Ok(()),
    }
    .map_err(Unread::from)
}

fn stream(content: impl Read, budget: &mut Budget, each: &mut Each<'_>) -> io::Result<()> {
    each(None, &mut Limited { content, budget })
}

/// All frames of a Zstandard stream, one after the other: the decoder reads but one.
struct Frames<R> {
    content: BufReader<R>,
    decoder: FrameDecoder,
    /// Whether one was begun.
    begun: bool,
}

impl<R: Read> Frames<R> {
    fn new(content: R) -> Self {
        Self {
            content: BufReader::new(content),
            decoder: FrameDecoder::new(),
            begun: false,
        }
    }

    /// Goes on to the next frame; false at the end.
    fn next(&mut self) -> io::Result<bool> {
        loop {
            match self.content.fill_buf() {
                Ok([]) => return Ok(false),
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            }
            match self.decoder.init(&mut self.content) {
                Ok(()) => return Ok(true),
                Err(FrameDecoderError::ReadFrameHeaderError(ReadFrameHeaderError::SkipFrame {
                    length,
                    ..
                })) => {
                    let mut skipped = self.content.by_ref().take(length.into());
                    io::copy(&mut skipped, &mut io::sink())?;
                }
                // It is told as damage.
                Err(_) => return Err(Trouble::Damaged.into()),
            }
        }
    }
}

impl<R: Read> Read for Frames<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        loop {
            let is_over = !self.begun || self.decoder.is_finished();
            if is_over && self.decoder.can_collect() == 0 {
                self.begun = true;
                if into.is_empty() || !self.next()? {
                    return Ok(0);
                }
            }
            while self.decoder.can_collect() == 0 && !self.decoder.is_finished() {
                let some = BlockDecodingStrategy::UptoBlocks(1);
                self.decoder
                    .decode_blocks(&mut self.content, some)
                    .map_err(io::Error::other)?;
            }
            let read = self.decoder.read(into)?;
            if read > 0 || into.is_empty() {
                return Ok(read);
            }
        }
    }
}

fn tar(content: impl Read, budget: &mut Budget, each: &mut Each<'_>) -> io::Result<()> {
    for (index, entry) in tar::Archive::new(content).entries()?.enumerate() {
        let entry = entry?;
        count(index)?;
        let name = entry.path_bytes().into_owned();
        each(
            Some(&name),
            &mut Limited {
                content: entry,
                budget,
            },
        )?;
    }
    Ok(())
}

fn ar(mut content: impl Read, budget: &mut Budget, each: &mut Each<'_>) -> io::Result<()> {
    io::copy(&mut content.by_ref().take(AR.len() as u64), &mut io::sink())?;
    for index in 0.. {
        let mut header = Vec::new();
        content.by_ref().take(AR_HEADER).read_to_end(&mut header)?;
        if header.iter().all(u8::is_ascii_whitespace) {
            break;
        }
        count(index)?;
        if header.len() as u64 != AR_HEADER {
            return Err(Trouble::Cut.into());
        }
        let size = std::str::from_utf8(&header[48..58])
            .ok() // what is no text is no number either
            .and_then(|size| size.trim_ascii().parse::<u64>().ok()) // see below
            .filter(|_| header.ends_with(b"`\n"))
            .ok_or(Trouble::Damaged)?;
        // As GNU ends it; BSD writes what does not fit before the content.
        let name = header[..16].trim_ascii_end();
        let name = name.strip_suffix(b"/").unwrap_or(name).to_vec();
        let mut member = content.by_ref().take(size);
        each(
            Some(&name),
            &mut Limited {
                content: &mut member,
                budget,
            },
        )?;
        io::copy(&mut member, &mut io::sink())?;
        if member.limit() > 0 {
            return Err(Trouble::Cut.into());
        }
        // Members begin at even places.
        io::copy(&mut content.by_ref().take(size % 2), &mut io::sink())?;
    }
    Ok(())
}

fn zip(content: impl Read + Seek, budget: &mut Budget, each: &mut Each<'_>) -> Result<(), Unread> {
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
    fn new() -> Self {
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

fn count(index: usize) -> io::Result<()> {
    if index < MAX_MEMBERS {
        Ok(())
    } else {
        Err(Trouble::TooMany.into())
    }
}

/// Content that counts against the budget.
struct Limited<'a, R> {
    content: R,
    budget: &'a mut Budget,
}

impl<R: Read> Read for Limited<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.content.read(buffer)?;
        self.budget.left = self.budget.left.saturating_sub(read as u64);
        if self.budget.left == 0 && read > 0 {
            return Err(Trouble::TooMuch.into());
        }
        Ok(read)
    }
}
