//! What to write instead of a key, in the language of its file. It knows the path and the masked
//! excerpt, and nothing else of what was scanned.

use crate::decode::Layer;
use crate::finding::Finding;
use crate::place::Kind;
use crate::reporter::columns;
use crate::text::is_unprintable;

/// The variable where a rule names none.
const VARIABLE: &str = "API_KEY";

/// What to do about a finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Help {
    /// In a few words.
    pub title: String,
    /// Lines to write, or to run.
    pub lines: Vec<String>,
    /// Whether the lines are to stand where the excerpt stands.
    pub replaces: bool,
}

impl Help {
    fn new(title: impl Into<String>, lines: &[&str]) -> Self {
        Self {
            title: title.into(),
            lines: lines.iter().map(|&line| line.to_owned()).collect(),
            replaces: false,
        }
    }
}

/// What a file is, as far as its name tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Language {
    /// The text before and after a variable's name that read it.
    Code(&'static str, &'static str),
    Shell,
    Batch,
    Dockerfile,
    Compose,
    Actions,
    GitlabCi,
    Yaml,
    Json,
    Toml,
    Notebook,
    Env,
    EnvTemplate,
    Browser,
    Phone,
    Other,
}

const PYTHON: Language = Language::Code("os.environ[\"", "\"]");
const JAVASCRIPT: Language = Language::Code("process.env.", "");
const JAVA: Language = Language::Code("System.getenv(\"", "\")");

/// The language of a file by its path.
fn language(path: &[u8]) -> Language {
    use Language::Actions;
    use Language::Batch;
    use Language::Browser;
    use Language::Code;
    use Language::Compose;
    use Language::Dockerfile;
    use Language::Env;
    use Language::EnvTemplate;
    use Language::GitlabCi;
    use Language::Json;
    use Language::Notebook;
    use Language::Other;
    use Language::Phone;
    use Language::Shell;
    use Language::Toml;
    use Language::Yaml;

    let path = String::from_utf8_lossy(path).to_ascii_lowercase();
    let (directory, name) = path.rsplit_once('/').unwrap_or(("", &path));
    let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
    let is_yaml = matches!(extension, "yml" | "yaml");
    if name == ".env" || name.starts_with(".env.") || extension == "env" {
        let template = ["example", "sample", "template", "dist"];
        return if template.iter().any(|word| name.contains(word)) {
            EnvTemplate
        } else {
            Env
        };
    }
    if name.starts_with("dockerfile") || name.starts_with("containerfile") {
        return Dockerfile;
    }
    if is_yaml {
        return if directory.ends_with(".github/workflows") || name.starts_with("action.") {
            Actions
        } else if name.starts_with(".gitlab-ci") {
            GitlabCi
        } else if name.starts_with("compose") || name.starts_with("docker-compose") {
            Compose
        } else {
            Yaml
        };
    }
    match name {
        "strings.xml" | "androidmanifest.xml" => return Phone,
        ".bashrc" | ".bash_profile" | ".zshrc" | ".zshenv" | ".profile" | ".envrc" => return Shell,
        "gemfile" | "rakefile" => return Code("ENV.fetch(\"", "\")"),
        _ => {}
    }
    let of_app = directory
        .split('/')
        .any(|part| matches!(part, "ios" | "android" | "androidmain" | "iosmain"))
        || directory.contains("app/src/main");
    if of_app
        && matches!(
            extension,
            "kt" | "java" | "swift" | "dart" | "m" | "mm" | "xml" | "gradle" | "properties"
        )
    {
        return Phone;
    }
    match extension {
        "py" | "pyw" | "pyi" => PYTHON,
        "js" | "mjs" | "cjs" | "ts" | "mts" | "cts" => JAVASCRIPT,
        "go" => Code("os.Getenv(\"", "\")"),
        "rs" => Code("std::env::var(\"", "\")?"),
        "java" | "kt" | "kts" | "groovy" | "gradle" => JAVA,
        "cs" => Code("Environment.GetEnvironmentVariable(\"", "\")"),
        "rb" | "rake" => Code("ENV.fetch(\"", "\")"),
        "php" => Code("getenv('", "')"),
        "swift" => Code("ProcessInfo.processInfo.environment[\"", "\"]"),
        "dart" => Code("Platform.environment['", "']"),
        "ps1" | "psm1" | "psd1" => Code("$env:", ""),
        "sh" | "bash" | "zsh" | "ksh" | "bats" => Shell,
        "bat" | "cmd" => Batch,
        "dockerfile" => Dockerfile,
        "json" | "jsonc" | "json5" => Json,
        "toml" => Toml,
        "ipynb" => Notebook,
        "html" | "htm" | "xhtml" | "jsx" | "tsx" | "vue" | "svelte" | "astro" => Browser,
        "plist" | "xcconfig" | "storyboard" => Phone,
        _ => Other,
    }
}

