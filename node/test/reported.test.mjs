// What users of other stacks reported, and what both browsers do there.
import assert from 'node:assert/strict';
import test from 'node:test';
import { RTCPeerConnection, mediaDevices } from '../index.mjs';
import { channels, event, negotiate, pair } from './helpers.mjs';

const turn = () => new Promise(setImmediate);
const opened = async (channel) => channel.readyState === 'open' || (await event(channel, 'open'));

/** So many messages of a channel. */
const messages = (channel, count) =>
  new Promise((resolve) => {
    const all = [];
    channel.addEventListener('message', ({ data }) => all.push(data) === count && resolve(all));
  });

for (const where of ['negotiationneeded', 'icecandidate', 'connectionstatechange', 'open', 'message']) {
  test(`a connection may be closed in the handler of ${where}, twice`, async (t) => {
    const { a, b, close } = pair();
    t.after(close);
    const channel = a.createDataChannel('c');
    b.ondatachannel = ({ channel: far }) => (far.onmessage = () => far.send('2'));
    channel.addEventListener('open', () => channel.send('1'));
    const closed = new Promise((resolve) => {
      const target = where === 'open' || where === 'message' ? channel : a;
      target.addEventListener(where, () => {
        if (where === 'connectionstatechange' && a.connectionState !== 'connected') return;
        a.close();
        a.close();
        resolve();
      });
    });
    if (where === 'negotiationneeded') await closed;
    // With the connection closed under it this may be refused, and may never settle.
    const negotiated = negotiate(a, b).catch((error) => assert.equal(error.name, 'InvalidStateError'));
    await closed;
    await Promise.race([negotiated, turn()]);
    assert.deepEqual([channel.readyState, a.connectionState, a.signalingState], ['closed', 'closed', 'closed']);
  });
}

test('a connection may be closed in the handler of datachannel', async (t) => {
  const { a, b, close } = pair();
  t.after(close);
  const channel = a.createDataChannel('c');
  const closed = event(channel, 'close');
  b.ondatachannel = () => b.close();
  await negotiate(a, b);
  await closed;
  assert.equal(b.connectionState, 'closed');
});

test('empty texts and buffers arrive as what they are', async (t) => {
  const { near, far, close } = await channels();
  t.after(close);
  const shown = (all) => all.map((data) => (typeof data === 'string' ? `text ${data.length}` : `bytes ${data.byteLength}`));
  const [there, back] = [messages(far, 5), messages(near, 2)];
  for (const data of ['', new Uint8Array(0), '\0', new Uint8Array([1, 2, 0, 4]), '']) near.send(data);
  assert.deepEqual(shown(await there), ['text 0', 'bytes 0', 'text 1', 'bytes 4', 'text 0']);
  far.send('');
  far.send(new ArrayBuffer(0));
  assert.deepEqual(shown(await back), ['text 0', 'bytes 0']);
  assert.equal(near.bufferedAmount, 0);
});

test('bufferedamountlow comes after one message, and only when the threshold is crossed', async (t) => {
  const { near, far, close } = await channels();
  t.after(close);
  let low = 0;
  near.onbufferedamountlow = () => low++;
  far.onmessage = () => far.send('got it');
  const sent = async (data) => {
    const before = low;
    near.send(data);
    await event(near, 'message');
    return low - before;
  };
  assert.equal(await sent('x'), 1);
  assert.equal(await sent(new Uint8Array(200_000)), 1);
  near.bufferedAmountLowThreshold = 1000;
  assert.equal(await sent(new Uint8Array(500)), 0);
  assert.equal(await sent(''), 0);
});

test('a channel that is opened when another has closed gets its id and works, while a third one is busy', async (t) => {
  const { a, b, near: busy, close } = await channels();
  t.after(close);
  b.ondatachannel = ({ channel }) => (channel.onmessage = ({ data }) => channel.send(data));
  const timer = setInterval(() => busy.bufferedAmount < 1e6 && busy.send(new Uint8Array(100_000)), 2);
  t.after(() => clearInterval(timer));
  const ids = new Set();
  for (let i = 0; i < 60; i++) {
    const channel = a.createDataChannel(`c${i}`);
    await opened(channel);
    ids.add(channel.id);
    channel.send(`m${i}`);
    assert.equal((await event(channel, 'message')).data, `m${i}`);
    channel.close();
  }
  assert.ok(ids.size <= 10, `${ids.size} ids`);
});

