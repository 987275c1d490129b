#![no_main]
libfuzzer_sys::fuzz_target!(|text: &str| duologue_fuzz::set_remote_description(text));
