//! The name of a key: what reports and exceptions call it by.

use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};
use sha2::{Digest as _, Sha256};

use crate::secret::Secret;

/// The first 12 hex digits of the SHA-256 of a key's bytes; `printf %s "$KEY" | sha256sum` gives
/// the same.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId([u8; 6]);

impl KeyId {
    /// Names a secret.
    pub fn of(secret: &Secret) -> Self {
        #[expect(
            clippy::disallowed_methods,
            reason = "a key id is a hash of the key; the bytes go no further"
        )]
        let digest = Sha256::digest(secret.expose());
        let mut id = [0; 6];
        id.copy_from_slice(&digest[..6]);
        Self(id)
    }
}

/// What is no key id. It does not say what it is: that may be a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a key id is 12 hex digits, as findings name it")]
pub struct NoKeyId;

impl FromStr for KeyId {
    type Err = NoKeyId;

    fn from_str(text: &str) -> Result<Self, NoKeyId> {
        let mut id = [0; 6];
        if text.len() != 2 * id.len() {
            return Err(NoKeyId);
        }
        for (byte, digits) in id.iter_mut().zip(text.as_bytes().chunks(2)) {
            *byte = digits.iter().try_fold(0, |number, digit| {
                let digit = char::from(*digit).to_digit(16).ok_or(NoKeyId)?;
                Ok(number << 4 | u8::try_from(digit).map_err(|_| NoKeyId)?)
            })?;
        }
        Ok(Self(id))
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyId({self})")
    }
}

impl Serialize for KeyId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_what_sha256sum_says() {
        // printf %s abc | sha256sum
        assert_eq!(
            KeyId::of(&Secret::new(b"abc", 0)).to_string(),
            "ba7816bf8f01"
        );
    }

    #[test]
    fn is_read_as_it_is_written() {
        let id: KeyId = "BA7816bf8f01".parse().unwrap();
        assert_eq!(id.to_string(), "ba7816bf8f01");
        for bad in [
            "",
            "ba7816bf8f0",
            "ba7816bf8f011",
            "ba7816bf8f0g",
            "+a7816bf8f01",
            "ба7816bf8f",
        ] {
            assert_eq!(bad.parse::<KeyId>(), Err(NoKeyId), "{bad}");
        }
    }
}
