/**
 * After `import 'duologue/transfer'` in both threads, a data channel can be transferred:
 * `worker.postMessage(channel, [channel])`, right after `createDataChannel()` or in the handler of
 * `datachannel`, before anything is sent (webrtc-pc §6.2). `postMessage` of ports and workers and the
 * delivery of their messages are wrapped for that; `structuredClone()` and `receiveMessageOnPort()`
 * are not.
 */
export {};
