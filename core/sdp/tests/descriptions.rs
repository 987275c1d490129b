//! Descriptions as Chrome, Firefox and an old gateway write them.

use duologue_rtp::PayloadType;
use duologue_sdp::attr::{Direction, HashFunction, RidDirection, Setup};
use duologue_sdp::{Formats, MediaKind, MediaProtocol, ParseError, SessionDescription};

const CHROME_OFFER: &str = include_str!("descriptions/chrome_offer.sdp");
const CHROME_SIMULCAST_OFFER: &str = include_str!("descriptions/chrome_simulcast_offer.sdp");
const FIREFOX_OFFER: &str = include_str!("descriptions/firefox_offer.sdp");
const FIREFOX_ANSWER: &str = include_str!("descriptions/firefox_answer_rejecting.sdp");
const LEGACY_ANSWER: &str = include_str!("descriptions/legacy_sctpmap_answer.sdp");

fn payload_type(number: u8) -> PayloadType {
    PayloadType::new(number).expect("below 128")
}

#[test]
fn every_description_is_written_as_it_was_read_with_crlf() -> Result<(), ParseError> {
    for text in [
        CHROME_OFFER,
        CHROME_SIMULCAST_OFFER,
        FIREFOX_OFFER,
        FIREFOX_ANSWER,
        LEGACY_ANSWER,
    ] {
        let crlf = text.replace('\n', "\r\n");
        let description = SessionDescription::parse(&crlf)?;
        assert_eq!(description.to_string(), crlf);
        // The same from bare LF, and with blank lines at the end or no line end at all.
        assert_eq!(SessionDescription::parse(text)?, description);
        assert_eq!(SessionDescription::parse(text.trim_end())?, description);
        assert_eq!(
            SessionDescription::parse(&format!("{crlf}\r\n"))?,
            description
        );
    }
    Ok(())
}

#[test]
fn a_chrome_offer_has_audio_video_and_data() -> Result<(), ParseError> {
    let offer = SessionDescription::parse(CHROME_OFFER)?;
    let origin = offer.origin().expect("an origin of JSEP's form");
    assert_eq!(origin.session_id, 4_821_093_375_112_094_417);
    assert_eq!(origin.session_version, 2);
    assert!(offer.session().extmap_allow_mixed());
    let bundle = offer.session().groups().next().expect("a group");
    assert!(bundle.is_bundle());
    assert_eq!(bundle.mids.len(), 3);

    let kinds: Vec<_> = offer.medias().map(|media| media.kind().clone()).collect();
    assert_eq!(
        kinds,
        [MediaKind::Audio, MediaKind::Video, MediaKind::Application]
    );

    let audio = offer.media(0).expect("audio");
    assert_eq!(audio.port(), 54812);
    assert_eq!(audio.protocol(), &MediaProtocol::UDP_TLS_RTP_SAVPF);
    assert_eq!(audio.formats().payload_types()[0], payload_type(111));
    assert_eq!(audio.mid().map(|mid| mid.as_str()), Some("0"));
    assert_eq!(audio.setup(), Some(Setup::ActPass));
    assert_eq!(audio.ice_ufrag().map(|u| u.as_str()), Some("q3Rk"));
    assert!(audio.ice_options().is_some_and(|o| o.contains("trickle")));
    assert!(audio.rtcp_mux() && audio.rtcp_rsize() && !audio.bundle_only());
    assert_eq!(audio.candidates().count(), 3);
    assert_eq!(audio.ssrcs().count(), 2);
    let opus = audio.rtpmap(payload_type(111)).expect("opus");
    assert_eq!(
        (opus.encoding.as_str(), opus.clock_rate, opus.channels),
        ("opus", 48_000, Some(2))
    );
    let fmtp = audio.fmtp(payload_type(111)).expect("fmtp of opus");
    assert_eq!(fmtp.get("useinbandfec"), Some("1"));
    let fingerprint = audio.fingerprints().next().expect("a fingerprint");
    assert_eq!(fingerprint.hash(), &HashFunction::Sha256);
    assert_eq!(fingerprint.digest()[..2], [0x5b, 0x0c]);

    let video = offer.media_by_mid("1").expect("video");
    assert_eq!(video.rtcp_fb(payload_type(96)).count(), 5);
    assert_eq!(video.extmaps().count(), 8);
    assert_eq!(
        video
            .ssrc_groups()
            .map(|group| group.ssrcs.len())
            .sum::<usize>(),
        2
    );

    let data = offer.media(2).expect("data");
    assert_eq!(data.formats(), &Formats::data_channel());
    assert_eq!(data.sctp_port().map(|port| port.0), Some(5000));
    assert_eq!(data.max_message_size().map(|size| size.0), Some(262_144));
    assert!(!data.is_rejected());
    Ok(())
}

