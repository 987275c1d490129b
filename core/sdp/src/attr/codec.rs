use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use duologue_rtp::PayloadType;

use crate::error::SyntaxError;
use crate::scan::{Words, decimal};
use crate::text::{Text, Token};

/// `a=rtpmap:<payload type> <encoding>/<clock rate>[/<channels>]` (RFC 8866 §6.6).
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct Rtpmap {
    /// Which format of the `m=` line.
    pub payload_type: PayloadType,
    /// The encoding's name: `opus`, `VP8`, `rtx`, ...: compared without regard to case.
    pub encoding: Token,
    /// The clock rate, in hertz.
    pub clock_rate: u32,
    /// The number of channels, for audio; 1 if absent.
    pub channels: Option<u16>,
}

impl FromStr for Rtpmap {
    type Err = SyntaxError;

    fn from_str(value: &str) -> Result<Self, SyntaxError> {
        let mut words = Words::new("a=rtpmap", value);
        let payload_type = words.parse("a payload type from 0 to 127")?;
        let mut parts = words.word("an encoding")?.split('/');
        let encoding = parts.next().and_then(|name| name.parse().ok());
        let clock_rate = parts.next().and_then(decimal).filter(|&rate| rate > 0);
        let channels = match parts.next() {
            Some(text) => Some(
                decimal(text)
                    .filter(|&n| n > 0)
                    .ok_or_else(|| words.error("a number of channels"))?,
            ),
            None => None,
        };
        if parts.next().is_some() {
            return Err(words.error("<encoding>/<clock rate>/<channels>"));
        }
        Ok(Rtpmap {
            payload_type,
            encoding: encoding.ok_or_else(|| words.error("an encoding that is a token"))?,
            clock_rate: clock_rate.ok_or_else(|| words.error("a clock rate"))?,
            channels,
        })
    }
}

impl fmt::Display for Rtpmap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} {}/{}",
            self.payload_type, self.encoding, self.clock_rate
        )?;
        match self.channels {
            Some(channels) => write!(f, "/{channels}"),
            None => Ok(()),
        }
    }
}

/// `a=fmtp:<payload type> <parameters>` (RFC 8866 §6.15).
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct Fmtp {
    /// Which format of the `m=` line.
    pub payload_type: PayloadType,
    /// What the format's payload specification defines.
    pub parameters: FmtpParameters,
}

impl FromStr for Fmtp {
    type Err = SyntaxError;

    fn from_str(value: &str) -> Result<Self, SyntaxError> {
        let mut words = Words::new("a=fmtp", value);
        let payload_type = words.parse("a payload type from 0 to 127")?;
        if words.rest().is_empty() {
            return Err(words.error("parameters"));
        }
        Ok(Fmtp {
            payload_type,
            parameters: FmtpParameters(words.rest().parse()?),
        })
    }
}

impl fmt::Display for Fmtp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.payload_type, self.parameters)
    }
}

/// The parameters of an [`Fmtp`]: usually `key=value` pairs joined by semicolons. Keeps order and
/// spelling; `Display` gives the W3C's `sdpFmtpLine`.
#[doc(alias = "sdpFmtpLine")]
#[derive(Clone, Debug, Default, Eq, Hash, PartialEq)]
pub struct FmtpParameters(Text);

impl FmtpParameters {
    /// A constant, e.g. `"minptime=10;useinbandfec=1"`.
    pub const fn from_static(text: &'static str) -> Self {
        FmtpParameters(Text::from_static(text))
    }

