//! What may stand, and what is left out.

pub mod allow;
pub mod config;
pub mod exception;
pub mod exclude;
