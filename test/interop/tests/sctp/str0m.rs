use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use sctp_proto::{
    Association, AssociationHandle, ClientConfig, DatagramEvent, Endpoint as Host, EndpointConfig,
    Event, Payload, PayloadProtocolIdentifier, ReliabilityType, ServerConfig, StreamEvent,
};

use crate::endpoint::Endpoint;
use crate::proto::{REMOTE, endpoint};

endpoint! {
    /// The crate sctp_proto, which str0m uses.
    Str0m,
    host: |server| Host::new(Arc::new(EndpointConfig::new()), server),
    connect: |host, _at| host.connect(ClientConfig::default(), REMOTE),
    handle: |host, at, data| host.handle(at, REMOTE, None, None, data),
    payload: payload,
    write: |stream, _at, data, kind| stream.write_with_ppi(data, kind),
    close: |stream, _at| stream.close(),
}
