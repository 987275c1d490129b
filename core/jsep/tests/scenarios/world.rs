//! Descriptions as gateways, cameras, servers and old browsers write them, and single deviations
//! from an ordinary offer, each with what becomes of it. What both browsers take is taken.

use duologue_base::IceRole;
use duologue_jsep::{JsepError, SdpType, Side};

use crate::end::{End, sections};

/// Offers: the file's name and text, and the answer's sections: media, port, protocol, formats,
/// direction, setup.
macro_rules! offers {
    ($($name:literal => $expected:expr,)*) => {
        [$(($name, include_str!(concat!("../descriptions/", $name, ".sdp")), $expected as &[&str]),)*]
    };
}

#[test]
fn offers_of_the_world_are_answered() {
    let offers = offers! {
        "asterisk-empty-fmtp" => &["audio 9 UDP/TLS/RTP/SAVPF 111 0 101 recvonly active"],
        "asterisk11-sdes" => &["content: m-section 0 has no ICE credentials"],
        "asterisk18-pjsip" => &[
            "audio 9 UDP/TLS/RTP/SAVPF 107 9 0 8 101 recvonly active",
            "video 9 UDP/TLS/RTP/SAVPF 100 99 recvonly active",
        ],
        "bridge-potential-configurations" => &[
            "audio 9 UDP/TLS/RTP/SAVP 8 96 0 97 98 recvonly active",
            "video 9 UDP/TLS/RTP/SAVP 99 recvonly active",
        ],
        "discord-voice" => &["syntax 1"],
        "doubango-caps" => &["audio 9 RTP/AVP 8 101 recvonly active"],
        "esp-peer-whip" => &[
            "audio 9 UDP/TLS/RTP/SAVP 111 recvonly active",
            "video 9 UDP/TLS/RTP/SAVPF 102 106 recvonly active",
        ],
        "ffmpeg-whip-active" => &[
            "audio 9 UDP/TLS/RTP/SAVPF 111 recvonly passive",
            "video 9 UDP/TLS/RTP/SAVPF 106 recvonly passive",
        ],
        "firefox-old-simulcast" => &["video 9 UDP/TLS/RTP/SAVPF 120 recvonly active"],
        "firefox45-relayed" => &["audio 9 UDP/TLS/RTP/SAVPF 109 9 0 8 101 recvonly active"],
        "fs-savpf" => &["audio 9 RTP/SAVPF 102 0 8 103 101 recvonly active"],
        "gateway-dtls-and-sdes" => &["audio 9 RTP/SAVPF 0 8 101 recvonly active"],
        // Chromium refuses the TCP type of a UDP candidate, which is skipped here.
        "go2rtc-offer" => &[
            "audio 9 UDP/TLS/RTP/SAVPF 0 recvonly active",
            "video 9 UDP/TLS/RTP/SAVPF 103 49 inactive active",
        ],
        "gst-bundle-only" => &[
            "video 9 UDP/TLS/RTP/SAVPF 96 97 recvonly active",
            "audio 9 UDP/TLS/RTP/SAVPF 0 recvonly active",
            "application 9 UDP/DTLS/SCTP webrtc-datachannel active",
        ],
        "gst-whep-client" => &[
            "audio 9 UDP/TLS/RTP/SAVPF 0 inactive active",
            "video 9 UDP/TLS/RTP/SAVPF 96 97 inactive active",
        ],
        "ipv6-zone-candidate" => &["application 9 UDP/DTLS/SCTP webrtc-datachannel active"],
        "janus-mountpoint" => &[
            "audio 9 UDP/TLS/RTP/SAVPF 111 recvonly active",
            "video 9 UDP/TLS/RTP/SAVPF 96 recvonly active",
        ],
        "kinesis-camera" => &[
            "video 9 UDP/TLS/RTP/SAVPF 125 recvonly active",
            "audio 9 UDP/TLS/RTP/SAVPF 111 recvonly active",
            "application 9 UDP/DTLS/SCTP webrtc-datachannel active",
        ],
        "libdatachannel-2020" => &["application 9 DTLS/SCTP webrtc-datachannel passive"],
        "livekit-gst-planb-lookalike" => &[
            "audio 9 UDP/TLS/RTP/SAVPF 111 recvonly active",
            "video 9 UDP/TLS/RTP/SAVPF 101 102 recvonly active",
            "application 9 UDP/DTLS/SCTP webrtc-datachannel active",
        ],
        // Chromium refuses the empty a=fmtp.
        "mediasoup-consumer" => &[
            "video 9 UDP/TLS/RTP/SAVPF 101 102 recvonly active",
            "video 9 UDP/TLS/RTP/SAVPF 127 recvonly active",
        ],
        "min-c-after-a" => &["application 9 UDP/DTLS/SCTP webrtc-datachannel active"],
        "min-candidate-no-foundation" => &[
            "application 9 UDP/DTLS/SCTP webrtc-datachannel active",
        ],
        "min-candidate-odd-extension" => &[
            "application 9 UDP/DTLS/SCTP webrtc-datachannel active",
        ],
        "min-candidate-zone" => &["application 9 UDP/DTLS/SCTP webrtc-datachannel active"],
        "min-direction-twice" => &["audio 9 UDP/TLS/RTP/SAVPF 0 inactive active"],
        "min-ice-options-comma" => &["application 9 UDP/DTLS/SCTP webrtc-datachannel active"],
        "min-msid-slash" => &["audio 9 UDP/TLS/RTP/SAVPF 0 recvonly active"],
        "min-no-sctp-port" => &["application 9 UDP/DTLS/SCTP webrtc-datachannel active"],
        "min-trailing-space" => &["audio 9 UDP/TLS/RTP/SAVPF 0 recvonly active"],
        "min-ufrag-underscore" => &["application 9 UDP/DTLS/SCTP webrtc-datachannel active"],
        "min-unused-attribute-value" => &["audio 9 UDP/TLS/RTP/SAVPF 0 recvonly active"],
        "min-value-twice" => &["audio 9 UDP/TLS/RTP/SAVPF 0 recvonly active"],
        "munged-b-after-mid" => &["video 9 UDP/TLS/RTP/SAVPF 96 recvonly active"],
        "nest-as-offer" => &[
            "audio 9 UDP/TLS/RTP/SAVPF 96 recvonly active",
            "video 9 UDP/TLS/RTP/SAVPF 97 recvonly active",
            "application 9 DTLS/SCTP 5000 active",
        ],
        "no-c-at-all" => &["audio 9 UDP/TLS/RTP/SAVPF 111 recvonly active"],
        "obs-webrtcrs" => &[
            "video 9 UDP/TLS/RTP/SAVPF 125 recvonly active",
            "audio 9 UDP/TLS/RTP/SAVPF 111 recvonly active",
        ],
        "ome-session-credentials" => &[
            "video 9 UDP/TLS/RTP/SAVPF 98 recvonly active",
            "audio 9 UDP/TLS/RTP/SAVPF 110 recvonly active",
        ],
        "pion-sfu-foundation" => &[
            "audio 9 UDP/TLS/RTP/SAVPF 111 recvonly active",
            "video 9 UDP/TLS/RTP/SAVPF 96 98 recvonly active",
        ],
        "planb-jitsi" => &[
            "audio 9 RTP/SAVPF 111 126 recvonly active",
            "video 9 RTP/SAVPF 100 recvonly active",
        ],
        "rtpengine-two-audio" => &[
            "audio 9 RTP/SAVPF 9 8 0 recvonly active",
            "audio 0 RTP/SAVPF 8 0 3 18 inactive",
        ],
        "sfu-data-first" => &[
            "application 9 UDP/DTLS/SCTP webrtc-datachannel active",
            "audio 9 UDP/TLS/RTP/SAVPF 111 63 recvonly active",
            "video 9 UDP/TLS/RTP/SAVPF 96 97 45 46 118 119 recvonly active",
        ],
        "two-fmtp-lines" => &["video 9 UDP/TLS/RTP/SAVPF 98 102 recvonly active"],
        "unreal-pixelstreaming" => &[
            "video 9 UDP/TLS/RTP/SAVPF 127 97 98 99 100 101 102 recvonly active",
            "audio 9 UDP/TLS/RTP/SAVPF 111 63 110 recvonly active",
            "application 9 UDP/DTLS/SCTP webrtc-datachannel active",
        ],
        "webrtcrs-no-c" => &[
            "audio 0 UDP/TLS/RTP/SAVPF 0 inactive",
            "video 9 UDP/TLS/RTP/SAVPF 120 recvonly active",
            "application 9 UDP/DTLS/SCTP webrtc-datachannel active",
        ],
        "zlm-offer" => &[
            "video 9 UDP/TLS/RTP/SAVPF 102 122 recvonly active",
            "audio 9 UDP/TLS/RTP/SAVPF 8 recvonly active",
        ],
    };
    let mut wrong = Vec::new();
    for (name, text, expected) in offers {
        let found = outcome(&text.replace('\n', "\r\n"));
        if found != expected {
            wrong.push(format!("{name}: {found:?}"));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

/// The answer's sections in short, or why there is none. A refusal changes nothing.
fn outcome(offer: &str) -> Vec<String> {
    let mut b = End::new(2);
    let before = b.signaling.clone();
    if let Err(error) = b.set_remote(SdpType::Offer, offer) {
        assert_eq!(b.signaling, before);
        return vec![match error {
            JsepError::Syntax(error) => format!("syntax {}", error.line),
            JsepError::Content(error) => format!("content: {error}"),
            other => format!("operation: {other}"),
        }];
    }
    assert_eq!(b.description(Side::Remote), offer);
    let answer = b.answer();
    let parts = sections(&answer);
    let short = parts[1..].iter().map(|section| {
        let line = section.lines().next().unwrap().trim_start_matches("m=");
        let shown = section.lines().filter_map(|line| {
            let attribute = line.strip_prefix("a=")?;
            let direction = ["sendrecv", "sendonly", "recvonly", "inactive"].contains(&attribute);
            let setup = attribute.strip_prefix("setup:");
            setup.or(Some(attribute).filter(|_| direction))
        });
        let shown: Vec<&str> = std::iter::once(line).chain(shown).collect();
        shown.join(" ")
    });
    short.collect()
}

#[test]
fn all_lines_of_parameters_of_a_format_count() {
    let (b, _) = answered(include_str!("../descriptions/two-fmtp-lines.sdp"));
    let codecs = &b.signaling.stable().media[0].send.as_ref().unwrap().codecs;
    let lines = codecs.iter().map(|c| c.codec.sdp_fmtp_line.as_deref());
    assert_eq!(
        lines.collect::<Vec<_>>(),
        [
            Some("x-google-start-bitrate=800;profile-id=2"),
            Some(
                "x-google-start-bitrate=800;level-asymmetry-allowed=1;packetization-mode=1;\
                 profile-level-id=42e01f"
            ),
        ]
    );
}

#[test]
fn streams_of_the_world_have_the_names_they_were_given() {
    let (b, _) = answered(include_str!("../descriptions/min-msid-slash.sdp"));
    assert_eq!(b.signaling.stable().media[0].remote_streams, ["1/2"]);
}

#[test]
fn candidates_of_the_world_are_kept_or_skipped_and_counted() {
    for (text, kept) in [
        (include_str!("../descriptions/nest-as-offer.sdp"), 4),
        (include_str!("../descriptions/ipv6-zone-candidate.sdp"), 2),
        (include_str!("../descriptions/pion-sfu-foundation.sdp"), 4),
        (
            include_str!("../descriptions/min-candidate-odd-extension.sdp"),
            1,
        ),
    ] {
        for broken in [0, 2] {
            let garbage = "a=candidate:garbage\n".repeat(broken);
            let (b, _) = answered(&text.replacen("a=candidate:", &(garbage + "a=candidate:"), 1));
            let described = b.signaling.described_candidates();
            let candidates = described.iter().map(|d| d.candidates.len());
            assert_eq!(candidates.sum::<usize>(), kept);
            assert_eq!(b.signaling.unread_candidates(), broken);
        }
    }
}

#[test]
fn an_end_that_says_in_its_sections_that_it_is_lite_is_controlled() {
    let (b, _) = answered(include_str!("../descriptions/zlm-offer.sdp"));
    let mut transports = b.signaling.stable().transports.values();
    assert!(transports.all(|t| t.ice_role == IceRole::Controlling));
}

#[test]
fn the_older_form_of_a_data_section_is_answered_in_it() {
    for map in ["a=sctpmap:5000 webrtc-datachannel 1024\n", ""] {
        let text = include_str!("../descriptions/min-no-sctp-port.sdp");
        let text = text.replace("SCTP webrtc-datachannel", "SCTP 5001") + map;
        let (b, answer) = answered(&text.replace("sctpmap:5000", "sctpmap:5001"));
        let sctp = b.signaling.stable().data().unwrap().sctp.clone().unwrap();
        assert_eq!((sctp.local_port, sctp.remote_port), (5001, Some(5001)));
        assert!(answer.contains("m=application 9 UDP/DTLS/SCTP 5001\r\n"));
        assert!(answer.contains("a=sctpmap:5001 webrtc-datachannel 1024\r\n"));
    }
}

fn answered(offer: &str) -> (End, String) {
    let mut b = End::new(2);
    b.set_remote(SdpType::Offer, &offer.replace('\n', "\r\n"))
        .unwrap();
    let answer = b.answer();
    (b, answer)
}

/// An ordinary offer: the session level, audio, video, data.
const ORDINARY: [&str; 4] = [
    "v=0\n\
     o=- 1 1 IN IP4 127.0.0.1\n\
     s=-\n\
     t=0 0\n\
     a=group:BUNDLE 0 1 2\n",
    "m=audio 9 UDP/TLS/RTP/SAVPF 111 0\n\
     c=IN IP4 0.0.0.0\n\
     TRANSPORT\
     a=mid:0\n\
     a=sendrecv\n\
     a=rtcp-mux\n\
     a=rtpmap:111 opus/48000/2\n\
     a=fmtp:111 minptime=10;useinbandfec=1\n\
     a=rtpmap:0 PCMU/8000\n\
     a=msid:s a\n",
    "m=video 9 UDP/TLS/RTP/SAVPF 96 97\n\
     c=IN IP4 0.0.0.0\n\
     TRANSPORT\
     a=mid:1\n\
     a=sendrecv\n\
     a=rtcp-mux\n\
     a=rtpmap:96 VP8/90000\n\
     a=rtcp-fb:96 nack pli\n\
     a=rtpmap:97 rtx/90000\n\
     a=fmtp:97 apt=96\n\
     a=msid:s v\n\
     a=ssrc-group:FID 1 2\n\
     a=ssrc:1 cname:c\n\
     a=ssrc:2 cname:c\n",
    "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\n\
     c=IN IP4 0.0.0.0\n\
     TRANSPORT\
     a=mid:2\n\
     a=sctp-port:5000\n\
     a=max-message-size:262144\n\
     a=candidate:1 1 udp 2130706431 192.0.2.1 5000 typ host\n",
];

/// Four lines of every media section.
const TRANSPORT: &str = "a=ice-ufrag:abcd\n\
     a=ice-pwd:abcdefghijklmnopqrstuv\n\
     a=fingerprint:sha-256 AA:11:BB:22:CC:33:DD:44:EE:55:FF:66:00:77:11:88:22:99:33:AA:44:BB:55:CC:66:DD:77:EE:88:FF:99:00\n\
     a=setup:actpass\n";

/// Each is a line `name | who takes it | outcome`, with who of Chromium 156 and Firefox 153 took it,
/// and then its changes: the section (S, A, V, D), the number of a line in it, `=` to replace it,
/// `+` to add a line after it, `-` to remove it. `␠` is a space at the end.
const DEVIATIONS: &str = include_str!("../descriptions/deviations.txt");

#[test]
fn single_deviations_have_their_outcome() {
    let mut wrong = Vec::new();
    let mut lines = DEVIATIONS.lines().peekable();
    let mut count = 0;
    while let Some(header) = lines.next() {
        let mut parts = header.split(" | ");
        let mut part = || parts.next().unwrap();
        let (name, who, expected) = (part(), part(), part());
        let mut changes = Vec::new();
        while let Some(change) = lines.next_if(|line| line.starts_with("  ")) {
            changes.push(change.trim_start());
        }
        let found = outcome(&deviating(&changes));
        let refused = ["syntax", "content", "operation"];
        let refusal = refused.iter().any(|kind| found[0].starts_with(kind));
        let short = if refusal { &found[0] } else { "taken" };
        let fits = match who {
            "both" | "all" => !refusal,
            "nobody" => refusal,
            _ => true,
        };
        if short != expected || !fits {
            wrong.push(format!("{name} | {who} | {short}"));
        }
        count += 1;
    }
    assert_eq!(count, 233);
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

fn deviating(changes: &[&str]) -> String {
    let mut offer: Vec<Vec<Vec<String>>> = ORDINARY
        .iter()
        .map(|section| section.replace("TRANSPORT", TRANSPORT))
        .map(|section| section.lines().map(|line| vec![line.to_owned()]).collect())
        .collect();
    for change in changes {
        let section = "SAVD".find(&change[..1]).unwrap();
        let at = change.find(['=', '+', '-']).unwrap();
        let number: usize = change[1..at].parse().unwrap();
        let text = change[at + 1..].trim_start().replace('␠', " ");
        let place = &mut offer[section][number - 1];
        match &change[at..=at] {
            "=" => place[0] = text,
            "+" => place.push(text),
            _ => drop(place.remove(0)),
        }
    }
    let lines = offer.into_iter().flatten().flatten();
    lines.map(|line| line + "\r\n").collect()
}
