#![no_main]
use duologue_fuzz::MediaLoopScenario;

libfuzzer_sys::fuzz_target!(|scenario: MediaLoopScenario| duologue_fuzz::media_loop(scenario));
