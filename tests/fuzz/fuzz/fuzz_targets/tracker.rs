//! Hands libFuzzer's bytes to `fuzz::tracker`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::tracker(data));
