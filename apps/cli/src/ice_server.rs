//! STUN and TURN servers on the command line.

use std::str::FromStr;

use duologue::{Configuration, IceServer, IceTransportPolicy};

/// What both ends' candidates come from.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct IceArgs {
    /// A STUN or TURN server (repeatable): stun:HOST[:PORT],
    /// turn:USER:PASSWORD@HOST[:PORT][?transport=tcp], turns:…
    #[arg(long = "ice-server", value_name = "SERVER")]
    ice_servers: Vec<IceServerArg>,
    /// Use only candidates of TURN servers
    #[arg(long)]
    relay_only: bool,
}

impl IceArgs {
    pub(crate) fn configuration(&self) -> Configuration {
        Configuration {
            ice_servers: self.ice_servers.iter().map(|s| s.0.clone()).collect(),
            ice_transport_policy: match self.relay_only {
                true => IceTransportPolicy::Relay,
                false => IceTransportPolicy::All,
            },
            ..Configuration::default()
        }
    }
}

/// `turn:USER:PASSWORD@HOST` and the like.
#[derive(Clone, Debug)]
pub(crate) struct IceServerArg(IceServer);

impl From<IceServerArg> for IceServer {
    fn from(arg: IceServerArg) -> Self {
        arg.0
    }
}

impl FromStr for IceServerArg {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (scheme, rest) = text.split_once(':').ok_or("no scheme, such as turn:")?;
        let needs_login = match scheme {
            "stun" | "stuns" => false,
            "turn" | "turns" => true,
            _ => return Err("a server is stun:…, stuns:…, turn:… or turns:…".to_owned()),
        };
        let Some((login, host)) = rest.rsplit_once('@') else {
            if needs_login {
                return Err("no USER:PASSWORD@ before the host".to_owned());
            }
            return Ok(IceServerArg(IceServer {
                urls: vec![text.to_owned()],
                ..IceServer::default()
            }));
        };
        let (username, credential) = login.split_once(':').ok_or("no password before the @")?;
        Ok(IceServerArg(IceServer {
            urls: vec![format!("{scheme}:{host}")],
            username: Some(decode(username)?),
            credential: Some(decode(credential)?.into()),
        }))
    }
}

/// Percent-decoding (RFC 3986 §2.1).
fn decode(text: &str) -> Result<String, String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, tail)) = rest.split_first() {
        rest = tail;
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let digits = tail.get(..2).and_then(|d| std::str::from_utf8(d).ok());
        let decoded = digits.and_then(|d| u8::from_str_radix(d, 16).ok());
        bytes.push(decoded.ok_or("a % needs two hexadecimal digits after it")?);
        rest = &tail[2..];
    }
    String::from_utf8(bytes).map_err(|_| "not UTF-8 after percent-decoding".to_owned())
}

#[cfg(test)]
mod tests {
    use duologue::IceCredential;

    use super::IceServerArg;

    fn parsed(text: &str) -> (String, Option<String>, Option<String>) {
        let IceServerArg(mut server) = text.parse().unwrap();
        let password = server.credential.map(|credential| match credential {
            IceCredential::Password(password) => password,
            IceCredential::OAuth(_) => panic!("a login is no token"),
        });
        (server.urls.remove(0), server.username, password)
    }

    #[test]
    fn a_server_may_carry_a_login_with_any_character_in_it() {
        let url = |url: &str| url.to_owned();
        assert_eq!(
            parsed("stun:[::1]:3478"),
            (url("stun:[::1]:3478"), None, None)
        );
        assert_eq!(
            parsed("turns:1700%3Aann:p%40ss/w?rd@host:443?transport=tcp"),
            (
                url("turns:host:443?transport=tcp"),
                Some("1700:ann".into()),
                Some("p@ss/w?rd".into())
            )
        );
    }

    #[test]
    fn what_is_no_server_says_what_it_lacks() {
        for (text, reason) in [
            ("host", "no scheme"),
            ("http:host", "a server is"),
            ("turn:host", "USER:PASSWORD@"),
            ("turn:ann@host", "no password"),
            ("turn:ann:%4@host", "hexadecimal"),
            ("turn:ann:%é0@host", "hexadecimal"),
            ("turn:ann:%ff@host", "UTF-8"),
        ] {
            let error = text.parse::<IceServerArg>().unwrap_err();
            assert!(error.contains(reason), "{text}: {error}");
        }
    }
}
