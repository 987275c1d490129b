//! ECN marks of media over real sockets: what RFC 8888 agrees on, sets and tells.

mod common;

use std::time::Duration;

use common::media::{call_on, within};
use duologue::{
    Bytes, Endpoint, InboundRtpStreamStats, PeerConnection, RtpPacketInit, Stats, StatsReport,
};

fn endpoint(marks: bool) -> Endpoint {
    let builder = Endpoint::builder().loopback(true).ipv6(false);
    let builder = builder.congestion_control_feedback(marks);
    builder.build().expect("loopback is there")
}

async fn inbound(connection: &PeerConnection) -> Option<InboundRtpStreamStats> {
    let report = within(connection.get_stats()).await.expect("it is open");
    report.iter().find_map(|stats| match stats {
        Stats::InboundRtp(stats) if stats.kind == "video" => {
            Some(InboundRtpStreamStats::clone(stats))
        }
        _ => None,
    })
}

fn wildcards(sdp: &str) -> usize {
    let lines = sdp.lines();
    lines.filter(|line| *line == "a=rtcp-fb:* ack ccfb").count()
}

/// Alice's packets leave with ECT(1), which Bob sees; only his reports by stream can raise her estimate,
/// since nothing else is agreed on.
#[tokio::test(flavor = "multi_thread")]
async fn packets_arrive_marked_where_both_ends_know_rfc_8888() {
    let call = call_on(&endpoint(true)).await;
    let [offer, answer] = [&call.alice, &call.bob].map(|peer| {
        let description = peer.connection.local_description();
        description.expect("it is there").sdp
    });
    assert_eq!(wildcards(&offer), 2);
    assert_eq!(wildcards(&answer), 2);
    assert!(offer.contains("transport-cc"));
    assert!(!answer.contains(" transport-cc"));

    let writer = call.of_alice[1].sender().packets();
    let _packets = call.of_bob[1].receiver().packets();
    // A source of 6.4 Mbit/s, for two seconds at most.
    let mut clock = tokio::time::interval(Duration::from_millis(5));
    for number in 0..400_u32 {
        clock.tick().await;
        let packets = (0..4).map(|part| RtpPacketInit {
            timestamp: number * 900,
            marker: part == 3,
            payload: Bytes::from(vec![7; 1_000]),
            ..Default::default()
        });
        within(writer.send_all(&mut packets.collect()))
            .await
            .expect("it is open");
        if number % 40 == 39
            && let Some(stats) = inbound(&call.bob.connection).await
            && stats.packets_received_with_ect1 > 0
            && estimate(&call.alice.connection).await > 400_000.0
        {
            let sent = sent_with_ect1(&call.alice.connection).await;
            assert!(sent >= stats.packets_received_with_ect1, "{sent}");
            assert!(stats.packets_reported_as_lost.is_some());
            reports_are_counted(&call.alice.connection, &call.bob.connection).await;
            return;
        }
    }
    let arrived = inbound(&call.bob.connection).await;
    let estimate = estimate(&call.alice.connection).await;
    panic!("{estimate} bit/s, {arrived:?}");
}

/// What Alice was told is what Bob said, or less: a report may be under way.
async fn reports_are_counted(alice: &PeerConnection, bob: &PeerConnection) {
    let at_alice = within(alice.get_stats()).await.expect("it is open");
    let at_bob = within(bob.get_stats()).await.expect("it is open");
    let of = |report: &StatsReport| {
        let transport = report.transports().next().expect("one");
        (
            transport.ccfb_messages_received,
            transport.ccfb_messages_sent,
        )
    };
    let (received, sent) = (of(&at_alice).0, of(&at_bob).1);
    assert!(
        Some(0) < received && received <= sent,
        "{received:?} of {sent:?}"
    );
    let streams = at_alice.iter().filter_map(|stats| match stats {
        Stats::RemoteInboundRtp(stats) => stats.packets_received_with_ect1,
        _ => None,
    });
    assert!(streams.sum::<u64>() > 0);
}

async fn sent_with_ect1(connection: &PeerConnection) -> u64 {
    let report = within(connection.get_stats()).await.expect("it is open");
    let streams = report.outbound_rtp();
    streams.map(|stream| stream.packets_sent_with_ect1).sum()
}

async fn estimate(connection: &PeerConnection) -> f64 {
    let report = within(connection.get_stats()).await.expect("it is open");
    let pairs = report.candidate_pairs();
    let rates = pairs.filter_map(|pair| pair.available_outgoing_bitrate);
    rates.fold(0.0, f64::max)
}

#[tokio::test(flavor = "multi_thread")]
async fn who_was_not_asked_for_marks_offers_none() {
    let call = call_on(&endpoint(false)).await;
    let offer = call.alice.connection.local_description();
    let offer = offer.expect("it is there").sdp;
    assert_eq!(wildcards(&offer), 0);
    assert!(offer.contains("transport-cc"));
}
