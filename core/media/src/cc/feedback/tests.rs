use super::*;

fn at(ms: u64) -> Instant {
    Instant::ZERO + Duration::from_millis(ms)
}

fn sent(history: &mut History, count: u64) {
    for n in 0..count {
        history.push(at(1_000 + n), 1_000, None, None);
    }
}

/// Feedback as its bytes have it: each packet's delta to the one before, none where it is missing.
fn told(
    history: &mut History,
    now: Instant,
    (base, reference): (u16, u32),
    deltas: impl IntoIterator<Item = Option<i32>>,
    results: &mut Vec<PacketResult>,
) {
    let mut ticks = reference.wrapping_mul(TICKS);
    let numbers = (0..).map(|n| base.wrapping_add(n));
    let arrivals = numbers.zip(deltas).filter_map(|(number, delta)| {
        ticks = ticks.wrapping_add_signed(delta?);
        Some((number, ticks))
    });
    let arrivals: Vec<_> = arrivals.collect();
    history.handle_transport_cc(now, base, reference, arrivals, results);
}

#[test]
fn a_packet_that_is_missing_is_told_once_and_again_when_it_arrives_late() {
    let mut history = History::default();
    sent(&mut history, 3);
    let mut results = Vec::new();
    told(
        &mut history,
        at(1_100),
        (0, 0),
        [Some(0), None, Some(4)],
        &mut results,
    );
    told(
        &mut history,
        at(1_150),
        (1, 0),
        [None, Some(4)],
        &mut results,
    );
    told(&mut history, at(1_200), (1, 0), [Some(8)], &mut results);
    let said: Vec<_> = results
        .iter()
        .map(|result| (result.sequence, result.arrival.is_some()))
        .collect();
    assert_eq!(said, [(0, true), (1, false), (2, true), (1, true)]);
}

#[test]
fn sequence_numbers_go_on_over_the_wrap() {
    let mut history = History::default();
    let mut results = Vec::new();
    for n in 0..70_000_u64 {
        let number = history.push(at(n), 100, None, None);
        assert_eq!(number, n as u16);
        let reference = (n / 64) as u32;
        let delta = ((n % 64) * 4) as i32;
        told(
            &mut history,
            at(n + 20),
            (number, reference),
            [Some(delta)],
            &mut results,
        );
    }
    assert_eq!(results.len(), 70_000);
    assert_eq!(results[69_999].sequence, 69_999);
    let spread = results[69_999].arrival.unwrap() - results[0].arrival.unwrap();
    assert_eq!(spread, Duration::from_millis(69_999));
    assert_eq!(history.in_flight(), 0);
}

#[test]
fn the_reference_time_goes_on_over_its_wrap() {
    let mut history = History::default();
    sent(&mut history, 2);
    let mut results = Vec::new();
    told(
        &mut history,
        at(1_100),
        (0, 0xff_ffff),
        [Some(0)],
        &mut results,
    );
    told(&mut history, at(1_164), (1, 0), [Some(0)], &mut results);
    let spread = results[1].arrival.unwrap() - results[0].arrival.unwrap();
    assert_eq!(spread, Duration::from_millis(64));
}

#[test]
fn a_peer_whose_clock_is_set_begins_anew_where_ours_is() {
    let mut history = History::default();
    sent(&mut history, 2);
    let mut results = Vec::new();
    told(&mut history, at(1_100), (0, 100), [Some(0)], &mut results);
    told(
        &mut history,
        at(1_200),
        (1, 900_000),
        [Some(0)],
        &mut results,
    );
    assert_eq!(results[1].arrival, Some(at(1_200)));
}

