//! What an application learns when the process has no file descriptor left.
#![cfg(unix)]

use std::fs::File;
use std::process::Command;
use std::time::Duration;

use duologue::{Configuration, Endpoint, Event, Events, IceGatheringState, PeerConnection};

const CHILD: &str = "DUOLOGUE_TEST_DESCRIPTORS";

/// In a process of its own, since descriptors are everybody's.
#[test]
fn an_application_learns_that_no_socket_could_be_bound() {
    if std::env::var_os(CHILD).is_some() {
        return starve();
    }
    let name = "an_application_learns_that_no_socket_could_be_bound";
    let script = format!("ulimit -n 64; exec \"$0\" --exact {name} --nocapture");
    let test = std::env::current_exe().expect("it runs");
    let mut child = Command::new("sh");
    let child = child.args(["-c", &script]).arg(test).env(CHILD, "1");
    assert!(child.status().expect("a shell").success());
}

fn starve() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("descriptors are left");
    runtime.block_on(async {
        for knows_addresses in [false, true] {
            let endpoint = Endpoint::builder().loopback(true).build();
            let endpoint = endpoint.expect("descriptors are left");
            // It stays open, so that nothing is given back meanwhile.
            let mut earlier = connection(&endpoint);
            if knows_addresses {
                offer(&earlier.0).await;
                assert_eq!(error(&mut earlier.1).await, None);
            }
            let taken: Vec<File> = std::iter::from_fn(|| File::open("/dev/null").ok()).collect();
            let (pc, mut events) = connection(&endpoint);
            offer(&pc).await;
            let told = error(&mut events).await.expect("it is told");
            assert_eq!(told.0, 701);
            assert!(told.1.contains("file descriptor"), "{}", told.1);
            // Once there are some again, a restart has candidates.
            drop(taken);
            pc.restart_ice();
            offer(&pc).await;
            assert_eq!(error(&mut events).await, None);
            let sdp = pc.local_description().expect("it was set").sdp;
            assert!(sdp.contains("a=candidate:"), "{sdp}");
        }
    });
}

fn connection(endpoint: &Endpoint) -> (PeerConnection, Events) {
    let made = endpoint.connection(Configuration::default());
    let (pc, events) = made.expect("it needs no descriptor");
    pc.create_data_channel("x", Default::default())
        .expect("it is open");
    (pc, events)
}

async fn offer(pc: &PeerConnection) {
    pc.set_local_description(None).await.expect("an offer");
}

/// The error of a whole gathering, if there is one.
async fn error(events: &mut Events) -> Option<(u16, String)> {
    let mut error = None;
    let gathering = async {
        while let Some(event) = events.recv().await {
            match event {
                Event::IceCandidateError(told) => error = Some((told.error_code, told.error_text)),
                Event::IceGatheringStateChange(IceGatheringState::Complete) => return,
                _ => {}
            }
        }
    };
    let limit = Duration::from_secs(20);
    tokio::time::timeout(limit, gathering)
        .await
        .expect("gathering ends");
    error
}
