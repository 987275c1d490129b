#![no_main]
use duologue_fuzz::IceServerScenario;

libfuzzer_sys::fuzz_target!(|scenario: IceServerScenario| duologue_fuzz::ice_server(scenario));
