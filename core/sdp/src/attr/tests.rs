use super::*;

/// Every attribute of the table in its canonical form.
const CANONICAL: &[&str] = &[
    "ice-ufrag:8hhY",
    "ice-pwd:asd88fgpdd777uzjYhagZg",
    "ice-options:trickle ice2",
    "ice-pacing:50",
    "ice-lite",
    "setup:actpass",
    "tls-id:91bbf309c0990a6bec11e38ba2933cee",
    "mid:a1",
    "rtcp:9 IN IP4 0.0.0.0",
    "rtcp:53020",
    "ptime:20",
    "maxptime:120",
    "simulcast:send 1,~4;2 recv c",
    "simulcast:recv ~a;b",
    "sctp-port:5000",
    "max-message-size:18446744073709551615",
    "sctp-init:AQAAGg==",
    "fingerprint:sha-1 4A:AD:B9:B1:3F:82:18:3B:54:02:12:DF:3E:5D:49:6B:19:E5:7C:AB",
    "extmap:1 urn:ietf:params:rtp-hdrext:sdes:mid",
    "extmap:4096/sendonly URI-a long attributes here",
    "identity:eyJpZHAiOnsiZG9tYWluIjoiZXhhbXBsZS5vcmcifX0=",
    "identity:eyJp;ext=1",
    "group:BUNDLE a1 v1 d",
    "group:LS",
    "msid-semantic: WMS *",
    "msid-semantic: WMS",
    "msid:- track",
    "msid:stream",
    "rtpmap:96 opus/48000/2",
    "rtpmap:100 VP8/90000",
    "fmtp:96 minptime=10;useinbandfec=1",
    "rtcp-fb:100 nack pli",
    "rtcp-fb:* transport-cc",
    "imageattr:* send [x=800,y=640] recv [x=330,y=250]",
    "rid:1 send pt=97,98;max-width=1280;max-height=720",
    "rid:h-i_2 recv max-br=1000000;depend=1",
    "rid:q send",
    "ssrc:1001 cname:some thing",
    "ssrc:1001 flag",
    "ssrc-group:FID 1 4294967295",
    "sctpmap:5000 webrtc-datachannel 1024",
    "candidate:1 1 udp 2130706431 192.0.2.1 3478 typ host",
    "remote-candidates:1 192.0.2.1 3478 2 192.0.2.1 3479",
    "end-of-candidates",
    "rtcp-mux",
    "rtcp-mux-only",
    "rtcp-rsize",
    "bundle-only",
    "extmap-allow-mixed",
    "cryptex",
    "sendrecv",
    "sendonly",
    "recvonly",
    "inactive",
    "x-unknown",
    "x-unknown:any: thing; ä",
];

fn parse(text: &str) -> Result<Attribute, SyntaxError> {
    Attribute::parse(text, true)
}

#[test]
fn every_attribute_is_written_as_it_was_read() {
    for &text in CANONICAL {
        let attribute = parse(text);
        assert_eq!(
            attribute.as_ref().map(Attribute::to_string),
            Ok(text.to_owned())
        );
        let name = text.split(':').next();
        assert_eq!(attribute.as_ref().map(Attribute::name).ok(), name);
        let unknown = matches!(attribute, Ok(Attribute::Other { .. }));
        assert_eq!(unknown, text.starts_with("x-"), "{text}");
    }
}

