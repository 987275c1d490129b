//! Tracks, transceivers, senders and receivers of a connection.

use duologue_base::TransceiverId;
use duologue_peer as peer;
use napi::Env;
use napi::bindgen_prelude::{Object, Result, Unknown};
use napi_derive::napi;
use serde::Deserialize;

use crate::connection::NativePeerConnection;
use crate::environment;

#[napi]
impl NativePeerConnection {
    /// `addTrack()`
    #[napi]
    pub fn add_track<'env>(
        &mut self,
        env: &'env Env,
        track: NativeTrack,
        streams: Vec<String>,
    ) -> Result<Object<'env>> {
        let id = self.pc.add_track(track.into(), &stream_ids(streams));
        self.reply(env, id.map(|TransceiverId(id)| id))
    }

    /// `removeTrack()`
    #[napi]
    pub fn remove_track<'env>(&mut self, env: &'env Env, id: u32) -> Result<Object<'env>> {
        let result = self.pc.remove_track(TransceiverId(id));
        self.reply(env, result)
    }

    /// `addTransceiver()`
    #[napi]
    pub fn add_transceiver<'env>(
        &mut self,
        env: &'env Env,
        track: Option<NativeTrack>,
        kind: String,
        init: Unknown<'_>,
    ) -> Result<Object<'env>> {
        let init: TransceiverInit = env.from_js_value(init)?;
        let what = match track {
            Some(track) => peer::TrackOrKind::Track(track.into()),
            None => peer::TrackOrKind::Kind(media_kind(&kind)),
        };
        let id = self.pc.add_transceiver(what, init.into());
        self.reply(env, id.map(|TransceiverId(id)| id))
    }

    /// `transceiver.direction = …`
    #[napi]
    pub fn set_direction<'env>(
        &mut self,
        env: &'env Env,
        id: u32,
        direction: String,
    ) -> Result<Object<'env>> {
        let result = direction
            .parse()
            .and_then(|direction| self.pc.set_direction(TransceiverId(id), direction));
        self.reply(env, result)
    }

    /// `transceiver.stop()`
    #[napi]
    pub fn stop<'env>(&mut self, env: &'env Env, id: u32) -> Result<Object<'env>> {
        let result = self.pc.stop(TransceiverId(id));
        self.reply(env, result)
    }

    /// `transceiver.setCodecPreferences()`
    #[napi]
    pub fn set_codec_preferences<'env>(
        &mut self,
        env: &'env Env,
        id: u32,
        codecs: Unknown<'_>,
    ) -> Result<Object<'env>> {
        let codecs: Vec<peer::RtpCodec> = env.from_js_value(codecs)?;
        let result = self.pc.set_codec_preferences(TransceiverId(id), &codecs);
        self.reply(env, result)
    }

    /// `transceiver.getHeaderExtensionsToNegotiate()`
    #[napi]
    pub fn header_extensions_to_negotiate<'env>(
        &self,
        env: &'env Env,
        id: u32,
    ) -> Result<Unknown<'env>> {
        env.to_js_value(&self.pc.header_extensions_to_negotiate(TransceiverId(id)))
    }

    /// `transceiver.setHeaderExtensionsToNegotiate()`
    #[napi]
    pub fn set_header_extensions_to_negotiate<'env>(
        &mut self,
        env: &'env Env,
        id: u32,
        extensions: Unknown<'_>,
    ) -> Result<Object<'env>> {
        let extensions: Vec<peer::RtpHeaderExtensionCapability> = env.from_js_value(extensions)?;
        let id = TransceiverId(id);
        let result = self.pc.set_header_extensions_to_negotiate(id, &extensions);
        self.reply(env, result)
    }

    /// `transceiver.getNegotiatedHeaderExtensions()`
    #[napi]
    pub fn negotiated_header_extensions<'env>(
        &self,
        env: &'env Env,
        id: u32,
    ) -> Result<Unknown<'env>> {
        env.to_js_value(&self.pc.negotiated_header_extensions(TransceiverId(id)))
    }

    /// A track that is for one peer alone (webrtc-identity §9).
    #[napi]
    pub fn isolate_track(&mut self, track: String, peer_identity: String) {
        self.pc
            .isolate_track(peer::TrackId::from(track), &peer_identity);
    }

    /// Whether what the sender's track gives may be transmitted.
    #[napi]
    pub fn may_transmit(&self, id: u32) -> bool {
        self.pc.may_transmit(TransceiverId(id))
    }

    /// `transceiver.rejection`
    #[napi]
    pub fn rejection(&self, id: u32) -> Option<String> {
        let rejection = self.pc.transceiver(TransceiverId(id))?.rejection();
        rejection.map(|why| why.to_string())
    }

    /// `sender.replaceTrack()`
    #[napi]
    pub fn replace_track<'env>(
        &mut self,
        env: &'env Env,
        id: u32,
        track: Option<NativeTrack>,
    ) -> Result<Object<'env>> {
        let track = track.map(Into::into);
        let operation = self.pc.replace_track(TransceiverId(id), track);
        self.operation(env, operation)
    }

    /// `sender.setStreams()`
    #[napi]
    pub fn set_streams<'env>(
        &mut self,
        env: &'env Env,
        id: u32,
        streams: Vec<String>,
    ) -> Result<Object<'env>> {
        let result = self.pc.set_streams(TransceiverId(id), &stream_ids(streams));
        self.reply(env, result)
    }

    /// `sender.getParameters()`
    #[napi]
    pub fn parameters<'env>(&mut self, env: &'env Env, id: u32) -> Result<Object<'env>> {
        let parameters = self.pc.parameters(TransceiverId(id));
        self.reply(env, Ok(parameters))
    }

    /// `sender.setParameters()`
    #[napi]
    pub fn set_parameters<'env>(
        &mut self,
        env: &'env Env,
        id: u32,
        parameters: Unknown<'_>,
    ) -> Result<Object<'env>> {
        let parameters: peer::RtpSendParameters = env.from_js_value(parameters)?;
        let operation = self.pc.set_parameters(TransceiverId(id), parameters);
        self.operation(env, operation)
    }

    /// `receiver.getParameters()`
    #[napi]
    pub fn receiver_parameters<'env>(&self, env: &'env Env, id: u32) -> Result<Unknown<'env>> {
        env.to_js_value(&self.pc.receiver_parameters(TransceiverId(id)))
    }

    /// A receiver's track was stopped by the application.
    #[napi]
    pub fn stop_track(&mut self, track: String) {
        self.pc.stop_track(&track.into());
    }

    /// The application changed what is in a stream of the remote end.
    #[napi]
    pub fn set_stream_tracks(&mut self, stream: String, tracks: Vec<String>) {
        let tracks = tracks.into_iter().map(Into::into).collect();
        self.pc.set_stream_tracks(&stream.into(), tracks);
    }

    /// `receiver.jitterBufferTarget = …`, in milliseconds.
    #[napi]
    pub fn set_jitter_buffer_target<'env>(
        &mut self,
        env: &'env Env,
        id: u32,
        target: Option<f64>,
    ) -> Result<Object<'env>> {
        let result = self.pc.set_jitter_buffer_target(TransceiverId(id), target);
        self.reply(env, result)
    }

    /// `receiver.sendKeyFrameRequest()`
    #[napi]
    pub fn send_key_frame_request<'env>(
        &mut self,
        env: &'env Env,
        id: u32,
        encoding: u32,
    ) -> Result<Object<'env>> {
        let id = TransceiverId(id);
        let result = self.pc.send_key_frame_request(id, encoding as usize);
        self.reply(env, result)
    }

    /// `dtmf.insertDTMF()`
    #[napi]
    pub fn insert_dtmf<'env>(
        &mut self,
        env: &'env Env,
        id: u32,
        tones: String,
        duration: u32,
        gap: u32,
    ) -> Result<Object<'env>> {
        let id = TransceiverId(id);
        let result = self.pc.insert_dtmf(id, &tones, duration, gap);
        self.reply(env, result)
    }
}

