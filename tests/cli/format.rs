//! The formats for hosts: each is well-formed whatever the names hold, and tells the three outcomes
//! apart.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;

use serde_json::Value;

use crate::keys;
use crate::sandbox::Output;
use crate::sandbox::Sandbox;
use crate::schema;

const FORMATS: [&str; 5] = ["jsonl", "sarif", "github", "gitlab", "junit"];

/// Names that mean something to a format, a terminal or a host.
const NAMES: [&[u8]; 11] = [
    b"a ]]>\"'<&>.py",
    b"b%0A::error::x,y:z.py",
    b"c\n::error::x\r.py",
    b"d\x1b[2J\x07\xe2\x80\xae.py",
    b"e\xff\xfe.py",
    b"##[error]f.py",
    b"##vso[task.x]g.py",
    b"h##[group].py",
    b"sub:dir/i#?.py",
    "鍵|`<b>*_.py".as_bytes(),
    b"k\xef\xbf\xbf.py",
];

fn line(key: &str) -> String {
    format!("KEY = '{key}'\n")
}

/// A directory whose files have the strangest names, and a key each; one is allowed, one in an
/// archive.
fn strange() -> Sandbox {
    let repo = Sandbox::new();
    for (seed, name) in (1..).zip(NAMES) {
        let path = repo.path("").join(OsStr::from_bytes(name));
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, line(&keys::project(seed))).unwrap();
    }
    let allowed = format!("'{}' # frisk:allow ]]> ::x <made> up\n", keys::project(20));
    repo.write("allowed.py", allowed);
    let mut archive = tar::Builder::new(Vec::new());
    let content = format!("\n{}", line(&keys::project(21)));
    let mut header = tar::Header::new_ustar();
    header.set_size(content.len() as u64);
    header.set_mode(0o644);
    header.set_cksum();
    archive
        .append_data(&mut header, "in/]]>side.py", content.as_bytes())
        .unwrap();
    repo.write("archive.tar", archive.into_inner().unwrap());
    repo
}

/// The same as a history, with keys in a message, a tag and a ref.
fn strange_history() -> Sandbox {
    let repo = strange();
    repo.git(&["add", "-A"]).git(&[
        "commit",
        "-q",
        "-m",
        &format!("::error::x\n\n{}", keys::project(30)),
        "--author",
        "A]]>\"%0A::error::x <a@b>",
    ]);
    repo.git(&["tag", "-a", "v1", "-m", &keys::project(31)])
        .git(&["branch", &format!("x/{}", keys::legacy(32))]);
    repo
}

/// A report, held against its format.
#[derive(Debug)]
struct Parsed {
    status: i32,
    /// What stands, what is allowed or does not block, what was not scanned.
    counts: (usize, usize, usize),
    stdout: String,
}

fn parsed(format: &str, output: Output) -> Parsed {
    let stdout = output.stdout;
    let strange = |c: char| c != '\n' && git_frisk::text::is_unprintable(c);
    assert!(!stdout.contains(strange), "{format}: {stdout:?}");
    assert!(!stdout.contains("##["), "{format}: {stdout}");
    assert!(!stdout.contains("##vso["), "{format}: {stdout}");
    let commands = stdout.lines().filter(|l| l.trim_start().starts_with("::"));
    assert!(format == "github" || commands.count() == 0, "{stdout}");
    let counts = match format {
        "jsonl" => jsonl(&stdout),
        "sarif" => sarif(&stdout),
        "github" => github(&stdout),
        "gitlab" => gitlab(&stdout),
        "junit" => junit(&stdout),
        other => panic!("{other}"),
    };
    Parsed {
        status: output.status,
        counts,
        stdout,
    }
}

fn frisk(repo: &Sandbox, format: &str, args: &[&str]) -> Parsed {
    parsed(format, repo.frisk(&[args, &["--format", format]].concat()))
}

