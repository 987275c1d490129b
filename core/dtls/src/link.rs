//! What the handshakes of both versions act on: records, flights, and what this end is.

use std::collections::VecDeque;
use std::time::Duration;

use duologue_base::{DtlsRole, Instant};
use duologue_identity::{Certificate, Certificates};

use crate::crypto::random::Random;
use crate::crypto::transcript::Transcript;
use crate::flight::Flight;
use crate::key_log::KeyLog;
use crate::limits::{ACK_NUMBERS, OUTGOING_DATAGRAMS};
use crate::message::Protocol;
use crate::reassembly::Reassembly;
use crate::record::{RecordNumber, Records, content};
use crate::trust::Trust;
use crate::wire::put_vec;
use crate::{Confidentiality, DtlsError, SrtpKeying, SrtpProfile, Version, Versions};

/// What a host chooses for all its handshakes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Settings {
    pub(crate) versions: Versions,
    pub(crate) first_retransmission: Duration,
    /// The largest datagram of a handshake.
    pub(crate) mtu: usize,
    /// Offers ML-KEM as a client. A server accepts it always.
    pub(crate) post_quantum: bool,
    /// As a server: asks for a second ClientHello that shows that the first one's address is its
    /// sender's.
    pub(crate) cookies: bool,
    /// SRTP keys are wanted.
    pub(crate) srtp: bool,
    /// What ALPN says; nothing to servers.
    pub(crate) confidentiality: Option<Confidentiality>,
    /// Secrets are told.
    pub(crate) key_log: bool,
}

impl Settings {
    pub(crate) fn allows(&self, version: Version) -> bool {
        match self.versions {
            Versions::Both => true,
            Versions::Only(only) => only == version,
        }
    }
}

/// One end of a handshake, without the handshake.
#[derive(Debug)]
pub(crate) struct Link {
    pub(crate) settings: Settings,
    pub(crate) role: DtlsRole,
    pub(crate) certificates: Certificates,
    /// That of them which was shown.
    pub(crate) shown: Option<Certificate>,
    pub(crate) server_name: Option<String>,
    pub(crate) trust: Trust,
    pub(crate) random: Random,
    pub(crate) records: Records,
    pub(crate) reassembly: Reassembly,
    pub(crate) flight: Flight,
    pub(crate) outgoing: VecDeque<Vec<u8>>,
    pub(crate) now: Instant,
    /// DTLS 1.3: when what came of a flight is acknowledged.
    pub(crate) ack_due: Option<Instant>,
    /// Only for who asked for it.
    pub(crate) key_log: Option<Box<KeyLog>>,
}

impl Link {
    /// Where the secrets of this attempt are told, if anywhere.
    pub(crate) fn key_log_of(settings: &Settings) -> Option<Box<KeyLog>> {
        settings.key_log.then(Box::default)
    }

    /// Our next flight begins, which acknowledges the peer's.
    pub(crate) fn begin_flight(&mut self) {
        self.flight.begin();
        self.reassembly.forget_heard();
        self.ack_due = None;
    }

    /// Adds a message to the flight, in the newest epoch, and to the transcript.
    pub(crate) fn say(&mut self, transcript: &mut Transcript, kind: u8, body: Vec<u8>) {
        let copy = body.clone();
        let number = self.flight.add(self.records.sealing_epoch(), kind, body);
        transcript.add(kind, number, &copy);
    }

    pub(crate) fn send_flight(&mut self, timer: bool) -> Result<(), DtlsError> {
        self.flight
            .send(self.now, timer, &mut self.records, &mut self.outgoing)
    }

    /// Says the flight again, because the peer repeats itself.
    pub(crate) fn repeat_flight(&mut self) -> Result<(), DtlsError> {
        self.flight
            .repeat(self.now, &mut self.records, &mut self.outgoing)
    }

    /// RFC 9147 §7.1: what came of a flight is acknowledged at once if it shows a loss, else when the
    /// rest had time to come.
    pub(crate) fn plan_ack(&mut self) {
        if self.records.version() != Some(Version::V13) || self.reassembly.heard().is_empty() {
            return;
        }
        let wait = match self.reassembly.has_gap() {
            true => Duration::ZERO,
            false => self.settings.first_retransmission / 4,
        };
        let due = self.now + wait;
        self.ack_due = Some(self.ack_due.map_or(due, |at| at.min(due)));
    }

    /// RFC 9147 §7: says what came.
    pub(crate) fn send_ack(&mut self, arrived: &[RecordNumber]) -> Result<(), DtlsError> {
        self.ack_due = None;
        let epoch = self.records.sealing_epoch();
        if arrived.is_empty() || epoch == 0 || self.outgoing.len() >= OUTGOING_DATAGRAMS {
            return Ok(());
        }
        let mut datagram = Vec::new();
        let fill = |out: &mut Vec<u8>| {
            put_vec(out, 2, |out| {
                for at in arrived.iter().take(ACK_NUMBERS) {
                    out.extend_from_slice(&at.epoch.to_be_bytes());
                    out.extend_from_slice(&at.number.to_be_bytes());
                }
            });
        };
        self.records
            .seal(epoch, content::ACK, &mut datagram, fill)?;
        self.outgoing.push_back(datagram);
        Ok(())
    }
}

/// The end of a handshake.
#[derive(Debug)]
pub(crate) struct Agreed {
    /// The peer's certificate first. Never empty.
    pub(crate) chain: Vec<Vec<u8>>,
    pub(crate) srtp: Option<SrtpKeying>,
    pub(crate) protocol: Option<Protocol>,
}

/// RFC 5764 §4.2.
pub(crate) const SRTP_LABEL: &[u8] = b"EXTRACTOR-dtls_srtp";

/// Bytes of both ends' keys and salts (RFC 5764 §4.1.2, RFC 7714 §12).
pub(crate) fn srtp_material_len(profile: SrtpProfile) -> usize {
    let (key, salt) = match profile {
        SrtpProfile::Aes128CmSha1_80 | SrtpProfile::Aes128CmSha1_32 => (16, 14),
        SrtpProfile::AeadAes128Gcm => (16, 12),
        SrtpProfile::AeadAes256Gcm => (32, 12),
    };
    2 * (key + salt)
}
