//! The command line, as data.

use std::path::PathBuf;

use clap::Args;
use clap::Parser;
use clap::Subcommand;
use clap::ValueEnum;
use clap::builder::ArgPredicate;

/// Keeps OpenAI API keys out of git.
///
/// Exit status: 0 everything asked for was scanned and nothing stands, 1 findings stand,
/// 2 something asked for was not scanned (and is named).
#[derive(Debug, Parser)]
#[command(
    name = "git-frisk",
    bin_name = "git frisk",
    version,
    max_term_width = 100
)]
pub(crate) struct Cli {
    /// Run as if started in DIR; may be repeated, each relative to the one before
    #[arg(short = 'C', value_name = "DIR")]
    pub(crate) directory: Vec<PathBuf>,

    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
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
    /// Scan what the next commit would contain, and tell only what it adds
    Staged {
        /// Scan every file of the index, not only what the commit adds
        #[arg(long)]
        all: bool,

        #[command(flatten)]
        options: Options,
    },
    /// Scan what commits bring in: those of BASE..HEAD, or of the whole repository
    History {
        /// BASE..HEAD, A...B, REV or ^REV; none for every ref, all worktrees and the stash
        #[arg(value_name = "RANGE")]
        ranges: Vec<String>,

        #[command(flatten)]
        options: Options,
    },
    /// The entry for hook hosts: scans what the host is about to let through
    Hook {
        /// Which hook
        name: HookName,

        #[command(flatten)]
        options: Options,
    },
    /// Say what a rule finds, why it matters and what to do; without a rule, list them
    Explain {
        /// The rule's id, as findings name it
        rule: Option<String>,

        /// Know the rules of this file too; may be repeated
        #[arg(long, value_name = "FILE")]
        rules: Vec<PathBuf>,

        /// Know the optional rules too
        #[arg(long)]
        all_rules: bool,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum HookName {
    /// Before a commit; under pre-commit (the framework) also for its other stages
    PreCommit,
    /// Before a merge commit
    PreMergeCommit,
}

#[derive(Debug, Args)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a switch of the command line"
)]
pub(crate) struct Options {
    /// The form of the report
    #[arg(long, value_name = "FORMAT", default_value = "human")]
    pub(crate) format: FormatName,

    /// Write the report to FILE; the human text still goes to standard error
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,

    /// Look for the secrets of this rule file too; may be repeated
    #[arg(long, value_name = "FILE")]
    pub(crate) rules: Vec<PathBuf>,

    /// Look for short-lived and rare secrets too (`explain --all-rules` lists them)
    #[arg(long)]
    pub(crate) all_rules: bool,

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
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ColorWhen {
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
