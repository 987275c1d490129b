/** Raw pictures and sound. */
import { AudioData, MediaStreamTrackGenerator, MediaStreamTrackProcessor, VideoFrame, VideoTrackGenerator } from 'duologue';
import nonstandard, { RTCAudioSink, RTCVideoSource } from 'duologue/nonstandard';

export async function look(track: MediaStreamTrack, show: (rgba: Uint8Array) => void): Promise<void> {
  for await (const frame of new MediaStreamTrackProcessor<VideoFrame>({ track }).readable) {
    const rgba = new Uint8Array(frame.allocationSize({ format: 'RGBA' } as VideoFrameCopyToOptions));
    await frame.copyTo(rgba, { format: 'RGBA' } as VideoFrameCopyToOptions);
    frame.close();
    show(rgba);
  }
}

export async function draw(connection: RTCPeerConnection, data: Uint8Array<ArrayBuffer>): Promise<void> {
  const generator = new VideoTrackGenerator();
  connection.addTrack(generator.track);
  const writer = generator.writable.getWriter();
  await writer.write(new VideoFrame(data, { format: 'NV12', codedWidth: 2, codedHeight: 2, timestamp: 0 }));
  // @ts-expect-error: sound is no picture
  await writer.write(new AudioData({ format: 'f32', sampleRate: 48000, numberOfFrames: 1, numberOfChannels: 1, timestamp: 0, data }));
}

export async function speak(connection: RTCPeerConnection, data: Int16Array<ArrayBuffer>): Promise<void> {
  const generator = new MediaStreamTrackGenerator({ kind: 'audio' });
  connection.addTrack(generator);
  const init: AudioDataInit = { format: 's16', sampleRate: 16000, numberOfFrames: data.length, numberOfChannels: 1, timestamp: 0, data };
  await generator.writable.getWriter().write(new AudioData(init));
}

/** A program of `wrtc`. */
export function relay(track: MediaStreamTrack): MediaStreamTrack {
  const source = new nonstandard.RTCAudioSource();
  const sink = new RTCAudioSink(track);
  sink.ondata = ({ samples, sampleRate }) => source.onData({ samples, sampleRate });
  new RTCVideoSource({ isScreencast: true }).onFrame({ width: 2, height: 2, data: new Uint8ClampedArray(6) });
  return source.createTrack();
}
