use std::fmt;
use std::str::FromStr;

use duologue_base::Redacted;

use crate::error::SyntaxError;
use crate::scan::Words;
use crate::text::{all_bytes, checked_text, plain_text};

// RFC 8839 §5.1: ice-char = ALPHA / DIGIT / "+" / "/"
const fn is_ice_char(b: u8) -> bool {
    b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/')
}

/// What is read as an ice-char: others write base64url, UUIDs and names there, and libwebrtc lets
/// these four pass. This end writes ice-chars only.
const fn is_read_as_ice_char(b: u8) -> bool {
    is_ice_char(b) || matches!(b, b'-' | b'_' | b'=' | b'#')
}

plain_text!(
    /// `a=ice-ufrag` (RFC 8839 §5.4). `-`, `_`, `=` and `#` are read as well.
    IceUfrag,
    "a=ice-ufrag",
    "4 to 256 letters, digits, + or /",
    is_ufrag
);
all_bytes!(is_ufrag, 4..=256, b => is_read_as_ice_char(b));

checked_text!(
    /// `a=ice-pwd` (RFC 8839 §5.4). `-`, `_`, `=` and `#` are read as well. `Debug` does not show it.
    IcePwd,
    "a=ice-pwd",
    "22 to 256 letters, digits, + or /",
    is_pwd
);
all_bytes!(is_pwd, 22..=256, b => is_read_as_ice_char(b));

impl fmt::Debug for IcePwd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Redacted(()).fmt(f)
    }
}

/// `a=ice-options` (RFC 8839 §5.6): `trickle` (RFC 8840), `ice2` (RFC 8445 §10), ...
#[derive(Clone, Debug, Default, Eq, Hash, PartialEq)]
pub struct IceOptions(pub Vec<IceOption>);

impl IceOptions {
    /// `trickle ice2`: what RFC 9429 §5.2.1 has in every offer.
    pub fn trickle_ice2() -> Self {
        IceOptions(vec![
            IceOption::from_static("trickle"),
            IceOption::from_static("ice2"),
        ])
    }

    /// Whether the option is in the list.
    pub fn contains(&self, tag: &str) -> bool {
        self.0.iter().any(|option| option.as_str() == tag)
    }
}

impl FromStr for IceOptions {
    type Err = SyntaxError;

    fn from_str(value: &str) -> Result<Self, SyntaxError> {
        let mut words = Words::new("a=ice-options", value);
        let options = words.list("option tags")?;
        if options.is_empty() {
            return Err(words.error("an option tag"));
        }
        Ok(IceOptions(options))
    }
}

impl fmt::Display for IceOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        super::write_list(f, &self.0, " ")
    }
}

plain_text!(
    /// One tag of [`IceOptions`]. Tags that are not made of ice-chars exist (`google-ice`,
    /// libdatachannel's `ice2,trickle`); like all unknown ones they are to be ignored.
    IceOption,
    "an ICE option",
    "1 to 256 characters without spaces",
    is_ice_option
);
all_bytes!(is_ice_option, 1..=256, b => b > 0x20 && b != 0x7f);

super::number!(
    /// `a=ice-pacing` (RFC 8839 §5.7): milliseconds between connectivity checks. A fraction is
    /// cut off.
    IcePacing(u32),
    "a=ice-pacing",
    "a number of milliseconds",
    super::milliseconds
);
