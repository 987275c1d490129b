/// The parameters of an `a=fmtp` line, read without copying: `key=value` pairs between
/// semicolons. Keys are compared without case, as RFC 6838 §4.3 wants for media type parameters.
///
/// ```
/// use duologue_rtp::Fmtp;
///
/// let fmtp = Fmtp::of(Some("minptime=10; UseInbandFEC=1"));
/// assert_eq!(fmtp.number("minptime"), Some(10));
/// assert_eq!(fmtp.get("useinbandfec"), Some("1"));
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Fmtp<'a>(pub(crate) &'a str);

impl<'a> Fmtp<'a> {
    /// The parameters of a line; of none, none.
    pub fn of(line: Option<&'a str>) -> Self {
        Fmtp(line.unwrap_or_default())
    }

    /// The parameters in their order; one without `=` has an empty value.
    pub fn iter(self) -> impl Iterator<Item = (&'a str, &'a str)> {
        let parameters = self.0.split(';').map(str::trim).filter(|p| !p.is_empty());
        parameters.map(|p| match p.split_once('=') {
            Some((key, value)) => (key.trim(), value.trim()),
            None => (p, ""),
        })
    }

    /// The value of a parameter.
    pub fn get(self, key: &str) -> Option<&'a str> {
        self.iter()
            .find(|(k, _)| k.eq_ignore_ascii_case(key))
            .map(|(_, value)| value)
    }

    /// The value of a parameter that is a decimal number.
    pub fn number(self, key: &str) -> Option<u32> {
        self.get(key)?.parse().ok()
    }

    /// The line with one parameter's value replaced, everything else as it is.
    pub fn with(self, key: &str, value: &str) -> String {
        let parameters = self.iter().map(|(k, v)| match k.eq_ignore_ascii_case(key) {
            true => format!("{k}={value}"),
            false if v.is_empty() => k.to_owned(),
            false => format!("{k}={v}"),
        });
        let mut line = parameters.collect::<Vec<_>>().join(";");
        if self.get(key).is_none() {
            if !line.is_empty() {
                line.push(';');
            }
            line.push_str(&format!("{key}={value}"));
        }
        line
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_found_whatever_their_case_and_spacing() {
        let fmtp = Fmtp("minptime=10; UseInbandFEC = 1;cbr");
        assert_eq!(fmtp.number("minptime"), Some(10));
        assert_eq!(fmtp.get("useinbandfec"), Some("1"));
        assert_eq!(fmtp.get("cbr"), Some(""));
        assert_eq!(fmtp.get("maxptime"), None);
    }

    #[test]
    fn one_parameter_is_replaced_or_added() {
        let fmtp = Fmtp("a=1;level-id=93;b");
        assert_eq!(fmtp.with("level-id", "30"), "a=1;level-id=30;b");
        assert_eq!(Fmtp("").with("apt", "96"), "apt=96");
        assert_eq!(Fmtp("a=1").with("b", "2"), "a=1;b=2");
    }
}
