/** What passes between JavaScript and the core, made of the core's types by `npm run types`. */

/**
 * How many transports are prepared for a peer that may not bundle (webrtc-pc §4.2.4).
 */
export type BundlePolicy = "balanced" | "max-compat" | "max-bundle";

export type ChannelView = { key: number, label: string, ordered: boolean, maxPacketLifeTime?: number | null, maxRetransmits?: number | null, protocol: string, negotiated: boolean, priority: PriorityType, id?: number | null, readyState: DataChannelState, bufferedAmount: number, };

/**
 * How a connection is set up (webrtc-pc §4.2.1).
 */
export type Configuration = {
/**
 * STUN and TURN servers. [`crate::limits::MAX_ICE_SERVERS`] are used, the rest is ignored.
 */
iceServers: Array<IceServer>,
/**
 * Which candidates may be used.
 */
iceTransportPolicy: IceTransportPolicy,
/**
 * How many transports are prepared for a peer that may not bundle.
 */
bundlePolicy: BundlePolicy,
/**
 * Whether RTP and RTCP share a port.
 */
rtcpMuxPolicy: RtcpMuxPolicy,
/**
 * How many candidate sets are gathered before they are needed.
 */
iceCandidatePoolSize: number,
/**
 * The "target peer identity" (webrtc-identity): `user@domain`, whom a provider has to vouch for in
 * every description of the other end before it is applied.
 */
peerIdentity?: string | null,
/**
 * webrtc-extensions §4.2: offer data channels even when none was created yet.
 */
alwaysNegotiateDataChannels: boolean,
/**
 * Whether header extensions and CSRCs of RTP are encrypted (webrtc-extensions §13, RFC 9335).
 */
rtpHeaderEncryptionPolicy: RtpHeaderEncryptionPolicy, };

export type ConnectionView = { signalingState: SignalingState, iceGatheringState: IceGatheringState, iceConnectionState: IceConnectionState, connectionState: PeerConnectionState, canTrickleIceCandidates?: boolean | null,
/**
 * Which operation settles the promise.
 */
peerIdentity: number, idpLoginUrl?: string | null, idpErrorInfo?: string | null,
/**
 * JavaScript asks for the text of a description that somebody reads, when this has grown.
 */
descriptionsRevision: number, };

/**
 * Options of `createDataChannel` (webrtc-pc §6.2, webrtc-priority).
 */
export type DataChannelInit = {
/**
 * Messages arrive in the order they were sent.
 */
ordered: boolean,
/**
 * Milliseconds for which a message is retransmitted, at most.
 */
maxPacketLifeTime?: number | null,
/**
 * How often a message is retransmitted, at most.
 */
maxRetransmits?: number | null,
/**
 * Name of the protocol spoken on it.
 */
protocol: string,
/**
 * The application makes the channel at both ends, with the same `id`.
 */
negotiated: boolean,
/**
 * The channel's id, when `negotiated`.
 */
id?: number | null,
/**
 * The channel's priority among the channels of the connection.
 */
priority: PriorityType, };

/**
 * State of a data channel (webrtc-pc §6.2).
 */
export type DataChannelState = "connecting" | "open" | "closing" | "closed";

/**
 * What an encoder gives up first (mst-content-hint §4).
 */
export type DegradationPreference = "maintain-framerate" | "maintain-resolution" | "balanced" | "maintain-framerate-and-resolution";

/**
 * State of one DTLS transport (webrtc-pc §5.5.1).
 */
export type DtlsTransportState = "new" | "connecting" | "connected" | "closed" | "failed";

/**
 * What `addIceCandidate` takes (webrtc-pc §4.8.1.1); with the feature `serde` the browser's
 * JSON. The default value says that no more candidates come, for every media description.
 */
