use duologue_rtp::MediaKind;

/// What is in a track, by which a sender chooses what gives way: `contentHint` (mst-content-hint).
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
#[doc(alias = "contentHint")]
pub enum ContentHint {
    /// `""`: nothing is said.
    #[default]
    None,
    /// `"motion"`: pictures that move; the size gives way rather than the frame rate.
    Motion,
    /// `"detail"`: pictures with details, such as a slide; the frame rate gives way.
    Detail,
    /// `"text"`: pictures of text; the frame rate gives way.
    Text,
    /// `"speech"`
    Speech,
    /// `"speech-recognition"`
    SpeechRecognition,
    /// `"music"`
    Music,
}

impl ContentHint {
    /// The hint's name in JavaScript.
    pub const fn as_str(self) -> &'static str {
        match self {
            ContentHint::None => "",
            ContentHint::Motion => "motion",
            ContentHint::Detail => "detail",
            ContentHint::Text => "text",
            ContentHint::Speech => "speech",
            ContentHint::SpeechRecognition => "speech-recognition",
            ContentHint::Music => "music",
        }
    }

    /// Whether tracks of this kind can have it; of others it is ignored.
    pub const fn is_of(self, kind: MediaKind) -> bool {
        match self {
            ContentHint::None => true,
            ContentHint::Motion | ContentHint::Detail | ContentHint::Text => {
                matches!(kind, MediaKind::Video)
            }
            _ => matches!(kind, MediaKind::Audio),
        }
    }
}
