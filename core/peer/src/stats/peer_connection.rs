dictionary! {
    /// About the whole connection.
    #[doc(alias = "RTCPeerConnectionStats")]
    pub struct PeerConnectionStats {
        /// Data channels that were open once.
        pub data_channels_opened: u32,
        /// Data channels among them that are closed.
        pub data_channels_closed: u32,
    }
}
