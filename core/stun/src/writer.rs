use std::net::SocketAddr;

use crate::address;
use crate::attribute::AttributeType;
use crate::channel::ChannelNumber;
use crate::error_code::ErrorCode;
use crate::integrity::{Key, PasswordAlgorithm};
use crate::message::{
    Class, FINGERPRINT_XOR, HEADER_LEN, MAGIC_COOKIE, Method, TransactionId, message_type,
};
use crate::typed::AddressFamily;

/// Appends one message to a buffer. After every call the buffer holds a complete message.
///
/// Attributes come in the order of the calls; integrity and then fingerprint go last.
#[derive(Debug)]
pub struct Writer<'b> {
    out: &'b mut Vec<u8>,
    start: usize,
    id: TransactionId,
}

impl<'b> Writer<'b> {
    /// Appends a message without attributes.
    pub fn new(out: &'b mut Vec<u8>, class: Class, method: Method, id: TransactionId) -> Self {
        let start = out.len();
        out.extend_from_slice(&message_type(class, method).to_be_bytes());
        out.extend_from_slice(&[0, 0]);
        out.extend_from_slice(&MAGIC_COOKIE.to_be_bytes());
        out.extend_from_slice(&id.0);
        Writer { out, start, id }
    }

    /// Any attribute. A value longer than 65535 bytes is cut.
    pub fn attribute(&mut self, kind: AttributeType, value: &[u8]) -> &mut Self {
        let value = &value[..value.len().min(usize::from(u16::MAX))];
        self.begin(kind, value.len());
        self.out.extend_from_slice(value);
        self.end()
    }

    /// USERNAME
    pub fn username(&mut self, username: &str) -> &mut Self {
        self.attribute(AttributeType::USERNAME, username.as_bytes())
    }

    /// USERNAME of a connectivity check: the receiver's fragment first (RFC 8445 §7.2.2).
    pub fn check_username(&mut self, receiver: &str, sender: &str) -> &mut Self {
        self.begin(AttributeType::USERNAME, receiver.len() + 1 + sender.len());
        self.out.extend_from_slice(receiver.as_bytes());
        self.out.push(b':');
        self.out.extend_from_slice(sender.as_bytes());
        self.end()
    }

    /// USERHASH
    pub fn userhash(&mut self, hash: &[u8; 32]) -> &mut Self {
        self.attribute(AttributeType::USERHASH, hash)
    }

    /// ACCESS-TOKEN (RFC 7635 §6.2)
    pub fn access_token(&mut self, token: &[u8]) -> &mut Self {
        self.attribute(AttributeType::ACCESS_TOKEN, token)
    }

    /// REALM
    pub fn realm(&mut self, realm: &str) -> &mut Self {
        self.attribute(AttributeType::REALM, realm.as_bytes())
    }

    /// NONCE
    pub fn nonce(&mut self, nonce: &str) -> &mut Self {
        self.attribute(AttributeType::NONCE, nonce.as_bytes())
    }

    /// SOFTWARE
    pub fn software(&mut self, name: &str) -> &mut Self {
        self.attribute(AttributeType::SOFTWARE, name.as_bytes())
    }

    /// PASSWORD-ALGORITHM without parameters.
    pub fn password_algorithm(&mut self, algorithm: PasswordAlgorithm) -> &mut Self {
        let [n0, n1] = algorithm.number().to_be_bytes();
        self.attribute(AttributeType::PASSWORD_ALGORITHM, &[n0, n1, 0, 0])
    }

    /// PASSWORD-ALGORITHMS without parameters.
    pub fn password_algorithms(&mut self, algorithms: &[PasswordAlgorithm]) -> &mut Self {
        self.begin(AttributeType::PASSWORD_ALGORITHMS, algorithms.len() * 4);
        for algorithm in algorithms {
            let [n0, n1] = algorithm.number().to_be_bytes();
            self.out.extend_from_slice(&[n0, n1, 0, 0]);
        }
        self.end()
    }

    /// XOR-MAPPED-ADDRESS
    pub fn xor_mapped_address(&mut self, addr: SocketAddr) -> &mut Self {
        self.xored(AttributeType::XOR_MAPPED_ADDRESS, addr)
    }

    /// XOR-PEER-ADDRESS
    pub fn xor_peer_address(&mut self, addr: SocketAddr) -> &mut Self {
        self.xored(AttributeType::XOR_PEER_ADDRESS, addr)
    }

    /// XOR-RELAYED-ADDRESS
    pub fn xor_relayed_address(&mut self, addr: SocketAddr) -> &mut Self {
        self.xored(AttributeType::XOR_RELAYED_ADDRESS, addr)
    }

    /// CHANGE-REQUEST (RFC 5780 §7.2): the answer is to come from the server's other address, its other port, or both.
    pub fn change_request(&mut self, address: bool, port: bool) -> &mut Self {
        let flags = u32::from(address) << 2 | u32::from(port) << 1;
        self.attribute(AttributeType::CHANGE_REQUEST, &flags.to_be_bytes())
    }

    /// ALTERNATE-SERVER
    pub fn alternate_server(&mut self, addr: SocketAddr) -> &mut Self {
        self.address(AttributeType::ALTERNATE_SERVER, addr)
    }

