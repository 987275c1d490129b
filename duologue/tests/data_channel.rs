//! Data channels through the public API, over real sockets on loopback.

mod common;

use common::{Peer, connected, connected_on, endpoint, negotiate};
use duologue::limits::{RECEIVE_BACKLOG, SEND_OVERHEAD};
use duologue::{
    Bytes, DataChannelInit, DataChannelState, Endpoint, Event, ExceptionName, Message,
    PeerConnectionState,
};

#[tokio::test(flavor = "multi_thread")]
async fn messages_of_every_kind_and_size_arrive_whole_and_in_order() {
    let (_alice, _bob, a, b) = connected(&endpoint(), DataChannelInit::default()).await;
    let sent = [
        Message::from("text"),
        Message::from(""),
        Message::from(b""),
        Message::from("ü".repeat(20_000)),
        Message::from(vec![7; 200_000]),
    ];
    for message in &sent {
        a.send(message.clone()).await.unwrap();
    }
    for message in &sent {
        assert_eq!(b.recv().await.as_ref(), Some(message));
    }
    b.send_text("and back").await.unwrap();
    assert_eq!(a.recv().await, Some("and back".into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_channel_has_the_attributes_it_was_made_with_at_both_ends() {
    let init = DataChannelInit {
        ordered: false,
        max_retransmits: Some(3),
        protocol: "proto".into(),
        ..Default::default()
    };
    let (_alice, _bob, a, b) = connected(&endpoint(), init).await;
    for end in [&a, &b] {
        assert_eq!((end.label(), end.protocol()), ("test", "proto"));
        assert_eq!((end.ordered(), end.max_retransmits()), (false, Some(3)));
        assert_eq!(end.ready_state(), DataChannelState::Open);
        assert_eq!(end.id(), a.id());
    }
}

/// Messages of this size, in which everything below is counted.
const MESSAGE: usize = 16_384;
/// What the peer's receive window holds.
const WINDOW: usize = (8 << 20) / MESSAGE;
/// What waits at most between a writer and its reader: at the sender, in the window, in the backlog,
/// and what is under way between them.
const BOUND: usize = WINDOW + (RECEIVE_BACKLOG + (64 << 10)) / MESSAGE + 8;
const MESSAGES: usize = 4 * BOUND;

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_reader_bounds_what_is_taken_and_finds_everything() {
    let (_alice, _bob, a, b) = connected(&endpoint(), DataChannelInit::default()).await;
    a.set_send_high_water_mark(64 << 10);
    let (accepted, mut watched) = tokio::sync::watch::channel(0);
    let writer = tokio::spawn(async move {
        for i in 1..=MESSAGES {
            let mut message = vec![0; MESSAGE];
            message[..8].copy_from_slice(&i.to_be_bytes());
            a.send(message).await.unwrap();
            accepted.send_replace(i);
        }
        a
    });
    for i in 1..=MESSAGES {
        // The writer is let as far ahead as it always gets, and must not get much further.
        let ahead = MESSAGES.min(i + WINDOW / 2);
        watched
            .wait_for(|accepted| *accepted >= ahead)
            .await
            .unwrap();
        let Some(Message::Binary(message)) = b.recv().await else {
            panic!("message {i} is missing");
        };
        assert_eq!(message[..8], i.to_be_bytes());
        let accepted = *watched.borrow();
        assert!(
            accepted < i + BOUND,
            "{accepted} were accepted when {i} were read"
        );
    }
    let a = writer.await.unwrap();
    while a.buffered_amount() > 0 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_echo_server_that_reads_only_as_it_writes_does_not_lock_up() {
    let (_alice, _bob, a, b) = connected(&endpoint(), DataChannelInit::default()).await;
    tokio::spawn(async move {
        while let Some(message) = b.recv().await {
            b.send(message).await.unwrap();
        }
    });
    let writer = a.clone();
    tokio::spawn(async move {
        for _ in 0..500 {
            writer.send(vec![1; 30_000]).await.unwrap();
        }
    });
    for _ in 0..500 {
        assert_eq!(a.recv().await.map(|m| m.len()), Some(30_000));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn closing_a_channel_delivers_what_was_sent_then_ends_both_ends() {
    let (mut alice, mut bob, a, b) = connected(&endpoint(), DataChannelInit::default()).await;
    for _ in 0..100 {
        a.send(vec![3; 10_000]).await.unwrap();
    }
    a.close();
    assert_eq!(a.ready_state(), DataChannelState::Closing);
    assert_eq!(
        a.try_send(b"late").unwrap_err().name(),
        ExceptionName::InvalidStateError
    );
    for _ in 0..100 {
        assert_eq!(b.recv().await.map(|m| m.len()), Some(10_000));
    }
    assert_eq!(b.recv().await, None);
    a.closed().await.unwrap();
    b.closed().await.unwrap();
    let closed = |event| matches!(event, Event::ChannelClose(_)).then_some(());
    alice.wait(closed).await;
    bob.wait(closed).await;
    assert_eq!(a.recv().await, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn sending_is_refused_as_the_w3c_says() {
    let endpoint = endpoint();
    let (mut alice, mut bob) = (Peer::new(&endpoint), Peer::new(&endpoint));
    let a = alice
        .connection
        .create_data_channel("x", Default::default())
        .unwrap();
    let early = a.try_send(b"early").unwrap_err();
    assert_eq!(early.name(), ExceptionName::InvalidStateError);
    negotiate(&mut alice, &mut bob).await;
    let _b = bob.incoming_channel().await;
    a.opened().await.unwrap();
    let max = alice.connection.sctp().unwrap().max_message_size().unwrap();
    let long = a.send(vec![0; max as usize + 1]).await.unwrap_err();
    assert_eq!(long.name(), ExceptionName::TypeError);
    assert_eq!(a.buffered_amount(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn buffered_amount_low_fires_when_it_is_crossed() {
    let (mut alice, _bob, a, b) = connected(&endpoint(), DataChannelInit::default()).await;
    a.set_buffered_amount_low_threshold(50_000);
    a.try_send(vec![0; 200_000]).unwrap();
    let low = |event| match event {
        Event::ChannelBufferedAmountLow(channel) => Some(channel),
        _ => None,
    };
    assert_eq!(alice.wait(low).await, a);
    assert!(a.buffered_amount() <= 50_000);
    assert_eq!(b.recv().await.map(|m| m.len()), Some(200_000));
    // It was crossed once.
    a.close();
    let ended = alice.wait(|event| match event {
        Event::ChannelBufferedAmountLow(_) | Event::ChannelClose(_) => Some(event),
        _ => None,
    });
    assert!(matches!(ended.await, Event::ChannelClose(_)));
}

#[tokio::test(flavor = "multi_thread")]
async fn buffered_amount_low_fires_for_those_alone_who_set_a_threshold() {
    for (threshold, expected) in [(None, 0), (Some(0), 1)] {
        let (mut alice, _bob, a, b) = connected(&endpoint(), DataChannelInit::default()).await;
        if let Some(threshold) = threshold {
            a.set_buffered_amount_low_threshold(threshold);
        }
        assert_eq!(a.buffered_amount_low_threshold(), 0);
        a.send(b"a message").await.unwrap();
        b.recv().await.unwrap();
        a.close();
        let mut fired = 0;
        while let Some(event) = alice.events.recv().await {
            match event {
                Event::ChannelBufferedAmountLow(channel) => {
                    assert_eq!(channel.buffered_amount(), 0);
                    fired += 1;
                }
                Event::ChannelClose(_) => break,
                _ => {}
            }
        }
        assert_eq!(fired, expected, "{threshold:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_is_in_the_stream_before_its_operation_resolves_and_its_state_shows() {
    let endpoint = endpoint();
    let mut alice = Peer::new(&endpoint);
    let _channel = alice
        .connection
        .create_data_channel("x", Default::default())
        .unwrap();
    alice.connection.set_local_description(None).await.unwrap();
    let mut names = Vec::new();
    while let Some(event) = alice.events.try_recv() {
        names.push(format!("{event:?}"));
    }
    assert!(
        names
            .iter()
            .any(|name| name.starts_with("SignalingStateChange(HaveLocalOffer"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn negotiated_channels_need_no_announcement() {
    let endpoint = endpoint();
    let (mut alice, mut bob) = (Peer::new(&endpoint), Peer::new(&endpoint));
    let init = DataChannelInit {
        negotiated: true,
        id: Some(5),
        ..Default::default()
    };
    let a = alice
        .connection
        .create_data_channel("a", init.clone())
        .unwrap();
    let b = bob.connection.create_data_channel("b", init).unwrap();
    negotiate(&mut alice, &mut bob).await;
    a.opened().await.unwrap();
    b.opened().await.unwrap();
    b.send(Bytes::from_static(b"hello")).await.unwrap();
    assert_eq!(a.recv().await, Some(Message::from(b"hello")));
}

#[tokio::test(flavor = "multi_thread")]
async fn closing_a_connection_ends_its_channels_events_and_pending_operations() {
    let (mut alice, mut bob, a, b) = connected(&endpoint(), DataChannelInit::default()).await;
    alice.connection.close();
    assert_eq!(
        alice.connection.connection_state(),
        PeerConnectionState::Closed
    );
    assert_eq!(a.ready_state(), DataChannelState::Closed);
    assert_eq!(a.recv().await, None);
    while alice.events.recv().await.is_some() {}
    let late = alice
        .connection
        .create_offer(Default::default())
        .await
        .unwrap_err();
    assert_eq!(late.name(), ExceptionName::InvalidStateError);
    // The other end learns of it at once: by the ABORT and the close_notify.
    assert_eq!(b.recv().await, None);
    bob.wait(|event| matches!(event, Event::ChannelClose(_)).then_some(()))
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_endpoint_says_how_many_channels_there_may_be() {
    let builder = Endpoint::builder().loopback(true).ipv6(false);
    let small = builder.max_channels(16).build().unwrap();
    let init = DataChannelInit::default();
    let (alice, bob, ..) = connected_on([&endpoint(), &small], init).await;
    for peer in [&alice, &bob] {
        let connection = &peer.connection;
        assert_eq!(connection.sctp().unwrap().max_channels(), Some(16));
        let beyond = DataChannelInit {
            negotiated: true,
            id: Some(16),
            ..DataChannelInit::default()
        };
        let refused = connection.create_data_channel("beyond", beyond);
        assert_eq!(refused.unwrap_err().name(), ExceptionName::OperationError);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn empty_messages_wait_for_room_like_others() {
    let (_alice, _bob, a, b) = connected(&endpoint(), DataChannelInit::default()).await;
    a.set_send_high_water_mark(SEND_OVERHEAD * 4);
    for _ in 0..2_000 {
        a.send("").await.unwrap();
        assert_eq!(a.buffered_amount(), 0);
    }
    for _ in 0..2_000 {
        assert_eq!(b.recv().await, Some("".into()));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_channel_is_a_stream_of_bytes_to_whoever_wants_one() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    let (_alice, _bob, a, b) = connected(&endpoint(), DataChannelInit::default()).await;
    let sent: Vec<u8> = (0..3_000_000u32).map(|n| (n / 7) as u8).collect();
    let expected = sent.clone();
    // Neither an empty message nor text ends it.
    a.send(b"").await.unwrap();
    a.send_text("first ").await.unwrap();
    let writer = tokio::spawn(async move {
        let mut stream = a.into_byte_stream();
        stream.write_all(&sent).await.unwrap();
        stream.shutdown().await.unwrap();
        // Nothing can follow.
        let error = stream.write_all(b"more").await.unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::BrokenPipe);
    });
    let mut received = Vec::new();
    let mut stream = b.into_byte_stream();
    stream.read_to_end(&mut received).await.unwrap();
    assert_eq!(&received[..6], b"first ");
    assert!(
        received[6..] == expected[..],
        "{} bytes came",
        received.len()
    );
    writer.await.unwrap();
}
