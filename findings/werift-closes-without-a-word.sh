#!/usr/bin/env bash
# werift 0.24.4: close() of a connection tells the other end nothing.
#
# A browser ends its SCTP association and its DTLS connection when an RTCPeerConnection is closed, and
# the other end's channels close within a round trip. After werift's close() the other end, here werift,
# too, goes on as if nothing had happened.
#
# Seen on 2026-11-28, two seconds after close():
#   channel open, connection connected
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm init -y >/dev/null
npm install --no-audit --no-fund --silent werift@0.24.4
cat >close.mjs <<'JS'
import { RTCPeerConnection } from 'werift';
const config = { iceServers: [] };
const [a, b] = [new RTCPeerConnection(config), new RTCPeerConnection(config)];
const gathered = (pc) => new Promise((done) => {
  if (pc.iceGatheringState === 'complete') return done();
  pc.iceGatheringStateChange.subscribe((state) => state === 'complete' && done());
});
const there = new Promise((done) => { b.ondatachannel = ({ channel }) => done(channel); });
const here = a.createDataChannel('data');
const opened = new Promise((done) => { here.onopen = done; });
await a.setLocalDescription(await a.createOffer());
await gathered(a);
await b.setRemoteDescription(a.localDescription);
await b.setLocalDescription(await b.createAnswer());
await gathered(b);
await a.setRemoteDescription(b.localDescription);
const [channel] = await Promise.all([there, opened]);
await a.close();
await new Promise((done) => setTimeout(done, 2000));
console.log(`channel ${channel.readyState}, connection ${b.connectionState}`);
process.exit(0);
JS
seen=$(node close.mjs | tail -n 1)
echo "$seen"
[ "$seen" = 'channel open, connection connected' ] || { echo "changed"; exit 1; }