fn jsonl(text: &str) -> (usize, usize, usize) {
    let lines: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let (rest, findings) = lines.split_last().unwrap();
    assert!(rest.get("findings").is_none());
    assert_eq!(rest["schema"], 1);
    assert!(findings.iter().all(|finding| finding["rule"].is_string()));
    let allowed = findings.iter().filter(|f| !f["suppressed"].is_null());
    let allowed = allowed.count();
    let errors = rest["errors"].as_array().unwrap().len();
    let status = rest["status"].as_str().unwrap();
    assert_eq!(errors > 0, status == "incomplete");
    (findings.len() - allowed, allowed, errors)
}

fn sarif_schema() -> Value {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/sarif/sarif-schema-2.1.0.json"
    );
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

fn sarif(text: &str) -> (usize, usize, usize) {
    let log: Value = serde_json::from_str(text).unwrap();
    schema::check(&sarif_schema(), &log);
    let run = &log["runs"][0];
    let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
    let results = run["results"].as_array().unwrap();
    let mut fingerprints = std::collections::BTreeSet::new();
    let mut allowed = 0;
    for result in results {
        let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
        assert_eq!(rules[index]["id"], result["ruleId"]);
        let fingerprint = &result["partialFingerprints"]["primaryLocationLineHash"];
        assert!(fingerprints.insert(fingerprint.to_string()), "{result:#}");
        // Without these GitHub refuses the file.
        let place = &result["locations"][0]["physicalLocation"];
        assert!(place["region"]["startLine"].as_u64() > Some(0));
        let uri = place["artifactLocation"]["uri"].as_str().unwrap();
        assert!(!uri.contains(':') && !uri.is_empty(), "{uri}");
        assert_eq!(place["artifactLocation"]["uriBaseId"], "%SRCROOT%");
        allowed += usize::from(!result["suppressions"].as_array().unwrap().is_empty());
    }
    let invocation = &run["invocations"][0];
    let notifications = invocation["toolExecutionNotifications"].as_array().unwrap();
    let errors = notifications.iter().filter(|n| n["level"] == "error");
    let errors = errors.count();
    assert_eq!(invocation["executionSuccessful"], errors == 0);
    (results.len() - allowed, allowed, errors)
}

/// A command of a workflow: name, properties, message.
type Command = (String, Vec<(String, String)>, String);

/// The commands of a log, as a runner reads them.
fn commands(text: &str) -> Vec<Command> {
    let data = |text: &str| {
        text.replace("%0D", "\r")
            .replace("%0A", "\n")
            .replace("%3A", ":")
            .replace("%2C", ",")
            .replace("%25", "%")
    };
    text.lines()
        .map(|line| {
            let (head, message) = line.strip_prefix("::").unwrap().split_once("::").unwrap();
            let (name, properties) = head.split_once(' ').unwrap();
            let properties = properties.split(',').map(|property| {
                let (name, value) = property.split_once('=').unwrap();
                (name.to_owned(), data(value))
            });
            (name.to_owned(), properties.collect(), data(message))
        })
        .collect()
}

fn property<'a>(properties: &'a [(String, String)], name: &str) -> &'a str {
    let found = properties.iter().find(|(known, _)| known == name);
    found.map_or("", |(_, value)| value)
}

fn github(text: &str) -> (usize, usize, usize) {
    let commands = commands(text);
    let known = ["file", "line", "endLine", "col", "endColumn", "title"];
    for (name, properties, message) in &commands {
        assert!(["error", "warning", "notice"].contains(&&**name), "{name}");
        let names = properties.iter().map(|(name, _)| &**name);
        assert!(names.into_iter().all(|name| known.contains(&name)));
        assert!(!message.is_empty());
    }
    let errors = commands
        .iter()
        .filter(|(_, properties, _)| property(properties, "title").contains("not everything"));
    let errors = errors.count();
    let (notices, others): (Vec<_>, Vec<_>) = commands.iter().partition(|c| c.0 == "notice");
    let allowed = notices.iter().find_map(|(_, _, message)| {
        let (_, number) = message.split_once("allowed: ")?;
        number.lines().next()?.parse().ok()
    });
    (others.len() - errors, allowed.unwrap_or(0), errors)
}

