//! Assertions as text: base64 of JSON in `a=identity`, JSON again for what they cover
//! (RFC 8827 §7.4).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use duologue_identity as identity;
use duologue_sdp::attr::Fingerprint;
use serde_json::{Map, Value, json};

use super::{
    DEFAULT_PROTOCOL, IdentityAssertionResult, IdentityProviderDetails, IdentityValidationResult,
    is_bad_protocol,
};
use crate::limits::MAX_ASSERTION_BYTES;

/// What an `a=identity` line has in it.
#[derive(Debug, Eq, PartialEq)]
pub(crate) struct Assertion {
    pub(crate) provider: IdentityProviderDetails,
    pub(crate) assertion: String,
}

impl Assertion {
    /// Reads the value of `a=identity`; none if it is malformed or names no provider.
    pub(crate) fn read(line: &str) -> Option<Self> {
        let text = STANDARD.decode(line).ok()?;
        let json: Value = serde_json::from_slice(&text).ok()?;
        let idp = &json["idp"];
        let domain = idp["domain"].as_str()?;
        let protocol = match &idp["protocol"] {
            Value::Null => DEFAULT_PROTOCOL,
            protocol => protocol.as_str()?,
        };
        if domain.is_empty() || !is_authority(domain) || is_bad_protocol(protocol) {
            return None;
        }
        Some(Assertion {
            provider: IdentityProviderDetails {
                domain: domain.to_owned(),
                protocol: protocol.to_owned(),
            },
            assertion: json["assertion"].as_str()?.to_owned(),
        })
    }

    /// The value of `a=identity`; none if it would not fit into a line, or would not be read.
    pub(crate) fn write(result: &IdentityAssertionResult) -> Option<String> {
        let IdentityProviderDetails { domain, protocol } = &result.idp;
        let json = json!({
            "idp": { "domain": domain, "protocol": protocol },
            "assertion": result.assertion,
        });
        let line = STANDARD.encode(json.to_string());
        let fits = line.len() <= MAX_ASSERTION_BYTES && Assertion::read(&line).is_some();
        fits.then_some(line)
    }
}

/// RFC 3986 §3.2: what stands between `//` and the path, and no more.
fn is_authority(domain: &str) -> bool {
    !domain.contains(['/', '\\', '?', '#']) && !domain.contains(char::is_whitespace)
}

/// "The contents parameter": all fingerprints of this end's certificates (RFC 8827 §7.4).
pub(crate) fn contents_of(fingerprints: &[identity::Fingerprint]) -> String {
    let one = |fingerprint: &identity::Fingerprint| {
        json!({
            "algorithm": fingerprint.algorithm().name(),
            "digest": fingerprint.value_text(),
        })
    };
    let all: Vec<Value> = fingerprints.iter().map(one).collect();
    let object = Map::from_iter([("fingerprint".to_owned(), Value::Array(all))]);
    Value::Object(object).to_string()
}

impl IdentityValidationResult {
    /// The fingerprints that it covers; none if that cannot be read.
    pub(crate) fn fingerprints(&self) -> Option<Vec<Fingerprint>> {
        let json: Value = serde_json::from_str(&self.contents).ok()?;
        let one = |fingerprint: &Value| {
            let algorithm = fingerprint["algorithm"].as_str()?;
            let digest = fingerprint["digest"].as_str()?;
            format!("{algorithm} {digest}").parse().ok()
        };
        json["fingerprint"].as_array()?.iter().map(one).collect()
    }

    /// The provider is authoritative for the domain of the identity (RFC 8827 §7.8.1): neither its
    /// port nor a user name counts.
    pub(crate) fn is_of(&self, provider: &IdentityProviderDetails) -> bool {
        let authority = provider.domain.as_str();
        let host = authority
            .rsplit_once('@')
            .map_or(authority, |(_, host)| host);
        let host = match host.rsplit_once(':') {
            Some((host, port)) if port.bytes().all(|b| b.is_ascii_digit()) => host,
            _ => host,
        };
        parts(&self.identity).is_some_and(|(_, domain)| same_domain(domain, host))
    }
}

