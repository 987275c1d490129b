//! The dictionaries of webrtc-stats, a file a kind, each with what makes it. A member that is not known
//! is `None`, and absent in JSON.

#[macro_use]
mod dictionary;
mod audio_playout;
mod candidate;
mod candidate_pair;
mod certificate;
mod codec;
mod collector;
mod data_channel;
mod inbound_rtp;
mod media_source;
mod outbound_rtp;
mod peer_connection;
mod remote_inbound_rtp;
mod remote_outbound_rtp;
mod transport;

use std::collections::BTreeSet;

use duologue_base::TransceiverId;

use crate::TrackId;

pub use audio_playout::AudioPlayoutStats;
pub(crate) use audio_playout::audio_playout_id;
pub use candidate::IceCandidateStats;
pub use candidate_pair::CandidatePairStats;
pub use certificate::CertificateStats;
pub use codec::CodecStats;
pub(crate) use collector::{Collector, transport_id};
pub use data_channel::DataChannelStats;
pub use inbound_rtp::InboundRtpStreamStats;
pub(crate) use inbound_rtp::ReceiverSide;
pub use media_source::MediaSourceStats;
pub(crate) use media_source::{media_source_id, untracked_source_id};
pub use outbound_rtp::OutboundRtpStreamStats;
pub(crate) use outbound_rtp::SenderSide;
pub use peer_connection::PeerConnectionStats;
pub use remote_inbound_rtp::RemoteInboundRtpStreamStats;
pub use remote_outbound_rtp::RemoteOutboundRtpStreamStats;
pub use transport::TransportStats;

/// What `getStats()` is asked about (webrtc-pc §8.2).
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub enum StatsSelector {
    /// The whole connection.
    #[default]
    Connection,
    /// A track that one sender or receiver has.
    Track(TrackId),
    /// The sender of a transceiver.
    Sender(TransceiverId),
    /// The receiver of a transceiver.
    Receiver(TransceiverId),
}

/// What `getStats()` resolves to (webrtc-pc §8.4): objects that refer to one another by `id`. With
/// the feature `serde` a list of the browser's JSON objects.
#[doc(alias = "RTCStatsReport")]
#[derive(Clone, Debug, Default, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(transparent))]
pub struct StatsReport {
    pub(crate) stats: Vec<Stats>,
}

impl StatsReport {
    /// All objects.
    pub fn iter(&self) -> impl Iterator<Item = &Stats> {
        self.stats.iter()
    }

    /// The object of this name, which is the same in every report of a connection.
    pub fn get(&self, id: &str) -> Option<&Stats> {
        self.iter().find(|stats| stats.id() == id)
    }

    /// The transports.
    pub fn transports(&self) -> impl Iterator<Item = &TransportStats> {
        self.iter().filter_map(|stats| match stats {
            Stats::Transport(transport) => Some(transport),
            _ => None,
        })
    }

    /// The pairs.
    pub fn candidate_pairs(&self) -> impl Iterator<Item = &CandidatePairStats> {
        self.iter().filter_map(|stats| match stats {
            Stats::CandidatePair(pair) => Some(pair),
            _ => None,
        })
    }

    /// The data channels.
    pub fn data_channels(&self) -> impl Iterator<Item = &DataChannelStats> {
        self.iter().filter_map(|stats| match stats {
            Stats::DataChannel(channel) => Some(channel),
            _ => None,
        })
    }

    /// The RTP streams that are received.
    pub fn inbound_rtp(&self) -> impl Iterator<Item = &InboundRtpStreamStats> {
        self.iter().filter_map(|stats| match stats {
            Stats::InboundRtp(stream) => Some(stream.as_ref()),
            _ => None,
        })
    }

    /// The RTP streams that are sent.
    pub fn outbound_rtp(&self) -> impl Iterator<Item = &OutboundRtpStreamStats> {
        self.iter().filter_map(|stats| match stats {
            Stats::OutboundRtp(stream) => Some(stream.as_ref()),
            _ => None,
        })
    }

    /// What the other end reported of a stream that is sent.
    pub fn remote_inbound_rtp(
        &self,
        sent: &OutboundRtpStreamStats,
    ) -> Option<&RemoteInboundRtpStreamStats> {
        match self.get(sent.remote_id.as_deref()?)? {
            Stats::RemoteInboundRtp(remote) => Some(remote),
            _ => None,
        }
    }

    /// What the other end reported of a stream that is received.
    pub fn remote_outbound_rtp(
        &self,
        received: &InboundRtpStreamStats,
    ) -> Option<&RemoteOutboundRtpStreamStats> {
        match self.get(received.remote_id.as_deref()?)? {
            Stats::RemoteOutboundRtp(remote) => Some(remote),
            _ => None,
        }
    }

    /// The codec that an RTP stream refers to by its `codec_id`.
    pub fn codec(&self, id: &str) -> Option<&CodecStats> {
        match self.get(id)? {
            Stats::Codec(codec) => Some(codec),
            _ => None,
        }
    }

