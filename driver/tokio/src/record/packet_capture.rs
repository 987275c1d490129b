use std::borrow::Cow;
use std::fs::File;
use std::io::{self, BufWriter};
use std::path::Path;
use std::time::Duration;

use duologue_base::WallClock;
use duologue_session::{CapturedPacket, CapturedProtocol, PacketDirection};
use pcap_file::pcapng::PcapNgWriter;
use pcap_file::pcapng::blocks::enhanced_packet::{EnhancedPacketBlock, EnhancedPacketOption};
use pcap_file::pcapng::blocks::interface_description::{
    InterfaceDescriptionBlock, InterfaceDescriptionOption,
};
use pcap_file::{DataLink, PcapError};

use super::writer::{Format, Writer};

/// SCTP, RTP and RTCP of all sessions in the clear, as pcapng. Each packet is one of Wireshark's
/// "exported PDUs": it says which dissector it is for, and pretends addresses from which the connection
/// and the transport can be seen.
pub(crate) struct PacketCapture(Writer<(u64, CapturedPacket)>);

impl PacketCapture {
    pub(super) fn create(path: &Path, origin: WallClock) -> io::Result<Self> {
        let file = BufWriter::new(File::create(path)?);
        let mut pcap = PcapNgWriter::new(file).map_err(to_io)?;
        let interface = InterfaceDescriptionBlock {
            linktype: DataLink::WIRESHARK_UPPER_PDU,
            snaplen: 0,
            options: vec![
                InterfaceDescriptionOption::IfName(Cow::Borrowed("duologue")),
                InterfaceDescriptionOption::IfTsResol(NANOSECONDS),
            ],
        };
        pcap.write_pcapng_block(interface).map_err(to_io)?;
        let origin = Duration::from_millis(origin.unix_millis());
        let format = Pcapng { pcap, origin };
        Writer::start("duologue-capture", format).map(PacketCapture)
    }

    /// A packet of the session with this number.
    pub(crate) fn write(&self, session: u64, packet: CapturedPacket) {
        self.0.write((session, packet));
    }

    pub(crate) fn lost(&self) -> u64 {
        self.0.lost()
    }
}

struct Pcapng {
    pcap: PcapNgWriter<BufWriter<File>>,
    origin: Duration,
}

impl Format<(u64, CapturedPacket)> for Pcapng {
    fn write(&mut self, (session, packet): (u64, CapturedPacket)) -> io::Result<()> {
        let data = exported_pdu(session, &packet);
        let flags = match packet.direction {
            PacketDirection::Received => INBOUND,
            PacketDirection::Sent => OUTBOUND,
        };
        let block = EnhancedPacketBlock {
            interface_id: 0,
            timestamp: self.origin + packet.at.since_origin(),
            original_len: data.len() as u32,
            data: Cow::Owned(data),
            options: vec![EnhancedPacketOption::Flags(flags)],
        };
        self.pcap.write_pcapng_block(block).map_err(to_io)?;
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::Write::flush(self.pcap.get_mut())
    }
}

/// The tags of Wireshark's `epan/exported_pdu.h`, each with a length, big-endian, then the packet.
fn exported_pdu(session: u64, packet: &CapturedPacket) -> Vec<u8> {
    let (name, port) = match packet.protocol {
        CapturedProtocol::Rtp => ("rtp", 5004),
        CapturedProtocol::Rtcp => ("rtcp", 5005),
        _ => ("sctp", 5000),
    };
    // No address of anybody: private ones, and those of benchmarks (RFC 2544).
    let [.., high, low] = session.to_be_bytes();
    let here = [10, high, low, packet.transport.0 as u8];
    let there = [198, 18 + (high & 1), low, packet.transport.0 as u8];
    let (from, to) = match packet.direction {
        PacketDirection::Sent => (here, there),
        PacketDirection::Received => (there, here),
    };
    let port: u32 = port;

    let mut pdu = Vec::with_capacity(packet.bytes.len() + 64);
    let mut tag = |tag: u16, value: &[u8]| {
        pdu.extend(tag.to_be_bytes());
        let padded = value.len().next_multiple_of(4);
        pdu.extend((padded as u16).to_be_bytes());
        pdu.extend(value);
        pdu.resize(pdu.len() + padded - value.len(), 0);
    };
    tag(DISSECTOR_NAME, name.as_bytes());
    tag(IPV4_SOURCE, &from);
    tag(IPV4_DESTINATION, &to);
    tag(PORT_TYPE, &PORT_TYPE_UDP.to_be_bytes());
    tag(SOURCE_PORT, &port.to_be_bytes());
    tag(DESTINATION_PORT, &port.to_be_bytes());
    tag(END_OF_OPTIONS, &[]);
    pdu.extend_from_slice(&packet.bytes);
    pdu
}

fn to_io(error: PcapError) -> io::Error {
    match error {
        PcapError::IoError(error) => error,
        error => io::Error::other(error),
    }
}

/// `if_tsresol`: ten to the minus ninth of a second.
const NANOSECONDS: u8 = 9;

/// Direction of `epb_flags`.
const INBOUND: u32 = 1;
const OUTBOUND: u32 = 2;

const END_OF_OPTIONS: u16 = 0;
const DISSECTOR_NAME: u16 = 12;
const IPV4_SOURCE: u16 = 20;
const IPV4_DESTINATION: u16 = 21;
const PORT_TYPE: u16 = 24;
const SOURCE_PORT: u16 = 25;
const DESTINATION_PORT: u16 = 26;
/// `EXP_PDU_PT_UDP`
const PORT_TYPE_UDP: u32 = 3;
