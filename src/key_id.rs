//! The name of a key: what reports and exceptions call it by.

use std::fmt;

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
}