    /// What several lines say together. A later value of a parameter replaces an earlier one, as
    /// in libwebrtc. None if there is no line.
    pub(crate) fn join<'a>(lines: impl Iterator<Item = &'a Self>) -> Option<Self> {
        let lines: Vec<&Self> = lines.collect();
        if let [] | [_] = lines.as_slice() {
            return lines.first().map(|&line| line.clone());
        }
        let mut places: BTreeMap<String, usize> = BTreeMap::new();
        let mut parameters: Vec<(&str, Option<&str>)> = Vec::new();
        for (name, value) in lines.iter().flat_map(|line| line.iter()) {
            let place = places.entry(name.to_ascii_lowercase());
            let place = *place.or_insert(parameters.len());
            match parameters.get_mut(place) {
                Some(known) => *known = (name, value),
                None => parameters.push((name, value)),
            }
        }
        let texts = parameters.into_iter().map(|(name, value)| match value {
            Some(value) => format!("{name}={value}"),
            None => name.to_owned(),
        });
        let text = texts.collect::<Vec<_>>().join(";");
        text.parse().ok().map(FmtpParameters)
    }

    /// The text as it was written.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// Keys and values in order. What has no `=`, such as `0-16` or `111/111`, is a key alone.
    pub fn iter(&self) -> impl Iterator<Item = (&str, Option<&str>)> {
        let pairs = self.as_str().split(';').map(str::trim);
        pairs.filter(|pair| !pair.is_empty()).map(|pair| {
            pair.split_once('=').map_or((pair, None), |(key, value)| {
                (key.trim(), Some(value.trim()))
            })
        })
    }

    /// The value of a parameter. Names match in any case (RFC 6838 §4.3).
    pub fn get(&self, key: &str) -> Option<&str> {
        self.iter()
            .find_map(|(name, value)| value.filter(|_| name.eq_ignore_ascii_case(key)))
    }
}

impl FromStr for FmtpParameters {
    type Err = SyntaxError;

    fn from_str(text: &str) -> Result<Self, SyntaxError> {
        text.parse().map(FmtpParameters)
    }
}

impl fmt::Display for FmtpParameters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// `a=rtcp-fb:<payload type> <feedback> [<parameters>]` (RFC 4585 §4.2).
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct RtcpFb {
    /// Which format; `None`, written `*`, for all.
    pub payload_type: Option<PayloadType>,
    /// `nack`, `ccm`, `transport-cc`, `goog-remb`, ...
    pub feedback: Token,
    /// `pli`, `fir`, ...
    pub parameters: Option<Text>,
}

impl FromStr for RtcpFb {
    type Err = SyntaxError;

    fn from_str(value: &str) -> Result<Self, SyntaxError> {
        let mut words = Words::new("a=rtcp-fb", value);
        const FORMAT: &str = "a payload type from 0 to 127 or *";
        let payload_type = match words.word(FORMAT)? {
            "*" => None,
            number => Some(number.parse().map_err(|_| words.error(FORMAT))?),
        };
        let feedback = words.parse("a kind of feedback")?;
        let parameters = match words.rest() {
            "" => None,
            text => Some(text.parse()?),
        };
        Ok(RtcpFb {
            payload_type,
            feedback,
            parameters,
        })
    }
}

impl fmt::Display for RtcpFb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.payload_type {
            Some(payload_type) => write!(f, "{payload_type} {}", self.feedback)?,
            None => write!(f, "* {}", self.feedback)?,
        }
        match &self.parameters {
            Some(parameters) => write!(f, " {parameters}"),
            None => Ok(()),
        }
    }
}

super::number!(
    /// `a=ptime` (RFC 8866 §6.4): milliseconds of media in a packet. A fraction is cut off.
    Ptime(u32),
    "a=ptime",
    "a number of milliseconds",
    super::milliseconds
);
super::number!(
    /// `a=maxptime` (RFC 8866 §6.5): most milliseconds of media in a packet.
    MaxPtime(u32),
    "a=maxptime",
    "a number of milliseconds",
    super::milliseconds
);

/// `a=imageattr:<payload type> <attributes>` (RFC 6236 §3): which image sizes. The attributes are
/// kept as text.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct ImageAttr {
    /// Which format; `None`, written `*`, for all.
    pub payload_type: Option<PayloadType>,
    /// `send [...] recv [...]`.
    pub attributes: Text,
}

impl FromStr for ImageAttr {
    type Err = SyntaxError;

    fn from_str(value: &str) -> Result<Self, SyntaxError> {
        let mut words = Words::new("a=imageattr", value);
        const FORMAT: &str = "a payload type from 0 to 127 or *";
        let payload_type = match words.word(FORMAT)? {
            "*" => None,
            number => Some(number.parse().map_err(|_| words.error(FORMAT))?),
        };
        let direction = words.rest().split(' ').next();
        if !matches!(direction, Some("send" | "recv")) {
            return Err(words.error("send or recv"));
        }
        Ok(ImageAttr {
            payload_type,
            attributes: words.rest().parse()?,
        })
    }
}

impl fmt::Display for ImageAttr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.payload_type {
            Some(payload_type) => write!(f, "{payload_type} {}", self.attributes),
            None => write!(f, "* {}", self.attributes),
        }
    }
}
