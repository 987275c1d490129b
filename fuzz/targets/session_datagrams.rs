#![no_main]
use duologue_fuzz::SessionScenario;

libfuzzer_sys::fuzz_target!(|scenario: SessionScenario| duologue_fuzz::session_datagrams(scenario));
