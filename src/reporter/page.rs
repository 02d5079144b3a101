//! The one place where output is put together: whatever goes onto a page is escaped, for people and
//! for every format.

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

    /// Adds markup of our own, as it is.
    pub fn markup(&mut self, literal: &'static str) -> &mut Self {
        self.text.push_str(literal);
        self
    }

    /// Adds text of an XML document, or of an attribute's value in double quotes.
    ///
    /// Control characters, which XML cannot hold, are escaped as on a terminal.
    pub fn xml(&mut self, text: impl std::fmt::Display) -> &mut Self {
        for c in safe(&text.to_string()).chars() {
            match c {
                '&' => self.text.push_str("&amp;"),
                '<' => self.text.push_str("&lt;"),
                '>' => self.text.push_str("&gt;"),
                '"' => self.text.push_str("&quot;"),
                '\'' => self.text.push_str("&apos;"),
                // `##[` and `##vso[` are commands to a CI host.
                '#' => self.text.push_str("&#35;"),
                // And so is `::` at the start of a line.
                ':' if self.text.ends_with('\n') => self.text.push_str("&#58;"),
                c => self.text.push(c),
            }
        }
        self
    }

    /// Adds text of a Markdown document, which it cannot steer: what Markdown or HTML could act on
    /// becomes a character reference.
    pub fn markdown(&mut self, text: impl std::fmt::Display) -> &mut Self {
        for c in safe(&text.to_string()).chars() {
            if c.is_alphanumeric() || !c.is_ascii() || matches!(c, ' ' | '/' | '-' | ',') {
                self.text.push(c);
            } else {
                write!(self.text, "&#{};", u32::from(c)).expect("a String takes everything");
            }
        }
        self
    }

    /// Adds a workflow command of GitHub Actions. A message may have several lines.
    pub fn command(
        &mut self,
        name: &'static str,
        properties: &[(&'static str, &str)],
        message: &[String],
    ) {
        self.text.push_str("::");
        self.text.push_str(name);
        for (number, (property, value)) in properties.iter().enumerate() {
            self.text.push_str(if number == 0 { " " } else { "," });
            self.text.push_str(property);
            self.text.push('=');
            let value = command_data(value).replace(':', "%3A");
            self.text.push_str(&value.replace(',', "%2C"));
        }
        self.text.push_str("::");
        let lines: Vec<String> = message.iter().map(|line| command_data(line)).collect();
        self.text.push_str(&lines.join("%0A"));
        self.end();
    }

    /// All of it.
    pub fn into_text(self) -> String {
        self.text
    }
}

/// Text without control characters and what else XML has none of.
fn safe(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    escape_into(&mut safe, text.as_bytes());
    // Characters that are none.
    safe.replace('\u{fffe}', "\\u{fffe}")
        .replace('\u{ffff}', "\\u{ffff}")
}

/// Text as the value of a workflow command: a line end in it would begin another command.
fn command_data(text: &str) -> String {
    safe(text)
        .replace("##[", "\\x23#[")
        .replace("##vso[", "\\x23#vso[")
        .replace('%', "%25")
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

    #[test]
    fn xml_stays_xml() {
        let mut page = Page::new(false);
        page.markup("<a b=\"")
            .xml("\"'<&>\u{0}\u{1b}\n\u{ffff}##[x");
        page.markup("\">").xml("]]>").markup("</a>").end();
        let text = page.into_text();
        assert_eq!(
            text,
            "<a b=\"&quot;&apos;&lt;&amp;&gt;\\x00\\x1b\\n\\u{ffff}&#35;&#35;[x\">]]&gt;</a>\n"
        );
    }

    #[test]
    fn a_command_cannot_be_ended_or_added() {
        let mut page = Page::new(false);
        let properties = [("file", "a%0A::error::,b:c\n.py"), ("line", "4")];
        let message = ["one\r\n::stop-commands::x".to_owned(), "two %25".to_owned()];
        page.command("error", &properties, &message);
        assert_eq!(
            page.into_text(),
            "::error file=a%250A%3A%3Aerror%3A%3A%2Cb%3Ac\\n.py,line=4\
             ::one\\r\\n::stop-commands::x%0Atwo %2525\n"
        );
    }

    #[test]
    fn markdown_is_not_steered() {
        let mut page = Page::new(false);
        page.markdown("a|b`<img>[x](y)\n").end();
        assert_eq!(
            page.into_text(),
            "a&#124;b&#96;&#60;img&#62;&#91;x&#93;&#40;y&#41;&#92;n\n"
        );
    }
}
