//! See `tests/fuzz/rules.rs`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| git_frisk_fuzz::properties::rules::check(data));
