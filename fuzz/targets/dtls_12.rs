#![no_main]
use duologue_fuzz::DtlsScenario;

libfuzzer_sys::fuzz_target!(|scenario: DtlsScenario| duologue_fuzz::dtls_12(scenario));
