use std::fmt;

use duologue_base::SrtpProfile;
use duologue_rtp::{Header, HeaderError, Ssrc};

use crate::cipher::{Cipher, Number};
use crate::cryptex::Cover;
use crate::header::rtcp_ssrc;
use crate::index::{self, Stale};
use crate::limits::{PACKET_BYTES, RTP_PACKETS};
use crate::streams::{Full, Streams};
use crate::{Cryptex, KeyingError, MasterKey, OpenError};

/// Opens the packets of one direction: those that are received.
///
/// A packet changes nothing here before its tag has matched.
///
/// ```
/// use duologue_base::SrtpProfile;
/// use duologue_srtp::{MasterKey, OpenError, Receiver, Sender};
///
/// let master = MasterKey::new(SrtpProfile::Aes128CmSha1_80, &[1; 16], &[2; 14])?;
/// let mut report = vec![0x80, 201, 0, 1, 0, 0, 0, 1];
/// Sender::new(&master)?.protect_rtcp(&mut report, 0)?;
///
/// let mut receiver = Receiver::new(&master)?;
/// let mut damaged = report.clone();
/// damaged[5] ^= 1;
/// assert_eq!(receiver.open_rtcp(&mut damaged), Err(OpenError::NotAuthentic));
/// assert_eq!(receiver.open_rtcp(&mut report), Ok(8));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Receiver {
    profile: SrtpProfile,
    rtp: Cipher,
    rtcp: Cipher,
    streams: Streams,
    /// The indices of RTCP packets, by the SSRC of who reports.
    reporters: Streams,
    cryptex: Cryptex,
}

/// An RTP packet that was opened.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Opened {
    /// The SSRC of the packet's stream.
    pub ssrc: Ssrc,
    /// The extended sequence number of the packet: the roll-over counter (RFC 3711 §3.3.1), then
    /// the 16 bits of the header.
    pub sequence: u64,
    /// The length of the packet's header, in bytes: where its payload begins.
    pub header: usize,
    /// Bytes of the packet without what protected it.
    pub length: usize,
}

impl Receiver {
    /// A context with this key.
    ///
    /// # Errors
    /// [`KeyingError::Library`]
    pub fn new(master: &MasterKey) -> Result<Self, KeyingError> {
        let profile = master.profile;
        Ok(Receiver {
            profile,
            rtp: Cipher::rtp(profile, &master.rtp()?)?,
            rtcp: Cipher::rtcp(profile, &master.rtcp()?)?,
            streams: Streams::default(),
            reporters: Streams::default(),
            cryptex: Cryptex::default(),
        })
    }

    /// Whether packets with encrypted headers are taken from now on.
    pub fn set_cryptex(&mut self, cryptex: Cryptex) {
        self.cryptex = cryptex;
    }

    /// Opens the RTP packet that `packet` is, where it lies. Its first [`Opened::length`] bytes are
    /// then the packet as it was before it was protected.
    ///
    /// # Errors
    /// The packet is to be dropped; its bytes mean nothing any more. Whoever has a second context to
    /// try keeps a copy of them.
    pub fn open_rtp(&mut self, packet: &mut [u8]) -> Result<Opened, OpenError> {
        let length = packet.len().checked_sub(self.rtp.tag());
        let length = length.ok_or(OpenError::Malformed)?;
        let header = Header::parse(&packet[..length])?;
        let cover = self.cover(&header)?;

        let ssrc = header.ssrc.0;
        let place = self.streams.find(ssrc);
        let newest = self.streams.newest(place);
        // After the last number of a stream its key is of no use.
        let index = index::extended(newest, header.sequence_number).ok_or(OpenError::TooOld)?;
        self.streams.check(place, index)?;

        self.rtp.open_rtp(packet, Number { ssrc, index }, cover)?;
        self.streams.commit(ssrc, place, index)?;
        Ok(Opened {
            ssrc: header.ssrc,
            sequence: index,
            header: header.size(),
            length,
        })
    }

    /// Opens the compound RTCP packet that `packet` is, where it lies (RFC 3711 §3.4), and tells how
    /// many bytes of it are left: the packet as it was before it was protected.
    ///
    /// # Errors
    /// The packet is to be dropped; its bytes mean nothing any more.
    pub fn open_rtcp(&mut self, packet: &mut [u8]) -> Result<usize, OpenError> {
        let ssrc = rtcp_ssrc(packet).ok_or(OpenError::Malformed)?;
        let word = self.rtcp.rtcp_index(packet);
        let (index, encrypted) = word.ok_or(OpenError::Malformed)?;
        if packet.len() > PACKET_BYTES {
            return Err(OpenError::Malformed);
        }
        let index = u64::from(index);
        let place = self.reporters.find(ssrc);
        self.reporters.check(place, index)?;

        let number = Number { ssrc, index };
        let length = self.rtcp.open_rtcp(packet, number, encrypted)?;
        self.reporters.commit(ssrc, place, index)?;
        Ok(length)
    }

    /// The profile of the receiver's key.
    pub fn profile(&self) -> SrtpProfile {
        self.profile
    }

    /// The extended sequence number of a stream's newest packet; its first 32 bits of 48 are the
    /// roll-over counter.
    pub fn newest(&self, ssrc: Ssrc) -> Option<u64> {
        self.streams.newest(self.streams.find(ssrc.0))
    }

    /// Lets a stream that comes from elsewhere, or whose roll-over counter came otherwise, go on
    /// behind this extended sequence number; earlier packets are not taken. One that is further
    /// already stays where it is.
    ///
    /// # Errors
    /// [`OpenError::TooManyStreams`]
    pub fn resume(&mut self, ssrc: Ssrc, newest: u64) -> Result<(), OpenError> {
        let newest = newest.min(RTP_PACKETS - 1);
        Ok(self.streams.resume(ssrc.0, newest)?)
    }

    /// Streams whose numbers it keeps, RTP's and RTCP's.
    pub fn streams(&self) -> (usize, usize) {
        (self.streams.len(), self.reporters.len())
    }

    fn cover(&self, header: &Header) -> Result<Cover, OpenError> {
        let plain = Cover::plain(header);
        if self.cryptex == Cryptex::Off {
            return Ok(plain);
        }
        let cover = Cover::of_received(header);
        let shows = header.extension().is_some() || !header.csrc_range().is_empty();
        if self.cryptex == Cryptex::Required && shows && cover == plain {
            return Err(OpenError::PlainHeader);
        }
        Ok(cover)
    }
}

impl fmt::Debug for Receiver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receiver")
            .field("profile", &self.profile)
            .field("streams", &self.streams.len())
            .field("reporters", &self.reporters.len())
            .field("cryptex", &self.cryptex)
            .finish_non_exhaustive()
    }
}

impl From<HeaderError> for OpenError {
    fn from(_: HeaderError) -> Self {
        OpenError::Malformed
    }
}

impl From<Stale> for OpenError {
    fn from(stale: Stale) -> Self {
        match stale {
            Stale::Repeated => OpenError::Replayed,
            Stale::TooOld => OpenError::TooOld,
        }
    }
}

impl From<Full> for OpenError {
    fn from(Full: Full) -> Self {
        OpenError::TooManyStreams
    }
}
