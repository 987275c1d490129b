// The package under test, and what the runner's page asks of an implementation beside the W3C's names.
export * from '../index.mjs';

export const wptHooks = {};
