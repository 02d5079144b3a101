//! What the documents show of the command line: the Markdown of the repository, taken apart.

use std::fs;
use std::path::Path;
use std::path::PathBuf;

/// Something in a document, with the place for people.
#[derive(Debug)]
pub(crate) struct Code {
    pub(crate) place: String,
    pub(crate) kind: Kind,
    pub(crate) text: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A block that is fenced, in the language that it names.
    Fenced(String),
    /// A block that is indented.
    Indented,
    /// Code in a line of text.
    Inline,
}

/// The code in all documents: those at the top, and those of the directories there.
pub(crate) fn of_the_repository() -> Vec<Code> {
    let top = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = documents(top);
    for entry in fs::read_dir(top).unwrap() {
        let path = entry.unwrap().path();
        let is_ours = !path.ends_with(".git") && !path.ends_with("target");
        if is_ours && path.is_dir() {
            files.extend(documents(&path));
        }
    }
    files.sort();
    let mut all = Vec::new();
    for file in files {
        let name = file.strip_prefix(top).unwrap().display().to_string();
        all.extend(code(&name, &fs::read_to_string(&file).unwrap()));
    }
    all
}

fn documents(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).unwrap();
    entries
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "md"))
        .collect()
}

/// The code of a document, in its order but for what is inline, which comes with its paragraph.
fn code(name: &str, document: &str) -> Vec<Code> {
    let mut found = Vec::new();
    let mut paragraph = (0, String::new());
    let mut fence: Option<(String, String)> = None;
    let mut block: Option<Code> = None;
    let (mut in_list, mut after_blank) = (false, true);
    for (number, line) in (1..).zip(document.lines()) {
        let place = || format!("{name}:{number}");
        if let Some((end, indent)) = &fence {
            if line.trim() == end {
                fence = None;
                found.extend(block.take());
            } else if let Some(block) = &mut block {
                let line = line.strip_prefix(indent.as_str()).unwrap_or(line);
                block.text.extend([line, "\n"]);
            }
            continue;
        }
        let text = line.trim_start();
        let indent = line.len() - text.len();
        let is_block = indent >= 4 && !in_list && (after_blank || block.is_some());
        if !is_block && (!text.is_empty() || block.is_none()) {
            found.extend(block.take());
        }
        if is_block || block.is_some() {
            let block = block.get_or_insert_with(|| Code {
                place: place(),
                kind: Kind::Indented,
                text: String::new(),
            });
            block.text.push_str(line.get(4..).unwrap_or_default());
            block.text.push('\n');
        } else if text.starts_with("```") {
            let language = text.trim_start_matches('`');
            let end = "`".repeat(text.len() - language.len());
            fence = Some((end, " ".repeat(indent)));
            block = Some(Code {
                place: place(),
                kind: Kind::Fenced(language.trim().to_owned()),
                text: String::new(),
            });
        }
        after_blank = text.is_empty();
        if after_blank || fence.is_some() || block.is_some() {
            found.extend(inline(name, &std::mem::take(&mut paragraph)));
        } else {
            if paragraph.1.is_empty() {
                paragraph.0 = number;
            }
            paragraph.1.extend([text, " "]);
            if indent == 0 {
                let marker = text.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.');
                in_list = text.starts_with("- ") || (marker.len() < text.len());
            }
        }
    }
    assert!(fence.is_none(), "{name}: a fence is not closed");
    found.extend(block);
    found.extend(inline(name, &paragraph));
    found
}

/// The code in a paragraph, between as many backticks as it begins with.
fn inline(name: &str, (number, paragraph): &(usize, String)) -> Vec<Code> {
    let mut found = Vec::new();
    let mut rest = paragraph.as_str();
    while let Some((_, after)) = rest.split_once('`') {
        let begins = after.trim_start_matches('`');
        let fence = "`".repeat(1 + after.len() - begins.len());
        let Some((text, after)) = begins.split_once(&fence) else {
            break;
        };
        found.push(Code {
            place: format!("{name}:{number}"),
            kind: Kind::Inline,
            // In a table, `|` is escaped.
            text: text.trim().replace("\\|", "|"),
        });
        rest = after;
    }
    found
}

#[test]
fn code_is_told_from_text() {
    let document = "\
a `x y` and
``a ` b`` c

```sh
one
  two
```

- item

    no code

1. item

   ```console
   $ three
   ```

Text.

    four

    five
end
";
    let found: Vec<_> = code("d", document)
        .into_iter()
        .map(|code| (code.place, code.kind, code.text))
        .collect();
    let fenced = |language: &str| Kind::Fenced(language.to_owned());
    let expected = [
        ("d:1", Kind::Inline, "x y"),
        ("d:1", Kind::Inline, "a ` b"),
        ("d:4", fenced("sh"), "one\n  two\n"),
        ("d:15", fenced("console"), "$ three\n"),
        ("d:21", Kind::Indented, "four\n\nfive\n"),
    ];
    assert_eq!(
        found,
        expected.map(|(place, kind, text)| (place.to_owned(), kind, text.to_owned()))
    );
}
