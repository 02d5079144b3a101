//! The command line, as data.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::Args;
use clap::Parser;
use clap::Subcommand;
use clap::ValueEnum;
use clap::builder::ArgPredicate;

const AFTER_HELP: &str = "\
Exit status: 0 everything asked for was scanned and nothing stands; 1 findings
stand; 2 something asked for was not scanned, and is named.";

/// Keeps OpenAI API keys out of git
#[derive(Debug, Parser)]
#[command(
    name = "git-frisk",
    bin_name = "git frisk",
    version,
    max_term_width = 80,
    // What is printed is escaped, so a style would be seen as its escape sequence.
    styles = clap::builder::Styles::plain(),
    after_help = AFTER_HELP
)]
pub(crate) struct Cli {
    /// Run as if started in DIR; may be repeated
    #[arg(short = 'C', value_name = "DIR")]
    pub(crate) directory: Vec<PathBuf>,

    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
#[command(defer = true)] // the options of one are made, not of all
pub(crate) enum Command {
    /// Scan files and directories
    Scan {
        /// Files and directories; `-` is standard input
        #[arg(
            value_name = "PATH",
            default_value = ".",
            default_value_if("files_from", ArgPredicate::IsPresent, None)
        )]
        paths: Vec<PathBuf>,

        /// Scan what FILE lists, a path a line, from the current directory; `-` is standard input
        #[arg(long, value_name = "FILE")]
        files_from: Option<PathBuf>,

        /// The list ends each path with a zero byte, as `git diff --name-only -z` writes it
        #[arg(short = '0', long, requires = "files_from")]
        null: bool,

        /// Scan ignored files too, not only tracked ones and those no ignore file names
        #[arg(long)]
        no_ignore: bool,

        /// Leave out files larger than this (bytes, or with K, M or G); they are named
        #[arg(long, value_name = "SIZE", value_parser = parse_size)]
        max_filesize: Option<u64>,

        #[command(flatten)]
        options: Options,
    },
    /// Scan what the next commit adds
    Staged {
        /// Scan every file of the index, not only what the commit adds
        #[arg(long)]
        all: bool,

        #[command(flatten)]
        options: Options,
    },
    /// Scan the commits of BASE..HEAD, or of the whole repository
    History {
        /// BASE..HEAD, A...B, REV or ^REV; none for every ref, all worktrees and the stash
        #[arg(value_name = "RANGE")]
        ranges: Vec<String>,

        /// Leave out these revisions and all before them
        #[arg(long, value_name = "REV", num_args = 1.., conflicts_with = "ci")]
        not: Vec<String>,

        /// Scan what only the reflogs lead to as well
        #[arg(long, conflicts_with_all = ["ranges", "not", "ci"])]
        reflog: bool,

        /// Scan every object, also those that nothing leads to
        #[arg(long, conflicts_with_all = ["ranges", "not", "ci"])]
        unreachable: bool,

        /// The range of this run of GitHub Actions or GitLab CI, from the CI's variables
        #[arg(long, conflicts_with = "ranges")]
        ci: bool,

        #[command(flatten)]
        options: Options,
    },
    /// Scan what git or another host is about to let through
    Hook {
        /// Which hook
        name: HookName,

        /// What git gives the hook: a file for commit-msg, the remote's name and URL for pre-push
        #[arg(value_name = "ARG")]
        arguments: Vec<OsString>,

        #[command(flatten)]
        options: Options,
    },
    /// Install the hooks, prove that they work, or remove them
    Install(Install),
    /// Write an exception for a key, or for all that stand today, into .friskignore
    Allow {
        /// The key's id, as findings name it: never the key itself
        #[arg(
            value_name = "KEY-ID",
            required_unless_present = "all",
            conflicts_with = "all"
        )]
        keys: Vec<String>,

        /// Every key that `scan` finds in the worktree now: a baseline to begin with
        #[arg(long)]
        all: bool,

        /// With --all: the keys that give warnings too
        #[arg(long, requires = "all")]
        strict: bool,

        /// Why it may stand: for those who read the file
        #[arg(long, value_name = "TEXT", required = true)]
        reason: String,
    },
    /// Say what a rule finds and what to do; without a rule, list them
    Explain {
        /// The rule's id, as findings name it
        rule: Option<String>,

        /// Know the rules of this file too, beside those of .frisk.toml; may be repeated
        #[arg(long, value_name = "FILE")]
        rules: Vec<PathBuf>,

        /// Know the optional rules too
        #[arg(long)]
        all_rules: bool,
    },
    /// Print the script that completes commands in a shell
    Completions {
        /// Which shell
        shell: clap_complete::Shell,
    },
    /// Print the manual page, or write those of all commands
    Man {
        /// A directory of `man`, such as ~/.cargo/share/man/man1
        #[arg(value_name = "DIR")]
        directory: Option<PathBuf>,
    },
}

