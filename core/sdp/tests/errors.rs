//! Every syntax error names its line.

use duologue_sdp::{Limit, ParseErrorKind, SessionDescription, limits};

const OFFER: &str = "v=0
o=- 1 2 IN IP4 127.0.0.1
s=-
t=0 0
a=group:BUNDLE 0 1
m=audio 9 UDP/TLS/RTP/SAVPF 111
c=IN IP4 0.0.0.0
a=mid:0
a=ice-ufrag:abcd
a=ice-pwd:0123456789abcdef012345
a=setup:actpass
a=rtpmap:111 opus/48000/2
a=extmap:1 urn:x
m=application 9 UDP/DTLS/SCTP webrtc-datachannel
c=IN IP4 0.0.0.0
a=mid:1
a=sctp-port:5000
";

/// The error of the offer in which line `line` is replaced by `text` (which may be several lines).
fn error_with(line: usize, text: &str) -> Option<(usize, ParseErrorKind)> {
    let mut lines: Vec<_> = OFFER.lines().collect();
    lines[line - 1] = text;
    let error = SessionDescription::parse(&lines.join("\r\n")).err()?;
    Some((error.line, error.kind))
}

fn error_of(text: &str) -> Option<(usize, ParseErrorKind)> {
    let error = SessionDescription::parse(text).err()?;
    Some((error.line, error.kind))
}

#[test]
fn the_offer_itself_is_well_formed() {
    assert_eq!(error_of(OFFER), None);
}

#[test]
fn a_malformed_line_is_named() {
    for (line, text) in [
        (1, "v=1"),
        (2, "o=- 1 2 IN IP4"),
        (2, "o=My Cam 1 2 IN IP4 127.0.0.1"),
        (2, "o=-"),
        (4, "t=now"),
        (4, "t=0"),
        (5, "a=group:BUNDLE 0 a:b"),
        (5, "b=AS:-1"),
        (5, "b=AS:unlimited"),
        (6, "m=audio"),
        (6, "m=audio 70000 UDP/TLS/RTP/SAVPF 111"),
        (6, "m=audio 9 UDP/TLS/RTP/SAVPF"),
        (6, "m=audio 9 UDP/TLS/RTP/SAVPF 128"),
        (6, "m=audio 9 UDP/TLS/RTP/SAVPF opus"),
        (6, "m=au(dio 9 UDP/TLS/RTP/SAVPF 111"),
        (6, "m=audio 9 UDP;TLS 111"),
        (7, "c="),
        (7, "c=0.0.0.0"),
        (8, "a=mid:a b"),
        (11, "a=setup:passpass"),
        (12, "a=rtpmap:111 opus"),
        (13, "a=extmap:0 urn:x"),
        (13, "a=extmap:256 urn:x"),
        (13, "a=fingerprint:sha-256 00:11"),
        (13, "a="),
        (17, "a=sctp-port:many"),
        (17, "a=sctp-port:5000\nb=AS"),
        (
            17,
            "a=max-message-size:1\na=sctp-port:5000\na=max-message-size:x",
        ),
    ] {
        let error = error_with(line, text);
        assert!(
            matches!(error, Some((at, _)) if at == line + text.matches('\n').count()),
            "{text:?} gave {error:?}"
        );
    }
}

#[test]
fn a_line_that_is_no_line_is_named() {
    for text in [
        "",
        "a",
        "a mid",
        "=0",
        "A=b",
        "a:b=c",
        "Invalid SDP",
        "ä=b",
        "a=x\0y",
        "a=x\ry",
    ] {
        assert_eq!(
            error_with(9, text),
            Some((9, ParseErrorKind::NotALine)),
            "{text:?}"
        );
    }
    assert_eq!(error_of(""), Some((1, ParseErrorKind::NotALine)));
    assert_eq!(error_of("Invalid SDP"), Some((1, ParseErrorKind::NotALine)));
}

#[test]
fn a_description_begins_with_three_lines_in_order_and_the_others_may_come_in_any() {
    let out_of_place = |line, kind| Some((line, ParseErrorKind::OutOfPlace(kind)));
    for kind in ['v', 'o', 's', 'x', 'y'] {
        assert_eq!(error_with(5, &format!("{kind}=0")), out_of_place(5, kind));
    }
    for (line, text) in [
        (
            4,
            "a=tool:x\nb=AS:1\nc=IN IP4 0.0.0.0\ni=x\nt=0 0\nc=IN IP4 0.0.0.0",
        ),
        (4, "r=1\nt=0 0"),
        (3, "s="),
        (7, "b=AS:1\nc=IN IP4 0.0.0.0\nc=IN IP4 0.0.0.0"),
        (8, "a=mid:0\nb=AS:1\ni=title\nk=prompt"),
        (8, "a=mid:0\nt=0 0\nf=v/////a///\nx=0"),
        (7, "a=x\nc=IN IP4 0.0.0.0"),
    ] {
        assert_eq!(error_with(line, text), None, "{text:?}");
    }
}