for (const [line, max, refused] of [
  ['a=max-message-size:0\r\n', null, []],
  ['', 65_536, [65_537, 262_144]],
  ['a=max-message-size:100\r\n', 100, [101, 65_536, 65_537, 262_144]],
]) {
  test(`messages are as long as the peer takes (RFC 8841 §6): ${line.trim() || 'it does not say'}`, async (t) => {
    const { a, b, close } = pair();
    t.after(close);
    const near = a.createDataChannel('c');
    const announced = event(b, 'datachannel');
    await a.setLocalDescription();
    await b.setRemoteDescription(a.localDescription);
    await b.setLocalDescription();
    const sdp = b.localDescription.sdp.replace(/a=max-message-size:.*\r\n/, '').replace(/(a=sctp-port:.*\r\n)/, `$1${line}`);
    await a.setRemoteDescription({ type: 'answer', sdp });
    const { channel: far } = await announced;
    await opened(near);
    if (max !== null) assert.equal(a.sctp.maxMessageSize, max);
    const sizes = [100, 101, 65_536, 65_537, 262_144];
    const taken = sizes.filter((size) => !refused.includes(size));
    const arrived = messages(far, taken.length);
    for (const size of sizes) {
      const send = () => near.send(new Uint8Array(size));
      if (refused.includes(size)) assert.throws(send, TypeError);
      else send();
    }
    assert.deepEqual((await arrived).map((data) => data.byteLength), taken);
  });
}

test('unreliable messages, too, cost an acknowledgement for two packets at most', async (t) => {
  const received = async (options) => {
    const { a, near, far, close } = await channels(options);
    t.after(close);
    const packets = async () => [...(await a.getStats()).values()].find(({ type }) => type === 'transport').packetsReceived;
    const before = await packets();
    const all = messages(far, 400);
    for (let i = 0; i < 400; i++) {
      near.send(new Uint8Array(1000));
      if (i % 2) await turn();
    }
    await all;
    return (await packets()) - before;
  };
  const reliable = await received({});
  const unreliable = await received({ ordered: false, maxRetransmits: 0 });
  // RFC 9260 §6.2: one for every second packet at least. Whoever takes many in one turn sends fewer, as the machine's load has it.
  for (const packets of [reliable, unreliable]) assert.ok(packets <= 400 / 2 + 50, `${reliable} and ${unreliable} packets came back`);
});

test('what came for a negotiated channel before it was made is delivered', async (t) => {
  const { a, b, near, far, close } = await channels();
  t.after(close);
  const early = a.createDataChannel('n', { negotiated: true, id: 7 });
  await opened(early);
  early.send('early');
  // Behind it on the same association.
  const behind = event(far, 'message');
  near.send('behind');
  await behind;
  const late = b.createDataChannel('n', { negotiated: true, id: 7 });
  const both = messages(late, 2);
  await opened(late);
  early.send('late');
  assert.deepEqual(await both, ['early', 'late']);
});

for (const way of ['by trickle', 'by trickle, without their end', 'in the offer', 'in the offer, without their end']) {
  test(`all candidates may come before the answer: ${way}`, async (t) => {
    const [a, b] = [new RTCPeerConnection(), new RTCPeerConnection()];
    t.after(() => [a, b].forEach((pc) => pc.close()));
    const channel = a.createDataChannel('c');
    const candidates = [];
    a.onicecandidate = ({ candidate }) => candidate && candidates.push(candidate);
    b.onicecandidate = ({ candidate }) => a.addIceCandidate(candidate);
    await a.setLocalDescription();
    const bare = a.localDescription;
    while (a.iceGatheringState !== 'complete') await event(a, 'icegatheringstatechange');
    const whole = a.localDescription.sdp;
    const withEnd = !way.endsWith('without their end');
    if (way.startsWith('in the offer')) {
      const sdp = withEnd ? whole : whole.replace(/a=end-of-candidates\r\n/g, '');
      await b.setRemoteDescription({ type: 'offer', sdp });
    } else {
      await b.setRemoteDescription(bare);
      for (const candidate of candidates) if (withEnd || candidate.candidate) await b.addIceCandidate(candidate);
    }
    await b.setLocalDescription();
    await a.setRemoteDescription(b.localDescription);
    await opened(channel);
  });
}

