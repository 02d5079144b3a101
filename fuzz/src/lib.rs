//! What the fuzz targets check: the same as `tests/fuzz.rs` of git-frisk, and from the same files.

#[path = "../../tests/fuzz/properties.rs"]
pub mod properties;
