//! Ways to write a text, and where what it holds ends up: the decoders' other half.

use std::collections::HashMap;
use std::io::Cursor;
use std::io::Write as _;
use std::ops::Range;

use bzip2::write::BzEncoder;
use data_encoding::BASE64;
use data_encoding::BASE64_NOPAD;
use data_encoding::BASE64URL;
use data_encoding::BASE64URL_NOPAD;
use flate2::Compression;
use flate2::write::GzEncoder;
use flate2::write::ZlibEncoder;
use git_frisk::decode::Layer;
use proptest::prelude::any as any_number;
use proptest::prelude::*;
use zip::write::SimpleFileOptions;

/// A text, and where a key lies in it.
#[derive(Clone)]
pub(crate) struct Written {
    pub(crate) bytes: Vec<u8>,
    pub(crate) key: Range<usize>,
    /// Places inside of the key where it may be cut: not in the middle of an escape.
    joints: Vec<usize>,
}

impl Written {
    /// A key and nothing else.
    pub(crate) fn new(key: &[u8]) -> Self {
        Self {
            bytes: key.to_vec(),
            key: 0..key.len(),
            joints: (1..key.len()).collect(),
        }
    }

    /// Bytes with a key in them that can be cut anywhere.
    fn of(bytes: Vec<u8>, key: Range<usize>) -> Self {
        Self {
            bytes,
            joints: (key.start + 1..key.end).collect(),
            key,
        }
    }

    /// The same between two other texts.
    pub(crate) fn between(&self, (before, after): (&str, &str)) -> Self {
        let by = before.len();
        Self {
            bytes: [before.as_bytes(), &self.bytes, after.as_bytes()].concat(),
            key: self.key.start + by..self.key.end + by,
            joints: self.joints.iter().map(|at| at + by).collect(),
        }
    }

    /// Writes every character anew, and keeps track of the key.
    fn each(&self, mut write: impl FnMut(char, &mut Vec<u8>)) -> Self {
        let text = std::str::from_utf8(&self.bytes).unwrap();
        let mut bytes = Vec::new();
        let mut places = HashMap::new();
        for (at, c) in text.char_indices() {
            places.insert(at, bytes.len());
            write(c, &mut bytes);
        }
        places.insert(text.len(), bytes.len());
        Self {
            bytes,
            key: places[&self.key.start]..places[&self.key.end],
            joints: self.joints.iter().map(|at| places[at]).collect(),
        }
    }

    /// Puts something between pieces of the key.
    fn cut(&self, cuts: &[usize], with: &str) -> Self {
        let mut cuts: Vec<usize> = cuts
            .iter()
            .map(|cut| self.joints[cut % self.joints.len()])
            .collect();
        cuts.sort_unstable();
        cuts.dedup();
        let mut bytes = Vec::new();
        let mut from = 0;
        for cut in &cuts {
            bytes.extend_from_slice(&self.bytes[from..*cut]);
            bytes.extend_from_slice(with.as_bytes());
            from = *cut;
        }
        bytes.extend_from_slice(&self.bytes[from..]);
        let moved = |at: usize| at + cuts.iter().filter(|cut| **cut < at).count() * with.len();
        Self {
            bytes,
            key: self.key.start..moved(self.key.end),
            joints: self.joints.iter().map(|at| moved(*at)).collect(),
        }
    }
}

/// Operators and line ends that stand between the pieces of a split string.
const JOINTS: [&str; 20] = [
    "\" + \"",
    "' + '",
    "\" . \"",
    "\" .. \"",
    "\" & \"",
    "\" <> \"",
    "' || '",
    "\" ^ \"",
    "\" ++ \"",
    "\" ~ \"",
    "\" \"",
    "\"\n    \"",
    "\" +\n    \"",
    "'\n    f'",
    "\" & _\n    \"",
    "\", \"",
    "\\\n",
    "\\\n    \\",
    "]] .. [[",
    "` + `",
];

/// Characters that cannot be seen.
const INVISIBLE: [&str; 5] = ["\u{200b}", "\u{200d}", "\u{feff}", "\u{ad}", "\u{2060}"];

/// Sorts of writing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Of a whole file.
    Wide,
    /// Of every character.
    Escapes,
    /// Base64 and hex.
    Digits,
    /// With something between pieces.
    Pieces,
    /// In lines that may break anywhere.
    Lines,
}

