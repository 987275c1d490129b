/** A program written for the browser: its types come from lib.dom.d.ts, its objects from duologue. */
import { Endpoint, MediaStream, RTCCertificate, RTCPeerConnection, mediaDevices } from 'duologue';

export async function call(send: (message: string) => void): Promise<RTCPeerConnection> {
  const connection = new RTCPeerConnection({
    iceServers: [{ urls: ['turn:turn.example.org'], username: 'u', credential: 'c' }],
    bundlePolicy: 'max-bundle',
  });
  connection.onicecandidate = ({ candidate }) => send(JSON.stringify({ candidate }));
  connection.addEventListener('track', (event) => {
    const stream: MediaStream | undefined = event.streams[0];
    event.track.onunmute = () => send(`${event.transceiver.mid} ${stream?.id}`);
  });
  connection.addEventListener('datachannel', ({ channel }) => {
    channel.binaryType = 'arraybuffer';
    channel.onmessage = (event: MessageEvent<string>) => channel.send(event.data);
  });

  const stream = await mediaDevices.getUserMedia({ audio: true, video: { width: { ideal: 640 } } });
  for (const track of stream.getTracks()) connection.addTrack(track, stream);
  const channel: RTCDataChannel = connection.createDataChannel('chat', { ordered: false, maxRetransmits: 0 });
  channel.send(new Uint8Array(4));

  await connection.setLocalDescription();
  send(JSON.stringify(connection.localDescription));
  const report: RTCStatsReport = await connection.getStats();
  report.forEach((stats: RTCStats) => send(stats.type));
  return connection;
}

/** A library that takes a browser's class takes ours. */
export class Library {
  constructor(readonly Implementation: typeof globalThis.RTCPeerConnection) {}
  open(): globalThis.RTCPeerConnection {
    return new this.Implementation();
  }
}
export const library = new Library(RTCPeerConnection);

/** A server chooses its port. */
const endpoint = new Endpoint({ sharedPort: 3478, tcp: { passive: true }, externalAddresses: ['192.0.2.1'] });
export const onEndpoint: globalThis.RTCPeerConnection = new RTCPeerConnection({ bundlePolicy: 'max-bundle' }, { endpoint, decodeUnread: false });
export const port: number | null = endpoint.sharedPort;
export class ServerConnection extends RTCPeerConnection {
  constructor(configuration?: RTCConfiguration) {
    super(configuration, { endpoint });
  }
}
new Library(ServerConnection).open().close();
// @ts-expect-error: an endpoint has no such option
new Endpoint({ port: 3478 });

/** A server keeps its certificate. */
export async function kept(read: () => string, write: (pem: string) => void): Promise<globalThis.RTCCertificate> {
  const made = await RTCPeerConnection.generateCertificate({ name: 'ECDSA', namedCurve: 'P-256' } as EcKeyGenParams);
  write(made.toPem());
  return RTCCertificate.fromPem(read());
}
