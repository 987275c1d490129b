//! The examples do what they say: each ends with an error otherwise. Those for a browser are run with one, in
//! `test/browsers`.
#![allow(
    clippy::duplicate_mod,
    reason = "what the examples share belongs to each of them"
)]

use std::time::Duration;

use duologue_coturn::{Coturn, PASSWORD, USER};

#[path = "../examples/broadcast.rs"]
mod broadcast;
#[path = "../examples/commands.rs"]
mod commands;
#[path = "../examples/data_channel.rs"]
mod data_channel;
#[path = "../examples/file_transfer.rs"]
mod file_transfer;
#[path = "../examples/perfect_negotiation.rs"]
mod perfect_negotiation;
#[path = "../examples/robot.rs"]
mod robot;
#[path = "../examples/sans_io.rs"]
mod sans_io;
#[path = "../examples/turn.rs"]
#[allow(dead_code, reason = "the server is the test's")]
mod turn;
#[path = "../examples/udp_socket.rs"]
mod udp_socket;
#[cfg(feature = "codecs")]
#[path = "../examples/voice_agent.rs"]
mod voice_agent;
#[path = "../examples/websocket.rs"]
mod websocket;

/// A test for each example that is a whole program.
macro_rules! runs {
    ($($name:ident),*) => {$(
        mod $name {
            #[test]
            fn does_what_it_says() {
                super::super::$name::main().unwrap();
            }
        }
    )*};
}

mod examples {
    runs!(
        broadcast,
        commands,
        data_channel,
        file_transfer,
        perfect_negotiation,
        robot,
        sans_io,
        udp_socket,
        websocket
    );

    #[cfg(feature = "codecs")]
    runs!(voice_agent);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_peers_meet_at_coturn() {
    let coturn = Coturn::start(&[]).expect("coturn: apt-get install coturn");
    let server = turn::relayed(coturn.url("udp"), USER.to_owned(), PASSWORD.to_owned());
    server.await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_no_account_at_coturn_is_told_so() {
    let coturn = Coturn::start(&[]).expect("coturn: apt-get install coturn");
    let server = turn::relayed(coturn.url("udp"), USER.to_owned(), "wrong".to_owned());
    let told = tokio::time::timeout(Duration::from_secs(30), server).await;
    let error = told.expect("it ends").unwrap_err().to_string();
    assert!(error.contains("user and password"), "{error}");
}
