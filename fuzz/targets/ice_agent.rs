#![no_main]
use duologue_fuzz::IceScenario;

libfuzzer_sys::fuzz_target!(|scenario: IceScenario| duologue_fuzz::ice_agent(scenario));
