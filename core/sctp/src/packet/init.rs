use duologue_base::Seq32;

use super::parameter::{self, Parameters, write_parameter};
use super::{RawChunk, Reader, kind, write_chunk};
use crate::limits::{MAX_PARAMETERS, MAX_UNRECOGNIZED};

/// RFC 9653 §4: the error detection method identifier of DTLS.
const EDMID_DTLS: u32 = 1;

/// Extensions that one side supports.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Support {
    /// FORWARD-TSN (RFC 3758)
    pub(crate) partial_reliability: bool,
    /// RE-CONFIG (RFC 6525)
    pub(crate) reconfiguration: bool,
    /// I-DATA and I-FORWARD-TSN (RFC 8260)
    pub(crate) interleaving: bool,
    /// Packets without checksum are accepted over DTLS (RFC 9653)
    pub(crate) zero_checksum: bool,
    /// PAD (RFC 4820), which there is no word for but the list of chunks (RFC 5061 §4.2.7)
    pub(crate) padding: bool,
}

/// INIT and INIT ACK (RFC 9260 §3.3.2, §3.3.3).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Init<'a> {
    pub(crate) tag: u32,
    pub(crate) receive_window: u32,
    pub(crate) outbound_streams: u16,
    pub(crate) inbound_streams: u16,
    pub(crate) initial_tsn: Seq32,
    pub(crate) support: Support,
    /// INIT ACK only
    pub(crate) cookie: Option<&'a [u8]>,
    /// Whole parameters that the other side asked to have reported, as far as there is room.
    pub(crate) unrecognized: [Option<&'a [u8]>; MAX_UNRECOGNIZED],
}

impl<'a> Init<'a> {
    pub(crate) fn parse(chunk: RawChunk<'a>) -> Option<Self> {
        let mut reader = Reader(chunk.value);
        let mut init = Init {
            tag: reader.u32()?,
            receive_window: reader.u32()?,
            outbound_streams: reader.u16()?,
            inbound_streams: reader.u16()?,
            initial_tsn: Seq32(reader.u32()?),
            support: Support::default(),
            cookie: None,
            unrecognized: [None; MAX_UNRECOGNIZED],
        };
        init.read_parameters(reader.0);
        Some(init)
    }

    fn read_parameters(&mut self, bytes: &'a [u8]) {
        let mut reported = 0;
        for parameter in Parameters(bytes).take(MAX_PARAMETERS) {
            match parameter.kind {
                parameter::STATE_COOKIE => self.cookie = Some(parameter.value),
                parameter::FORWARD_TSN_SUPPORTED => self.support.partial_reliability = true,
                parameter::SUPPORTED_EXTENSIONS => self.read_extensions(parameter.value),
                parameter::ZERO_CHECKSUM_ACCEPTABLE => {
                    self.support.zero_checksum = Reader(parameter.value).u32() == Some(EDMID_DTLS);
                }
                other => {
                    // RFC 9260 §3.2.2: the two highest bits say what to do with unknown types.
                    let (skip, report) = (other & 0x8000 != 0, other & 0x4000 != 0);
                    // Addresses, cookie preservative, hints and authentication are known, and
                    // mean nothing over DTLS (RFC 8261 §6.1).
                    let known = matches!(other, 5..=6 | 8..=12 | 0x8000 | 0x8002..=0x8004);
                    if report && !known && reported < MAX_UNRECOGNIZED {
                        self.unrecognized[reported] = Some(parameter.whole);
                        reported += 1;
                    }
                    if !skip && !known {
                        return;
                    }
                }
            }
        }
    }

    fn read_extensions(&mut self, kinds: &[u8]) {
        self.support.reconfiguration |= kinds.contains(&kind::RE_CONFIG);
        self.support.interleaving |= kinds.contains(&kind::I_DATA);
        self.support.partial_reliability |= kinds.contains(&kind::FORWARD_TSN);
        self.support.padding |= kinds.contains(&kind::PAD);
    }

    /// Appends the INIT, or with a cookie the INIT ACK.
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        let kind = if self.cookie.is_some() {
            kind::INIT_ACK
        } else {
            kind::INIT
        };
        write_chunk(out, kind, 0, |out| {
            out.extend_from_slice(&self.tag.to_be_bytes());
            out.extend_from_slice(&self.receive_window.to_be_bytes());
            out.extend_from_slice(&self.outbound_streams.to_be_bytes());
            out.extend_from_slice(&self.inbound_streams.to_be_bytes());
            out.extend_from_slice(&self.initial_tsn.0.to_be_bytes());
            self.write_parameters(out);
        });
    }

    fn write_parameters(&self, out: &mut Vec<u8>) {
        if let Some(cookie) = self.cookie {
            write_parameter(out, parameter::STATE_COOKIE, |out| {
                out.extend_from_slice(cookie);
            });
        }
        if self.support.partial_reliability {
            write_parameter(out, parameter::FORWARD_TSN_SUPPORTED, |_| {});
        }
        if self.support.zero_checksum {
            write_parameter(out, parameter::ZERO_CHECKSUM_ACCEPTABLE, |out| {
                out.extend_from_slice(&EDMID_DTLS.to_be_bytes());
            });
        }
        write_parameter(out, parameter::SUPPORTED_EXTENSIONS, |out| {
            let support = self.support;
            let kinds = [
                (support.reconfiguration, kind::RE_CONFIG),
                (support.partial_reliability, kind::FORWARD_TSN),
                (support.interleaving, kind::I_DATA),
                (support.interleaving, kind::I_FORWARD_TSN),
                (support.padding, kind::PAD),
            ];
            out.extend(kinds.iter().filter(|(on, _)| *on).map(|(_, kind)| *kind));
        });
        for whole in self.unrecognized.iter().flatten() {
            write_parameter(out, parameter::UNRECOGNIZED, |out| {
                out.extend_from_slice(whole);
            });
        }
    }
}