test('a candidate goes to the description of its generation, or is refused', async (t) => {
  const { a, b, near, far, close } = await channels();
  t.after(close);
  const ufrag = ({ sdp }) => /a=ice-ufrag:(\S+)/.exec(sdp)[1];
  const old = ufrag(b.remoteDescription);
  a.restartIce();
  await a.setLocalDescription();
  await b.setRemoteDescription(a.localDescription);
  const now = ufrag(b.pendingRemoteDescription);
  assert.notEqual(old, now);

  const host = (port) => `candidate:1 1 udp 1 192.0.2.77 ${port} typ host`;
  const taken = {
    1001: [{ sdpMid: '0', usernameFragment: old }, 'current'],
    1002: [{ sdpMid: '0', usernameFragment: now }, 'pending'],
    1003: [{ sdpMid: '0' }, 'pending'],
    1007: [{ sdpMLineIndex: 0 }, 'pending'],
  };
  for (const [port, [init, where]] of Object.entries(taken)) {
    await b.addIceCandidate({ candidate: host(port), ...init });
    const holds = (description) => description.sdp.includes(` ${port} typ`);
    assert.deepEqual([holds(b.currentRemoteDescription), holds(b.pendingRemoteDescription)], [where === 'current', where === 'pending'], port);
  }
  for (const nothing of [null, undefined, {}, { candidate: '', sdpMid: '0' }]) await b.addIceCandidate(nothing);
  for (const odd of [
    // Pion and webrtc-rs have an empty mid beside the index.
    { candidate: host(1010), sdpMid: '', sdpMLineIndex: 0 },
    { candidate: `a=${host(1011)}`, sdpMid: '0' },
    { candidate: 'candidate:1 1 udp 1 fe80::1%21 1012 typ host', sdpMid: '0' },
    { candidate: 'candidate: 1 udp 1 192.0.2.77 1013 typ host generation 0', sdpMid: '0' },
  ]) {
    await b.addIceCandidate(odd);
  }
  for (const init of [
    { candidate: host(1), sdpMid: '0', usernameFragment: 'nope' },
    { candidate: host(1), sdpMLineIndex: 9 },
    { candidate: host(1), sdpMid: 'x' },
    { candidate: 'candidate:garbage', sdpMid: '0' },
  ]) {
    await assert.rejects(b.addIceCandidate(init), { name: 'OperationError' }, JSON.stringify(init));
  }
  await assert.rejects(b.addIceCandidate({ candidate: host(1) }), TypeError);
  const fresh = new RTCPeerConnection();
  await assert.rejects(fresh.addIceCandidate({ candidate: host(1), sdpMid: '0' }), { name: 'InvalidStateError' });
  fresh.close();

  await b.setLocalDescription();
  await a.setRemoteDescription(b.localDescription);
  const received = event(far, 'message');
  near.send('after the restart');
  assert.equal((await received).data, 'after the restart');
});

test('an offer without any section is answered by none', async (t) => {
  const pc = new RTCPeerConnection();
  t.after(() => pc.close());
  const sdp = 'v=0\r\no=- 3430854848700000001 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=msid-semantic: WMS\r\n';
  await pc.setRemoteDescription({ type: 'offer', sdp });
  await pc.setLocalDescription();
  assert.doesNotMatch(pc.localDescription.sdp, /^m=|^a=group/m);
  assert.deepEqual([pc.signalingState, pc.iceGatheringState, pc.connectionState], ['stable', 'new', 'new']);
});

