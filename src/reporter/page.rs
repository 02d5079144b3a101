//! The one place where text for people is put together: whatever goes onto a page is escaped.

use std::fmt::Write as _;

use anstyle::Style;

use crate::text::escape_into;
use crate::text::is_unprintable;

/// Text on its way out. Holds no control character but line ends and, with colour, its own styles.
#[derive(Debug)]
pub struct Page {
    text: String,
    colour: bool,
}

impl Page {
    /// An empty page; `colour` for a terminal that shows it.
    pub fn new(colour: bool) -> Self {
        Self {
            text: String::new(),
            colour,
        }
    }

    /// Adds text; control characters and line ends in it are escaped.
    ///
    /// What a CI host would take for a command of a workflow is escaped too: `::` at the start of a
    /// line, `##[` and `##vso[` anywhere.
    pub fn text(&mut self, text: impl std::fmt::Display) -> &mut Self {
        let text = text.to_string();
        let at_start = self.text.is_empty() || self.text.ends_with('\n');
        let mut text = text.as_str();
        if at_start && let Some(rest) = text.trim_start().strip_prefix("::") {
            let blanks = text.len() - text.trim_start().len();
            escape_into(&mut self.text, &text.as_bytes()[..blanks]);
            self.text.push_str("\\x3a:");
            text = rest;
        }
        let from = self.text.len();
        escape_into(&mut self.text, text.as_bytes());
        for command in ["##[", "##vso["] {
            while let Some(at) = self.text.get(from..).and_then(|new| new.find(command)) {
                self.text.replace_range(from + at..=from + at, "\\x23");
            }
        }
        self
    }

    /// Adds text in a style.
    pub fn styled(&mut self, style: Style, text: impl std::fmt::Display) -> &mut Self {
        if self.colour {
            self.text.push_str(&style.render().to_string());
            self.text(text);
            self.text.push_str(&style.render_reset().to_string());
            self
        } else {
            self.text(text)
        }
    }

    /// Ends the line.
    pub fn end(&mut self) {
        self.text.push('\n');
    }

    /// Adds JSON: whatever in its strings a terminal could act on becomes `\u001b`.
    pub fn json(&mut self, json: &str) {
        // Only strings can hold these.
        let json = json
            .replace("##[", "#\\u0023[")
            .replace("##vso[", "#\\u0023vso[");
        for c in json.chars() {
            if c != '\n' && is_unprintable(c) {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    write!(self.text, "\\u{unit:04x}").expect("a String takes everything");
                }
            } else {
                self.text.push(c);
            }
        }
        self.end();
    }

    /// All of it.
    pub fn into_text(self) -> String {
        self.text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_escaped_and_styles_are_not() {
        let mut page = Page::new(true);
        page.styled(Style::new().bold(), "a\x1b[2J\n").end();
        assert_eq!(page.into_text(), "\u{1b}[1ma\\x1b[2J\\n\u{1b}[0m\n");
    }

    #[test]
    fn no_line_is_a_command_of_a_workflow() {
        let mut page = Page::new(false);
        page.text("::stop-commands::x").text(" ::y").end();
        page.text(" ::error::x ##[group] ##vso[task]").end();
        let text = page.into_text();
        assert_eq!(
            text,
            "\\x3a:stop-commands::x ::y\n \\x3a:error::x \\x23#[group] \\x23#vso[task]\n"
        );
    }

    #[test]
    fn json_stays_json() {
        let mut page = Page::new(false);
        page.json("[\"a\u{202e}\u{9b}\u{e0041}\u{7f}\"]");
        let text = page.into_text();
        assert_eq!(text, "[\"a\\u202e\\u009b\\udb40\\udc41\\u007f\"]\n");
        let back: Vec<String> = serde_json::from_str(&text).unwrap();
        assert_eq!(back, ["a\u{202e}\u{9b}\u{e0041}\u{7f}"]);
    }
}
