/// An attribute's type number (RFC 8489 §18.3).
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct AttributeType(pub u16);

macro_rules! attributes {
    ($($(#[$doc:meta])* $name:ident = $number:literal;)*) => {
        impl AttributeType {
            $($(#[$doc])* pub const $name: AttributeType = AttributeType($number);)*

            /// Whether the attribute is one of those named here.
            pub const fn is_known(self) -> bool {
                matches!(self.0, $($number)|*)
            }
        }
    };
}

attributes! {
    /// RFC 8489 §14.1
    MAPPED_ADDRESS = 0x0001;
    /// RFC 3489 §11.2.2, which old STUN servers still add, like the other ones of that RFC.
    RESPONSE_ADDRESS = 0x0002;
    /// RFC 5780 §7.2
    CHANGE_REQUEST = 0x0003;
    /// RFC 3489 §11.2.5
    SOURCE_ADDRESS = 0x0004;
    /// RFC 3489 §11.2.3
    CHANGED_ADDRESS = 0x0005;
    /// RFC 8489 §14.3
    USERNAME = 0x0006;
    /// RFC 8489 §14.5
    MESSAGE_INTEGRITY = 0x0008;
    /// RFC 8489 §14.8
    ERROR_CODE = 0x0009;
    /// RFC 8489 §14.13
    UNKNOWN_ATTRIBUTES = 0x000a;
    /// RFC 3489 §11.2.11
    REFLECTED_FROM = 0x000b;
    /// RFC 8656 §18.1
    CHANNEL_NUMBER = 0x000c;
    /// RFC 8656 §18.2
    LIFETIME = 0x000d;
    /// RFC 8656 §18.3
    XOR_PEER_ADDRESS = 0x0012;
    /// RFC 8656 §18.4
    DATA = 0x0013;
    /// RFC 8489 §14.9
    REALM = 0x0014;
    /// RFC 8489 §14.10
    NONCE = 0x0015;
    /// RFC 8656 §18.5
    XOR_RELAYED_ADDRESS = 0x0016;
    /// RFC 8656 §18.6
    REQUESTED_ADDRESS_FAMILY = 0x0017;
    /// RFC 8656 §18.7
    EVEN_PORT = 0x0018;
    /// RFC 8656 §18.8
    REQUESTED_TRANSPORT = 0x0019;
    /// RFC 8656 §18.9
    DONT_FRAGMENT = 0x001a;
    /// RFC 7635 §6.2
    ACCESS_TOKEN = 0x001b;
    /// RFC 8489 §14.6
    MESSAGE_INTEGRITY_SHA256 = 0x001c;
    /// RFC 8489 §14.12
    PASSWORD_ALGORITHM = 0x001d;
    /// RFC 8489 §14.4
    USERHASH = 0x001e;
    /// RFC 8489 §14.2
    XOR_MAPPED_ADDRESS = 0x0020;
    /// RFC 8656 §18.10
    RESERVATION_TOKEN = 0x0022;
    /// RFC 8445 §16.1
    PRIORITY = 0x0024;
    /// RFC 8445 §16.1
    USE_CANDIDATE = 0x0025;
    /// RFC 8656 §18.11
    ADDITIONAL_ADDRESS_FAMILY = 0x8000;
    /// RFC 8656 §18.12
    ADDRESS_ERROR_CODE = 0x8001;
    /// RFC 8489 §14.11
    PASSWORD_ALGORITHMS = 0x8002;
    /// RFC 8489 §14.16
    ALTERNATE_DOMAIN = 0x8003;
    /// RFC 8656 §18.13
    ICMP = 0x8004;
    /// RFC 7635 §6.1
    THIRD_PARTY_AUTHORIZATION = 0x802e;
    /// RFC 8489 §14.14
    SOFTWARE = 0x8022;
    /// RFC 8489 §14.15
    ALTERNATE_SERVER = 0x8023;
    /// RFC 8489 §14.7
    FINGERPRINT = 0x8028;
    /// RFC 8445 §16.1
    ICE_CONTROLLED = 0x8029;
    /// RFC 8445 §16.1
    ICE_CONTROLLING = 0x802a;
    /// RFC 5780 §7.3
    RESPONSE_ORIGIN = 0x802b;
    /// RFC 5780 §7.4
    OTHER_ADDRESS = 0x802c;
    /// draft-thatcher-ice-renomination §4: which nomination of the controlling agent this is.
    NOMINATION = 0xc001;
    /// draft-hancke-webrtc-sped: a datagram of a DTLS handshake. The number is libwebrtc's.
    DTLS_IN_STUN_DATA = 0xc070;
    /// draft-hancke-webrtc-sped: the CRC-32 of each that came. The number is libwebrtc's.
    DTLS_IN_STUN_ACK = 0xc071;
}

impl AttributeType {
    /// RFC 8489 §14: types below 0x8000 must be understood, the others may be ignored.
    pub const fn comprehension_required(self) -> bool {
        self.0 < 0x8000
    }
}
