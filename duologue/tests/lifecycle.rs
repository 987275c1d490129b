//! What connections leave behind: nothing.

mod common;

use std::time::Duration;

use common::{connected, endpoint};
use duologue::{DataChannelInit, Endpoint};

const CONNECTIONS: usize = 1000;

fn file_descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").map_or(0, Iterator::count)
}

fn resident_kib() -> usize {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages = statm.split_whitespace().nth(1).and_then(|n| n.parse().ok());
    pages.unwrap_or(0) * 4
}

fn tasks() -> usize {
    tokio::runtime::Handle::current()
        .metrics()
        .num_alive_tasks()
}

/// Opens and closes this many connections, two at a time.
async fn churn(endpoint: &Endpoint, connections: usize) {
    for i in 0..connections / 2 {
        let (alice, bob, a, b) = connected(endpoint, DataChannelInit::default()).await;
        a.send_text("hello").await.expect("the channel is open");
        b.recv().await.expect("a message");
        // Closed on purpose, or just dropped: both free everything.
        if i % 2 == 0 {
            alice.connection.close();
            bob.connection.close();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
#[cfg(target_os = "linux")]
async fn a_thousand_connections_leave_no_memory_task_or_file_descriptor() {
    let endpoint = endpoint();
    // Allocators, threads and the runtime reach their size.
    churn(&endpoint, 100).await;
    let quiet = (file_descriptors(), tasks());
    let resident = resident_kib();
    churn(&endpoint, CONNECTIONS).await;
    // The last sessions' tasks end when they are next polled.
    let ended = async {
        while file_descriptors() > quiet.0 || tasks() > quiet.1 {
            tokio::task::yield_now().await;
        }
    };
    // What is still there by then is named below.
    let _ = tokio::time::timeout(Duration::from_secs(10), ended).await;
    assert!(
        file_descriptors() <= quiet.0,
        "file descriptors: {} of {}",
        file_descriptors(),
        quiet.0
    );
    assert!(tasks() <= quiet.1, "tasks: {} of {}", tasks(), quiet.1);
    let grown = resident_kib().saturating_sub(resident);
    assert!(
        grown < 2 * CONNECTIONS,
        "{grown} KiB more after {CONNECTIONS} connections"
    );
}
