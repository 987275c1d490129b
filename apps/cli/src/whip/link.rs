//! `Link` headers with `rel="ice-server"` (RFC 9725 §4.6, RFC 8288): the ICE servers that a server gives its clients.

use duologue::{IceCredential, IceServer};

use super::limits::LINKS;

/// A header for each URL of the servers.
pub(super) fn write(servers: &[IceServer]) -> Vec<String> {
    let mut links = Vec::new();
    for server in servers {
        for url in &server.urls {
            let mut link = format!("<{url}>; rel=\"ice-server\"");
            if let (Some(username), Some(IceCredential::Password(credential))) =
                (&server.username, &server.credential)
            {
                let (username, credential) = (quoted(username), quoted(credential));
                link += &format!(
                    "; username={username}; credential={credential}; credential-type=\"password\""
                );
            }
            links.push(link);
        }
    }
    links.truncate(LINKS);
    links
}

/// The ICE servers among the links of the headers; what is none, or cannot be read, is passed over (RFC 9725 §4.8).
pub(super) fn read<'h>(headers: impl Iterator<Item = &'h str>) -> Vec<IceServer> {
    let mut servers = Vec::new();
    for header in headers.take(LINKS) {
        let mut rest = header;
        while let Some((link, after)) = next(rest) {
            rest = after;
            if servers.len() < LINKS {
                servers.extend(link.server());
            }
        }
    }
    servers
}

/// The same stream at other servers (`rel="alternate"`).
pub(super) fn write_alternates<'u>(urls: impl Iterator<Item = &'u str>) -> Vec<String> {
    let links = urls.map(|url| format!("<{url}>; rel=\"alternate\""));
    links.take(LINKS).collect()
}

/// The places among the links of the headers where the same is to be had.
pub(super) fn read_alternates<'h>(headers: impl Iterator<Item = &'h str>) -> Vec<String> {
    let mut found = Vec::new();
    for header in headers.take(LINKS) {
        let mut rest = header;
        while let Some((link, after)) = next(rest) {
            rest = after;
            if found.len() < LINKS && link.is("alternate") {
                found.push(link.target.to_owned());
            }
        }
    }
    found
}

/// One link and its attributes.
struct Link<'h> {
    target: &'h str,
    attributes: Vec<(String, String)>,
}

impl Link<'_> {
    fn server(&self) -> Option<IceServer> {
        let ice = self.is("ice-server");
        let scheme = self.target.split_once(':')?.0.to_ascii_lowercase();
        if !ice || !matches!(scheme.as_str(), "stun" | "stuns" | "turn" | "turns") {
            return None;
        }
        let password = self
            .attribute("credential-type")
            .is_none_or(|kind| kind == "password");
        let login = |name| self.attribute(name).filter(|_| password).map(str::to_owned);
        Some(IceServer {
            urls: vec![self.target.to_owned()],
            username: login("username"),
            credential: login("credential").map(Into::into),
        })
    }

    fn is(&self, relation: &str) -> bool {
        let relations = self.attribute("rel").unwrap_or_default();
        relations.split(' ').any(|rel| rel == relation)
    }

    fn attribute(&self, name: &str) -> Option<&str> {
        let mut attributes = self.attributes.iter();
        let found = attributes.find(|(known, _)| known.eq_ignore_ascii_case(name))?;
        Some(&found.1)
    }
}

/// The first link of a header, and what comes after it.
fn next(text: &str) -> Option<(Link<'_>, &str)> {
    let (target, mut rest) = text.split_once('<')?.1.split_once('>')?;
    let mut attributes = Vec::new();
    loop {
        rest = rest.trim_start();
        let Some(after) = rest.strip_prefix(';') else {
            // A comma, the end, or what nobody can read: the next link begins with the next `<`.
            return Some((Link { target, attributes }, rest));
        };
        let end = after.find(['=', ';', ',']).unwrap_or(after.len());
        let (name, after) = after.split_at(end);
        let (value, after) = match after.strip_prefix('=') {
            Some(value) => self::value(value.trim_start()),
            None => (String::new(), after),
        };
        if attributes.len() < LINKS {
            attributes.push((name.trim().to_owned(), value));
        }
        rest = after;
    }
}

/// A token or a quoted string (RFC 9110 §5.6), and what comes after it.
fn value(text: &str) -> (String, &str) {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find([';', ',', ' ', '\t']).unwrap_or(text.len());
        return (text[..end].to_owned(), &text[end..]);
    };
    let mut value = String::new();
    let mut characters = quoted.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return (value, &quoted[at + 1..]),
            '\\' => value.extend(characters.next().map(|(_, escaped)| escaped)),
            _ => value.push(character),
        }
    }
    (value, "")
}

fn quoted(text: &str) -> String {
    let mut quoted = String::from('"');
    for character in text.chars() {
        if matches!(character, '"' | '\\') {
            quoted.push('\\');
        }
        quoted.push(character);
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_are_read_back_whatever_is_in_their_passwords() {
        let servers = vec![
            IceServer {
                urls: vec!["stun:stun.example.net".into()],
                ..IceServer::default()
            },
            IceServer {
                urls: vec!["turn:turn.example.net?transport=udp".into()],
                username: Some("a;b,c".into()),
                credential: Some("my \"Pass\\word\" <x>".into()),
            },
        ];
        let headers = write(&servers);
        assert_eq!(read(headers.iter().map(String::as_str)), servers);
        let one = headers.join(", ");
        assert_eq!(read(std::iter::once(one.as_str())), servers);
    }

    #[test]
    fn other_places_are_read_back_beside_servers() {
        let urls = ["https://a.example/whep/live", "http://[::1]:8080/whep/live"];
        let mut headers = write_alternates(urls.into_iter());
        headers.push("<stun:stun.example.net>; rel=\"ice-server\"".to_owned());
        assert_eq!(read_alternates(headers.iter().map(String::as_str)), urls);
        let one = headers.join(", ");
        assert_eq!(read_alternates(std::iter::once(one.as_str())), urls);
    }

    #[test]
    fn other_links_and_what_cannot_be_read_are_passed_over() {
        for header in [
            "",
            "<",
            "<stun:a>",
            "<stun:a>; rel=preload",
            "<https://a.example/sse>; rel=\"urn:ietf:params:whip:ext:example:sse\"",
            "<https://a.example/>; rel=\"ice-server\"",
            "stun:a; rel=ice-server",
            "<stun:a>; rel=\"ice",
        ] {
            assert_eq!(read(std::iter::once(header)), [], "{header}");
        }
        let found = read(std::iter::once(
            "<x>;rel=next , <STUN:a> ;REL = ice-server;flag",
        ));
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].urls, ["STUN:a"]);
    }
}
