//! `.frisk.toml`, `--config FILE` and `git config frisk.*`.

use std::fs;
use std::process::Command;

use crate::keys;
use crate::sandbox::Sandbox;

const FILE: &str = ".frisk.toml";

/// A rule that is well.
const ACME: &str = "\
[[rule]]
id = 'acme'
summary = 'Acme token'
keywords = ['acme_']
pattern = '\\bacme_(?P<secret>[0-9]{12})\\b'
";

fn line(seed: u64) -> String {
    format!("k = '{}'\n", keys::project(seed))
}

#[test]
fn rules_are_read_from_beside_the_configuration() {
    let repo = Sandbox::new();
    repo.write(FILE, "rules = ['ci/acme.toml']\nlevels.acme = 'warning'\n")
        .write("ci/acme.toml", ACME)
        .write("sub/a.py", "acme_123456789012\n")
        .git(&["add", "."]);
    for args in [&["scan"][..], &["staged"]] {
        let report = repo.report(args);
        assert_eq!(
            (report.status, report.each("rule")),
            (0, vec!["acme".to_owned()]),
            "{report:#?}"
        );
        assert_eq!(report.each("severity"), ["warning"]);
        assert_eq!(repo.frisk(&[args, &["--strict"]].concat()).status, 1);
    }
    repo.write(
        FILE,
        "rules = ['ci/acme.toml']\nstrict = true\nlevels.acme = 'warning'\n",
    )
    .commit("One");
    assert_eq!(repo.frisk(&["history"]).status, 1);
    assert_eq!(repo.frisk_in("sub", &["scan"]).status, 1);
}

#[test]
fn the_version_that_counts_is_that_of_what_is_scanned() {
    let repo = Sandbox::new();
    repo.commit("Begin");
    repo.write("v/a.py", line(1))
        .git(&["add", "."])
        .write(FILE, "exclude = ['v/']\n");
    repo.report(&["staged"]).finds(&["v/a.py:1"]);
    assert_eq!(repo.frisk(&["scan"]).status, 0);
    repo.git(&["add", FILE]);
    let report = repo.report(&["staged"]);
    report.is_clean();
    assert_eq!(report.remarks("skipped"), ["v/a.py: excluded"]);
    repo.git(&["commit", "-q", "-m", "a"]);
    assert_eq!(repo.frisk(&["history"]).status, 0);
    repo.remove(FILE);
    assert_eq!(repo.frisk(&["history"]).status, 0);
    assert_eq!(repo.frisk(&["scan"]).status, 1);
}

#[test]
fn excluded_paths_start_at_the_top_and_are_named() {
    let repo = Sandbox::new();
    repo.write(FILE, "exclude = ['/sub/v/']\n")
        .write("sub/v/a.py", line(1))
        .write("sub/sub/v/a.py", line(2));
    for (directory, args, shown) in [
        ("", &["scan"][..], "sub/v/a.py"),
        ("", &["scan", "sub"], "sub/v/a.py"),
        ("sub", &["scan"], "v/a.py"),
        ("sub/v", &["scan", ".."], "../v/a.py"),
    ] {
        let report = repo.report_in(directory, args);
        assert_eq!(report.places().len(), 1, "{report:#?}");
        assert!(report.places()[0].contains("sub/v/a.py:1"), "{report:#?}");
        assert_eq!(report.remarks("skipped"), [format!("{shown}: excluded")]);
    }
    // What is named is meant.
    assert_eq!(repo.frisk(&["scan", "sub/v/a.py"]).status, 1);
    assert_eq!(repo.frisk_in("sub/v", &["scan", "."]).status, 0);
}

#[test]
fn what_would_let_keys_hide_is_refused_and_the_scan_goes_on() {
    for (bad, message) in [
        ("disable = ['*']", "line 1: there is no key `disable`"),
        ("exlude = ['a']", "is `exclude` meant?"),
        (
            "\n[rule]",
            "line 2: there is no key `rule`; is `rules` meant?",
        ),
        ("exclude = ['*']", "would leave out every file"),
        ("exclude = ['**/*']", "would leave out every file"),
        (
            "exclude = ['/*', '!README.md']",
            "would leave out every file",
        ),
        ("exclude = ['a{']", "cannot be read"),
        (
            "levels.openai-project = 'warning'",
            "cannot be made less grave",
        ),
        ("levels.openai-project = 'off'", "line 1: unknown variant"),
        (
            "levels.openai-projct = 'error'",
            "is `openai-project` meant?",
        ),
        ("strict = 'yes'", "line 1: invalid type"),
        ("format = 'jsn'", "is `json` meant?"),
        ("rules = ['nowhere.toml']", "nowhere.toml is not there"),
        (
            "rules = ['../acme.toml']",
            "no path inside of the repository",
        ),
        (
            "rules = ['/etc/passwd']",
            "no path inside of the repository",
        ),
        ("rules = ['a.py']", "rule file a.py: line 1"),
        ("[", "line 1: "),
    ] {
        let repo = Sandbox::new();
        repo.write("a.py", line(1))
            .write("../acme.toml", ACME)
            .write(FILE, bad)
            .git(&["add", "."]);
        for args in [&["scan"][..], &["staged"]] {
            let output = repo.frisk(args);
            output.fails_with(".frisk.toml: ");
            output.fails_with(message);
            assert!(output.stdout.contains("a.py:1:"), "{bad}: {output:?}");
            repo.report(args).is_incomplete(&["a.py:1"], "");
        }
        repo.commit("One");
        repo.frisk(&["history"]).fails_with(message);
        // The same where it is named; but then rules may lie anywhere.
        if bad.contains("../acme.toml") {
            continue;
        }
        repo.frisk(&["scan", "--config", FILE])
            .fails_with(".frisk.toml");
    }
}

