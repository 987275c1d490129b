#!/usr/bin/env bash
# node-datachannel 0.33.4 (libdatachannel): an answer repeats the attributes of the offer's m-section that it does not know.
#
# An answerer leaves out what it does not understand (RFC 3264 §6). Here whatever is offered as a flag comes back as
# agreed: a=cryptex (RFC 9335), though nothing is encrypted for it, and a=rtcp-mux-only, which no answer may have
# (RFC 8858 §4.3).
#
# Seen on 2026-11-29:
#   a=cryptex a=rtcp-mux-only a=x-nobody:1
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm init -y >/dev/null
npm install --no-audit --no-fund --silent node-datachannel@0.33.4
cat >answer.mjs <<'JS'
import { PeerConnection, cleanup } from 'node-datachannel';
const peer = new PeerConnection('finding', { iceServers: [] });
peer.onLocalDescription((sdp) => {
  const ofNobody = sdp.split(/\r?\n/).filter((line) => /^a=(cryptex|rtcp-mux-only|x-nobody)/.test(line));
  console.log(ofNobody.join(' '));
  peer.close();
  cleanup();
});
const offer = [
  'v=0', 'o=- 1 1 IN IP4 127.0.0.1', 's=-', 't=0 0', 'a=group:BUNDLE 0',
  `a=fingerprint:sha-256 ${Array(32).fill('AB').join(':')}`,
  'm=audio 9 UDP/TLS/RTP/SAVPF 111', 'c=IN IP4 0.0.0.0',
  'a=ice-ufrag:abcd', 'a=ice-pwd:abcdefghijklmnopqrstuvwx', 'a=setup:actpass', 'a=mid:0', 'a=sendrecv',
  'a=rtcp-mux', 'a=rtpmap:111 opus/48000/2', 'a=cryptex', 'a=rtcp-mux-only', 'a=x-nobody:1', '',
];
peer.setRemoteDescription(offer.join('\r\n'), 'offer');
JS
seen=$(node answer.mjs)
echo "$seen"
[ "$seen" = 'a=cryptex a=rtcp-mux-only a=x-nobody:1' ] || { echo "changed"; exit 1; }
