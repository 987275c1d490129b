// A call between a browser and this script: open the address that it prints.
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { json } from 'node:stream/consumers';
import { RTCPeerConnection } from 'duologue';

const page = readFileSync(new URL('browser.html', import.meta.url));
const server = createServer(async (request, response) => {
  if (request.method === 'GET') return response.setHeader('content-type', 'text/html').end(page);
  const pc = new RTCPeerConnection();
  pc.onconnectionstatechange = () => pc.connectionState === 'disconnected' && pc.close();
  pc.ondatachannel = ({ channel }) => {
    channel.onmessage = ({ data }) => console.log(`the browser says: ${data}`);
    channel.send('hello from the script');
  };
  await pc.setRemoteDescription(await json(request));
  await pc.setLocalDescription();
  while (pc.iceGatheringState !== 'complete') await new Promise((done) => (pc.onicegatheringstatechange = done));
  response.end(JSON.stringify(pc.localDescription));
});
server.listen(0, '127.0.0.1', () => console.log(`http://127.0.0.1:${server.address().port}/`));
