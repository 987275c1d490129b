#![no_main]
use duologue_fuzz::CongestionScenario;

libfuzzer_sys::fuzz_target!(|scenario: CongestionScenario| duologue_fuzz::congestion(scenario));
