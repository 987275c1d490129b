//! Descriptions in the manner of Chromium and Firefox, answered and offered to.

use duologue_jsep::agreement::AnnouncedSource;
use duologue_jsep::{Direction, MediaKind, SdpType, Side};

use duologue_rtp::{RtpParameters, SourceParameters, Ssrc};

use crate::end::{End, lines, sections};

/// Chromium: `addTrack` of a microphone and a camera in one stream, a data channel.
const CHROMIUM: &str = "v=0\r\n\
o=- 5498186869896684180 2 IN IP4 127.0.0.1\r\n\
s=-\r\n\
t=0 0\r\n\
a=group:BUNDLE 0 1 2\r\n\
a=extmap-allow-mixed\r\n\
a=msid-semantic: WMS 39wFDFQyLkxT2Eyq2AB8a0EmLhqmZ2P5eR3X\r\n\
m=audio 9 UDP/TLS/RTP/SAVPF 111 63 9 0 8 13 110 126\r\n\
c=IN IP4 0.0.0.0\r\n\
a=rtcp:9 IN IP4 0.0.0.0\r\n\
a=ice-ufrag:Uq9i\r\n\
a=ice-pwd:9bXJ2mHHyyIDMyM3YpsJ3nRw\r\n\
a=ice-options:trickle\r\n\
a=fingerprint:sha-256 8C:29:0A:8F:11:06:BF:1C:58:B3:CA:E6:F1:F1:DC:99:4C:6C:89:E9:FF:BC:D4:38:11:18:1F:40:19:C8:49:37\r\n\
a=setup:actpass\r\n\
a=mid:0\r\n\
a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level\r\n\
a=extmap:2 http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time\r\n\
a=extmap:3 http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01\r\n\
a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid\r\n\
a=sendrecv\r\n\
a=msid:39wFDFQyLkxT2Eyq2AB8a0EmLhqmZ2P5eR3X 1d8ff1e0-3d6b-4d2a-8f7c-0b4a2b7c9f11\r\n\
a=rtcp-mux\r\n\
a=rtcp-rsize\r\n\
a=rtpmap:111 opus/48000/2\r\n\
a=rtcp-fb:111 transport-cc\r\n\
a=fmtp:111 minptime=10;useinbandfec=1\r\n\
a=rtpmap:63 red/48000/2\r\n\
a=fmtp:63 111/111\r\n\
a=rtpmap:9 G722/8000\r\n\
a=rtpmap:0 PCMU/8000\r\n\
a=rtpmap:8 PCMA/8000\r\n\
a=rtpmap:13 CN/8000\r\n\
a=rtpmap:110 telephone-event/48000\r\n\
a=rtpmap:126 telephone-event/8000\r\n\
a=ssrc:1399694169 cname:kOZ4ZGkJVsDrY2ZM\r\n\
a=ssrc:1399694169 msid:39wFDFQyLkxT2Eyq2AB8a0EmLhqmZ2P5eR3X 1d8ff1e0-3d6b-4d2a-8f7c-0b4a2b7c9f11\r\n\
m=video 9 UDP/TLS/RTP/SAVPF 96 97 102 103 106 107 39 40 45 46 98 99 112 113 116 117 118\r\n\
c=IN IP4 0.0.0.0\r\n\
a=rtcp:9 IN IP4 0.0.0.0\r\n\
a=ice-ufrag:Uq9i\r\n\
a=ice-pwd:9bXJ2mHHyyIDMyM3YpsJ3nRw\r\n\
a=ice-options:trickle\r\n\
a=fingerprint:sha-256 8C:29:0A:8F:11:06:BF:1C:58:B3:CA:E6:F1:F1:DC:99:4C:6C:89:E9:FF:BC:D4:38:11:18:1F:40:19:C8:49:37\r\n\
a=setup:actpass\r\n\
a=mid:1\r\n\
a=extmap:14 urn:ietf:params:rtp-hdrext:toffset\r\n\
a=extmap:2 http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time\r\n\
a=extmap:13 urn:3gpp:video-orientation\r\n\
a=extmap:3 http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01\r\n\
a=extmap:5 http://www.webrtc.org/experiments/rtp-hdrext/playout-delay\r\n\
a=extmap:6 http://www.webrtc.org/experiments/rtp-hdrext/video-content-type\r\n\
a=extmap:7 http://www.webrtc.org/experiments/rtp-hdrext/video-timing\r\n\
a=extmap:8 http://www.webrtc.org/experiments/rtp-hdrext/color-space\r\n\
a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid\r\n\
a=extmap:10 urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id\r\n\
a=extmap:11 urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id\r\n\
a=sendrecv\r\n\
a=msid:39wFDFQyLkxT2Eyq2AB8a0EmLhqmZ2P5eR3X c4b5d8a9-5a51-4dc5-9a0a-1e5b7fb1f2c7\r\n\
a=rtcp-mux\r\n\
a=rtcp-rsize\r\n\
a=rtpmap:96 VP8/90000\r\n\
a=rtcp-fb:96 goog-remb\r\n\
a=rtcp-fb:96 transport-cc\r\n\
a=rtcp-fb:96 ccm fir\r\n\
a=rtcp-fb:96 nack\r\n\
a=rtcp-fb:96 nack pli\r\n\
a=rtpmap:97 rtx/90000\r\n\
a=fmtp:97 apt=96\r\n\
a=rtpmap:102 H264/90000\r\n\
a=rtcp-fb:102 goog-remb\r\n\
a=rtcp-fb:102 transport-cc\r\n\
a=rtcp-fb:102 ccm fir\r\n\
a=rtcp-fb:102 nack\r\n\
a=rtcp-fb:102 nack pli\r\n\
a=fmtp:102 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42001f\r\n\
a=rtpmap:103 rtx/90000\r\n\
a=fmtp:103 apt=102\r\n\
a=rtpmap:106 H264/90000\r\n\
a=rtcp-fb:106 nack\r\n\
a=fmtp:106 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f\r\n\
a=rtpmap:107 rtx/90000\r\n\
a=fmtp:107 apt=106\r\n\
a=rtpmap:39 H264/90000\r\n\
a=fmtp:39 level-asymmetry-allowed=1;packetization-mode=0;profile-level-id=4d001f\r\n\
a=rtpmap:40 rtx/90000\r\n\
a=fmtp:40 apt=39\r\n\
a=rtpmap:45 AV1/90000\r\n\
a=fmtp:45 level-idx=5;profile=0;tier=0\r\n\
a=rtpmap:46 rtx/90000\r\n\
a=fmtp:46 apt=45\r\n\
a=rtpmap:98 VP9/90000\r\n\
a=fmtp:98 profile-id=0\r\n\
a=rtpmap:99 rtx/90000\r\n\
a=fmtp:99 apt=98\r\n\
a=rtpmap:112 H264/90000\r\n\
a=fmtp:112 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=64001f\r\n\
a=rtpmap:113 rtx/90000\r\n\
a=fmtp:113 apt=112\r\n\
a=rtpmap:116 red/90000\r\n\
a=rtpmap:117 rtx/90000\r\n\
a=fmtp:117 apt=116\r\n\
a=rtpmap:118 ulpfec/90000\r\n\
a=ssrc-group:FID 2231627014 632943048\r\n\
a=ssrc:2231627014 cname:kOZ4ZGkJVsDrY2ZM\r\n\
a=ssrc:632943048 cname:kOZ4ZGkJVsDrY2ZM\r\n\
m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n\
c=IN IP4 0.0.0.0\r\n\
a=ice-ufrag:Uq9i\r\n\
a=ice-pwd:9bXJ2mHHyyIDMyM3YpsJ3nRw\r\n\
a=ice-options:trickle\r\n\
a=fingerprint:sha-256 8C:29:0A:8F:11:06:BF:1C:58:B3:CA:E6:F1:F1:DC:99:4C:6C:89:E9:FF:BC:D4:38:11:18:1F:40:19:C8:49:37\r\n\
a=setup:actpass\r\n\
a=mid:2\r\n\
a=sctp-port:5000\r\n\
a=max-message-size:262144\r\n";

