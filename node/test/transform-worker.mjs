// The worker of transform.test.mjs: does what the options say, and tells of it.
import { RTCEncodedVideoFrame, workerScope } from '../index.mjs';

workerScope.onrtctransform = async ({ transformer }) => {
  const { port, does } = transformer.options;
  const reader = transformer.readable.getReader();
  const writer = transformer.writable.getWriter();
  transformer.onkeyframerequest = (event) => {
    port.postMessage({ keyframerequest: event.rid });
    if (does === 'refuse') event.preventDefault();
  };
  port.on('message', async ({ call, argument }) => {
    try {
      port.postMessage({ value: await (call === 'cancel' ? reader : transformer)[call](argument) });
    } catch ({ name }) {
      port.postMessage({ name });
    }
  });
  port.postMessage({ started: true });
  for (;;) {
    const { value: frame, done } = await reader.read();
    if (done) return;
    if (does === 'invert') frame.data = Uint8Array.from(new Uint8Array(frame.data), (byte) => ~byte).buffer;
    if (does === 'bad') {
      await writer.write(null).catch(({ name }) => port.postMessage({ null: name }));
      await writer.write(frame).catch(({ name }) => port.postMessage({ frame: name }));
      return;
    }
    const { mimeType } = frame.getMetadata();
    const type = frame instanceof RTCEncodedVideoFrame ? frame.type : 'audio';
    const first = new Uint8Array(frame.data)[0];
    await writer.write(frame);
    if (does === 'twice') await writer.write(frame);
    port.postMessage({ type, mimeType, first, left: frame.data.byteLength });
  }
};
