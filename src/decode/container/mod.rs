//! Archives and compressed streams, told by their content and not by their name.

mod ar;
mod budget;
mod kind;
mod tar;
mod trouble;
mod zip;
mod zstd;

use std::io;
use std::io::Read;
use std::io::Seek;

use crate::decode::Layer;
use crate::decode::container::ar::ar;
use crate::decode::container::budget::Limited;
use crate::decode::container::tar::tar;
use crate::decode::container::zip::zip;
use crate::decode::container::zstd::Frames;

pub use crate::decode::container::budget::Budget;
pub use crate::decode::container::kind::HEAD;
pub use crate::decode::container::kind::TAIL;
pub use crate::decode::container::kind::kind;
pub use crate::decode::container::kind::kind_at_end;
pub use crate::decode::container::trouble::Trouble;
pub use crate::decode::container::trouble::Unread;

/// Bytes that one item may expand to, with all that is nested in it.
pub const MAX_EXPANDED: u64 = 512 << 20;
/// Containers inside of each other.
pub const MAX_DEPTH: usize = 4;
/// Members of one archive.
const MAX_MEMBERS: usize = 100_000;

/// Takes the name, in archives, and the content of a member; an error of it stops all.
pub type Each<'a> = dyn FnMut(Option<&[u8]>, &mut dyn Read) -> io::Result<()> + 'a;

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

fn count(index: usize) -> io::Result<()> {
    if index < MAX_MEMBERS {
        Ok(())
    } else {
        Err(Trouble::TooMany.into())
    }
}
