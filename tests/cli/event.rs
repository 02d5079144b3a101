//! `git frisk hook claude-code`: the event of a tool that is about to be used.

use serde_json::Value;
use serde_json::json;

use crate::keys;
use crate::sandbox::Output;
use crate::sandbox::Sandbox;

fn event(tool: &str, input: &Value) -> Output {
    let event = json!({
        "session_id": "s", "cwd": "/", "hook_event_name": "PreToolUse",
        "tool_name": tool, "tool_input": input,
    });
    fed(&event.to_string())
}

fn fed(event: &str) -> Output {
    Sandbox::without_repository().frisk_fed(event.as_bytes(), &["hook", "claude-code"])
}

/// Fails unless the tool is stopped, for this key and at this place.
#[track_caller]
fn is_stopped(output: &Output, key: &str, place: &str) {
    assert_eq!((output.status, &*output.stdout), (2, ""), "{output:?}");
    assert!(output.stderr.contains(&keys::id(key)), "{output:?}");
    assert!(output.stderr.contains(place), "{output:?}");
    assert!(
        !output.stderr.contains(key.get(20..).unwrap()),
        "the key is shown"
    );
}

#[test]
fn what_would_be_written_is_looked_at() {
    let key = keys::project(1);
    let text = format!("a\nkey = '{key}'\n");
    let edit = |old: &str, new: &str| json!({"old_string": old, "new_string": new});

    for (tool, input) in [
        ("Write", json!({"file_path": "/src/a.py", "content": text})),
        (
            "Edit",
            json!({"file_path": "/src/a.py", "old_string": "", "new_string": text}),
        ),
        (
            "MultiEdit",
            json!({"file_path": "/src/a.py", "edits": [edit("x", "y"), edit("b", &text)]}),
        ),
        (
            "NotebookEdit",
            json!({"notebook_path": "/src/a.py", "new_source": text}),
        ),
    ] {
        is_stopped(&event(tool, &input), &key, "/src/a.py:2");
    }
}

#[test]
fn a_command_is_looked_at() {
    let key = keys::legacy(1);
    let command = format!("OPENAI_API_KEY={key} python a.py # frisk:allow it is mine");

    is_stopped(
        &event("Bash", &json!({"command": command, "timeout": 3})),
        &key,
        "Bash command:1",
    );
}

#[test]
fn a_tool_that_is_not_known_is_looked_at_whole() {
    let key = keys::legacy(1);
    let input = json!({"a": [1, null, {"b": format!("x {key}")}]});

    is_stopped(
        &event("mcp__files__put", &input),
        &key,
        "mcp__files__put a:1",
    );
}

#[test]
fn names_of_what_is_given_are_looked_at() {
    let key = keys::legacy(1);

    is_stopped(
        &event("mcp__put", &json!({key.clone(): true})),
        &key,
        "mcp__put:1",
    );
    let path = format!("/src/{key}.py");
    is_stopped(
        &event("Write", &json!({"file_path": path, "content": "x"})),
        &key,
        "Write file_path:1",
    );
}

#[test]
fn what_brings_no_key_in_is_let_through() {
    let key = keys::project(1);
    let with = format!("key = '{key}'");
    let allowed = format!("{with} # frisk:allow made up");

    for (tool, input) in [
        ("Write", json!({"file_path": "a.py", "content": "x = 1"})),
        ("Write", json!({"file_path": "a.py", "content": allowed})),
        (
            "Edit",
            json!({"file_path": "a.py", "old_string": with, "new_string": "x"}),
        ),
        (
            "Edit",
            json!({"file_path": "a.py", "old_string": with, "new_string": format!("y\n{with}")}),
        ),
        (
            "NotebookEdit",
            json!({"notebook_path": "a.ipynb", "cell_id": "1", "edit_mode": "delete"}),
        ),
        ("Bash", json!({"command": "git status"})),
        ("Read", json!({"file_path": "a.py"})),
    ] {
        let output = event(tool, &input);
        assert_eq!((output.status, &*output.stdout), (0, ""), "{output:?}");
    }
}

#[test]
fn what_is_no_such_event_is_stopped_with_a_reason() {
    let key = keys::project(1);
    fed("").fails_with("no JSON");
    fed("{").fails_with("no JSON");
    fed("[]").fails_with("tool_name");
    fed(r#"{"tool_name": "Write"}"#).fails_with("tool_input");
    fed(r#"{"tool_name": "Write", "tool_input": {"file_path": "a"}}"#).fails_with("content");
    fed(r#"{"tool_name": "Bash", "tool_input": {}}"#).fails_with("command");
    fed(r#"{"hook_event_name": "Stop", "tool_name": "Bash"}"#).fails_with("PreToolUse");
    let broken = fed(&format!("{{\"tool_name\": \"Write {key}"));
    broken.fails_with("no JSON");
    assert!(
        !broken.stderr.contains(key.get(20..).unwrap()),
        "{broken:?}"
    );
    let number = event("Write", &json!({"file_path": "a.py", "content": 3}));
    number.fails_with("text");
}

#[test]
fn without_an_event_it_is_stopped() {
    Sandbox::without_repository()
        .frisk(&["hook", "claude-code"])
        .fails_with("standard input");
}