    /// webrtc-pc §8.5, the stats selection algorithm: of all objects these and what they refer to,
    /// "directly or indirectly".
    pub(crate) fn select(mut self, selected: impl Fn(&Stats) -> bool) -> StatsReport {
        let mut chosen = BTreeSet::new();
        let mut next: Vec<&Stats> = self.iter().filter(|stats| selected(stats)).collect();
        while let Some(stats) = next.pop() {
            if chosen.insert(stats.id().to_owned()) {
                let references = stats.references().into_iter().flatten();
                next.extend(references.filter_map(|id| self.get(id)));
            }
        }
        self.stats.retain(|stats| chosen.contains(stats.id()));
        self
    }

    /// The pair that carries the data of the first transport that has one.
    pub fn selected_candidate_pair(&self) -> Option<&CandidatePairStats> {
        let id = self
            .transports()
            .find_map(|t| t.selected_candidate_pair_id.as_ref())?;
        self.candidate_pairs().find(|pair| pair.id == *id)
    }

    /// A candidate of either end.
    pub fn candidate(&self, id: &str) -> Option<&IceCandidateStats> {
        match self.get(id)? {
            Stats::LocalCandidate(candidate) | Stats::RemoteCandidate(candidate) => Some(candidate),
            _ => None,
        }
    }
}

/// One object of a report.
#[doc(alias = "RTCStats")]
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize),
    serde(tag = "type", rename_all = "kebab-case")
)]
#[non_exhaustive]
pub enum Stats {
    /// The connection.
    PeerConnection(PeerConnectionStats),
    /// A data channel.
    DataChannel(DataChannelStats),
    /// A transport.
    Transport(TransportStats),
    /// A pair of candidates.
    CandidatePair(CandidatePairStats),
    /// A candidate of this end.
    LocalCandidate(IceCandidateStats),
    /// A candidate of the other end.
    RemoteCandidate(IceCandidateStats),
    /// A certificate of either end.
    Certificate(CertificateStats),
    /// A track that is sent.
    MediaSource(MediaSourceStats),
    /// How received sound reaches whoever hears it.
    #[cfg_attr(feature = "serde", serde(rename = "media-playout"))]
    AudioPlayout(AudioPlayoutStats),
    /// A codec that an RTP stream is of.
    Codec(CodecStats),
    /// An RTP stream that is received.
    InboundRtp(Box<InboundRtpStreamStats>),
    /// An RTP stream that is sent.
    OutboundRtp(Box<OutboundRtpStreamStats>),
    /// What the other end reported of a stream that is sent to it.
    RemoteInboundRtp(RemoteInboundRtpStreamStats),
    /// What the other end reported of a stream that it sends.
    RemoteOutboundRtp(RemoteOutboundRtpStreamStats),
}

impl Stats {
    /// Names the object in its report.
    pub fn id(&self) -> &str {
        match self {
            Stats::PeerConnection(stats) => &stats.id,
            Stats::DataChannel(stats) => &stats.id,
            Stats::Transport(stats) => &stats.id,
            Stats::CandidatePair(stats) => &stats.id,
            Stats::LocalCandidate(stats) | Stats::RemoteCandidate(stats) => &stats.id,
            Stats::Certificate(stats) => &stats.id,
            Stats::MediaSource(stats) => &stats.id,
            Stats::AudioPlayout(stats) => &stats.id,
            Stats::Codec(stats) => &stats.id,
            Stats::InboundRtp(stats) => &stats.id,
            Stats::OutboundRtp(stats) => &stats.id,
            Stats::RemoteInboundRtp(stats) => &stats.id,
            Stats::RemoteOutboundRtp(stats) => &stats.id,
        }
    }

    /// What it refers to: its members whose names end in `Id`.
    fn references(&self) -> [Option<&str>; 4] {
        fn of(id: &Option<String>) -> Option<&str> {
            id.as_deref()
        }
        match self {
            Stats::PeerConnection(_)
            | Stats::DataChannel(_)
            | Stats::MediaSource(_)
            | Stats::AudioPlayout(_) => [None; 4],
            Stats::Transport(it) => [
                of(&it.selected_candidate_pair_id),
                of(&it.local_certificate_id),
                of(&it.remote_certificate_id),
                None,
            ],
            Stats::CandidatePair(it) => [
                Some(&it.transport_id),
                Some(&it.local_candidate_id),
                Some(&it.remote_candidate_id),
                None,
            ],
            Stats::LocalCandidate(it) | Stats::RemoteCandidate(it) => {
                [Some(&it.transport_id), None, None, None]
            }
            Stats::Certificate(it) => [of(&it.issuer_certificate_id), None, None, None],
            Stats::Codec(it) => [Some(&it.transport_id), None, None, None],
            Stats::InboundRtp(it) => [
                Some(&it.transport_id),
                of(&it.codec_id),
                of(&it.remote_id),
                of(&it.playout_id),
            ],
            Stats::OutboundRtp(it) => [
                of(&it.transport_id),
                of(&it.codec_id),
                of(&it.remote_id),
                of(&it.media_source_id),
            ],
            Stats::RemoteInboundRtp(it) => [
                of(&it.transport_id),
                of(&it.codec_id),
                Some(&it.local_id),
                None,
            ],
            Stats::RemoteOutboundRtp(it) => [
                Some(&it.transport_id),
                of(&it.codec_id),
                Some(&it.local_id),
                None,
            ],
        }
    }
}
