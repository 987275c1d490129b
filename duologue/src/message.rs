use bytes::Bytes;

/// A message of a data channel: `MessageEvent.data`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Message {
    /// A string.
    Text(String),
    /// Bytes: a `Blob` or an `ArrayBuffer` in a browser.
    Binary(Bytes),
}

impl Message {
    /// The message's length in bytes; of a text in UTF-8.
    pub fn len(&self) -> usize {
        match self {
            Message::Text(text) => text.len(),
            Message::Binary(bytes) => bytes.len(),
        }
    }

    /// Whether the message has no bytes.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The message's bytes; of a text its UTF-8.
    pub fn into_bytes(self) -> Bytes {
        match self {
            Message::Text(text) => text.into(),
            Message::Binary(bytes) => bytes,
        }
    }

    pub(crate) fn is_binary(&self) -> bool {
        matches!(self, Message::Binary(_))
    }

    /// What arrived. Ill-formed parts of a text become U+FFFD, as the W3C's "UTF-8 decode" has it.
    pub(crate) fn received(data: Bytes, binary: bool) -> Self {
        if binary {
            return Message::Binary(data);
        }
        let text = String::from_utf8(data.into());
        Message::Text(text.unwrap_or_else(|e| String::from_utf8_lossy(e.as_bytes()).into_owned()))
    }
}

impl From<Bytes> for Message {
    fn from(bytes: Bytes) -> Self {
        Message::Binary(bytes)
    }
}

impl From<Vec<u8>> for Message {
    fn from(bytes: Vec<u8>) -> Self {
        Message::Binary(bytes.into())
    }
}

impl From<&'static [u8]> for Message {
    fn from(bytes: &'static [u8]) -> Self {
        Message::Binary(bytes.into())
    }
}

impl<const N: usize> From<&'static [u8; N]> for Message {
    fn from(bytes: &'static [u8; N]) -> Self {
        Message::Binary(Bytes::from_static(bytes))
    }
}

impl From<String> for Message {
    fn from(text: String) -> Self {
        Message::Text(text)
    }
}

impl From<&str> for Message {
    fn from(text: &str) -> Self {
        Message::Text(text.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ill_formed_text_is_replaced_not_refused() {
        let text = Message::received(Bytes::from_static(b"a\xffb"), false);
        assert_eq!(text, Message::Text("a\u{fffd}b".into()));
        let bytes = Message::received(Bytes::from_static(b"a\xffb"), true);
        assert_eq!(bytes, Message::from(b"a\xffb"));
    }
}
