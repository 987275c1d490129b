/** A program of 2014. */
import { RTCPeerConnection } from 'duologue';
import { MediaStreamEvent } from 'duologue/legacy';

export function call(stream: MediaStream, show: (stream: MediaStream | null) => void): void {
  const pc = new RTCPeerConnection();
  pc.onaddstream = (event: MediaStreamEvent) => show(event.stream);
  pc.addStream(stream);
  pc.getStats((report) => report.size);
  pc.createOffer((offer) => void pc.setLocalDescription(offer), (error) => show(error.message === '' ? null : stream));
  const tone: RTCDTMFSender = pc.createDTMFSender(stream.getAudioTracks()[0] as MediaStreamTrack);
  tone.insertDTMF('1');
  pc.dispatchEvent(new MediaStreamEvent('addstream', { stream }));
}