#[test]
fn reports_of_rfc_8888_say_the_same_with_marks() {
    let mut history = History::default();
    history.set_ect1(true);
    for n in 0..4 {
        let stream = (7, 65_534_u16.wrapping_add(n));
        history.push(at(1_000), 1_000, None, Some(stream));
        history.push(at(1_000), 300, None, Some((9, n)));
    }
    let mut results = Vec::new();
    let ago = |units: u64| Some(Duration::from_nanos(units * 1_000_000_000 / 1_024));
    let metrics = [
        PacketMetric::received(Ecn::Ect1, ago(20)),
        PacketMetric::LOST,
        PacketMetric::received(Ecn::Ce, ago(10)),
    ];
    let mut reported =
        history.handle_stream_report(at(1_100), 5 << 16, (7, 65_534), metrics, &mut results);
    let said: Vec<_> = results
        .iter()
        .map(|result| (result.sequence, result.ecn))
        .collect();
    assert_eq!(said, [(0, Ecn::Ect1), (2, Ecn::NotEct), (4, Ecn::Ce)]);
    assert_eq!(results[1].arrival, None);
    let spread = results[2].arrival.unwrap() - results[0].arrival.unwrap();
    assert_eq!(spread.as_micros(), 9_765);

    // The second came after all, and without its mark.
    let late = [PacketMetric::received(Ecn::NotEct, ago(1))];
    let told = history.handle_stream_report(at(1_150), 6 << 16, (7, 65_535), late, &mut results);
    reported.add(told);
    let expected = crate::ReportedPackets {
        lost: 1,
        recovered: 1,
        with_ect1: 1,
        with_ce: 1,
        bleached_ect1: 1,
    };
    assert_eq!(reported, expected);
    // What is told again is no news.
    let told = history.handle_stream_report(at(1_200), 7 << 16, (7, 65_535), late, &mut results);
    assert_eq!(told, Default::default());
}

#[test]
fn memory_is_bounded_when_the_peer_says_nothing() {
    let mut history = History::default();
    for n in 0..60_000 {
        history.push(at(n / 50), 1_200, None, Some((n as u32 % 1_000, n as u16)));
    }
    assert_eq!(history.packets.len(), HISTORY_PACKETS);
    assert_eq!(history.in_flight(), HISTORY_PACKETS * 1_200);
    assert_eq!(history.lanes.len(), HISTORY_STREAMS);
    let remembered: usize = history.lanes.iter().map(|lane| lane.packets.len()).sum();
    assert!(remembered <= HISTORY_PACKETS);
    history.push(at(60_000), 1_200, None, None);
    assert_eq!(history.packets.len(), 1);
    assert_eq!(history.in_flight(), 1_200);
}

#[test]
fn feedback_for_packets_that_nobody_sent_is_counted() {
    let mut history = History::default();
    let mut results = Vec::new();
    told(&mut history, at(0), (40_000, 0), [Some(0); 8], &mut results);
    sent(&mut history, 2);
    told(&mut history, at(1_100), (1, 0), [Some(0); 8], &mut results);
    let lost = [PacketMetric::LOST; 8];
    history.handle_stream_report(at(1_100), 0, (3, 0), lost, &mut results);
    assert_eq!(results.len(), 1);
    assert!(history.unknown() > 0);
}

#[test]
fn what_a_few_bytes_name_as_missing_is_not_walked_through() {
    let mut history = History::default();
    sent(&mut history, 10);
    let mut results = Vec::new();
    // The first packet of all, one far ahead, and one that was sent.
    let arrivals = [(0, 0), (40_000, 1), (3, 2)];
    history.handle_transport_cc(at(1_100), 0, 0, arrivals, &mut results);
    assert_eq!(results.len(), 1);
    assert_eq!(history.in_flight(), 9_000);
}

#[test]
fn what_is_told_twice_is_no_result_twice() {
    let mut history = History::default();
    sent(&mut history, 4);
    let mut results = Vec::new();
    for n in 0..5 {
        let now = at(1_100 + n);
        told(
            &mut history,
            now,
            (0, 0),
            [Some(0), None, Some(4)],
            &mut results,
        );
    }
    assert_eq!(results.len(), 3);
}
