// A call as programs of 2014 make it, with streams and callbacks: `node examples/legacy.mjs`.
import { RTCPeerConnection, mediaDevices } from 'duologue';
import 'duologue/legacy';

const [caller, callee] = [new RTCPeerConnection(), new RTCPeerConnection()];
const fail = (error) => console.error(`${error.name}: ${error.message}`);
caller.onicecandidate = ({ candidate }) => candidate && callee.addIceCandidate(candidate, () => {}, fail);
callee.onicecandidate = ({ candidate }) => candidate && caller.addIceCandidate(candidate, () => {}, fail);

callee.onaddstream = ({ stream }) => console.log(`the other end sends ${stream.getTracks().length} tracks`);
callee.onremovestream = ({ stream }) => {
  console.log(`the other end sends ${stream.getTracks().length} tracks`);
  for (const pc of [caller, callee]) pc.close();
};

const stream = await mediaDevices.getUserMedia({ audio: true, video: true });
const negotiate = (then) =>
  caller.createOffer((offer) => {
    caller.setLocalDescription(offer, () => {}, fail);
    callee.setRemoteDescription(offer, () => {}, fail);
    callee.createAnswer((answer) => {
      callee.setLocalDescription(answer, () => {}, fail);
      caller.setRemoteDescription(answer, then, fail);
    }, fail);
  }, fail);

caller.addStream(stream);
negotiate(() => {
  caller.removeStream(stream);
  negotiate(() => {});
});