/// Who can read the key where it is, if that is anyone who opens a page or has an app.
pub fn readers(finding: &Finding) -> Option<&'static str> {
    const PHONE: &str = "whoever has the app can read it, also out of a built one";
    const PAGE: &str = "whoever opens the page can read it, also out of a bundled script";
    let text = finding.hit.excerpt.text();
    let in_page = [
        "NEXT_PUBLIC_",
        "VITE_",
        "REACT_APP_",
        "NUXT_PUBLIC_",
        "GATSBY_",
        "dangerouslyAllowBrowser",
    ];
    match language(finding.place.label.as_bytes()) {
        _ if finding.place.kind != Kind::Content => None,
        _ if text.contains("EXPO_PUBLIC_") => Some(PHONE),
        _ if in_page.iter().any(|word| text.contains(word)) => Some(PAGE),
        Language::Phone => Some(PHONE),
        Language::Browser => Some(PAGE),
        _ => None,
    }
}

/// What to do about a finding, whose key belongs into `variable`.
pub fn help(finding: &Finding, variable: Option<&str>) -> Help {
    match finding.place.kind {
        Kind::Content => {}
        Kind::Name => return Help::new("rename it, and take the key out of the name", &[]),
        Kind::Commit => {
            return Help::new(
                "write the message, or the name of the author, anew",
                &["git commit --amend"],
            );
        }
        Kind::Tag => {
            let lines = ["git tag -d TAG", "git tag -a TAG"];
            return Help::new("make the tag anew", &lines);
        }
        Kind::Ref => {
            return Help::new("rename the ref", &["git branch -m NEW-NAME"]);
        }
    }
    let path = finding.place.label.as_bytes();
    let language = language(path);
    if finding.hit.member.is_some() {
        return Help::new(
            "take it out of what this archive is made of, and make it anew",
            &[],
        );
    }
    if language == Language::Env {
        return env_file(path);
    }
    if readers(finding).is_some() {
        return Help::new(
            "keep it on a server of yours, and let the page or the app call that",
            &[],
        );
    }
    let variable = variable.unwrap_or(VARIABLE);
    let line = Line::of(finding);
    if let Some(line) = &line
        && let Some(help) = without_fallback(line)
    {
        return help;
    }
    in_language(language, line.as_ref(), variable)
}

fn in_language(language: Language, line: Option<&Line>, variable: &str) -> Help {
    match language {
        Language::Code(before, after) => {
            let read = format!("{before}{variable}{after}");
            let title = format!("read it from {variable}, set outside of the repository");
            replaced(title, line.and_then(|line| line.literal(&read)), read)
        }
        Language::Shell => {
            if line.is_some_and(|line| line.assigns(variable)) {
                return Help::new(
                    format!("delete the line, and set {variable} outside of the repository"),
                    &[],
                );
            }
            let title = format!("take it from {variable}, set outside of the repository");
            let read = format!("\"${{{variable}:?}}\"");
            replaced(title, line.and_then(|line| line.in_shell(variable)), read)
        }
        Language::Batch => {
            let title = format!("take it from {variable}, set outside of the repository");
            let read = format!("%{variable}%");
            replaced(title, line.map(|line| line.put(&read)), read)
        }
        Language::Dockerfile => {
            let run = format!("docker run --env {variable} IMAGE");
            let build = format!("RUN --mount=type=secret,id={variable},env={variable} COMMAND");
            let title = "an image keeps it for ever: give it at run time, or mount it for a step of \
                         the build";
            Help::new(title, &[&run, &build])
        }
        Language::Compose => {
            let read = format!("${{{variable}:?}}");
            let title = format!("let compose take {variable} from its environment");
            replaced(title, line.and_then(|line| line.value(&read)), read)
        }
        Language::Actions => {
            let read = format!("${{{{ secrets.{variable} }}}}");
            let title = "make it a secret of the repository or of an environment, and refer to it";
            let line = line.and_then(|line| line.value(&read));
            replaced(title.to_owned(), line, read)
        }
        Language::GitlabCi => {
            let read = format!("${variable}");
            let title = "make it a masked and protected variable in the settings of the project";
            let line = line.and_then(|line| line.value(&read));
            replaced(title.to_owned(), line, read)
        }
        Language::Yaml => {
            let read = format!("${{{variable}}}");
            let title = format!(
                "leave {variable} to the environment; this works where the reader fills in \
                 variables, else take the line out"
            );
            replaced(title, line.and_then(|line| line.value(&read)), read)
        }
        Language::Json | Language::Toml => Help::new(
            format!("leave the value out, and let the program read {variable}"),
            &[],
        ),
        Language::Notebook => {
            let read = format!("os.environ[\"{variable}\"]");
            let title =
                "read it from the environment, and clear the outputs, which may show it too";
            Help::new(
                title,
                &[&read, "jupyter nbconvert --clear-output --inplace NOTEBOOK"],
            )
        }
        Language::EnvTemplate => {
            let line = format!("{variable}=");
            Help::new("a template has no value", &[&line])
        }
        Language::Env | Language::Browser | Language::Phone | Language::Other => Help::new(
            format!("take it out of the file; read it from {variable} at run time"),
            &[],
        ),
    }
}

