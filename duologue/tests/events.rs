//! Events and getters tell the same story to whoever reads them on another thread, over real sockets
//! on loopback.

mod common;

use std::thread;
use std::time::Duration;

use common::{Peer, connected, endpoint, negotiate};
use duologue::limits::EVENT_BACKLOG;
use duologue::{
    DataChannel, DataChannelInit, DataChannelState, Endpoint, Event, Events, ExceptionName, Stats,
};
use tokio::{runtime, sync::oneshot};

/// Enough to meet what happens once in a hundred.
const CONNECTIONS: usize = 300;

#[tokio::test(flavor = "multi_thread")]
async fn a_channel_is_as_its_event_says_when_the_event_is_read() {
    let endpoint = endpoint();
    for _ in 0..CONNECTIONS {
        let (alice, bob, channel) = unopened(&endpoint).await;
        let reader = thread::spawn(move || read(alice.events));
        let other = thread::spawn(move || read(bob.events));
        channel.opened().await.unwrap();
        channel.close();
        channel.closed().await.unwrap();
        // The one who closes is not told that the channel closes.
        assert_eq!(reader.join().unwrap(), ["open", "close"]);
        assert_eq!(other.join().unwrap(), ["open", "closing", "close"]);
    }
}

/// Reads, without rest, until the channel is closed; what each event says is so.
fn read(mut events: Events) -> Vec<&'static str> {
    let mut read = Vec::new();
    loop {
        match events.try_recv() {
            Some(Event::ChannelOpen(channel)) => {
                // Closed by the other end meanwhile, or open: but not connecting.
                match channel.try_send("at once") {
                    Ok(()) => {}
                    Err(error) => {
                        assert_eq!(error.name(), ExceptionName::InvalidStateError);
                        assert!(is_ending(&channel), "{error}");
                    }
                }
                read.push("open");
            }
            Some(Event::ChannelClosing(channel)) => {
                assert!(is_ending(&channel));
                read.push("closing");
            }
            Some(Event::ChannelClose(channel)) => {
                assert_eq!(channel.ready_state(), DataChannelState::Closed);
                read.push("close");
                return read;
            }
            Some(_) => {}
            None => thread::yield_now(),
        }
    }
}

fn is_ending(channel: &DataChannel) -> bool {
    let state = channel.ready_state();
    matches!(state, DataChannelState::Closing | DataChannelState::Closed)
}

#[tokio::test(flavor = "multi_thread")]
async fn no_getter_of_a_channel_is_ahead_of_the_stream_of_events() {
    let endpoint = endpoint();
    for _ in 0..CONNECTIONS {
        let (mut alice, mut bob, near) = unopened(&endpoint).await;
        let watcher = thread::spawn(move || {
            reach(&near, &[DataChannelState::Open]);
            assert!(told(&mut alice, |event| matches!(
                event,
                Event::ChannelOpen(_)
            )));
            near.close();
            reach(&near, &[DataChannelState::Closed]);
            assert!(told(&mut alice, |event| matches!(
                event,
                Event::ChannelClose(_)
            )));
        });
        let far = bob.incoming_channel().await;
        let other = thread::spawn(move || {
            reach(&far, &[DataChannelState::Closing, DataChannelState::Closed]);
            let closing = |event| matches!(event, Event::ChannelClosing(_));
            assert!(told(&mut bob, closing));
            reach(&far, &[DataChannelState::Closed]);
        });
        watcher.join().unwrap();
        other.join().unwrap();
    }
}

/// Looks at the channel, without rest, until it is in one of these states.
fn reach(channel: &DataChannel, states: &[DataChannelState]) {
    while !states.contains(&channel.ready_state()) {
        thread::yield_now();
    }
}

/// Whether such an event is in the stream by now.
fn told(peer: &mut Peer, wanted: impl Fn(Event) -> bool) -> bool {
    std::iter::from_fn(|| peer.events.try_recv()).any(wanted)
}

/// Two peers that have just negotiated, and the first one's channel.
async fn unopened(endpoint: &Endpoint) -> (Peer, Peer, DataChannel) {
    let (mut alice, mut bob) = (Peer::new(endpoint), Peer::new(endpoint));
    let init = DataChannelInit::default();
    let created = alice.connection.create_data_channel("test", init);
    let channel = created.expect("the options are valid");
    negotiate(&mut alice, &mut bob).await;
    (alice, bob, channel)
}

/// Who reads no events at all drops their stream, however many wait in it.
#[tokio::test(flavor = "multi_thread")]
async fn messages_come_again_once_a_stream_of_events_that_was_full_is_dropped() {
    let (alice, bob, near, far) = connected(&endpoint(), DataChannelInit::default()).await;
    // Each is two events at the other end when it comes, and one at its own when it opens. The end that takes no more
    // has opened so many.
    let make = |end: &Peer| {
        let init = DataChannelInit::default();
        end.connection.create_data_channel("more", init).unwrap()
    };
    let channels: Vec<_> = (0..400).map(|_| [make(&alice), make(&bob)]).collect();
    loop {
        let opened = channels_opened(&bob).await;
        let own = channels
            .iter()
            .filter(|[_, own]| own.ready_state() == DataChannelState::Open);
        if 2 * opened - own.count() >= EVENT_BACKLOG - OTHER_EVENTS {
            break;
        }
    }
    // A message that is ahead of the last channels comes, and one that is behind them does not.
    loop {
        near.send("behind them").await.expect("it is open");
        let came = tokio::time::timeout(Duration::from_millis(300), far.recv()).await;
        match came {
            Ok(message) => assert!(message.is_some()),
            Err(_) => break,
        }
    }
    drop(bob.events);
    // Sooner than whatever else wakes a connection: a check of consent, after four seconds.
    let said = tokio::time::timeout(Duration::from_millis(3_500), far.recv()).await;
    assert!(said.expect("it was woken").is_some());
    drop(channels);
}

/// More than a connection has of its transports once a channel is open.
const OTHER_EVENTS: usize = 32;

async fn channels_opened(peer: &Peer) -> usize {
    let report = peer.connection.get_stats().await.expect("it is open");
    let opened = report.iter().find_map(|stats| match stats {
        Stats::PeerConnection(stats) => Some(stats.data_channels_opened),
        _ => None,
    });
    opened.map_or(0, |opened| opened as usize)
}

/// A program that is done closes its connection, reads its events to their end and exits.
#[tokio::test(flavor = "multi_thread")]
async fn at_the_end_of_the_events_the_peer_has_been_told() {
    let (introduce, introduced) = oneshot::channel();
    let (leave, asked_to_leave) = oneshot::channel::<Peer>();
    let program = thread::spawn(move || {
        let runtime = runtime::Builder::new_current_thread().enable_all().build();
        runtime.unwrap().block_on(async {
            introduce.send(Peer::new(&endpoint())).unwrap();
            let mut alice = asked_to_leave.await.unwrap();
            alice.connection.close();
            while alice.events.recv().await.is_some() {}
        });
    });

    let mut alice = introduced.await.unwrap();
    let mut bob = Peer::new(&endpoint());
    let channel = bob
        .connection
        .create_data_channel("test", DataChannelInit::default());
    negotiate(&mut bob, &mut alice).await;
    let channel = channel.unwrap();
    channel.opened().await.unwrap();
    leave.send(alice).unwrap();
    program.join().unwrap();
    // Less than the 30 s of consent that a peer is waited for who is gone without a word.
    let told = tokio::time::timeout(Duration::from_secs(15), channel.closed()).await;
    let why = told.expect("it was told").expect_err("the peer closed it");
    assert_eq!(why.name(), ExceptionName::OperationError);
}