export type IceCandidateInit = {
/**
 * The candidate attribute, or empty for "no more candidates".
 */
candidate: string,
/**
 * The `a=mid` of its media description.
 */
sdpMid?: string | null,
/**
 * The index of its media description.
 */
sdpMLineIndex?: number | null,
/**
 * The ufrag of the ICE generation it belongs to.
 */
usernameFragment?: string | null, };

/**
 * The attributes of a candidate that its text says.
 */
export type IceCandidateParts = {
/**
 * Equal for candidates of the same origin.
 */
foundation: string,
/**
 * The candidate's component.
 */
component: IceComponent,
/**
 * The candidate's priority.
 */
priority: number,
/**
 * The candidate's address or host name; none for a remote candidate that the application did not add.
 */
address?: string | null,
/**
 * The candidate's transport protocol.
 */
protocol: IceProtocol,
/**
 * The candidate's port.
 */
port: number,
/**
 * The type of the candidate: where it comes from.
 */
type: IceCandidateType,
/**
 * The role of a TCP candidate.
 */
tcpType?: IceTcpCandidateType | null,
/**
 * The address that the candidate was derived from.
 */
relatedAddress?: string | null,
/**
 * The port that the candidate was derived from.
 */
relatedPort?: number | null, };

/**
 * Where a candidate comes from (webrtc-pc §4.8.1.5).
 */
export type IceCandidateType = "host" | "srflx" | "prflx" | "relay";

/**
 * Component of a candidate (webrtc-pc §5.6.6).
 */
export type IceComponent = "rtp" | "rtcp";

/**
 * ICE of all transports together (webrtc-pc §4.3.4).
 */
export type IceConnectionState = "closed" | "failed" | "disconnected" | "new" | "checking" | "completed" | "connected";

/**
 * How one shows a TURN server that one may use it: `(DOMString or RTCOAuthCredential)`, which is W3C
 * `credential`; `credentialType` follows from it.
 */
export type IceCredential = string | OAuthCredential;

/**
 * Options of [`StandaloneIceTransport::gather`].
 */
export type IceGatherOptions = {
/**
 * Which candidates.
 */
gatherPolicy: IceTransportPolicy,
/**
 * The servers.
 */
iceServers: Array<IceServer>, };

/**
 * Gathering of one ICE transport (webrtc-pc §5.6.3).
 */
export type IceGathererState = "new" | "gathering" | "complete";

/**
 * Gathering of all transports together (webrtc-pc §4.3.2).
 */
export type IceGatheringState = "new" | "gathering" | "complete";

/**
 * ICE credentials of one end (webrtc-pc §5.6.1).
 */
export type IceParameters = {
/**
 * The user name fragment.
 */
usernameFragment: string,
/**
 * The password.
 */
password: string, };

/**
 * Transport protocol of a candidate (webrtc-pc §4.8.1.3).
 */
export type IceProtocol = "udp" | "tcp";

/**
 * Who nominates pairs (webrtc-pc §5.6.5).
 */
export type IceRole = "unknown" | "controlling" | "controlled";

/**
 * One STUN or TURN server (webrtc-pc §4.2.2).
 */
export type IceServer = {
/**
 * The server's addresses: `stun:`, `stuns:`, `turn:` and `turns:` URLs. In JSON one of them may stand
 * without a list around it.
 */
urls: Array<string>,
/**
 * The user name at a TURN server.
 */
username?: string | null,
/**
 * The password at a TURN server, or the token for it.
 */
credential?: IceCredential | null, };

/**
 * How a TURN server is spoken to (webrtc-pc §4.8.1.6).
 */
export type IceServerTransportProtocol = "udp" | "tcp" | "tls";

/**
 * Role of a TCP candidate (webrtc-pc §4.8.1.4).
 */
export type IceTcpCandidateType = "active" | "passive" | "so";

/**
 * Which candidates may be used (webrtc-pc §4.2.3).
 */
export type IceTransportPolicy = "relay" | "all";

/**
 * State of one ICE transport (webrtc-pc §5.6.4).
 */
