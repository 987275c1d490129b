#![no_main]
use duologue_fuzz::PeerScenario;

libfuzzer_sys::fuzz_target!(|scenario: PeerScenario| duologue_fuzz::peer(scenario));
