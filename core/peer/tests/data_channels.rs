//! Data channels: ids, states, messages and their events, with the session's reports by hand.
#![allow(
    clippy::unwrap_used,
    reason = "helpers outside #[test] functions are tests too"
)]

mod common;

use bytes::Bytes;
use common::{Host, audio, negotiate, pair};
use duologue_base::{ChannelKey, StreamId, TransportKey};
use duologue_datachannel::{ChannelError, ChannelInit};
use duologue_peer::{
    Configuration, DataChannelInit, DataChannelState, ExceptionName, Message, RtcErrorDetail,
    SctpTransportState, limits,
};
use duologue_session::{ChannelCommand, ChannelReport, Command, Report, SctpCommand, SctpReport};

fn init() -> DataChannelInit {
    DataChannelInit::default()
}

fn negotiated(id: u16) -> DataChannelInit {
    DataChannelInit {
        negotiated: true,
        id: Some(id),
        ..init()
    }
}

/// Two ends that negotiated, with one channel of `a`'s that is open.
fn open_channel() -> (Host, Host, ChannelKey) {
    let (mut a, mut b) = pair();
    let key = a.pc.create_data_channel("chat", init()).unwrap();
    negotiate(&mut a, &mut b);
    for host in [&mut a, &mut b] {
        let transport = sctp_transport(host);
        host.connect(transport);
        host.report(Report::Sctp(SctpReport::Connected { max_channels: 1024 }));
    }
    a.open(key);
    a.log.clear();
    b.log.clear();
    a.take_commands();
    (a, b, key)
}

fn sctp_transport(host: &Host) -> TransportKey {
    host.pc.sctp().unwrap().transport().unwrap()
}

fn text(text: &str) -> Message {
    Message {
        data: Bytes::copy_from_slice(text.as_bytes()),
        binary: false,
    }
}

#[test]
fn the_dtls_client_takes_even_ids_and_the_server_odd_ones() {
    let (mut a, mut b) = pair();
    let ours = [
        a.pc.create_data_channel("1", init()).unwrap(),
        a.pc.create_data_channel("2", init()).unwrap(),
    ];
    let theirs = b.pc.create_data_channel("3", init()).unwrap();
    assert_eq!(a.pc.data_channel(ours[0]).unwrap().id(), None);
    negotiate(&mut a, &mut b);
    let id = |host: &Host, key| host.pc.data_channel(key).unwrap().id().unwrap().0;
    assert_eq!(
        (id(&a, ours[0]), id(&a, ours[1])),
        (1, 3),
        "the offerer is the server"
    );
    assert_eq!(id(&b, theirs), 0);
    let later = a.pc.create_data_channel("4", init()).unwrap();
    assert_eq!(id(&a, later), 5);
    assert_eq!(
        a.pc.data_channel(later).unwrap().ready_state(),
        DataChannelState::Connecting
    );
}

#[test]
fn a_channel_reaches_the_session_once_its_id_is_known() {
    let (mut a, mut b) = pair();
    let key =
        a.pc.create_data_channel(
            "label",
            DataChannelInit {
                ordered: false,
                max_retransmits: Some(3),
                protocol: "p".to_owned(),
                ..init()
            },
        )
        .unwrap();
    negotiate(&mut a, &mut b);
    let opened: Vec<_> = a
        .take_commands()
        .into_iter()
        .filter_map(|command| match command {
            Command::Channel(channel, ChannelCommand::Open { stream, init }) => {
                Some((channel, stream, init))
            }
            _ => None,
        })
        .collect();
    let [(channel, stream, init)] = opened.as_slice() else {
        panic!("one channel: {opened:?}");
    };
    assert_eq!((*channel, *stream), (key, StreamId(1)));
    assert_eq!(
        (init.label.as_str(), init.protocol.as_str()),
        ("label", "p")
    );
    assert!(init.unordered);
    assert_eq!(
        init.reliability,
        duologue_datachannel::Reliability::MaxRetransmits(3)
    );
}

#[test]
fn sctp_connects_before_channels_open() {
    let (mut a, mut b) = pair();
    let key = a.pc.create_data_channel("chat", init()).unwrap();
    negotiate(&mut a, &mut b);
    assert_eq!(a.pc.sctp().unwrap().state(), SctpTransportState::Connecting);
    assert_eq!(a.pc.sctp().unwrap().max_channels(), None);
    a.log.clear();
    a.pc.handle_report(Report::Sctp(SctpReport::Connected { max_channels: 512 }));
    a.pc.handle_channel_report(ChannelReport::Opened { channel: key });
    a.run();
    assert_eq!(a.take_log(), ["statechange sctp connected", "open"]);
    assert_eq!(a.pc.sctp().unwrap().max_channels(), Some(512));
    assert_eq!(
        a.pc.data_channel(key).unwrap().ready_state(),
        DataChannelState::Open
    );
}

