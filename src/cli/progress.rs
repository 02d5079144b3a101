//! How far a scan is, on a terminal, once it has taken a while.

use std::io;
use std::io::IsTerminal as _;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;
use std::time::Duration;

use git_frisk::scan::Progress;
use indicatif::BinaryBytes;
use indicatif::ProgressBar;
use indicatif::ProgressDrawTarget;
use indicatif::ProgressStyle;

/// Most scans are over by then.
const PATIENCE: Duration = Duration::from_secs(1);
/// Between two looks.
const PAUSE: Duration = Duration::from_millis(100);

/// Shows how far a scan is until it is dropped.
pub(super) struct Shown {
    over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Shown {
    /// Begins, if somebody is watching.
    pub(super) fn begin(progress: Arc<Progress>) -> Option<Self> {
        if !io::stderr().is_terminal() {
            return None;
        }
        let over = Arc::new(AtomicBool::new(false));
        let is_over = Arc::clone(&over);
        let thread = std::thread::Builder::new().stack_size(256 << 10);
        let show = move || {
            std::thread::park_timeout(PATIENCE);
            if !is_over.load(Ordering::Relaxed) {
                show(&progress, &is_over);
            }
        };
        // No thread to be had is no reason not to scan.
        let thread = thread.spawn(show).ok();
        Some(Self { over, thread })
    }
}

impl Drop for Shown {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            // What it could not show is missed by nobody.
            let _: std::thread::Result<()> = thread.join();
        }
    }
}

/// The one function of the system's library of mathematics that the program uses, for the time
/// left: for its sake that library would be loaded at each start, which a hook can feel.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[expect(
    unsafe_code,
    reason = "it takes the place of the function of that name"
)]
#[unsafe(no_mangle)]
extern "C" fn pow(base: f64, exponent: f64) -> f64 {
    libm::pow(base, exponent)
}

fn show(progress: &Progress, is_over: &AtomicBool) {
    let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
    let known = progress.expected() > 0;
    let template = if known {
        "scanning [{bar:24}] {pos} of {len} objects, {msg}, {per_sec}, {eta} left"
    } else {
        "scanning {pos} items, {msg}, {per_sec}"
    };
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style.progress_chars("=> "));
    }
    while !is_over.load(Ordering::Relaxed) {
        if known {
            bar.set_length(progress.expected());
        }
        bar.set_message(BinaryBytes(progress.bytes()).to_string());
        bar.set_position(progress.seen());
        std::thread::park_timeout(PAUSE);
    }
    bar.finish_and_clear();
}