#[test]
fn a_firefox_offer_gives_its_media_what_the_session_says() -> Result<(), ParseError> {
    let offer = SessionDescription::parse(FIREFOX_OFFER)?;
    for media in offer.medias() {
        assert_eq!(media.section().fingerprints().count(), 0);
        assert_eq!(media.fingerprints().count(), 1);
        assert!(
            media
                .ice_options()
                .is_some_and(|options| options.contains("trickle"))
        );
        assert_eq!(media.direction(), Direction::SendRecv);
    }
    let audio = offer.media(0).expect("audio");
    assert!(audio.end_of_candidates());
    let hosts = audio
        .candidates()
        .filter(|candidate| candidate.address.ip().is_none());
    assert_eq!(hosts.count(), 2);
    let msid = audio.msids().next().expect("msid");
    assert!(
        msid.stream
            .as_ref()
            .is_some_and(|id| id.as_str().starts_with('{'))
    );
    Ok(())
}

#[test]
fn a_simulcast_offer_names_its_streams() -> Result<(), ParseError> {
    let offer = SessionDescription::parse(CHROME_SIMULCAST_OFFER)?;
    let video = offer.media(0).expect("video");
    let rids: Vec<_> = video.rids().map(|rid| rid.id.as_str()).collect();
    assert_eq!(rids, ["q", "h", "f"]);
    assert!(video.rids().all(|rid| rid.direction == RidDirection::Send));
    let restricted = video.rids().nth(1).expect("rid h");
    assert_eq!(
        restricted.payload_types,
        [payload_type(96), payload_type(108)]
    );
    assert_eq!(restricted.restrictions.len(), 2);
    let simulcast = video.simulcast().expect("simulcast");
    assert_eq!(simulcast.send.len(), 2);
    assert!(simulcast.send[0].0[0].paused);
    assert_eq!(simulcast.send[0].0[1].id.as_str(), "h");
    assert_eq!(video.direction(), Direction::SendOnly);
    assert_eq!(
        video.msids().next().map(|msid| msid.stream.is_none()),
        Some(true)
    );
    // "a=rtcp-fb:*" counts for every format.
    assert_eq!(video.rtcp_fb(payload_type(108)).count(), 1);
    let bandwidths: Vec<_> = video.section().bandwidths().map(|b| b.value).collect();
    assert_eq!(bandwidths, [2500, 2_500_000]);
    Ok(())
}

#[test]
fn rejected_sections_are_seen() -> Result<(), ParseError> {
    let answer = SessionDescription::parse(FIREFOX_ANSWER)?;
    let rejected: Vec<_> = answer.medias().map(|media| media.is_rejected()).collect();
    assert_eq!(rejected, [false, true, true]);

    let bundle_only = CHROME_OFFER.replace(
        "m=application 9 UDP/DTLS/SCTP webrtc-datachannel",
        "m=application 0 UDP/DTLS/SCTP webrtc-datachannel",
    ) + "a=bundle-only\r\n";
    let offer = SessionDescription::parse(&bundle_only)?;
    assert_eq!(offer.media(2).map(|media| media.is_rejected()), Some(false));
    Ok(())
}

#[test]
fn the_older_form_of_data_channels_is_read() -> Result<(), ParseError> {
    let answer = SessionDescription::parse(LEGACY_ANSWER)?;
    assert!(answer.session().ice_lite());
    assert_eq!(
        answer.session().other("x-gateway-version"),
        Some(Some("1.0;build=77"))
    );
    let data = answer.media(0).expect("data");
    assert!(data.protocol().is_sctp());
    let map = data.sctpmaps().next().expect("sctpmap");
    assert_eq!((map.port, map.streams), (5000, Some(1024)));
    assert_eq!(
        data.fingerprints().next().map(|f| f.hash().clone()),
        Some(HashFunction::Sha1)
    );
    let fmtp = data.section().other("fmtp");
    assert_eq!(
        fmtp,
        Some(Some("webrtc-datachannel max-message-size=100000"))
    );
    assert!(data.connection().is_some());
    Ok(())
}

#[test]
fn lines_are_counted_for_errors_about_meaning() -> Result<(), ParseError> {
    let offer = SessionDescription::parse(CHROME_OFFER)?;
    let lines: Vec<_> = CHROME_OFFER.lines().collect();
    for media in offer.medias() {
        assert!(lines[media.line_number() - 1].starts_with("m="));
        let mid = media
            .line_of(|line| line.text().starts_with("a=mid:"))
            .expect("a=mid");
        let expected = format!("a=mid:{}", media.index());
        assert_eq!(lines[mid - 1], expected);
    }
    let group = offer
        .line_of(|line| line.text().starts_with("a=group:"))
        .expect("a=group");
    assert!(lines[group - 1].starts_with("a=group:"));
    Ok(())
}

#[test]
fn debug_shows_no_address_and_no_secret() -> Result<(), ParseError> {
    let offer = SessionDescription::parse(CHROME_OFFER)?;
    let mut shown = format!("{offer:?}");
    for media in offer.medias() {
        shown += &format!("{media:?} {:?}", media.section());
    }
    for secret in ["192.0.2.44", "198.51.100.23", "0dG7vYk2mWc9sXhB4tZ1uPfE"] {
        assert!(!shown.contains(secret), "{secret}");
    }
    Ok(())
}
