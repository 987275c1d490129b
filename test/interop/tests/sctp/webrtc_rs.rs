use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use rtc_sctp::{
    Association, AssociationHandle, ClientConfig, DatagramEvent, Endpoint as Host, EndpointConfig,
    Event, Payload, PayloadProtocolIdentifier, ReliabilityType, ServerConfig, StreamEvent,
};

use crate::endpoint::Endpoint;
use crate::proto::{REMOTE, endpoint};

endpoint! {
    /// The crate rtc_sctp, which webrtc-rs uses.
    WebrtcRs,
    host: |server| {
        Host::new(REMOTE, Default::default(), Arc::new(EndpointConfig::new()), server)
    },
    connect: |host, at| host.connect(at, ClientConfig::default(), REMOTE),
    handle: |host, at, data| host.handle(at, REMOTE, None, data),
    payload: message,
    write: |stream, at, data, kind| stream.write_with_ppi(at, data, kind),
    close: |stream, at| stream.close(at),
}