/// Firefox: the fingerprint and the trickle option at the session level, its own `a=fmtp` of
/// Opus, two-way header extension control.
const FIREFOX: &str = "v=0\r\n\
o=mozilla...THIS_IS_SDPARTA-99.0 4384226493063264532 0 IN IP4 0.0.0.0\r\n\
s=-\r\n\
t=0 0\r\n\
a=sendrecv\r\n\
a=fingerprint:sha-256 3F:7B:93:2E:19:0E:D0:0C:1D:1A:2E:4C:92:11:5D:74:BD:CC:86:9D:7F:1B:7C:05:C4:8A:6F:4E:4C:B5:34:A1\r\n\
a=group:BUNDLE 0 1 2\r\n\
a=ice-options:trickle\r\n\
a=msid-semantic:WMS *\r\n\
m=audio 9 UDP/TLS/RTP/SAVPF 109 9 0 8 101\r\n\
c=IN IP4 0.0.0.0\r\n\
a=sendrecv\r\n\
a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level\r\n\
a=extmap:2/recvonly urn:ietf:params:rtp-hdrext:csrc-audio-level\r\n\
a=extmap:3 urn:ietf:params:rtp-hdrext:sdes:mid\r\n\
a=fmtp:109 maxplaybackrate=48000;stereo=1;useinbandfec=1\r\n\
a=fmtp:101 0-15\r\n\
a=ice-pwd:61c2f8ae2ed8a1d3f3a0d0e54b6a8b0f\r\n\
a=ice-ufrag:7d1a1b8e\r\n\
a=mid:0\r\n\
a=msid:{c1a3b1a2-5d30-4a9c-9c7a-3f1c6d7b2e55} {f0f4e3d9-13a4-4b8d-8a9f-0c2f2f1c7b10}\r\n\
a=rtcp-mux\r\n\
a=rtpmap:109 opus/48000/2\r\n\
a=rtpmap:9 G722/8000/1\r\n\
a=rtpmap:0 PCMU/8000\r\n\
a=rtpmap:8 PCMA/8000\r\n\
a=rtpmap:101 telephone-event/8000/1\r\n\
a=setup:actpass\r\n\
a=ssrc:1283294201 cname:{8b1a2f60-8d14-4e0b-b7a5-5b6c1a6d20de}\r\n\
m=video 9 UDP/TLS/RTP/SAVPF 120 124 121 125 126 127 97 98 123 122 119\r\n\
c=IN IP4 0.0.0.0\r\n\
a=sendrecv\r\n\
a=extmap:3 urn:ietf:params:rtp-hdrext:sdes:mid\r\n\
a=extmap:4 http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time\r\n\
a=extmap:5 urn:ietf:params:rtp-hdrext:toffset\r\n\
a=extmap:6/recvonly http://www.webrtc.org/experiments/rtp-hdrext/playout-delay\r\n\
a=extmap:7 http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01\r\n\
a=fmtp:126 profile-level-id=42e01f;level-asymmetry-allowed=1;packetization-mode=1\r\n\
a=fmtp:97 profile-level-id=42e01f;level-asymmetry-allowed=1\r\n\
a=fmtp:120 max-fs=12288;max-fr=60\r\n\
a=fmtp:124 apt=120\r\n\
a=fmtp:121 max-fs=12288;max-fr=60\r\n\
a=fmtp:125 apt=121\r\n\
a=fmtp:127 apt=126\r\n\
a=fmtp:98 apt=97\r\n\
a=fmtp:119 apt=122\r\n\
a=ice-pwd:61c2f8ae2ed8a1d3f3a0d0e54b6a8b0f\r\n\
a=ice-ufrag:7d1a1b8e\r\n\
a=mid:1\r\n\
a=msid:{c1a3b1a2-5d30-4a9c-9c7a-3f1c6d7b2e55} {0a7a65d4-7f2c-4b31-86c6-1d9e4d5e7a3b}\r\n\
a=rtcp-fb:120 nack\r\n\
a=rtcp-fb:120 nack pli\r\n\
a=rtcp-fb:120 ccm fir\r\n\
a=rtcp-fb:120 goog-remb\r\n\
a=rtcp-fb:120 transport-cc\r\n\
a=rtcp-fb:126 nack\r\n\
a=rtcp-mux\r\n\
a=rtcp-rsize\r\n\
a=rtpmap:120 VP8/90000\r\n\
a=rtpmap:124 rtx/90000\r\n\
a=rtpmap:121 VP9/90000\r\n\
a=rtpmap:125 rtx/90000\r\n\
a=rtpmap:126 H264/90000\r\n\
a=rtpmap:127 rtx/90000\r\n\
a=rtpmap:97 H264/90000\r\n\
a=rtpmap:98 rtx/90000\r\n\
a=rtpmap:123 ulpfec/90000\r\n\
a=rtpmap:122 red/90000\r\n\
a=rtpmap:119 rtx/90000\r\n\
a=setup:actpass\r\n\
a=ssrc:3128295017 cname:{8b1a2f60-8d14-4e0b-b7a5-5b6c1a6d20de}\r\n\
a=ssrc:2716281834 cname:{8b1a2f60-8d14-4e0b-b7a5-5b6c1a6d20de}\r\n\
a=ssrc-group:FID 3128295017 2716281834\r\n\
m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n\
c=IN IP4 0.0.0.0\r\n\
a=sendrecv\r\n\
a=ice-pwd:61c2f8ae2ed8a1d3f3a0d0e54b6a8b0f\r\n\
a=ice-ufrag:7d1a1b8e\r\n\
a=mid:2\r\n\
a=setup:actpass\r\n\
a=sctp-port:5000\r\n\
a=max-message-size:1073741823\r\n";

