/**
 * After `import 'duologue/transfer'` in both threads, a data channel can be transferred:
 * `worker.postMessage(channel, [channel])`, right after `createDataChannel()` or in the handler of
 * `datachannel`, before anything is sent (webrtc-pc §6.2). A certificate can be cloned (webrtc-pc §4.10.2), with its
 * private key: by `postMessage`, by `structuredClone()`, and by `v8.serialize()` and `v8.deserialize()`, whose bytes can be
 * kept. These and `receiveMessageOnPort()` are wrapped for that, as is the delivery of messages of ports and workers.
 */
export {};
