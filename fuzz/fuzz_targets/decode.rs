//! See `tests/fuzz/decode.rs`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| git_frisk_fuzz::properties::decode::check(data));
