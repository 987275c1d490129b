// End-to-end encryption: frames are encrypted and decrypted in a worker, with a key that no server in
// between knows. Between two hosts the key comes by a way of its own.
import { randomBytes } from 'node:crypto';
import { Worker } from 'node:worker_threads';
import { RTCPeerConnection, RTCRtpScriptTransform } from 'duologue';

const FRAMES = 100;
const key = randomBytes(16);
const worker = new Worker(new URL('e2ee-worker.mjs', import.meta.url));

const caller = new RTCPeerConnection();
const callee = new RTCPeerConnection();
caller.onicecandidate = ({ candidate }) => callee.addIceCandidate(candidate);
callee.onicecandidate = ({ candidate }) => caller.addIceCandidate(candidate);

// Between whoever makes the frames and the network, and between the network and whoever reads them.
const { sender } = caller.addTransceiver('audio', { direction: 'sendonly' });
sender.transform = new RTCRtpScriptTransform(worker, { operation: 'encrypt', key });
callee.ontrack = async ({ receiver }) => {
  receiver.transform = new RTCRtpScriptTransform(worker, { operation: 'decrypt', key });
  // Beside it, what anybody on the way sees.
  const onTheWay = receiver.packets();
  let [received, readable] = [0, 0];
  for await (const frame of receiver.frames()) {
    for (let packet; (packet = onTheWay.tryRecv()); ) readable += Buffer.from(packet.payload).includes('secret') ? 1 : 0;
    if (received === 0) console.log(`first: ${Buffer.from(frame.data)}`);
    if (++received === FRAMES) break;
  }
  console.log(`${received} frames received, ${readable} of them readable on the way`);
  for (const pc of [caller, callee]) pc.close();
  await worker.terminate();
};

await caller.setLocalDescription();
await callee.setRemoteDescription(caller.localDescription);
await callee.setLocalDescription();
await caller.setRemoteDescription(callee.localDescription);
while (caller.connectionState !== 'connected') await new Promise((done) => (caller.onconnectionstatechange = done));

// An encoder would be here.
const frames = Array.from({ length: FRAMES }, (_, i) => ({ data: Buffer.from(`opus with a secret ${i}`), timestamp: i * 960 }));
await sender.frames().sendAll(frames);
