use crate::DataChannelState;

dictionary! {
    /// About a data channel.
    #[doc(alias = "RTCDataChannelStats")]
    pub struct DataChannelStats {
        /// `label`
        pub label: String,
        /// `protocol`
        pub protocol: String,
        /// `readyState`
        pub state: DataChannelState,
    } optional {
        /// `id`, once it has one.
        pub data_channel_identifier: u16,
        /// Messages that `send()` took. A closed connection does not know this and the next three.
        pub messages_sent: u64,
        /// Bytes of the messages sent.
        pub bytes_sent: u64,
        /// Messages that came.
        pub messages_received: u64,
        /// Bytes of the messages received.
        pub bytes_received: u64,
    }
}