#[test]
fn what_breaks_its_grammar_is_refused() {
    for bad in [
        "ice-ufrag",
        "ice-ufrag:",
        "ice-ufrag:abc",
        "ice-ufrag:a$cd",
        "ice-ufrag:ab.d",
        "ice-pwd:asd88fgpdd777uzjYhagZ",
        "ice-options:",
        "ice-pacing:fast",
        "setup:maybe",
        "tls-id:short",
        "mid:",
        "mid:a b",
        "mid:\"",
        "rtcp:",
        "rtcp:70000",
        "rtcp:9 IN IP6 0.0.0.0",
        "rtcp:9 IN IP4",
        "ptime:",
        "ptime:long",
        "ptime:20.x",
        "simulcast:",
        "simulcast:send",
        "simulcast:send a; recv b c",
        "simulcast:send a send b",
        "simulcast:recv a;;b",
        "simulcast:both a",
        "sctp-port:-1",
        "sctp-port:65536",
        "sctp-port:5000 1",
        "max-message-size:big",
        "max-message-size:18446744073709551616",
        "fingerprint:sha-256",
        "fingerprint:sha-256 4A:AD",
        "fingerprint:sha-1 4A:AD:B9:B1:3F:82:18:3B:54:02:12:DF:3E:5D:49:6B:19:E5:7C:A",
        "fingerprint:sha-1 4A:AD:B9:B1:3F:82:18:3B:54:02:12:DF:3E:5D:49:6B:19:E5:7C:AG",
        "fingerprint:sha-1 4AADB9B13F82183B540212DF3E5D496B19E57CAB",
        "fingerprint:sha-1 4A:AD:B9:B1:3F:82:18:3B:54:02:12:DF:3E:5D:49:6B:19:E5:7C:AB x",
        "extmap:0 urn:x",
        "extmap:256 urn:x",
        "extmap:4352 urn:x",
        "extmap:one urn:x",
        "extmap:1",
        "extmap:1/both urn:x",
        "identity:",
        "identity:{}",
        "group:",
        "group:BUNDLE a:b",
        "msid:",
        "rtpmap:96",
        "rtpmap:128 opus/48000",
        "rtpmap:x opus/48000",
        "rtpmap:96 opus",
        "rtpmap:96 opus/",
        "rtpmap:96 opus/fast",
        "rtpmap:96 opus/0",
        "rtpmap:96 opus/48000/",
        "rtpmap:96 opus/48000/0",
        "rtpmap:96 opus/48000/2/2",
        "rtpmap:96 /48000",
        "fmtp:96",
        "fmtp:a b",
        "rtcp-fb:96",
        "rtcp-fb:200 nack",
        "imageattr:97",
        "imageattr:97 [x=1]",
        "rid:a",
        "rid:a both",
        "rid:a/b send",
        "rid:a send pt=x",
        "rid:a send max width",
        "ssrc:1001",
        "ssrc:x cname:y",
        "ssrc:4294967296 cname:y",
        "ssrc-group:FID x",
        "ssrc-group:FID +1",
        "sctpmap:x webrtc-datachannel",
        "sctpmap:5000",
        "candidate:",
        "remote-candidates:",
        "remote-candidates:1 192.0.2.1",
        "remote-candidates:0 192.0.2.1 1",
        "",
        ":value",
        "na me",
    ] {
        assert!(parse(bad).is_err(), "{bad:?} gave {:?}", parse(bad));
    }
}

#[test]
fn an_error_names_the_attribute() {
    let error = |text| parse(text).map_err(|error| error.to_string());
    assert_eq!(
        error("mid:a b"),
        Err("a=mid: expected a token of 1 to 256 characters".to_owned())
    );
    assert_eq!(
        error("rtpmap:96 opus/fast"),
        Err("a=rtpmap: expected a clock rate".to_owned())
    );
    assert_eq!(
        error("sctp-port:x"),
        Err("a=sctp-port: expected a port from 0 to 65535".to_owned())
    );
}

#[test]
fn what_others_write_is_read_and_written_by_the_letter() {
    for (read, written) in [
        ("rtcp-mux ", "rtcp-mux"),
        ("rtcp-mux:x", "rtcp-mux"),
        ("rtcp-rsize:", "rtcp-rsize"),
        ("end-of-candidates:1", "end-of-candidates"),
        ("sendrecv ", "sendrecv"),
        ("setup:ACTPASS", "setup:actpass"),
        ("setup: active ", "setup:active"),
        ("mid: 0", "mid:0"),
        ("ice-pacing:50.5", "ice-pacing:50"),
        ("ice-options:ice2,trickle", "ice-options:ice2,trickle"),
        ("ice-ufrag:_-=#", "ice-ufrag:_-=#"),
        ("msid: rtsp://cam:1/@a 1/2 x", "msid:rtsp://cam:1/@a 1/2"),
        ("msid:kamera-ü", "msid:kamera-ü"),
        ("rtpmap:96 opus/48000/2 x", "rtpmap:96 opus/48000/2"),
        (
            "sctpmap:5000 webrtc-datachannel streams=16",
            "sctpmap:5000 webrtc-datachannel",
        ),
    ] {
        let attribute = parse(read).map(|attribute| attribute.to_string());
        assert_eq!(attribute, Ok(written.to_owned()), "{read:?}");
    }
}

