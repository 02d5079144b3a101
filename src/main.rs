//! `git frisk`: keeps OpenAI API keys out of git.

mod cli;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::run()
}
