//! See `tests/fuzz/index.rs`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| git_frisk_fuzz::properties::index::check(data));
