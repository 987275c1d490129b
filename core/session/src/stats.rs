//! What the statistics ask of a session.

use duologue_base::{ChannelKey, DtlsRole, Generation, Instant, TransportKey};
use duologue_dtls as dtls;
use duologue_ice as ice;
use duologue_media::{MediaStats, OutboundStats};

use crate::Session;
use crate::limits::COUNTED_CHANNELS;
use crate::transport::Transport;

/// Counters and gauges of a session at one moment.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Stats {
    /// When they were collected.
    pub now: Instant,
    /// Of every transport.
    pub transports: Vec<TransportStats>,
    /// Of every data channel that something was sent or received on.
    pub channels: Vec<(ChannelKey, ChannelTraffic)>,
    /// Of the streams of senders that send on no transport at the moment.
    pub paused: Vec<OutboundStats>,
}

/// What webrtc-stats asks about a transport.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct TransportStats {
    /// The transport.
    pub key: TransportKey,
    /// Datagrams sent, those of ICE left out.
    pub sent: ice::PathTraffic,
    /// Datagrams received, those of ICE left out.
    pub received: ice::PathTraffic,
    /// Its ICE generations, oldest first.
    pub generations: Vec<GenerationStats>,
    /// Its candidate pairs.
    pub pairs: Vec<ice::PairStats>,
    /// How often another pair was selected.
    pub selected_pair_changes: u32,
    /// Our role in the handshake, once it is agreed on.
    pub dtls_role: Option<DtlsRole>,
    /// What the handshake agreed on.
    pub dtls_version: Option<dtls::Version>,
    /// The cipher suite that it agreed on.
    pub cipher_suite: Option<dtls::CipherSuite>,
    /// The profile that it agreed on for SRTP.
    pub srtp_profile: Option<dtls::SrtpProfile>,
    /// Its streams of media, once there are any.
    pub media: Option<MediaStats>,
}

/// The candidates of one generation, which its pairs name by their index.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct GenerationStats {
    /// The generation.
    pub generation: Generation,
    /// Our user name fragment.
    pub local_ufrag: String,
    /// The peer's, once it is known.
    pub remote_ufrag: Option<String>,
    /// This side's candidates.
    pub local: Vec<ice::Candidate>,
    /// The peer's.
    pub remote: Vec<ice::Candidate>,
}

/// Messages of a data channel.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct ChannelTraffic {
    /// `messagesSent`
    pub messages_sent: u64,
    /// `bytesSent`
    pub bytes_sent: u64,
    /// `messagesReceived`
    pub messages_received: u64,
    /// `bytesReceived`
    pub bytes_received: u64,
}

/// The traffic of the channels by their keys, which grow. It outlives the channels.
#[derive(Debug, Default)]
pub(crate) struct ChannelCounters(Vec<(ChannelKey, ChannelTraffic)>);

impl ChannelCounters {
    pub(crate) fn count_sent(&mut self, channel: ChannelKey, bytes: usize) {
        let traffic = self.of(channel);
        traffic.messages_sent += 1;
        traffic.bytes_sent += bytes as u64;
    }

    pub(crate) fn count_received(&mut self, channel: ChannelKey, bytes: usize) {
        let traffic = self.of(channel);
        traffic.messages_received += 1;
        traffic.bytes_received += bytes as u64;
    }

    fn of(&mut self, channel: ChannelKey) -> &mut ChannelTraffic {
        let known = self.0.binary_search_by_key(&channel, |(key, _)| *key);
        let at = known.unwrap_or_else(|mut at| {
            if self.0.len() >= COUNTED_CHANNELS && at > 0 {
                self.0.remove(0);
                at -= 1;
            }
            if self.0.is_empty() {
                // One is the rule, and a vector would make room for four.
                self.0.reserve_exact(1);
            }
            self.0.insert(at, (channel, ChannelTraffic::default()));
            at
        });
        &mut self.0[at].1
    }
}

impl Session {
    /// Everything that the statistics ask of a session.
    pub fn stats(&self) -> Stats {
        Stats {
            now: self.now,
            transports: (self.transports.iter())
                .filter(|transport| !transport.prepared)
                .map(transport_stats)
                .collect(),
            channels: self.channel_counters.0.clone(),
            paused: self.media.paused_stats(),
        }
    }
}

fn transport_stats(transport: &Transport) -> TransportStats {
    let agent = &transport.agent;
    let generation_stats = |generation| {
        Some(GenerationStats {
            generation,
            local_ufrag: agent.local_credentials(generation)?.ufrag.clone(),
            remote_ufrag: agent
                .remote_credentials(generation)
                .map(|credentials| credentials.ufrag.clone()),
            local: agent.local_candidates(generation).cloned().collect(),
            remote: agent.remote_candidates(generation).cloned().collect(),
        })
    };
    TransportStats {
        key: transport.key,
        sent: transport.sent,
        received: transport.received,
        generations: agent.generations().filter_map(generation_stats).collect(),
        pairs: agent.pairs().collect(),
        selected_pair_changes: agent.selected_pair_changes(),
        dtls_role: transport.agreed_dtls_role(),
        dtls_version: transport.dtls.version(),
        cipher_suite: transport.dtls.cipher_suite(),
        srtp_profile: transport.srtp().map(|keying| keying.profile),
        media: transport.media.as_ref().map(|media| media.rtp.stats()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_channel_has_counters_of_its_own_that_only_grow() {
        let mut counters = ChannelCounters::default();
        for key in [4, 2, 4] {
            counters.count_sent(ChannelKey(key), 10);
        }
        counters.count_received(ChannelKey(2), 3);
        let sent: Vec<_> = counters
            .0
            .iter()
            .map(|(key, t)| (key.0, t.messages_sent, t.bytes_sent, t.bytes_received))
            .collect();
        assert_eq!(sent, [(2, 1, 10, 3), (4, 2, 20, 0)]);
    }

    #[test]
    fn the_oldest_channels_make_room() {
        let mut counters = ChannelCounters::default();
        for key in 0..=COUNTED_CHANNELS as u32 {
            counters.count_sent(ChannelKey(key), 1);
        }
        assert_eq!(counters.0.len(), COUNTED_CHANNELS);
        assert_eq!(counters.0[0].0, ChannelKey(1));
    }
}
