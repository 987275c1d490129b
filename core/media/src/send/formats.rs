//! What the payload types of a sender mean, looked up once for each plan and not for each packet.

use duologue_rtp::payload::PayloadFormat;
use duologue_rtp::{CodecParameters, CodecRole, PayloadType, RtcpFeedback};

/// The payload types of one plan.
#[derive(Debug)]
pub(crate) struct Formats {
    all: Vec<Format>,
    /// What is sent where the application leaves the choice.
    preferred: Option<PayloadType>,
    /// RED of audio, where the other end prefers it: it carries the preferred format.
    pub(crate) redundant_audio: Option<PayloadType>,
    /// RED and, in it, parity.
    pub(crate) ulp: Option<(PayloadType, PayloadType)>,
    /// Parity in a stream of its own.
    pub(crate) flex: Option<PayloadType>,
    /// The clock of the preferred format's time stamps.
    clock_rate: u32,
    /// Those of telephone keys with their clocks, in the order of preference.
    events: Vec<(PayloadType, u32)>,
}

/// What one payload type means.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Format {
    pub(crate) payload_type: PayloadType,
    pub(crate) format: PayloadFormat,
    /// Of its time stamps.
    pub(crate) clock_rate: u32,
    /// It encodes media by itself.
    pub(crate) is_media: bool,
    /// Lost packets may be asked for again.
    pub(crate) nack: bool,
    /// The payload type that repeats it.
    pub(crate) rtx: Option<PayloadType>,
}

/// By which numbers events go in a stream of audio.
#[derive(Clone, Copy, Debug)]
pub(super) struct EventFormat {
    pub(super) payload_type: PayloadType,
    /// Of the events' durations.
    pub(super) clock_rate: u32,
    /// Of the stream's time stamps, which are those of the audio.
    pub(super) stream_rate: u32,
}

impl Formats {
    pub(crate) fn new(codecs: &[CodecParameters]) -> Self {
        let rtx_of = |payload_type| {
            let mut codecs = codecs.iter();
            let rtx = codecs.find(|it| {
                it.codec.role() == CodecRole::Rtx && it.codec.apt() == Some(payload_type)
            });
            rtx.map(|rtx| rtx.payload_type)
        };

        let all = codecs.iter().map(|it| Format {
            payload_type: it.payload_type,
            format: PayloadFormat::of(&it.codec),
            clock_rate: it.codec.clock_rate,
            is_media: it.codec.is_media(),
            nack: it.feedback.contains(&RtcpFeedback::Nack),
            rtx: rtx_of(it.payload_type),
        });

        let preferred = codecs.iter().find(|it| it.codec.is_media());
        let carried = |it: &&CodecParameters| {
            it.codec.role() == CodecRole::Red
                && it.codec.redundant().next() == preferred.map(|it| it.payload_type)
        };
        let named = |name: &str| {
            let mut codecs = codecs.iter();
            let codec = codecs.find(|it| it.codec.name.eq_ignore_ascii_case(name))?;
            Some(codec.payload_type)
        };

        let is_event = |it: &&CodecParameters| it.codec.role() == CodecRole::TelephoneEvent;
        let events = codecs.iter().filter(is_event);
        let events = events.map(|it| (it.payload_type, it.codec.clock_rate));
        Formats {
            all: all.collect(),
            preferred: preferred.map(|it| it.payload_type),
            redundant_audio: codecs.first().filter(carried).map(|it| it.payload_type),
            ulp: named("red").zip(named("ulpfec")),
            flex: named("flexfec-03"),
            clock_rate: preferred.map_or(0, |it| it.codec.clock_rate),
            events: events.collect(),
        }
    }

    /// How telephone keys go in a stream whose time stamps have this clock: that of the preferred format
    /// where nothing was sent.
    pub(super) fn events(&self, stream_rate: Option<u32>) -> Option<EventFormat> {
        let stream_rate = stream_rate.unwrap_or(self.clock_rate);
        // RFC 4733 §2.5.1.1: they share the clock of the audio. Where only another one is agreed on, as
        // with browsers that offer 8 kHz alone beside Opus, durations are by that one.
        let fitting = self.events.iter().find(|(_, rate)| *rate == stream_rate);
        let (payload_type, clock_rate) = *fitting.or(self.events.first())?;
        Some(EventFormat {
            payload_type,
            clock_rate,
            stream_rate,
        })
    }

    /// The format that the application names, or the preferred one.
    pub(crate) fn choose(&self, wanted: Option<PayloadType>) -> Option<Format> {
        self.get(wanted.or(self.preferred)?)
    }

    pub(crate) fn get(&self, payload_type: PayloadType) -> Option<Format> {
        let mut all = self.all.iter();
        all.find(|it| it.payload_type == payload_type).copied()
    }

    /// The payload type that repeats another one.
    pub(crate) fn rtx_of(&self, payload_type: PayloadType) -> Option<PayloadType> {
        self.get(payload_type)?.rtx
    }
}
