use std::fmt;

use duologue_base::SrtpProfile;
use duologue_rtp::{Header, HeaderError, Ssrc};

use crate::cipher::{Cipher, Number};
use crate::cryptex::{Cover, OtherExtension};
use crate::header::rtcp_ssrc;
use crate::index::{self, Stale};
use crate::limits::{PACKET_BYTES, RTCP_OVERHEAD_MAX, RTCP_PACKETS, RTP_OVERHEAD_MAX, RTP_PACKETS};
use crate::streams::{Full, Streams};
use crate::{KeyingError, MasterKey, ProtectError};

/// Protects the packets of one direction: those that are sent.
///
/// It never protects two packets of one number: with AES-GCM the second would give the key away. It
/// therefore knows each stream's numbers, as a [`Receiver`](crate::Receiver) does.
///
/// ```
/// use duologue_base::SrtpProfile;
/// use duologue_srtp::{MasterKey, ProtectError, Sender};
///
/// let master = MasterKey::new(SrtpProfile::AeadAes256Gcm, &[1; 32], &[2; 12])?;
/// let mut sender = Sender::new(&master)?;
/// let mut train = Vec::new();
/// for sequence_number in [7, 8] {
///     let at = train.len();
///     train.extend([0x80, 96, 0, sequence_number, 0, 0, 0, 0, 0, 0, 0, 1]);
///     train.extend([0; 100]);
///     sender.protect_rtp(&mut train, at)?;
/// }
/// assert_eq!(train.len(), 2 * (12 + 100 + 16));
///
/// let mut again = vec![0x80, 96, 0, 7, 0, 0, 0, 0, 0, 0, 0, 1];
/// assert_eq!(sender.protect_rtp(&mut again, 0), Err(ProtectError::Repeated));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Sender {
    profile: SrtpProfile,
    rtp: Cipher,
    rtcp: Cipher,
    streams: Streams,
    cryptex: bool,
    /// RTP packets protected so far.
    packets: u64,
    /// RTCP packets protected so far, which is the next one's index. All streams share it, so that
    /// there is nothing to keep of each.
    rtcp_packets: u32,
}

impl Sender {
    /// A context with this key. No other may ever have had it: packets would get the same numbers.
    ///
    /// # Errors
    /// [`KeyingError::Library`]
    pub fn new(master: &MasterKey) -> Result<Self, KeyingError> {
        let profile = master.profile;
        Ok(Sender {
            profile,
            rtp: Cipher::rtp(profile, &master.rtp()?)?,
            rtcp: Cipher::rtcp(profile, &master.rtcp()?)?,
            streams: Streams::default(),
            cryptex: false,
            packets: 0,
            rtcp_packets: 0,
        })
    }

    /// Whether header extensions and CSRCs are encrypted from now on (RFC 9335): only if the peer
    /// said by `a=cryptex` that it takes that.
    pub fn set_cryptex(&mut self, on: bool) {
        self.cryptex = on;
    }

    /// Protects the RTP packet that begins at `at` and goes to the end of `packet`, where it lies,
    /// and appends its tag: at most [`RTP_OVERHEAD_MAX`](crate::RTP_OVERHEAD_MAX) bytes. What is
    /// before `at`, of a train of packets perhaps, stays. Tells the packet's extended sequence
    /// number: the roll-over counter (RFC 3711 §3.3.1), then the 16 bits of the header.
    ///
    /// # Errors
    /// Nothing is protected, and `packet` is as it was; it must not be sent like that.
    pub fn protect_rtp(&mut self, packet: &mut Vec<u8>, at: usize) -> Result<u64, ProtectError> {
        let bytes = packet.get(at..).ok_or(ProtectError::Malformed)?;
        let header = Header::parse(bytes)?;
        if bytes.len() > PACKET_BYTES - RTP_OVERHEAD_MAX {
            return Err(ProtectError::Malformed);
        }
        let cover = match self.cryptex {
            true => Cover::to_send(&header)?,
            false => Cover::plain(&header),
        };

        let ssrc = header.ssrc.0;
        let place = self.streams.find(ssrc);
        let newest = self.streams.newest(place);
        let index = index::extended(newest, header.sequence_number);
        let index = index.ok_or(ProtectError::KeyUsedUp)?;
        if self.packets >= RTP_PACKETS {
            return Err(ProtectError::KeyUsedUp);
        }
        self.streams.check(place, index)?;
        self.streams.commit(ssrc, place, index)?;
        self.packets += 1;

        if header.extension().is_none() && matches!(cover, Cover::Header { .. }) {
            Cover::insert_extension(packet, at, &header);
        }
        self.rtp.seal_rtp(packet, at, Number { ssrc, index }, cover);
        Ok(index)
    }

