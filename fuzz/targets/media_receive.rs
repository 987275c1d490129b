#![no_main]
use duologue_fuzz::MediaReceiveScenario;

libfuzzer_sys::fuzz_target!(
    |scenario: MediaReceiveScenario| duologue_fuzz::media_receive(scenario)
);
