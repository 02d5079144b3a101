//! Untrusted bytes as text that is safe to print: control, bidi and invisible characters escaped.

use std::fmt::Write as _;

/// Appends `bytes` to `out` as printable text.
///
/// Valid UTF-8 stays as it is, save for control characters, line and paragraph separators, bidi
/// controls and other invisible format characters, which become `\n`, `\x1b` or `\u{202e}`; bytes
/// that are no UTF-8 become `\xff`. The result never holds a line end or an escape character.
pub fn escape_into(out: &mut String, bytes: &[u8]) {
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            escape_char(out, c);
        }
        for byte in chunk.invalid() {
            push(out, format_args!("\\x{byte:02x}"));
        }
    }
}

/// `bytes` as printable text; see [`escape_into`].
pub fn escape(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len());
    escape_into(&mut out, bytes);
    out
}

fn escape_char(out: &mut String, c: char) {
    match c {
        '\t' => out.push_str("\\t"),
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        c if c.is_ascii_control() => push(out, format_args!("\\x{:02x}", u32::from(c))),
        c if is_unprintable(c) => push(out, format_args!("\\u{{{:x}}}", u32::from(c))),
        c => out.push(c),
    }
}

fn push(out: &mut String, args: std::fmt::Arguments<'_>) {
    out.write_fmt(args).expect("a String takes everything");
}

/// Whether `c` must not reach a terminal as it is: it moves the cursor, ends a line, turns the
/// direction of writing or cannot be seen.
pub fn is_unprintable(c: char) -> bool {
    c.is_control()
        // No characters: XML may not hold them.
        || u32::from(c) & 0xfffe == 0xfffe
        || matches!(c, '\u{fdd0}'..='\u{fdef}' |
            '\u{ad}' | '\u{34f}' | '\u{600}'..='\u{605}' | '\u{61c}' | '\u{6dd}' | '\u{70f}'
            | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}'
            | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_text_stays() {
        assert_eq!(
            escape("clé = 'ключ' 鍵 🔑".as_bytes()),
            "clé = 'ключ' 鍵 🔑"
        );
    }

    #[test]
    fn what_steers_a_terminal_is_escaped() {
        assert_eq!(
            escape(b"\x1b[2J\r\n\t\x07\x7f\xc2\x9b \xff\xe2\x80\xae\xe2\x80\xa8\xc2\xad"),
            "\\x1b[2J\\r\\n\\t\\x07\\x7f\\u{9b} \\xff\\u{202e}\\u{2028}\\u{ad}"
        );
    }

    #[test]
    fn what_is_no_character_is_escaped() {
        assert_eq!(
            escape("a\u{fffe}\u{ffff}\u{fdd0}\u{1ffff}\u{10fffe}\u{fffd}".as_bytes()),
            "a\\u{fffe}\\u{ffff}\\u{fdd0}\\u{1ffff}\\u{10fffe}\u{fffd}"
        );
    }
}