fn gitlab(text: &str) -> (usize, usize, usize) {
    let problems: Vec<Value> = serde_json::from_str(text).unwrap();
    let mut fingerprints = std::collections::BTreeSet::new();
    for problem in &problems {
        assert!(!problem["description"].as_str().unwrap().is_empty());
        assert!(fingerprints.insert(problem["fingerprint"].as_str().unwrap()));
        let severity = problem["severity"].as_str().unwrap();
        assert!(["info", "minor", "major", "critical", "blocker"].contains(&severity));
        let path = problem["location"]["path"].as_str().unwrap();
        assert!(!path.is_empty() && !path.starts_with("./"));
        assert!(problem["location"]["lines"]["begin"].as_u64() > Some(0));
    }
    let with = |severity: &str| {
        problems
            .iter()
            .filter(|p| p["severity"] == severity)
            .count()
    };
    let errors = problems
        .iter()
        .filter(|p| p["check_name"] == "git-frisk-incomplete")
        .count();
    (with("critical") + with("major"), with("info"), errors)
}

fn junit(text: &str) -> (usize, usize, usize) {
    let document = roxmltree::Document::parse(text).unwrap();
    let all = |name: &str| {
        let nodes = document.descendants();
        nodes.filter(|node| node.has_tag_name(name)).count()
    };
    let (failures, skipped, errors) = (all("failure"), all("skipped"), all("error"));
    assert!(all("testcase") > 0);
    for name in ["testsuites", "testsuite"] {
        let suite = document.descendants().find(|node| node.has_tag_name(name));
        let suite = suite.unwrap();
        for (name, number) in [
            ("tests", all("testcase")),
            ("failures", failures),
            ("errors", errors),
        ] {
            assert_eq!(suite.attribute(name), Some(&*number.to_string()));
        }
    }
    (failures, skipped, errors)
}

#[test]
fn what_is_clean_is_well_formed() {
    let repo = Sandbox::new();
    repo.write("a.py", "a\n").git(&["add", "."]);
    for format in FORMATS {
        for command in ["scan", "staged", "history"] {
            let report = frisk(&repo, format, &[command]);
            assert_eq!((report.status, report.counts), (0, (0, 0, 0)), "{report:?}");
        }
    }
}

#[test]
fn strange_names_break_no_format() {
    let repo = strange();
    for format in FORMATS {
        let report = frisk(&repo, format, &["scan"]);
        assert_eq!(report.status, 1, "{format}");
        assert_eq!(report.counts, (NAMES.len() + 1, 1, 0), "{format}");
    }
    repo.git(&["add", "-A"]);
    for format in FORMATS {
        let report = frisk(&repo, format, &["staged"]);
        assert_eq!(report.counts, (NAMES.len() + 1, 1, 0), "{format}");
    }
}

#[test]
fn strange_commits_break_no_format() {
    let repo = strange_history();
    for format in FORMATS {
        let report = frisk(&repo, format, &["history"]);
        assert_eq!(report.status, 1, "{format}");
        assert_eq!(report.counts, (NAMES.len() + 4, 1, 0), "{format}");
        let commit = repo.oid("HEAD");
        assert!(
            report.stdout.contains(commit.get(..12).unwrap()),
            "{format}"
        );
    }
}

#[test]
fn what_is_incomplete_is_told_in_every_format() {
    let repo = strange();
    repo.git(&["add", "-A"]);
    repo.git(&["commit", "-q", "-m", "x"]);
    repo.write(".git/refs/heads/broken", "no object id\n");
    for format in FORMATS {
        for (args, standing) in [
            (&["scan", "missing\u{1b}%0A::error::]]>.py"][..], 0),
            (&["scan", "missing.py", "."], NAMES.len() + 1),
            (&["history"], NAMES.len() + 1),
            (&["history", "no-such-thing..HEAD"], 0),
        ] {
            let report = frisk(&repo, format, args);
            assert_eq!(report.status, 2, "{format} {args:?}");
            let (found, _, errors) = report.counts;
            assert_eq!((found, errors), (standing, 1), "{format} {args:?}");
        }
    }
}

