//! Rule files: they are read or refused, and what is read can be searched with.

use std::path::Path;

use git_frisk::matcher::Matcher;
use git_frisk::rule::RuleSet;

use super::Target;
use super::quickly;

/// The target.
pub const TARGET: Target = Target {
    name: "rules",
    check,
    seeds,
};

/// Takes a rule file.
pub fn check(data: &[u8]) {
    quickly(|| {
        let mut rules = RuleSet::built_in();
        let known: Vec<String> = rules.rules().iter().map(|rule| rule.id.clone()).collect();
        let outcome = rules.load_bytes(Path::new("rules.toml"), data);
        let kept = rules.rules().iter().map(|rule| &rule.id);
        assert!(kept.take(known.len()).eq(&known), "a rule is lost");
        if let Err(error) = outcome {
            assert!(error.to_string().contains("rules.toml"));
        } else {
            assert!(rules.rules().len() > known.len(), "no rule is no error");
            search(rules, data);
        }
    });
}

/// Searches a text in which every keyword stands.
fn search(rules: RuleSet, file: &[u8]) {
    let mut text = file.to_vec();
    for rule in rules.rules() {
        for keyword in &rule.keywords {
            text.extend(keyword);
            text.extend(b"abcdefghijklmnop0123456789 ");
        }
    }
    let Ok(matcher) = Matcher::new(rules) else {
        return;
    };
    if let Ok(matches) = matcher.find(&text) {
        for candidate in &matches.candidates {
            assert!(candidate.span.start < candidate.span.end);
            assert!(candidate.span.end <= text.len());
        }
    }
}

fn seeds() -> Vec<Vec<u8>> {
    let own = r"[[rule]]
id = 'acme'
provider = 'acme'
summary = 'A key of Acme'
severity = 'error'
confidence = 'high'
keywords = ['acme-']
pattern = 'acme-(?P<body>[a-z0-9]{20})'
public-prefix = 'acme-'
reject-dull = true
variable = 'ACME_KEY'
revoke = 'https://acme.example'
explanation = 'It opens all.'
examples = ['acme-{lower:20}']
";
    let built_in = [
        include_str!("../../rules/lookalikes.toml"),
        include_str!("../../rules/unmarked.toml"),
    ];
    let renamed = built_in.map(|text| {
        text.replace("id = \"", "id = \"my-")
            .replace("\"openai\"", "\"other\"")
            .into_bytes()
    });
    renamed.into_iter().chain([own.into()]).collect()
}
