// Who is at the other end: an identity provider vouches for both (webrtc-identity). Its certificate is of a root for
// tests, which Node learns of when it starts:
//   NODE_EXTRA_CA_CERTS=test/tls/root.pem node examples/identity.mjs
import { readFileSync } from 'node:fs';
import { RTCPeerConnection } from 'duologue';
import { IdentityProviderService, PROTOCOL } from './identity-provider.mjs';

const tls = (name) => readFileSync(new URL(`../test/tls/${name}`, import.meta.url));
const users = { 'alice session': 'alice', 'bob session': 'bob', 'mallory session': 'mallory' };
const idp = await IdentityProviderService.start(users, { cert: tls('localhost.pem'), key: tls('localhost.key') });

/** An end whose user has this session, and who may want to talk to one peer only. */
function end(session, configuration = {}) {
  // Node has no place where the code of strangers can do no harm: the program says whose code it runs.
  const pc = new RTCPeerConnection(configuration, { identityProviders: { trust: [idp.domain] } });
  pc.setIdentityProvider(idp.domain, { protocol: PROTOCOL, usernameHint: session });
  return pc;
}

// Alice calls Bob and nobody else; Bob would like to know who calls.
const alice = end('alice session', { peerIdentity: idp.identity('bob') });
const bob = end('bob session');
alice.onicecandidate = ({ candidate }) => bob.addIceCandidate(candidate);
bob.onicecandidate = ({ candidate }) => alice.addIceCandidate(candidate);
const channel = alice.createDataChannel('private');
await alice.setLocalDescription();
await bob.setRemoteDescription(alice.localDescription);
await bob.setLocalDescription();
await alice.setRemoteDescription(bob.localDescription);
console.log(`Alice talks to ${(await alice.peerIdentity).name}`);
console.log(`Bob talks to ${(await bob.peerIdentity).name}`);
await new Promise((resolve) => channel.addEventListener('open', resolve));

const mallory = end('mallory session');
mallory.createDataChannel('private');
const careful = end('bob session', { peerIdentity: idp.identity('alice') });
const refused = await careful.setRemoteDescription(await mallory.createOffer()).catch(({ name, message }) => `${name}: ${message}`);
console.log(`Mallory is refused: ${refused}`);

const stranger = end('no session');
const detail = await stranger.getIdentityAssertion().catch(({ errorDetail }) => errorDetail);
console.log(`${detail} at ${stranger.idpLoginUrl}`);

idp.lifetime = -60;
const late = end('alice session');
late.createDataChannel('private');
const expired = await careful.setRemoteDescription(await late.createOffer()).catch(({ errorDetail }) => errorDetail);
console.log(`an old assertion: ${expired}`);

for (const pc of [alice, bob, mallory, careful, stranger, late]) pc.close();
await idp.close();
