//! Inline exceptions.

use crate::keys;
use crate::sandbox::Sandbox;

#[test]
fn a_marker_allows_the_key_on_its_line_or_on_the_next() {
    let repo = Sandbox::new();
    repo.write(
        "a.py",
        format!(
            "k = '{}'  # frisk:allow revoked in May\n# frisk:allow-next-line made up\nk = '{}'\n",
            keys::project(1),
            keys::project(2)
        ),
    )
    .git(&["add", "."]);

    for command in ["scan", "staged"] {
        let output = repo.frisk(&[command]);
        assert_eq!((output.status, &*output.stdout), (0, ""), "{output:?}");
        assert_eq!(output.stderr, "git-frisk: 2 findings allowed\n");
        assert_eq!(repo.frisk(&[command, "--no-allow"]).status, 1);
    }
}

#[test]
fn an_allowed_finding_stays_in_the_json_report() {
    let repo = Sandbox::new();
    repo.write(
        "a.c",
        format!("k = \"{}\"; /* frisk:allow made up */\n", keys::project(1)),
    );

    let report = repo.report(&["scan"]);

    assert_eq!(report.status, 0);
    assert_eq!(report.json["status"], "clean");
    assert_eq!(report.places(), ["a.c:1"]);
    let suppressed = &report.json["findings"][0]["suppressed"];
    assert_eq!(
        *suppressed,
        serde_json::json!({"by": "inline", "reason": "made up"})
    );
    repo.report(&["scan", "--no-allow"]).finds(&["a.c:1"]);
}

#[test]
fn a_marker_elsewhere_does_nothing() {
    let key = keys::project(1);
    for text in [
        format!("# frisk:allow x\n{key}\n"),
        format!("{key}\n# frisk:allow x\n"),
        format!("# frisk:allow-next-line x\n\n{key}\n"),
        format!("{key}\n# frisk:allow-next-line x\n"),
        format!("{key} # frisk:allow-next-line x\n"),
        format!("{key} # frisk:allowed\n"),
        format!("{key} # gitleaks:allow\n"),
        format!("{key} # pragma: allowlist secret\n"),
        format!("{key} # nosec noqa\n"),
    ] {
        let repo = Sandbox::new();
        repo.write("a.py", &text);

        let output = repo.frisk(&["scan"]);

        let shown = text.replace(&key, "KEY");
        assert_eq!(output.status, 1, "{shown:?}");
    }
}

#[test]
fn a_marker_allows_no_key_on_another_line() {
    let repo = Sandbox::new();
    repo.write(
        "a.py",
        format!(
            "{}\n{} # frisk:allow x\n{}\n",
            keys::project(1),
            keys::project(2),
            keys::project(3)
        ),
    );

    let output = repo.frisk(&["scan", "--format", "short"]);

    assert_eq!(output.status, 1);
    let told: Vec<_> = output.stdout.lines().map(|l| l.get(..7)).collect();
    assert_eq!(told, [Some("a.py:1:"), Some("a.py:3:")]);
    assert_eq!(
        output.stderr,
        "git-frisk: 2 secrets found in 2 places; 1 finding allowed\n"
    );
}

#[test]
fn a_marker_in_a_file_s_name_does_nothing() {
    let repo = Sandbox::new();
    repo.write(&format!("{} frisk:allow x.txt", keys::legacy(1)), "text\n");

    assert_eq!(repo.frisk(&["scan"]).status, 1);
}

#[test]
fn a_marker_is_heeded_in_history() {
    let repo = Sandbox::new();
    repo.commit_file("a.py", format!("{} # frisk:allow x\n", keys::project(1)));

    assert_eq!(repo.frisk(&["history"]).status, 0);
    assert_eq!(repo.frisk(&["history", "--no-allow"]).status, 1);
}
