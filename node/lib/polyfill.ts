/**
 * `import 'duologue/polyfill'`: puts the interfaces on the global object, as a browser has them. What
 * Node has stays as it is; to transfer data channels, `duologue/transfer` is imported.
 */
import * as duologue from './index.js';

// No browser has the last one.
const { mediaDevices, Endpoint: _, ...interfaces } = duologue;

for (const [name, value] of Object.entries(interfaces)) {
  // https://webidl.spec.whatwg.org/#define-the-global-property-references
  Object.defineProperty(globalThis, name, { value, writable: true, enumerable: false, configurable: true });
}

// Node 21 and later have a navigator.
const holder = globalThis as { navigator?: object };
holder.navigator ??= {};
Object.defineProperty(holder.navigator, 'mediaDevices', {
  get: () => mediaDevices,
  enumerable: true,
  configurable: true,
});