/// An end with a microphone and a camera that answers.
fn answer(offer: &str) -> (End, String) {
    let mut b = End::new(2);
    b.add_track(MediaKind::Audio, "s");
    b.add_track(MediaKind::Video, "s");
    b.set_remote(SdpType::Offer, offer).unwrap();
    assert_eq!(b.description(Side::Remote), offer);
    let answer = b.answer();
    (b, answer)
}

fn source(ssrc: u32, rtx: Option<u32>, cname: &str) -> AnnouncedSource {
    AnnouncedSource {
        source: SourceParameters {
            rtx: rtx.map(Ssrc),
            ..SourceParameters::new(Ssrc(ssrc))
        },
        cname: Some(cname.to_owned()),
    }
}

fn video_codecs(end: &End) -> Vec<(u8, String)> {
    let send = end.signaling.stable().media[1].send.clone().unwrap();
    send.codecs
        .into_iter()
        .map(|c| (c.payload_type.get(), c.codec.name))
        .collect()
}

#[test]
fn chromiums_offer_is_answered_in_full() {
    let (b, answer) = answer(CHROMIUM);
    assert_eq!(b.intent.transceivers.len(), 2);
    assert!(answer.contains("a=group:BUNDLE 0 1 2\r\n"));
    let parts = sections(&answer);
    assert!(parts[1].starts_with("m=audio 9 UDP/TLS/RTP/SAVPF 111 63 9 0 8 13 110 126\r\n"));
    let formats = "96 97 102 103 106 107 39 40 45 46 98 99 112 113 116 117 118";
    assert!(parts[2].starts_with(&format!("m=video 9 UDP/TLS/RTP/SAVPF {formats}\r\n")));
    assert!(parts[3].contains("a=sctp-port:5000\r\n"));
    assert_eq!(lines(&answer, "a=setup:"), ["active"; 3]);
    // libwebrtc refuses a bundled section without it.
    assert_eq!(lines(&answer, "a=rtcp-mux").len(), 2);
    assert_eq!(lines(&parts[2], "a=extmap:").len(), 11);
    let media = &b.signaling.stable().media[1];
    assert_eq!(media.current_direction, Some(Direction::SendRecv));
    assert_eq!(
        media.remote_streams,
        ["39wFDFQyLkxT2Eyq2AB8a0EmLhqmZ2P5eR3X"]
    );
    assert_eq!(media.remote_cname.as_deref(), Some("kOZ4ZGkJVsDrY2ZM"));
    let announced = |ssrc, rtx| source(ssrc, rtx, "kOZ4ZGkJVsDrY2ZM");
    let stable = b.signaling.stable();
    let [audio, video] = [0, 1].map(|at| &stable.media[at].remote_sources);
    assert_eq!(*audio, [announced(1_399_694_169, None)]);
    assert_eq!(*video, [announced(2_231_627_014, Some(632_943_048))]);
    assert!(media.receive.as_ref().unwrap().reduced_size);
}

