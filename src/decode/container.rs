//! Archives and compressed streams, told by their content and not by their name.

use std::io;
use std::io::Read;
use std::io::Seek;

use crate::decode::Layer;

/// Bytes that one item may expand to, with all that is nested in it.
pub const MAX_EXPANDED: u64 = 512 << 20;
/// Containers inside of each other.
pub const MAX_DEPTH: usize = 4;
/// Members of one archive.
const MAX_MEMBERS: usize = 100_000;
/// Bytes from which a container is told.
pub const HEAD: usize = 512;

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
        [0x78, 0x01 | 0x9c | 0xda, ..] => Some(Layer::Zlib),
        _ if is_tar_header(head) => Some(Layer::Tar),
        _ => None,
    }
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

/// What went wrong, in words of our own: those of a decoder may quote what it read.
pub fn trouble(error: &io::Error) -> &'static str {
    let inner = error
        .get_ref()
        .and_then(|inner| inner.downcast_ref::<TooMuch>());
    if inner.is_some() {
        return "it expands to too much";
    }
    match error.kind() {
        io::ErrorKind::UnexpectedEof => "it is cut off",
        io::ErrorKind::Unsupported => "its method is not known",
        io::ErrorKind::Interrupted => "interrupted",
        _ => "it is damaged, encrypted or of a kind that is not known",
    }
}

/// A container holds more than is opened.
#[derive(Debug, thiserror::Error)]
#[error("expands to too much")]
pub struct TooMuch;

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
) -> io::Result<()> {
    match layer {
        Layer::Gzip => stream(flate2::read::MultiGzDecoder::new(content), budget, each),
        Layer::Zlib => stream(flate2::read::ZlibDecoder::new(content), budget, each),
        Layer::Bzip2 => stream(bzip2::read::MultiBzDecoder::new(content), budget, each),
        Layer::Xz => stream(lzma_rust2::XzReader::new(content, true), budget, each),
        Layer::Zstd => {
            let decoder = ruzstd::decoding::StreamingDecoder::new(&mut content)
                .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error.to_string()))?;
            stream(decoder, budget, each)
        }
        Layer::Tar => tar(content, budget, each),
        Layer::Zip => zip(content, budget, each),
        _ => Ok(()),
    }
}

fn stream(content: impl Read, budget: &mut Budget, each: &mut Each<'_>) -> io::Result<()> {
    each(None, &mut Limited { content, budget })
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

fn zip(content: impl Read + Seek, budget: &mut Budget, each: &mut Each<'_>) -> io::Result<()> {
    let mut archive = zip::ZipArchive::new(content)?;
    let mut trouble = None;
    for index in 0..archive.len() {
        count(index)?;
        // One bad member does not hide the others.
        match archive.by_index(index) {
            Ok(member) => {
                let name = member.name_raw().to_vec();
                let read = each(
                    Some(&name),
                    &mut Limited {
                        content: member,
                        budget,
                    },
                );
                trouble = trouble.or(read.err());
            }
            Err(error) => trouble = trouble.or(Some(error.into())),
        }
        if budget.left == 0 {
            break;
        }
    }
    trouble.map_or(Ok(()), Err)
}

fn count(index: usize) -> io::Result<()> {
    if index < MAX_MEMBERS {
        Ok(())
    } else {
        Err(io::Error::other(format!(
            "has more than {MAX_MEMBERS} members"
        )))
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
            return Err(io::Error::other(TooMuch));
        }
        Ok(read)
    }
}
