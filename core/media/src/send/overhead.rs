//! What headers take of a rate.

use super::bandwidth::PATH_OVERHEAD;

/// What headers leave of a rate for payloads: by what was sent, once that is enough to tell.
pub(crate) fn payload_share(packets: u64, payload: u64, headers: u64) -> f64 {
    if packets < PACKETS_NEEDED {
        return PAYLOAD;
    }
    let all = payload + headers + packets * PATH_OVERHEAD as u64;
    payload as f64 / all.max(1) as f64
}

/// Of a full packet of video.
pub(super) const PAYLOAD: f64 = 0.93;
const PACKETS_NEEDED: u64 = 50;
