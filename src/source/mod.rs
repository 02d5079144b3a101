//! Where bytes come from: what there is to scan, named but not read yet.

pub mod history;
pub mod project;
pub mod push;
pub mod staged;
pub mod worktree;
