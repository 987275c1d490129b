// One end of a document that y-webrtc shares, in a process of its own: `fork()` gives it the URL of the
// signalling server and the text that it writes; it tells how long the other end's is.
import * as Y from 'yjs';
import { WebSocket } from 'ws';
import '../../dist/polyfill.js';

// What it takes from a browser beside WebRTC.
globalThis.WebSocket ??= WebSocket;
const { WebrtcProvider } = await import('y-webrtc');

const [signaling, name, text] = process.argv.slice(2);
const doc = new Y.Doc();
const texts = doc.getMap('texts');
const TEXT_LENGTH = 200_000;
const written = (letter) => letter.repeat(TEXT_LENGTH);
texts.observe(() => {
  for (const [from, letters] of texts) if (from !== name) process.send({ from, right: letters === written(letters[0]) });
});
const provider = new WebrtcProvider('room', doc, { signaling: [signaling], peerOpts: { config: { iceServers: [] } } });
provider.on('peers', ({ webrtcPeers }) => {
  if (webrtcPeers.length > 0) texts.set(name, written(text));
});
process.on('disconnect', () => process.exit());
