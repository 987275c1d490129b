//! Media over a path that loses packets: the browser and the Rust peer are in a network namespace, whose
//! packet filter drops at random (the kernel of the tests has no netem). It takes root.
#![expect(
    clippy::print_stdout,
    reason = "the outcomes are shown with --nocapture"
)]

use std::process::Command;

use duologue_browsers::{Browser, Suite, run};

/// Set inside of the namespace.
const INSIDE: &str = "DUOLOGUE_LOSSY_PATH";

/// What is in the namespace: loopback, an address that browsers take for one of a network, and the filter.
/// One datagram in twenty is lost, in each direction.
const NAMESPACE: &str = "ip link set lo up
    ip link add d0 type veth peer name d1
    ip link set d1 up && ip addr add 10.9.0.1/24 dev d0 && ip link set d0 up && ip route add default dev d0
    nft add table inet loss
    nft add chain inet loss in '{ type filter hook input priority 0; }'
    nft add rule inet loss in meta l4proto udp numgen random mod 20 == 0 counter drop
    exec \"$@\"";

#[test]
fn chromium_and_the_rust_peer_repair_what_a_path_loses() {
    repaired(
        Browser::Chromium,
        "chromium_and_the_rust_peer_repair_what_a_path_loses",
    );
}

#[test]
fn firefox_and_the_rust_peer_repair_what_a_path_loses() {
    repaired(
        Browser::Firefox,
        "firefox_and_the_rust_peer_repair_what_a_path_loses",
    );
}

/// Runs the test of that name once more, in a namespace; there, the scenarios.
fn repaired(browser: Browser, name: &str) {
    if std::env::var_os(INSIDE).is_none() {
        let test = std::env::current_exe().expect("a test has a file");
        let mut inside = Command::new("unshare");
        inside
            .args(["--net", "sh", "-e", "-c", NAMESPACE, "sh"])
            .arg(test);
        inside
            .args(["--exact", name, "--nocapture"])
            .env(INSIDE, "1");
        let done = inside.status().expect("unshare is there");
        assert!(done.success(), "in the namespace: {done}");
        return;
    }
    let runtime = tokio::runtime::Runtime::new().expect("threads");
    let outcomes = runtime.block_on(run(browser, Suite::Lossy, ""));
    let outcomes = outcomes.expect("the browser answers to the end");
    assert!(!outcomes.is_empty(), "no scenario ran");
    for outcome in &outcomes {
        println!("{browser:?}: {:>6} ms  {}", outcome.ms, outcome.name);
        assert_eq!(outcome.error, None, "{browser:?}: {}", outcome.name);
    }
}
