#![no_main]
libfuzzer_sys::fuzz_target!(|text: &str| duologue_fuzz::remote_offer(text));
