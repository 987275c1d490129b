// Two connections in one process. Between two hosts, `signal` is a WebSocket or anything else that
// carries JSON.
import { RTCPeerConnection } from 'duologue';

const caller = new RTCPeerConnection();
const callee = new RTCPeerConnection();
const signal = (to, message) => receive(to, JSON.parse(JSON.stringify(message)));

async function receive(pc, { description, candidate }) {
  if (candidate !== undefined) return pc.addIceCandidate(candidate);
  await pc.setRemoteDescription(description);
  if (description.type !== 'offer') return;
  await pc.setLocalDescription();
  signal(caller, { description: pc.localDescription });
}

caller.onicecandidate = ({ candidate }) => signal(callee, { candidate });
callee.onicecandidate = ({ candidate }) => signal(caller, { candidate });
caller.onnegotiationneeded = async () => {
  await caller.setLocalDescription();
  signal(callee, { description: caller.localDescription });
};
callee.ondatachannel = ({ channel }) => {
  channel.onmessage = ({ data }) => channel.send(`${data}, world`);
};

const channel = caller.createDataChannel('chat');
channel.onopen = () => channel.send('hello');
channel.onmessage = ({ data }) => {
  console.log(data);
  caller.close();
  callee.close();
};
