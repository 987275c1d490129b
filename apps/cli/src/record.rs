//! Files that say what happened: `docs/event-log.md`.

use std::path::PathBuf;

use duologue::{Endpoint, EndpointBuilder};

use crate::Failure;
use crate::control::{Control, ControlArgs};

#[derive(Clone, Debug, Default, clap::Args)]
pub(crate) struct RecordArgs {
    /// Write what happens into this file, one line of JSON an event
    #[arg(long, value_name = "FILE")]
    event_log: Option<PathBuf>,
    /// Write every packet of SCTP, RTP and RTCP into this file, not encrypted, for Wireshark (pcapng)
    #[arg(long, value_name = "FILE")]
    packet_capture: Option<PathBuf>,
    /// Add the secrets of DTLS to this file (SSLKEYLOGFILE), by which Wireshark reads captures of the
    /// network: for looking for faults only
    #[arg(long, value_name = "FILE")]
    keylog: Option<PathBuf>,
    #[command(flatten)]
    control: ControlArgs,
}

impl RecordArgs {
    pub(crate) fn apply(&self, mut endpoint: EndpointBuilder) -> EndpointBuilder {
        if let Some(path) = &self.event_log {
            endpoint = endpoint.event_log(path);
        }
        if let Some(path) = &self.packet_capture {
            endpoint = endpoint.packet_capture(path);
        }
        if let Some(path) = &self.keylog {
            endpoint = endpoint.key_log(path);
        }
        endpoint
    }

    /// What `duologue stats` asks, until it is dropped.
    ///
    /// # Errors
    /// Its socket cannot be made.
    pub(crate) fn control(&self, endpoint: &Endpoint) -> Result<Option<Control>, Failure> {
        self.control.open(endpoint)
    }
}