#[test]
fn firefoxs_offer_is_answered_in_full() {
    let (b, answer) = answer(FIREFOX);
    let parts = sections(&answer);
    assert!(parts[1].starts_with("m=audio 9 UDP/TLS/RTP/SAVPF 109 9 0 8 101\r\n"));
    let audio = b.signaling.stable().media[0].send.clone().unwrap();
    assert!(!audio.reduced_size);
    assert_eq!(
        audio.codecs[0].codec.sdp_fmtp_line.as_deref(),
        Some("maxplaybackrate=48000;stereo=1;useinbandfec=1")
    );
    let names: Vec<_> = video_codecs(&b).into_iter().map(|(pt, _)| pt).collect();
    assert_eq!(names, [120, 124, 121, 125, 126, 127, 97, 98, 123, 122, 119]);
    assert!(
        parts[2].contains("/sendonly http://www.webrtc.org/experiments/rtp-hdrext/playout-delay")
    );
    let sctp = b.signaling.stable().data().unwrap().sctp.clone().unwrap();
    assert_eq!(sctp.remote_max_message_size, Some(1_073_741_823));
    let announced = |ssrc, rtx| source(ssrc, rtx, "{8b1a2f60-8d14-4e0b-b7a5-5b6c1a6d20de}");
    let stable = b.signaling.stable();
    let [audio, video] = [0, 1].map(|at| &stable.media[at].remote_sources);
    assert_eq!(*audio, [announced(1_283_294_201, None)]);
    assert_eq!(*video, [announced(3_128_295_017, Some(2_716_281_834))]);
    let stream = "{c1a3b1a2-5d30-4a9c-9c7a-3f1c6d7b2e55}";
    assert_eq!(b.signaling.stable().media[1].remote_streams, [stream]);
}

