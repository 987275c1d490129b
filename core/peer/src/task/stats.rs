//! Making a statistics report: the slots tell the states, the session the counters.

use std::collections::BTreeMap;
use std::time::Duration;

use duologue_base::{DtlsRole, Generation, Instant, TransportKey};
use duologue_dtls as dtls;
use duologue_ice as ice;
use duologue_identity::{Fingerprint, HashFunction};
use duologue_session as session;

use super::Task;
use crate::candidate_text::candidate_attribute;
use crate::stats::{
    CandidatePairStats, CertificateStats, DataChannelStats, IceCandidateStats, MediaSourceStats,
    PeerConnectionStats, Stats, StatsReport, TransportStats,
};
use crate::transports::Transport;
use crate::{
    IceCandidate, IceCandidateInit, IceCandidatePairState, IceCandidateType, MediaKind,
    OperationId, PeerConnection, TrackId, Value,
};

impl PeerConnection {
    /// The session answered.
    pub(crate) fn queue_stats(&mut self, request: u64, stats: Box<session::Stats>) {
        let operation = OperationId(request);
        if let Some(now) = self.slots.pending_stats.remove(&operation) {
            self.queue(Task::Stats {
                operation,
                whole: true,
                now,
                session: Some(stats),
            });
        }
    }

    /// The session will not answer any more: the promises resolve with what the slots tell.
    pub(crate) fn queue_stats_of_slots(&mut self) {
        for (operation, now) in std::mem::take(&mut self.slots.pending_stats) {
            self.queue(Task::Stats {
                operation,
                whole: true,
                now,
                session: None,
            });
        }
    }

    /// A report about one sender or receiver has its RTP streams and what they refer to. No
    /// stream is sent or received yet, so it is empty.
    pub(crate) fn run_stats(
        &mut self,
        operation: OperationId,
        whole: bool,
        now: Duration,
        session: Option<Box<session::Stats>>,
    ) {
        // Without a transport nothing was counted, and nothing is known after the end.
        let session = match session {
            Some(session) => Some(*session),
            None => (!self.slots.closed).then(session::Stats::default),
        };
        let report = match whole {
            true => self.collect(now, session.as_ref()),
            false => StatsReport::default(),
        };
        self.settle(operation, Ok(Value::Stats(report)));
    }

    fn collect(&self, now: Duration, session: Option<&session::Stats>) -> StatsReport {
        let mut collector = Collector {
            now,
            collected: session.map_or(Instant::ZERO, |session| session.now),
            stats: Vec::new(),
        };
        let timestamp = collector.timestamp();
        collector
            .stats
            .push(Stats::PeerConnection(PeerConnectionStats {
                id: "P".to_owned(),
                timestamp,
                data_channels_opened: self.slots.channels_opened,
                data_channels_closed: self.slots.channels_closed,
            }));
        for counted in session.iter().flat_map(|session| &session.transports) {
            if let Some(transport) = self.slots.transports.get(&counted.key) {
                let local = transport_is_secured(transport).then(|| self.slots.certificate.der());
                collector.add_transport(transport, counted, local);
            }
        }
        for (&key, channel) in &self.slots.channels {
            let traffic = session.map(|session| {
                let counted = session.channels.iter().find(|(counted, _)| *counted == key);
                counted.map(|(_, traffic)| *traffic).unwrap_or_default()
            });
            let attributes = &channel.attributes;
            collector.stats.push(Stats::DataChannel(DataChannelStats {
                id: format!("D{}", key.0),
                timestamp,
                label: attributes.label.clone(),
                protocol: attributes.init.protocol.clone(),
                data_channel_identifier: attributes.id.map(|id| id.0),
                state: attributes.ready_state,
                messages_sent: traffic.map(|traffic| traffic.messages_sent),
                bytes_sent: traffic.map(|traffic| traffic.bytes_sent),
                messages_received: traffic.map(|traffic| traffic.messages_received),
                bytes_received: traffic.map(|traffic| traffic.bytes_received),
            }));
        }
        let tracks: BTreeMap<&TrackId, MediaKind> = self
            .slots
            .transceivers
            .values()
            .filter_map(|slots| slots.sender_track.as_ref())
            .map(|track| (&track.id, track.kind))
            .collect();
        for (track, kind) in tracks {
            collector.stats.push(Stats::MediaSource(MediaSourceStats {
                id: format!("S{track}"),
                timestamp,
                track_identifier: track.to_string(),
                kind: kind.as_str(),
            }));
        }
        StatsReport {
            stats: collector.stats,
        }
    }
}

/// webrtc-stats `localCertificateId`: "for components where DTLS is negotiated".
fn transport_is_secured(transport: &Transport) -> bool {
    transport.dtls.state() != crate::DtlsTransportState::New
}

