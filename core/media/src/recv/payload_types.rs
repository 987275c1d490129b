//! What the payload types of a receiver mean, looked up once for each plan and not for each packet.

use duologue_rtp::payload::PayloadFormat;
use duologue_rtp::{CodecRole, PayloadType, ReceivePlan, RtcpFeedback};

/// The payload types of one m-section.
#[derive(Debug)]
pub(crate) struct PayloadTypes(Vec<Meaning>);

/// What one of them means.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Meaning {
    pub(crate) payload_type: PayloadType,
    pub(crate) used_for: Use,
    /// Of the time stamps; 0 of parity and of telephone events, which have those of what they protect or
    /// stand in for.
    pub(crate) clock_rate: u32,
    /// Lost packets are asked for again.
    pub(crate) nack: bool,
    pub(crate) format: PayloadFormat,
}

/// What a payload type is used for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Use {
    /// Media, comfort noise and telephone events.
    Media,
    /// Packets of another payload type, again (RFC 4588).
    Retransmission { of: PayloadType },
    /// Several payloads in one packet (RFC 2198).
    Red,
    /// RFC 5109, inside RED.
    UlpFec,
    /// RFC 8627's draft 03, in a stream of its own.
    FlexFec,
}

impl PayloadTypes {
    pub(crate) fn new(plan: &ReceivePlan) -> Self {
        let codecs = &plan.parameters.codecs;
        let clock_of = |payload_type| {
            let mut codecs = codecs.iter();
            let codec = codecs.find(|it| it.payload_type == payload_type);
            codec.map_or(0, |it| it.codec.clock_rate)
        };
        // RFC 7798 §7.1: who sends says whether there are decoding order numbers.
        let described = |payload_type| {
            let mut sent = plan.sent_formats.iter();
            let said = sent.find(|it| it.payload_type == payload_type);
            said.map(|it| it.format)
        };
        let all = codecs.iter().filter_map(|entry| {
            let codec = &entry.codec;
            let (used_for, clock_rate) = match codec.role() {
                // RFC 4588 §4: retransmissions have the clock of what they repeat.
                CodecRole::Rtx => {
                    let of = codec.apt()?;
                    (Use::Retransmission { of }, clock_of(of))
                }
                CodecRole::Red => (Use::Red, codec.clock_rate),
                CodecRole::Fec if codec.name.eq_ignore_ascii_case("ulpfec") => (Use::UlpFec, 0),
                CodecRole::Fec => (Use::FlexFec, 0),
                // RFC 4733 §2.5.1.1. Browsers agree on 8 kHz beside Opus, and mean durations by it.
                CodecRole::TelephoneEvent => (Use::Media, 0),
                _ => (Use::Media, codec.clock_rate),
            };
            Some(Meaning {
                payload_type: entry.payload_type,
                used_for,
                clock_rate,
                nack: entry.feedback.contains(&RtcpFeedback::Nack),
                format: described(entry.payload_type).unwrap_or(PayloadFormat::of(codec)),
            })
        });
        PayloadTypes(all.collect())
    }

    /// That of RED.
    pub(crate) fn red(&self) -> Option<PayloadType> {
        let mut all = self.0.iter();
        let red = all.find(|it| it.used_for == Use::Red);
        red.map(|it| it.payload_type)
    }

    pub(crate) fn get(&self, payload_type: PayloadType) -> Option<Meaning> {
        let mut all = self.0.iter();
        all.find(|it| it.payload_type == payload_type).copied()
    }
}