#[test]
fn warnings_are_told_and_do_not_count() {
    let repo = Sandbox::new();
    let key = git_frisk::rule::template::fill("sk-{alnum:48}", 1);
    repo.write("a.py", format!("OPENAI_API_KEY=\"{key}\"\n"));
    for format in FORMATS {
        assert_eq!(frisk(&repo, format, &["scan"]).status, 0, "{format}");
        let strict = frisk(&repo, format, &["scan", "--strict"]);
        assert_eq!((strict.status, strict.counts.0), (1, 1), "{format}");
    }
    let log: Value = serde_json::from_str(&frisk(&repo, "sarif", &["scan"]).stdout).unwrap();
    assert_eq!(log["runs"][0]["results"][0]["level"], "warning");
    let commands = frisk(&repo, "github", &["scan"]).stdout;
    assert!(
        commands.starts_with("::warning file=a.py,line=1"),
        "{commands}"
    );
}

/// The bytes that a URI names.
fn decoded(uri: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = uri.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        if byte == b'%' {
            let digits = std::str::from_utf8(&after[..2]).unwrap();
            bytes.push(u8::from_str_radix(digits, 16).unwrap());
            rest = &after[2..];
        } else {
            bytes.push(byte);
            rest = after;
        }
    }
    bytes
}

/// The results of a SARIF report.
fn results(repo: &Sandbox, args: &[&str]) -> Vec<Value> {
    let log: Value = serde_json::from_str(&frisk(repo, "sarif", args).stdout).unwrap();
    log["runs"][0]["results"].as_array().unwrap().clone()
}

#[test]
fn a_uri_names_the_file_byte_by_byte() {
    let repo = strange();
    let uris: Vec<Vec<u8>> = results(&repo, &["scan"])
        .iter()
        .map(|result| {
            let place = &result["locations"][0]["physicalLocation"]["artifactLocation"];
            decoded(place["uri"].as_str().unwrap())
        })
        .collect();
    for name in NAMES {
        assert!(
            uris.iter().any(|uri| uri == name),
            "{}",
            name.escape_ascii()
        );
    }
}

#[test]
fn sarif_has_what_is_needed_of_a_finding() {
    let repo = Sandbox::new();
    let key = keys::project(1);
    repo.write("app.py", format!("import os\nKEY = '{key}'\n"));

    let result = &results(&repo, &["scan"])[0];

    assert_eq!(result["ruleId"], "openai-project");
    assert_eq!(result["level"], "error");
    let expected = serde_json::json!({
        "artifactLocation": { "uri": "app.py", "uriBaseId": "%SRCROOT%" },
        "region": { "startLine": 2, "endLine": 2, "startColumn": 8, "endColumn": 172 },
    });
    assert_eq!(result["locations"][0]["physicalLocation"], expected);
    assert_eq!(result["properties"]["keyId"], *keys::id(&key));
    let text = result["message"]["text"].as_str().unwrap();
    assert!(text.contains("sk-proj-[164 characters hidden]"), "{text}");
}

#[test]
fn sarif_counts_columns_in_utf_16() {
    let repo = Sandbox::new();
    // Bytes, and units of UTF-16, before the key.
    for (number, (before, units)) in [
        ("k = '", Some(5)),
        ("clé = '", Some(7)),
        ("'鍵', '", Some(6)),
        ("'🔑', '", Some(7)),
        ("\t'", Some(2)),
        ("\u{202e}'", None),
        (&*"word ".repeat(60), None),
    ]
    .into_iter()
    .enumerate()
    {
        let key = keys::project(1);
        repo.write("a.py", format!("{before}{key}'\n"));
        let region = &results(&repo, &["scan"])[0]["locations"][0]["physicalLocation"]["region"];
        assert_eq!(
            region["startColumn"].as_u64(),
            units.map(|units| units + 1),
            "{number}"
        );
        assert_eq!(region["startLine"], 1);
    }
}

