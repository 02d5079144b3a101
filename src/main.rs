//! `git frisk`: keeps OpenAI API keys out of git.

mod cli;

use std::process::ExitCode;

/// Bytes of stack, whatever `ulimit -s` leaves the main thread.
const STACK: usize = 8 << 20;

fn main() -> ExitCode {
    if has_stack() {
        return cli::run();
    }
    match std::thread::Builder::new()
        .stack_size(STACK)
        .spawn(cli::run)
    {
        // A panic has said where it happened.
        Ok(thread) => thread.join().unwrap_or_else(|_| ExitCode::from(2)),
        Err(_) => cli::run(),
    }
}

/// Whether the main thread may use as much itself; another one costs a tenth of a scan.
#[cfg(target_os = "linux")]
fn has_stack() -> bool {
    let limit = rustix::process::getrlimit(rustix::process::Resource::Stack);
    limit.current.is_none_or(|bytes| bytes >= STACK as u64)
}

#[cfg(not(target_os = "linux"))]
fn has_stack() -> bool {
    false
}
