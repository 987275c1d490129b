#![no_main]
use duologue_fuzz::PlayoutScenario;

libfuzzer_sys::fuzz_target!(|scenario: PlayoutScenario| duologue_fuzz::playout(scenario));
