//! The event that Claude Code gives its hooks before it uses a tool.

use anyhow::Context as _;
use anyhow::bail;
use git_frisk::place::Kind;
use git_frisk::scan::text::Text;
use serde_json::Map;
use serde_json::Value;

/// What the tool would write or run, of an event in JSON. No message repeats what stands in it.
pub(crate) fn texts(event: &[u8]) -> anyhow::Result<Vec<Text>> {
    let event: Value = match serde_json::from_slice(event) {
        Ok(event) => event,
        Err(error) => bail!(
            "is no JSON: line {}, column {}",
            error.line(),
            error.column()
        ),
    };
    if event["hook_event_name"]
        .as_str()
        .is_some_and(|name| name != "PreToolUse")
    {
        bail!("is none of PreToolUse: put the hook there, in the settings");
    }
    let tool = event["tool_name"].as_str().context("has no `tool_name`")?;
    let input = event["tool_input"]
        .as_object()
        .context("has no object `tool_input`")?;
    let needed: &[&str] = match tool {
        "Write" => &["file_path", "content"],
        "Edit" => &["file_path", "new_string"],
        "MultiEdit" => &["file_path", "edits"],
        "NotebookEdit" => &["notebook_path"],
        "Bash" => &["command"],
        _ => &[],
    };
    if let Some(missing) = needed.iter().find(|name| !input.contains_key(**name)) {
        bail!("has no `{missing}`, which the tool {tool} needs");
    }
    let mut texts = Vec::new();
    match tool {
        "Write" | "Edit" => texts.push(written(input, "file_path", input)?),
        "NotebookEdit" => texts.push(written(input, "notebook_path", input)?),
        "MultiEdit" => {
            let edits = input["edits"].as_array().context("has no list `edits`")?;
            for edit in edits {
                let edit = edit.as_object().context("has an edit that is no object")?;
                texts.push(written(input, "file_path", edit)?);
            }
        }
        // Of a tool that is not known, whatever it is given; a command is one of these.
        _ => {
            for (name, value) in input {
                texts.push(given(tool.to_owned(), name));
                strings(&mut texts, &format!("{tool} {name}"), value, 0)?;
            }
        }
    }
    // What a file is called is written too.
    for name in ["file_path", "notebook_path"] {
        if let ("Write" | "Edit" | "MultiEdit" | "NotebookEdit", Some(path)) =
            (tool, input.get(name).and_then(Value::as_str))
        {
            texts.push(given(format!("{tool} {name}"), path));
        }
    }
    Ok(texts)
}

/// A text in which no comment counts: in a command one is seen by no review.
fn given(name: String, text: &str) -> Text {
    Text {
        name: name.into_bytes(),
        kind: Kind::Content,
        content: text.as_bytes().to_vec(),
        before: Vec::new(),
        exceptions: false,
    }
}

/// What an edit puts into a file in the place of what.
fn written(
    input: &Map<String, Value>,
    path: &str,
    edit: &Map<String, Value>,
) -> anyhow::Result<Text> {
    let text = |names: &[&str]| -> anyhow::Result<Vec<u8>> {
        let found = names.iter().find_map(|name| edit.get(*name));
        match found {
            None | Some(Value::Null) => Ok(Vec::new()),
            Some(Value::String(text)) => Ok(text.clone().into_bytes()),
            // The source of a notebook's cell is a list of lines in its file.
            Some(Value::Array(lines)) => {
                let lines: Option<Vec<&str>> = lines.iter().map(Value::as_str).collect();
                Ok(lines
                    .context("has a text that is none")?
                    .concat()
                    .into_bytes())
            }
            Some(_) => bail!("has a text that is none"),
        }
    };
    let path = input[path].as_str().context("has a path that is no text")?;
    Ok(Text {
        name: path.as_bytes().to_vec(),
        kind: Kind::Content,
        content: text(&["content", "new_string", "new_source"])?,
        before: text(&["old_string"])?,
        exceptions: true,
    })
}

/// Every text in a value.
fn strings(texts: &mut Vec<Text>, name: &str, value: &Value, depth: usize) -> anyhow::Result<()> {
    const MAX_DEPTH: usize = 100;
    if depth > MAX_DEPTH {
        bail!("is nested too deep");
    }
    match value {
        Value::String(text) => texts.push(given(name.to_owned(), text)),
        Value::Array(values) => {
            for value in values {
                strings(texts, name, value, depth + 1)?;
            }
        }
        Value::Object(values) => {
            for (key, value) in values {
                strings(texts, name, &Value::String(key.clone()), depth + 1)?;
                strings(texts, name, value, depth + 1)?;
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
    Ok(())
}