#[test]
fn a_channel_of_the_other_end_is_open_in_its_event_and_open_comes_before_its_messages() {
    let (_, mut b, _) = open_channel();
    let channel = ChannelKey(1);
    b.pc.handle_channel_report(ChannelReport::Announced {
        channel,
        stream: StreamId(1),
        init: ChannelInit {
            label: "chat".to_owned(),
            ..ChannelInit::default()
        },
    });
    b.pc.handle_channel_report(ChannelReport::Message {
        channel,
        data: Bytes::from_static(b"hello"),
        binary: false,
    });
    b.turn();
    assert_eq!(b.take_log(), ["datachannel"]);
    let view = b.pc.data_channel(channel).unwrap();
    assert_eq!(view.ready_state(), DataChannelState::Open);
    assert_eq!((view.label(), view.id()), ("chat", Some(StreamId(1))));
    b.pc.send(channel, text("early")).unwrap();
    b.run();
    assert_eq!(b.take_log(), ["open", "message hello"]);
}

#[test]
fn buffered_amount_grows_in_send_and_shrinks_in_a_task() {
    let (mut a, _, key) = open_channel();
    a.pc.set_buffered_amount_low_threshold(key, 4);
    a.pc.send(key, text("hello")).unwrap();
    a.pc.send(key, text("you")).unwrap();
    let amount = |a: &Host| a.pc.data_channel(key).unwrap().buffered_amount();
    assert_eq!(amount(&a), 8);
    a.pc.handle_report(Report::BufferedAmount {
        channel: key,
        sent: 2,
        messages: 0,
    });
    assert_eq!(amount(&a), 8, "only a task shrinks it");
    a.run();
    assert_eq!((amount(&a), a.take_log()), (6, vec![]));
    a.report(Report::BufferedAmount {
        channel: key,
        sent: 2,
        messages: 0,
    });
    assert_eq!(a.take_log(), ["bufferedamountlow"]);
    a.report(Report::BufferedAmount {
        channel: key,
        sent: 4,
        messages: 2,
    });
    assert_eq!((amount(&a), a.take_log()), (0, vec![]));
}

#[test]
fn what_cannot_be_sent_is_refused_and_changes_nothing() {
    let (mut a, _, key) = open_channel();
    let size = a.pc.sctp().unwrap().max_message_size().unwrap();
    let zeros = |len: u64| Message {
        data: vec![0; len as usize].into(),
        binary: true,
    };
    let error = a.pc.send(key, zeros(size + 1)).unwrap_err();
    assert_eq!(error.name(), ExceptionName::TypeError);
    let (mut messages, each) = (1, size + limits::SEND_OVERHEAD);
    while messages * each <= limits::SEND_BUFFER_BYTES {
        a.pc.send(key, zeros(size)).unwrap();
        messages += 1;
    }
    let error = a.pc.send(key, zeros(size)).unwrap_err();
    assert_eq!(error.name(), ExceptionName::OperationError);
    // Empty messages count, too, though not in `bufferedAmount`.
    let amount = |a: &Host| a.pc.data_channel(key).unwrap().buffered_amount();
    let before = amount(&a);
    let most = limits::SEND_BUFFER_BYTES / limits::SEND_OVERHEAD;
    let refused = (0..=most).find_map(|_| a.pc.send(key, zeros(0)).err());
    assert_eq!(refused.unwrap().name(), ExceptionName::OperationError);
    assert_eq!(amount(&a), before);
    let fresh = a.pc.create_data_channel("new", init()).unwrap();
    let error = a.pc.send(fresh, text("x")).unwrap_err();
    assert_eq!(error.name(), ExceptionName::InvalidStateError);
}