export type IceTransportState = "closed" | "failed" | "disconnected" | "new" | "checking" | "completed" | "connected";

/**
 * The validated identity of the other end.
 */
export type IdentityAssertion = {
/**
 * The domain of the provider that validated the identity.
 */
idp: string,
/**
 * The identity of the other end: `user@domain`.
 */
name: string, };

/**
 * What `generateAssertion` of a provider gives.
 */
export type IdentityAssertionResult = {
/**
 * Who can validate the assertion.
 */
idp: IdentityProviderDetails,
/**
 * The assertion, which only the provider understands.
 */
assertion: string, };

/**
 * Which provider, and how to talk to it: what its well-known URI is made of (RFC 8827 §7.5).
 */
export type IdentityProviderDetails = {
/**
 * The provider's domain, or rather authority: a port may follow.
 */
domain: string,
/**
 * The protocol, `default` unless said.
 */
protocol: string, };

/**
 * How a provider is to assert the identity of this end.
 */
export type IdentityProviderOptions = {
/**
 * Which of the provider's protocols; without `/` and `\`.
 */
protocol: string,
/**
 * Whose identity is wanted; only the provider knows what it means.
 */
usernameHint?: string | null,
/**
 * Whom the assertion is for, of providers that bind it to both ends. Unless given it is
 * [`Configuration::peer_identity`](crate::Configuration::peer_identity).
 */
peerIdentity?: string | null, };

/**
 * What `validateAssertion` of a provider gives.
 */
export type IdentityValidationResult = {
/**
 * The identity of the other end: `user@domain`.
 */
identity: string,
/**
 * What the assertion was generated for, unchanged.
 */
contents: string, };

/**
 * What `setLocalDescription` takes: without a type it makes the offer or answer that the
 * signalling state calls for; without text it applies the last one created, or a new one.
 */
export type LocalSessionDescription = {
/**
 * The description's type, if the application says.
 */
type?: SdpType | null,
/**
 * The description's text, empty for the implicit one.
 */
sdp: string, };

/**
 * What changed.
 */
export type Mirror = { connection?: ConnectionView | null,
/**
 * Those that changed, and a last time those that went.
 */
transceivers?: Array<TransceiverView>,
/**
 * The numbers of all, in order, when one came or went.
 */
listed?: Array<number> | null, transports?: Array<TransportView>, sctp?: SctpView | null | null, channels?: Array<ChannelView>,
/**
 * Channel and `bufferedAmount`, one after the other, where nothing else changed.
 */
amounts?: Array<number>, };

/**
 * What an identity provider answered.
 */
export type NativeAnswer = { "answer": "assertion" } & IdentityAssertionResult | { "answer": "validation" } & IdentityValidationResult | { "answer": "failed" } & NativeProviderFailure;

/**
 * Bits per second.
 */
export type NativeBitrateBounds = { min?: number | null, start?: number | null, max?: number | null, };

/**
 * `NativeCandidate`
 */
export type NativeCandidate = { init: IceCandidateInit, parts?: IceCandidateParts | null, relayProtocol?: IceServerTransportProtocol | null, url?: string | null, };

export type NativeCandidateError = { address: string | null, port: number | null, url: string, errorCode: number, errorText: string, };

export type NativeCandidatePair = { id: number, local: NativeCandidate, remote: NativeCandidate, };

export type NativeChannelEvent = { "type": "error", channel: number, error: NativeException, };

export type NativeConnectionEvent = { "type": "negotiationneeded" } | { "type": "signalingstatechange" } | { "type": "icegatheringstatechange" } | { "type": "iceconnectionstatechange" } | { "type": "connectionstatechange" } | { "type": "icecandidate", candidate: NativeCandidate | null, } | { "type": "icecandidateerror" } & NativeCandidateError | { "type": "track", transceiver: number, streams: Array<string>, } | { "type": "datachannel", channel: number, };

