//! `git frisk completions` and `git frisk man`: made from the definition of the command line.

use std::fs;
use std::path::Path;

use anyhow::Context as _;
use clap::CommandFactory as _;
use clap_complete::Shell;
use clap_mangen::Man;
use git_frisk::report::Verdict;
use git_frisk::reporter::page::Page;
use git_frisk::scan::Redactor;

use crate::cli::args::Cli;
use crate::cli::matcher;
use crate::cli::output;

/// What the program is called where it is run; `git frisk` is how git calls it.
const NAME: &str = "git-frisk";

/// For `git frisk`, where git's own completion looks for a function of this name.
const FOR_GIT: &str = r#"
_git_frisk() {
    local at=1
    while [[ $at -lt $COMP_CWORD && ${COMP_WORDS[at]} != frisk ]]; do ((at++)); done
    local -a words=(git-frisk "${COMP_WORDS[@]:at+1}")
    local cword=$((COMP_CWORD - at))
    local -a COMP_WORDS=("${words[@]}")
    local COMP_CWORD=$cword
    _git__frisk git-frisk "${words[cword]}" "${words[cword - 1]}"
}
"#;

/// Prints a completion script.
pub(crate) fn completions(shell: Shell) -> anyhow::Result<Verdict> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), NAME, &mut script);
    if shell == Shell::Bash {
        script.extend_from_slice(FOR_GIT.as_bytes());
    }
    print(&script)
}

/// Prints the manual page, or writes all of them into a directory.
pub(crate) fn man(directory: Option<&Path>) -> anyhow::Result<Verdict> {
    // `git frisk --help` asks `man` for `git-frisk`.
    let mut command = Cli::command().bin_name(NAME).disable_help_subcommand(true);
    command.build();
    let Some(directory) = directory else {
        return print(&page(command)?);
    };
    fs::create_dir_all(directory)
        .with_context(|| format!("{} cannot be made", directory.display()))?;
    let mut names = Vec::new();
    let commands: Vec<clap::Command> = command.get_subcommands().cloned().collect();
    for command in std::iter::once(command).chain(commands) {
        let name = command
            .get_display_name()
            .unwrap_or_else(|| command.get_name())
            .to_owned();
        let path = directory.join(format!("{name}.1"));
        fs::write(&path, page(command)?)
            .with_context(|| format!("{} cannot be written", path.display()))?;
        names.push(name);
    }
    let mut told = Page::new(false);
    told.text(format_args!(
        "written to {}: {}",
        directory.display(),
        names.join(", ")
    ))
    .end();
    let matcher = matcher()?;
    output::to_stdout(told, Redactor::new(&matcher))?;
    Ok(Verdict::Clean)
}

fn page(command: clap::Command) -> anyhow::Result<Vec<u8>> {
    let mut page = Vec::new();
    Man::new(command)
        .render(&mut page)
        .context("the manual page")?;
    Ok(page)
}

fn print(text: &[u8]) -> anyhow::Result<Verdict> {
    let matcher = matcher()?;
    output::bytes_to_stdout(text, Redactor::new(&matcher)).context("standard output")?;
    Ok(Verdict::Clean)
}
