/** `MediaDevices`, mediacapture-streams §9.1 and §10, over the devices of the core. */
import { native } from '../binding.js';
import { OverconstrainedError } from '../errors.js';
import { DeviceChangeEvent } from '../events/device-change-event.js';
import { type End, ends } from '../flow/ends.js';
import * as shapes from '../idl/interfaces.js';
import type { MediaDeviceKind, MediaStreamConstraints } from '../idl/types.js';
import { assertInternal, defineInterface, type EventHandler, internal } from '../webidl/index.js';
import { supportedConstraints } from './constraint-types.js';
import { InputDeviceInfo, MediaDeviceInfo } from './device-info.js';
import { DeviceSource, type Refusal, askedInVain, jsonOf } from './device-source.js';
import type { Kind } from './source.js';
import { MediaStream } from './stream.js';
import { createTrack } from './track.js';

/** A device as the core tells of it. */
export interface DeviceIdentity {
  readonly deviceId: string;
  readonly kind: MediaDeviceKind;
  readonly label: string;
  readonly groupId: string;
}

/** What is told of devices: of a kind that was not captured no more than that there is one (§9.1). */
function shown(all: readonly DeviceIdentity[], captured: Record<Kind, boolean>): MediaDeviceInfo[] {
  const out: MediaDeviceInfo[] = [];
  for (const device of all) {
    const { kind } = device;
    if (kind === 'audiooutput') {
      // Outputs are told of with the microphone only.
      if (captured.audio) out.push(new MediaDeviceInfo(internal, device));
      continue;
    }
    const of = kind === 'audioinput' ? 'audio' : 'video';
    const known = captured[of];
    if (!known && out.some((it) => it.kind === kind)) continue;
    out.push(new InputDeviceInfo(internal, known ? device : { deviceId: '', groupId: '', label: '', kind }, device.deviceId, of));
  }
  return out;
}

const list = (json: string): DeviceIdentity[] => JSON.parse(json) as DeviceIdentity[];

function thrown({ name, message, constraint }: Refusal): Error {
  if (name === 'OverconstrainedError') return new OverconstrainedError(constraint ?? '', message);
  return name === 'TypeError' ? new TypeError(message) : new DOMException(message, name);
}

export class MediaDevices extends EventTarget {
  /** Whether this kind was captured: only then is more told than that there is such a device. */
  readonly #captured = { audio: false, video: false };
  #changes: Changes | null = null;
  declare ondevicechange: EventHandler<MediaDevices>;

  constructor(token: typeof internal) {
    assertInternal(token);
    super();
    // Nothing of the core is asked for before somebody asks for devices.
    const add = super.addEventListener.bind(this);
    const addEventListener = (...args: Parameters<EventTarget['addEventListener']>): void => {
      add(...args);
      if (args[0] === 'devicechange') this.#watch();
    };
    Object.defineProperty(this, 'addEventListener', { value: addEventListener, writable: true, configurable: true });
  }

  async enumerateDevices(): Promise<MediaDeviceInfo[]> {
    await new Promise(setImmediate);
    this.#watch();
    return shown(list(native.enumerateDevices()), this.#captured);
  }

  getSupportedConstraints(): object {
    return supportedConstraints();
  }

  async getUserMedia(constraints: MediaStreamConstraints): Promise<MediaStream> {
    const { audio, video, peerIdentity } = constraints;
    if (audio === false && video === false) throw new TypeError('Neither audio nor video is requested');
    for (const [kind, request] of Object.entries({ audio, video })) {
      const inVain = typeof request === 'object' && askedInVain(kind as Kind, request);
      if (inVain) throw new OverconstrainedError(inVain, 'No device does it');
    }
    const opened = await native.capture(jsonOf({ audio, video }));
    if (typeof opened === 'string') throw thrown(JSON.parse(opened) as Refusal);
    this.#watch();
    const tracks = opened.map((it) => {
      const source = new DeviceSource(it);
      const constraints = { audio, video }[source.kind];
      // webrtc-identity §9: only that peer may get the media.
      const isolation = peerIdentity === undefined ? {} : { isolated: true, peerIdentity };
      return createTrack(source, { ...isolation, ...(typeof constraints === 'object' && { constraints }) });
    });
    for (const { kind } of tracks) this.#captured[kind] = true;
    return new MediaStream(tracks);
  }

  #watch(): void {
    this.#changes ??= new Changes((inserted) => {
      const devices = shown(list(native.enumerateDevices()), this.#captured);
      const added = new Set(inserted.map(({ deviceId }) => deviceId));
      const userInsertedDevices = devices.filter(({ deviceId }) => added.has(deviceId));
      this.dispatchEvent(new DeviceChangeEvent('devicechange', { devices, userInsertedDevices }));
    });
  }

  static {
    defineInterface(this, (o) => #captured in o, shapes.MediaDevices);
  }
}

/** The list of devices, as it changes: told are those that are new. */
class Changes implements End {
  readonly #tell: (inserted: readonly DeviceIdentity[]) => void;
  readonly #native = native.watchDevices(ends.hub, ends.add(this));

  constructor(tell: (inserted: readonly DeviceIdentity[]) => void) {
    this.#tell = tell;
    this.changed();
  }

  changed(): void {
    for (let inserted; (inserted = this.#native.take()); ) this.#tell(list(inserted));
  }
}

/** What a browser has as `navigator.mediaDevices`. */
export const mediaDevices = new MediaDevices(internal);
