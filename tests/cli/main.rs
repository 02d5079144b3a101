//! The program from end to end: the real binary, in real repositories that the real `git` made.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod allow;
mod allow_by_key;
mod archive;
mod config;
mod decode;
mod exit;
mod history;
mod hook;
mod keys;
mod regression;
mod report;
mod rules;
mod sandbox;
mod scan;
mod staged;
