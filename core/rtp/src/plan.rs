//! What descriptions agree on for the media of one m-section, one direction at a time, as far as
//! packets are concerned.

use crate::payload::{ParameterSets, PayloadFormat};
use crate::{Codec, CodecParameters, MediaKind, Mid, PayloadType, Rid, RtpParameters, Ssrc};

/// What a receiver takes.
#[derive(Clone, Debug, PartialEq)]
pub struct ReceivePlan {
    /// The m-section's tag, which the packets name.
    pub mid: Mid,
    /// Audio or video.
    pub kind: MediaKind,
    /// Codecs and header extensions under the numbers of this end's description. The cname is the
    /// other end's.
    pub parameters: RtpParameters,
    /// The simulcast layers that the other end sends, by name; empty for one stream without a name.
    pub rids: Vec<Rid>,
    /// The streams that the other end's description announces.
    pub sources: Vec<SourceParameters>,
    /// What the other end's description says of how it sends, of the codecs of which it says something.
    pub sent_formats: Vec<SentFormat>,
}

/// What the description of who sends says of its streams of one codec, beside what both ends agree on: the
/// parameters whose names begin with `sprop-`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SentFormat {
    /// The number of the codec in the description of who receives.
    pub payload_type: PayloadType,
    /// How payloads are made: whether those of H.265 have decoding order numbers.
    pub format: PayloadFormat,
    /// The parameter sets that streams need not have.
    pub parameter_sets: Option<ParameterSets>,
}

impl SentFormat {
    /// What `sent`, the codec of who sends, says for packets that `received` is agreed on for; `None` if it
    /// is nothing else.
    pub fn of(received: &CodecParameters, sent: &Codec) -> Option<Self> {
        let format = PayloadFormat::of(sent);
        let parameter_sets = ParameterSets::of(sent);
        let other = format != PayloadFormat::of(&received.codec);
        (other || parameter_sets.is_some()).then_some(SentFormat {
            payload_type: received.payload_type,
            format,
            parameter_sets,
        })
    }
}

/// What a sender may send.
#[derive(Clone, Debug, PartialEq)]
pub struct SendPlan {
    /// The m-section's tag, which the packets name.
    pub mid: Mid,
    /// Audio or video.
    pub kind: MediaKind,
    /// Codecs, the preferred first, and header extensions under the numbers of the other end's
    /// description. The cname is ours.
    pub parameters: RtpParameters,
    /// The streams, one for each encoding.
    pub streams: Vec<SendStream>,
}

/// The stream of one encoding.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SendStream {
    /// The layer's name, if it is one of several.
    pub rid: Option<Rid>,
    /// The SSRCs of the stream and of what repairs it.
    pub source: SourceParameters,
}

/// A stream and those that repair it, as `a=ssrc` and `a=ssrc-group` lines tell (RFC 5576).
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct SourceParameters {
    /// The media.
    pub ssrc: Ssrc,
    /// The SSRC of the retransmissions: the group `FID` (RFC 4588 §8.8).
    pub rtx: Option<Ssrc>,
    /// The SSRC of the forward error correction: the group `FEC-FR` (RFC 5956 §4.3).
    pub fec: Option<Ssrc>,
}

impl SourceParameters {
    /// A stream that nothing repairs.
    pub const fn new(ssrc: Ssrc) -> Self {
        SourceParameters {
            ssrc,
            rtx: None,
            fec: None,
        }
    }

    /// All its SSRCs, that of the media first.
    pub fn ssrcs(&self) -> impl Iterator<Item = Ssrc> {
        [Some(self.ssrc), self.rtx, self.fec].into_iter().flatten()
    }
}