/**
 * `NativeDetails`
 */
export type NativeDetails = { contributingSources?: Array<number>,
/**
 * As many, in dB below overload, -1 of what is not known; or none.
 */
contributingLevels?: Array<number>,
/**
 * How long ago it was captured, in milliseconds.
 */
captureAge?: number,
/**
 * When it was captured, in milliseconds since 1900 by the clock of whoever did.
 */
captureTimestamp?: number,
/**
 * In milliseconds.
 */
senderCaptureTimeOffset?: number,
/**
 * Below 2^53.
 */
frameId?: number, dependencies?: Array<number>, spatial?: number,
/**
 * Into which layers the encoder divides its stream, as `L1T3`.
 */
scalabilityMode?: string, };

export type NativeDtlsEvent = { "type": "statechange", key: number, } | { "type": "error", key: number, error: NativeException, };

export type NativeDtmfEvent = { "type": "tonechange", transceiver: number, tone: string, };

/**
 * `NativeEffect`: an event to dispatch, or a promise to settle. What is frequent at channels is no
 * such object, see [`Told`].
 */
export type NativeEffect = { "effect": "event" } & NativeEvent | { "effect": "resolve" } & NativeResolution | { "effect": "reject" } & NativeRejection | { "effect": "ask" } & NativeQuestion;

/**
 * `EndpointOptions`, checked and with its defaults.
 */
export type NativeEndpointOptions = { loopback: boolean, ipv4: boolean, ipv6: boolean, onlyInterfaces: Array<string>, exceptInterfaces: Array<string>, onlyAddresses: Array<string>, exceptAddresses: Array<string>, udp: boolean, tcp: NativeTcpTypes, tlsRoots?: string | null, sharedPort?: number | null, portRange?: [number, number] | null, externalAddresses: Array<NativeExternalAddress>, hideHostAddresses: boolean, gatherContinually: boolean, iceLite: boolean, iceRenomination: boolean, maxChannels?: number | null, bitrateBounds?: NativeBitrateBounds | null, congestionControlFeedback: boolean, socketBuffers?: NativeSocketBuffers | null, };

export type NativeErrorInit = { errorDetail: RtcErrorDetail, sdpLineNumber?: number | null, sctpCauseCode?: number | null, receivedAlert?: number | null, sentAlert?: number | null, httpRequestStatusCode?: number | null, };

/**
 * `NativeEvent`: whose it is, and then its `type`. The state that events tell of is in the mirror.
 */
export type NativeEvent = { "target": "connection" } & NativeConnectionEvent | { "target": "stream" } & NativeStreamEvent | { "target": "track" } & NativeTrackEvent | { "target": "dtls" } & NativeDtlsEvent | { "target": "ice" } & NativeIceEvent | { "target": "sctp" } & NativeSctpEvent | { "target": "channel" } & NativeChannelEvent | { "target": "sender" } & NativeSenderEvent | { "target": "dtmf" } & NativeDtmfEvent;

export type NativeException = { name: string, message: string, rtc?: NativeErrorInit | null, };

export type NativeExternalAddress = { address: string, local?: string | null, replaces: boolean, };

export type NativeIceEvent = { "type": "statechange", key: number, } | { "type": "gatheringstatechange", key: number, } | { "type": "selectedcandidatepairchange", key: number, } | { "type": "icecandidatepairadd" } & NativePairEvent | { "type": "icecandidatepairnominate" } & NativePairEvent | { "type": "icecandidatepairremove" } & NativePairEvent;

export type NativeKeyFrameRequest = { transceiver: number, encoding: number, rid?: string | null, };

/**
 * Of a candidate pair; one that is cancelable is answered.
 */
export type NativePairEvent = { key: number, pair: NativeCandidatePair, cancelable: boolean, };