/// Help with the line as it should be, where it is known, or else with what reads the variable.
fn replaced(title: String, line: Option<String>, read: String) -> Help {
    let replaces = line.is_some();
    Help {
        title,
        lines: vec![line.unwrap_or(read)],
        replaces,
    }
}

/// What to do with a `.env` file.
fn env_file(path: &[u8]) -> Help {
    let name = path.rsplit(|&byte| byte == b'/').next().unwrap_or(path);
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    let mut lines: Vec<String> = if name.starts_with(b".env") || !name.iter().all(plain) {
        vec![".env".into(), ".env.*".into(), "!.env.example".into()]
    } else {
        vec![String::from_utf8_lossy(name).into_owned()]
    };
    for line in &mut lines {
        *line = format!("echo '{line}' >> .gitignore");
    }
    lines.push(format!("git rm --cached -- {}", shell_word(path)));
    Help {
        title: "keep the file out of git; it stays where it is".to_owned(),
        lines,
        replaces: false,
    }
}

/// A path as a word of a shell that names it and no other to git, or a word that stands for it.
fn shell_word(path: &[u8]) -> String {
    let path = std::str::from_utf8(path).unwrap_or_default();
    let plain = |c: char| c.is_ascii_alphanumeric() || "._-/+,@%".contains(c);
    let strange = |c: char| is_unprintable(c) || "'*?[]\\".contains(c);
    if path.is_empty() || path.starts_with(':') || path.contains(strange) {
        "PATH".to_owned()
    } else if path.chars().all(plain) {
        path.to_owned()
    } else {
        format!("'{path}'")
    }
}

/// What stands before and after a key on a line that an excerpt has as a whole.
struct Line {
    before: String,
    after: String,
}

impl Line {
    /// The line of a finding, unless it was cut or the key is written in another way.
    fn of(finding: &Finding) -> Option<Self> {
        let wide = [
            Layer::Utf16Le,
            Layer::Utf16Be,
            Layer::Utf32Le,
            Layer::Utf32Be,
        ];
        if !finding.hit.layers.iter().all(|layer| wide.contains(layer)) {
            return None;
        }
        let (before, _, after) = columns::parts(finding);
        let other = |text: &str| text.contains("hidden]") || text.contains('…');
        // Another secret on the line would stand in code as its mask.
        if before.starts_with('…') || after.ends_with('…') || other(&before) || other(&after) {
            return None;
        }
        Some(Self { before, after })
    }

    /// What is before the literal that is all key, its quote, and what is after it.
    fn around(&self) -> Option<(&str, char, &str)> {
        let quote = self.before.chars().next_back()?;
        if !matches!(quote, '"' | '\'' | '`') {
            return None;
        }
        let after = self.after.strip_prefix(quote)?;
        let before = self.before.strip_suffix(quote)?;
        // `b"…"` in Python, `@"…"` in C#.
        let bare = before.trim_end_matches(['b', 'B', 'r', 'R', 'f', 'F', 'u', 'U', '@', '$']);
        let prefixed = before.len() - bare.len() <= 2
            && !bare.ends_with(|c: char| c.is_alphanumeric() || c == '_');
        // A quote that is escaped is one in another literal.
        (!before.ends_with('\\')).then_some((if prefixed { bare } else { before }, quote, after))
    }

