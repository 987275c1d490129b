// Two peers in one page, or in one process of a library that has the browser's interface.
const { RTCPeerConnection } = globalThis;
const [alice, bob] = [new RTCPeerConnection(), new RTCPeerConnection()];
for (const [from, to] of [[alice, bob], [bob, alice]]) {
  from.onicecandidate = ({ candidate }) => to.addIceCandidate(candidate);
}
const channel = alice.createDataChannel('greetings');
const announced = new Promise((resolve) => { bob.ondatachannel = resolve; });
const message = (of) => new Promise((resolve) => { of.onmessage = resolve; });

await alice.setLocalDescription();
await bob.setRemoteDescription(alice.localDescription);
await bob.setLocalDescription();
await alice.setRemoteDescription(bob.localDescription);

const { channel: incoming } = await announced;
const [heard, answered] = [message(incoming), message(channel)];
if (channel.readyState !== 'open') await new Promise((resolve) => { channel.onopen = resolve; });
channel.send('Hello, Bob');
console.log('Bob got', (await heard).data);
incoming.send(new Uint8Array([1, 2, 3]));
console.log('Alice got', (await answered).data);
alice.close();
bob.close();
