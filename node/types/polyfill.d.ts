/// <reference lib="dom" />
/**
 * `import 'duologue/polyfill'` puts the interfaces of `duologue` on `globalThis` and
 * `mediaDevices` on `navigator`, as a browser has them, and imports `duologue/transfer`. Their types
 * are those of `lib.dom.d.ts`.
 */
export {};