    /// The line with `read` for the literal.
    fn literal(&self, read: &str) -> Option<String> {
        let (before, _, after) = self.around()?;
        Some(format!("{before}{read}{after}"))
    }

    /// The line with `read` for the key, and for quotes around nothing but the key.
    fn value(&self, read: &str) -> Option<String> {
        self.literal(read)
            .or_else(|| (!self.before.contains(['"', '\''])).then(|| self.put(read)))
    }

    /// The line with `text` for the key.
    fn put(&self, text: &str) -> String {
        format!("{}{text}{}", self.before, self.after)
    }

    /// Whether it gives the key to a variable of a shell.
    fn assigns(&self, variable: &str) -> bool {
        let before = self.before.trim_end_matches(['"', '\'']);
        before
            .strip_suffix('=')
            .and_then(|before| before.strip_suffix(variable))
            .is_some_and(|before| matches!(before.trim(), "" | "export" | "set" | "declare -x"))
    }

    /// The line with a variable of a shell for the key.
    fn in_shell(&self, variable: &str) -> Option<String> {
        let read = format!("${{{variable}:?}}");
        let quotes = |quote| self.before.matches(quote).count();
        if let Some(line) = self.literal(&format!("\"{read}\"")) {
            return Some(line);
        }
        match (quotes('"') % 2, quotes('\'') % 2) {
            (1, 0) => Some(self.put(&read)),
            (0, 1) => Some(match self.after.strip_prefix('\'') {
                Some(after) => format!("{}'\"{read}\"{after}", self.before),
                None => self.put(&format!("'\"{read}\"'")),
            }),
            (0, 0) => Some(self.put(&format!("\"{read}\""))),
            _ => None,
        }
    }
}

