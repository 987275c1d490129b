/// <reference lib="dom" />
/**
 * `import 'duologue/legacy'`: the obsolete names of `RTCPeerConnection`, for programs that have them. A
 * new one adds tracks, and listens for `track`.
 */
declare global {
  interface RTCPeerConnection {
    /** Sends the tracks of the stream that are not sent yet. */
    addStream(stream: MediaStream): void;
    /** Sends the stream's tracks no more. */
    removeStream(stream: MediaStream): void;
    getLocalStreams(): MediaStream[];
    getRemoteStreams(): MediaStream[];
    /** A local or a remote stream. */
    getStreamById(id: string): MediaStream | null;
    /** `sender.dtmf` of the sender of a track. */
    createDTMFSender(track: MediaStreamTrack): RTCDTMFSender;
    onaddstream: ((this: RTCPeerConnection, event: MediaStreamEvent) => unknown) | null;
    onremovestream: ((this: RTCPeerConnection, event: MediaStreamEvent) => unknown) | null;
    onidentityresult: ((this: RTCPeerConnection, event: RTCIdentityEvent) => unknown) | null;
    onidpassertionerror: ((this: RTCPeerConnection, event: RTCIdentityErrorEvent) => unknown) | null;
    onidpvalidationerror: ((this: RTCPeerConnection, event: RTCIdentityErrorEvent) => unknown) | null;
    onpeeridentity: ((this: RTCPeerConnection, event: Event) => unknown) | null;
    getStats(success: (report: RTCStatsReport) => void): Promise<void>;
    getStats(
      selector: MediaStreamTrack | null,
      success: (report: RTCStatsReport) => void,
      failure?: (error: DOMException) => void,
    ): Promise<void>;
  }
}

/** What Chromium's `createEncodedStreams()` gives: encoded frames, each to be written at most once. */
export interface EncodedStreams {
  readonly readable: ReadableStream<RTCEncodedVideoFrame | RTCEncodedAudioFrame>;
  readonly writable: WritableStream<RTCEncodedVideoFrame | RTCEncodedAudioFrame>;
}
declare global {
  interface RTCRtpSender {
    /** In a new program `transform` takes an `RTCRtpScriptTransform`, whose frames do not wait for this thread. */
    createEncodedStreams(): EncodedStreams;
  }
  interface RTCRtpReceiver {
    createEncodedStreams(): EncodedStreams;
  }
}

/** `addstream` and `removestream`. */
export interface MediaStreamEvent extends Event {
  readonly stream: MediaStream | null;
}
export declare const MediaStreamEvent: {
  prototype: MediaStreamEvent;
  new (type: string, init?: EventInit & { stream?: MediaStream | null }): MediaStreamEvent;
};

/** `identityresult`: this end's assertion was made. */
export interface RTCIdentityEvent extends Event {
  readonly assertion: string;
}
export declare const RTCIdentityEvent: {
  prototype: RTCIdentityEvent;
  new (type: string, init: EventInit & { assertion: string }): RTCIdentityEvent;
};

/** `idpassertionerror` and `idpvalidationerror`: a provider vouches for nobody. */
export interface RTCIdentityErrorEvent extends Event {
  readonly idp: string;
  readonly protocol: string;
  readonly loginUrl: string | null;
}
export declare const RTCIdentityErrorEvent: {
  prototype: RTCIdentityErrorEvent;
  new (type: string, init: EventInit & { idp: string; protocol: string; loginUrl?: string | null }): RTCIdentityErrorEvent;
};
