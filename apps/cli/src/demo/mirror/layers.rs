//! One stream out of the layers of a simulcast.

use duologue::EncodedFrame;
use duologue::sans_io::Instant;

/// Which layer goes through, and its time in that of the stream.
#[derive(Debug, Default)]
pub(super) struct Layers {
    current: Option<Current>,
}

#[derive(Debug)]
struct Current {
    rid: String,
    /// What is added to its time stamps: each layer counts from another beginning.
    offset: u32,
    last: Passed,
}

/// What counts of a frame.
#[derive(Clone, Copy, Debug)]
pub(super) struct Arrived<'a> {
    rid: &'a str,
    key: bool,
    timestamp: u32,
    received: Instant,
}

impl<'a> From<&'a EncodedFrame> for Arrived<'a> {
    fn from(frame: &'a EncodedFrame) -> Self {
        Arrived {
            rid: frame.rid.as_ref().map_or("", |rid| rid.as_str()),
            key: frame.key,
            timestamp: frame.timestamp,
            received: frame.received,
        }
    }
}

/// The last frame that went through.
#[derive(Clone, Copy, Debug)]
struct Passed {
    timestamp: u32,
    received: Instant,
}

/// Of video, whose layers alone are switched (RFC 7741 §4.1 and others).
const CLOCK_RATE: u128 = 90_000;

impl Layers {
    /// The time stamp that a frame goes through with; `None` if it does not. A layer begins with a key
    /// frame, and the one before it goes through until then.
    pub(super) fn pass(&mut self, frame: Arrived<'_>, wanted: &str) -> Option<u32> {
        let rid = frame.rid;
        let switches = match &self.current {
            Some(current) => current.rid != rid,
            None => true,
        };
        let is_wanted = wanted.is_empty() && self.current.is_none() || rid == wanted;
        if switches && !rid.is_empty() && !(is_wanted && frame.key) {
            return None;
        }

        let offset = match &self.current {
            Some(current) if switches => {
                let passed = frame.received - current.last.received;
                let ticks = passed.as_micros() * CLOCK_RATE / 1_000_000;
                let timestamp = current.last.timestamp.wrapping_add(ticks.max(1) as u32);
                timestamp.wrapping_sub(frame.timestamp)
            }
            Some(current) => current.offset,
            None => 0,
        };
        let timestamp = frame.timestamp.wrapping_add(offset);
        self.current = Some(Current {
            rid: rid.to_owned(),
            offset,
            last: Passed {
                timestamp,
                received: frame.received,
            },
        });
        Some(timestamp)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn frame(rid: &str, key: bool, at: u64, timestamp: u32) -> Arrived<'_> {
        Arrived {
            rid,
            key,
            timestamp,
            received: Instant::ZERO + Duration::from_millis(at),
        }
    }

    #[test]
    fn a_stream_without_layers_goes_through_as_it_is() {
        let mut layers = Layers::default();
        assert_eq!(layers.pass(frame("", false, 0, 7), ""), Some(7));
        assert_eq!(layers.pass(frame("", false, 33, 3_007), ""), Some(3_007));
    }

    #[test]
    fn a_layer_takes_over_with_a_key_frame_and_time_goes_on() {
        let mut layers = Layers::default();
        assert_eq!(layers.pass(frame("q", true, 0, 1_000), ""), Some(1_000));
        assert_eq!(layers.pass(frame("f", true, 1, 50_000), ""), None);
        assert_eq!(layers.pass(frame("f", false, 34, 53_000), "f"), None);
        assert_eq!(layers.pass(frame("q", false, 40, 4_600), "f"), Some(4_600));
        // 40 ms after the last one.
        assert_eq!(layers.pass(frame("f", true, 80, 57_000), "f"), Some(8_200));
        assert_eq!(layers.pass(frame("q", true, 81, 8_000), "f"), None);
        assert_eq!(
            layers.pass(frame("f", false, 113, 60_000), "f"),
            Some(11_200)
        );
    }
}
