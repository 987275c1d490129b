use duologue_rtp::SourceParameters;

/// A source that a description announces by `a=ssrc` (RFC 5576 §4.1).
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct AnnouncedSource {
    /// The source's SSRC and those of its repair.
    pub source: SourceParameters,
    /// What its end calls itself in RTCP.
    pub cname: Option<String>,
}
