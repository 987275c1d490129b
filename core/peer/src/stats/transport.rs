use duologue_base::DtlsRole;
use duologue_dtls as dtls;
use duologue_session as session;

use super::candidate_pair::pair_id;
use super::{Collector, Stats, transport_id};
use crate::transports::Transport;
use crate::{DtlsTransportState, IceRole, IceTransportState};

dictionary! {
    /// About an ICE transport and the DTLS transport on it.
    #[doc(alias = "RTCTransportStats")]
    pub struct TransportStats {
        /// Datagrams sent, those of ICE left out.
        pub packets_sent: u64,
        /// Datagrams received, those of ICE left out.
        pub packets_received: u64,
        /// Bytes in the datagrams sent.
        pub bytes_sent: u64,
        /// Bytes in the datagrams received.
        pub bytes_received: u64,
        /// Who nominates.
        pub ice_role: IceRole,
        /// `RTCDtlsTransport.state`
        pub dtls_state: DtlsTransportState,
        /// `RTCIceTransport.state`
        pub ice_state: IceTransportState,
        /// `client`, `server` or `unknown`.
        pub dtls_role: &'static str,
        /// How often another pair was selected.
        pub selected_candidate_pair_changes: u32,
    } optional {
        /// Our user name fragment.
        pub ice_local_username_fragment: String,
        /// The pair that carries the data.
        pub selected_candidate_pair_id: String,
        /// The certificate that this end shows.
        pub local_certificate_id: String,
        /// The certificate that the other end showed.
        pub remote_certificate_id: String,
        /// The two bytes of the version agreed on, in hexadecimal.
        pub tls_version: &'static str,
        /// The cipher suite's name in IANA's registry.
        pub dtls_cipher: &'static str,
        /// The SRTP protection profile's name in IANA's registry.
        pub srtp_cipher: &'static str,
        /// Reports of arrivals and ECN marks that were sent (RFC 8888), once there is media.
        pub ccfb_messages_sent: u32,
        /// Reports of arrivals and ECN marks that came (RFC 8888), once there is media.
        pub ccfb_messages_received: u32,
    }
}

impl Collector {
    pub(crate) fn add_transport(
        &mut self,
        transport: &Transport,
        counted: &session::TransportStats,
        local_certificate: Option<&[u8]>,
    ) {
        let key = counted.key;
        let id = transport_id(key);
        let local_certificate_id = local_certificate.map(|der| self.add_chain(&[der.to_vec()]));
        let chain = transport.dtls.remote_certificates();
        let remote_certificate_id = (!chain.is_empty()).then(|| self.add_chain(chain));
        let selected = counted.pairs.iter().find(|pair| pair.selected);
        let parameters = transport.ice.local_parameters();
        let media = counted.media.as_ref();
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
            ccfb_messages_sent: media.map(|it| it.stream_reports_sent as u32),
            ccfb_messages_received: media.map(|it| it.stream_reports_received as u32),
        };

        self.stats.push(Stats::Transport(stats));
        let available = media.and_then(|media| media.available_outgoing_bitrate);
        for pair in &counted.pairs {
            self.add_pair(key, &id, pair, available.filter(|_| pair.selected));
        }

        for generation in &counted.generations {
            self.add_candidates(counted, &id, transport, generation);
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