test('the offer of a large conference is answered', async (t) => {
  const SECTIONS = 300;
  const fingerprint = `a=fingerprint:sha-256 ${Array.from({ length: 32 }, (_, i) => (0xa0 + i).toString(16)).join(':').toUpperCase()}`;
  const keys = ['a=ice-ufrag:abcd', 'a=ice-pwd:abcdefghijklmnopqrstuv', fingerprint, 'a=setup:actpass'];
  const section = (i) => {
    const common = ['c=IN IP4 0.0.0.0', ...keys, `a=mid:${i}`, 'a=sendonly', 'a=rtcp-mux', `a=msid:s${i >> 1} t${i}`];
    const [one, other] = [2 * i + 1, 2 * i + 2];
    if (i % 2 === 0) return ['m=audio 9 UDP/TLS/RTP/SAVPF 111', ...common, 'a=rtpmap:111 opus/48000/2', `a=ssrc:${one} cname:c${i}`];
    const codecs = ['a=rtpmap:96 VP8/90000', 'a=rtpmap:97 rtx/90000', 'a=fmtp:97 apt=96', 'a=rtcp-fb:96 nack pli'];
    const sources = [one, other].flatMap((ssrc) => [`a=ssrc:${ssrc} cname:c${i}`, `a=ssrc:${ssrc} msid:s${i >> 1} t${i}`]);
    return ['m=video 9 UDP/TLS/RTP/SAVPF 96 97', ...common, ...codecs, `a=ssrc-group:FID ${one} ${other}`, ...sources];
  };
  const candidates = Array.from({ length: 400 }, (_, k) => `a=candidate:${k} 1 udp ${2_113_937_151 - k} 192.0.2.${(k % 250) + 1} ${1000 + k} typ host`);
  const sections = Array.from({ length: SECTIONS }, (_, i) => section(i));
  sections[0].push(...candidates);
  const group = `a=group:BUNDLE ${sections.map((_, i) => i).join(' ')}`;
  const sdp = `${['v=0', 'o=- 1 1 IN IP4 127.0.0.1', 's=-', 't=0 0', group, ...sections.flat()].join('\r\n')}\r\n`;

  const pc = new RTCPeerConnection();
  t.after(() => pc.close());
  let tracks = 0;
  pc.ontrack = () => tracks++;
  await pc.setRemoteDescription({ type: 'offer', sdp });
  await pc.setLocalDescription();
  assert.equal(pc.localDescription.sdp.match(/^m=\w+ [1-9]/gm).length, SECTIONS);
  assert.deepEqual([tracks, pc.signalingState], [SECTIONS, 'stable']);
});

for (const [name, change] of Object.entries({
  'credentials, as js-libp2p does': (sdp) => sdp.replace(/(a=ice-(?:ufrag|pwd):).*/g, '$1libp2p+webrtc+v1/0123456789abcdef'),
  'a bandwidth': (sdp) => sdp.replace(/(m=audio.*\r\nc=.*\r\n)/, '$1b=AS:40\r\n'),
  'the parameters of opus': (sdp) => sdp.replace('minptime=10', 'minptime=10;stereo=1;maxaveragebitrate=128000'),
  'the order of codecs': (sdp) => sdp.replace(/m=audio (\d+) (\S+) (\d+) (.*)/, 'm=audio $1 $2 $4 $3'),
  'fewer header extensions': (sdp) => sdp.replace(/a=extmap:.*\r\n/g, ''),
  'a direction': (sdp) => sdp.replace('a=sendrecv', 'a=recvonly'),
  'the longest message': (sdp) => sdp.replace(/a=max-message-size:\d+/, 'a=max-message-size:100000'),
  'the ends of lines': (sdp) => sdp.replace(/\r\n/g, '\n'),
})) {
  test(`an offer may be changed before it is set: ${name}`, async (t) => {
    const pc = new RTCPeerConnection();
    t.after(() => pc.close());
    pc.addTransceiver('audio');
    pc.createDataChannel('d');
    const { sdp } = await pc.createOffer();
    const changed = change(sdp);
    assert.notEqual(changed, sdp);
    await pc.setLocalDescription({ type: 'offer', sdp: changed });
    assert.equal(pc.signalingState, 'have-local-offer');
  });
}

