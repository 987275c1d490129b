use duologue_base::{Seq32, StreamId};

use super::parameter::{Parameters, write_parameter};
use super::{RawChunk, Reader, kind, write_chunk};

const OUTGOING_RESET: u16 = 13;
const INCOMING_RESET: u16 = 14;
const SSN_TSN_RESET: u16 = 15;
const RESPONSE: u16 = 16;
const ADD_OUTGOING: u16 = 17;
const ADD_INCOMING: u16 = 18;

/// RE-CONFIG (RFC 6525 §3.1): one parameter, or two in the combinations that the RFC allows.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reconfig<'a>(RawChunk<'a>);

/// A parameter of RE-CONFIG (RFC 6525 §4).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum ReconfigParameter<'a> {
    /// The sender resets its streams; its data before that ends at `last_tsn`.
    OutgoingReset {
        request: Seq32,
        /// The request of ours that this follows from, if one.
        response: Seq32,
        last_tsn: Seq32,
        streams: StreamList<'a>,
    },
    /// The sender asks us to reset ours.
    IncomingReset { request: Seq32 },
    /// The sender asks to begin all numbers anew.
    SsnTsnReset { request: Seq32 },
    /// The answer to a request of ours.
    Response {
        request: Seq32,
        result: ReconfigResult,
    },
    /// The sender wants to send on more streams.
    AddOutgoing { request: Seq32, count: u16 },
    /// The sender wants us to send on more streams.
    AddIncoming { request: Seq32, count: u16 },
}

/// Result codes (RFC 6525 §4.4).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum ReconfigResult {
    NothingToDo,
    Performed,
    Denied,
    WrongSsn,
    AlreadyInProgress,
    BadSequenceNumber,
    InProgress,
}

impl ReconfigResult {
    const ALL: [ReconfigResult; 7] = [
        ReconfigResult::NothingToDo,
        ReconfigResult::Performed,
        ReconfigResult::Denied,
        ReconfigResult::WrongSsn,
        ReconfigResult::AlreadyInProgress,
        ReconfigResult::BadSequenceNumber,
        ReconfigResult::InProgress,
    ];
}

/// Stream numbers in a request. An empty list means all streams.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct StreamList<'a>(&'a [u8]);

impl<'a> StreamList<'a> {
    pub(crate) fn is_all(&self) -> bool {
        self.0.len() < 2
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = StreamId> + use<'a> {
        self.0
            .chunks_exact(2)
            .map(|b| StreamId(u16::from_be_bytes([b[0], b[1]])))
    }
}

impl<'a> Reconfig<'a> {
    pub(crate) fn parse(chunk: RawChunk<'a>) -> Self {
        Reconfig(chunk)
    }

    /// The parameters that are understood, two at most (RFC 6525 §3.1).
    pub(crate) fn parameters(&self) -> impl Iterator<Item = ReconfigParameter<'a>> + use<'a> {
        Parameters(self.0.value)
            .take(2)
            .filter_map(|parameter| parse_parameter(parameter.kind, parameter.value))
    }

    pub(crate) fn write_outgoing_reset(
        out: &mut Vec<u8>,
        request: Seq32,
        response: Seq32,
        last_tsn: Seq32,
        streams: &[StreamId],
    ) {
        write_chunk(out, kind::RE_CONFIG, 0, |out| {
            write_parameter(out, OUTGOING_RESET, |out| {
                for number in [request, response, last_tsn] {
                    out.extend_from_slice(&number.0.to_be_bytes());
                }
                for stream in streams {
                    out.extend_from_slice(&stream.0.to_be_bytes());
                }
            });
        });
    }

    pub(crate) fn write_response(out: &mut Vec<u8>, request: Seq32, result: ReconfigResult) {
        write_chunk(out, kind::RE_CONFIG, 0, |out| {
            write_parameter(out, RESPONSE, |out| {
                out.extend_from_slice(&request.0.to_be_bytes());
                out.extend_from_slice(&(result as u32).to_be_bytes());
            });
        });
    }
}

fn parse_parameter(kind: u16, value: &[u8]) -> Option<ReconfigParameter<'_>> {
    let mut reader = Reader(value);
    let request = Seq32(reader.u32()?);
    Some(match kind {
        OUTGOING_RESET => ReconfigParameter::OutgoingReset {
            request,
            response: Seq32(reader.u32()?),
            last_tsn: Seq32(reader.u32()?),
            streams: StreamList(reader.0),
        },
        INCOMING_RESET => ReconfigParameter::IncomingReset { request },
        SSN_TSN_RESET => ReconfigParameter::SsnTsnReset { request },
        RESPONSE => ReconfigParameter::Response {
            request,
            result: *ReconfigResult::ALL.get(usize::try_from(reader.u32()?).ok()?)?,
        },
        ADD_OUTGOING => ReconfigParameter::AddOutgoing {
            request,
            count: reader.u16()?,
        },
        ADD_INCOMING => ReconfigParameter::AddIncoming {
            request,
            count: reader.u16()?,
        },
        _ => return None,
    })
}
