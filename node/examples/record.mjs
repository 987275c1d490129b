// Records the camera of a browser as an IVF file, which ffplay and others play: open the address that
// it prints. The microphone's packets are counted only.
import { createWriteStream, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { json } from 'node:stream/consumers';
import { RTCPeerConnection } from 'duologue';

const [file = 'recording.ivf', wanted = 'Infinity'] = process.argv.slice(2);
const page = readFileSync(new URL('record.html', import.meta.url));

/** https://wiki.multimedia.cx/index.php/Duck_IVF: time stamps in the 90 kHz of RTP. */
function ivfHeader({ width, height }) {
  const header = Buffer.alloc(32);
  header.write('DKIF\0\0 \0VP80', 'latin1');
  header.writeUInt16LE(width, 12);
  header.writeUInt16LE(height, 14);
  header.writeUInt32LE(90_000, 16);
  header.writeUInt32LE(1, 20);
  return header;
}

async function record(receiver, finish) {
  const out = createWriteStream(file);
  const frames = receiver.frames();
  let count = 0;
  let first;
  // The first one is a key frame: it is asked for.
  for await (const frame of frames) {
    const { type, timestamp, data } = frame;
    if (first === undefined) {
      const { width, height } = frame.getMetadata();
      console.log(`recording ${width} x ${height} to ${file}`);
      out.write(ivfHeader({ width, height }));
      first = timestamp;
    }
    const header = Buffer.alloc(12);
    header.writeUInt32LE(data.byteLength);
    header.writeUInt32LE((timestamp - first) >>> 0, 4);
    out.write(header);
    out.write(Buffer.from(data));
    if (type === 'key') console.log(`key frame ${count}`);
    if (++count >= Number(wanted)) break;
  }
  out.end(() => finish(`${count} frames, ${frames.dropped} dropped`));
}

const server = createServer(async (request, response) => {
  if (request.method === 'GET') return response.setHeader('content-type', 'text/html').end(page);
  const pc = new RTCPeerConnection();
  pc.onconnectionstatechange = () => pc.connectionState === 'disconnected' && pc.close();
  let packets = 0;
  pc.ontrack = async ({ receiver, track, transceiver }) => {
    if (track.kind === 'video') {
      const { codecs } = receiver.constructor.getCapabilities('video');
      transceiver.setCodecPreferences(codecs.filter(({ mimeType }) => mimeType === 'video/VP8'));
      return record(receiver, (summary) => {
        console.log(`${summary}, ${packets} packets of sound`);
        pc.close();
        server.close();
        server.closeAllConnections();
      });
    }
    for await (const packet of receiver.packets()) packets += packet.payload.length > 0 ? 1 : 0;
  };
  await pc.setRemoteDescription(await json(request));
  await pc.setLocalDescription();
  while (pc.iceGatheringState !== 'complete') await new Promise((done) => (pc.onicegatheringstatechange = done));
  response.end(JSON.stringify(pc.localDescription));
});
server.listen(0, '127.0.0.1', () => console.log(`http://127.0.0.1:${server.address().port}/`));
