/// The number of an ERROR-CODE attribute (RFC 8489 §14.8, RFC 8656 §19, RFC 8445 §16.2).
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct ErrorCode(pub u16);

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $number:literal, $reason:literal;)*) => {
        impl ErrorCode {
            $($(#[$doc])* pub const $name: ErrorCode = ErrorCode($number);)*

            /// The reason phrase that its RFC recommends; empty for codes not named here.
            pub const fn reason(self) -> &'static str {
                match self.0 {
                    $($number => $reason,)*
                    _ => "",
                }
            }
        }
    };
}

codes! {
    /// The client should use the server in ALTERNATE-SERVER.
    TRY_ALTERNATE = 300, "Try Alternate";
    /// The request was malformed.
    BAD_REQUEST = 400, "Bad Request";
    /// The request did not carry the right credentials.
    UNAUTHENTICATED = 401, "Unauthenticated";
    /// TURN: an administrative rule forbids it.
    FORBIDDEN = 403, "Forbidden";
    /// The request had comprehension-required attributes that the server does not know.
    UNKNOWN_ATTRIBUTE = 420, "Unknown Attribute";
    /// TURN: no allocation for this five-tuple.
    ALLOCATION_MISMATCH = 437, "Allocation Mismatch";
    /// The nonce is too old; the response has a new one.
    STALE_NONCE = 438, "Stale Nonce";
    /// TURN: the server does not relay this family.
    ADDRESS_FAMILY_NOT_SUPPORTED = 440, "Address Family not Supported";
    /// TURN: the credentials are not those of the allocation.
    WRONG_CREDENTIALS = 441, "Wrong Credentials";
    /// TURN: the server does not relay this protocol.
    UNSUPPORTED_TRANSPORT = 442, "Unsupported Transport Protocol";
    /// TURN: the peer's address is of another family.
    PEER_ADDRESS_FAMILY_MISMATCH = 443, "Peer Address Family Mismatch";
    /// TURN: this user has too many allocations.
    ALLOCATION_QUOTA_REACHED = 486, "Allocation Quota Reached";
    /// ICE: both agents think they have the same role.
    ROLE_CONFLICT = 487, "Role Conflict";
    /// The server failed for a moment.
    SERVER_ERROR = 500, "Server Error";
    /// TURN: the server has no address to give.
    INSUFFICIENT_CAPACITY = 508, "Insufficient Capacity";
}