    /// ERROR-CODE with the recommended reason phrase.
    pub fn error_code(&mut self, code: ErrorCode) -> &mut Self {
        let reason = code.reason();
        self.begin(AttributeType::ERROR_CODE, 4 + reason.len());
        let (class, number) = ((code.0 / 100) as u8, (code.0 % 100) as u8);
        self.out.extend_from_slice(&[0, 0, class, number]);
        self.out.extend_from_slice(reason.as_bytes());
        self.end()
    }

    /// UNKNOWN-ATTRIBUTES
    pub fn unknown_attributes(&mut self, kinds: &[AttributeType]) -> &mut Self {
        self.begin(AttributeType::UNKNOWN_ATTRIBUTES, kinds.len() * 2);
        for kind in kinds {
            self.out.extend_from_slice(&kind.0.to_be_bytes());
        }
        self.end()
    }

    /// PRIORITY
    pub fn priority(&mut self, priority: u32) -> &mut Self {
        self.attribute(AttributeType::PRIORITY, &priority.to_be_bytes())
    }

    /// USE-CANDIDATE
    pub fn use_candidate(&mut self) -> &mut Self {
        self.attribute(AttributeType::USE_CANDIDATE, &[])
    }

    /// ICE-CONTROLLING
    pub fn ice_controlling(&mut self, tie_breaker: u64) -> &mut Self {
        self.attribute(AttributeType::ICE_CONTROLLING, &tie_breaker.to_be_bytes())
    }

    /// ICE-CONTROLLED
    pub fn ice_controlled(&mut self, tie_breaker: u64) -> &mut Self {
        self.attribute(AttributeType::ICE_CONTROLLED, &tie_breaker.to_be_bytes())
    }

    /// NOMINATION
    pub fn nomination(&mut self, number: u32) -> &mut Self {
        self.attribute(AttributeType::NOMINATION, &number.to_be_bytes())
    }

    /// LIFETIME
    pub fn lifetime_secs(&mut self, lifetime_secs: u32) -> &mut Self {
        self.attribute(AttributeType::LIFETIME, &lifetime_secs.to_be_bytes())
    }

    /// CHANNEL-NUMBER
    pub fn channel_number(&mut self, number: ChannelNumber) -> &mut Self {
        let [n0, n1] = number.get().to_be_bytes();
        self.attribute(AttributeType::CHANNEL_NUMBER, &[n0, n1, 0, 0])
    }

    /// REQUESTED-TRANSPORT with an IP protocol number.
    pub fn requested_transport(&mut self, protocol: u8) -> &mut Self {
        self.attribute(AttributeType::REQUESTED_TRANSPORT, &[protocol, 0, 0, 0])
    }

    /// REQUESTED-ADDRESS-FAMILY
    pub fn requested_address_family(&mut self, family: AddressFamily) -> &mut Self {
        let value = [family.number(), 0, 0, 0];
        self.attribute(AttributeType::REQUESTED_ADDRESS_FAMILY, &value)
    }

    /// DATA
    pub fn data(&mut self, data: &[u8]) -> &mut Self {
        self.attribute(AttributeType::DATA, data)
    }

    /// MESSAGE-INTEGRITY over everything before it.
    pub fn integrity(&mut self, key: &Key) -> &mut Self {
        let tag = key.sign_sha1(&self.out[self.start..]);
        self.attribute(AttributeType::MESSAGE_INTEGRITY, tag.as_ref())
    }

    /// MESSAGE-INTEGRITY-SHA256 over everything before it.
    pub fn integrity_sha256(&mut self, key: &Key) -> &mut Self {
        let tag = key.sign_sha256(&self.out[self.start..]);
        self.attribute(AttributeType::MESSAGE_INTEGRITY_SHA256, tag.as_ref())
    }

    /// FINGERPRINT over everything before it.
    pub fn fingerprint(&mut self) -> &mut Self {
        // RFC 8489 §14.7: the length field that is covered counts the attribute.
        self.attribute(AttributeType::FINGERPRINT, &[0; 4]);
        let covered = self.out.len() - 8;
        let sum = crc32fast::hash(&self.out[self.start..covered]) ^ FINGERPRINT_XOR;
        self.out[covered + 4..].copy_from_slice(&sum.to_be_bytes());
        self
    }

    fn xored(&mut self, kind: AttributeType, addr: SocketAddr) -> &mut Self {
        self.address(kind, address::xor(addr, self.id))
    }

    fn address(&mut self, kind: AttributeType, addr: SocketAddr) -> &mut Self {
        let mut value = [0; address::LEN_MAX];
        let len = address::write(addr, &mut value);
        self.attribute(kind, &value[..len])
    }

    fn begin(&mut self, kind: AttributeType, len: usize) {
        self.out.extend_from_slice(&kind.0.to_be_bytes());
        self.out.extend_from_slice(&(len as u16).to_be_bytes());
    }

    fn end(&mut self) -> &mut Self {
        let len = (self.out.len() - self.start).next_multiple_of(4);
        self.out.resize(self.start + len, 0);
        let field = ((len - HEADER_LEN) as u16).to_be_bytes();
        self.out[self.start + 2..self.start + 4].copy_from_slice(&field);
        self
    }
}