/// `RTCRtpSender.getCapabilities()` and `RTCRtpReceiver.getCapabilities()`
#[napi(ts_return_type = "object")]
pub fn capabilities<'env>(env: &'env Env, kind: String, side: String) -> Result<Unknown<'env>> {
    let (own, kind) = (environment::capabilities(), media_kind(&kind));
    env.to_js_value(&match side.as_str() {
        "send" => peer::PeerConnection::sender_capabilities(own, kind),
        _ => peer::PeerConnection::receiver_capabilities(own, kind),
    })
}

/// `NativeTransceiverInit`
#[derive(Deserialize)]
#[cfg_attr(
    feature = "typescript",
    derive(ts_rs::TS),
    ts(rename = "NativeTransceiverInit")
)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TransceiverInit {
    direction: peer::TransceiverDirection,
    streams: Vec<String>,
    send_encodings: Vec<peer::RtpEncodingParameters>,
}

impl From<TransceiverInit> for peer::TransceiverInit {
    fn from(init: TransceiverInit) -> Self {
        peer::TransceiverInit {
            direction: init.direction,
            streams: init.streams.into_iter().map(Into::into).collect(),
            send_encodings: init.send_encodings,
        }
    }
}

/// `NativeTrack`
#[napi(object)]
#[derive(Debug)]
pub struct NativeTrack {
    /// Its id.
    pub id: String,
    /// `audio` or `video`.
    pub kind: String,
}

pub(crate) fn media_kind(text: &str) -> peer::MediaKind {
    match text {
        "audio" => peer::MediaKind::Audio,
        _ => peer::MediaKind::Video,
    }
}

impl From<NativeTrack> for peer::Track {
    fn from(track: NativeTrack) -> Self {
        peer::Track {
            kind: media_kind(&track.kind),
            id: track.id.into(),
        }
    }
}

fn stream_ids(streams: Vec<String>) -> Vec<peer::MediaStreamId> {
    streams.into_iter().map(Into::into).collect()
}