struct Collector {
    /// Time since 1970.
    now: Duration,
    /// The same moment on the session's clock.
    collected: Instant,
    stats: Vec<Stats>,
}

impl Collector {
    /// Milliseconds since 1970.
    fn timestamp(&self) -> f64 {
        self.now.as_secs_f64() * 1e3
    }

    /// A moment of the session's clock in milliseconds since 1970.
    fn wall(&self, at: Instant) -> f64 {
        self.now.saturating_sub(self.collected - at).as_secs_f64() * 1e3
    }

    fn add_transport(
        &mut self,
        transport: &Transport,
        counted: &session::TransportStats,
        local_certificate: Option<&[u8]>,
    ) {
        let key = counted.key;
        let id = format!("T{}", key.0);
        let local_certificate_id = local_certificate.map(|der| self.add_chain(&[der.to_vec()]));
        let chain = transport.dtls.remote_certificates();
        let remote_certificate_id = (!chain.is_empty()).then(|| self.add_chain(chain));
        let selected = counted.pairs.iter().find(|pair| pair.selected);
        let parameters = transport.ice.local_parameters();
        let stats = TransportStats {
            id: id.clone(),
            timestamp: self.timestamp(),
            packets_sent: counted.sent.packets,
            packets_received: counted.received.packets,
            bytes_sent: counted.sent.bytes,
            bytes_received: counted.received.bytes,
            ice_role: transport.ice.role(),
            ice_local_username_fragment: parameters.map(|own| own.username_fragment.clone()),
            dtls_state: transport.dtls.state(),
            ice_state: transport.ice.state(),
            selected_candidate_pair_id: selected.map(|pair| pair_id(key, pair.id)),
            local_certificate_id,
            remote_certificate_id,
            tls_version: counted.dtls_version.map(version_bytes),
            dtls_cipher: counted.cipher_suite.and_then(dtls::CipherSuite::name),
            dtls_role: match counted.dtls_role {
                Some(DtlsRole::Client) => "client",
                Some(DtlsRole::Server) => "server",
                None => "unknown",
            },
            srtp_cipher: counted.srtp_profile.map(dtls::SrtpProfile::name),
            selected_candidate_pair_changes: counted.selected_pair_changes,
        };
        self.stats.push(Stats::Transport(stats));
        for pair in &counted.pairs {
            self.add_pair(key, &id, pair);
        }
        for generation in &counted.generations {
            self.add_candidates(counted, &id, transport, generation);
        }
    }

    fn add_pair(&mut self, key: TransportKey, transport_id: &str, pair: &ice::PairStats) {
        let counters = &pair.counters;
        self.stats.push(Stats::CandidatePair(CandidatePairStats {
            id: pair_id(key, pair.id),
            timestamp: self.timestamp(),
            transport_id: transport_id.to_owned(),
            local_candidate_id: candidate_id(End::Local, key, pair.generation, pair.local),
            remote_candidate_id: candidate_id(End::Remote, key, pair.generation, pair.remote),
            state: pair.state.into(),
            nominated: pair.nominated,
            packets_sent: counters.sent.packets,
            packets_received: counters.received.packets,
            bytes_sent: counters.sent.bytes,
            bytes_received: counters.received.bytes,
            last_packet_sent_timestamp: counters.sent.last.map(|at| self.wall(at)),
            last_packet_received_timestamp: counters.received.last.map(|at| self.wall(at)),
            total_round_trip_time: counters.total_round_trip_time.as_secs_f64(),
            current_round_trip_time: counters
                .current_round_trip_time
                .map(|time| time.as_secs_f64()),
            requests_received: counters.requests_received,
            requests_sent: counters.requests_sent,
            responses_received: counters.responses_received,
            responses_sent: counters.responses_sent,
            consent_requests_sent: counters.consent_requests_sent,
        }));
    }

    fn add_candidates(
        &mut self,
        counted: &session::TransportStats,
        transport_id: &str,
        transport: &Transport,
        generation: &session::GenerationStats,
    ) {
        let timestamp = self.timestamp();
        let stats = |end, at, shown: &IceCandidate, ufrag: &Option<String>| {
            let parts = shown.parts.clone()?;
            Some(IceCandidateStats {
                id: candidate_id(end, counted.key, generation.generation, at),
                timestamp,
                transport_id: transport_id.to_owned(),
                address: parts.address,
                port: parts.port,
                protocol: parts.protocol,
                candidate_type: parts.candidate_type,
                priority: parts.priority,
                url: shown.url.clone(),
                relay_protocol: shown.relay_protocol,
                foundation: parts.foundation,
                related_address: parts.related_address,
                related_port: parts.related_port,
                username_fragment: ufrag.clone(),
                tcp_type: parts.tcp_type,
            })
        };
        let local_ufrag = Some(generation.local_ufrag.clone());
        let local = generation.local.iter().enumerate();
        self.stats.extend(local.filter_map(|(at, candidate)| {
            let shown = IceCandidate::from_local(IceCandidateInit::default(), candidate);
            stats(End::Local, at, &shown, &local_ufrag).map(Stats::LocalCandidate)
        }));
        let remote = generation.remote.iter().enumerate();
        self.stats.extend(remote.filter_map(|(at, candidate)| {
            let shown = shown_remote(transport, candidate);
            stats(End::Remote, at, &shown, &generation.remote_ufrag).map(Stats::RemoteCandidate)
        }));
    }

