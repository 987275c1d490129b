/** `MediaDevices`, mediacapture-streams §9.1 and §10, over fake devices. */
import { OverconstrainedError } from '../errors.js';
import * as shapes from '../idl/interfaces.js';
import type { MediaStreamConstraints, MediaTrackConstraints } from '../idl/types.js';
import { assertInternal, defineInterface, type EventHandler, internal } from '../webidl/index.js';
import { supportedConstraints } from './constraint-types.js';
import { InputDeviceInfo, MediaDeviceInfo } from './device-info.js';
import { type DeviceIdentity, type Source, camera, microphone, speaker } from './source.js';
import { MediaStream } from './stream.js';
import { type MediaStreamTrack, createTrack } from './track.js';

type Request = MediaStreamConstraints['video'];

/** §9.1: what is told of a device before its kind is captured. */
const UNKNOWN_DEVICE: DeviceIdentity = { deviceId: '', groupId: '', label: '' };

function identityOf(source: Source): DeviceIdentity {
  const { deviceId, groupId } = source.defaults;
  return { deviceId: String(deviceId), groupId: String(groupId), label: source.label };
}

/** Opens a device as a track, or throws what `getUserMedia` rejects with. */
function openTrack(source: Source, request: Request): MediaStreamTrack | null {
  if (request === false) return null;
  const constraints: MediaTrackConstraints = request === true ? {} : request;
  const selection = source.select(constraints);
  if ('failedConstraint' in selection) {
    throw new OverconstrainedError(selection.failedConstraint, 'No device satisfies the constraint');
  }
  return createTrack(source, { constraints, settings: selection.settings });
}

export class MediaDevices extends EventTarget {
  /** Whether this kind was captured: only then is more told than that there is such a device. */
  readonly #captured = { audio: false, video: false };
  declare ondevicechange: EventHandler<MediaDevices>;

  constructor(token: typeof internal) {
    assertInternal(token);
    super();
  }

  async enumerateDevices(): Promise<MediaDeviceInfo[]> {
    await new Promise(setImmediate);
    const { audio, video } = this.#captured;
    const shown = (captured: boolean, identity: DeviceIdentity) => (captured ? identity : UNKNOWN_DEVICE);
    const inputs = [
      new InputDeviceInfo(internal, 'audioinput', shown(audio, identityOf(microphone)), microphone),
      new InputDeviceInfo(internal, 'videoinput', shown(video, identityOf(camera)), camera),
    ];
    // Outputs are told of with the microphone only.
    return audio ? [...inputs, new MediaDeviceInfo(internal, 'audiooutput', speaker)] : inputs;
  }

  getSupportedConstraints(): object {
    return supportedConstraints();
  }

  async getUserMedia(constraints: MediaStreamConstraints): Promise<MediaStream> {
    const { audio, video, peerIdentity } = constraints;
    if (audio === false && video === false) throw new TypeError('Neither audio nor video is requested');
    // webrtc-identity §9: only that peer may get the media, and no peer's identity can be verified.
    if (peerIdentity !== undefined) throw new DOMException('Media cannot be isolated', 'NotSupportedError');
    await new Promise(setImmediate);
    const tracks = [openTrack(microphone, audio), openTrack(camera, video)].filter((t) => t !== null);
    for (const { kind } of tracks) this.#captured[kind] = true;
    return new MediaStream(tracks);
  }

  static {
    defineInterface(this, (o) => #captured in o, shapes.MediaDevices);
  }
}

/** What a browser has as `navigator.mediaDevices`. */
export const mediaDevices = new MediaDevices(internal);
