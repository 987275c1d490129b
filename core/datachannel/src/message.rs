use bytes::Bytes;
use duologue_sctp::Ppid;

/// DATA_CHANNEL_OPEN and DATA_CHANNEL_ACK (RFC 8832 §8.1).
pub const DCEP: Ppid = Ppid(50);

const STRING: Ppid = Ppid(51);
const BINARY_PARTIAL: Ppid = Ppid(52);
const BINARY: Ppid = Ppid(53);
const STRING_PARTIAL: Ppid = Ppid(54);
const STRING_EMPTY: Ppid = Ppid(56);
const BINARY_EMPTY: Ppid = Ppid(57);

/// What a message of a channel is, by its payload protocol identifier (RFC 8831 §8).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Payload {
    Dcep,
    Whole {
        binary: bool,
    },
    Empty {
        binary: bool,
    },
    /// A piece of a message of the days before SCTP interleaved them: the next whole one on the
    /// stream is its end. RFC 8831 §6.6 deprecates sending them.
    Partial {
        binary: bool,
    },
    Unknown,
}

impl Payload {
    pub(crate) fn of(ppid: Ppid) -> Self {
        match ppid {
            DCEP => Payload::Dcep,
            STRING => Payload::Whole { binary: false },
            BINARY => Payload::Whole { binary: true },
            STRING_EMPTY => Payload::Empty { binary: false },
            BINARY_EMPTY => Payload::Empty { binary: true },
            STRING_PARTIAL => Payload::Partial { binary: false },
            BINARY_PARTIAL => Payload::Partial { binary: true },
            _ => Payload::Unknown,
        }
    }
}

/// How a message travels. RFC 8831 §6.6: SCTP has no empty messages, so that an empty one is one
/// byte, zero, with an identifier that says so.
pub(crate) fn to_wire(data: Bytes, binary: bool) -> (Ppid, Bytes) {
    match (data.is_empty(), binary) {
        (false, false) => (STRING, data),
        (false, true) => (BINARY, data),
        (true, false) => (STRING_EMPTY, Bytes::from_static(&[0])),
        (true, true) => (BINARY_EMPTY, Bytes::from_static(&[0])),
    }
}

/// A text message as its receiver sees it: WebIDL's UTF-8 decode replaces what is not UTF-8.
pub(crate) fn to_text(data: Bytes) -> Bytes {
    match std::str::from_utf8(&data) {
        Ok(_) => data,
        Err(_) => String::from_utf8_lossy(&data).into_owned().into(),
    }
}
