/**
 * `import 'duologue/polyfill'`: puts the interfaces on the global object, as a browser has them. What
 * Node has stays as it is; to transfer data channels, `duologue/transfer` is imported.
 */
import * as duologue from './index.js';

const { mediaDevices, workerScope, KeyFrameRequestEvent, RTCRtpScriptTransformer, RTCTransformEvent, ...others } = duologue;
// No browser has this one.
const { Endpoint: _, ...everywhere } = others;
// [Exposed=DedicatedWorker]
const ofWorkers = { KeyFrameRequestEvent, RTCRtpScriptTransformer, RTCTransformEvent };
const interfaces = workerScope ? { ...everywhere, ...ofWorkers } : everywhere;

for (const [name, value] of Object.entries(interfaces)) {
  // https://webidl.spec.whatwg.org/#define-the-global-property-references
  Object.defineProperty(globalThis, name, { value, writable: true, enumerable: false, configurable: true });
}

// https://w3c.github.io/webrtc-encoded-transform/#rtctransformevent
if (workerScope) {
  Object.defineProperty(globalThis, 'onrtctransform', {
    get: () => workerScope?.onrtctransform,
    set: (handler: typeof workerScope.onrtctransform) => void (workerScope && (workerScope.onrtctransform = handler)),
    enumerable: true,
    configurable: true,
  });
}

// Node 21 and later have a navigator.
const holder = globalThis as { navigator?: object };
holder.navigator ??= {};
Object.defineProperty(holder.navigator, 'mediaDevices', {
  get: () => mediaDevices,
  enumerable: true,
  configurable: true,
});