#[test]
fn a_member_of_an_archive_has_no_line_in_the_file() {
    let repo = strange();
    let result = &results(&repo, &["scan", "archive.tar"])[0];
    let place = &result["locations"][0]["physicalLocation"];
    assert_eq!(place["artifactLocation"]["uri"], "archive.tar");
    assert_eq!(place["region"], serde_json::json!({ "startLine": 1 }));
    let name = &result["locations"][0]["logicalLocations"][0]["fullyQualifiedName"];
    assert_eq!(name, "archive.tar!in/]]>side.py:2:8");
    for format in ["jsonl", "github", "gitlab", "junit"] {
        let stdout = frisk(&repo, format, &["scan", "archive.tar"]).stdout;
        let there = ["in/]]>side.py", "in/]]&gt;side.py"];
        assert!(there.iter().any(|name| stdout.contains(name)), "{stdout}");
        assert!(!stdout.contains(",line=") && !stdout.contains(" line=\""));
    }
}

#[test]
fn a_fingerprint_is_of_the_key_and_the_file() {
    let repo = Sandbox::new();
    let fingerprints = |name: &str, content: String| {
        repo.write(name, content);
        let results = results(&repo, &["scan", name]);
        let of = |result: &Value| {
            let prints = &result["partialFingerprints"];
            prints["primaryLocationLineHash"]
                .as_str()
                .unwrap()
                .to_owned()
        };
        results.iter().map(of).collect::<Vec<String>>()
    };
    let key = line(&keys::project(1));

    let once = fingerprints("a.py", key.clone());
    assert_eq!(fingerprints("a.py", format!("\n\n{key}")), once);
    let twice = fingerprints("a.py", key.repeat(2));
    assert_eq!(twice[0], once[0]);
    assert_ne!(twice[1], once[0]);
    assert_ne!(fingerprints("b.py", key.clone()), once);
    assert_ne!(fingerprints("a.py", line(&keys::project(2))), once);
}

#[test]
fn sarif_says_what_is_allowed_and_why() {
    let repo = strange();
    let results = results(&repo, &["scan", "allowed.py"]);
    let expected = serde_json::json!([{
        "kind": "inSource",
        "status": "accepted",
        "justification": "]]> ::x <made> up",
    }]);
    assert_eq!(results[0]["suppressions"], expected);
}

#[test]
fn what_sarif_has_no_room_for_is_told() {
    let repo = Sandbox::new();
    let text: String = (0..25_010).map(|seed| keys::legacy(seed) + "\n").collect();
    repo.write("b.txt", text);
    let allowed: String = (0..10)
        .map(|seed| keys::project(seed) + " frisk:allow x\n")
        .collect();
    repo.write("a.txt", allowed);

    let output = repo.frisk(&["scan", "--format", "sarif"]);

    assert_eq!(output.status, 1);
    let log: Value = serde_json::from_str(&output.stdout).unwrap();
    let run = &log["runs"][0];
    let results = run["results"].as_array().unwrap();
    assert_eq!(results.len(), 25_000);
    let stands = |result: &Value| result["suppressions"].as_array().unwrap().is_empty();
    assert!(results.iter().all(stands), "what is allowed goes first");
    let notifications = &run["invocations"][0]["toolExecutionNotifications"];
    let text = notifications[0]["message"]["text"].as_str().unwrap();
    assert!(
        text.starts_with("20 of 25020 results are left out"),
        "{text}"
    );
    assert_eq!(run["invocations"][0]["executionSuccessful"], true);
}

#[test]
fn an_annotation_has_its_place_and_says_what_to_do() {
    let repo = Sandbox::new();
    let key = keys::project(1);
    repo.write("src/app.py", format!("import os\nKEY = '{key}'\n"));

    let report = frisk(&repo, "github", &["scan"]);

    let id = keys::id(&key);
    assert_eq!(
        report.stdout,
        format!(
            "::error file=src/app.py,line=2,endLine=2,col=8,endColumn=172,\
             title=git-frisk%3A openai-project::OpenAI project API key: \
             sk-proj-[164 characters hidden] (key {id})%0ARevoke it at \
             https://platform.openai.com/api-keys; look at its use at \
             https://platform.openai.com/usage\n"
        )
    );
}

