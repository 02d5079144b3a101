//! `.frisk.toml`: what a repository says of how it is scanned. It can ask for more, and for little
//! less.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::policy::exclude::Exclude;
use crate::policy::exclude::TooWide;
use crate::rule::RuleSet;
use crate::rule::Severity;
use crate::rule::SeverityError;

/// The file, at the top of a repository.
pub const FILE: &str = ".frisk.toml";
/// Bytes it may have.
pub const MAX_FILE: u64 = 256 << 10;
/// Patterns it may hold: each is tried on every path.
const MAX_GLOBS: usize = 1000;
/// The keys it may have at its top.
pub const KEYS: [&str; 7] = [
    "all-rules",
    "compat",
    "exclude",
    "format",
    "levels",
    "rules",
    "strict",
];

/// A configuration.
#[derive(Debug, Default, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Config {
    /// Files with more rules, as they are named from where this one lies.
    #[serde(default)]
    pub rules: Vec<String>,
    /// Whether the optional rules count.
    pub all_rules: Option<bool>,
    /// Paths to leave out.
    #[serde(default)]
    pub exclude: Vec<String>,
    /// Whether warnings block.
    pub strict: Option<bool>,
    /// The form of the report.
    pub format: Option<String>,
    /// Whether the inline exceptions of other tools are heeded too.
    pub compat: Option<bool>,
    /// How grave the findings of a rule are.
    #[serde(default)]
    pub levels: BTreeMap<String, Severity>,
}

/// Why a configuration was refused.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// It is no UTF-8.
    #[error("is not UTF-8 text")]
    NotText,
    /// It is no TOML, or a value has another type.
    #[error("line {line}: {message}")]
    Syntax {
        /// The line, counted from 1.
        line: usize,
        /// What the parser says.
        message: String,
    },
    /// It has a key that means nothing.
    #[error("line {line}: there is no key `{key}`{}", meant(*nearest))]
    Unknown {
        /// The line, counted from 1.
        line: usize,
        /// The key.
        key: String,
        /// What may have been meant.
        nearest: Option<&'static str>,
    },
    /// A pattern cannot be read.
    #[error("`exclude` has a pattern that cannot be read: {0}")]
    Glob(#[from] ignore::Error),
    /// There are too many patterns.
    #[error("`exclude` has {0} patterns, more than {MAX_GLOBS}")]
    ManyGlobs(usize),
    /// The patterns leave out everything.
    #[error("`exclude` {0}")]
    TooWide(#[from] TooWide),
    /// A rule cannot have a level.
    #[error("`levels`: {id}: {error}{}", meant(nearest.as_deref()))]
    Level {
        /// The rule, as it was named.
        id: String,
        /// Why.
        error: SeverityError,
        /// Which rule may have been meant.
        nearest: Option<String>,
    },
}

fn meant(nearest: Option<&str>) -> String {
    nearest.map_or_else(String::new, |word| format!("; is `{word}` meant?"))
}

impl Config {
    /// Reads a configuration, and refuses what would let keys hide.
    pub fn parse(content: &[u8]) -> Result<Self, ConfigError> {
        let content = content.strip_prefix(b"\xef\xbb\xbf").unwrap_or(content);
        let text = std::str::from_utf8(content).map_err(|_| ConfigError::NotText)?;
        let line = |at: usize| {
            // Only a position in a message.
            let before = text.as_bytes().get(..at).unwrap_or_default();
            memchr::memchr_iter(b'\n', before).count() + 1
        };
        let syntax = |error: &toml::de::Error| ConfigError::Syntax {
            line: error.span().map_or(1, |span| line(span.start)),
            message: error.message().to_owned(),
        };
        let table = toml::de::DeTable::parse(text).map_err(|error| syntax(&error))?;
        for key in table.get_ref().keys() {
            let name: &str = key.get_ref();
            if !KEYS.contains(&name) {
                return Err(ConfigError::Unknown {
                    line: line(key.span().start),
                    key: name.to_owned(),
                    nearest: nearest(name, KEYS),
                });
            }
        }
        let config: Self = toml::from_str(text).map_err(|error| syntax(&error))?;
        check_globs(&config.exclude)?;
        Ok(config)
    }

    /// Gives rules their levels. One that is optional and not looked for may have one too.
    pub fn set_levels(&self, rules: &mut RuleSet) -> Result<(), ConfigError> {
        let mut optional = None;
        for (id, severity) in &self.levels {
            let mut outcome = rules.set_severity(id, *severity);
            if outcome == Err(SeverityError::NoRule) {
                let all = optional.get_or_insert_with(RuleSet::all_built_in);
                outcome = all.set_severity(id, *severity);
            }
            outcome.map_err(|error| {
                let ids = rules.rules().iter().map(|rule| &*rule.id);
                let nearest = nearest(id, ids).filter(|_| error == SeverityError::NoRule);
                ConfigError::Level {
                    id: id.clone(),
                    error,
                    nearest: nearest.map(str::to_owned),
                }
            })?;
        }
        Ok(())
    }
}

/// Reads patterns of a configuration, and refuses those that name nothing.
pub fn check_globs(globs: &[String]) -> Result<Exclude, ConfigError> {
    if globs.len() > MAX_GLOBS {
        return Err(ConfigError::ManyGlobs(globs.len()));
    }
    let exclude = Exclude::new(globs)?;
    exclude.names_paths()?;
    Ok(exclude)
}

/// Which word may have been meant by one that is near it.
pub fn nearest<'a>(word: &str, words: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    /// Longer ones are compared with nothing: that takes time, and they may be anything.
    const LONGEST: usize = 64;
    let word = word.to_ascii_lowercase().replace('_', "-");
    if word.len() > LONGEST {
        return None;
    }
    let near = words
        .into_iter()
        .map(|other| (distance(&word, other), other));
    let (distance, other) = near.min()?;
    (distance <= 1 + word.len() / 3).then_some(other)
}

