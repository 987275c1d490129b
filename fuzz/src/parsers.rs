use duologue_datachannel::DcepMessage;
use duologue_identity::Fingerprint;
use duologue_sdp::attr::Candidate;
use duologue_sdp::{MediaDescription, Origin, SessionDescription};
use duologue_stun::{AttributeType, Key, Message, Writer};

use crate::memory;

/// A description is refused with a line of the text, or written as it was read; and what is built
/// anew from its typed values is well-formed too.
pub fn sdp(text: &str) {
    let _bound = memory::at_most_kib(2 << 10);
    let description = match SessionDescription::parse(text) {
        Ok(description) => description,
        Err(error) => {
            assert!((1..=text.split('\n').count()).contains(&error.line));
            return;
        }
    };
    let written = description.to_string();
    let read = text.trim_end_matches(['\r', '\n']).replace("\r\n", "\n");
    assert_eq!(written.replace("\r\n", "\n").trim_end_matches('\n'), read);
    assert_eq!(SessionDescription::parse(&written), Ok(description.clone()));

    // One with odd fields is lossless text and no value to build from.
    let origin = description.origin().cloned().unwrap_or(Origin::new(0, 0));
    let mut builder =
        SessionDescription::builder(origin).attributes(description.session().attributes().cloned());
    for media in description.medias() {
        let attributes = media.section().attributes().cloned();
        let section = MediaDescription::builder(media.line().clone()).attributes(attributes);
        builder = builder.media(section.build());
    }
    let built = builder.build();
    assert_eq!(SessionDescription::parse(&built.to_string()), Ok(built));
}

/// A candidate is refused, or read again as it was written.
pub fn candidate(text: &str) {
    let _bound = memory::at_most_kib(64);
    if let Ok(candidate) = text.parse::<Candidate>() {
        let written = candidate.to_string();
        assert_eq!(written.parse(), Ok(candidate), "{written}");
    }
}

/// A fingerprint is refused, or read again as it was written.
pub fn fingerprint(text: &str) {
    let _bound = memory::at_most_kib(64);
    if let Ok(fingerprint) = text.parse::<Fingerprint>() {
        assert_eq!(fingerprint.to_string().parse(), Ok(fingerprint));
    }
    if let Ok(fingerprint) = text.parse::<duologue_sdp::attr::Fingerprint>() {
        assert_eq!(fingerprint.to_string().parse(), Ok(fingerprint));
    }
}

/// Every typed attribute of a STUN message can be asked for; a copy of its attributes is read
/// again as the same.
pub fn stun(bytes: &[u8]) {
    let _bound = memory::at_most_kib(64);
    let Ok(message) = Message::parse(bytes) else {
        return;
    };
    let _ = (
        message.username(),
        message.userhash(),
        message.realm(),
        message.nonce(),
    );
    let _ = (
        message.software(),
        message.alternate_domain(),
        message.alternate_server(),
    );
    let _ = (
        message.mapped_address(),
        message.relayed_address(),
        message.peer_address(),
    );
    let _ = (
        message.error_code(),
        message.error_reason(),
        message.priority(),
    );
    let _ = (
        message.use_candidate(),
        message.ice_controlling(),
        message.ice_controlled(),
    );
    let _ = (
        message.nomination(),
        message.lifetime_secs(),
        message.channel_number(),
    );
    let _ = (
        message.data(),
        message.requested_transport(),
        message.requested_address_family(),
    );
    let _ = (
        message.unknown_attributes().count(),
        message.password_algorithms().count(),
    );
    let _ = message.password_algorithm();
    let _ = message.verify(&Key::short_term("a password of the right size"));

    let mut out = Vec::new();
    let id = message.transaction_id();
    let mut writer = Writer::new(&mut out, message.class(), message.method(), id);
    let kept = |attribute: &(AttributeType, &[u8])| attribute.0 != AttributeType::FINGERPRINT;
    for (kind, value) in message.attributes().filter(kept) {
        writer.attribute(kind, value);
    }
    let copy = Message::parse(&out).expect("what was written is a message");
    assert!(copy.attributes().eq(message.attributes().filter(kept)));
    assert_eq!(copy.transaction_id(), id);
}

/// A DCEP message is refused, or read again as it was written.
pub fn dcep(bytes: &[u8]) {
    let _bound = memory::at_most_kib(64);
    if let Ok(message) = DcepMessage::parse(bytes) {
        assert_eq!(DcepMessage::parse(&message.encode()), Ok(message));
    }
}