export type NativeProviderFailure = { detail: RtcErrorDetail, message: string, httpRequestStatusCode?: number | null, loginUrl?: string | null, errorInfo?: string | null, };

/**
 * What an identity provider is asked: an assertion, unless there is one to validate.
 */
export type NativeQuestion = { question: number, provider: IdentityProviderDetails, contents?: string | null, options?: IdentityProviderOptions | null, assertion?: string | null, };

export type NativeRejection = { operation: number, exception: NativeException, };

export type NativeResolution = { operation: number, description?: SessionDescription | null,
/**
 * JSON: its counters are wider than what a `u32` of Node-API holds, and it is large.
 */
stats?: string | null, assertion?: string | null, identity?: IdentityAssertion | null, };

export type NativeSctpEvent = { "type": "statechange" };

export type NativeSenderEvent = { "type": "keyframerequest" } & NativeKeyFrameRequest;

export type NativeSocketBuffers = { receive: number, send: number, };

export type NativeStreamEvent = { "type": "addtrack", stream: string, track: string, } | { "type": "removetrack", stream: string, track: string, };

export type NativeTcpTypes = { active: boolean, passive: boolean, simultaneousOpen: boolean, };

export type NativeTrackEvent = { "type": "mute", track: string, } | { "type": "unmute", track: string, } | { "type": "ended", track: string, } | { "type": "isolationchange", track: string, isolated: boolean, };

/**
 * `NativeTransceiverInit`
 */
export type NativeTransceiverInit = { direction: TransceiverDirection, streams: Array<string>, sendEncodings: Array<RtpEncodingParameters>, };

/**
 * What an authorization server gives for a TURN server (RFC 7635), each in base64 or base64url: W3C
 * `RTCOAuthCredential`, which webrtc-extensions had until 2025.
 */
export type OAuthCredential = {
/**
 * The key that protects what is said to the server (RFC 7635 §4.1).
 */
macKey: string,
/**
 * What only the server can read (RFC 7635 §6.2).
 */
accessToken: string, };

/**
 * Options of `createOffer`.
 */
export type OfferOptions = {
/**
 * New ICE credentials, so that applying the offer restarts ICE.
 */
iceRestart: boolean,
/**
 * Legacy (webrtc-pc §4.4.4): `true` makes sure one audio transceiver receives, `false` that
 * none does.
 */
offerToReceiveAudio?: boolean | null,
/**
 * Legacy: the same for video.
 */
offerToReceiveVideo?: boolean | null, };

/**
 * ICE and DTLS of all transports together (webrtc-pc §4.3.3).
 */
export type PeerConnectionState = "closed" | "failed" | "disconnected" | "new" | "connecting" | "connected";

/**
 * Relative priority of a channel or encoding (webrtc-priority §3).
 */
export type PriorityType = "very-low" | "low" | "medium" | "high";

/**
 * A resolution that an encoding does not exceed (webrtc-extensions).
 */
export type ResolutionRestriction = {
/**
 * The largest width.
 */
maxWidth?: number | null,
/**
 * The largest height.
 */
maxHeight?: number | null, };

/**
 * What went wrong, of an `RTCError` (webrtc-pc §11.2.3).
 */
export type RtcErrorDetail = "data-channel-failure" | "dtls-failure" | "fingerprint-failure" | "sctp-failure" | "sdp-syntax-error" | "hardware-encoder-not-available" | "hardware-encoder-error" | "idp-bad-script-failure" | "idp-execution-failure" | "idp-load-failure" | "idp-need-login" | "idp-timeout" | "idp-tls-failure" | "idp-token-expired" | "idp-token-invalid";

/**
 * Whether RTP and RTCP share a port (webrtc-pc §4.2.5): always.
 */
export type RtcpMuxPolicy = "require";

/**
 * RTCP's parameters (webrtc-pc §5.2.6).
 */
