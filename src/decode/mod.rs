//! Decoding: the same bytes with one layer of writing taken off, and the way back.

mod columns;
pub mod container;
pub mod deflate;
mod digits;
pub mod dump;
pub mod escape;
pub mod join;
pub mod numbers;
pub mod token;
pub mod values;
pub mod wide;

use std::ops::Range;

/// A way in which bytes can be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Layer {
    /// UTF-16, little endian.
    Utf16Le,
    /// UTF-16, big endian.
    Utf16Be,
    /// UTF-32, little endian.
    Utf32Le,
    /// UTF-32, big endian.
    Utf32Be,
    /// Backslash escapes: `\u0041`, `\x41`, `\101`, `\n`.
    Escape,
    /// Percent-encoding.
    Percent,
    /// HTML and XML character references.
    Html,
    /// Quoted-printable.
    QuotedPrintable,
    /// Put together from pieces: adjacent literals, line continuations, invisible characters.
    Concat,
    /// Base64, of either alphabet.
    Base64,
    /// Base32, of either alphabet.
    Base32,
    /// Hex digits.
    Hex,
    /// A list of decimal numbers.
    Decimal,
    /// A gzip stream.
    Gzip,
    /// A zlib stream.
    Zlib,
    /// A stream of deflate without a header.
    Deflate,
    /// A bzip2 stream.
    Bzip2,
    /// An xz stream.
    Xz,
    /// An LZMA stream, as xz-utils wrote before xz.
    Lzma,
    /// A Zstandard stream.
    Zstd,
    /// A zip archive.
    Zip,
    /// A tar archive.
    Tar,
    /// An archive of `ar`: a Debian package, a static library.
    Ar,
}

impl Layer {
    /// The word for it in reports.
    pub fn word(self) -> &'static str {
        match self {
            Self::Utf16Le => "utf-16le",
            Self::Utf16Be => "utf-16be",
            Self::Utf32Le => "utf-32le",
            Self::Utf32Be => "utf-32be",
            Self::Escape => "escape",
            Self::Percent => "percent",
            Self::Html => "html",
            Self::QuotedPrintable => "quoted-printable",
            Self::Concat => "concat",
            Self::Base64 => "base64",
            Self::Base32 => "base32",
            Self::Hex => "hex",
            Self::Decimal => "decimal",
            Self::Gzip => "gzip",
            Self::Zlib => "zlib",
            Self::Deflate => "deflate",
            Self::Bzip2 => "bzip2",
            Self::Xz => "xz",
            Self::Lzma => "lzma",
            Self::Zstd => "zstd",
            Self::Zip => "zip",
            Self::Tar => "tar",
            Self::Ar => "ar",
        }
    }

    /// Layers that one pass over text takes off together, by their bit in [`View`].
    const MIXED: [Self; 5] = [
        Self::Escape,
        Self::Percent,
        Self::Html,
        Self::QuotedPrintable,
        Self::Concat,
    ];

    /// Whether text is written so, character by character, and not as a whole.
    pub fn is_of_text(self) -> bool {
        Self::MIXED.contains(&self)
    }

    fn bit(self) -> u8 {
        Self::MIXED
            .iter()
            .position(|layer| *layer == self)
            .map_or(0, |at| 1 << at)
    }
}

/// Where one decoded byte comes from.
#[derive(Debug, Clone, Copy)]
struct From {
    start: u32,
    end: u32,
    /// The layers of [`Layer::MIXED`] that were taken off it, or before it.
    layers: u8,
}

impl From {
    fn at(source: Range<usize>, layers: u8) -> Self {
        let offset = |at| u32::try_from(at).unwrap_or(u32::MAX);
        Self {
            start: offset(source.start),
            end: offset(source.end),
            layers,
        }
    }
}

/// Decoded bytes, each with the bytes of the text it comes from. Holds scanned bytes: its `Debug`
/// shows none.
#[derive(Default)]
pub struct View {
    bytes: Vec<u8>,
    from: Vec<From>,
    /// Places where something was left out: a secret may begin there whatever stands before.
    seams: Vec<usize>,
}

impl std::fmt::Debug for View {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("View")
            .field("len", &self.bytes.len())
            .finish_non_exhaustive()
    }
}

impl View {
    /// A piece of a text as it is. Views are made of short pieces; `at` is where this one begins.
    pub fn of(piece: &[u8]) -> Self {
        let from = (0..piece.len()).map(|at| From::at(at..at + 1, 0));
        Self {
            bytes: piece.to_vec(),
            from: from.collect(),
            seams: Vec::new(),
        }
    }

    fn with_capacity(bytes: usize) -> Self {
        Self {
            bytes: Vec::with_capacity(bytes),
            from: Vec::with_capacity(bytes),
            seams: Vec::new(),
        }
    }

    /// The decoded bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Places where something was left out, ascending.
    pub fn seams(&self) -> &[usize] {
        &self.seams
    }

    /// The same without those between single characters: each of a list stands in quotes of its own.
    pub fn boundaries(&self) -> Vec<usize> {
        let begins = |at: Option<usize>| {
            at.is_some_and(|at| {
                let before = at.checked_sub(1).map(|before| self.bytes[before]);
                before.is_none_or(|byte| byte == b'\n') || self.seams.binary_search(&at).is_ok()
            })
        };
        let is_single = |at: usize| begins(at.checked_sub(1)) && begins(at.checked_sub(2));
        let seams = self.seams.iter().copied();
        seams.filter(|at| !is_single(*at)).collect()
    }

    /// Whether a piece ends before `at`: at a seam, at the end, or before what is no word.
    pub fn ends_piece(&self, at: usize) -> bool {
        let word = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-');
        self.seams.binary_search(&at).is_ok() || !self.bytes.get(at).is_some_and(word)
    }

    /// The bytes of the text that `span` of the view comes from.
    pub fn source(&self, span: &Range<usize>) -> Range<usize> {
        let first = self.from.get(span.start).map_or(0, |from| from.start);
        let last = span
            .end
            .checked_sub(1)
            .and_then(|at| self.from.get(at))
            .map_or(first, |from| from.end);
        first as usize..last.max(first) as usize
    }

    /// The layers of one pass that were taken off inside of `span`.
    pub fn layers(&self, span: &Range<usize>) -> Vec<Layer> {
        let mut bits = 0;
        for (at, from) in self.from[span.clone()].iter().enumerate() {
            // What was left out before the first byte is not inside.
            let mask = if at == 0 {
                !Layer::Concat.bit()
            } else {
                u8::MAX
            };
            bits |= from.layers & mask;
        }
        Layer::MIXED
            .into_iter()
            .filter(|layer| bits & layer.bit() != 0)
            .collect()
    }

    fn push(&mut self, byte: u8, source: Range<usize>, layers: u8) {
        self.bytes.push(byte);
        self.from.push(From::at(source, layers));
    }

    /// Adds the bytes of a span of another view as they are; `layers` were taken off before it.
    fn keep(&mut self, view: &Self, span: Range<usize>, layers: u8) {
        let first = self.from.len();
        self.bytes.extend_from_slice(&view.bytes[span.clone()]);
        self.from.extend_from_slice(&view.from[span]);
        if let Some(from) = self.from.get_mut(first) {
            from.layers |= layers;
        }
    }

    /// Adds what `span` of another view was decoded to, keeping where that view had it from.
    fn push_from(&mut self, byte: u8, view: &Self, span: Range<usize>, layers: u8) {
        let source = view.source(&span);
        let before = view.from[span]
            .iter()
            .fold(0, |all, from| all | from.layers);
        self.push(byte, source, before | layers);
    }
}
