use duologue_base::WallClock;
use duologue_codec::pattern;
use duologue_rtp::PayloadType;

use super::*;

const FRAME: Duration = Duration::from_micros(33_333);

fn start() -> Instant {
    Instant::from_origin(Duration::from_secs(1))
}

fn frame(number: u32, late: Duration) -> EncodedFrame {
    let received = start() + FRAME * number + late;
    EncodedFrame {
        sequence_number: number.into(),
        key: number == 0,
        sender_time: Some(SenderTime {
            ntp: NtpTime::from(WallClock::from_unix_millis(1_795_000_000_000)),
            rtp: 0,
        }),
        ..EncodedFrame::new(
            Ssrc(1),
            PayloadType::new(96).unwrap(),
            3_000 * number,
            received,
            vec![0; 1_000].into(),
        )
    }
}

/// When each picture is seen, if decoding takes so long.
fn see(frames: Vec<EncodedFrame>, took: Duration) -> (Pictures, Vec<Instant>) {
    let mut pictures = Pictures::new(Ssrc(1));
    let mut seen = Vec::new();
    let mut decoding: Option<(Instant, u32)> = None;
    let mut frames = frames.into_iter().peekable();
    let mut now = start();
    let end = start() + FRAME * 100;
    while now < end {
        while let Some(frame) = frames.next_if(|it| it.received <= now) {
            pictures.handle_frame(frame);
        }
        if let Some((_, timestamp)) = decoding.take_if(|(done, _)| *done <= now) {
            pictures.handle_decoded(timestamp, took, now, Some(20));
            pictures.shown(timestamp, &pattern::draw(0, 64, 64).unwrap(), now);
            seen.push(now);
        }
        if decoding.is_none()
            && let Some(due) = pictures.poll_frame(now)
        {
            decoding = Some((now + took, due.timestamp));
        }
        now += Duration::from_millis(1);
    }
    (pictures, seen)
}

#[test]
fn pictures_that_come_unevenly_are_seen_evenly() {
    // Each third comes 20 ms late.
    let late = |number: u32| Duration::from_millis(if number.is_multiple_of(3) { 20 } else { 0 });
    let frames = (0..90).map(|number| frame(number, late(number)));
    let (mut pictures, seen) = see(frames.collect(), Duration::from_millis(4));
    assert_eq!(seen.len(), 90);
    let steps = seen[60..].windows(2).map(|it| it[1] - it[0]);
    let steps: Vec<u128> = steps.map(|it| it.as_millis()).collect();
    assert!(steps.iter().all(|it| (28..=38).contains(it)), "{steps:?}");

    let told = *pictures.statistics();
    assert_eq!((told.frames_decoded, told.frames_rendered), (90, 90));
    assert_eq!((told.freeze_count, told.frames_dropped), (0, 0));
    assert_eq!(told.total_decode_time, Duration::from_millis(4) * 90);
    assert_eq!(pictures.qp_sum(), Some(20 * 90));
    let rate = pictures.frames_per_second(*seen.last().unwrap());
    assert!(
        rate.is_some_and(|it| (28.0..=31.0).contains(&it)),
        "{rate:?}"
    );
}

#[test]
fn a_picture_tells_when_it_was_captured() {
    let mut pictures = Pictures::new(Ssrc(1));
    pictures.handle_frame(frame(0, Duration::ZERO));
    let picture = pattern::draw(0, 64, 64).unwrap();
    let captured = pictures.shown(9_000, &picture, start());
    let report = frame(0, Duration::ZERO).sender_time.unwrap().ntp;
    let since = captured.unwrap().since(report).as_millis();
    assert!((99..=101).contains(&since), "{since}");
}