#[test]
fn only_what_jsep_needs_has_to_be_read() {
    let formats = [PayloadType::from_low_bits(111)];
    for needed in [
        "mid:a b",
        "ice-ufrag:x",
        "ice-pwd",
        "fingerprint:x",
        "setup:x",
        "sctp-port:x",
        "max-message-size:x",
        "group:BUNDLE a:b",
        "rtpmap:111 opus",
        "extmap:0 urn:x",
        "extmap:256/sendonly urn:x",
    ] {
        assert!(
            parse(needed).is_err() && is_needed(needed, &formats),
            "{needed}"
        );
    }
    for unneeded in [
        "group:",
        "group:LS a:b",
        "rtpmap:50 foo",
        "rtpmap:200 foo/8000",
        "extmap:5/both urn:x",
        "extmap:x urn:x",
        "extmap:5",
        "simulcast: send rid=hi;lo",
        "rid:h.1 send",
        "ptime:",
        "candidate:x",
        "na(me",
    ] {
        assert!(
            parse(unneeded).is_err() && !is_needed(unneeded, &formats),
            "{unneeded}"
        );
    }
}

#[test]
fn lines_of_parameters_are_joined_and_the_later_value_counts() -> Result<(), SyntaxError> {
    let join = |lines: &[&str]| -> Result<Option<String>, SyntaxError> {
        let lines: Result<Vec<FmtpParameters>, _> = lines.iter().map(|line| line.parse()).collect();
        Ok(FmtpParameters::join(lines?.iter()).map(|joined| joined.to_string()))
    };
    assert_eq!(join(&[])?, None);
    assert_eq!(join(&["a=1; b"])?.as_deref(), Some("a=1; b"));
    let joined = join(&["x-google-start-bitrate=800;A=1", "a=2; b=3;0-15", "0-15"])?;
    assert_eq!(
        joined.as_deref(),
        Some("x-google-start-bitrate=800;a=2;b=3;0-15")
    );
    Ok(())
}

#[test]
fn formats_that_are_not_payload_types_are_left_alone() {
    let fmtp = "fmtp:webrtc-datachannel max-message-size=100000";
    assert!(parse(fmtp).is_err());
    let attribute = Attribute::parse(fmtp, false);
    assert!(matches!(attribute, Ok(Attribute::Other { .. })));
}

#[test]
fn fmtp_parameters_are_found_in_any_case_and_keep_their_text() -> Result<(), SyntaxError> {
    let text = "Profile-Level-Id=42e01f; packetization-mode=1 ;;flag;x=a=b";
    let parameters: FmtpParameters = text.parse()?;
    assert_eq!(parameters.get("profile-level-id"), Some("42e01f"));
    assert_eq!(parameters.get("packetization-mode"), Some("1"));
    assert_eq!(parameters.get("x"), Some("a=b"));
    assert_eq!(parameters.get("flag"), None);
    let keys: Vec<_> = parameters.iter().map(|(key, _)| key).collect();
    assert_eq!(
        keys,
        ["Profile-Level-Id", "packetization-mode", "flag", "x"]
    );
    assert_eq!(parameters.to_string(), text);
    Ok(())
}

#[test]
fn simulcast_reads_pauses_and_alternatives() -> Result<(), SyntaxError> {
    let simulcast: Simulcast = "send 1,~4;2 recv c".parse()?;
    let [first, second] = &simulcast.send[..] else {
        panic!("two streams: {simulcast:?}");
    };
    assert_eq!(first.0.len(), 2);
    assert!(!first.0[0].paused && first.0[1].paused);
    assert_eq!(first.0[1].id.as_str(), "4");
    assert_eq!(second.0.len(), 1);
    assert_eq!(simulcast.recv.len(), 1);
    Ok(())
}

#[test]
fn hash_functions_match_in_any_case_and_unknown_ones_are_kept() -> Result<(), SyntaxError> {
    assert_eq!("SHA-256".parse::<HashFunction>()?, HashFunction::Sha256);
    let fingerprint: Fingerprint = "SHA3-256 0a:ff".parse()?;
    assert_eq!(fingerprint.digest(), [0x0a, 0xff]);
    assert_eq!(fingerprint.to_string(), "sha3-256 0A:FF");
    assert_eq!(Fingerprint::new(HashFunction::Sha256, vec![0; 31]), None);
    Ok(())
}

#[test]
fn a_password_is_not_shown() -> Result<(), SyntaxError> {
    let shown = format!("{:?}", parse("ice-pwd:asd88fgpdd777uzjYhagZg")?);
    assert!(!shown.contains("asd88"), "{shown}");
    Ok(())
}

#[test]
fn directions_reverse_and_intersect() {
    use Direction::{Inactive, RecvOnly, SendOnly, SendRecv};
    assert_eq!(SendOnly.reversed(), RecvOnly);
    assert_eq!(SendRecv.reversed(), SendRecv);
    assert_eq!(SendRecv.intersection(SendOnly), SendOnly);
    assert_eq!(RecvOnly.intersection(SendOnly), Inactive);
}
