// Answers as other stacks write them, and what becomes of them.
import assert from 'node:assert/strict';
import test from 'node:test';
import { RTCPeerConnection } from '../index.mjs';

const FINGERPRINT = Array.from({ length: 32 }, (_, i) => (0xa0 + i).toString(16).toUpperCase()).join(':');
const KEYS = ['a=ice-ufrag:AnswerU1', 'a=ice-pwd:AnswerPassword0123456789', `a=fingerprint:sha-256 ${FINGERPRINT}`];
const TRANSPORT = [...KEYS, 'a=setup:active'];
const SESSION = ['v=0', 'o=- 0 2 IN IP4 127.0.0.1', 's=-', 't=0 0'];
const C = 'c=IN IP4 0.0.0.0';

const audio = (pc) => pc.addTransceiver('audio');
const video = (pc) => pc.addTransceiver('video');

/** Sets the answer that `answer` makes of the offer; the transceivers and what it came to. */
async function answered(t, prepare, answer) {
  const pc = new RTCPeerConnection();
  t.after(() => pc.close());
  for (const step of prepare) step(pc);
  await pc.setLocalDescription();
  const { sdp } = pc.localDescription;
  const pt = (codec) => new RegExp(`a=rtpmap:(\\d+) ${codec}`, 'i').exec(sdp)[1];
  const mids = Array.from(sdp.matchAll(/a=mid:(\S+)/g), ([, mid]) => mid);
  const lines = answer({ pt, mids });
  const done = pc.setRemoteDescription({ type: 'answer', sdp: `${lines.flat().join('\r\n')}\r\n` });
  return { pc, done, transceivers: () => pc.getTransceivers().map((t) => `${t.mid} ${t.currentDirection}`) };
}

const opus = (pt, mid, ...more) => [
  `m=audio 9 UDP/TLS/RTP/SAVPF ${pt('opus')}`,
  C,
  ...(mid === undefined ? [] : [`a=mid:${mid}`]),
  'a=rtcp-mux',
  `a=rtpmap:${pt('opus')} opus/48000/2`,
  ...more,
];
const vp8 = (pt, mid, ...more) => [
  `m=video 9 UDP/TLS/RTP/SAVPF ${pt('VP8')}`,
  C,
  `a=mid:${mid}`,
  'a=rtcp-mux',
  `a=rtpmap:${pt('VP8')} VP8/90000`,
  ...more,
];

