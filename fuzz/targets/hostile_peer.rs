#![no_main]
use duologue_fuzz::HostileScenario;

libfuzzer_sys::fuzz_target!(|scenario: HostileScenario| duologue_fuzz::hostile_peer(scenario));