/// A browser as answerer: the text of its offer, turned into an answer to this end's offer.
fn as_answer(browser: &str) -> String {
    browser.replace("a=setup:actpass", "a=setup:active")
}

#[test]
fn browsers_answer_what_this_end_offers() {
    for browser in [CHROMIUM, FIREFOX] {
        let mut a = End::new(1);
        a.add_track(MediaKind::Audio, "s");
        a.add_track(MediaKind::Video, "s");
        a.intent.data = true;
        a.offer();
        // Their numbers differ from ours, as if they had chosen their own; only header
        // extensions must keep the offer's ids.
        let kept = as_answer(browser);
        let kept = kept
            .split_inclusive("\r\n")
            .filter(|l| !l.starts_with("a=extmap:"));
        a.set_remote(SdpType::Answer, &kept.collect::<String>())
            .unwrap();
        assert!(video_codecs(&a).iter().any(|(_, name)| name == "VP8"));
        let shared: Vec<_> = a
            .signaling
            .stable()
            .media
            .iter()
            .map(|m| m.transport)
            .collect();
        assert!(shared.iter().all(|key| *key == shared[0]));
    }
}

#[test]
fn browsers_offer_again_and_are_offered_to() {
    for browser in [CHROMIUM, FIREFOX] {
        let (mut b, first) = answer(browser);
        b.set_remote(SdpType::Offer, browser).unwrap();
        let second = b.answer();
        assert!(b.changes.is_empty());
        assert_eq!(
            lines(&first, "a=ice-ufrag:"),
            lines(&second, "a=ice-ufrag:")
        );
        b.video();
        let offer = b.offer();
        assert_eq!(lines(&offer, "a=mid:"), ["0", "1", "2", "3"]);
        let maps = |at: usize| lines(&sections(&offer)[at].clone(), "a=rtpmap:").join(" ");
        // New sections use the numbers that the codecs have already.
        assert_eq!(maps(2).contains("120 VP8"), maps(4).contains("120 VP8"));
        b.set_local(SdpType::Rollback).unwrap();
        b.set_remote(SdpType::Offer, browser).unwrap();
        b.set_remote(SdpType::Rollback, "").unwrap();
    }
}

