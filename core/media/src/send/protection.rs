//! Which packets of video are protected by parity, and how well (MEDIA.md: by the loss that is
//! reported, and only where sending again would come too late).

use std::collections::VecDeque;
use std::time::Duration;

use duologue_rtp::fec::{FlexFec, Protected, Protector, UlpFec};
use duologue_rtp::rtcp::ReportBlock;
use duologue_rtp::{PayloadType, Ssrc};

use crate::limits::{PROTECTION_GROUP, REPORTED_LOSSES, WAITING_PARITIES};

/// The parity of one stream.
#[derive(Debug, Default)]
pub(crate) struct Protection {
    /// `fraction lost` of the last reports.
    losses: VecDeque<u8>,
    /// Packets that are not yet protected, as they left.
    group: Vec<Vec<u8>>,
    /// In the middle of a frame: parity would tear it (Chromium 156 and Firefox 153, measured).
    within_frame: bool,
    protector: Protector,
    /// Payloads that wait to be sent.
    ready: VecDeque<Vec<u8>>,
    /// Of the last packet that is protected.
    pub(crate) timestamp: u32,
}

/// How parity is sent.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Method {
    /// In a stream of its own.
    Flex {
        payload_type: PayloadType,
        ssrc: Ssrc,
    },
    /// In RED, with all packets of the stream.
    Ulp { red: PayloadType, ulp: PayloadType },
}

/// A round trip from which on what is sent again comes too late: twice as long is more than what
/// players wait.
const LONG_TRIP: Duration = Duration::from_millis(150);

/// Of 256 packets: below 2 % of loss nothing is protected.
const LEAST_LOSS: u8 = 6;

/// The most that parity may add, in percent.
const MOST_PARITY: usize = 30;

impl Protection {
    /// The other end reported. The worst of its last reports counts: losses come in bursts.
    pub(crate) fn reported(&mut self, block: &ReportBlock) {
        if self.losses.len() >= REPORTED_LOSSES {
            self.losses.pop_front();
        }
        self.losses.push_back(block.fraction_lost);
    }

    /// Percent that parity adds now.
    fn percent(&self) -> usize {
        let worst = self.losses.iter().copied().max().unwrap_or(0);
        match worst < LEAST_LOSS {
            true => 0,
            false => (usize::from(worst) * 1_000 / 256).min(MOST_PARITY),
        }
    }

    /// Packets are worth being protected.
    pub(crate) fn is_due(&self, round_trip: Duration) -> bool {
        round_trip >= LONG_TRIP && self.percent() > 0
    }

    /// A packet left that is not protected.
    pub(crate) fn skip(&mut self, marker: bool) {
        self.within_frame = !marker;
        self.group.clear();
    }

    /// A packet left.
    pub(crate) fn sent(&mut self, method: Method, stream: Ssrc, packet: &[u8], marker: bool) {
        self.within_frame = !marker;
        self.group.push(packet.to_vec());
        let parities = self.group.len() * self.percent() / 100;
        if parities > 0 && (marker || self.group.len() >= PROTECTION_GROUP) {
            (0..parities).for_each(|at| self.protect(method, stream, (at, parities)));
            self.group.clear();
        }
        if self.group.len() >= PROTECTION_GROUP {
            self.group.clear();
        }
    }

    /// Parity over each n-th packet: of losses in a row each has one.
    fn protect(&mut self, method: Method, stream: Ssrc, (at, parities): (usize, usize)) {
        self.protector.clear();
        let span = match method {
            Method::Flex { .. } => FlexFec::MAX_SPAN,
            Method::Ulp { .. } => UlpFec::MAX_SPAN,
        };
        for packet in self.group.iter().skip(at).step_by(parities) {
            let packet = match method {
                Method::Flex { .. } => Protected::packet(packet),
                Method::Ulp { .. } => Protected::without_red(packet),
            };
            if let Some(packet) = packet {
                self.protector.add(packet, span);
            }
        }
        let mut payload = Vec::new();
        let written = match method {
            Method::Flex { .. } => self.protector.write_flex(stream, &mut payload),
            Method::Ulp { ulp, .. } => {
                payload.push(ulp.get());
                self.protector.write_ulp(&mut payload)
            }
        };
        if written && self.ready.len() < WAITING_PARITIES {
            self.ready.push_back(payload);
        }
    }

    /// The next payload to send.
    pub(crate) fn next(&self) -> Option<&[u8]> {
        let next = self.ready.front().filter(|_| !self.within_frame)?;
        Some(next)
    }

    /// It was sent, or cannot be.
    pub(crate) fn take(&mut self) {
        self.ready.pop_front();
    }
}