export type RtcpParameters = {
/**
 * The canonical name in SDES. Receivers have none here.
 */
cname?: string | null,
/**
 * Whether reduced-size RTCP (RFC 5506) is negotiated.
 */
reducedSize?: boolean, };

/**
 * What senders or receivers of a kind can do (webrtc-pc §5.2.10).
 */
export type RtpCapabilities = {
/**
 * Codecs, with a single entry for retransmission.
 */
codecs: Array<RtpCodec>,
/**
 * Header extensions.
 */
headerExtensions: Array<RtpHeaderExtensionCapability>, };

/**
 * A codec (webrtc-pc §5.2.8).
 */
export type RtpCodec = {
/**
 * MIME type, as `audio/opus`.
 */
mimeType: string,
/**
 * Hertz of the RTP clock.
 */
clockRate: number,
/**
 * Channels of audio.
 */
channels?: number | null,
/**
 * Format parameters, as after the payload type in `a=fmtp`.
 */
sdpFmtpLine?: string | null, };

/**
 * A negotiated codec (webrtc-pc §5.2.9).
 */
export type RtpCodecParameters = {
/**
 * The codec's payload type.
 */
payloadType: number,
/**
 * MIME type, as `audio/opus`.
 */
mimeType: string,
/**
 * Hertz of the RTP clock.
 */
clockRate: number,
/**
 * Channels of audio.
 */
channels?: number | null,
/**
 * Format parameters, as after the payload type in `a=fmtp`.
 */
sdpFmtpLine?: string | null, };

/**
 * Whose media a receiver received lately (webrtc-pc §5.3, webrtc-extensions §8).
 */
export type RtpContributingSource = {
/**
 * When its last packet came, in milliseconds since 1970. What is received is given to the
 * application at once, so there is no later time at which it is played out.
 */
timestamp: number,
/**
 * The CSRC or SSRC.
 */
source: number,
/**
 * The loudness of audio, from 0 to 1 of the loudest there is, if packets say it (RFC 6464, RFC 6465).
 */
audioLevel?: number,
/**
 * The time stamp of that packet.
 */
rtpTimestamp: number,
/**
 * When what is in it was captured, in milliseconds since 1900 by the clock of whoever did
 * (`abs-capture-time`).
 */
captureTimestamp?: number,
/**
 * How far that clock is ahead of the sender's, in milliseconds, as the sender says.
 */
senderCaptureTimeOffset?: number, };

/**
 * One encoding of a sender (webrtc-pc §5.2.5, webrtc-extensions, webrtc-priority, webrtc-svc).
 */
export type RtpEncodingParameters = {
/**
 * The encoding's RID, when there are several. Read-only in `setParameters`.
 */
rid?: string | null,
/**
 * Whether the encoding is sent.
 */
active: boolean,
/**
 * The codec to use, else the first negotiated one.
 */
codec?: RtpCodec | null,
/**
 * Bits per second, at most, without the overhead of IP, UDP and RTP (RFC 3890 §6.2.2).
 */
maxBitrate?: number | null,
/**
 * Frames per second, at most.
 */
maxFramerate?: number | null,
/**
 * The number by which width and height are divided; at least 1.
 */
scaleResolutionDownBy?: number | null,
/**
 * The largest width and height, whichever way the frame lies (webrtc-extensions).
 */
scaleResolutionDownTo?: ResolutionRestriction | null,
/**
 * Scalability mode (webrtc-svc), as `L1T2`.
 */
scalabilityMode?: string | null,
/**
 * Priority among the encodings and channels of the connection (webrtc-priority).
 */
priority: PriorityType,
/**
 * Priority of its packets in the network (webrtc-priority).
 */
networkPriority?: PriorityType | null,
/**
 * Milliseconds of audio per packet, as asked for (webrtc-extensions).
 */
ptime?: number | null,
/**
 * Whether the sender may choose the packet time (webrtc-extensions).
 */
adaptivePtime: boolean, };

