//! `--rules FILE` and `git frisk explain`.

use git_frisk::rule::template::fill;

use crate::keys;
use crate::sandbox::Sandbox;

/// A rule that is well.
const ACME: &str = "\
[[rule]]
id = 'acme'
provider = 'acme'
summary = 'Acme token'
explanation = 'Opens every anvil.'
revoke = 'https://acme.example/tokens'
variable = 'ACME_TOKEN'
keywords = ['acme_']
pattern = '\\bacme_(?P<secret>[0-9]{12})\\b'
";

#[test]
fn a_rule_file_finds_more() {
    let repo = Sandbox::new();
    repo.write("../acme.toml", ACME)
        .write("a.py", format!("acme_123456789012\n{}\n", keys::project(1)));

    let report = repo.report(&["scan", "--rules", "../acme.toml"]);

    report.finds(&["a.py:1", "a.py:2"]);
    assert_eq!(report.each("rule"), ["acme", "openai-project"]);
    assert_eq!(report.each("provider"), ["acme", "openai"]);
    assert_eq!(report.each("column"), ["6", "1"]);
    let people = repo.frisk(&["scan", "--rules", "../acme.toml"]);
    assert!(people.stdout.contains("OPENAI_API_KEY, ACME_TOKEN"));
    assert!(!people.stdout.contains("123456"), "{people:?}");
}

#[test]
fn a_warning_blocks_only_where_it_is_wanted() {
    let repo = Sandbox::new();
    let rule = ACME.replace("provider = 'acme'", "severity = 'warning'");
    repo.write("../acme.toml", rule)
        .write("a.py", "acme_123456789012\n");

    let output = repo.frisk(&["scan", "--rules", "../acme.toml"]);
    assert_eq!(output.status, 0);
    assert!(output.stdout.starts_with("warning[acme]: Acme token\n"));
    assert!(output.stderr.contains("only warnings"), "{output:?}");

    let output = repo.frisk(&["scan", "--rules", "../acme.toml", "--strict"]);
    assert_eq!(output.status, 1);
}

#[test]
fn several_rule_files_add_up() {
    let repo = Sandbox::new();
    repo.write("../acme.toml", ACME)
        .write("../other.toml", ACME.replace("acme", "other"))
        .write("a.py", "acme_123456789012 other_123456789013\n");

    let args = [
        "scan",
        "--rules",
        "../acme.toml",
        "--rules",
        "../other.toml",
    ];
    let report = repo.report(&args);

    assert_eq!(report.each("rule"), ["acme", "other"]);
}

#[test]
fn a_bad_rule_file_is_refused_and_says_why() {
    let repo = Sandbox::new();
    for (change, message) in [
        (("id = 'acme'", "id = 'acme'\nid = 'b'"), "line 3"),
        (("summary", "sumary"), "unknown field `sumary`"),
        (("keywords = ['acme_']\n", ""), "missing field `keywords`"),
        (("['acme_']", "['a']"), "needs keywords"),
        (("['acme_']", "[]"), "needs keywords"),
        (("[0-9]{12}", "[0-9{12}"), "does not compile"),
        (("\\bacme_(?P<secret>[0-9]{12})\\b", "x*"), "empty string"),
        (("'acme'\nprov", "'Acme!'\nprov"), "lower-case"),
        (("id = 'acme'", "id = 'openai-legacy'"), "is there already"),
        (
            ("provider = 'acme'", "provider = 'openai'"),
            "only built-in",
        ),
        (("[[rule]]", "[[rules]]"), "unknown field `rules`"),
        (("[[rule]]", "[[rule"), "line 1"),
    ] {
        let bad = ACME.replacen(change.0, change.1, 1);
        assert_ne!(bad, ACME, "{change:?} changes nothing");
        repo.write("../bad.toml", bad);

        let output = repo.frisk(&["scan", "--rules", "../bad.toml"]);

        output.fails_with("rule file ../bad.toml");
        output.fails_with(message);
    }
}

#[test]
fn what_is_no_rule_file_is_refused() {
    let repo = Sandbox::new();
    repo.write("../empty.toml", "")
        .write("../latin.toml", b"# caf\xe9\n");

    for (file, message) in [
        ("missing.toml", "cannot be read"),
        ("../empty.toml", "has no [[rule]]"),
        ("../latin.toml", "is not UTF-8"),
        (".", "is not a regular file"),
        ("/dev/null", "is not a regular file"),
    ] {
        repo.frisk(&["scan", "--rules", file]).fails_with(message);
    }
}

#[test]
fn a_rule_file_is_not_shown_where_it_holds_a_key() {
    let repo = Sandbox::new();
    let key = keys::project(1);
    repo.write("../bad.toml", format!("[[rule]]\nid = {key}\n"));

    let output = repo.frisk(&["scan", "--rules", "../bad.toml"]);

    output.fails_with("line 2");
    let shown = key.as_bytes().windows(12).skip(8).any(|part| {
        let part = std::str::from_utf8(part).unwrap();
        output.stderr.contains(part)
    });
    assert!(!shown, "the key is in the message");
}

