// @roamhq/wrtc: libwebrtc for Node.
import { installed } from './control.mjs';
import { serveW3c } from './w3c.mjs';

const { RTCPeerConnection } = installed('@roamhq/wrtc');
const { version } = installed('@roamhq/wrtc/package.json');

await serveW3c(
  { name: '@roamhq/wrtc', version },
  {
    RTCPeerConnection,
    addMedia(pc) {
      pc.addTransceiver('audio');
      pc.addTransceiver('video');
    },
  },
);
