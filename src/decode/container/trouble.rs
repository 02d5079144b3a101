//! Why a container, or a part of it, was not read.

use std::io;

use crate::decode::container::MAX_MEMBERS;

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
