// werift: WebRTC in TypeScript.
import { readFileSync } from 'node:fs';
import { installed } from './control.mjs';
import { serveW3c } from './w3c.mjs';

const { RTCPeerConnection } = installed('werift');
const { version } = JSON.parse(readFileSync(installed.resolve('werift').replace(/\/lib\/.*/, '/package.json'), 'utf8'));

await serveW3c(
  { name: 'werift', version },
  {
    RTCPeerConnection,
    addMedia(pc) {
      pc.addTransceiver('audio');
      pc.addTransceiver('video');
    },
  },
);
