//! The needles beside the keywords of rules: what a key has in it, written in another way.

/// What a needle that is no rule's keyword asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::matcher) enum Trigger {
    /// A piece of the marker, or an escaped one: unescape and join what is around.
    Text,
    /// The marker in UTF-16 or UTF-32, with this many bytes a unit.
    Wide(usize),
    /// The marker as a list of numbers.
    Numbers,
    /// The marker as a list of characters, each in quotes: they are joined as pieces of any length are.
    Characters,
}

/// A needle that is no rule's keyword.
#[derive(Debug, Clone, Copy)]
pub(in crate::matcher) struct Needle {
    pub(in crate::matcher) bytes: &'static [u8],
    pub(in crate::matcher) trigger: Trigger,
    /// Characters of a word, of which two are escaped, that have to begin with it; zero for anything.
    pub(in crate::matcher) escaped_word: usize,
}

/// What a key begins with.
pub(super) const PREFIX: &[u8] = b"sk-";
/// What stands between its halves.
pub(in crate::matcher) const MARKER: &[u8] = b"T3BlbkFJ";

/// Characters of a key from one that is escaped on: most of a half.
const WORD: usize = 10;
/// Characters from the beginning of a key on.
const FIRST_WORD: usize = 20;

const fn needle(bytes: &'static [u8], trigger: Trigger) -> Needle {
    Needle {
        bytes,
        trigger,
        escaped_word: 0,
    }
}

const fn escaped(bytes: &'static [u8], escaped_word: usize) -> Needle {
    Needle {
        bytes,
        trigger: Trigger::Text,
        escaped_word,
    }
}

/// The needles beside the rules' keywords.
///
/// The pieces of OpenAI's marker find a key that is split, wherever: one cut leaves a half whole,
/// and two seldom break the middle too.
/// The next are the marker's first characters as escapes of each kind write them.
/// The last are for keys of which any characters are escaped. Of each kind that can be told by three
/// bytes, they are the letters from `P` to `_`, of which a key has eight or more; of the others, `T`.
/// The very last are its first two numbers in lists that spell it, as such are written.
pub(in crate::matcher) const NEEDLES: [Needle; 64] = [
    needle(b"T3Bl", Trigger::Text),
    needle(b"bkFJ", Trigger::Text),
    needle(b"Blbk", Trigger::Text),
    needle(b"u0054", Trigger::Text),
    needle(b"\\x54\\", Trigger::Text),
    needle(b"\\124\\", Trigger::Text),
    needle(b"%54%", Trigger::Text),
    needle(b"%2554%", Trigger::Text),
    needle(b"U00000054", Trigger::Text),
    needle(b"54}\\", Trigger::Text),
    needle(b"54}`", Trigger::Text),
    needle(b"84;&", Trigger::Text),
    needle(b"54;&", Trigger::Text),
    needle(b"=54=", Trigger::Text),
    needle(b"T\x003\0B", Trigger::Wide(2)),
    needle(b"3\0\0\0B", Trigger::Wide(4)),
    escaped(b"sk-", FIRST_WORD),
    escaped(b"\\u005", WORD),
    escaped(b"\\U0000005", WORD),
    escaped(b"\\x5", WORD),
    escaped(b"\\12", WORD),
    escaped(b"\\u{54}", WORD),
    escaped(b"\\x{54}", WORD),
    escaped(b"%54", WORD),
    escaped(b"=54", WORD),
    escaped(b"%255", WORD),
    escaped(b"&#8", WORD),
    escaped(b"&#x5", WORD),
    escaped(b"&#X5", WORD),
    escaped(b"&#x0054;", WORD),
    escaped(b"&#084;", WORD),
    escaped(b"&#0084;", WORD),
    escaped(b"&amp;#84;", WORD),
    needle(b"54, 0x", Trigger::Numbers),
    needle(b"54,0x", Trigger::Numbers),
    needle(b"54,\n", Trigger::Numbers),
    needle(b"54,3", Trigger::Numbers),
    needle(b"54, 33", Trigger::Numbers),
    needle(b"54, (", Trigger::Numbers),
    needle(b"54,(", Trigger::Numbers),
    needle(b"54, $", Trigger::Numbers),
    needle(b"54,$", Trigger::Numbers),
    needle(b"54, &", Trigger::Numbers),
    needle(b"54,00", Trigger::Numbers),
    needle(b"54 33", Trigger::Numbers),
    needle(b"54;3", Trigger::Numbers),
    needle(b"54:33", Trigger::Numbers),
    needle(b"54-33", Trigger::Numbers),
    needle(b"84, 51", Trigger::Numbers),
    needle(b"84,51", Trigger::Numbers),
    needle(b"84, (", Trigger::Numbers),
    needle(b"84,(", Trigger::Numbers),
    needle(b"84,\"", Trigger::Numbers),
    needle(b"84,  5", Trigger::Numbers),
    needle(b"84,\n", Trigger::Numbers),
    needle(b"84;5", Trigger::Numbers),
    needle(b"84)", Trigger::Numbers),
    needle(b"84+", Trigger::Numbers),
    needle(b"84 5", Trigger::Numbers),
    needle(b"84  5", Trigger::Numbers),
    needle(b"84 +", Trigger::Numbers),
    needle(b"84\\", Trigger::Numbers),
    needle(b"'T'", Trigger::Characters),
    needle(b"\"T\"", Trigger::Characters),
];
