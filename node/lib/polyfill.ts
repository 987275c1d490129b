/**
 * `import 'duologue/polyfill'`: puts the interfaces on the global object, as a browser has them. What
 * Node has stays as it is; to transfer data channels, `duologue/transfer` is imported.
 */
import { EXPOSED_IN_WORKERS_ONLY } from './idl/interfaces.js';
import * as duologue from './index.js';

const { mediaDevices, workerScope, ...interfaces } = duologue;
// No browser has this one.
const own = ['Endpoint'];
const hidden = new Set(workerScope ? own : [...own, ...EXPOSED_IN_WORKERS_ONLY]);

for (const [name, value] of Object.entries(interfaces)) {
  if (hidden.has(name)) continue;
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
