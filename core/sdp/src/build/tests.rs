use super::*;
use crate::attr::{Direction, Group, Rtpmap, Setup};
use crate::{Formats, MediaKind, MediaProtocol, SyntaxError};

fn attribute(text: &str) -> Result<Attribute, SyntaxError> {
    Attribute::parse(text, true)
}

fn attributes(lines: &str) -> Result<Vec<Attribute>, SyntaxError> {
    lines.lines().map(|line| attribute(line.trim())).collect()
}

#[test]
fn a_description_is_written_in_the_order_of_jsep() -> Result<(), Box<dyn std::error::Error>> {
    let line: MediaLine = "video 9 UDP/TLS/RTP/SAVPF 100 101 96".parse()?;
    let video = MediaDescription::builder(line)
        .attributes(attributes(
            "rtcp-rsize
             candidate:1 1 udp 1 192.0.2.1 9 typ host
             rtcp-fb:* transport-cc
             rtcp-fb:96 nack
             rtcp-fb:100 nack
             rtcp-fb:100 nack pli
             fmtp:101 apt=100
             rtpmap:96 H264/90000
             rtpmap:101 rtx/90000
             rtpmap:100 VP8/90000
             fmtp:96 packetization-mode=1
             setup:actpass
             simulcast:send a;b
             rid:a send
             rid:b send
             ice-pwd:asd88fgpdd777uzjYhagZg
             ice-ufrag:8hhY
             tls-id:91bbf309c0990a6bec11e38ba2933cee
             x-more:1
             rtcp-mux
             end-of-candidates
             rtcp:9 IN IP4 0.0.0.0
             msid:s
             sendrecv
             extmap:1 urn:x
             maxptime:120
             mid:v",
        )?)
        .bandwidth("AS:500".parse()?)
        .build();
    let line = MediaLine {
        kind: MediaKind::Application,
        port: 0,
        port_count: None,
        protocol: MediaProtocol::UDP_DTLS_SCTP,
        formats: Formats::data_channel(),
    };
    let data = MediaDescription::builder(line)
        .attributes(attributes(
            "bundle-only\nmax-message-size:262144\nsctp-port:5000\nmid:d",
        )?)
        .build();
    let description = SessionDescription::builder(Origin::new(4_962_303_333_179_871_722, 1))
        .attribute(Group::bundle(vec!["v".parse()?, "d".parse()?]))
        .attributes(attributes(
            "msid-semantic: WMS *\nice-options:trickle ice2",
        )?)
        .media(video)
        .media(data)
        .build();

    let text = description.to_string();
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(
        lines,
        [
            "v=0",
            "o=- 4962303333179871722 1 IN IP4 0.0.0.0",
            "s=-",
            "t=0 0",
            "a=ice-options:trickle ice2",
            "a=group:BUNDLE v d",
            "a=msid-semantic: WMS *",
            "m=video 9 UDP/TLS/RTP/SAVPF 100 101 96",
            "c=IN IP4 0.0.0.0",
            "b=AS:500",
            "a=mid:v",
            "a=sendrecv",
            "a=rtpmap:100 VP8/90000",
            "a=rtpmap:101 rtx/90000",
            "a=fmtp:101 apt=100",
            "a=rtpmap:96 H264/90000",
            "a=fmtp:96 packetization-mode=1",
            "a=maxptime:120",
            "a=extmap:1 urn:x",
            "a=rtcp-fb:100 nack",
            "a=rtcp-fb:100 nack pli",
            "a=rtcp-fb:96 nack",
            "a=rtcp-fb:* transport-cc",
            "a=msid:s",
            "a=rid:a send",
            "a=rid:b send",
            "a=simulcast:send a;b",
            "a=x-more:1",
            "a=ice-ufrag:8hhY",
            "a=ice-pwd:asd88fgpdd777uzjYhagZg",
            "a=setup:actpass",
            "a=tls-id:91bbf309c0990a6bec11e38ba2933cee",
            "a=rtcp:9 IN IP4 0.0.0.0",
            "a=rtcp-mux",
            "a=rtcp-rsize",
            "a=candidate:1 1 udp 1 192.0.2.1 9 typ host",
            "a=end-of-candidates",
            "m=application 0 UDP/DTLS/SCTP webrtc-datachannel",
            "c=IN IP4 0.0.0.0",
            "a=mid:d",
            "a=sctp-port:5000",
            "a=max-message-size:262144",
            "a=bundle-only",
        ]
    );
    // What was built is exactly what is read.
    assert_eq!(SessionDescription::parse(&text)?, description);
    Ok(())
}

#[test]
fn typed_values_become_attributes() -> Result<(), SyntaxError> {
    let line: MediaLine = "audio 9 UDP/TLS/RTP/SAVPF 0".parse()?;
    let audio = MediaDescription::builder(line)
        .attribute(Setup::Active)
        .attribute(Direction::SendOnly)
        .attribute("0 PCMU/8000".parse::<Rtpmap>()?)
        .build();
    let texts: Vec<_> = audio.section().lines().iter().map(Line::text).collect();
    assert_eq!(
        texts,
        [
            "c=IN IP4 0.0.0.0",
            "a=sendonly",
            "a=rtpmap:0 PCMU/8000",
            "a=setup:active"
        ]
    );
    Ok(())
}