#[test]
fn every_rule_is_explained() {
    let nowhere = Sandbox::without_repository();
    let list = nowhere.frisk(&["explain"]);
    assert_eq!(list.status, 0);

    let ids: Vec<_> = list
        .stdout
        .lines()
        .filter_map(|line| line.split(' ').next())
        .collect();
    assert!(ids.len() >= 7, "{ids:?}");
    for id in ids {
        let output = nowhere.frisk(&["explain", id]);
        assert_eq!((output.status, &*output.stderr), (0, ""));
        assert!(output.stdout.starts_with(&format!("{id}: ")), "{output:?}");
        assert!(output.stdout.to_lowercase().contains("revoke"));
    }
    nowhere
        .frisk(&["explain", "no-such-rule"])
        .fails_with("there is no rule `no-such-rule`");
}

#[test]
fn a_rule_of_a_file_is_explained() {
    let nowhere = Sandbox::without_repository();
    nowhere.write("acme.toml", ACME);

    let output = nowhere.frisk(&["explain", "acme", "--rules", "acme.toml"]);

    assert_eq!(output.status, 0);
    for part in [
        "Opens every anvil.",
        "https://acme.example/tokens",
        "ACME_TOKEN",
    ] {
        assert!(output.stdout.contains(part), "{output:?}");
    }
}

#[test]
fn an_explanation_is_the_whole_story() {
    let nowhere = Sandbox::without_repository();

    let told = nowhere.frisk(&["explain", "openai-project"]).stdout;

    // In this order: rotating comes first.
    let mut rest = &*told;
    for words in [
        "calls every model",
        "Revoke it at https://platform.openai.com/api-keys",
        "https://platform.openai.com/usage",
        "Not committed yet",
        "git rm --cached",
        "Committed, and not pushed",
        "git commit --amend --no-edit",
        "git rebase -i COMMIT^",
        "Pushed: step 1 is what counts",
        "git filter-repo --replace-text",
        "git push --force --mirror URL",
        "frisk:KEY-ID rotated",
        "OPENAI_API_KEY",
        "key management service",
        "One key for each member",
    ] {
        let Some((_, after)) = rest.split_once(words) else {
            panic!("{words}: {told}");
        };
        rest = after;
    }
    assert!(
        told.lines()
            .all(|line| line.len() <= 102 || line.contains("printf"))
    );
}

#[test]
fn the_replacement_of_an_explanation_matches_a_key() {
    let nowhere = Sandbox::without_repository();
    for (rule, template) in keys::FAMILIES {
        let told = nowhere.frisk(&["explain", rule]).stdout;
        let line = told.lines().find(|line| line.contains("==>REMOVED' >"));
        let Some((_, rest)) = line.and_then(|line| line.split_once("'regex:")) else {
            continue;
        };
        let (pattern, _) = rest.split_once("==>REMOVED").unwrap();
        let pattern = regex::bytes::Regex::new(pattern).unwrap();
        let key = fill(template, 1);
        assert_eq!(
            pattern.find(key.as_bytes()).map(|found| found.len()),
            Some(key.len())
        );
    }
}

#[test]
fn a_secret_without_the_marker_ends_where_it_ends() {
    let secret = fill("sess-{alnum:40}", 1);
    let token = fill("at-{base64url:64}", 1);
    for (text, secret) in [
        (format!("openai = '{secret}'\n"), secret),
        (format!("codex = \"{token}\";\n"), token),
    ] {
        let repo = Sandbox::new();
        repo.write("a.py", text);

        let report = repo.report(&["scan", "--all-rules", "--strict"]);

        report.finds(&["a.py:1"]);
        assert_eq!(report.each("key_id"), [keys::id(&secret)]);
    }
}

#[test]
fn a_key_without_the_marker_is_told_by_what_names_it() {
    let key = fill("sk-{alnum:48}", 1);
    let rule = |text: &str| {
        let repo = Sandbox::new();
        repo.write("a.txt", text);
        repo.report(&["scan"]).each("rule")
    };
    for text in [
        format!("openai:\n  api_key: {key}\n"),
        format!("- name: OPENAI_API_KEY\n  value: {key}\n"),
        format!("variable \"openai_api_key\" {{\n  default = \"{key}\"\n}}\n"),
        format!("curl https://api.openai.com/v1/models -H 'Authorization: Bearer {key}'\n"),
        format!("new OpenAI({{ apiKey: '{key}' }})\n"),
        format!("<add key=\"OpenAI:ApiKey\" value=\"{key}\" />\n"),
    ] {
        assert_eq!(rule(&text), ["openai-unmarked"], "{text}");
    }
    for text in [
        format!("token: {key}\n"),
        format!("the openai package has the hash {key}\n"),
        format!("openai:\n  base_url: https://api.moonshot.cn/v1\n  api_key: {key}\n"),
    ] {
        assert!(rule(&text).is_empty(), "{text}");
    }
    // What the rules that know the marker take for made up is not taken up here.
    let marker = keys::project(1).get(82..90).unwrap().to_owned();
    let made_up = format!("OPENAI_API_KEY=sk-lorem1Ipsumlorem1Ips{marker}1Ipsumlorem1Ipsum01");
    assert!(rule(&made_up).is_empty());
}
