//! See `tests/fuzz/delta.rs`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| git_frisk_fuzz::properties::delta::check(data));
