/**
 * `import 'duologue/legacy'`: the obsolete names of `RTCPeerConnection`. The W3C's documents have them no
 * more, and web-platform-tests want them absent (`webrtc/historical.html`), so that they are there
 * only for who asks. What they do is what they did last: streams are sent and received track by track.
 */
import './transform/encoded-streams.js';
import { RTCError } from './errors.js';
import { eventInterface } from './events/event.js';
import * as shapes from './idl/interfaces.js';
import { EventInit, MediaStreamObject, MediaStreamTrackObject, RTCPeerConnectionErrorCallback } from './idl/types.js';
import type { MediaStream } from './media/stream.js';
import type { MediaStreamTrack } from './media/track.js';
import { type Connection, identityObservers, streamObservers } from './rtc/connection.js';
import type { RTCDTMFSender } from './rtc/dtmf-sender.js';
import { RTCPeerConnection, connectionOf } from './rtc/peer-connection.js';
import { senderSlots } from './rtc/rtp-sender.js';
import type { RTCStatsReport } from './rtc/stats-report.js';
import {
  DOMString,
  arg,
  attribute,
  callback,
  dictionary,
  dictionaryArg,
  eventHandler,
  extendInterface,
  interfaceShape,
  nullable,
  operation,
  optional,
  optionalArg,
  required,
  union,
} from './webidl/index.js';

const MediaStreamEventInit = dictionary('MediaStreamEventInit', { stream: optional(nullable(MediaStreamObject)) }, EventInit);

/** A stream of the other end came or went. */
export const MediaStreamEvent = eventInterface(
  interfaceShape('MediaStreamEvent', { stream: attribute() }, [[arg(DOMString), dictionaryArg(MediaStreamEventInit)]]),
);
export type MediaStreamEvent = InstanceType<typeof MediaStreamEvent>;

/** A connection that is open. */
function open(pc: RTCPeerConnection): Connection {
  const connection = connectionOf(pc);
  connection.assertOpen();
  return connection;
}

/** The streams that are sent, in the order of their senders. */
function localStreams(connection: Connection): MediaStream[] {
  const sending = connection.senders.map(senderSlots).filter(({ track }) => track !== null);
  return [...new Set(sending.flatMap(({ streams }) => streams))];
}

const streamMethods = {
  addStream(this: RTCPeerConnection, stream: MediaStream): void {
    const sent = new Set(open(this).senders.map((sender) => sender.track));
    for (const track of stream.getTracks()) if (!sent.has(track)) this.addTrack(track, stream);
  },
  removeStream(this: RTCPeerConnection, stream: MediaStream): void {
    for (const sender of open(this).senders) {
      if (sender.track && senderSlots(sender).streams.includes(stream)) this.removeTrack(sender);
    }
  },
  getLocalStreams(this: RTCPeerConnection): MediaStream[] {
    return localStreams(connectionOf(this));
  },
  getRemoteStreams(this: RTCPeerConnection): MediaStream[] {
    return connectionOf(this).remoteStreams;
  },
  getStreamById(this: RTCPeerConnection, id: string): MediaStream | null {
    const connection = connectionOf(this);
    return [...localStreams(connection), ...connection.remoteStreams].find((stream) => stream.id === id) ?? null;
  },
  createDTMFSender(this: RTCPeerConnection, track: MediaStreamTrack): RTCDTMFSender {
    const sender = open(this).senders.find((it) => it.track === track);
    if (!sender?.dtmf) throw new DOMException('The track is no sound that is sent', 'InvalidAccessError');
    return sender.dtmf;
  },
};

extendInterface(RTCPeerConnection, streamMethods, {
  addStream: operation([[arg(MediaStreamObject)]]),
  removeStream: operation([[arg(MediaStreamObject)]]),
  getLocalStreams: operation(),
  getRemoteStreams: operation(),
  getStreamById: operation([[arg(DOMString)]]),
  createDTMFSender: operation([[arg(MediaStreamTrackObject)]]),
  onaddstream: eventHandler(),
  onremovestream: eventHandler(),
});

// --- events

/** The streams of which `addstream` told, and `removestream` did not. */
const announced = new WeakSet<MediaStream>();

const fire = (connection: Connection, type: string, stream: MediaStream): void => {
  connection.target.dispatchEvent(new MediaStreamEvent(type, { stream }));
};

streamObservers.add({
  announced(connection, streams) {
    for (const stream of streams) {
      if (announced.has(stream)) continue;
      announced.add(stream);
      fire(connection, 'addstream', stream);
    }
  },
  removed(connection, stream) {
    if (connection.remoteStreams.includes(stream) || !announced.delete(stream)) return;
    fire(connection, 'removestream', stream);
  },
});

// --- identities, before they were promises

