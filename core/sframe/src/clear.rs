/// How many bytes of an encoded frame stay in the clear when it goes over RTP, authenticated as metadata: what packetizers and
/// depacketizers read. `None`: those of this codec read more than a beginning, so that such a frame cannot be encrypted whole.
///
/// RFC 9605 leaves to the application how frames travel (§3); RTP has no payload format for encrypted frames. Of sound nothing is
/// read; of VP8 the uncompressed data chunk, which is longer where the frame is a key (RFC 6386 §9.1).
pub fn clear_bytes(mime_type: &str, key: bool) -> Option<usize> {
    let (kind, name) = mime_type.split_once('/')?;
    match (kind, name.eq_ignore_ascii_case("VP8"), key) {
        ("audio", ..) => Some(0),
        ("video", true, true) => Some(10),
        ("video", true, false) => Some(3),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sound_is_encrypted_whole_and_of_pictures_vp8_can_be() {
        assert_eq!(clear_bytes("audio/opus", true), Some(0));
        assert_eq!(clear_bytes("video/VP8", true), Some(10));
        assert_eq!(clear_bytes("video/vp8", false), Some(3));
        for other in ["video/H264", "video/VP9", "video/AV1", "VP8", ""] {
            assert_eq!(clear_bytes(other, true), None, "{other}");
        }
    }
}
