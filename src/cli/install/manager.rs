//! Hook managers that a repository uses already: the hook belongs there.

use std::path::Path;

/// A hook manager.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Manager {
    PreCommit,
    Husky,
    Lefthook,
}

/// The manager that a repository uses, and by what it is known.
pub(crate) fn of(top: &Path) -> Option<(Manager, String)> {
    let mut names = vec![
        (Manager::PreCommit, ".pre-commit-config.yaml".to_owned()),
        (Manager::Husky, ".husky".to_owned()),
    ];
    for stem in ["lefthook", ".lefthook", ".config/lefthook"] {
        for extension in ["yml", "yaml", "toml", "json", "jsonc"] {
            names.push((Manager::Lefthook, format!("{stem}.{extension}")));
        }
    }
    names.into_iter().find(|(_, name)| top.join(name).exists())
}

impl Manager {
    /// What to add, and where.
    pub(crate) fn lines(self) -> &'static str {
        match self {
            Self::PreCommit => PRE_COMMIT,
            Self::Husky => HUSKY,
            Self::Lefthook => LEFTHOOK,
        }
    }

    /// What it is called.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::PreCommit => "pre-commit",
            Self::Husky => "husky",
            Self::Lefthook => "lefthook",
        }
    }
}

const PRE_COMMIT: &str = "\
add to .pre-commit-config.yaml, below `repos:`

  - repo: local
    hooks:
      - id: git-frisk
        name: git-frisk
        entry: git-frisk hook pre-commit
        language: system
        pass_filenames: false
        always_run: true
        stages: [pre-commit, pre-merge-commit, pre-push]
      - id: git-frisk-commit-msg
        name: git-frisk (message)
        entry: git-frisk hook commit-msg
        language: system
        stages: [commit-msg]

then run

  pre-commit install -t pre-commit -t pre-merge-commit -t commit-msg -t pre-push
";

const HUSKY: &str = r#"add the hooks

  echo 'git-frisk hook pre-commit || exit' >> .husky/pre-commit
  echo 'git-frisk hook pre-merge-commit || exit' >> .husky/pre-merge-commit
  echo 'git-frisk hook commit-msg "$1" || exit' >> .husky/commit-msg
  echo 'git-frisk hook pre-push "$@" || exit' >> .husky/pre-push
"#;

// Scripts, since lefthook passes a command of pre-push by where the branch that is checked out has
// no changed file to push, whatever else is pushed.
const LEFTHOOK: &str = r#"add to its configuration (here as YAML)

  pre-commit:
    scripts:
      git-frisk: { runner: sh }
  pre-merge-commit:
    scripts:
      git-frisk: { runner: sh }
  commit-msg:
    scripts:
      git-frisk: { runner: sh }
  pre-push:
    scripts:
      git-frisk: { runner: sh, use_stdin: true }

then make the scripts (commands would be skipped where no file of the branch changes), and install

  for hook in pre-commit pre-merge-commit commit-msg pre-push; do
    mkdir -p .lefthook/$hook
    echo "exec git-frisk hook $hook -- \"\$@\"" > .lefthook/$hook/git-frisk
    chmod +x .lefthook/$hook/git-frisk
  done
  lefthook install
"#;
