//! `git frisk`: keeps OpenAI API keys out of git.

#![cfg_attr(all(target_os = "linux", target_env = "gnu", not(test)), no_main)]

mod cli;

#[cfg(not(all(target_os = "linux", target_env = "gnu", not(test))))]
fn main() -> std::process::ExitCode {
    cli::start().into()
}

/// The beginning, where it is known how, without what Rust's library does before `main`: to know a
/// stack that overflows, it reads how all memory is laid out, which takes a fifteenth of the time of
/// looking at a commit. What of it counts is done here.
#[cfg(all(target_os = "linux", target_env = "gnu", not(test)))]
mod begin {
    use std::ffi::c_char;
    use std::ffi::c_int;
    use std::fs::File;
    use std::io;
    use std::os::fd::AsRawFd as _;
    use std::os::fd::IntoRawFd as _;
    use std::sync::Arc;
    use std::sync::atomic::AtomicBool;

    use rustix::io::fcntl_getfd;
    use rustix::stdio;
    use signal_hook::SigId;
    use signal_hook::consts::SIGPIPE;

    use crate::cli;

    /// What the system calls. Rust's library has got the arguments from the C library already.
    #[expect(unsafe_code, reason = "the C library calls it by its name")]
    // SAFETY: nothing else has this name, and it is of the type that the C library expects.
    #[unsafe(no_mangle)]
    extern "C" fn main(_count: c_int, _arguments: *const *const c_char) -> c_int {
        let status = std::panic::catch_unwind(|| {
            if !open_streams() {
                return cli::without_streams();
            }
            // Writing to a pipe that nobody reads is an error and not the end. Where it cannot be
            // had, the status of a process that a signal ended says so.
            let unheeded = Arc::<AtomicBool>::default();
            let _: io::Result<SigId> = signal_hook::flag::register(SIGPIPE, unheeded);
            cli::start()
        });
        status.unwrap_or(cli::PANICKED).into()
    }

    /// Opens the standard streams that are closed, lest the next file be taken for one: the wrong way
    /// round, by which it is known what they are. Says whether all of them are open then.
    fn open_streams() -> bool {
        let streams = [stdio::stdin(), stdio::stdout(), stdio::stderr()];
        streams.into_iter().enumerate().all(|(number, stream)| {
            if fcntl_getfd(stream).is_ok() {
                return true;
            }
            let is_input = number == 0;
            let null = File::options()
                .read(!is_input)
                .write(is_input)
                .open("/dev/null");
            // The least number that is free, since those before it are open by now.
            null.is_ok_and(|null| null.into_raw_fd() == stream.as_raw_fd())
        })
    }
}
