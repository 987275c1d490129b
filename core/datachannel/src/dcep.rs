use bytes::Bytes;
use duologue_base::cut;

use crate::{ChannelInit, Priority, Reliability};

/// A message of the Data Channel Establishment Protocol (RFC 8832 §5).
///
/// ```
/// use duologue_datachannel::{ChannelInit, DcepMessage};
///
/// let open = DcepMessage::Open(ChannelInit { label: "chat".into(), ..Default::default() });
/// assert_eq!(DcepMessage::parse(&open.encode()), Ok(open));
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum DcepMessage {
    /// DATA_CHANNEL_OPEN. Its `negotiated` is `false`.
    Open(ChannelInit),
    /// DATA_CHANNEL_ACK.
    Ack,
}

const TYPE_ACK: u8 = 0x02;
const TYPE_OPEN: u8 = 0x03;
const OPEN_HEADER: usize = 12;

const RELIABLE: u8 = 0x00;
const PARTIAL_RELIABLE_REXMIT: u8 = 0x01;
const PARTIAL_RELIABLE_TIMED: u8 = 0x02;
const UNORDERED: u8 = 0x80;

impl DcepMessage {
    /// Reads a message. It must be whole and nothing may follow it.
    ///
    /// # Errors
    /// What makes it no message of RFC 8832 §5.
    pub fn parse(bytes: &[u8]) -> Result<Self, DcepError> {
        match bytes.first() {
            // RFC 8832 §5.2: the ACK has only its type.
            Some(&TYPE_ACK) if bytes.len() == 1 => Ok(DcepMessage::Ack),
            Some(&TYPE_ACK) => Err(DcepError::Length),
            Some(&TYPE_OPEN) => parse_open(bytes).map(DcepMessage::Open),
            Some(_) => Err(DcepError::UnknownType),
            None => Err(DcepError::Length),
        }
    }

    /// Writes the message. Names longer than 65535 bytes are cut, at a character: the owner has checked.
    pub fn encode(&self) -> Bytes {
        match self {
            DcepMessage::Ack => Bytes::from_static(&[TYPE_ACK]),
            DcepMessage::Open(init) => encode_open(init),
        }
    }
}

fn parse_open(bytes: &[u8]) -> Result<ChannelInit, DcepError> {
    let (header, names) = bytes
        .split_first_chunk::<OPEN_HEADER>()
        .ok_or(DcepError::Length)?;
    let [_, kind, p0, p1, r0, r1, r2, r3, l0, l1, n0, n1] = *header;
    let label_len = usize::from(u16::from_be_bytes([l0, l1]));
    let protocol_len = usize::from(u16::from_be_bytes([n0, n1]));
    if names.len() != label_len + protocol_len {
        return Err(DcepError::Length);
    }
    let (label, protocol) = names.split_at(label_len);
    let parameter = u32::from_be_bytes([r0, r1, r2, r3]);
    // W3C counts both in 16 bits; a peer that asks for more is served as well as can be.
    let bound = u16::try_from(parameter).unwrap_or(u16::MAX);
    let reliability = match kind & !UNORDERED {
        // RFC 8832 §5.1: the parameter of a reliable channel is ignored.
        RELIABLE => Reliability::Reliable,
        PARTIAL_RELIABLE_REXMIT => Reliability::MaxRetransmits(bound),
        PARTIAL_RELIABLE_TIMED => Reliability::MaxPacketLifeTime(bound),
        _ => return Err(DcepError::UnknownChannelType),
    };
    Ok(ChannelInit {
        label: text(label)?,
        protocol: text(protocol)?,
        unordered: kind & UNORDERED != 0,
        reliability,
        negotiated: false,
        priority: Priority::from_weight(u16::from_be_bytes([p0, p1])),
    })
}

/// Whether a DATA_CHANNEL_OPEN has the weight 0, which RFC 8831 §6.4 does not name: older libwebrtc, usrsctp's
/// users and aiortc write it where they mean nothing by it. W3C calls it `very-low` all the same.
pub(crate) fn says_no_priority(open: &[u8]) -> bool {
    matches!(open, [TYPE_OPEN, _, 0, 0, ..])
}