/// What nothing of JSEP depends on, as gateways and cameras write it.
#[test]
fn what_cannot_be_read_and_is_not_needed_is_kept_and_ignored() {
    for (line, text) in [
        (2, "o=- 123456789012345678901234567890 -1 IN IP4 my_host"),
        (2, "o=- a1b2 2 IN IP5 192.0.2.999"),
        (5, "a=group:"),
        (5, "a=msid-semantic:"),
        (5, "a=msid-semantic: WMS 1/2"),
        (5, "a=ice-options:"),
        (7, "c=IN IP4 2001:db8::1"),
        (7, "c=IN IP4 224.2.1.1/127/3/4"),
        (13, "a=fmtp:111 "),
        (13, "a=fmtp:111"),
        (13, "a=fmtp:opus x=1"),
        (13, "a=rtpmap:50 foo"),
        (13, "a=rtpmap:200 foo/8000"),
        (13, "a=rtcp-fb:111"),
        (13, "a=extmap:5/both urn:x"),
        (13, "a=extmap:5"),
        (13, "a=ssrc:cname"),
        (13, "a=ssrc-group:FID x"),
        (13, "a=ptime:\na=maxptime:x\na=rtcp:x"),
        (13, "a=tls-id:short"),
        (13, "a=simulcast: send rid=hi;lo"),
        (13, "a=rid:h.1 send"),
        (13, "a=candidate:nothing"),
        (13, "a=x-flag "),
        (13, "a=x-foo/bar:1"),
        (13, "a=Media_header:MEDIAINFO=(x)"),
        (13, "a=:value"),
        (13, "a=flág"),
    ] {
        let mut lines: Vec<_> = OFFER.lines().collect();
        lines[line - 1] = text;
        let text = lines.join("\n").replace('\n', "\r\n") + "\r\n";
        let description = SessionDescription::parse(&text).map(|parsed| parsed.to_string());
        assert_eq!(description, Ok(text));
    }
}

#[test]
fn unreadable_candidates_are_skipped_and_counted() {
    let text = OFFER.to_owned()
        + "a=candidate:1 1 udp 1 192.0.2.1 1 typ host\n"
        + "a=candidate:1 1 udp 1 192.0.2.1 70000 typ host\n"
        + "a=candidate:garbage\n";
    let description = SessionDescription::parse(&text).expect("an offer");
    let data = description.media(1).expect("a data section");
    assert_eq!(data.candidates().count(), 1);
    assert_eq!(data.section().unread_candidates(), 2);
}

#[test]
fn all_kinds_of_session_lines_may_be_there_in_order() {
    let head = "v=0\no=- 1 2 IN IP4 127.0.0.1\ns=-\ni=info\nu=http://example.org\ne=a@example.org\n\
        e=b@example.org\np=+1 617 555-6011\nc=IN IP4 224.2.1.1/127/3\nb=CT:1\nb=AS:2\nt=0 0\n\
        r=7d 1h 0 25h\nt=1 2\nz=1 -1h\nk=prompt\na=x\n";
    assert_eq!(error_of(head), None);
}

#[test]
fn what_must_be_there_is_missed() {
    let missing = |line, what| Some((line, ParseErrorKind::Missing(what)));
    assert_eq!(error_of("o=- 1 2 IN IP4 127.0.0.1"), missing(1, "v="));
    assert_eq!(error_of("v=0"), missing(1, "o="));
    assert_eq!(error_of("v=0\ns=-"), missing(2, "o="));
    assert_eq!(error_of("v=0\no=- 1 2 IN IP4 127.0.0.1"), missing(2, "s="));
    assert_eq!(
        error_of("v=0\no=- 1 2 IN IP4 127.0.0.1\nt=0 0"),
        missing(3, "s=")
    );
    assert_eq!(
        error_of("v=0\no=- 1 2 IN IP4 127.0.0.1\ns=-"),
        missing(3, "t=")
    );
    // Seen when the first section begins, or at the end.
    assert_eq!(
        error_of("v=0\no=- 1 2 IN IP4 127.0.0.1\ns=-\na=x"),
        missing(4, "t=")
    );
    assert_eq!(error_with(4, "a=x"), missing(6, "t="));
    // ICE takes the place of c=, and libwebrtc assumes a port for the association.
    assert_eq!(error_with(7, "a=x"), None);
    assert_eq!(error_with(17, "a=x"), None);
}

