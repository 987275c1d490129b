//! The examples do what they say: each ends with an error otherwise. Those for a browser are run with one, in
//! `test/browsers`.
#![allow(
    clippy::duplicate_mod,
    reason = "what the examples share belongs to each of them"
)]
#![allow(
    clippy::unwrap_used,
    reason = "helpers outside #[test] functions are tests too"
)]

use std::time::Duration;

use duologue_coturn::{Coturn, PASSWORD, USER};

#[path = "../examples/broadcast.rs"]
mod broadcast;
#[path = "../examples/commands.rs"]
mod commands;
#[path = "../examples/data_channel.rs"]
mod data_channel;
#[cfg(feature = "files")]
#[path = "../examples/e2ee.rs"]
#[allow(dead_code, reason = "the page is for a browser")]
mod e2ee;
#[path = "../examples/file_transfer.rs"]
mod file_transfer;
#[path = "../examples/identity.rs"]
mod identity;
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
        identity,
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

#[cfg(feature = "files")]
mod in_place_of_a_page {
    use std::net::SocketAddr;
    use std::time::Duration;

    use duologue::{
        Configuration, EncodedFrameInit, Endpoint, Event, Events, MediaKind, PeerConnection,
        SessionDescription,
    };
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::{TcpListener, TcpStream};
    use tokio::time::{interval, timeout};

    use super::e2ee;

    /// What one end sends comes back as it was, and nothing of it is to be seen on the way.
    #[tokio::test(flavor = "multi_thread")]
    async fn what_is_encrypted_here_comes_back_encrypted() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let example = tokio::spawn(e2ee::encrypted(listener, [0x5a; 32]));
        let endpoint = Endpoint::builder().loopback(true).build().unwrap();
        let (pc, mut events) = endpoint.connection(Configuration::default()).unwrap();
        let made = pc.add_transceiver(MediaKind::Video, Default::default());
        let (sender, receiver) = made.map(|it| (it.sender(), it.receiver())).unwrap();
        let key = e2ee::FrameKey::new(&[0x5a; 32]).unwrap();
        sender.set_transform(Some(e2ee::Seal(key.clone())));
        receiver.set_transform(Some(e2ee::Open(key)));
        let (mut frames, mut packets) = (receiver.frames(), receiver.packets());
        let answer = post(address, &offer(&pc, &mut events).await).await;
        pc.set_remote_description(answer).await.unwrap();

        // A key frame of VP8, as far as anybody looks (RFC 6386 §9.1).
        let header = [0x10, 0, 0, 0x9d, 0x01, 0x2a, 0x80, 0x02, 0xe0, 0x01];
        let secret = b"between the two ends alone";
        let plain = [&header[..], &secret.repeat(200)].concat();
        let writer = sender.frames();
        let sending = async {
            let mut clock = interval(Duration::from_millis(100));
            loop {
                clock.tick().await;
                let data = plain.clone().into();
                let frame = EncodedFrameInit {
                    data,
                    ..Default::default()
                };
                writer.send(&mut vec![frame]).unwrap();
            }
        };
        let received = tokio::select! {
            () = sending => None,
            frame = timeout(Duration::from_secs(30), frames.recv()) => frame.expect("it comes back"),
        };
        assert_eq!(received.unwrap().data, plain);
        let mut bytes = 0;
        while let Some(packet) = packets.try_recv() {
            let mut parts = packet.payload.windows(secret.len());
            assert!(parts.all(|part| part != secret));
            bytes += packet.payload.len();
        }
        assert!(bytes > plain.len());
        example.abort();
    }

    async fn offer(pc: &PeerConnection, events: &mut Events) -> SessionDescription {
        pc.set_local_description(None).await.unwrap();
        while !matches!(events.recv().await, Some(Event::IceCandidate(None))) {}
        pc.local_description().unwrap()
    }

    /// The answer to an offer that is posted (RFC 9112).
    async fn post(address: SocketAddr, offer: &SessionDescription) -> SessionDescription {
        let body = serde_json::to_string(offer).unwrap();
        let length = body.len();
        let request = format!(
            "POST / HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\
             content-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
        );
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut response = String::new();
        stream.read_to_string(&mut response).await.unwrap();
        let (_, answer) = response.split_once("\r\n\r\n").unwrap();
        serde_json::from_str(answer).expect(&response)
    }
}
