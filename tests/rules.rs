//! Every built-in rule is complete, and the repository passes its own hook.

use std::collections::HashSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use git_frisk::matcher::Matcher;
use git_frisk::rule::Rule;
use git_frisk::rule::RuleSet;
use git_frisk::rule::Severity;
use git_frisk::rule::template::fill;
use memchr::memmem;

/// The top of the repository.
const TOP: &str = env!("CARGO_MANIFEST_DIR");

fn each(check: impl Fn(&Rule)) {
    let rules = RuleSet::all_built_in();
    assert!(!rules.rules().is_empty());
    rules.rules().iter().for_each(check);
}

#[test]
fn every_rule_says_what_it_is() {
    each(|rule| {
        let id = &rule.id;
        for (field, text) in [
            ("summary", &rule.summary),
            ("explanation", &rule.explanation),
            ("provider", &rule.provider),
        ] {
            assert!(!text.trim().is_empty(), "{id} has no {field}");
        }
        let blocks = rule.severity == Severity::Error;
        assert!(!blocks || !rule.public_prefix.is_empty(), "{id}: no prefix");
        assert!(rule.summary.len() <= 70, "{id}: the summary is too long");
        assert!(!rule.summary.ends_with('.'), "{id}: a summary has no stop");
        assert!(!rule.examples.is_empty(), "{id} has no examples");
        assert!(
            !rule.counter_examples.is_empty(),
            "{id} has no counter-examples"
        );
    });
}

#[test]
fn rule_ids_are_names_of_their_own() {
    let mut seen = HashSet::new();
    each(|rule| {
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        assert!(rule.id.chars().all(plain), "{}", rule.id);
    });
    for rule in RuleSet::all_built_in().rules() {
        assert!(seen.insert(rule.id.clone()), "{} is there twice", rule.id);
    }
}

#[test]
fn openai_s_rules_block_say_where_to_revoke_and_rank_above_all_others() {
    let rules = RuleSet::all_built_in();
    let openai = |rule: &Rule| rule.provider == "openai" && rule.severity == Severity::Error;
    let others = rules.rules().iter().position(|rule| !openai(rule));
    let (first, rest) = rules.rules().split_at(others.unwrap());
    assert!(!first.is_empty());
    assert!(!rest.iter().any(openai));
    for rule in first {
        assert!(rule.revoke.is_some(), "{}", rule.id);
        assert!(rule.variable.is_some(), "{}", rule.id);
        assert!(rule.id.starts_with("openai-"), "{}", rule.id);
    }
}

#[test]
fn what_only_its_surroundings_tell_is_a_warning_and_ranks_below_all_others() {
    let rules = RuleSet::all_built_in();
    let warns = |rule: &Rule| rule.severity == Severity::Warning;
    let first = rules.rules().iter().position(warns).unwrap();
    assert!(rules.rules()[first..].iter().all(warns));
}

#[test]
fn every_pattern_compiles_and_its_matches_are_bounded() {
    each(|rule| {
        let reach = rule.compiled().unwrap().reach;
        assert!(
            reach <= git_frisk::rule::MAX_REACH,
            "{} matches up to {reach} bytes",
            rule.id
        );
    });
}

#[test]
fn every_example_holds_a_keyword_of_its_rule() {
    each(|rule| {
        for example in &rule.examples {
            let line = fill(example, 1);
            let holds = |keyword: &Vec<u8>| memmem::find(line.as_bytes(), keyword).is_some();
            assert!(rule.keywords.iter().any(holds), "{}: {example}", rule.id);
        }
    });
}

#[test]
fn examples_are_found_and_counter_examples_are_not() {
    let matcher = Matcher::new(RuleSet::all_built_in()).unwrap();
    for seed in 100..110 {
        each(|rule| {
            let ids = |template: &str| {
                let line = fill(template, seed);
                let found = matcher.find(line.as_bytes()).unwrap();
                found
                    .candidates
                    .iter()
                    .map(|candidate| matcher.rule(candidate).id.clone())
                    .collect::<Vec<_>>()
            };
            for example in &rule.examples {
                assert_eq!(ids(example), [&*rule.id], "seed {seed}: {example}");
            }
            for example in &rule.counter_examples {
                assert!(!ids(example).contains(&rule.id), "seed {seed}: {example}");
            }
        });
    }
}

#[test]
fn no_rule_file_holds_a_key() {
    let matcher = Matcher::new(RuleSet::all_built_in()).unwrap();
    let mut files = 0;
    for entry in fs::read_dir(Path::new(TOP).join("rules")).unwrap() {
        let path = entry.unwrap().path();
        let text = fs::read(&path).unwrap();
        let found = matcher.find(&text).unwrap().candidates;
        assert_eq!(found, [], "{}", path.display());
        files += 1;
    }
    assert!(files >= 2);
}

#[test]
fn the_repository_passes_its_own_scan() {
    let output = Command::new(env!("CARGO_BIN_EXE_git-frisk"))
        .args([
            "scan",
            "--no-allow",
            "--format",
            "short",
            "--exclude",
            "/target",
        ])
        .current_dir(TOP)
        .env_remove("GIT_DIR")
        .output()
        .unwrap();

    let told = std::str::from_utf8(&output.stdout).unwrap();
    assert_eq!((output.status.code(), told), (Some(0), ""));
}