#[test]
fn what_is_no_file_is_an_error_and_no_wait() {
    let repo = Sandbox::new();
    repo.write("a.py", line(1)).write("../outside", "");
    let file = repo.path(FILE);
    let bad = |message: &str| {
        let output = repo.frisk(&["scan"]);
        output.fails_with(&format!(".frisk.toml: {message}"));
        assert!(output.stdout.contains("a.py:1:"), "{output:?}");
        if !message.contains("link") {
            repo.frisk(&["scan", "--config", FILE]).fails_with(message);
        }
    };
    repo.link("../outside", FILE);
    bad("is a symbolic link");
    repo.remove(FILE);
    assert!(
        Command::new("mkfifo")
            .arg(&file)
            .status()
            .unwrap()
            .success()
    );
    bad("is no regular file");
    // It is not tracked, so a commit has none.
    repo.git(&["add", "a.py"])
        .report(&["staged"])
        .finds(&["a.py:1"]);
    repo.remove(FILE);
    fs::create_dir(&file).unwrap();
    bad("is no regular file");
    fs::remove_dir(&file).unwrap();
    repo.write(FILE, "#".repeat(300_000));
    bad("is larger than 262144 bytes");
    repo.write(FILE, b"# caf\xe9\n");
    bad("is not UTF-8");
    repo.write(FILE, format!("rules = {}", "[".repeat(200_000)));
    bad("line 1: ");
}

#[test]
fn a_named_configuration_counts_instead() {
    let repo = Sandbox::new();
    repo.write("a.py", "acme_123456789012\n")
        .write(FILE, "nonsense")
        .write(
            "../c/frisk.toml",
            "rules = ['acme.toml']\nformat = 'short'\n",
        )
        .write("../c/acme.toml", ACME);
    let output = repo.frisk(&["scan", "--config", "../c/frisk.toml"]);
    assert_eq!(output.status, 1);
    assert!(output.stdout.starts_with("a.py:1:6: acme: "), "{output:?}");
    let output = repo.frisk(&["scan", "--config", "../c/frisk.toml", "--format", "json"]);
    assert!(output.stdout.starts_with('{'));

    for args in [&["scan"][..], &["staged"], &["history"]] {
        let args = [args, &["--config", "../c/nowhere.toml"]].concat();
        repo.frisk(&args)
            .fails_with("../c/nowhere.toml: cannot be read");
    }
    repo.write("../c/frisk.toml", "rules = ['nowhere.toml']\n");
    repo.frisk(&["scan", "--config", "../c/frisk.toml"])
        .fails_with("nowhere.toml");
}

#[test]
fn markers_of_other_tools_count_only_where_that_is_wanted() {
    let repo = Sandbox::new();
    let text = |marker: &str| line(1).replace('\n', &format!(" # {marker}\n"));
    for marker in ["gitleaks:allow", "pragma: allowlist secret", "nosecret"] {
        repo.write(FILE, "").write("a.py", text(marker));
        assert_eq!(repo.frisk(&["scan"]).status, 1);
        repo.write(FILE, "compat = true");
        let report = repo.report(&["scan"]);
        assert_eq!(report.status, 0, "{marker}");
        assert_eq!(report.json["findings"][0]["suppressed"]["reason"], marker);
        assert_eq!(repo.frisk(&["scan", "--no-allow"]).status, 1);
    }
    repo.write("a.py", format!("# gitleaks:allow\n{}", line(1)));
    assert_eq!(repo.frisk(&["scan"]).status, 1);
    repo.write("a.py", text("noqa nosec"));
    assert_eq!(repo.frisk(&["scan"]).status, 1);
}

