//! Descriptions and candidates are the browser's JSON, so that they travel to a web page as they
//! are.

use duologue::{Configuration, DataChannelInit, IceCandidateInit, SdpType, SessionDescription};
use serde_json::json;

#[test]
fn a_description_is_what_a_browser_stringifies() {
    let offer = SessionDescription::offer("v=0\r\n");
    let text = json!({ "type": "offer", "sdp": "v=0\r\n" });
    assert_eq!(serde_json::to_value(&offer).unwrap(), text);
    assert_eq!(
        serde_json::from_value::<SessionDescription>(text).unwrap(),
        offer
    );
    let rollback: SessionDescription = serde_json::from_str(r#"{"type":"rollback"}"#).unwrap();
    assert_eq!(rollback.sdp_type, SdpType::Rollback);
    assert!(serde_json::from_str::<SessionDescription>(r#"{"type":"ofer","sdp":""}"#).is_err());
}

#[test]
fn a_candidate_is_what_a_browser_stringifies() {
    let text = json!({
        "candidate": "candidate:1 1 udp 2130706431 192.0.2.1 5000 typ host",
        "sdpMid": "0",
        "sdpMLineIndex": 0,
        "usernameFragment": "abcd",
    });
    let candidate: IceCandidateInit = serde_json::from_value(text.clone()).unwrap();
    assert_eq!(candidate.sdp_mid.as_deref(), Some("0"));
    assert_eq!(candidate.username_fragment.as_deref(), Some("abcd"));
    assert_eq!(serde_json::to_value(&candidate).unwrap(), text);
    // What Firefox leaves out and what Chromium sets to null.
    let short = r#"{"candidate":"","sdpMid":null,"sdpMLineIndex":0,"usernameFragment":null}"#;
    let end: IceCandidateInit = serde_json::from_str(short).unwrap();
    assert_eq!(end.sdp_m_line_index, Some(0));
    assert_eq!(end.sdp_mid, None);
}

#[test]
fn dictionaries_have_the_names_and_defaults_of_the_w3c() {
    let configuration: Configuration = serde_json::from_value(json!({
        "iceServers": [{ "urls": ["stun:stun.example.org"] }, { "urls": "stun:other.example.org" }],
        "bundlePolicy": "max-bundle",
    }))
    .unwrap();
    let [listed, alone] = &configuration.ice_servers[..] else {
        panic!("two servers");
    };
    assert_eq!(listed.urls, ["stun:stun.example.org"]);
    assert_eq!(alone.urls, ["stun:other.example.org"]);
    let init: DataChannelInit = serde_json::from_value(json!({ "maxRetransmits": 0 })).unwrap();
    assert!(init.ordered);
    assert_eq!(init.max_retransmits, Some(0));
}

#[test]
fn members_that_the_w3c_does_not_require_may_be_absent() {
    let json =
        r#"{"transactionId":"x","encodings":[{}],"codecs":[],"headerExtensions":[],"rtcp":{}}"#;
    let parameters: duologue::RtpSendParameters = serde_json::from_str(json).unwrap();
    assert_eq!(parameters.encodings, [Default::default()]);
    assert_eq!(parameters.rtcp, Default::default());
}