fn text(bytes: &[u8]) -> Result<String, DcepError> {
    String::from_utf8(bytes.to_vec()).map_err(|_| DcepError::NotUtf8)
}

fn encode_open(init: &ChannelInit) -> Bytes {
    let (kind, parameter) = match init.reliability {
        Reliability::Reliable => (RELIABLE, 0),
        Reliability::MaxRetransmits(times) => (PARTIAL_RELIABLE_REXMIT, times),
        Reliability::MaxPacketLifeTime(millis) => (PARTIAL_RELIABLE_TIMED, millis),
    };
    let short = |name| cut(name, usize::from(u16::MAX));
    let (label, protocol) = (short(&init.label), short(&init.protocol));
    let mut bytes = Vec::with_capacity(OPEN_HEADER + label.len() + protocol.len());
    bytes.push(TYPE_OPEN);
    bytes.push(kind | if init.unordered { UNORDERED } else { 0 });
    bytes.extend_from_slice(&init.priority.weight().to_be_bytes());
    bytes.extend_from_slice(&u32::from(parameter).to_be_bytes());
    bytes.extend_from_slice(&(label.len() as u16).to_be_bytes());
    bytes.extend_from_slice(&(protocol.len() as u16).to_be_bytes());
    bytes.extend_from_slice(label.as_bytes());
    bytes.extend_from_slice(protocol.as_bytes());
    bytes.into()
}

/// Why bytes are not a DCEP message.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum DcepError {
    /// Neither OPEN nor ACK.
    #[error("the message type is unknown")]
    UnknownType,
    /// Truncated, or something follows.
    #[error("the length is wrong")]
    Length,
    /// A channel type that RFC 8832 §5.1 does not define.
    #[error("the channel type is unknown")]
    UnknownChannelType,
    /// A label or protocol that is not UTF-8.
    #[error("a name is not UTF-8")]
    NotUtf8,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_open_message_has_the_layout_of_rfc_8832() {
        let init = ChannelInit {
            label: "ab".into(),
            protocol: "c".into(),
            unordered: true,
            reliability: Reliability::MaxPacketLifeTime(0x1234),
            negotiated: false,
            priority: Priority::High,
        };
        let bytes = [
            0x03, 0x82, 0x04, 0x00, 0, 0, 0x12, 0x34, 0, 2, 0, 1, b'a', b'b', b'c',
        ];
        assert_eq!(&DcepMessage::Open(init.clone()).encode()[..], bytes);
        assert_eq!(DcepMessage::parse(&bytes), Ok(DcepMessage::Open(init)));
    }

    #[test]
    fn malformed_messages_are_refused() {
        let good = DcepMessage::Open(ChannelInit {
            label: "label".into(),
            ..ChannelInit::default()
        })
        .encode();
        for len in 0..good.len() {
            assert_eq!(DcepMessage::parse(&good[..len]), Err(DcepError::Length));
        }
        let changed = |at: usize, to: u8| {
            let mut bytes = good.to_vec();
            bytes[at] = to;
            DcepMessage::parse(&bytes).unwrap_err()
        };
        assert_eq!(changed(0, 0x01), DcepError::UnknownType);
        assert_eq!(changed(1, 0x03), DcepError::UnknownChannelType);
        assert_eq!(changed(9, 4), DcepError::Length);
        assert_eq!(changed(12, 0xff), DcepError::NotUtf8);
        assert_eq!(DcepMessage::parse(&[0x02, 0]), Err(DcepError::Length));
    }

    #[test]
    fn a_label_that_is_too_long_is_cut_at_a_character() {
        let init = ChannelInit {
            label: "é".repeat(40_000),
            ..ChannelInit::default()
        };
        let Ok(DcepMessage::Open(read)) = DcepMessage::parse(&DcepMessage::Open(init).encode())
        else {
            panic!("not an open message");
        };
        assert_eq!(read.label.len(), 65_534);
    }

    proptest! {
        #[test]
        fn any_bytes_are_parsed_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            if let Ok(message) = DcepMessage::parse(&bytes) {
                prop_assert_eq!(DcepMessage::parse(&message.encode()), Ok(message));
            }
        }
    }
}