/// Help for a key that is taken where a variable is not set.
fn without_fallback(line: &Line) -> Option<Help> {
    let title = "a fallback gives the key to all who can read the code; do without it, and set the \
                 variable";
    let help = |line: String| Help {
        title: title.to_owned(),
        lines: vec![line],
        replaces: true,
    };
    // `${NAME:-key}`, `${NAME-key}`
    if let Some(at) = line.before.rfind("${")
        && let (Some(head), Some(rest)) = (line.before.get(..at), line.before.get(at + 2..))
        && let Some(after) = line.after.strip_prefix('}')
    {
        let name = rest.trim_end_matches([':', '-', '=', '"', '\'']);
        let is_name =
            !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
        if is_name && name.len() < rest.len() {
            return Some(help(format!("{head}${{{name}:?}}{after}")));
        }
    }
    let (before, _, after) = line.around()?;
    let before = before.trim_end();
    let operators = ["||", "??", "?:", " or"];
    if let Some(rest) = operators.iter().find_map(|word| before.strip_suffix(word)) {
        return Some(help(format!("{}{after}", rest.trim_end())));
    }
    let lower = before.to_ascii_lowercase();
    let reads = [
        "getenv(",
        "environ.get(",
        "env.fetch(",
        "env.get(",
        "env(",
        "fromenvironment(",
    ];
    if let Some(rest) = before.strip_suffix(',')
        && reads.iter().any(|word| lower.contains(word))
    {
        return Some(help(format!("{}{after}", rest.trim_end())));
    }
    let falls_back = ["unwrap_or(", "orelse(", "getordefault("];
    falls_back
        .iter()
        .any(|word| lower.ends_with(word))
        .then(|| Help::new(title, &[]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::excerpt::Hidden;
    use crate::finding::Hit;
    use crate::key_id::KeyId;
    use crate::place::Label;
    use crate::place::Place;
    use crate::rule::Confidence;
    use crate::rule::Severity;
    use crate::secret::Secret;
    use crate::span::Position;

    const KEY: &str = "SECRETSECRET";

    /// A finding of `KEY` in a line of a file.
    fn finding(path: &str, line: &str) -> Finding {
        let at = line.find(KEY).unwrap();
        let span = at..at + KEY.len();
        let secret = Secret::new(KEY.as_bytes(), 3);
        let hidden = Hidden {
            span: span.clone(),
            mask: secret.mask().to_string(),
        };
        let position = Position {
            line: 1,
            column: at as u64 + 1,
        };
        Finding {
            place: Place {
                label: Label::masked(path.as_bytes()),
                kind: Kind::Content,
            },
            hit: Hit {
                start: position,
                end: position,
                member: None,
                rule: "openai-project".to_owned(),
                provider: "openai".to_owned(),
                severity: Severity::Error,
                confidence: Confidence::High,
                key_id: KeyId::of(&secret),
                mask: secret.mask(),
                layers: Vec::new(),
                excerpt: crate::excerpt::Excerpt::new(line.as_bytes(), &span, &[hidden]),
                suppressed: None,
            },
            commit: None,
        }
    }

    fn of(path: &str, line: &str) -> Help {
        help(&finding(path, line), Some("K"))
    }

    /// The line that is to stand there instead.
    #[track_caller]
    fn becomes(path: &str, line: &str, new: &str) {
        let help = of(path, line);
        assert_eq!((&*help.lines.join("\n"), help.replaces), (new, true));
    }

    #[test]
    fn a_literal_becomes_a_read_of_the_variable() {
        for (path, line, new) in [
            ("a.py", "k = 'SECRETSECRET'", "k = os.environ[\"K\"]"),
            ("a.py", "f(b\"SECRETSECRET\", 1)", "f(os.environ[\"K\"], 1)"),
            ("a.js", "k = `SECRETSECRET`;", "k = process.env.K;"),
            (
                "src/a.ts",
                "f({k: \"SECRETSECRET\"})",
                "f({k: process.env.K})",
            ),
            (
                "a.go",
                "\tk := \"SECRETSECRET\"",
                "    k := os.Getenv(\"K\")",
            ),
            ("a.rs", "f(\"SECRETSECRET\")", "f(std::env::var(\"K\")?)"),
            ("A.java", "f(\"SECRETSECRET\");", "f(System.getenv(\"K\"));"),
            (
                "a.kt",
                "val k = \"SECRETSECRET\"",
                "val k = System.getenv(\"K\")",
            ),
            (
                "A.cs",
                "var k = @\"SECRETSECRET\";",
                "var k = Environment.GetEnvironmentVariable(\"K\");",
            ),
            ("a.rb", "K ||= 'SECRETSECRET'", "K ||= ENV.fetch(\"K\")"),
            ("a.php", "$k = 'SECRETSECRET';", "$k = getenv('K');"),
            (
                "a.swift",
                "let k = \"SECRETSECRET\"",
                "let k = ProcessInfo.processInfo.environment[\"K\"]",
            ),
            (
                "a.dart",
                "k = 'SECRETSECRET';",
                "k = Platform.environment['K'];",
            ),
            ("a.ps1", "$k = 'SECRETSECRET'", "$k = $env:K"),
            ("a.bat", "set A=SECRETSECRET", "set A=%K%"),
            ("a.sh", "A=SECRETSECRET", "A=\"${K:?}\""),
            ("a.sh", "A='SECRETSECRET' f", "A=\"${K:?}\" f"),
            ("a.sh", "f \"x SECRETSECRET\"", "f \"x ${K:?}\""),
            ("a.sh", "f 'x SECRETSECRET'", "f 'x '\"${K:?}\""),
            ("compose.yaml", "  A: SECRETSECRET", "  A: ${K:?}"),
            ("docker-compose.yml", "  - A=SECRETSECRET", "  - A=${K:?}"),
            (
                ".github/workflows/a.yml",
                "  A: \"SECRETSECRET\"",
                "  A: ${{ secrets.K }}",
            ),
            (".gitlab-ci.yml", "  A: SECRETSECRET", "  A: $K"),
            ("a.yaml", "a: 'SECRETSECRET'", "a: ${K}"),
        ] {
            becomes(path, line, new);
        }
    }

    #[test]
    fn a_fallback_goes() {
        for (path, line, new) in [
            (
                "a.py",
                "k = os.getenv('A', 'SECRETSECRET')",
                "k = os.getenv('A')",
            ),
            (
                "a.py",
                "k = os.environ.get(\"A\") or \"SECRETSECRET\"",
                "k = os.environ.get(\"A\")",
            ),
            (
                "a.ts",
                "k = process.env.A || \"SECRETSECRET\";",
                "k = process.env.A;",
            ),
            (
                "a.ts",
                "k = process.env.A ?? 'SECRETSECRET'",
                "k = process.env.A",
            ),
            (
                "a.rb",
                "k = ENV.fetch('A', 'SECRETSECRET')",
                "k = ENV.fetch('A')",
            ),
            ("a.php", "$k = env('A', 'SECRETSECRET');", "$k = env('A');"),
            (
                "a.kt",
                "k = System.getenv(\"A\") ?: \"SECRETSECRET\"",
                "k = System.getenv(\"A\")",
            ),
            ("a.sh", "k=\"${A:-SECRETSECRET}\"", "k=\"${A:?}\""),
            ("a.sh", "k=${A-SECRETSECRET}", "k=${A:?}"),
            ("compose.yml", "  A: ${A:-SECRETSECRET}", "  A: ${A:?}"),
        ] {
            becomes(path, line, new);
            assert!(of(path, line).title.contains("fallback"), "{line}");
        }
        let help = of("a.rs", "k = var(\"A\").unwrap_or(\"SECRETSECRET\".into())");
        assert!(help.title.contains("fallback") && help.lines.is_empty());
    }

    #[test]
    fn what_cannot_be_rewritten_is_told_in_words() {
        let long = "word ".repeat(60);
        for (path, line) in [
            ("a.py", "k = f'Bearer SECRETSECRET'".to_owned()),
            ("a.py", "k = 'SECRETSECRET' # ".to_owned() + &long),
            ("a.py", long + "'SECRETSECRET'"),
            ("a.py", "SECRETSECRET".to_owned()),
            ("a.ipynb", "\"k = \\\"SECRETSECRET\\\"\\n\",".to_owned()),
        ] {
            let help = of(path, &line);
            assert_eq!(help.lines[0], "os.environ[\"K\"]", "{line}");
            assert!(!help.replaces, "{line}");
        }
        for path in ["a.json", "a.toml", "a.txt", "a"] {
            let help = of(path, "\"k\": \"SECRETSECRET\"");
            assert!(help.title.ends_with('K') || help.title.contains("from K"));
            assert!(help.lines.is_empty());
        }
        let docker = of("build/Dockerfile.dev", "ENV K=SECRETSECRET");
        assert!(docker.lines[0].starts_with("docker run --env K"));
        let shell = of("a.sh", "export K=SECRETSECRET");
        assert!(shell.title.starts_with("delete the line"), "{shell:?}");
    }

    #[test]
    fn a_file_of_variables_is_kept_out_of_git() {
        let lines = |path: &str| of(path, "K=SECRETSECRET").lines;
        let common = [
            "echo '.env' >> .gitignore",
            "echo '.env.*' >> .gitignore",
            "echo '!.env.example' >> .gitignore",
        ];
        for (path, word) in [
            (".env", ".env"),
            ("web/.env.local", "web/.env.local"),
            ("a b/.env", "'a b/.env'"),
            ("it's/.env", "PATH"),
            ("\u{1b}/.env", "PATH"),
            ("*/.env", "PATH"),
            (":x/.env", "PATH"),
            ("$(x)/.env", "'$(x)/.env'"),
        ] {
            let lines = lines(path);
            assert_eq!(lines[..3], common);
            assert_eq!(lines[3], format!("git rm --cached -- {word}"));
        }
        assert_eq!(lines("prod.env")[0], "echo 'prod.env' >> .gitignore");
        assert_eq!(lines(".env.example"), ["K="]);
    }

    #[test]
    fn who_can_read_it_is_told() {
        let told = |path, line| readers(&finding(path, line)).map(|told| told.contains("page"));
        for path in ["a.html", "a.jsx", "a.tsx", "a.vue", "a.svelte"] {
            assert_eq!(told(path, "k = 'SECRETSECRET'"), Some(true), "{path}");
            let help = of(path, "k = 'SECRETSECRET'");
            assert!(help.title.contains("server"));
        }
        for line in [
            "NEXT_PUBLIC_K=SECRETSECRET",
            "VITE_K=SECRETSECRET",
            "REACT_APP_K=SECRETSECRET",
            "f({k: 'SECRETSECRET', dangerouslyAllowBrowser: true})",
        ] {
            assert_eq!(told(".env", line), Some(true), "{line}");
        }
        assert_eq!(told(".env", "EXPO_PUBLIC_K=SECRETSECRET"), Some(false));
        for path in [
            "app/src/main/res/values/strings.xml",
            "ios/Info.plist",
            "ios/Runner/A.swift",
            "app/src/main/java/A.kt",
        ] {
            assert_eq!(told(path, "<string>SECRETSECRET</string>"), Some(false));
        }
        assert_eq!(told("a.py", "k = 'SECRETSECRET'"), None);
    }
}