/// A way to write a text.
#[derive(Debug, Clone)]
pub(crate) enum Writing {
    /// UTF-16 or UTF-32 with a byte-order mark.
    Wide { unit: usize, big_endian: bool },
    /// `\u0041`.
    Unicode,
    /// `\x41`.
    Hexadecimal,
    /// `\101`.
    Octal,
    /// `%2D` for what is no letter and no digit.
    PercentParts,
    /// `%41` for everything.
    Percent,
    /// `%2541` for everything.
    PercentTwice,
    /// `&#65;`.
    HtmlDecimal,
    /// `&#x41;`.
    HtmlHex,
    /// Quoted-printable, in lines of so many characters.
    QuotedPrintable { width: usize },
    /// Quoted-printable with nothing left as it is.
    QuotedPrintableWhole,
    /// Hex digits.
    Hex { upper: bool },
    /// Base64.
    Base64 {
        url: bool,
        padded: bool,
        /// Bytes before the text, which move it in its group of three.
        skew: usize,
        /// Lines of so many digits.
        width: Option<(usize, &'static str)>,
    },
    /// Base64 of a gzip stream.
    Gzip,
    /// Literals with something between.
    Split { joint: usize, cuts: Vec<usize> },
    /// Invisible characters inside.
    Invisible { which: usize, cuts: Vec<usize> },
}

/// One of each.
pub(crate) fn all() -> Vec<Writing> {
    let base64 = |url, padded, skew, width| Writing::Base64 {
        url,
        padded,
        skew,
        width,
    };
    let mut all = Vec::new();
    for (unit, big_endian) in [(2, false), (2, true), (4, false), (4, true)] {
        all.push(Writing::Wide { unit, big_endian });
    }
    all.extend([
        Writing::Unicode,
        Writing::Hexadecimal,
        Writing::Octal,
        Writing::PercentParts,
        Writing::Percent,
        Writing::PercentTwice,
        Writing::HtmlDecimal,
        Writing::HtmlHex,
        Writing::QuotedPrintable { width: 75 },
        Writing::QuotedPrintableWhole,
        Writing::Hex { upper: false },
        Writing::Hex { upper: true },
        base64(false, true, 0, None),
        base64(false, false, 1, None),
        base64(true, true, 2, None),
        base64(true, false, 0, None),
        base64(false, true, 1, Some((76, "\n"))),
        base64(false, true, 0, Some((64, "\r\n"))),
        Writing::Gzip,
        Writing::Split {
            joint: 0,
            cuts: vec![30],
        },
        Writing::Split {
            joint: 0,
            cuts: vec![9, 35],
        },
        Writing::Invisible {
            which: 0,
            cuts: vec![20, 40],
        },
    ]);
    all
}

/// Any of them, with any detail.
pub(crate) fn any() -> impl Strategy<Value = Writing> {
    let cuts = || prop::collection::vec(any_number::<usize>(), 1..3);
    let widths: &[Option<(usize, &'static str)>] = &[
        None,
        None,
        Some((76, "\n")),
        Some((76, "\r\n")),
        Some((64, "\n")),
        Some((64, "\n    ")),
    ];
    prop_oneof![
        6 => prop::sample::select(all()),
        2 => (any_number::<bool>(), any_number::<bool>(), 0_usize..3, prop::sample::select(widths)).prop_map(
            |(url, padded, skew, width)| Writing::Base64 { url, padded, skew, width }
        ),
        2 => (0..JOINTS.len(), cuts()).prop_map(|(joint, cuts)| Writing::Split { joint, cuts }),
        1 => (0..INVISIBLE.len(), cuts())
            .prop_map(|(which, cuts)| Writing::Invisible { which, cuts }),
        1 => (40_usize..77).prop_map(|width| Writing::QuotedPrintable { width }),
    ]
}

/// The containers that can be made here.
pub(crate) const CONTAINERS: [Layer; 7] = [
    Layer::Gzip,
    Layer::Zlib,
    Layer::Bzip2,
    Layer::Lzma,
    Layer::Zstd,
    Layer::Zip,
    Layer::Tar,
];

/// A container of some members, of which the streams take only the first.
pub(crate) fn contain(kind: Layer, members: &[(&str, &[u8])]) -> Vec<u8> {
    let content = members[0].1;
    match kind {
        Layer::Gzip => {
            let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
            encoder.write_all(content).unwrap();
            encoder.finish().unwrap()
        }
        Layer::Zlib => {
            let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
            encoder.write_all(content).unwrap();
            encoder.finish().unwrap()
        }
        Layer::Bzip2 => {
            let mut encoder = BzEncoder::new(Vec::new(), bzip2::Compression::default());
            encoder.write_all(content).unwrap();
            encoder.finish().unwrap()
        }
        Layer::Lzma => {
            let options = lzma_rust2::LzmaOptions::with_preset(1);
            let mut encoder =
                lzma_rust2::LzmaWriter::new_use_header(Vec::new(), &options, None).unwrap();
            encoder.write_all(content).unwrap();
            encoder.finish().unwrap()
        }
        Layer::Zstd => {
            ruzstd::encoding::compress_to_vec(content, ruzstd::encoding::CompressionLevel::Fastest)
        }
        Layer::Zip => {
            let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
            for (name, content) in members {
                zip.start_file(*name, SimpleFileOptions::default()).unwrap();
                zip.write_all(content).unwrap();
            }
            zip.finish().unwrap().into_inner()
        }
        Layer::Tar => {
            let mut tar = tar::Builder::new(Vec::new());
            for (name, content) in members {
                let mut header = tar::Header::new_gnu();
                header.set_size(content.len() as u64);
                header.set_mode(0o644);
                header.set_cksum();
                tar.append_data(&mut header, name, *content).unwrap();
            }
            tar.into_inner().unwrap()
        }
        other => panic!("no {other:?} is made here"),
    }
}

impl Writing {
    /// Whether it is a way to write files, not words in them.
    pub(crate) fn is_of_files(&self) -> bool {
        matches!(self, Self::Wide { .. })
    }

    /// Whether more than a key is usually written so at once.
    pub(crate) fn takes_more(&self) -> bool {
        matches!(
            self,
            Self::Hex { .. } | Self::Base64 { .. } | Self::Gzip | Self::Wide { .. }
        )
    }

    /// What sort of writing it is.
    pub(crate) fn kind(&self) -> Kind {
        match self {
            Self::Wide { .. } => Kind::Wide,
            Self::Hex { .. } | Self::Base64 { .. } | Self::Gzip => Kind::Digits,
            Self::Split { .. } | Self::Invisible { .. } => Kind::Pieces,
            Self::QuotedPrintable { .. } => Kind::Lines,
            _ => Kind::Escapes,
        }
    }

    pub(crate) fn is_hex(&self) -> bool {
        matches!(self, Self::Hex { .. })
    }

    pub(crate) fn is_base64(&self) -> bool {
        matches!(self, Self::Base64 { .. } | Self::Gzip)
    }

    /// Whether it may put something into the middle of a key.
    pub(crate) fn cuts(&self) -> bool {
        matches!(self.kind(), Kind::Pieces | Kind::Lines)
    }

    /// Whether it cuts a key of this length at `at`.
    pub(crate) fn cuts_at(&self, at: usize, length: usize) -> bool {
        match self {
            Self::Split { cuts, .. } | Self::Invisible { cuts, .. } => {
                cuts.iter().any(|cut| cut % (length - 1) + 1 == at)
            }
            _ => false,
        }
    }

    /// Bytes of a character.
    pub(crate) fn unit(&self) -> usize {
        match self {
            Self::Wide { unit, .. } => *unit,
            _ => 1,
        }
    }

    /// Writes a text so.
    pub(crate) fn write(&self, text: &Written) -> Written {
        let bytewise = |form: fn(u8) -> String| {
            text.each(|c, out| {
                for byte in c.encode_utf8(&mut [0; 4]).bytes() {
                    out.extend_from_slice(form(byte).as_bytes());
                }
            })
        };
        match self {
            Self::Wide { unit, big_endian } => wide(text, *unit, *big_endian),
            Self::Unicode => text.each(|c, out| {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    out.extend_from_slice(format!("\\u{unit:04x}").as_bytes());
                }
            }),
            Self::Hexadecimal => bytewise(|byte| format!("\\x{byte:02x}")),
            Self::Octal => bytewise(|byte| format!("\\{byte:03o}")),
            Self::PercentParts => bytewise(|byte| {
                if byte.is_ascii_alphanumeric() {
                    char::from(byte).to_string()
                } else {
                    format!("%{byte:02X}")
                }
            }),
            Self::Percent => bytewise(|byte| format!("%{byte:02X}")),
            Self::PercentTwice => bytewise(|byte| format!("%25{byte:02X}")),
            Self::HtmlDecimal => {
                text.each(|c, out| out.extend(format!("&#{};", u32::from(c)).bytes()))
            }
            Self::HtmlHex => {
                text.each(|c, out| out.extend(format!("&#x{:x};", u32::from(c)).bytes()))
            }
            Self::QuotedPrintable { width } => quoted_printable(text, *width),
            Self::QuotedPrintableWhole => bytewise(|byte| format!("={byte:02X}")),
            Self::Hex { upper } => {
                let encoding = if *upper {
                    data_encoding::HEXUPPER
                } else {
                    data_encoding::HEXLOWER
                };
                let digits = encoding.encode(&text.bytes).into_bytes();
                Written::of(digits, text.key.start * 2..text.key.end * 2)
            }
            Self::Base64 {
                url,
                padded,
                skew,
                width,
            } => {
                // Nothing narrow stands before wide text.
                let skew = if text.bytes.contains(&0) { 0 } else { *skew };
                let text = text.between((": ".get(..skew).unwrap(), ""));
                let encoding = match (url, padded) {
                    (false, true) => BASE64,
                    (false, false) => BASE64_NOPAD,
                    (true, true) => BASE64URL,
                    (true, false) => BASE64URL_NOPAD,
                };
                let digits = Written::of(
                    encoding.encode(&text.bytes).into_bytes(),
                    text.key.start * 4 / 3..(text.key.end * 4).div_ceil(3),
                );
                match width {
                    Some((width, end)) => lines(&digits, *width, end),
                    None => digits,
                }
            }
            Self::Gzip => {
                let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
                // Enough that it does compress: else the key would stand there as it is.
                let text = [&text.bytes[..], &b"\n# a line of a file".repeat(9)].concat();
                encoder.write_all(&text).unwrap();
                let digits = BASE64.encode(&encoder.finish().unwrap());
                let key = 0..digits.trim_end_matches('=').len();
                Written::of(digits.into_bytes(), key)
            }
            Self::Split { joint, cuts } => {
                let joint = JOINTS[*joint];
                let written = text.cut(cuts, joint);
                let quote = joint.get(..1).unwrap();
                if "\"'`".contains(quote) {
                    written.between((quote, quote))
                } else {
                    written.between(("\"", "\""))
                }
            }
            Self::Invisible { which, cuts } => text.cut(cuts, INVISIBLE[*which]),
        }
    }
}

fn wide(text: &Written, unit: usize, big_endian: bool) -> Written {
    let mut mark = Vec::new();
    let push = |c: char, out: &mut Vec<u8>| {
        if unit == 2 {
            for unit in c.encode_utf16(&mut [0; 2]) {
                out.extend(if big_endian {
                    unit.to_be_bytes()
                } else {
                    unit.to_le_bytes()
                });
            }
        } else {
            let value = u32::from(c);
            out.extend(if big_endian {
                value.to_be_bytes()
            } else {
                value.to_le_bytes()
            });
        }
    };
    push('\u{feff}', &mut mark);
    let written = text.each(|c, out| push(c, out));
    // Of its first and its last unit, only the byte that is not zero.
    let (first, last) = if big_endian {
        (unit - 1, 0)
    } else {
        (0, unit - 1)
    };
    let key = mark.len() + written.key.start + first..mark.len() + written.key.end - last;
    Written::of([mark, written.bytes].concat(), key)
}

/// Encodes what is no printable ASCII and every `=`, and breaks lines.
fn quoted_printable(text: &Written, width: usize) -> Written {
    let mut column = 0;
    text.each(|c, out| {
        let mut form = String::new();
        if matches!(c, ' '..='<' | '>'..='~' | '\r' | '\n') {
            form.push(c);
        } else {
            for byte in c.encode_utf8(&mut [0; 4]).bytes() {
                form.extend(["=", &format!("{byte:02X}")]);
            }
        }
        if c == '\n' {
            column = 0;
        } else {
            if column + form.len() > width {
                out.extend_from_slice(b"=\r\n");
                column = 0;
            }
            column += form.len();
        }
        out.extend_from_slice(form.as_bytes());
    })
}

/// Breaks digits into lines.
fn lines(digits: &Written, width: usize, end: &str) -> Written {
    let moved = |at: usize| at + at / width * end.len();
    let lines: Vec<&[u8]> = digits.bytes.chunks(width).collect();
    let key = moved(digits.key.start)..moved(digits.key.end - 1) + 1;
    Written::of(lines.join(end.as_bytes()), key)
}