#[test]
fn of_what_counts_once_the_last_line_counts() {
    use duologue_sdp::attr::{Direction, Setup};
    let text = OFFER.replace(
        "a=mid:0\n",
        "a=mid:0\na=mid:0\na=mid:7\na=rtcp-mux\na=rtcp-mux\na=sendrecv\na=recvonly\n\
         a=setup:actpass\na=ice-ufrag:first\na=rtpmap:111 VP8/90000\na=ptime:20\na=ptime:20\n",
    );
    let text = text.replace("a=sctp-port:5000", "a=sctp-port:1\na=sctp-port:5000");
    let description = SessionDescription::parse(&text).expect("an offer");
    let audio = description.media_by_mid("7").expect("an audio section");
    assert_eq!(audio.ice_ufrag().map(|u| u.as_str()), Some("abcd"));
    assert_eq!(audio.direction(), Direction::RecvOnly);
    assert_eq!(audio.setup(), Some(Setup::ActPass));
    assert!(audio.rtcp_mux());
    let format = audio.formats().payload_types()[0];
    let map = audio.rtpmap(format).map(|map| map.encoding.as_str());
    assert_eq!(map, Some("opus"));
    let data = description.media(1).expect("a data section");
    assert_eq!(data.sctp_port().map(|port| port.0), Some(5000));
    // What an id of a=extmap stands for is not syntax, and offered ids above 255 may repeat
    // (RFC 8285 §6).
    for lines in [
        "a=extmap:4096 urn:x\na=extmap:4096 urn:y",
        "a=extmap:9 urn:x\na=extmap:9 urn:x",
    ] {
        assert_eq!(error_with(13, lines), None);
    }
}

#[test]
fn bad_ice_credentials_are_content_and_not_syntax() {
    for (line, text) in [
        (9, "a=ice-ufrag:abc"),
        (9, "a=ice-ufrag:ab$d"),
        (10, "a=ice-pwd:short"),
        (10, "a=ice-pwd:0123456789abcdef01234."),
    ] {
        let Some((at, kind)) = error_with(line, text) else {
            panic!("{text:?} was accepted");
        };
        assert_eq!(at, line);
        assert!(matches!(kind, ParseErrorKind::InvalidCredential(_)));
        assert!(!kind.is_syntax());
    }
}

#[test]
fn a_data_section_that_is_rejected_needs_no_port() {
    let rejected = OFFER
        .replace("m=application 9", "m=application 0")
        .replace("a=sctp-port:5000\n", "");
    assert_eq!(error_of(&rejected), None);
}

#[test]
fn limits_are_kept() {
    let limit = |limit| ParseErrorKind::Limit(limit);
    let long = "x".repeat(limits::MAX_DESCRIPTION_BYTES + 1);
    assert_eq!(error_of(&long), Some((1, limit(Limit::DescriptionBytes))));
    let line = format!("a=x:{}", "y".repeat(limits::MAX_LINE_BYTES));
    assert_eq!(error_with(8, &line), Some((8, limit(Limit::LineBytes))));
    let lines = "a=x\n".repeat(limits::MAX_LINES);
    let at_limit = Some((limits::MAX_LINES + 1, limit(Limit::Lines)));
    assert_eq!(error_with(8, &lines), at_limit);
    let candidates = "a=candidate:1 1 udp 1 192.0.2.1 1 typ host\n".repeat(limits::MAX_CANDIDATES);
    let candidates = format!("{candidates}a=candidate:1 1 udp 1 192.0.2.1 1 typ host");
    let at_limit = Some((8 + limits::MAX_CANDIDATES, limit(Limit::Candidates)));
    assert_eq!(error_with(8, &candidates), at_limit);
    let media = "m=audio 0 RTP/AVP 0\nc=IN IP4 0.0.0.0\n".repeat(limits::MAX_MEDIA_SECTIONS);
    let text = format!(
        "{}\n{media}m=audio 0 RTP/AVP 0",
        OFFER.lines().take(4).collect::<Vec<_>>().join("\n")
    );
    let at_limit = Some((
        5 + 2 * limits::MAX_MEDIA_SECTIONS,
        limit(Limit::MediaSections),
    ));
    assert_eq!(error_of(&text), at_limit);
}

#[test]
fn errors_read_well() {
    let shown = |text: &str| match SessionDescription::parse(text) {
        Ok(_) => String::new(),
        Err(error) => error.to_string(),
    };
    assert_eq!(
        shown("Invalid SDP"),
        "SDP line 1: expected a line of the form <type>=<value>"
    );
    assert_eq!(shown("v=0"), "SDP line 1: o= is missing");
    assert_eq!(
        shown(&OFFER.replace("opus/48000/2", "opus")),
        "SDP line 12: a=rtpmap: expected a clock rate"
    );
    assert_eq!(
        shown(&OFFER.replace("a=group:BUNDLE 0 1", "y=1")),
        "SDP line 5: a line of type 'y' is not allowed here"
    );
}
