//! Handshake messages as bytes.

mod alpn;
mod certificate;
mod client_hello;
pub(crate) mod extension;
mod key_exchange;
mod server_hello;

pub(crate) use alpn::Protocol;
pub(crate) use certificate::{
    CertificateRequest12, CertificateRequest13, Signed, read_certificates_12, read_certificates_13,
    write_certificate_12, write_certificate_13, write_signed,
};
pub(crate) use client_hello::{ClientHello, Offer, write_client_hello};
pub(crate) use extension::Extensions;
pub(crate) use key_exchange::{ServerKeyExchange, write_curve};
pub(crate) use server_hello::{
    HELLO_RETRY_REQUEST, ServerHello, ServerHelloFields, put_srtp, read_hello_verify,
    write_encrypted_extensions, write_hello_verify, write_server_hello,
};

/// Kinds of handshake messages (RFC 8446 §B.3, RFC 6347 §4.3.2).
pub(crate) mod kind {
    pub(crate) const CLIENT_HELLO: u8 = 1;
    pub(crate) const SERVER_HELLO: u8 = 2;
    pub(crate) const HELLO_VERIFY_REQUEST: u8 = 3;
    pub(crate) const NEW_SESSION_TICKET: u8 = 4;
    pub(crate) const ENCRYPTED_EXTENSIONS: u8 = 8;
    pub(crate) const CERTIFICATE: u8 = 11;
    pub(crate) const SERVER_KEY_EXCHANGE: u8 = 12;
    pub(crate) const CERTIFICATE_REQUEST: u8 = 13;
    pub(crate) const SERVER_HELLO_DONE: u8 = 14;
    pub(crate) const CERTIFICATE_VERIFY: u8 = 15;
    pub(crate) const CLIENT_KEY_EXCHANGE: u8 = 16;
    pub(crate) const FINISHED: u8 = 20;
    pub(crate) const KEY_UPDATE: u8 = 24;
}

/// The numbers of the versions on the wire.
pub(crate) const V12: u16 = 0xfefd;
pub(crate) const V13: u16 = 0xfefc;
