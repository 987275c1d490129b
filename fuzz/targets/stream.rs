#![no_main]
use duologue_fuzz::StreamScenario;

libfuzzer_sys::fuzz_target!(|scenario: StreamScenario| duologue_fuzz::stream(scenario));
