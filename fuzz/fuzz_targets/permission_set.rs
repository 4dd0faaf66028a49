#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| atpass_fuzz::permission_set(data));
