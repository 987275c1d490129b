//! What a method throws and what a promise rejects with.

use std::borrow::Cow;
use std::fmt;

use crate::enums::string_enum;

/// A JavaScript error or `DOMException`: what the specification throws, with a text for people.
///
/// ```
/// use duologue_peer::{Exception, ExceptionName};
///
/// let thrown = Exception::invalid_state("the connection is closed");
/// assert_eq!(thrown.name(), ExceptionName::InvalidStateError);
/// assert_eq!(thrown.to_string(), "InvalidStateError: the connection is closed");
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Exception {
    name: ExceptionName,
    message: Cow<'static, str>,
    rtc: Option<RtcErrorInit>,
}

impl Exception {
    /// The exception's name.
    pub fn name(&self) -> ExceptionName {
        self.name
    }

    /// The exception's text for people.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The further attributes, when this is an `RTCError`.
    pub fn rtc_error(&self) -> Option<&RtcErrorInit> {
        self.rtc.as_ref()
    }

    fn new(name: ExceptionName, message: impl Into<Cow<'static, str>>) -> Self {
        Exception {
            name,
            message: message.into(),
            rtc: None,
        }
    }

    /// An `RTCError`. Its `name` is `OperationError` (webrtc-pc §11.2.1).
    pub fn rtc(init: RtcErrorInit, message: impl Into<Cow<'static, str>>) -> Self {
        Exception {
            rtc: Some(init),
            ..Exception::new(ExceptionName::OperationError, message)
        }
    }
}

macro_rules! constructors {
    ($($(#[$doc:meta])* $function:ident: $name:ident,)+) => {
        impl Exception {
            $($(#[$doc])* pub fn $function(message: impl Into<Cow<'static, str>>) -> Self {
                Exception::new(ExceptionName::$name, message)
            })+
        }
    };
}

constructors! {
    /// An argument has the wrong type or an impossible value.
    type_error: TypeError,
    /// A number is out of range.
    range_error: RangeError,
    /// A string contains a character it must not.
    invalid_character: InvalidCharacterError,
    /// The object does not support it.
    invalid_access: InvalidAccessError,
    /// The object cannot be changed this way.
    invalid_modification: InvalidModificationError,
    /// The object is in the wrong state.
    invalid_state: InvalidStateError,
    /// The object is not there.
    not_found: NotFoundError,
    /// The feature is not there.
    not_supported: NotSupportedError,
    /// The operation failed.
    operation: OperationError,
    /// A string does not match its grammar.
    syntax: SyntaxError,
    /// The operation failed for a reason the specification does not name.
    unknown: UnknownError,
}

impl fmt::Display for Exception {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.name, self.message)
    }
}

impl std::error::Error for Exception {}

string_enum! {
    /// Names of the exceptions that webrtc-pc uses: the two of ECMAScript, then `DOMException`s.
    pub enum ExceptionName as "DOMException" {
        /// ECMAScript's `TypeError`.
        TypeError = "TypeError",
        /// ECMAScript's `RangeError`.
        RangeError = "RangeError",
        /// A string contains a character it must not.
        InvalidCharacterError = "InvalidCharacterError",
        /// The object does not support the operation or argument.
        InvalidAccessError = "InvalidAccessError",
        /// The object cannot be modified in this way.
        InvalidModificationError = "InvalidModificationError",
        /// The object is in an invalid state.
        InvalidStateError = "InvalidStateError",
        /// The object is not there.
        NotFoundError = "NotFoundError",
        /// The operation is not supported.
        NotSupportedError = "NotSupportedError",
        /// The operation failed for an operation-specific reason.
        OperationError = "OperationError",
        /// The string did not match the expected pattern.
        SyntaxError = "SyntaxError",
        /// The operation failed for an unknown transient reason.
        UnknownError = "UnknownError",
    }
}

string_enum! {
    /// What went wrong, of an `RTCError` (webrtc-pc §11.2.3).
    #[doc(alias = "RTCErrorDetailType")]
    pub enum RtcErrorDetail as "RTCErrorDetailType" {
        /// A data channel failed.
        DataChannelFailure = "data-channel-failure",
        /// DTLS failed.
        DtlsFailure = "dtls-failure",
        /// The certificate does not match the fingerprints of the description.
        FingerprintFailure = "fingerprint-failure",
        /// SCTP failed.
        SctpFailure = "sctp-failure",
        /// The description is not valid SDP.
        SdpSyntaxError = "sdp-syntax-error",
        /// No hardware encoder is free.
        HardwareEncoderNotAvailable = "hardware-encoder-not-available",
        /// The hardware encoder cannot do it.
        HardwareEncoderError = "hardware-encoder-error",
        /// An identity provider's script is none, or registers nothing (webrtc-identity).
        IdpBadScriptFailure = "idp-bad-script-failure",
        /// An identity provider failed, or answered nonsense.
        IdpExecutionFailure = "idp-execution-failure",
        /// An identity provider cannot be loaded.
        IdpLoadFailure = "idp-load-failure",
        /// The identity provider wants the user to log in.
        IdpNeedLogin = "idp-need-login",
        /// An identity provider took too long.
        IdpTimeout = "idp-timeout",
        /// The certificate of an identity provider's server is not trusted.
        IdpTlsFailure = "idp-tls-failure",
        /// An identity assertion is too old.
        IdpTokenExpired = "idp-token-expired",
        /// An identity assertion is not the provider's.
        IdpTokenInvalid = "idp-token-invalid",
    }
}

/// The attributes that `RTCError` adds to `DOMException` (webrtc-pc §11.2.2).
#[doc(alias = "RTCErrorInit")]
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct RtcErrorInit {
    /// What went wrong.
    pub error_detail: RtcErrorDetail,
    /// The line of the description, from 1, for [`RtcErrorDetail::SdpSyntaxError`].
    pub sdp_line_number: Option<u32>,
    /// SCTP's cause code (RFC 9260 §3.3.10), for [`RtcErrorDetail::SctpFailure`].
    pub sctp_cause_code: Option<u16>,
    /// The DTLS alert that came, for [`RtcErrorDetail::DtlsFailure`].
    pub received_alert: Option<u8>,
    /// The DTLS alert that was sent, for [`RtcErrorDetail::DtlsFailure`].
    pub sent_alert: Option<u8>,
    /// HTTP's status, for [`RtcErrorDetail::IdpLoadFailure`].
    pub http_request_status_code: Option<i32>,
}

impl RtcErrorInit {
    /// An error with this detail and nothing else.
    pub fn new(error_detail: RtcErrorDetail) -> Self {
        RtcErrorInit {
            error_detail,
            sdp_line_number: None,
            sctp_cause_code: None,
            received_alert: None,
            sent_alert: None,
            http_request_status_code: None,
        }
    }
}