#[test]
fn closing_here_sends_what_is_left_and_fires_close_only() {
    let (mut a, _, key) = open_channel();
    a.pc.send(key, text("last")).unwrap();
    a.pc.close_channel(key);
    a.pc.close_channel(key);
    assert_eq!(
        a.pc.data_channel(key).unwrap().ready_state(),
        DataChannelState::Closing
    );
    a.run();
    assert!(matches!(
        a.take_commands().as_slice(),
        [Command::Channel(_, ChannelCommand::Send { .. }), Command::Channel(channel, ChannelCommand::Close)] if *channel == key
    ));
    a.channel_report(ChannelReport::Closed {
        channel: key,
        error: None,
    });
    assert_eq!(a.take_log(), ["close"]);
    let reused = a.pc.create_data_channel("again", negotiated(1)).unwrap();
    assert_eq!(a.pc.data_channel(reused).unwrap().id(), Some(StreamId(1)));
}

#[test]
fn closing_there_fires_closing_and_close() {
    let (mut a, _, key) = open_channel();
    a.channel_report(ChannelReport::Closing { channel: key });
    assert_eq!(a.take_log(), ["closing"]);
    let error = a.pc.send(key, text("x")).unwrap_err();
    assert_eq!(error.name(), ExceptionName::InvalidStateError);
    a.channel_report(ChannelReport::Closed {
        channel: key,
        error: None,
    });
    assert_eq!(a.take_log(), ["close"]);
}

#[test]
fn a_failed_association_is_an_error_and_a_close() {
    let (mut a, _, key) = open_channel();
    a.pc.handle_report(Report::Sctp(SctpReport::Closed { error: None }));
    a.pc.handle_channel_report(ChannelReport::Closed {
        channel: key,
        error: Some(ChannelError::AssociationEnded { cause: Some(12) }),
    });
    a.run();
    assert_eq!(
        a.take_log(),
        ["statechange sctp closed", "error sctp-failure", "close"]
    );
    let Some(duologue_peer::Event::ChannelError(_, error)) = a.events.iter().rev().nth(1) else {
        panic!("the error comes before the close");
    };
    let rtc = error.rtc_error().unwrap();
    assert_eq!(rtc.error_detail, RtcErrorDetail::SctpFailure);
    assert_eq!(rtc.sctp_cause_code, Some(12));
}

#[test]
fn an_id_that_the_association_has_not_is_a_failure_of_the_channel() {
    let (mut a, mut b) = pair();
    let high = a.pc.create_data_channel("high", negotiated(100)).unwrap();
    negotiate(&mut a, &mut b);
    a.log.clear();
    a.report(Report::Sctp(SctpReport::Connected { max_channels: 100 }));
    assert_eq!(
        a.take_log(),
        [
            "statechange sctp connected",
            "error data-channel-failure",
            "close"
        ]
    );
    assert_eq!(
        a.pc.data_channel(high).unwrap().ready_state(),
        DataChannelState::Closed
    );
    let error = a.pc.create_data_channel("x", negotiated(100)).unwrap_err();
    assert_eq!(error.name(), ExceptionName::OperationError);
}

#[test]
fn a_channel_closed_before_there_is_a_transport_just_closes() {
    let mut a = Host::new(1);
    let key = a.pc.create_data_channel("x", init()).unwrap();
    a.pc.close_channel(key);
    a.run();
    assert_eq!(a.take_log(), ["negotiationneeded", "close"]);
}

#[test]
fn what_create_data_channel_refuses() {
    let mut a = Host::new(1);
    let long = "µ".repeat(32_768);
    let mut refuse = |label: &str, init: DataChannelInit, name: ExceptionName| {
        let error = a.pc.create_data_channel(label, init).unwrap_err();
        assert_eq!(error.name(), name);
    };
    refuse(&long, init(), ExceptionName::TypeError);
    refuse(
        "",
        DataChannelInit {
            protocol: long.clone(),
            ..init()
        },
        ExceptionName::TypeError,
    );
    refuse(
        "",
        DataChannelInit {
            negotiated: true,
            ..init()
        },
        ExceptionName::TypeError,
    );
    refuse("", negotiated(65_535), ExceptionName::TypeError);
    refuse(
        "",
        DataChannelInit {
            max_retransmits: Some(0),
            max_packet_life_time: Some(0),
            ..init()
        },
        ExceptionName::TypeError,
    );
    a.pc.create_data_channel("", negotiated(42)).unwrap();
    let error = a.pc.create_data_channel("", negotiated(42)).unwrap_err();
    assert_eq!(error.name(), ExceptionName::OperationError);
    let ignored = a.pc.create_data_channel(
        "",
        DataChannelInit {
            id: Some(65_535),
            ..init()
        },
    );
    assert_eq!(a.pc.data_channel(ignored.unwrap()).unwrap().id(), None);
}

