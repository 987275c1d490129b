/// <reference lib="dom" />
/**
 * `import 'duologue/polyfill'` puts the interfaces of `duologue` on `globalThis` and
 * `mediaDevices` on `navigator`, as a browser has them. Their types are those of `lib.dom.d.ts`.
 * `import 'duologue/transfer'` beside it lets data channels be transferred to workers.
 */
export {};
