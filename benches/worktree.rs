//! Worktree scan.
fn main() {}
