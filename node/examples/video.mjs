// Raw pictures both ways between two connections: one end draws, the other sends back the negative of what it sees.
// Between two hosts, `connect` is a signalling of your own.
import { MediaStreamTrackProcessor, RTCPeerConnection, VideoFrame, VideoTrackGenerator } from 'duologue';

const [WIDTH, HEIGHT] = [320, 240];

const caller = new RTCPeerConnection();
const callee = new RTCPeerConnection();

/** A bright square of this place on a dark ground, as I420. */
function draw(place) {
  const pixels = new Uint8Array((WIDTH * HEIGHT * 3) / 2).fill(128);
  pixels.fill(40, 0, WIDTH * HEIGHT);
  for (let y = 80; y < 160; y++) pixels.fill(220, y * WIDTH + 64 * place, y * WIDTH + 64 * (place + 1));
  return pixels;
}

const i420 = (data, timestamp) => new VideoFrame(data, { format: 'I420', codedWidth: WIDTH, codedHeight: HEIGHT, timestamp });

/** The callee: what is bright becomes dark. */
callee.ontrack = async ({ track, transceiver }) => {
  transceiver.direction = 'sendrecv';
  const negative = new VideoTrackGenerator();
  await transceiver.sender.replaceTrack(negative.track);
  const writer = negative.writable.getWriter();
  for await (const frame of new MediaStreamTrackProcessor({ track }).readable) {
    const pixels = new Uint8Array(frame.allocationSize());
    await frame.copyTo(pixels);
    for (let i = 0; i < WIDTH * HEIGHT; i++) pixels[i] = 255 - pixels[i];
    const answer = i420(pixels, frame.timestamp);
    frame.close();
    await writer.write(answer);
  }
};

/** The caller draws thirty pictures a second, with the square in another place every second. */
const drawing = new VideoTrackGenerator();
const { receiver } = caller.addTransceiver(drawing.track);
const writer = drawing.writable.getWriter();
let number = 0;
const timer = setInterval(() => {
  writer.write(i420(draw(Math.floor(number / 30) % 5), number++ * 33_333));
}, 33);

/** Where the dark square is in the answer, if it is one. */
async function darkIn(frame) {
  const pixels = new Uint8Array(frame.allocationSize());
  await frame.copyTo(pixels);
  frame.close();
  const row = [0, 1, 2, 3, 4].map((place) => pixels[120 * WIDTH + 64 * place + 32]);
  const dark = row.filter((brightness) => brightness < 60);
  return dark.length === 1 && row.every((brightness) => brightness < 60 || brightness > 190) ? row.indexOf(dark[0]) : null;
}

async function connect(a, b) {
  a.onicecandidate = ({ candidate }) => b.addIceCandidate(candidate);
  b.onicecandidate = ({ candidate }) => a.addIceCandidate(candidate);
  await a.setLocalDescription();
  await b.setRemoteDescription(a.localDescription);
  // The event that the track has come is the callee's turn.
  await new Promise(setImmediate);
  await b.setLocalDescription();
  await a.setRemoteDescription(b.localDescription);
}

await connect(caller, callee);
const seen = new Set();
for await (const frame of new MediaStreamTrackProcessor({ track: receiver.track }).readable) {
  const place = await darkIn(frame);
  if (place !== null) seen.add(place);
  if (seen.size === 2) break;
}
console.log(`the negative came back with its square in ${seen.size} places`);
clearInterval(timer);
caller.close();
callee.close();
