#!/usr/bin/env bash
# whip-whep 1.2.0: its WHEP client trickles without If-Match, its WHIP client does not.
#
# RFC 9725 §4.3.1 has a client name the session's entity tag in each PATCH; a server that insists refuses
# one without it (428 of RFC 6585), and the WHEP draft has taken this over. Both clients of this package send
# candidates by the same code, but only publish() reads the ETag of the 201; view() learns one by its first
# restart. A WHEP server that insists never gets this client's candidates.
#
# Seen on 2026-11-29 (If-Match of the first PATCH):
#   publish "one", view none
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm init -y >/dev/null
npm install --no-audit --no-fund --silent whip-whep@1.2.0
cat >trickle.mjs <<'JS'
import { createServer } from 'node:http';
import { WHIPClient } from 'whip-whep/whip.js';
import { WHEPClient } from 'whip-whep/whep.js';

const sdp = ['v=0', 'o=- 1 1 IN IP4 127.0.0.1', 's=-', 't=0 0', 'm=audio 9 UDP/TLS/RTP/SAVPF 111', 'c=IN IP4 0.0.0.0',
  'a=mid:0', 'a=ice-ufrag:abcd', 'a=ice-pwd:abcdefghijklmnopqrstuvwx', ''].join('\r\n');
const candidate = { candidate: 'candidate:1 1 udp 2130706431 127.0.0.1 9 typ host', sdpMid: '0', sdpMLineIndex: 0 };

// What the clients use of a browser's connection.
class Connection {
  getTransceivers() { return [{ mid: '0', receiver: { track: { kind: 'audio' } } }]; }
  getConfiguration() { return {}; }
  async createOffer() { return { type: 'offer', sdp }; }
  async setLocalDescription() { this.onicecandidate({ candidate }); }
  async setRemoteDescription() {}
}

let told;
const server = createServer((request, response) => {
  request.resume().on('end', () => {
    if (request.method === 'PATCH') {
      response.writeHead(204).end();
      told(request.headers['if-match'] ?? 'none');
    } else {
      response.writeHead(201, { 'content-type': 'application/sdp', location: '/session', etag: '"one"' }).end(sdp);
    }
  });
});
await new Promise((done) => server.listen(0, '127.0.0.1', done));
const url = `http://127.0.0.1:${server.address().port}/`;
const seen = [];
for (const [Client, start] of [[WHIPClient, 'publish'], [WHEPClient, 'view']]) {
  const patched = new Promise((done) => { told = done; });
  await new Client()[start](new Connection(), url);
  seen.push(`${start} ${await patched}`);
}
console.log(seen.join(', '));
process.exit(0);
JS
seen=$(node trickle.mjs | tail -n 1)
echo "$seen"
[ "$seen" = 'publish "one", view none' ] || { echo "changed"; exit 1; }
