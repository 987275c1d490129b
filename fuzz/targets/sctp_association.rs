#![no_main]
use duologue_fuzz::SctpScenario;

libfuzzer_sys::fuzz_target!(|scenario: SctpScenario| duologue_fuzz::sctp_association(scenario));
