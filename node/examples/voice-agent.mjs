// A voice agent: PCM in, PCM out. It listens until nobody has spoken for 300 ms, and answers. A speech model takes the
// place of `answerTo`; what calls it here is another connection of this process, which whistles and checks the answer.
import { AudioData, MediaStreamTrackGenerator, MediaStreamTrackProcessor, RTCPeerConnection } from 'duologue';

const RATE = 16_000;

/** Gives speech, one utterance at a time, as 16 kHz mono: whatever comes is 48 kHz. */
async function* utterances(track) {
  let speech = [];
  let quiet = 0;
  for await (const data of new MediaStreamTrackProcessor({ track, maxBufferSize: 100 }).readable) {
    const samples = new Float32Array(data.numberOfFrames);
    data.copyTo(samples, { planeIndex: 0, format: 'f32-planar' });
    const every = data.sampleRate / RATE;
    const loud = samples.some((sample) => Math.abs(sample) > 0.02);
    quiet = loud ? 0 : quiet + data.duration / 1000;
    data.close();
    if (loud || speech.length > 0) for (let i = 0; i < samples.length; i += every) speech.push(samples[i]);
    if (speech.length > 0 && quiet > 300) {
      yield Float32Array.from(speech);
      speech = [];
    }
  }
}

/** Says PCM on a track. The writer waits for the time that it takes to say it. */
class Voice {
  track = new MediaStreamTrackGenerator({ kind: 'audio' });
  #writer = this.track.writable.getWriter();
  #timestamp = 0;

  async say(samples) {
    const piece = RATE / 50;
    for (let i = 0; i + piece <= samples.length; i += piece) {
      const data = samples.slice(i, i + piece);
      const timestamp = (this.#timestamp += 20_000);
      await this.#writer.write(
        new AudioData({ format: 'f32', sampleRate: RATE, numberOfFrames: piece, numberOfChannels: 1, timestamp, data }),
      );
    }
  }
}

const whistle = (hertz, seconds) =>
  Float32Array.from({ length: RATE * seconds }, (_, i) => 0.3 * Math.sin((2 * Math.PI * hertz * i) / RATE));

/** How high a whistle is. */
function pitch(samples) {
  const rising = [];
  for (let i = 1; i < samples.length; i++) if (samples[i - 1] < 0 && samples[i] >= 0 && samples[i] - samples[i - 1] > 0.01) rising.push(i);
  const periods = rising.slice(1).map((at, i) => at - rising[i]).sort((a, b) => a - b);
  return Math.round(RATE / periods[Math.floor(periods.length / 2)]);
}

/** Where a model would be: it hears how high the whistle was, and answers an octave higher. */
const answerTo = async (speech) => whistle(2 * pitch(speech), 0.6);

const agent = new RTCPeerConnection();
agent.ontrack = async ({ track, transceiver }) => {
  transceiver.direction = 'sendrecv';
  const voice = new Voice();
  await transceiver.sender.replaceTrack(voice.track);
  for await (const speech of utterances(track)) await voice.say(await answerTo(speech));
};

const caller = new RTCPeerConnection();
const voice = new Voice();
const { receiver } = caller.addTransceiver(voice.track);
caller.onicecandidate = ({ candidate }) => agent.addIceCandidate(candidate);
agent.onicecandidate = ({ candidate }) => caller.addIceCandidate(candidate);
await caller.setLocalDescription();
await agent.setRemoteDescription(caller.localDescription);
await new Promise(setImmediate);
await agent.setLocalDescription();
await caller.setRemoteDescription(agent.localDescription);

const answers = utterances(receiver.track);
const connected = () => caller.connectionState === 'connected' && agent.connectionState === 'connected';
while (!connected()) await new Promise((resolve) => setTimeout(resolve, 20));
for (const hertz of [400, 500]) {
  const answer = answers.next();
  await voice.say(whistle(hertz, 0.6));
  const heard = pitch((await answer).value);
  console.log(`${hertz} Hz was asked, ${heard} Hz was answered`);
  if (Math.abs(heard - 2 * hertz) > 20) process.exitCode = 1;
}
caller.close();
agent.close();