const TAKEN = {
  'a gateway leaves the mid of a rejected section in the group': {
    prepare: [audio, video],
    answer: ({ pt, mids }) => [
      SESSION,
      `a=group:BUNDLE ${mids.join(' ')}`,
      [`m=audio 0 UDP/TLS/RTP/SAVPF ${pt('opus')}`, C, `a=mid:${mids[0]}`, 'a=inactive'],
      vp8(pt, mids[1], ...TRANSPORT, 'a=sendrecv'),
    ],
    // The rejected one is stopped, and no longer among them.
    transceivers: ['1 sendrecv'],
  },
  'a gateway does not say a=setup': {
    prepare: [audio],
    answer: ({ pt, mids }) => [SESSION, `a=group:BUNDLE ${mids[0]}`, opus(pt, mids[0], ...KEYS)],
    transceivers: ['0 sendrecv'],
  },
  'opus comes under a payload type of its own (RFC 3264 §6.1)': {
    prepare: [audio],
    answer: ({ mids }) => [SESSION, opus(() => 102, mids[0], ...TRANSPORT)],
    transceivers: ['0 sendrecv'],
  },
  'FreeSWITCH answers without mid and BUNDLE, with session-level c=': {
    prepare: [audio],
    answer: ({ pt }) => [
      ['v=0', 'o=FreeSWITCH 1400000003 1400000004 IN IP4 192.0.2.23', 's=FreeSWITCH', 'c=IN IP4 192.0.2.23', 't=0 0'],
      ['a=msid-semantic: WMS streamC', 'a=end-of-candidates', `m=audio 17150 UDP/TLS/RTP/SAVPF ${pt('opus')}`],
      [`a=rtpmap:${pt('opus')} opus/48000/2`, 'a=ptime:20', ...TRANSPORT, 'a=rtcp-mux'],
      ['a=ssrc:3556 cname:c', 'a=ssrc:3556 msid:streamC a0'],
    ],
    transceivers: ['0 sendrecv'],
  },
  'FreeSWITCH names the profile in other words': {
    prepare: [audio],
    answer: ({ pt }) => [
      SESSION,
      [`m=audio 17150 RTP/SAVPF ${pt('opus')} ${pt('telephone-event/8000')}`, C, ...TRANSPORT, 'a=rtcp-mux', 'a=ptime:20'],
      [`a=rtpmap:${pt('opus')} opus/48000/2`, `a=fmtp:${pt('opus')} useinbandfec=1; minptime=10; maxptime=40`],
      [`a=rtpmap:${pt('telephone-event/8000')} telephone-event/8000`, 'a=rtcp:17150 IN IP4 192.0.2.23'],
      'a=candidate:4206296867 1 udp 659136 192.0.2.23 17150 typ host generation 0',
    ],
    transceivers: ['0 sendrecv'],
  },
  'the Kinesis SDK has candidates without an address, or related to none': {
    prepare: [(pc) => pc.addTransceiver('video', { direction: 'recvonly' }), audio, (pc) => pc.createDataChannel('d')],
    answer: ({ pt, mids }) => [
      SESSION,
      [`a=group:BUNDLE ${mids.join(' ')}`, 'a=msid-semantic: WMS myKvsVideoStream'],
      vp8(pt, mids[0], ...TRANSPORT, 'a=sendonly', 'a=msid:myKvsVideoStream myVideoTrack', 'a=rtcp:9 IN IP4 0.0.0.0'),
      'a=candidate:3 1 udp 16777215 0000:0000:0000:0000:0000:0000:0000:0000 0 typ relay raddr ::/0 rport 0 generation 0',
      'a=candidate:1 1 udp 1694498815 192.0.2.46 51603 typ srflx raddr 0.0.0.0 rport 0 generation 0 network-cost 999',
      opus(pt, mids[1], ...TRANSPORT, 'a=sendrecv'),
      ['m=application 9 UDP/DTLS/SCTP webrtc-datachannel', C, ...TRANSPORT, `a=mid:${mids[2]}`, 'a=sctp-port:5000'],
    ],
    transceivers: ['0 recvonly', '1 sendrecv'],
  },
  'webrtc-rs rejects a section without c=, mid and codecs': {
    prepare: [(pc) => pc.addTransceiver('audio', { direction: 'recvonly' }), video],
    answer: ({ pt, mids }) => [
      SESSION,
      [`a=fingerprint:sha-256 ${FINGERPRINT}`, `a=group:BUNDLE ${mids[1]}`, 'm=audio 0 UDP/TLS/RTP/SAVPF 0'],
      ['a=candidate:167090039 1 udp 2130706431 :: 50760 typ host', 'a=end-of-candidates'],
      vp8(pt, mids[1], ...TRANSPORT, 'a=recvonly', 'a=rtcp-rsize'),
    ],
    transceivers: ['1 sendonly'],
  },
  'libp2p writes the answer of a server itself': {
    prepare: [(pc) => pc.createDataChannel('', { negotiated: true, id: 0 })],
    answer: ({ mids }) => [
      ['v=0', 'o=- 0 0 IN IP4 192.0.2.4', 's=-', 't=0 0', 'a=ice-lite'],
      ['m=application 443 UDP/DTLS/SCTP webrtc-datachannel', 'c=IN IP4 192.0.2.4', `a=mid:${mids[0]}`, 'a=ice-options:ice2'],
      ['ufrag', 'pwd'].map((name) => `a=ice-${name}:libp2p+webrtc+v1/0123456789abcdef0123456789abcdef`),
      [`a=fingerprint:sha-256 ${FINGERPRINT}`, 'a=setup:passive', 'a=sctp-port:5000', 'a=max-message-size:16384'],
      ['a=candidate:1467250027 1 UDP 1467250027 192.0.2.4 443 typ host', 'a=end-of-candidates'],
    ],
    transceivers: [],
  },
  'SRS names itself, is lite and has TCP candidates': {
    prepare: [audio, video],
    answer: ({ pt, mids }) => [
      ['v=0', 'o=SRS/7.0.1(Name) 110054378081328 2 IN IP4 0.0.0.0', 's=SRSPublishSession', 't=0 0', 'a=ice-lite'],
      [`a=group:BUNDLE ${mids.join(' ')}`, 'a=msid-semantic: WMS live/stream'],
      opus(pt, mids[0], ...TRANSPORT, 'a=recvonly', 'a=candidate:0 1 udp 2130706431 192.0.2.9 8000 typ host generation 0'),
      'a=candidate:1 1 tcp 1694498815 192.0.2.9 8000 typ host tcptype passive generation 0',
      vp8(pt, mids[1], ...TRANSPORT, 'a=recvonly'),
    ],
    transceivers: ['0 sendonly', '1 sendonly'],
  },
  'esp-webrtc has c= behind attributes, and two words for the profile': {
    prepare: [audio, video],
    answer: ({ pt, mids }) => [
      ['v=0', 'o=- 0000000000000000000 2 IN IP4 0.0.0.0', 's=-', 't=0 0', 'a=msid-semantic: esp-webrtc'],
      [`a=group:BUNDLE ${mids.join(' ')}`, `m=audio 9 UDP/TLS/RTP/SAVP ${pt('opus')}`, `a=rtpmap:${pt('opus')} opus/48000/2`],
      ['a=ssrc:4 cname:camera', 'a=sendrecv', `a=mid:${mids[0]}`, C, 'a=rtcp-mux', ...KEYS, 'a=setup:passive'],
      'a=candidate:0 1 UDP 2129382911 192.0.2.8 54321 typ host',
      [`m=video 9 UDP/TLS/RTP/SAVPF ${pt('VP8')}`, `a=rtpmap:${pt('VP8')} VP8/90000`, 'a=ssrc:5 cname:camera', 'a=sendrecv'],
      [`a=mid:${mids[1]}`, C, 'a=rtcp-mux', ...KEYS, 'a=setup:passive'],
    ],
    transceivers: ['0 sendrecv', '1 sendrecv'],
  },
  'mediasoup-client has port 7, no parameters behind a=fmtp and SHA-224': {
    prepare: [audio, video],
    answer: ({ pt, mids }) => [
      ['v=0', 'o=mediasoup-client 10000 1 IN IP4 0.0.0.0', 's=-', 't=0 0', 'a=ice-lite'],
      [`a=fingerprint:sha-224 ${FINGERPRINT.slice(0, 83)}`, 'a=msid-semantic: WMS *', `a=group:BUNDLE ${mids.join(' ')}`],
      [`m=audio 7 UDP/TLS/RTP/SAVPF ${pt('opus')}`, 'c=IN IP4 127.0.0.1', `a=rtpmap:${pt('opus')} opus/48000/2`, 'a=setup:active'],
      [`a=mid:${mids[0]}`, 'a=recvonly', ...KEYS.slice(0, 2), 'a=ice-options:renomination', 'a=rtcp-mux', 'a=rtcp-rsize'],
      [`m=video 7 UDP/TLS/RTP/SAVPF ${pt('VP8')}`, 'c=IN IP4 127.0.0.1', 'b=TIAS:200000', 'b=AS:200', 'a=setup:active'],
      [`a=rtpmap:${pt('VP8')} VP8/90000`, `a=fmtp:${pt('VP8')} `, `a=rtcp-fb:${pt('VP8')} goog-remb`, `a=mid:${mids[1]}`],
      ['a=recvonly', ...KEYS.slice(0, 2), 'a=candidate:udpcandidate 1 udp 1076302079 192.0.2.5 10069 typ host', 'a=rtcp-mux'],
    ],
    transceivers: ['0 sendonly', '1 sendonly'],
  },
  'a camera answers with a codec of its own, too': {
    prepare: [audio],
    answer: ({ mids }) => [
      SESSION,
      [`m=audio 9 UDP/TLS/RTP/SAVPF 110 0`, C, `a=mid:${mids[0]}`, 'a=rtcp-mux', ...TRANSPORT, 'a=recvonly'],
      ['a=rtpmap:110 PCML/8000/1', 'a=rtpmap:0 PCMU/8000/1'],
    ],
    transceivers: ['0 sendonly'],
  },
};

