use super::{Writer, kind, split_ssrc};
use crate::Ssrc;

/// An application's own packet (RFC 3550 §6.7), passed on as it is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct ApplicationDefined<'a> {
    /// Five bits of the application's.
    pub subtype: u8,
    /// The SSRC of who sent the packet.
    pub sender: Ssrc,
    /// Four characters that name the application.
    pub name: [u8; 4],
    /// Whole words.
    pub data: &'a [u8],
}

impl<'a> ApplicationDefined<'a> {
    pub(super) fn parse(subtype: u8, mut body: &'a [u8]) -> Option<Self> {
        let sender = split_ssrc(&mut body)?;
        let (name, data) = body.split_first_chunk()?;
        Some(ApplicationDefined {
            subtype,
            sender,
            name: *name,
            data,
        })
    }
}

impl Writer<'_> {
    /// An application's own packet. Data that is not whole words is filled up with zeros; what is
    /// beyond 1,024 bytes is left out.
    pub fn application_defined(&mut self, packet: &ApplicationDefined<'_>) {
        let data = &packet.data[..packet.data.len().min(1_024)];
        self.packet(kind::APP, packet.subtype, |out| {
            out.extend_from_slice(&packet.sender.0.to_be_bytes());
            out.extend_from_slice(&packet.name);
            out.extend_from_slice(data);
        });
    }
}
