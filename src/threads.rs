//! Threads that run beside their caller from the beginning.
//!
//! Linux may leave a new thread on the processor of the one that made it for some milliseconds,
//! though another processor has nothing to do. Most of what is to do here does not take longer.

use std::io;
use std::thread::Builder;
use std::thread::JoinHandle;

/// Bytes of stack a thread has, whatever the environment says.
pub const STACK: usize = 2 << 20;

/// Calls `theirs` in so many other threads, or as many of them as are to be had, and `own` in the
/// caller's. Returns what that makes, once all are done.
pub fn beside<T>(threads: usize, theirs: impl Fn() + Sync, own: impl FnOnce() -> T) -> T {
    if threads == 0 {
        return own();
    }
    let here = Here::now();
    let theirs = || {
        here.leave();
        theirs();
    };
    std::thread::scope(|scope| {
        for _ in 0..threads {
            // No thread to be had is no reason not to go on.
            let thread = Builder::new().stack_size(STACK);
            if thread.spawn_scoped(scope, theirs).is_err() {
                break;
            }
        }
        give_way();
        own()
    })
}

/// Calls `work` in another thread.
pub fn spawn<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> io::Result<JoinHandle<T>> {
    let here = Here::now();
    let thread = Builder::new().stack_size(STACK).spawn(move || {
        here.leave();
        work()
    })?;
    give_way();
    Ok(thread)
}

/// Lets those begin that wait for this processor, to leave it.
fn give_way() {
    #[cfg(target_os = "linux")]
    rustix::thread::sched_yield();
}

/// The processor that threads are made on.
#[derive(Debug, Clone, Copy)]
struct Here(#[cfg(target_os = "linux")] usize);

#[cfg(target_os = "linux")]
impl Here {
    fn now() -> Self {
        Self(rustix::thread::sched_getcpu())
    }

    /// Moves the caller to another processor, if it is on this one and may run on others. It may
    /// come back.
    fn leave(self) {
        use rustix::thread::CpuSet;
        use rustix::thread::sched_getaffinity;
        use rustix::thread::sched_getcpu;
        use rustix::thread::sched_setaffinity;

        // Where the system does not tell, it is a number that no processor has.
        if sched_getcpu() != self.0 || self.0 >= CpuSet::MAX_CPU {
            return;
        }
        let Ok(all) = sched_getaffinity(None) else {
            return;
        };
        let mut others = all;
        others.unset(self.0);
        if others.count() > 0 && sched_setaffinity(None, &others).is_ok() {
            // It stays where it is if this fails.
            let _: rustix::io::Result<()> = sched_setaffinity(None, &all);
        }
    }
}

#[cfg(not(target_os = "linux"))]
impl Here {
    fn now() -> Self {
        Self()
    }

    fn leave(self) {}
}