/// How many characters have to be put in, taken out or replaced to make one word of another.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, to) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(from != *to);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
        }
    }
    // A row has at least one number.
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> String {
        Config::parse(text.as_bytes()).unwrap_err().to_string()
    }

    #[test]
    fn all_keys_are_read() {
        let text = "rules = ['a.toml']\nexclude = ['vendor/']\nstrict = true\nall-rules = false\n\
                    format = 'json'\ncompat = true\n[levels]\nanthropic = 'warning'\n";
        let config = Config::parse(text.as_bytes()).unwrap();
        assert_eq!(config.rules, ["a.toml"]);
        assert_eq!(config.strict, Some(true));
        assert_eq!(config.levels["anthropic"], Severity::Warning);
        for key in KEYS {
            assert!(text.contains(key), "{key}");
        }
        let bom = format!("\u{feff}{text}");
        assert_eq!(Config::parse(bom.as_bytes()).unwrap(), config);
        assert_eq!(Config::parse(b"").unwrap(), Config::default());
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (text, message) in [
            (
                "\nexlude = []",
                "line 2: there is no key `exlude`; is `exclude` meant?",
            ),
            ("all_rules = true", "is `all-rules` meant?"),
            ("disable = ['*']", "there is no key `disable`"),
            ("[allow]\npaths = []", "there is no key `allow`"),
            ("strict = 'yes'", "line 1: invalid type"),
            ("a\nb = [", "line 1: "),
            ("strict = true\nstrict = true", "line 2: "),
            (
                "[levels]\nanthropic = 'off'",
                "line 2: unknown variant `off`",
            ),
            ("exclude = ['**']", "would leave out every file"),
            ("exclude = ['a{']", "cannot be read"),
        ] {
            let told = refused(text);
            assert!(told.contains(message), "{text}: {told}");
        }
        assert!(refused(&format!("{} = 1", "q".repeat(300))).ends_with('`'));
        assert!(matches!(
            Config::parse(b"# \xff"),
            Err(ConfigError::NotText)
        ));
    }

    #[test]
    fn rules_of_openai_keep_their_level() {
        let level = |id: &str, level: &str| {
            let text = format!("levels.{id} = '{level}'");
            let config = Config::parse(text.as_bytes()).unwrap();
            let mut rules = RuleSet::built_in();
            config.set_levels(&mut rules).map(|()| rules)
        };
        assert!(level("openai-project", "error").is_ok());
        assert!(level("openai-unmarked", "warning").is_ok());
        let rules = level("openai-unmarked", "error").unwrap();
        assert_eq!(
            rules.get("openai-unmarked").unwrap().severity,
            Severity::Error
        );
        assert!(level("openai-realtime", "error").is_ok());
        assert!(level("anthropic", "warning").is_ok());
        for (id, message) in [
            ("openai-project", "cannot be made less grave"),
            ("openai-projct", "no such rule; is `openai-project` meant?"),
        ] {
            let told = level(id, "warning").unwrap_err().to_string();
            assert!(told.contains(message), "{told}");
        }
        for rule in RuleSet::built_in().rules() {
            let lowered = level(&rule.id, "warning").is_ok();
            let may = rule.provider != "openai" || rule.severity == Severity::Warning;
            assert_eq!(lowered, may, "{}", rule.id);
        }
    }

    #[test]
    fn hostile_files_take_no_long() {
        let size = 200_000;
        for text in [
            "[".repeat(size),
            format!("rules = {}", "[".repeat(size)),
            format!("a{} = 1", ".a".repeat(size / 2)),
            format!("exclude = [{}]", "'a*b*c*d*',".repeat(size / 11)),
            format!("exclude = ['{}']", "*a".repeat(size / 2)),
            format!("exclude = ['{}']", "{a,".repeat(size / 3)),
            "levels.a = 1\n".repeat(size / 13),
        ] {
            assert!(Config::parse(text.as_bytes()).is_err());
        }
    }

    #[test]
    fn the_schema_for_editors_knows_the_same_keys() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/frisk.schema.json");
        let schema = std::fs::read_to_string(path).unwrap();
        let schema: serde_json::Value = serde_json::from_str(&schema).unwrap();
        let properties = schema["properties"].as_object().unwrap();
        let mut known: Vec<&str> = properties.keys().map(|key| &**key).collect();
        known.sort_unstable();
        assert_eq!(known, KEYS);
        assert_eq!(schema["additionalProperties"], false);
        let levels = &schema["properties"]["levels"]["additionalProperties"]["enum"];
        assert_eq!(*levels, serde_json::json!(["error", "warning"]));
        // What the type itself takes.
        let told = toml::from_str::<Config>("x = 1").unwrap_err().to_string();
        let taken = told.matches('`').count() / 2 - 1;
        assert!(KEYS.iter().all(|key| told.contains(&format!("`{key}`"))));
        assert!(taken >= KEYS.len(), "{told}");
    }
}