    /// Protects the compound RTCP packet that begins at `at` and goes to the end of `packet`, where
    /// it lies, and appends tag and index: at most
    /// [`RTCP_OVERHEAD_MAX`](crate::RTCP_OVERHEAD_MAX) bytes (RFC 3711 §3.4).
    ///
    /// # Errors
    /// Nothing is protected, and `packet` is as it was; it must not be sent like that.
    pub fn protect_rtcp(&mut self, packet: &mut Vec<u8>, at: usize) -> Result<(), ProtectError> {
        let bytes = packet.get(at..).ok_or(ProtectError::Malformed)?;
        let ssrc = rtcp_ssrc(bytes).ok_or(ProtectError::Malformed)?;
        if bytes.len() > PACKET_BYTES - RTCP_OVERHEAD_MAX {
            return Err(ProtectError::Malformed);
        }
        if self.rtcp_packets >= RTCP_PACKETS {
            return Err(ProtectError::KeyUsedUp);
        }
        let index = u64::from(self.rtcp_packets);
        self.rtcp_packets += 1;

        self.rtcp.seal_rtcp(packet, at, Number { ssrc, index });
        Ok(())
    }

    /// Bytes that protecting adds to an RTP packet: the tag. While headers are encrypted, one that has
    /// CSRCs and no extension becomes 4 longer (RFC 9335 §5.1).
    pub fn rtp_overhead(&self) -> usize {
        self.rtp.tag()
    }

    /// The profile of the sender's key.
    pub fn profile(&self) -> SrtpProfile {
        self.profile
    }

    /// The extended sequence number of a stream's newest packet; its first 32 bits of 48 are the
    /// roll-over counter.
    pub fn newest(&self, ssrc: Ssrc) -> Option<u64> {
        self.streams.newest(self.streams.find(ssrc.0))
    }

    /// Lets a stream that comes from elsewhere go on behind this extended sequence number. One that
    /// is further already stays where it is.
    ///
    /// # Errors
    /// [`ProtectError::TooManyStreams`]
    pub fn resume(&mut self, ssrc: Ssrc, newest: u64) -> Result<(), ProtectError> {
        let newest = newest.min(RTP_PACKETS - 1);
        Ok(self.streams.resume(ssrc.0, newest)?)
    }
}

impl fmt::Debug for Sender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sender")
            .field("profile", &self.profile)
            .field("streams", &self.streams.len())
            .field("packets", &self.packets)
            .field("rtcp_packets", &self.rtcp_packets)
            .finish_non_exhaustive()
    }
}

impl From<HeaderError> for ProtectError {
    fn from(_: HeaderError) -> Self {
        ProtectError::Malformed
    }
}

impl From<OtherExtension> for ProtectError {
    fn from(OtherExtension: OtherExtension) -> Self {
        ProtectError::HeaderNotEncryptable
    }
}

impl From<Stale> for ProtectError {
    fn from(stale: Stale) -> Self {
        match stale {
            Stale::Repeated => ProtectError::Repeated,
            Stale::TooOld => ProtectError::TooOld,
        }
    }
}

impl From<Full> for ProtectError {
    fn from(Full: Full) -> Self {
        ProtectError::TooManyStreams
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sender() -> Sender {
        let master = MasterKey::new(SrtpProfile::AeadAes128Gcm, &[1; 16], &[2; 12]);
        Sender::new(&master.unwrap()).unwrap()
    }

    #[test]
    fn a_key_protects_no_more_packets_than_it_may() {
        let rtp = [0x80, 96, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1].to_vec();
        let rtcp = [0x80, 201, 0, 1, 0, 0, 0, 1].to_vec();
        let mut sender = sender();
        (sender.packets, sender.rtcp_packets) = (RTP_PACKETS - 1, RTCP_PACKETS - 1);
        assert_eq!(sender.protect_rtp(&mut rtp.clone(), 0), Ok(1));
        assert_eq!(sender.protect_rtcp(&mut rtcp.clone(), 0), Ok(()));

        let (mut refused_rtp, mut refused_rtcp) = (rtp.clone(), rtcp.clone());
        refused_rtp[3] = 2;
        let rtp_before = refused_rtp.clone();
        let used_up = ProtectError::KeyUsedUp;
        assert_eq!(sender.protect_rtp(&mut refused_rtp, 0), Err(used_up));
        assert_eq!(sender.protect_rtcp(&mut refused_rtcp, 0), Err(used_up));
        assert_eq!((refused_rtp, refused_rtcp), (rtp_before, rtcp));
    }

    #[test]
    fn a_stream_ends_with_the_last_number_there_is() {
        let mut sender = sender();
        assert_eq!(sender.resume(Ssrc(1), RTP_PACKETS - 2), Ok(()));
        let mut last = [0x80, 96, 0xff, 0xff, 0, 0, 0, 0, 0, 0, 0, 1].to_vec();
        assert_eq!(sender.protect_rtp(&mut last, 0), Ok(RTP_PACKETS - 1));
        let mut one_more = [0x80, 96, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1].to_vec();
        let refused = sender.protect_rtp(&mut one_more, 0);
        assert_eq!(refused, Err(ProtectError::KeyUsedUp));
    }
}
