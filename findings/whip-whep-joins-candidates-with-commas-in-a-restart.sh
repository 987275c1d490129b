#!/usr/bin/env bash
# whip-whep 1.2.0: after an ICE restart the second candidate of the server's answer is lost.
#
# The clients put the candidates of the answer to a restart (RFC 9725 §4.3.3) into the remote description by
# the join() of an array, which has commas between them. A line that begins with ",a=" is no line of SDP
# (RFC 8866 §9). With one candidate nobody sees it.
#
# Seen on 2026-11-29 (the lines of the description that setRemoteDescription() gets, addresses left out):
#   a=candidate:1 | ,a=candidate:2
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm init -y >/dev/null
npm install --no-audit --no-fund --silent whip-whep@1.2.0
cat >restart.mjs <<'JS'
import { createServer } from 'node:http';
import { WHIPClient } from 'whip-whep/whip.js';

const media = (...candidates) => ['m=audio 9 UDP/TLS/RTP/SAVPF 111', 'c=IN IP4 0.0.0.0', 'a=mid:0', ...candidates, ''].join('\r\n');
const ice = 'a=ice-ufrag:abcd\r\na=ice-pwd:abcdefghijklmnopqrstuvwx\r\n';
const session = 'v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n';
const candidate = (n) => `a=candidate:${n} 1 udp 2130706431 127.0.0.1 900${n} typ host`;

// What the client uses of a browser's connection.
class Connection {
  getTransceivers() { return [{ mid: '0', sender: { track: { kind: 'audio' } } }]; }
  getConfiguration() { return {}; }
  restartIce() {}
  async createOffer() { return { type: 'offer', sdp: session + ice + media() }; }
  async setLocalDescription() {}
  async setRemoteDescription(description) { this.remoteDescription = description; }
}

const server = createServer((request, response) => {
  request.resume().on('end', () => {
    if (request.method === 'PATCH') {
      response.writeHead(200, { 'content-type': 'application/trickle-ice-sdpfrag', etag: '"two"' });
      response.end(ice + media(candidate(1), candidate(2)));
    } else {
      response.writeHead(201, { 'content-type': 'application/sdp', location: '/session', etag: '"one"' });
      response.end(session + ice + media());
    }
  });
});
await new Promise((done) => server.listen(0, '127.0.0.1', done));
const connection = new Connection();
const client = new WHIPClient();
await client.publish(connection, `http://127.0.0.1:${server.address().port}/`);
await client.restart();
const lines = connection.remoteDescription.sdp.split(/\r\n/).filter((line) => line.includes('candidate:'));
console.log(lines.map((line) => line.split(' ')[0]).join(' | '));
process.exit(0);
JS
seen=$(node restart.mjs | tail -n 1)
echo "$seen"
[ "$seen" = 'a=candidate:1 | ,a=candidate:2' ] || { echo "changed"; exit 1; }