#[derive(Debug, Args)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a switch of the command line"
)]
pub(crate) struct Install {
    /// Prove that a real commit of a key is blocked, in a scratch directory
    #[arg(long, conflicts_with = "remove")]
    pub(crate) check: bool,

    /// Take the hooks away, and bring back those that were there before
    #[arg(long)]
    pub(crate) remove: bool,

    /// For every repository of this user; needs git 2.54
    #[arg(long, conflicts_with = "check")]
    pub(crate) global: bool,

    /// Install git's own hooks, also beside pre-commit, husky or lefthook
    #[arg(long, conflicts_with_all = ["check", "remove", "global"])]
    pub(crate) native: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum HookName {
    /// Before a commit; under pre-commit (the framework) also for its other stages
    PreCommit,
    /// Before a merge commit
    PreMergeCommit,
    /// The message of a commit; its file is the argument
    CommitMsg,
    /// Before a push: what the remote lacks
    PrePush,
    /// On a server, before it takes a push
    PreReceive,
    /// Before Claude Code uses a tool: the event is on standard input
    ClaudeCode,
}

#[derive(Debug, Default, Args)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a switch of the command line"
)]
pub(crate) struct Options {
    /// The form of the report [default: human]
    #[arg(long, value_name = "FORMAT")]
    pub(crate) format: Option<FormatName>,

    /// Write the report to FILE; the human text still goes to standard error
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,

    /// Look for the secrets of this rule file too; may be repeated
    #[arg(long, value_name = "FILE")]
    pub(crate) rules: Vec<PathBuf>,

    /// Look for short-lived and rare secrets too (`explain --all-rules` lists them)
    #[arg(long)]
    pub(crate) all_rules: bool,

    /// Read FILE instead of .frisk.toml
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,

    /// Leave out paths, in the syntax of .gitignore; they are counted and named
    #[arg(long, value_name = "GLOB")]
    pub(crate) exclude: Vec<String>,

    /// Ignore every exception
    #[arg(long)]
    pub(crate) no_allow: bool,

    /// Let warnings block too
    #[arg(long)]
    pub(crate) strict: bool,

    /// Threads to use; 0 for as many as the machine has
    #[arg(short = 'j', long, value_name = "N", default_value_t = 0)]
    pub(crate) threads: usize,

    /// When to use colour
    #[arg(long, value_name = "WHEN", default_value = "auto")]
    pub(crate) color: ColorWhen,

    /// Print no report; the exit status tells
    #[arg(short, long, conflicts_with = "verbose")]
    pub(crate) quiet: bool,

    /// Say what was looked at and rejected, and what was left out
    #[arg(short, long)]
    pub(crate) verbose: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum FormatName {
    /// Frames with the line
    Human,
    /// One line a finding
    Short,
    /// One JSON object
    Json,
    /// One JSON object a finding and line, and one with the rest
    Jsonl,
    /// SARIF 2.1.0, as for GitHub's code scanning
    Sarif,
    /// Annotations of GitHub Actions, and the job's summary
    Github,
    /// GitLab's code quality report
    Gitlab,
    /// JUnit's XML
    Junit,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum ColorWhen {
    #[default]
    Auto,
    Always,
    Never,
}

/// Reads `512`, `64K`, `10M` or `1G`.
fn parse_size(text: &str) -> Result<u64, String> {
    let (digits, factor) = match text.as_bytes().last() {
        Some(b'K' | b'k') => (text.trim_end_matches(['K', 'k']), 1 << 10),
        Some(b'M' | b'm') => (text.trim_end_matches(['M', 'm']), 1 << 20),
        Some(b'G' | b'g') => (text.trim_end_matches(['G', 'g']), 1 << 30),
        _ => (text, 1),
    };
    digits
        .parse::<u64>()
        // Told as an error below.
        .ok()
        .and_then(|number| number.checked_mul(factor))
        .ok_or_else(|| "write a number of bytes, or one with K, M or G".to_owned())
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn sizes() {
        assert_eq!(parse_size("512"), Ok(512));
        assert_eq!(parse_size("64K"), Ok(65536));
        assert_eq!(parse_size("1g"), Ok(1 << 30));
        assert!(parse_size("x").is_err());
        assert!(parse_size("99999999999999G").is_err());
    }
}
