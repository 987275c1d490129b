//! What connections leave behind: nothing.

mod common;

use std::time::Duration;

use common::{connected, endpoint};
use duologue::{DataChannelInit, Endpoint};
use duologue_allocations::Counting;

const CONNECTIONS: usize = 1000;
#[cfg(target_os = "linux")]
const ROUNDS: usize = 2;

#[global_allocator]
static ALLOCATOR: Counting = Counting::new();

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

/// The last sessions' tasks end when they are next polled.
#[cfg(target_os = "linux")]
async fn all_end((descriptors, running): (usize, usize)) {
    let ended = async {
        while file_descriptors() > descriptors || tasks() > running {
            tokio::task::yield_now().await;
        }
    };
    // What is still there by then is named below.
    let _ = tokio::time::timeout(Duration::from_secs(10), ended).await;
    assert!(
        file_descriptors() <= descriptors,
        "file descriptors: {} of {descriptors}",
        file_descriptors()
    );
    assert!(tasks() <= running, "tasks: {} of {running}", tasks());
}

#[tokio::test(flavor = "multi_thread")]
#[cfg(target_os = "linux")]
async fn a_thousand_connections_leave_no_memory_task_or_file_descriptor() {
    let endpoint = endpoint();
    // Allocators, threads and the runtime reach their size.
    churn(&endpoint, 100).await;
    let quiet = (file_descriptors(), tasks());
    let resident = resident_kib();
    // A table or a thread's buffers may grow once, at a moment of their own. What each connection
    // leaves is there after every round.
    let mut left = usize::MAX;
    for _ in 0..ROUNDS {
        let live = ALLOCATOR.live_bytes();
        churn(&endpoint, CONNECTIONS).await;
        all_end(quiet).await;
        left = left.min(ALLOCATOR.live_bytes().saturating_sub(live));
    }
    assert!(
        left < 32 * CONNECTIONS,
        "{left} bytes are still allocated after {CONNECTIONS} connections"
    );
    // What C allocates, too.
    let grown = resident_kib().saturating_sub(resident);
    assert!(
        grown < 2 * ROUNDS * CONNECTIONS,
        "{grown} KiB more after {ROUNDS} rounds of {CONNECTIONS} connections"
    );
}