#[test]
fn annotations_that_github_does_not_show_are_told() {
    let repo = Sandbox::new();
    let text: String = (0..30).map(|seed| keys::legacy(seed) + "\n").collect();
    repo.write("a.txt", text);

    let stdout = frisk(&repo, "github", &["scan"]).stdout;

    assert_eq!(stdout.lines().count(), 31);
    assert!(stdout.contains("30 annotations; GitHub shows 10 of each kind"));
}

#[test]
fn the_summary_of_a_job_is_added_to_its_file() {
    let repo = strange();
    let file = repo.path("../summary.md").display().to_string();
    fs::write(&file, "before\n").unwrap();
    let variables = [("GITHUB_STEP_SUMMARY", &*file)];

    let output = repo.frisk_with(&variables, &["scan", "--format", "github"]);
    assert_eq!(output.status, 1);
    let summary = fs::read_to_string(&file).unwrap();

    assert!(summary.starts_with("before\n## git-frisk: secrets found\n"));
    let strange = |c: char| c != '\n' && git_frisk::text::is_unprintable(c);
    assert!(!summary.contains(strange), "{summary:?}");
    let rows = summary.lines().filter(|line| line.starts_with("| error"));
    for row in rows.clone() {
        assert_eq!(row.matches('|').count(), 7, "{row}");
        assert!(!row.contains(['<', '`', '[', '*', '_']), "{row}");
    }
    assert_eq!(rows.count(), NAMES.len() + 1);
    // Clean and incomplete are told too.
    repo.write("clean.py", "a\n");
    for (path, words) in [("clean.py", "nothing stands"), ("gone", "not everything")] {
        repo.frisk_with(&variables, &["scan", "--format", "github", path]);
        assert!(fs::read_to_string(&file).unwrap().contains(words));
    }
    // It has no more than GitHub takes.
    fs::remove_file(&file).unwrap();
    let deep = "&".repeat(190) + "/";
    let text: String = (0..1000).map(|seed| keys::legacy(seed) + "\n").collect();
    repo.write(&format!("{}{}a", deep.repeat(3), "<".repeat(200)), text);
    repo.frisk_with(
        &variables,
        &["scan", "--format", "github", "&".repeat(190).as_str()],
    );
    let summary = fs::read_to_string(&file).unwrap();
    assert!(summary.len() < 1 << 20 && summary.contains(" more"));
    // Other formats do not write one.
    fs::remove_file(&file).unwrap();
    repo.frisk_with(&variables, &["scan", "--format", "sarif"]);
    assert!(!std::path::Path::new(&file).exists());
}

#[test]
fn a_summary_that_cannot_be_written_is_2() {
    let repo = Sandbox::new();
    repo.write("a.py", "a\n");
    let variables = [("GITHUB_STEP_SUMMARY", "missing/summary.md")];
    repo.frisk_with(&variables, &["scan", "--format", "github"])
        .fails_with("GITHUB_STEP_SUMMARY");
}

#[test]
fn gitlab_s_problems_have_these_fields() {
    let repo = Sandbox::new();
    let key = keys::project(1);
    repo.write("app.py", format!("import os\nKEY = '{key}'\n"));

    let report = frisk(&repo, "gitlab", &["scan", "./"]);

    let problems: Value = serde_json::from_str(&report.stdout).unwrap();
    let problem = &problems[0];
    assert_eq!(problem["check_name"], "openai-project");
    assert_eq!(problem["severity"], "critical");
    let place = serde_json::json!({ "path": "app.py", "lines": { "begin": 2 } });
    assert_eq!(problem["location"], place);
    assert_eq!(frisk(&Sandbox::new(), "gitlab", &["staged"]).stdout, "[]\n");
}

#[test]
fn a_file_takes_any_format() {
    let repo = strange();
    for format in FORMATS {
        let output = repo.frisk(&["scan", "--format", format, "-o", "../report"]);
        assert!(
            output.stderr.contains("error[openai-project]"),
            "{output:?}"
        );
        let stdout = fs::read_to_string(repo.path("../report")).unwrap();
        let report = parsed(format, Output { stdout, ..output });
        assert_eq!(report.counts, (NAMES.len() + 1, 1, 0), "{format}");
    }
}