test('the channels of a data section that the other end rejects close, and others ask for a negotiation', async (t) => {
  const [a, b] = [new RTCPeerConnection(), new RTCPeerConnection()];
  t.after(() => [a, b].forEach((pc) => pc.close()));
  for (const [from, to] of [[a, b], [b, a]]) {
    // Those of the rejected section have no place at the other end.
    from.onicecandidate = ({ candidate }) => to.addIceCandidate(candidate).catch(({ name }) => assert.equal(name, 'OperationError'));
  }
  const channel = a.createDataChannel('refused');
  a.addTransceiver('audio');
  const closed = event(channel, 'close');
  await a.setLocalDescription();
  const { sdp } = a.localDescription;
  const mid = /m=application[\s\S]*?a=mid:(\S+)/.exec(sdp)[1];
  const rejected = sdp
    .replace(/m=application \d+ /, 'm=application 0 ')
    .replace(/a=group:BUNDLE.*/, (group) => group.split(' ').filter((word) => word !== mid).join(' '));
  await b.setRemoteDescription({ type: 'offer', sdp: rejected });
  await b.setLocalDescription();
  await a.setRemoteDescription(b.localDescription);
  await closed;
  assert.equal(a.sctp, null);
  const needed = event(a, 'negotiationneeded');
  const next = a.createDataChannel('next');
  await needed;
  await negotiate(a, b);
  await opened(next);
  assert.equal(channel.readyState, 'closed');
});

const of = async (pc, type) => [...(await pc.getStats()).values()].find((stats) => stats.type === type);

/** The statistics of this type, once they are as is wanted. */
async function once(pc, type, wanted) {
  for (;;) {
    const stats = await of(pc, type);
    if (stats && wanted(stats)) return stats;
    await turn();
  }
}

test('the totals of an encoder go on where its track is taken away and given back', async (t) => {
  const { a, b, close } = pair();
  t.after(close);
  const [track] = (await mediaDevices.getUserMedia({ video: true })).getTracks();
  t.after(() => track.stop());
  const sender = a.addTrack(track);
  await negotiate(a, b);
  const before = await once(a, 'outbound-rtp', ({ framesEncoded }) => framesEncoded >= 10);
  await sender.replaceTrack(null);
  await sender.replaceTrack(track);
  const sent = before.framesSent + 5;
  const after = await once(a, 'outbound-rtp', ({ framesSent }) => framesSent >= sent);
  assert.equal(after.id, before.id);
  for (const total of ['framesEncoded', 'keyFramesEncoded', 'qpSum', 'totalEncodeTime', 'totalEncodedBytesTarget']) {
    assert.ok(after[total] >= before[total], `${total}: ${before[total]}, ${after[total]}`);
  }
  assert.ok(after.framesEncoded >= sent - 1);
});

test('what nobody reads is decoded from its first picture on', async (t) => {
  const { a, b, close } = pair();
  t.after(close);
  const [track] = (await mediaDevices.getUserMedia({ video: true })).getTracks();
  t.after(() => track.stop());
  a.addTrack(track);
  await negotiate(a, b);
  const seen = await once(b, 'inbound-rtp', ({ framesDecoded }) => framesDecoded >= 10);
  assert.deepEqual([seen.framesDropped, seen.pliCount, seen.keyFramesDecoded], [0, 0, 1]);
});

test('one moment is one time, however often it is asked for', async (t) => {
  const { a, b, close } = pair();
  t.after(close);
  const [track] = (await mediaDevices.getUserMedia({ audio: true })).getTracks();
  t.after(() => track.stop());
  a.addTrack(track);
  const began = performance.timeOrigin + performance.now();
  await negotiate(a, b);
  const first = await once(b, 'remote-outbound-rtp', () => true);
  for (let again = 0; again < 50; again++) {
    const report = await of(b, 'remote-outbound-rtp');
    if (report.reportsSent === first.reportsSent) assert.equal(report.timestamp, first.timestamp);
  }
  const whole = await of(b, 'peer-connection');
  const now = performance.timeOrigin + performance.now();
  assert.ok(whole.timestamp >= first.timestamp && first.timestamp > began - 1 && whole.timestamp < now + 1);
});
