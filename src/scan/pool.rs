//! Work on many items: in parallel where that pays, cancellable, and no panic costs more than its
//! item.

use std::fmt;
use std::panic::AssertUnwindSafe;
use std::panic::catch_unwind;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;

use rayon::prelude::*;

use crate::threads::STACK;

/// Fewer items than this are not worth a thread.
pub(super) const WORTH_THREADS: usize = 32;

/// The most threads that can be asked for.
const MAX_THREADS: usize = 256;

/// How many threads `asked` means: 0 is as many as the machine has.
pub fn threads_for(asked: usize) -> usize {
    match asked {
        0 => std::thread::available_parallelism().map_or(1, usize::from),
        asked => asked.min(MAX_THREADS),
    }
}

/// Asks a scan to stop; clones ask the same scan.
#[derive(Debug, Clone, Default)]
pub struct Cancel(Arc<AtomicBool>);

impl Cancel {
    /// Stops the scan as soon as the items under way are done.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// What is set when the scan is to stop: all that a signal handler may touch.
    pub fn flag(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.0)
    }

    /// Whether the scan is to stop.
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// Runs work on items.
#[derive(Debug)]
pub struct Pool {
    threads: Option<rayon::ThreadPool>,
    cancel: Cancel,
}

impl Pool {
    /// Makes a pool for `items` items. It has `threads` threads (0: as many as the machine), or
    /// works on the caller's where there is little to do or no thread to be had.
    pub fn new(threads: usize, items: usize, cancel: Cancel) -> Self {
        // Asking how many there are costs as much as scanning a file.
        let threads = if items < WORTH_THREADS {
            1
        } else {
            threads_for(threads)
        };
        let threads = if threads == 1 {
            None
        } else {
            // No thread to be had is no reason not to scan.
            rayon::ThreadPoolBuilder::new()
                .num_threads(threads)
                .stack_size(STACK)
                .build()
                // Without threads the caller works alone.
                .ok()
        };
        Self { threads, cancel }
    }

    /// Whether the work is done by other threads than the caller's.
    pub fn has_threads(&self) -> bool {
        self.threads.is_some()
    }

    /// Calls `work` once for each item, in any order and from any thread. `open` makes what one
    /// thread needs. An item whose work panics is given to `broken`; what its thread had opened is
    /// thrown away. After a cancellation the rest is left.
    pub fn each<T: Sync, S>(
        &self,
        items: &[T],
        open: impl Fn() -> S + Sync,
        work: impl Fn(&mut S, &T) + Sync,
        broken: impl Fn(&T) + Sync,
    ) {
        match &self.threads {
            None => self.in_turn(items, open, work, broken),
            Some(pool) => pool.install(|| {
                items.par_iter().with_max_len(64).for_each_init(
                    || None,
                    |state, item| {
                        self.run(state, item, &open, &work, &broken);
                    },
                );
            }),
        }
    }

    /// Calls `begin` once in each thread, with the items that it shares with the others: what a
    /// thread opens can so borrow from what else it opens. Items that nobody took, since a thread
    /// failed before it took any, are given to `broken`.
    pub fn share<T: Sync>(
        &self,
        items: &[T],
        begin: impl Fn(&Turns<'_, T>) + Sync,
        broken: impl Fn(&T) + Sync,
    ) {
        let turns = Turns {
            pool: self,
            items,
            next: AtomicUsize::new(0),
            broken: &broken,
        };
        let run = || catch_unwind(AssertUnwindSafe(|| begin(&turns))).is_ok();
        match &self.threads {
            None => {
                run();
            }
            Some(pool) => {
                pool.broadcast(|_| run());
            }
        }
        turns.each(&broken);
    }

    /// The same as [`Pool::each`] on the caller's thread, whatever the pool has: what is used need not be shared.
    pub fn in_turn<T, S>(
        &self,
        items: &[T],
        open: impl Fn() -> S,
        work: impl Fn(&mut S, &T),
        broken: impl Fn(&T),
    ) {
        let mut state = None;
        for item in items {
            self.run(&mut state, item, &open, &work, &broken);
        }
    }

    fn run<T, S>(
        &self,
        state: &mut Option<S>,
        item: &T,
        open: impl Fn() -> S,
        work: impl Fn(&mut S, &T),
        broken: impl Fn(&T),
    ) {
        if self.cancel.is_cancelled() {
            return;
        }
        let outcome = catch_unwind(AssertUnwindSafe(|| {
            work(state.get_or_insert_with(open), item);
        }));
        if outcome.is_err() {
            *state = None;
            broken(item);
        }
    }
}

/// Items that threads share.
pub struct Turns<'a, T> {
    pool: &'a Pool,
    items: &'a [T],
    next: AtomicUsize,
    broken: &'a (dyn Fn(&T) + Sync),
}

impl<T> fmt::Debug for Turns<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Turns({} items)", self.items.len())
    }
}

impl<T> Turns<'_, T> {
    /// Calls `work` with items that no other thread takes until there are no more.
    pub fn each(&self, work: impl Fn(&T)) {
        while let Some(item) = self.items.get(self.next.fetch_add(1, Ordering::Relaxed)) {
            if self.pool.cancel.is_cancelled() {
                return;
            }
            if catch_unwind(AssertUnwindSafe(|| work(item))).is_err() {
                (self.broken)(item);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    #[test]
    fn a_panic_costs_its_item_and_no_other() {
        for threads in [1, 4] {
            let items: Vec<u32> = (0..1000).collect();
            let done = Mutex::new(Vec::new());
            let failed = Mutex::new(Vec::new());
            Pool::new(threads, items.len(), Cancel::default()).each(
                &items,
                || (),
                |(), item| {
                    assert!(item % 100 != 7, "on purpose");
                    done.lock().unwrap().push(*item);
                },
                |item| failed.lock().unwrap().push(*item),
            );
            assert_eq!(done.into_inner().unwrap().len(), 990);
            let mut failed = failed.into_inner().unwrap();
            failed.sort_unstable();
            assert_eq!(failed[..3], [7, 107, 207]);
        }
    }

    #[test]
    fn shared_items_are_each_done_once() {
        for threads in [1, 4] {
            let items: Vec<u32> = (0..1000).collect();
            let done = Mutex::new(Vec::new());
            let failed = Mutex::new(Vec::new());
            Pool::new(threads, items.len(), Cancel::default()).share(
                &items,
                |turns| {
                    turns.each(|item| {
                        assert!(item % 100 != 7, "on purpose");
                        done.lock().unwrap().push(*item);
                    });
                },
                |item| failed.lock().unwrap().push(*item),
            );
            let mut done = done.into_inner().unwrap();
            done.sort_unstable();
            done.dedup();
            assert_eq!(done.len(), 990);
            assert_eq!(failed.into_inner().unwrap().len(), 10);
        }
    }

    #[test]
    fn what_no_thread_could_begin_is_broken() {
        let failed = Mutex::new(0);
        Pool::new(2, 100, Cancel::default()).share(
            &[0; 100],
            |_| panic!("on purpose"),
            |_| *failed.lock().unwrap() += 1,
        );
        assert_eq!(failed.into_inner().unwrap(), 100);
    }

    #[test]
    fn nothing_more_is_begun_after_a_cancellation() {
        let cancel = Cancel::default();
        let done = Mutex::new(0);
        Pool::new(1, 10, cancel.clone()).each(
            &[0; 10],
            || (),
            |(), _| {
                *done.lock().unwrap() += 1;
                cancel.cancel();
            },
            |_| {},
        );
        assert_eq!(done.into_inner().unwrap(), 1);
    }
}
