//! `git frisk explain` in a repository with rules of its own, and what a report says of exceptions.

use crate::keys;
use crate::sandbox::Sandbox;

const ACME: &str = "[[rule]]\nid = \"acme\"\nsummary = \"Acme token\"\nkeywords = [\"acme_\"]\n\
                    pattern = 'acme_[a-z0-9]{32}'\nexplanation = \"Opens every anvil.\"\n";

#[test]
fn the_rules_of_the_configuration_are_explained() {
    let repo = Sandbox::new();
    repo.write(".frisk.toml", "rules = ['ci/acme.toml']\n")
        .write("ci/acme.toml", ACME)
        .write("sub/x", "");

    for directory in ["", "sub"] {
        let list = repo.frisk_in(directory, &["explain"]);
        assert_eq!((list.status, &*list.stderr), (0, ""), "{list:?}");
        assert!(list.stdout.contains("\nacme  "), "{list:?}");
        let told = repo.frisk_in(directory, &["explain", "acme"]);
        assert_eq!((told.status, &*told.stderr), (0, ""), "{told:?}");
        assert!(told.stdout.contains("Opens every anvil."), "{told:?}");
    }

    // Those of git's configuration too, and no one where there is none.
    repo.remove(".frisk.toml");
    repo.frisk(&["explain", "acme"])
        .fails_with("there is no rule `acme`");
    repo.git(&["config", "frisk.rules", "ci/acme.toml"]);
    assert_eq!(repo.frisk(&["explain", "acme"]).status, 0);
}

#[test]
fn a_configuration_that_is_wrong_is_told() {
    let repo = Sandbox::new();
    repo.write(".frisk.toml", "rules = ['gone.toml']\n");
    let output = repo.frisk(&["explain", "openai-project"]);
    output.fails_with(".frisk.toml: `rules`: gone.toml is not there");
    assert!(output.stdout.contains("openai-project: "), "{output:?}");
}

#[test]
fn an_optional_rule_is_explained_by_its_id() {
    let nowhere = Sandbox::without_repository();
    let ids = |arguments: &[&str]| -> Vec<String> {
        let list = nowhere.frisk(arguments).stdout;
        let ids = list.lines().filter_map(|line| line.split(' ').next());
        ids.map(str::to_owned).collect()
    };
    let (some, all) = (ids(&["explain"]), ids(&["explain", "--all-rules"]));
    let optional: Vec<&String> = all.iter().filter(|id| !some.contains(id)).collect();
    assert!(!optional.is_empty());
    for id in optional {
        assert_eq!(nowhere.frisk(&["explain", id]).status, 0, "{id}");
    }
}

#[test]
fn only_exceptions_that_would_count_are_offered() {
    let repo = Sandbox::new();
    let key = keys::project(1);
    repo.commit_file("a.py", "a\n");
    repo.write("message", format!("x {key}\n"))
        .write("b.py", format!("k = \"{key}\"\n"))
        .git(&["add", "b.py"]);
    let by_id = format!("git frisk allow {} --reason TEXT`", keys::id(&key));

    // A comment in a message would not count, an entry does.
    let said = repo.frisk(&["hook", "commit-msg", "message"]).stderr;
    assert!(said.contains(&by_id), "{said}");
    assert!(!said.contains("frisk:allow"), "{said}");
    assert!(!said.contains("the file"), "{said}");
    let said = repo.frisk(&["staged"]).stdout;
    assert!(said.contains(&by_id), "{said}");
    assert!(said.contains("frisk:allow REASON"), "{said}");

    let id = keys::id(&key);
    let allowed = repo.frisk(&["allow", &id, "--reason", "made up"]);
    assert_eq!(allowed.status, 0, "{allowed:?}");
    repo.git(&["add", ".friskignore"]);
    let again = repo.frisk(&["hook", "commit-msg", "message"]);
    assert_eq!(again.status, 0, "{again:?}");
}
