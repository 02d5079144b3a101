//! What is printed: for people, for grep, for programs.

use std::fs;

use serde_json::Value;

use crate::keys;
use crate::sandbox::Sandbox;

/// A repository with one staged key, in line 2 of `app.py`.
fn staged() -> Sandbox {
    let repo = Sandbox::new();
    repo.write(
        "app.py",
        format!("import os\nKEY = '{}'\n", keys::project(1)),
    )
    .git(&["add", "app.py"]);
    repo
}

/// The keys of an object, in the order they stand.
fn fields(json: &str, indent: usize) -> Vec<String> {
    let indent = " ".repeat(indent);
    json.lines()
        .filter_map(|line| {
            line.strip_prefix(&*indent)?
                .strip_prefix('"')?
                .split_once('"')
        })
        .map(|(field, _)| field.to_owned())
        .collect()
}

#[test]
fn a_blocked_commit_for_people() {
    let output = staged().frisk(&["staged"]);

    let id = keys::id(&keys::project(1));
    assert_eq!(
        output.stdout,
        format!(
            "\
error[openai-project]: OpenAI project API key
 --> app.py:2:8
  |
2 | KEY = 'sk-proj-[164 characters hidden]'
  |        ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
  = key {id}
help: read it from OPENAI_API_KEY, set outside of the repository
2 + KEY = os.environ[\"OPENAI_API_KEY\"]

fix:    take it out of the file; read it from OPENAI_API_KEY at run time
rotate: revoke it at https://platform.openai.com/api-keys, if anyone else may have seen it
        what it was used for is at https://platform.openai.com/usage
allow:  if it is no real key: `git frisk allow {id} --reason TEXT`, or `frisk:allow REASON` on its line
"
        )
    );
    assert_eq!(output.stderr, "git-frisk: 1 secret found in 1 place\n");
    assert_eq!(output.status, 1);
}

#[test]
fn no_line_for_people_is_wider_than_a_terminal() {
    let repo = Sandbox::new();
    let key = keys::project(1);
    let wide = "wide words and more of them ".repeat(30);
    let glyphs = "鍵".repeat(200);
    let names = (0..20).map(keys::project).collect::<Vec<_>>().join("', '");
    repo.write(
        "a.py",
        format!("{wide}{key}{wide}\n{key}{glyphs}\n{glyphs}{key}\n{names}\n\t\t\t{key}{wide}\n"),
    );

    let output = repo.frisk(&["scan"]);

    assert_eq!(output.status, 1);
    for line in output.stdout.lines() {
        let width = unicode_width::UnicodeWidthStr::width(line);
        assert!(width <= 120, "{width}: {line}");
    }
}

#[test]
fn many_findings_are_told_briefly_for_people() {
    let repo = Sandbox::new();
    let text: String = (0..1010).map(|seed| keys::legacy(seed) + "\n").collect();
    repo.write("a.txt", text);

    let people = repo.frisk(&["scan"]);
    let short = repo.frisk(&["scan", "--format", "short"]);

    let frames = people.stdout.matches(" --> ").count();
    let lines = people.stdout.matches("\na.txt:").count();
    assert_eq!((frames, lines), (50, 950));
    assert!(people.stdout.contains("and 10 more"));
    assert_eq!(short.stdout.lines().count(), 1010);
    assert!(people.stderr.contains("1010 secrets found in 1010 places"));
}

#[test]
fn one_line_a_finding() {
    let output = staged().frisk(&["staged", "--format", "short"]);

    let id = keys::id(&keys::project(1));
    assert_eq!(
        output.stdout,
        format!("app.py:2:8: openai-project: sk-proj-[164 characters hidden] (key {id})\n")
    );
    assert_eq!(output.status, 1);
}

#[test]
fn json_has_these_fields() {
    let output = staged().frisk(&["staged", "--format", "json"]);
    let json: Value = serde_json::from_str(&output.stdout).unwrap();

    assert_eq!(
        fields(&output.stdout, 2),
        [
            "schema", "tool", "status", "findings", "keys", "skipped", "errors", "stats"
        ]
    );
    assert_eq!(
        fields(&output.stdout, 4),
        ["name", "version", "items", "bytes", "seconds"]
    );
    assert_eq!(
        fields(&output.stdout, 6),
        [
            "rule",
            "provider",
            "severity",
            "confidence",
            "place",
            "path",
            "member",
            "line",
            "column",
            "end_line",
            "end_column",
            "decoded",
            "key_id",
            "excerpt",
            "commit",
            "author",
            "date",
            "suppressed"
        ]
    );
    assert_eq!(json["schema"], 1);
    assert_eq!(json["tool"]["name"], "git-frisk");
    assert_eq!(json["tool"]["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(json["status"], "findings");
    assert_eq!(json["stats"]["items"], 1);
    assert_eq!(json["stats"]["bytes"], 183);
    assert!(json["stats"]["seconds"].is_f64());
    let expected = serde_json::json!({
        "rule": "openai-project",
        "provider": "openai",
        "severity": "error",
        "confidence": "high",
        "place": "content",
        "path": "app.py",
        "member": null,
        "line": 2,
        "column": 8,
        "end_line": 2,
        "end_column": 172,
        "decoded": [],
        "key_id": keys::id(&keys::project(1)),
        "excerpt": "KEY = 'sk-proj-[164 characters hidden]'",
        "commit": null,
        "author": null,
        "date": null,
        "suppressed": null,
    });
    assert_eq!(json["findings"], Value::Array(vec![expected]));
}

#[test]
fn json_of_a_key_has_these_fields() {
    let repo = Sandbox::new();
    repo.commit_file("a.py", keys::project(1));

    let report = repo.report(&["history"]);

    let names = |value: &Value| {
        let object = value.as_object().unwrap();
        object.keys().cloned().collect::<Vec<_>>()
    };
    let key = &report.json["keys"][0];
    assert_eq!(
        names(key),
        [
            "authors", "commits", "first", "in_head", "key_id", "last", "places", "pushed", "rule"
        ]
    );
    assert_eq!(names(&key["first"]), ["author", "commit", "date", "path"]);
}

#[test]
fn json_of_a_clean_scan_is_complete() {
    let repo = Sandbox::new();
    repo.write("a.py", "a\n").git(&["add", "."]);

    for command in ["staged", "scan", "history"] {
        let report = repo.report(&[command]);
        report.is_clean();
        assert_eq!(report.stderr, "");
        for list in ["findings", "keys", "skipped", "errors"] {
            assert_eq!(report.json[list], Value::Array(Vec::new()), "{list}");
        }
    }
}

#[test]
fn a_key_whose_last_byte_is_zero_is_certain() {
    let repo = Sandbox::new();
    let mut key = keys::project(1);
    key.truncate(key.len() - 2);
    repo.write("a.py", key + "wA");

    assert_eq!(repo.report(&["scan"]).each("confidence"), ["certain"]);
}

#[test]
fn the_report_goes_to_a_file_and_people_still_see_it() {
    let repo = staged();

    let args = ["staged", "--format", "json", "-o", "../report.json"];
    let output = repo.frisk(&args);

    assert_eq!((output.status, &*output.stdout), (1, ""));
    assert!(output.stderr.starts_with("error[openai-project]: "));
    assert!(output.stderr.ends_with("1 secret found in 1 place\n"));
    let json = fs::read(repo.path("../report.json")).unwrap();
    let json: Value = serde_json::from_slice(&json).unwrap();
    assert_eq!(json["status"], "findings");

    // A clean report is written over one that is not.
    repo.git(&["rm", "-q", "--cached", "app.py"]);
    repo.frisk(&args).is_clean();
    let json = fs::read(repo.path("../report.json")).unwrap();
    let json: Value = serde_json::from_slice(&json).unwrap();
    assert_eq!(json["status"], "clean");
}

#[test]
fn a_file_that_cannot_be_written_is_an_error() {
    staged()
        .frisk(&["staged", "-o", "missing/report.json"])
        .fails_with("missing/report.json");
}

#[test]
fn quiet_is_quiet() {
    let repo = staged();

    let output = repo.frisk(&["staged", "-q"]);

    assert_eq!(
        (output.status, &*output.stdout, &*output.stderr),
        (1, "", "")
    );
    // What was not scanned is said all the same.
    repo.frisk(&["scan", "-q", "missing"]).fails_with("missing");
}

#[test]
fn verbose_says_what_was_rejected() {
    let repo = Sandbox::new();
    let same = git_frisk::rule::template::fill("sk-{same:20}T3BlbkFJ{same:20}", 1);
    repo.write("a.py", format!("\n{same}\n"));

    repo.frisk(&["scan"]).is_clean();
    let output = repo.frisk(&["scan", "-v"]);

    assert_eq!((output.status, &*output.stdout), (0, ""));
    assert!(
        output
            .stderr
            .contains("note: a.py: line 2, column 1: not openai-legacy: "),
        "{output:?}"
    );
    assert!(output.stderr.contains("scanned 1 item, "), "{output:?}");
}

#[test]
fn colour_is_used_where_it_is_wanted() {
    let repo = staged();

    let always = repo.frisk(&["staged", "--color", "always"]).stdout;
    let never = repo.frisk(&["staged", "--color", "never"]).stdout;
    let auto = repo.frisk(&["staged"]).stdout;

    assert!(always.contains("\u{1b}["));
    assert!(!never.contains('\u{1b}'));
    assert_eq!(auto, never, "a pipe is no terminal");
    let json = repo.frisk(&["staged", "--color", "always", "--format", "json"]);
    assert!(!json.stdout.contains('\u{1b}'));
}

#[test]
fn nothing_scanned_steers_the_terminal() {
    let repo = Sandbox::new();
    repo.write(
        "a\u{1b}[2J\u{202e}.py",
        format!("\u{1b}[31m\u{9b}\u{200b}'{}'\x07\n", keys::project(1)),
    );
    repo.commit("x");

    for format in [
        "human", "short", "json", "jsonl", "sarif", "github", "gitlab", "junit",
    ] {
        let output = repo.frisk(&["history", "--format", format]);
        assert_eq!(output.status, 1);
        let steers = |c: char| c != '\n' && git_frisk::text::is_unprintable(c);
        assert!(!output.stdout.contains(steers), "{format}: {output:?}");
        assert!(!output.stderr.contains(steers), "{format}: {output:?}");
    }
    let report = repo.report(&["scan"]);
    assert_eq!(report.each("path"), ["a\u{1b}[2J\u{202e}.py"]);
}

#[test]
fn the_same_input_gives_the_same_report() {
    let repo = staged();
    for format in ["human", "short"] {
        let once = repo.frisk(&["staged", "--format", format]);
        let again = repo.frisk(&["staged", "--format", format]);
        assert_eq!(once.stdout, again.stdout);
        assert_eq!(once.stderr, again.stderr);
    }
}

#[test]
fn many_findings_of_a_key_get_one_frame() {
    let repo = Sandbox::new();
    let (often, once) = (keys::project(1), keys::project(2));
    repo.write("a.py", format!("'{often}'\n").repeat(30))
        .write("b.py", format!("'{once}'\n"));

    let people = repo.frisk(&["scan"]).stdout;

    assert_eq!(people.matches(" --> ").count(), 2);
    assert_eq!(people.matches(" ::: a.py:").count(), 10);
    assert!(people.contains("… and 19 more places\n"), "{people}");
    assert!(people.contains(" --> b.py:1:2\n"), "{people}");
    // A few are told one by one.
    repo.write("a.py", format!("'{often}'\n").repeat(9));
    assert_eq!(repo.frisk(&["scan"]).stdout.matches(" --> ").count(), 10);
}

#[test]
fn what_was_said_is_not_said_again() {
    let repo = Sandbox::new();
    repo.write("a.html", keys::project(1) + "\n" + &keys::project(2) + "\n");

    let people = repo.frisk(&["scan"]).stdout;

    assert_eq!(people.matches(" --> ").count(), 2);
    assert_eq!(people.matches("whoever opens the page").count(), 1);
    assert_eq!(people.matches("help: ").count(), 1);
}

#[test]
fn the_keys_of_a_history_for_people() {
    let repo = Sandbox::new();
    let (project, admin) = (
        keys::project(1),
        git_frisk::rule::template::fill("sk-admin-{base64url:58}T3BlbkFJ{base64url:58}", 2),
    );
    let first = repo.commit_file("a.py", format!("KEY = '{project}'\n"));
    repo.git(&["update-ref", "refs/remotes/origin/main", "HEAD"]);
    repo.write("b.py", format!("\nKEY = '{project}'\n"))
        .git(&["add", "."])
        .git(&["commit", "-q", "-m", "x", "--author", "Bob <bob@b>"]);
    let last = repo.oid("HEAD");
    repo.remove("a.py").remove("b.py").commit("remove");
    let third = repo.commit_file("c.py", format!("KEY = '{admin}'\n"));

    let people = repo.frisk(&["history"]).stdout;

    // The age is counted from now.
    let without_age: Vec<&str> = people
        .lines()
        .map(|line| {
            let (head, age) = line.rsplit_once(", ").unwrap_or((line, ""));
            let is_age = age.ends_with(" days ago");
            if is_age { head } else { line }
        })
        .collect();
    let short = |commit: &str| commit.get(..12).unwrap().to_owned();
    let (first, last, third) = (short(&first), short(&last), short(&third));
    let (a, p) = (keys::id(&admin), keys::id(&project));
    let expected = format!(
        "\
2 keys to rotate, the most urgent first

error[openai-admin]: OpenAI admin API key
  key    sk-admin-[133 characters hidden] (key {a})
  first  c.py:1:8 in commit {third} by Ada <ada@example.org> on 2023-11-14
  spread 1 place, 1 commit
  state  still in HEAD; in no commit that a remote is known to have
  rotate https://platform.openai.com/settings/organization/admin-keys
  usage  https://platform.openai.com/usage
  done   write `frisk:{a} rotated` into .friskignore

error[openai-project]: OpenAI project API key
  key    sk-proj-[164 characters hidden] (key {p})
  first  a.py:1:8 in commit {first} by Ada <ada@example.org> on 2023-11-14
  last   b.py:2:8 in commit {last} by Bob <bob@b> on 2023-11-14
  spread 2 places, 2 commits; committed by 2 people: one key per member
  state  not in HEAD; pushed: take it for known
  rotate https://platform.openai.com/api-keys
  usage  https://platform.openai.com/usage
  done   write `frisk:{p} rotated` into .friskignore
"
    );
    let told = without_age.join("\n");
    assert!(told.starts_with(&expected), "{told}");
    assert!(people.contains(" days ago\n"), "{people}");
}

#[test]
fn every_key_of_a_history_is_told() {
    let repo = Sandbox::new();
    let text: String = (0..1500).map(|seed| keys::legacy(seed) + "\n").collect();
    repo.write("a.txt", &text).commit_file("b.txt", text);

    let people = repo.frisk(&["history"]).stdout;

    assert!(people.starts_with("1500 keys to rotate"));
    assert_eq!(people.matches("  first  ").count(), 1500);
}

#[test]
fn a_key_that_is_allowed_need_not_be_rotated() {
    let repo = Sandbox::new();
    repo.commit_file("a.py", keys::project(1) + " # frisk:allow x\n");

    let output = repo.frisk(&["history"]);

    assert_eq!((output.status, &*output.stdout), (0, ""), "{output:?}");
    assert_eq!(output.stderr, "git-frisk: 1 finding allowed\n");
}