    /// A certificate chain, whose first certificate's id this gives.
    fn add_chain(&mut self, chain: &[Vec<u8>]) -> String {
        let fingerprints: Vec<String> = chain
            .iter()
            .map(|der| Fingerprint::of(HashFunction::Sha256, der).value_text())
            .collect();
        let id = |fingerprint: &String| format!("CF{fingerprint}");
        for (at, der) in chain.iter().enumerate() {
            let own = id(&fingerprints[at]);
            if self.stats.iter().any(|stats| stats.id() == own) {
                continue;
            }
            let stats = CertificateStats {
                id: own,
                timestamp: self.timestamp(),
                fingerprint: fingerprints[at].clone(),
                fingerprint_algorithm: HashFunction::Sha256.name(),
                base64_certificate: base64(der),
                issuer_certificate_id: fingerprints.get(at + 1).map(id),
            };
            self.stats.push(Stats::Certificate(stats));
        }
        fingerprints.first().map(id).unwrap_or_default()
    }
}

#[derive(Clone, Copy)]
enum End {
    Local,
    Remote,
}

fn pair_id(TransportKey(key): TransportKey, ice::PairId(pair): ice::PairId) -> String {
    format!("CP{key}-{pair}")
}

fn candidate_id(
    end: End,
    TransportKey(key): TransportKey,
    Generation(generation): Generation,
    at: usize,
) -> String {
    let end = match end {
        End::Local => "L",
        End::Remote => "R",
    };
    format!("C{end}{key}-{generation}-{at}")
}

/// A remote candidate as the application knows it: under the name that it was signalled with.
/// webrtc-stats `address`: one that only its checks have told "MUST be null".
fn shown_remote(transport: &Transport, candidate: &ice::Candidate) -> IceCandidate {
    let attribute = candidate_attribute(candidate);
    let mut shown = IceCandidate::new(IceCandidateInit {
        candidate: attribute.to_string(),
        ..IceCandidateInit::default()
    });
    let Some(parts) = &mut shown.parts else {
        return shown;
    };
    // Of a generation that is over only the pair in use is left. One that was not signalled before
    // it was selected has no text there.
    let selected = transport.ice.selected_pair.as_ref();
    let selected = selected.map(|pair| &pair.remote);
    let selected = selected.filter(|remote| !remote.init.candidate.is_empty());
    let mut known = transport.ice.remote_candidates().iter().chain(selected);
    let signalled = known.find(|known| {
        known.parts.as_ref().is_some_and(|known| {
            known.port == parts.port
                && known.protocol == parts.protocol
                && known.foundation == parts.foundation
                && known.priority == parts.priority
        })
    });
    if let Some(known) = signalled {
        return known.clone();
    }
    if parts.candidate_type == IceCandidateType::Prflx {
        parts.address = None;
    }
    shown
}

impl From<ice::PairState> for IceCandidatePairState {
    fn from(state: ice::PairState) -> Self {
        match state {
            ice::PairState::Frozen => IceCandidatePairState::Frozen,
            ice::PairState::Waiting => IceCandidatePairState::Waiting,
            ice::PairState::InProgress => IceCandidatePairState::InProgress,
            ice::PairState::Failed => IceCandidatePairState::Failed,
            ice::PairState::Succeeded => IceCandidatePairState::Succeeded,
        }
    }
}

/// RFC 6347 §4.1, RFC 9147 §5.3.
fn version_bytes(version: dtls::Version) -> &'static str {
    match version {
        dtls::Version::V12 => "FEFD",
        dtls::Version::V13 => "FEFC",
    }
}

/// RFC 4648 §4.
fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let byte = |at: usize| u32::from(group.get(at).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for at in 0..4 {
            let sextet = (bits >> (18 - 6 * at)) & 63;
            let padding = at > group.len();
            text.push(if padding {
                '='
            } else {
                char::from(ALPHABET[sextet as usize])
            });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_that_of_the_rfc() {
        let pairs = [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
        ];
        for (plain, encoded) in pairs {
            assert_eq!(base64(plain.as_bytes()), encoded);
        }
    }
}
