#![no_main]
libfuzzer_sys::fuzz_target!(|chunks: &[u8]| duologue_fuzz::sctp_packet(chunks));
