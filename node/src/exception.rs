//! `NativeException`: what becomes a `DOMException`, an `RTCError` or an ECMAScript error.

use duologue_peer as peer;
use serde::Serialize;

#[derive(Debug, Serialize)]
#[cfg_attr(
    feature = "typescript",
    derive(ts_rs::TS),
    ts(rename = "NativeException", optional_fields = nullable)
)]
pub(crate) struct Exception {
    name: &'static str,
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    rtc: Option<RtcErrorInit>,
}

#[derive(Debug, Serialize)]
#[cfg_attr(
    feature = "typescript",
    derive(ts_rs::TS),
    ts(rename = "NativeErrorInit", optional_fields = nullable)
)]
#[serde(rename_all = "camelCase")]
struct RtcErrorInit {
    error_detail: peer::RtcErrorDetail,
    #[serde(skip_serializing_if = "Option::is_none")]
    sdp_line_number: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sctp_cause_code: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    received_alert: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sent_alert: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    http_request_status_code: Option<i32>,
}

impl Exception {
    pub(crate) fn new(name: &'static str, message: &str) -> Self {
        Exception {
            name,
            message: message.to_owned(),
            rtc: None,
        }
    }
}

impl From<&peer::Exception> for Exception {
    fn from(exception: &peer::Exception) -> Self {
        Exception {
            name: exception.name().as_str(),
            message: exception.message().to_owned(),
            rtc: exception.rtc_error().map(|init| RtcErrorInit {
                error_detail: init.error_detail,
                sdp_line_number: init.sdp_line_number,
                sctp_cause_code: init.sctp_cause_code,
                received_alert: init.received_alert,
                sent_alert: init.sent_alert,
                http_request_status_code: init.http_request_status_code,
            }),
        }
    }
}