/// What the other end's second m-section announces, when its `a=ssrc` lines are these.
fn announced(lines: &str) -> Vec<AnnouncedSource> {
    let own = ["a=ssrc:", "a=ssrc-group:"];
    let (before, rest) = CHROMIUM.split_once("m=video").unwrap();
    let (video, after) = rest.split_once("m=application").unwrap();
    let kept = video.split_inclusive("\r\n");
    let kept: String = (kept.filter(|l| !own.iter().any(|own| l.starts_with(own)))).collect();
    let (b, _) = answer(&format!("{before}m=video{kept}{lines}m=application{after}"));
    b.signaling.stable().media[1].remote_sources.clone()
}

#[test]
fn layers_of_chromium_have_no_sources_and_those_of_firefox_have_them_in_order() {
    let rids = "a=rid:q send\r\na=rid:h send\r\na=simulcast:send q;h\r\n";
    assert_eq!(announced(rids), []);
    let firefox = rids.to_owned()
        + "a=ssrc:30 cname:x\r\na=ssrc:31 cname:x\r\na=ssrc:10 cname:x\r\na=ssrc:11 cname:x\r\n\
           a=ssrc-group:FID 30 31\r\na=ssrc-group:FID 10 11\r\n";
    assert_eq!(
        announced(&firefox),
        [source(30, Some(31), "x"), source(10, Some(11), "x")]
    );
}

#[test]
fn a_source_has_its_own_forward_error_correction_and_name() {
    let lines = "a=ssrc:1 cname:x\r\na=ssrc:2 cname:x\r\na=ssrc:3 cname:x\r\n\
                 a=ssrc-group:FEC-FR 1 3\r\na=ssrc-group:FID 1 2\r\na=ssrc-group:SIM 1 4\r\n\
                 a=ssrc:4 msid:s t\r\n";
    let [first, second] = &announced(lines)[..] else {
        panic!("{:?}", announced(lines));
    };
    assert_eq!(
        first.source,
        SourceParameters {
            ssrc: Ssrc(1),
            rtx: Some(Ssrc(2)),
            fec: Some(Ssrc(3)),
        }
    );
    assert_eq!(first.cname.as_deref(), Some("x"));
    assert_eq!(
        (second.source, &second.cname),
        (SourceParameters::new(Ssrc(4)), &None)
    );
}

#[test]
fn the_other_end_does_not_choose_how_many_sources_are_remembered() {
    let lines = (1..=1000).map(|ssrc| format!("a=ssrc:{ssrc} cname:x\r\n"));
    let sources = announced(&lines.collect::<String>());
    assert_eq!(sources.len(), duologue_jsep::limits::MAX_SOURCES);
}