const REFUSED = {
  'a direction that was not offered': {
    prepare: [(pc) => pc.addTransceiver('audio', { direction: 'recvonly' })],
    answer: ({ pt, mids }) => [SESSION, opus(pt, mids[0], ...TRANSPORT, 'a=sendrecv')],
    error: { name: 'InvalidAccessError', message: /m-section 0/ },
  },
  'sections in another order': {
    prepare: [audio, video],
    answer: ({ pt, mids }) => [SESSION, vp8(pt, mids[1], ...TRANSPORT), opus(pt, mids[0], ...TRANSPORT)],
    error: { name: 'InvalidAccessError', message: /m-section 0/ },
  },
  'SRS refuses by an answer without sections': {
    prepare: [audio],
    answer: () => ['v=0', 'o=SRS/7.0.1(Name) 1100 2 IN IP4 0.0.0.0', 's=SRSPublishSession', 't=0 0', 'a=ice-lite'],
    error: { name: 'InvalidAccessError', message: /m-sections/ },
  },
  'a=setup:actpass': {
    prepare: [audio],
    answer: ({ pt, mids }) => [SESSION, opus(pt, mids[0], ...KEYS, 'a=setup:actpass')],
    error: { name: 'InvalidAccessError', message: /a=setup/ },
  },
  'a section without any format': {
    prepare: [video],
    answer: ({ mids }) => [SESSION, ['m=video 0 UDP/TLS/RTP/SAVPF', C, `a=mid:${mids[0]}`, 'a=inactive']],
    error: { name: 'OperationError', sdpLineNumber: 5 },
  },
};

for (const [name, { prepare, answer, transceivers }] of Object.entries(TAKEN)) {
  test(`an answer is taken: ${name}`, async (t) => {
    const { pc, done, transceivers: now } = await answered(t, prepare, answer);
    await done;
    assert.deepEqual(now(), transceivers);
    assert.equal(pc.signalingState, 'stable');
  });
}

for (const [name, { prepare, answer, error }] of Object.entries(REFUSED)) {
  test(`an answer is refused and changes nothing: ${name}`, async (t) => {
    const { pc, done, transceivers } = await answered(t, prepare, answer);
    await assert.rejects(done, error);
    assert.deepEqual(transceivers(), prepare.map((_, i) => `${i} null`));
    assert.equal(pc.signalingState, 'have-local-offer');
  });
}
