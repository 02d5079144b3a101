//! `.frisk.toml` and `.friskignore`: whatever stands in them, it is read or refused, and adding an
//! exception loses none.

use std::path::Path;

use git_frisk::key_id::KeyId;
use git_frisk::policy::config::Config;
use git_frisk::policy::exception;
use git_frisk::policy::exception::Exceptions;
use git_frisk::policy::exclude::Exclude;
use git_frisk::rule::RuleSet;

use super::Target;
use super::quickly;

/// The target.
pub const TARGET: Target = Target {
    name: "config",
    check,
    seeds,
};

/// Takes a file, which is read as each of both.
pub fn check(data: &[u8]) {
    quickly(|| {
        config(data);
        exceptions(data);
    });
}

fn config(content: &[u8]) {
    let config = match Config::parse(content) {
        Ok(config) => config,
        Err(error) => {
            assert!(!error.to_string().is_empty());
            return;
        }
    };
    let mut rules = RuleSet::built_in();
    let known = rules.rules().len();
    if let Err(error) = config.set_levels(&mut rules) {
        assert!(!error.to_string().is_empty());
    }
    assert_eq!(rules.rules().len(), known, "a rule is lost");
    let exclude = Exclude::new(&config.exclude).unwrap();
    // Patterns that leave out everything are refused.
    let paths = ["a.py", "src/b.rs", "c/d/.env", "Makefile", "x/y/z/w.json"];
    let left_out = |path: &&str| exclude.contains(Path::new(path));
    for path in paths {
        let _ = left_out(&path);
    }
}

fn exceptions(content: &[u8]) {
    let (before, malformed) = Exceptions::of_file(content);
    for line in &malformed {
        let said = line.to_string();
        // A line that is no exception may be a key.
        assert!(said.starts_with("line "), "{said}");
    }
    let (_, _) = Exceptions::of_list(content);
    let keys: [KeyId; 2] = ["0123456789ab", "ba7816bf8f01"].map(|id| id.parse().unwrap());
    let appended = exception::append(content, &keys, "a reason");
    assert!(appended.starts_with(content));
    let (after, still) = Exceptions::of_file(&appended);
    assert_eq!(still, malformed);
    for key in keys {
        assert!(after.get(key).is_some(), "an exception is not read again");
        if let Some(entry) = before.get(key) {
            assert_eq!(after.get(key), Some(entry));
        }
    }
}

fn seeds() -> Vec<Vec<u8>> {
    let texts: [&[u8]; 6] = [
        b"rules = ['a.toml']\nall-rules = true\nexclude = ['/a/', '*.lock', '!b', 'x/**/y']\nstrict = true\nformat = 'json'\ncompat = false\n[levels]\nopenai-project = 'warning'\n",
        b"levels.anthropic = \"off\"\nexclude = [\n  \"{a,b}/[c-e]*\", # why\n]\n",
        b"exclud = []\n",
        b"\xef\xbb\xbf# comment\nfrisk:ba7816bf8f01 a reason\r\nfrisk:0123456789ab\n",
        b"frisk:ba7816bf8f01\r\nfrisk:not-an-id x\r\n\r\n # x",
        b"ba7816bf8f01, 0123456789ab frisk:0123456789ac",
    ];
    texts.iter().map(|text| text.to_vec()).collect()
}
