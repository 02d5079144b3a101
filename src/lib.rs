//! Finds API keys, OpenAI's `sk-` keys first, in what is about to be committed, in a worktree, in
//! a range of commits and in a whole history, and says so without ever printing one.
//!
//! A [`source`] names items and reads them; the [`matcher`] finds candidates in their bytes by the
//! rules of a [`rule::RuleSet`]; [`scan`] joins the two and turns candidates into
//! [`finding`]s, which hold no secret; a [`reporter`] writes the [`report`]. `docs/ARCHITECTURE.md`
//! has the map.

#[cfg(target_arch = "x86_64")]
mod avx512;
pub mod decode;
pub mod excerpt;
pub mod finding;
pub mod git;
pub mod key_id;
pub mod matcher;
pub mod place;
pub mod policy;
pub mod report;
pub mod reporter;
pub mod rule;
pub mod scan;
pub mod secret;
pub mod source;
pub mod span;
pub mod text;
pub mod threads;