#[test]
fn the_latest_description_says_what_the_sources_are() {
    let (mut b, _) = answer(CHROMIUM);
    let next = CHROMIUM.replace("1399694169", "7");
    b.set_remote(SdpType::Offer, &next).unwrap();
    let pending = &b.signaling.latest().media[0].remote_sources;
    assert_eq!(pending[0].source.ssrc, Ssrc(7));
    b.set_remote(SdpType::Rollback, "").unwrap();
    let stable = &b.signaling.latest().media[0].remote_sources;
    assert_eq!(stable[0].source.ssrc, Ssrc(1_399_694_169));
}

/// What the packets of a browser that has offered are known by, and what it is sent.
#[test]
fn plans_for_browsers_have_their_numbers_and_ours() {
    for (browser, vp8, rtx, mid_id, video) in [
        (CHROMIUM, 96, 97, 4, (2_231_627_014, 632_943_048)),
        (FIREFOX, 120, 124, 3, (3_128_295_017, 2_716_281_834)),
    ] {
        let (b, _) = answer(browser);
        let id = b.intent.transceivers[1].id;
        let (transport, receive) = b.plans.receive(id).unwrap();
        let (way_back, send) = b.plans.send(id).unwrap();
        assert_eq!(Some(transport), b.signaling.stable().media[0].transport);
        assert_eq!(way_back, transport);
        assert_eq!((receive.mid.as_str(), send.mid.as_str()), ("1", "1"));

        let (ssrc, repairs) = (Ssrc(video.0), Some(Ssrc(video.1)));
        let announced = SourceParameters {
            rtx: repairs,
            ..SourceParameters::new(ssrc)
        };
        assert_eq!(receive.sources, [announced]);
        for parameters in [&receive.parameters, &send.parameters] {
            let numbers = parameters.codecs.iter().take(2);
            let numbers: Vec<u8> = numbers.map(|c| c.payload_type.get()).collect();
            assert_eq!(numbers, [vp8, rtx]);
            let mut extensions = parameters.header_extensions.iter();
            let mid = extensions.find(|e| e.uri == "urn:ietf:params:rtp-hdrext:sdes:mid");
            assert_eq!(mid.unwrap().id.get(), mid_id);
        }
        // Neither offers FlexFEC where it sends.
        let sources = &b.intent.transceivers[1].sender.sources;
        let source = SourceParameters {
            fec: None,
            ..sources[0]
        };
        let streams: Vec<_> = send.streams.iter().map(|s| (&s.rid, s.source)).collect();
        assert_eq!(streams, [(&None, source)]);
    }
}

/// Firefox says what it does not send in either direction.
#[test]
fn an_extension_of_one_direction_is_in_one_plan() {
    let (b, _) = answer(FIREFOX);
    let id = b.intent.transceivers[1].id;
    let delay = "http://www.webrtc.org/experiments/rtp-hdrext/playout-delay";
    let has = |parameters: &RtpParameters| {
        let mut extensions = parameters.header_extensions.iter();
        extensions.any(|e| e.uri == delay)
    };
    assert!(has(&b.plans.send(id).unwrap().1.parameters));
    assert!(!has(&b.plans.receive(id).unwrap().1.parameters));
}

#[test]
fn a_browser_that_answers_is_received_from_the_offer_on() {
    for browser in [CHROMIUM, FIREFOX] {
        let mut a = End::new(1);
        let ids = [MediaKind::Audio, MediaKind::Video].map(|kind| a.add_track(kind, "s"));
        a.intent.data = true;
        a.offer();
        let offered = ids.map(|id| a.plans.receive(id).is_some());
        assert_eq!(offered, [true; 2]);
        let answer = as_answer(browser);
        let answer = answer
            .split_inclusive("\r\n")
            .filter(|l| !l.starts_with("a=extmap:"));
        a.set_remote(SdpType::Answer, &answer.collect::<String>())
            .unwrap();
        for id in ids {
            let (transport, plan) = a.plans.receive(id).unwrap();
            assert_eq!(plan.sources.len(), 1);
            assert_eq!(Some(transport), a.signaling.stable().media[0].transport);
        }
    }
}
