#![no_main]
use duologue_fuzz::SrtpScenario;

libfuzzer_sys::fuzz_target!(|scenario: SrtpScenario| duologue_fuzz::srtp(scenario));
