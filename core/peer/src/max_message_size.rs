//! The largest message of a data channel: `a=max-message-size` (RFC 8841 §6) and `maxMessageSize`.

use crate::limits::SEND_BUFFER_BYTES;

/// webrtc-pc §6.1.1.1: the lesser of what the other end takes, any size without a number, and what this
/// end can send.
pub(crate) fn of_both(remote: Option<u64>) -> u64 {
    let can_send = SEND_BUFFER_BYTES;
    remote.map_or(can_send, |remote| remote.min(can_send))
}

/// The session's form of "any size" is the largest number.
pub(crate) fn of_session(remote: Option<u64>) -> usize {
    remote.map_or(usize::MAX, |size| {
        usize::try_from(size).unwrap_or(usize::MAX)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_message_is_what_both_ends_can() {
        for (remote, message) in [
            (None, SEND_BUFFER_BYTES),
            (Some(65_536), 65_536),
            (Some(1), 1),
            (Some(1 << 30), SEND_BUFFER_BYTES),
        ] {
            assert_eq!(of_both(remote), message, "{remote:?}");
        }
    }

    #[test]
    fn any_size_is_the_largest_number() {
        assert_eq!(of_session(None), usize::MAX);
        assert_eq!(of_session(Some(9)), 9);
    }
}
