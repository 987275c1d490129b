/** The WebIDL conversion library: types, dictionaries, interfaces, event handlers. */
export * from './convert.js';
export * from './dictionary.js';
export * from './interface.js';
export * from './platform.js';
export type { EventHandler } from './event-handler.js';
