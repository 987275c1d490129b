/// What a data channel is made with: W3C `RTCDataChannelInit` and its label, or what a peer's
/// DATA_CHANNEL_OPEN announced (RFC 8832 §5.1).
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[doc(alias = "RTCDataChannelInit")]
pub struct ChannelInit {
    /// The channel's name, at most 65535 bytes of UTF-8.
    pub label: String,
    /// The name of the subprotocol (RFC 8831 §6.4), at most 65535 bytes of UTF-8.
    pub protocol: String,
    /// Messages may overtake one another. W3C's `ordered` is its opposite, so that the default of
    /// this type is W3C's default.
    pub unordered: bool,
    /// How long a message is tried.
    pub reliability: Reliability,
    /// Whether both applications made the channel with the same id, and nothing announces it.
    pub negotiated: bool,
    /// The channel's share of the association when several channels have something to send. Of one that the peer
    /// announced without a weight (0) it is `VeryLow`, as W3C maps it, while the share is that of `Low`.
    pub priority: Priority,
}

/// How long an undelivered message is tried (RFC 8831 §6.6, RFC 3758).
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub enum Reliability {
    /// The message is tried until it arrives.
    #[default]
    Reliable,
    /// W3C `maxRetransmits`: this many times after the first.
    MaxRetransmits(u16),
    /// W3C `maxPacketLifeTime`: this many milliseconds.
    MaxPacketLifeTime(u16),
}

/// W3C `RTCPriorityType` (webrtc-priority §4.1).
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[doc(alias = "RTCPriorityType")]
pub enum Priority {
    /// `very-low`
    VeryLow,
    /// `low`, the default
    #[default]
    Low,
    /// `medium`
    Medium,
    /// `high`
    High,
}

impl Priority {
    /// The weight that DATA_CHANNEL_OPEN carries (RFC 8831 §6.4).
    pub fn weight(self) -> u16 {
        match self {
            Priority::VeryLow => 128,
            Priority::Low => 256,
            Priority::Medium => 512,
            Priority::High => 1024,
        }
    }

    /// The priority that a peer's weight stands for: webrtc-priority §4.2 maps ranges.
    pub fn from_weight(weight: u16) -> Self {
        match weight {
            0..=128 => Priority::VeryLow,
            129..=256 => Priority::Low,
            257..=512 => Priority::Medium,
            _ => Priority::High,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_priority_survives_its_weight() {
        for priority in [
            Priority::VeryLow,
            Priority::Low,
            Priority::Medium,
            Priority::High,
        ] {
            assert_eq!(Priority::from_weight(priority.weight()), priority);
        }
    }
}