#[test]
fn sctp_appears_with_the_offer_and_goes_with_its_rollback() {
    let (mut a, mut b) = pair();
    a.pc.create_data_channel("x", init()).unwrap();
    assert!(a.pc.sctp().is_none());
    let offer = a.set_local();
    assert!(a.pc.sctp().is_some());
    assert_eq!(a.pc.sctp().unwrap().max_message_size(), None);
    b.set_remote(offer).unwrap();
    assert!(b.pc.sctp().is_some());
    for (host, remote) in [(&mut a, false), (&mut b, true)] {
        let rollback = duologue_peer::SessionDescription::rollback();
        match remote {
            true => host.set_remote(rollback).unwrap(),
            false => host.set_local_to(rollback).unwrap(),
        };
        assert!(host.pc.sctp().is_none());
    }
}

#[test]
fn data_channels_can_be_negotiated_before_there_is_one() {
    let configuration = Configuration {
        always_negotiate_data_channels: true,
        ..Configuration::default()
    };
    let mut a = Host::with(1, configuration);
    a.pc.add_track(audio("t1"), &[]).unwrap();
    let offer = a.set_local();
    assert!(offer.sdp.contains("m=application"));
}

/// The other end's answer to this offer, with the data section refused.
fn refusing_data(
    b: &mut Host,
    offer: &duologue_peer::SessionDescription,
) -> duologue_peer::SessionDescription {
    let mut offer = offer.clone();
    offer.sdp = offer.sdp.replace("m=application 0 ", "m=application 9 ");
    offer.sdp = offer.sdp.replace("m=application 9 ", "m=application 0 ");
    offer.sdp = offer.sdp.replace("a=group:BUNDLE 0 1", "a=group:BUNDLE 0");
    offer.sdp = offer.sdp.replace("a=bundle-only\r\n", "");
    b.set_remote(offer).unwrap();
    b.set_local()
}

#[test]
fn an_answer_that_rejects_data_closes_the_channels_and_another_one_asks_again() {
    let (mut a, mut b) = pair();
    a.pc.add_track(audio("t1"), &[]).unwrap();
    let first = a.pc.create_data_channel("first", init()).unwrap();
    let offer = a.set_local();
    let answer = refusing_data(&mut b, &offer);
    a.take_log();
    a.set_remote(answer).unwrap();
    a.run();
    let events = a.take_events();
    let closed = ["error sctp-failure", "close"];
    assert!(events.windows(2).any(|pair| pair == closed), "{events:?}");
    assert!(
        !events.contains(&"negotiationneeded".to_owned()),
        "{events:?}"
    );
    let state = a.pc.data_channel(first).unwrap().ready_state();
    assert_eq!(state, DataChannelState::Closed);
    assert!(a.pc.sctp().is_none());
    // Another channel fires again, and this time the other end takes it.
    let second = a.pc.create_data_channel("second", init()).unwrap();
    a.run();
    assert_eq!(a.take_events(), ["negotiationneeded"]);
    negotiate(&mut a, &mut b);
    assert!(a.pc.sctp().is_some());
    let opened = |command: &Command| matches!(command, Command::Channel(channel, ChannelCommand::Open { .. }) if *channel == second);
    assert!(a.take_commands().iter().any(opened));
    let events = a.take_events();
    assert!(
        !events.contains(&"negotiationneeded".to_owned()),
        "{events:?}"
    );
}

#[test]
fn channels_of_an_association_that_a_later_answer_rejects_are_closed_by_the_session() {
    let (mut a, mut b, key) = open_channel();
    a.pc.add_track(audio("t1"), &[]).unwrap();
    let offer = a.set_local();
    let mut refused = offer.clone();
    refused.sdp = refused.sdp.replace("m=application 9 ", "m=application 0 ");
    refused.sdp = refused
        .sdp
        .replace("a=group:BUNDLE 0 1", "a=group:BUNDLE 1");
    b.set_remote(refused).unwrap();
    let answer = b.set_local();
    a.set_remote(answer).unwrap();
    a.run();
    let stopped = |command: &Command| matches!(command, Command::Sctp(SctpCommand::Stop));
    assert!(a.take_commands().iter().any(stopped));
    a.channel_report(ChannelReport::Closed {
        channel: key,
        error: None,
    });
    let state = a.pc.data_channel(key).unwrap().ready_state();
    assert_eq!(state, DataChannelState::Closed);
    a.take_log();
    a.pc.create_data_channel("again", init()).unwrap();
    a.run();
    assert_eq!(a.take_events(), ["negotiationneeded"]);
}