/**
 * Whether the header extensions and CSRCs of RTP are encrypted (webrtc-extensions §13, RFC 9335).
 */
export type RtpHeaderEncryptionPolicy = "disable" | "negotiate" | "require";

/**
 * A header extension that can be negotiated (webrtc-pc §5.2.11, webrtc-extensions §5).
 */
export type RtpHeaderExtensionCapability = {
/**
 * The extension's URI.
 */
uri: string,
/**
 * The direction in which it is negotiated; `Stopped` when it is not to be negotiated.
 */
direction: TransceiverDirection, };

/**
 * A negotiated header extension (webrtc-pc §5.2.7).
 */
export type RtpHeaderExtensionParameters = {
/**
 * The extension's URI.
 */
uri: string,
/**
 * The extension's number in packets.
 */
id: number,
/**
 * Whether the extension is encrypted.
 */
encrypted: boolean, };

/**
 * What `getParameters` of a receiver returns (webrtc-pc §5.2.3).
 */
export type RtpReceiveParameters = {
/**
 * Header extensions that the receiver is prepared to receive.
 */
headerExtensions: Array<RtpHeaderExtensionParameters>,
/**
 * RTCP's parameters.
 */
rtcp: RtcpParameters,
/**
 * Codecs that the receiver is prepared to receive.
 */
codecs: Array<RtpCodecParameters>, };

/**
 * What `getParameters` of a sender returns and `setParameters` takes (webrtc-pc §5.2.2).
 */
export type RtpSendParameters = {
/**
 * Ties a `setParameters` to the `getParameters` before it.
 */
transactionId: string,
/**
 * The encodings, in order.
 */
encodings: Array<RtpEncodingParameters>,
/**
 * Negotiated header extensions. Read-only.
 */
headerExtensions: Array<RtpHeaderExtensionParameters>,
/**
 * RTCP's parameters. Read-only.
 */
rtcp: RtcpParameters,
/**
 * Negotiated codecs. Read-only.
 */
codecs: Array<RtpCodecParameters>,
/**
 * What the encoder gives up first (mst-content-hint).
 */
degradationPreference?: DegradationPreference | null, };

/**
 * State of the SCTP transport (webrtc-pc §6.1.2).
 */
export type SctpTransportState = "connecting" | "connected" | "closed";

export type SctpView = { transport: number, state: SctpTransportState, maxMessageSize?: number | null, maxChannels?: number | null, };

/**
 * The type of a session description (webrtc-pc §4.6.1).
 */
export type SdpType = "offer" | "pranswer" | "answer" | "rollback";

/**
 * A description: type and SDP text. Both `RTCSessionDescriptionInit` and the attributes of
 * `RTCSessionDescription`; with the feature `serde` it is the browser's JSON.
 */
export type SessionDescription = {
/**
 * The description's type.
 */
type: SdpType,
/**
 * The description's text; unused for a rollback.
 */
sdp: string, };

/**
 * Where the offer/answer exchange stands (webrtc-pc §4.3.1).
 */
export type SignalingState = "stable" | "have-local-offer" | "have-remote-offer" | "have-local-pranswer" | "have-remote-pranswer" | "closed";

/**
 * What a transceiver sends and receives (webrtc-pc §5.4).
 */
export type TransceiverDirection = "sendrecv" | "sendonly" | "recvonly" | "inactive" | "stopped";

export type TransceiverView = { id: number, listed: boolean, kind: 'audio' | 'video', mid?: string | null, direction: TransceiverDirection, currentDirection?: TransceiverDirection | null, rtpHeaderEncryptionNegotiated: boolean, senderTrack?: string | null, senderTransport?: number | null, receiverTrack: string, receiverTransport?: number | null, canInsertDtmf: boolean, toneBuffer: string, };

export type TransportView = { key: number, dtlsState: DtlsTransportState, iceState: IceTransportState, iceGatheringState: IceGathererState, iceRole: IceRole, };
