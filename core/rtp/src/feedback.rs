use std::convert::Infallible;
use std::fmt;
use std::str::FromStr;

/// An RTCP feedback message that a codec may use: what follows the payload type in `a=rtcp-fb`
/// (RFC 4585 §4.2).
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub enum RtcpFeedback {
    /// `nack`: packets that are missing (RFC 4585 §6.2.1).
    Nack,
    /// `nack pli`: the picture cannot be decoded any more (RFC 4585 §6.3.1).
    Pli,
    /// `ccm fir`: a key frame is wanted (RFC 5104 §4.3.1).
    Fir,
    /// `goog-remb`: the receiver's estimate of the bit rate (draft-alvestrand-rmcat-remb).
    Remb,
    /// `transport-cc`: when packets arrived (draft-holmer-rmcat-transport-wide-cc-extensions).
    TransportCc,
    /// `ack ccfb`: when packets arrived, and their ECN marks (RFC 8888 §6).
    Ccfb,
    /// A kind of feedback that is not known here, in its own words.
    Other(String),
}

impl RtcpFeedback {
    /// The words of `a=rtcp-fb`.
    pub fn as_str(&self) -> &str {
        match self {
            RtcpFeedback::Nack => "nack",
            RtcpFeedback::Pli => "nack pli",
            RtcpFeedback::Fir => "ccm fir",
            RtcpFeedback::Remb => "goog-remb",
            RtcpFeedback::TransportCc => "transport-cc",
            RtcpFeedback::Ccfb => "ack ccfb",
            RtcpFeedback::Other(words) => words,
        }
    }
}

impl FromStr for RtcpFeedback {
    type Err = Infallible;

    fn from_str(words: &str) -> Result<Self, Infallible> {
        Ok(match words {
            "nack" => RtcpFeedback::Nack,
            "nack pli" => RtcpFeedback::Pli,
            "ccm fir" => RtcpFeedback::Fir,
            "goog-remb" => RtcpFeedback::Remb,
            "transport-cc" => RtcpFeedback::TransportCc,
            "ack ccfb" => RtcpFeedback::Ccfb,
            other => RtcpFeedback::Other(other.to_owned()),
        })
    }
}

impl fmt::Display for RtcpFeedback {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_feedback_is_written_in_the_words_that_it_is_read_from() {
        for words in [
            "nack",
            "nack pli",
            "ccm fir",
            "goog-remb",
            "transport-cc",
            "ack ccfb",
            "ccm tmmbr smaxpr=120",
        ] {
            let Ok(feedback) = words.parse::<RtcpFeedback>();
            assert_eq!(feedback.to_string(), words);
            let other = matches!(feedback, RtcpFeedback::Other(_));
            assert_eq!(other, words.starts_with("ccm tmmbr"), "{words}");
        }
    }
}