#[test]
fn git_s_configuration_counts_before_the_file_and_after_the_command_line() {
    let repo = Sandbox::new();
    repo.write(
        "../acme.toml",
        ACME.replace("keywords", "severity = 'warning'\nkeywords"),
    )
    .write("a.py", "acme_123456789012\n")
    .git(&["config", "frisk.rules", "../acme.toml"]);
    let output = repo.frisk(&["scan"]);
    assert_eq!(output.status, 0, "{output:?}");
    assert!(output.stdout.contains("warning[acme]"), "{output:?}");
    repo.git(&["config", "frisk.strict", "yes"]);
    assert_eq!(repo.frisk(&["scan"]).status, 1);
    repo.write(FILE, "strict = true\nformat = 'short'\n")
        .git(&["config", "frisk.strict", "off"]);
    let output = repo.frisk(&["scan"]);
    assert_eq!(output.status, 0);
    assert!(output.stdout.starts_with("a.py:1:6"));
    assert_eq!(repo.frisk(&["scan", "--strict"]).status, 1);
    repo.git(&["config", "frisk.format", "json"])
        .git(&["config", "frisk.threads", "1"]);
    assert!(repo.frisk(&["scan"]).stdout.starts_with('{'));
    assert!(
        repo.frisk(&["scan", "--format", "short"])
            .stdout
            .starts_with("a.py")
    );
    // What another tool keeps there is its own.
    repo.git(&["config", "frisk.installedBy", "x"]);
    assert_eq!(repo.frisk(&["scan"]).status, 0);
}

#[test]
fn git_s_configuration_hides_no_more_than_the_file_may() {
    let repo = Sandbox::new();
    repo.write("v/a.py", line(1))
        .git(&["add", "."])
        .git(&["config", "frisk.exclude", "v/"]);
    assert_eq!(repo.frisk(&["staged"]).status, 0);
    for (key, value, message) in [
        (
            "exclude",
            "**",
            "frisk.exclude: `exclude` would leave out every file",
        ),
        ("strict", "perhaps", "frisk.strict: "),
        ("threads", "many", "frisk.threads: is no number"),
        ("format", "jsn", "is `json` meant?"),
        ("rules", "nowhere.toml", "nowhere.toml"),
        (
            "exlude",
            "x",
            "frisk.exlude: there is no such key; is `frisk.exclude` meant?",
        ),
    ] {
        let repo = Sandbox::new();
        repo.write("v/a.py", line(1)).git(&["add", "."]).git(&[
            "config",
            &format!("frisk.{key}"),
            value,
        ]);
        for command in ["scan", "staged"] {
            let output = repo.frisk(&[command]);
            output.fails_with("error: git config: ");
            output.fails_with(message);
            assert!(output.stdout.contains("v/a.py:1:"), "{output:?}");
        }
    }
    // Nor together with the file.
    let repo = Sandbox::new();
    repo.write("v/a.py", line(1))
        .write(FILE, "exclude = ['[a-m]*']")
        .git(&["config", "frisk.exclude", "[n-z]*"]);
    let output = repo.frisk(&["scan"]);
    output.fails_with("would leave out every file");
    assert!(output.stdout.contains("v/a.py:1:"), "{output:?}");
}

#[test]
fn nothing_in_a_tree_that_is_named_counts() {
    let outside = Sandbox::without_repository();
    outside
        .write("d/.frisk.toml", "exclude = ['a.py']\n")
        .write("d/a.py", line(1));
    outside.report(&["scan", "d"]).finds(&["d/a.py:1"]);
    outside.report_in("d", &["scan"]).is_clean();
    outside
        .write("d/.frisk.toml", "disable = ['*']\n")
        .write("d/.friskignore", "*\n");
    outside.report(&["scan", "d"]).finds(&["d/a.py:1"]);
}

#[test]
fn a_message_shows_no_key() {
    let repo = Sandbox::new();
    let key = keys::project(1);
    for text in [
        format!("{key} = 1\n"),
        format!("format = '{key}'\n"),
        format!("[levels]\n{key} = 'error'\n"),
        format!("rules = ['{key}']\n"),
        format!("exclude = ['{{{key}']\n"),
        format!("strict = {key}\n"),
    ] {
        repo.write(FILE, text);
        let output = repo.frisk(&["scan", "--exclude", ".frisk.toml"]);
        output.fails_with(".frisk.toml: ");
        for part in key.as_bytes()[8..].windows(6) {
            assert!(
                !output.stderr.contains(std::str::from_utf8(part).unwrap()),
                "{output:?}"
            );
        }
    }
}

#[test]
fn rules_of_the_index_are_those_that_are_staged() {
    let repo = Sandbox::new();
    repo.write(FILE, "rules = ['ci/acme.toml']\n")
        .write("ci/acme.toml", ACME)
        .write("a.py", "acme_123456789012\n")
        .git(&["add", "."])
        .write("ci/acme.toml", "nonsense")
        .remove(FILE);
    repo.report(&["staged"]).finds(&["a.py:1"]);
    repo.git(&["rm", "-q", "-f", "--cached", "ci/acme.toml"]);
    repo.frisk(&["staged"])
        .fails_with("ci/acme.toml is not there");
}
