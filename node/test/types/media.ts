/** Frames and packets of a server, and a worker that changes them. */
import { KeyFrameRequestEvent, RTCPeerConnection, RTCRtpScriptTransform, type RtpPacketInit, workerScope } from 'duologue';

/** As `@types/node` has it. */
interface Worker {
  postMessage(value: any, transferList?: readonly object[]): void;
  terminate(): Promise<number>;
}

export async function forward(from: RTCPeerConnection, to: RTCPeerConnection, worker: Worker): Promise<void> {
  const { sender } = to.addTransceiver('video');
  sender.transform = new RTCRtpScriptTransform(worker, { operation: 'encrypt' });
  const receiver = from.getReceivers()[0] as RTCRtpReceiver;
  const writer = sender.frames();
  writer.onkeyframerequest = (event: KeyFrameRequestEvent) => receiver.sendKeyFrameRequest(event.rid === null ? 0 : 1);
  writer.addEventListener('keyframerequest', () => receiver.sendKeyFrameRequest());
  for await (const frame of receiver.frames()) {
    if ('type' in frame && frame.type === 'key') await writer.ready();
    const left: number = writer.send([frame, { data: new Uint8Array(3), timestamp: 5, type: 'delta' }]);
    if (left < 2 && writer.queued > 5) break;
  }
  await receiver.frames().readable.pipeTo(writer.writable);

  const packets = receiver.packets();
  const batch: RtpPacketInit[] = await packets.recvMany(16);
  await sender.packets().sendAll(batch);
  if (packets.dropped > 0) packets.close();
}

if (workerScope) {
  workerScope.onrtctransform = async ({ transformer }) => {
    const { operation } = transformer.options as { operation: string };
    transformer.onkeyframerequest = (event) => event.preventDefault();
    if (operation === 'encrypt') await transformer.generateKeyFrame();
    await transformer.readable.pipeTo(transformer.writable);
  };
}

// @ts-expect-error: a frame has a time stamp
void ((pc: RTCPeerConnection) => pc.getSenders()[0]?.frames().send([{ data: new Uint8Array(1) }]));
