//! The one type that owns a credential.

use std::fmt;

use serde::{Serialize, Serializer};

/// The bytes of a matched credential.
///
/// Every way of writing it out gives its [`Mask`]: `{}`, `{:?}` and serde. The bytes come out of
/// [`Secret::expose`] alone, which clippy forbids outside the modules that must have them.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Secret {
    bytes: Box<[u8]>,
    public_prefix: usize,
}

impl Secret {
    /// Takes the bytes of a match. The first `public_prefix` are the same in every key of the kind
    /// (`sk-proj-`) and may be shown, unless they are more than a quarter of it.
    pub fn new(bytes: &[u8], public_prefix: usize) -> Self {
        Self {
            bytes: bytes.into(),
            public_prefix: public_prefix.min(bytes.len() / 4),
        }
    }

    /// The bytes themselves, to be hashed.
    pub fn expose(&self) -> &[u8] {
        &self.bytes
    }

    /// How many bytes it has.
    pub fn length(&self) -> usize {
        self.bytes.len()
    }

    /// The same without so many bytes at its end, to be compared: nothing of it may be shown.
    #[must_use]
    pub fn shortened(&self, by: usize) -> Self {
        Self::new(&self.bytes[..self.bytes.len().saturating_sub(by)], 0)
    }

    /// What may be shown of this secret.
    pub fn mask(&self) -> Mask {
        Mask {
            prefix: self.bytes[..self.public_prefix]
                .iter()
                .map(|&byte| {
                    if byte.is_ascii_graphic() {
                        char::from(byte)
                    } else {
                        '?'
                    }
                })
                .collect(),
            length: self.bytes.len(),
        }
    }
}

/// A secret as it may be shown: its public prefix and its length in bytes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Mask {
    prefix: Box<str>,
    length: usize,
}

impl fmt::Display for Mask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}[{} characters hidden]", self.prefix, self.length)
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.mask().fmt(f)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secret({})", self.mask())
    }
}

impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.mask())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_form_shows_the_body() {
        let body = "q".repeat(40);
        let secret = Secret::new(format!("sk-proj-{body}").as_bytes(), 8);
        for form in [
            format!("{secret}"),
            format!("{secret:#?}"),
            serde_json::to_string(&[&secret]).unwrap(),
        ] {
            assert!(form.contains("sk-proj-[48 characters hidden]"), "{form}");
            assert!(!form.contains("qq"), "{form}");
        }
    }

    #[test]
    fn a_prefix_that_is_most_of_the_secret_is_cut() {
        assert_eq!(
            Secret::new(b"abcdefgh", 8).to_string(),
            "ab[8 characters hidden]"
        );
    }
}
