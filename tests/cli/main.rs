//! The program from end to end: the real binary, in real repositories that the real `git` made.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod allow;
mod allow_by_key;
mod archive;
mod ci;
mod config;
mod decode;
mod delivery;
mod docs;
mod event;
mod exit;
mod explain;
mod format;
mod history;
mod hook;
mod hook_push;
mod install;
mod keys;
mod markdown;
mod regression;
mod reliability;
mod report;
mod rules;
mod sandbox;
mod scan;
mod schema;
mod staged;
