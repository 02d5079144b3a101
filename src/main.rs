//! `git frisk`: keeps OpenAI API keys out of git.

mod cli;

use std::process::ExitCode;

/// Bytes of stack, whatever `ulimit -s` leaves the main thread.
const STACK: usize = 8 << 20;

fn main() -> ExitCode {
    match std::thread::Builder::new()
        .stack_size(STACK)
        .spawn(cli::run)
    {
        // A panic has said where it happened.
        Ok(thread) => thread.join().unwrap_or_else(|_| ExitCode::from(2)),
        Err(_) => cli::run(),
    }
}