/// Two identities are of one user.
pub(crate) fn same_identity(one: &str, other: &str) -> bool {
    match (parts(one), parts(other)) {
        (Some(one), Some(other)) => one.0 == other.0 && same_domain(one.1, other.1),
        _ => false,
    }
}

/// `<user>@<domain>`; an `@` of the user's is escaped.
fn parts(identity: &str) -> Option<(&str, &str)> {
    let (user, domain) = identity.split_once('@')?;
    let whole = !user.is_empty() && !domain.is_empty() && !domain.contains('@');
    whole.then_some((user, domain))
}

/// RFC 5890 §2.3.2.4. An A-label is not taken for its U-label: who writes one name in two ways is
/// refused, nobody else passes.
fn same_domain(one: &str, other: &str) -> bool {
    one.eq_ignore_ascii_case(other)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn result(identity: &str) -> IdentityValidationResult {
        IdentityValidationResult {
            identity: identity.to_owned(),
            contents: String::new(),
        }
    }

    #[test]
    fn the_example_of_the_rfc_is_read() {
        // RFC 8827 §5
        let line = "eyJpZHAiOnsiZG9tYWluIjoiZXhhbXBsZS5vcmciLCJwcm90b2NvbCI6ImJvZ3Vz\
                    In0sImFzc2VydGlvbiI6IntcImlkZW50aXR5XCI6XCJib2JAZXhhbXBsZS5vcmdc\
                    IixcImNvbnRlbnRzXCI6XCJhYmNkZWZnaGlqa2xtbm9wcXJzdHV2d3l6XCIsXCJz\
                    aWduYXR1cmVcIjpcIjAxMDIwMzA0MDUwNlwifSJ9";
        let read = Assertion::read(line).unwrap();
        assert_eq!(read.provider.domain, "example.org");
        assert_eq!(read.provider.protocol, "bogus");
        assert!(read.assertion.contains("bob@example.org"));
    }

    #[test]
    fn what_is_no_assertion_is_none() {
        let malformed = [
            "",
            "not base64",
            r"{}",
            r#"{"idp":{"domain":"a"}}"#,
            r#"{"idp":{"domain":""},"assertion":""}"#,
            r#"{"idp":{"domain":"a/b"},"assertion":""}"#,
            r#"{"idp":{"domain":"a","protocol":"../b"},"assertion":""}"#,
            r#"{"idp":{"domain":"a","protocol":"\\b"},"assertion":""}"#,
            r#"{"idp":{"domain":"a","protocol":1},"assertion":""}"#,
            r#"{"idp":{"domain":"a"},"assertion":1}"#,
        ];
        for json in malformed {
            assert_eq!(Assertion::read(&STANDARD.encode(json)), None, "{json}");
            assert_eq!(Assertion::read(json), None, "{json}");
        }
        let short = STANDARD.encode(r#"{"idp":{"domain":"a:1"},"assertion":""}"#);
        let read = Assertion::read(&short).unwrap();
        assert_eq!(read.provider.protocol, "default");
    }

    #[test]
    fn a_provider_speaks_for_its_own_domain_alone() {
        let provider = |domain| IdentityProviderDetails::new(domain);
        for domain in ["idp.example", "IDP.example:8443", "user@idp.example:1"] {
            assert!(result("a@idp.EXAMPLE").is_of(&provider(domain)), "{domain}");
        }
        for identity in [
            "a@example",
            "a@other.idp.example",
            "idp.example",
            "@idp.example",
            "a@b@idp.example",
            "a@idp.example:8443",
        ] {
            assert!(
                !result(identity).is_of(&provider("idp.example")),
                "{identity}"
            );
        }
    }

    #[test]
    fn users_are_compared_as_they_are_and_domains_without_case() {
        assert!(same_identity("a@B.c", "a@b.C"));
        assert!(!same_identity("a@b.c", "A@b.c"));
        assert!(!same_identity("a", "a"));
    }
}
