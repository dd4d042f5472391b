//! Hands libFuzzer's bytes to `fuzz::phone_number`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::phone_number(data));