const RTCIdentityEventInit = dictionary('RTCIdentityEventInit', { assertion: required(DOMString) }, EventInit);
const RTCIdentityErrorEventInit = dictionary(
  'RTCIdentityErrorEventInit',
  { idp: required(DOMString), protocol: required(DOMString), loginUrl: optional(nullable(DOMString)) },
  EventInit,
);

/** A provider vouches for this end. */
export const RTCIdentityEvent = eventInterface(
  interfaceShape('RTCIdentityEvent', { assertion: attribute() }, [[arg(DOMString), arg(RTCIdentityEventInit)]]),
);
export type RTCIdentityEvent = InstanceType<typeof RTCIdentityEvent>;

/** A provider vouches for nobody. */
export const RTCIdentityErrorEvent = eventInterface(
  interfaceShape('RTCIdentityErrorEvent', { idp: attribute(), protocol: attribute(), loginUrl: attribute(undefined, { initial: null }) }, [
    [arg(DOMString), arg(RTCIdentityErrorEventInit)],
  ]),
);
export type RTCIdentityErrorEvent = InstanceType<typeof RTCIdentityErrorEvent>;

identityObservers.add({
  asserted({ target }, assertion) {
    target.dispatchEvent(new RTCIdentityEvent('identityresult', { assertion }));
  },
  failed({ target }, { provider, assertion }, { loginUrl }) {
    const type = assertion == null ? 'idpassertionerror' : 'idpvalidationerror';
    const init = { idp: provider.domain, protocol: provider.protocol, loginUrl: loginUrl ?? null };
    target.dispatchEvent(new RTCIdentityErrorEvent(type, init));
  },
  validated({ target }) {
    target.dispatchEvent(new Event('peeridentity'));
  },
});

extendInterface(
  RTCPeerConnection,
  {},
  {
    onidentityresult: eventHandler(),
    onidpassertionerror: eventHandler(),
    onidpvalidationerror: eventHandler(),
    onpeeridentity: eventHandler(),
  },
);

// --- callbacks

type FailureCallback = (error: DOMException) => unknown;
type StatsCallback = (report: RTCStatsReport) => unknown;
const StatsCallback = callback<StatsCallback>('RTCStatsCallback');

/** What is wrong with a description, and not with the state, had one name where callbacks were told of it. */
function asInvalidDescription(error: DOMException): DOMException {
  const isOfDescription = error instanceof RTCError || ['InvalidAccessError', 'OperationError'].includes(error.name);
  return isOfDescription ? new DOMException(error.message, 'InvalidSessionDescriptionError') : error;
}

type Method = (this: RTCPeerConnection, ...args: unknown[]) => Promise<unknown>;
const { getStats, setLocalDescription, setRemoteDescription } = RTCPeerConnection.prototype as unknown as Record<string, Method>;

/** The method, whose third argument learns of failures by their old name. */
const withOldName = (method: Method): Method =>
  function (description, success, failure) {
    if (!failure) return Reflect.apply(method, this, [description]);
    const renamed: FailureCallback = (error) => Reflect.apply(failure as FailureCallback, undefined, [asInvalidDescription(error)]);
    return Reflect.apply(method, this, [description, success, renamed]);
  };

const { members } = shapes.RTCPeerConnection;
const descriptionMethods = {
  setLocalDescription: withOldName(setLocalDescription),
  setRemoteDescription: withOldName(setRemoteDescription),
};

extendInterface(RTCPeerConnection, descriptionMethods, {
  setLocalDescription: members.setLocalDescription,
  setRemoteDescription: members.setRemoteDescription,
});

/** `getStats(selector)`, `getStats(success)` and `getStats(selector, success, failure)`. */
const statsMethods = {
  getStats(
    this: RTCPeerConnection,
    first: MediaStreamTrack | StatsCallback | null,
    second?: StatsCallback,
    failure?: FailureCallback,
  ): Promise<unknown> {
    const [selector, success] = typeof first === 'function' ? [null, first] : [first, second];
    const report = Reflect.apply(getStats, this, [selector]) as Promise<RTCStatsReport>;
    if (!success) return report;
    report.then(success, failure).catch((error: unknown) => {
      // As that of an event handler.
      process.nextTick(() => {
        throw error;
      });
    });
    return Promise.resolve();
  },
};

extendInterface(RTCPeerConnection, statsMethods, {
  getStats: operation(
    [
      [
        optionalArg(nullable(union(MediaStreamTrackObject, StatsCallback)), null),
        optionalArg(nullable(StatsCallback)),
        optionalArg(nullable(RTCPeerConnectionErrorCallback)),
      ],
    ],
    { isPromise: true },
  ),
});

// After `duologue/polyfill` they are global names, as the others are.
if ((globalThis as { RTCPeerConnection?: unknown }).RTCPeerConnection === RTCPeerConnection) {
  for (const [name, value] of Object.entries({ MediaStreamEvent, RTCIdentityEvent, RTCIdentityErrorEvent })) {
    Object.defineProperty(globalThis, name, { value, writable: true, enumerable: false, configurable: true });
  }
}
